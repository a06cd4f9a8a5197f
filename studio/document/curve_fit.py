"""Simplification with a guaranteed error, and curves from recorded movements.

A smooth curve through few of the original keys replaces the rest. Its slopes at the kept keys are the least-squares
ones; where the difference exceeds the tolerance a key is taken back, until none does. The difference on each original
segment is a polynomial of degree nine at most (a cubic of the cubic that time is); its Bernstein coefficients bound
it (convex hull property), so the tolerance holds at every moment, not only at samples.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import BPoly
from scipy.linalg import solveh_banded

from studio.document.curve_tools import Edited
from studio.document.curves import SAME_TIME_S, Curve, Floats, Handle, Indices, Interpolation

Bools = NDArray[np.bool_]

_DEGREE = 9
_PIECES = 2
"""Each original segment is bounded in this many parts: the bound then exceeds the true maximum by a few per cent."""

_ROUNDING = 1e-9
"""Differences this small are rounding: a straight line of many keys becomes two keys at tolerance zero."""

_FIT_AT = np.array([0.1, 0.3, 0.5, 0.7, 0.9])
_PATIENCE = 24
"""After this many rounds spans are halved rather than split at their worst key, which bounds the rounds."""


def simplify(curve: Curve, tolerance: float, selected: ArrayLike | None = None) -> Edited:
    """The curve with fewer keys, nowhere further than `tolerance` from it.

    Args:
        curve: The curve.
        tolerance: Largest difference in value at any moment.
        selected: Keys that may go, all by default. Others stay with the segments between them, and so do the first
            and last key and the ends of constant segments.

    Returns:
        The new curve and where the selected keys that stayed are in it.

    Raises:
        ValueError: The tolerance is negative or not a number.
    """
    if not tolerance >= 0:
        raise ValueError(f"the tolerance is {tolerance}, expected zero or more")
    n = len(curve)
    chosen = np.zeros(n, bool)
    chosen[np.arange(n) if selected is None else np.asarray(selected, np.int64)] = True
    if n < 3 or not chosen.any():
        return Edited(curve, np.flatnonzero(chosen))
    hold = curve.interpolations[:-1] == Interpolation.CONSTANT
    keep = ~chosen
    keep[[0, -1]] = True
    keep[:-1] |= hold
    keep[1:] |= hold
    locked = hold | ~(chosen[:-1] | chosen[1:])
    fit = _Fit.of(curve)
    rounds = 0
    while True:
        kept = np.flatnonzero(keep)
        slopes = fit.slopes(kept, locked)
        bad = fit.split(kept, slopes, locked, tolerance, halve=rounds >= _PATIENCE)
        if bad is None and keep.all():
            return Edited(curve, np.flatnonzero(chosen))
        if bad is None:
            return Edited(fit.result(kept, slopes, locked), np.flatnonzero(chosen[kept]))
        keep[bad[0]] = True
        locked[bad[1]] = True
        rounds += 1


def curve_from_recording(times_s: ArrayLike, values: ArrayLike, tolerance: float) -> Curve:
    """A simplified curve of a recorded movement; of samples at the same moment the last counts.

    Args:
        times_s: (n,) seconds in any order.
        values: (n,)
        tolerance: Largest difference from the straight lines between the samples.
    """
    times, recorded = np.asarray(times_s, np.float64), np.asarray(values, np.float64)
    order = np.argsort(times, kind="stable")
    times, recorded = times[order], recorded[order]
    last = np.append(np.diff(times) >= SAME_TIME_S, True) if len(times) else np.zeros(0, bool)
    return simplify(Curve.from_samples(times[last], recorded[last]), tolerance).curve


@dataclass(frozen=True)
class _Fit:
    """Samples of the original for fitting and bounding, prepared once."""

    curve: Curve
    fit_times: Floats  # (n - 1, 5) seconds
    fit_values: Floats  # (n - 1, 5)
    node_times: Floats  # (n - 1, pieces, 10) seconds at the nodes that determine a polynomial of degree nine
    node_values: Floats  # (n - 1, pieces, 10)

    @classmethod
    def of(cls, curve: Curve) -> _Fit:
        nodes = (_NODES[None, :] + np.arange(_PIECES)[:, None]) / _PIECES
        return cls(curve, *_points(curve, _FIT_AT), *_points(curve, nodes))

    def slopes(self, kept: Indices, locked: Bools) -> Floats:
        """(m,) slopes at the kept keys: least squares over all spans that are fitted."""
        m = len(kept)
        start, length, base, rise = self._spans(kept)
        span = _span_of_segment(kept)
        free = ~_whole(kept, locked)[span]
        u = (self.fit_times - start[span, None]) / length[span, None]
        first, second = _slope_bases(u)
        rest = self.fit_values - (base[span, None] + rise[span, None] * _rise_basis(u))
        weight = np.where(free, np.diff(self.curve.times_s), 0.0)[:, None]
        first, second = first * length[span, None], second * length[span, None]
        bands = np.zeros((2, m))
        right = np.zeros(m)
        np.add.at(bands[1], span, (weight * first * first).sum(1))
        np.add.at(bands[1], span + 1, (weight * second * second).sum(1))
        np.add.at(bands[0], span + 1, (weight * first * second).sum(1))
        np.add.at(right, span, (weight * first * rest).sum(1))
        np.add.at(right, span + 1, (weight * second * rest).sum(1))
        # A key between two unfitted spans has no equation; a span of two keys on a line leaves only rounding.
        bands[1] = bands[1] * (1 + 1e-12) + 1e-300
        scale = 1 / np.sqrt(bands[1])
        bands[0, 1:] *= scale[1:] * scale[:-1]
        bands[1] = 1.0
        result: Floats = solveh_banded(bands * np.array([[1 - 1e-12], [1.0]]), right * scale) * scale
        return result

    def split(
        self,
        kept: Indices,
        slopes: Floats,
        locked: Bools,
        tolerance: float,
        halve: bool,
    ) -> tuple[Indices, Indices] | None:
        """Keys to take back and segments to leave as they were; None when the tolerance holds everywhere."""
        span = _span_of_segment(kept)
        whole = _whole(kept, locked)
        error = self.node_values - self._value(self.node_times, span, kept, slopes)
        bound = np.abs(error @ _TO_BERNSTEIN.T).max(axis=(1, 2))
        bound[whole[span]] = 0.0
        worst = np.maximum.reduceat(bound, kept[:-1])
        failing = np.flatnonzero(worst > tolerance + _ROUNDING)
        if not len(failing):
            return None
        pairs = failing[kept[failing + 1] == kept[failing] + 1]
        longer = failing[kept[failing + 1] > kept[failing] + 1]
        middles = (kept[longer] + kept[longer + 1]) // 2
        if not halve:
            at_key = np.abs(error[:, 0, 0])
            at_key[kept[:-1]] = -1.0
            for i, row in enumerate(longer):
                inside = slice(kept[row] + 1, kept[row + 1])
                if at_key[inside].max() > tolerance / 2:
                    middles[i] = kept[row] + 1 + int(np.argmax(at_key[inside]))
        return middles, kept[pairs]

    def result(self, kept: Indices, slopes: Floats, locked: Bools) -> Curve:
        """The curve of the kept keys; spans that are whole original segments keep their handles."""
        curve = self.curve
        whole = _whole(kept, locked)
        _, length, _, _ = self._spans(kept)
        left, right = (side[kept].copy() for side in curve.effective_handles)
        kinds = curve.interpolations[kept].copy()
        fitted = np.flatnonzero(~whole)
        right[fitted] = np.stack([length / 3, slopes[:-1] * length / 3], 1)[fitted]
        left[fitted + 1] = np.stack([-length / 3, -slopes[1:] * length / 3], 1)[fitted]
        kinds[fitted] = Interpolation.BEZIER
        before, after = np.append(True, whole), np.append(whole, True)
        handles = np.where(before & after, curve.handles[kept], Handle.FREE).astype(np.uint8)
        smooth = ~(before & after) & (~before | (np.arange(len(kept)) == 0)) & (~after | (kept == len(curve) - 1))
        handles[smooth] = Handle.ALIGNED
        # An automatic key whose neighbours stayed computes the handles it had; beside a fitted span it is fixed above.
        return Curve(curve.times_s[kept], curve.values[kept], kinds, handles, left, right)

    def _spans(self, kept: Indices) -> tuple[Floats, Floats, Floats, Floats]:
        times, values = self.curve.times_s[kept], self.curve.values[kept]
        return times[:-1], np.diff(times), values[:-1], np.diff(values)

    def _value(self, times_s: Floats, span: Indices, kept: Indices, slopes: Floats) -> Floats:
        """The fitted cubic of each segment's span at `times_s` (n - 1, …)."""
        start, length, base, rise = (array[span][:, None, None] for array in self._spans(kept))
        u = (times_s - start) / length
        first, second = _slope_bases(u)
        before, after = slopes[:-1][span][:, None, None], slopes[1:][span][:, None, None]
        result: Floats = base + rise * _rise_basis(u) + length * (before * first + after * second)
        return result


