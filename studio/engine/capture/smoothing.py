"""Smoothing without lag, as strong as the data's own noise asks for.

A curve is taken for a motion whose acceleration is random, seen through white noise. Both are measured on the curve
itself; the most likely motion is then one banded solve (Whittaker's smoother, which a Kalman smoother equals).
Stillness and sudden motions are both met: how much acceleration is expected follows from what is found nearby. Samples
need not be evenly spaced: pictures taken from a video of another rate are not.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solveh_banded
from scipy.ndimage import uniform_filter1d

F64 = NDArray[np.float64]
Flags = NDArray[np.bool_]

_ROUNDS = 4
_NEAR = 9
"""Samples over which acceleration is averaged."""

_STILL = 0.04
"""Least expected acceleration, over the noise: bounds how much a still curve is smoothed, to about 15 samples."""


def noise_of(values: F64, times: F64 | None = None) -> float:
    """Standard deviation of the white noise on a curve (F,), from its third differences; 0 when it is too short."""
    if len(values) < 8:
        return 0.0
    rows = _differences(np.arange(len(values), dtype=np.float64) if times is None else times, 3)
    found = np.einsum("ij,ij->i", rows, np.lib.stride_tricks.sliding_window_view(values, 4))
    return float(1.4826 * np.median(np.abs(found) / np.linalg.norm(rows, axis=1)))


def smooth(
    values: F64, good: Flags | None = None, times: F64 | None = None, *, noise: F64 | float | None = None
) -> F64:
    """The most likely motion behind a noisy curve.

    Args:
        values: (F,) or (F, C); what stands where `good` is false does not matter, not even nan.
        good: (F,) which samples were seen; the others are bridged.
        times: (F,) when samples were taken, in any unit, never falling; evenly if left out.
        noise: standard deviation of the noise where it is known better, for each column; never less than measured.

    Returns:
        The same shape.
    """
    if values.ndim == 2:
        each = np.broadcast_to(0.0 if noise is None else noise, values.shape[1:])
        columns = zip(values.T, each, strict=True)
        return np.stack([smooth(column, good, times, noise=float(least)) for column, least in columns], axis=1)
    n = len(values)
    seen = np.isfinite(values) if good is None else good & np.isfinite(values)
    t = np.arange(n, dtype=np.float64) if times is None else times - times[0]
    if times is not None:  # in samples; equal moments are pushed apart a little
        step = max(float(np.median(np.diff(t))), 1e-9) if n > 1 else 1.0
        t = t / step
        t = np.maximum.accumulate(t + 1e-3 * np.arange(n) / max(n, 1))
        t += np.concatenate([[0.0], np.cumsum(np.diff(t) < 0.05) * 0.05])
    if n < 8 or seen.sum() < 8:
        return _bridged(values, seen, t)
    filled = _bridged(values, seen, t)
    sigma = max(noise_of(filled[seen], t[seen]), 0.0 if noise is None else float(noise))
    if sigma <= 1e-9 * max(float(np.abs(filled).max()), 1e-9):
        return filled
    rows = _differences(t, 2)
    bend = np.einsum("ij,ij->i", rows, np.lib.stride_tricks.sliding_window_view(filled, 3))
    expected = np.full(n - 2, max(float(np.mean(bend**2)) - 6 * sigma**2, (_STILL * sigma) ** 2))
    out = filled
    for _ in range(_ROUNDS):
        out = _solve(filled, seen.astype(np.float64), rows, sigma**2 / expected)
        bend = np.einsum("ij,ij->i", rows, np.lib.stride_tricks.sliding_window_view(out, 3))
        nearby = uniform_filter1d(bend**2, min(_NEAR, n - 2), mode="nearest")
        expected = np.maximum(nearby, 0.0) + (_STILL * sigma) ** 2  # its running sum may end a little below zero
    return out


def _differences(times: F64, order: int) -> F64:
    """(F - order, order + 1) weights of divided differences; the ordinary ones where samples are evenly spaced."""
    window = np.lib.stride_tricks.sliding_window_view(times, order + 1)
    gaps = window[:, :, None] - window[:, None, :]
    gaps[:, np.arange(order + 1), np.arange(order + 1)] = 1.0
    step = np.median(np.diff(times)) if len(times) > 1 else 1.0
    factorial = float(np.prod(np.arange(1, order + 1)))
    return np.asarray(factorial * step**order / np.prod(gaps, axis=2))


def _bridged(values: F64, seen: Flags, times: F64) -> F64:
    """(F,) with linear bridges where nothing was seen; zero without any sample."""
    if seen.all():
        return values.astype(np.float64)
    if not seen.any():
        return np.zeros(len(values))
    return np.interp(times, times[seen], values[seen])


def _solve(values: F64, weights: F64, rows: F64, tension: F64) -> F64:
    """Minimises Σ w (x - y)² + Σ tension (row · x)²; rows (F - 2, 3)."""
    n = len(values)
    weights = np.maximum(weights, 1e-9)
    bands = np.zeros((3, n))  # upper form: row 2 diagonal, row 1 first, row 0 second off-diagonal
    bands[2] = weights
    for i in range(3):
        for j in range(i, 3):
            bands[2 - (j - i), j : n - 2 + j] += tension * rows[:, i] * rows[:, j]
    return np.asarray(solveh_banded(bands, weights * values))
