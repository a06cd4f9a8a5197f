"""The mathematics of Bezier segments that run forward in time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_SOLVED = 1e-15
_NEWTON_STEPS = 24
_BISECTION_STEPS = 60


def parameter(x: Floats, x1: Floats, x2: Floats) -> Floats:
    """Bezier parameter s with x(s) = x for control times 0, x1, x2, 1, all in [0, 1]; arrays of one shape.

    Within those bounds x(s) is monotone. Newton's method inside a shrinking bracket; what is not solved after a few
    steps (a vertical tangent) is bisected. Handles of a third make x(s) = s, which costs one evaluation.
    """
    s: Floats = x.copy()
    low, high = np.zeros_like(x), np.ones_like(x)
    c1, c2 = 3 * x1, 3 * x2
    for step in range(_NEWTON_STEPS + _BISECTION_STEPS):
        r = 1 - s
        error = r * r * s * c1 + r * s * s * c2 + s * s * s - x
        if not error.size or np.abs(error).max() < _SOLVED:
            break
        low = np.where(error < 0, s, low)
        high = np.where(error > 0, s, high)
        middle = (low + high) / 2
        if step < _NEWTON_STEPS:
            slope = r * r * c1 + 2 * r * s * (c2 - c1) + s * s * (3 - c2)
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                newton = s - error / slope
            middle = np.where((newton > low) & (newton < high), newton, middle)
        s = np.where(np.abs(error) < _SOLVED, s, middle)
    return s


def clamped_slopes(span: Floats, rise: Floats, hold: NDArray[np.bool_]) -> Floats:
    """(n,) slopes at keys for segments of lengths `span` (n - 1,) and value changes `rise`; flat beside a hold."""
    slopes = np.zeros(len(span) + 1)
    secant = np.where(hold, 0.0, rise / span)
    before, after = secant[:-1], secant[1:]
    weight_before, weight_after = 2 * span[1:] + span[:-1], span[1:] + 2 * span[:-1]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        mean = (weight_before + weight_after) / (weight_before / before + weight_after / after)
    slopes[1:-1] = np.where((before * after > 0) & np.isfinite(mean), mean, 0.0)
    return slopes