def _points(curve: Curve, s: Floats) -> tuple[Floats, Floats]:
    """Times and values of each segment at Bezier parameters `s`, (n - 1, *s.shape) each."""
    rows = curve.segments[1:-1].reshape(-1, 8, *[1] * s.ndim)
    span = 1 / rows[:, 1]
    r = 1 - s
    times: Floats = rows[:, 0] + span * (3 * r * r * s * rows[:, 2] + 3 * r * s * s * rows[:, 3] + s * s * s)
    values: Floats = (
        r * r * r * rows[:, 4] + 3 * r * r * s * rows[:, 5] + 3 * r * s * s * rows[:, 6] + s * s * s * rows[:, 7]
    )
    return times, values


def _span_of_segment(kept: Indices) -> Indices:
    """(n - 1,) the span between kept keys that each original segment lies in."""
    return np.repeat(np.arange(len(kept) - 1), np.diff(kept))


def _whole(kept: Indices, locked: Bools) -> Bools:
    """(m - 1,) whether a span is one original segment that keeps its shape."""
    result: Bools = (np.diff(kept) == 1) & locked[kept[:-1]]
    return result


def _rise_basis(u: Floats) -> Floats:
    result: Floats = u * u * (3 - 2 * u)
    return result


def _slope_bases(u: Floats) -> tuple[Floats, Floats]:
    """Hermite bases of the slopes at both ends, for a span of length one."""
    return u * (1 - u) * (1 - u), -u * u * (1 - u)


def _nodes() -> tuple[Floats, Floats]:
    """Nodes in [0, 1] and the matrix from a polynomial's values there to its Bernstein coefficients."""
    nodes: Floats = (1 - np.cos(np.pi * np.arange(_DEGREE + 1) / _DEGREE)) / 2
    basis = BPoly(np.eye(_DEGREE + 1)[:, None, :], np.array([0.0, 1.0]))
    matrix: Floats = np.asarray(np.linalg.inv(basis(nodes)), np.float64)
    return nodes, matrix


_NODES, _TO_BERNSTEIN = _nodes()
