"""Animation curves: immutable keys over time, evaluated exactly.

A `Curve` is a function of time in seconds, given by keys. Between two keys it is constant, linear or a cubic Bezier
segment; before the first and after the last key it keeps that key's value. Curves are stored as arrays, so that a
lane with 20,000 keys costs little; editing returns new curves and never changes one. Tools that work on a selection
of keys live in `curve_tools`, simplification in `curve_fit`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from studio.document.bezier import clamped_slopes, parameter

Floats = NDArray[np.float64]
Codes = NDArray[np.uint8]
Indices = NDArray[np.int64]

SAME_TIME_S = 1e-6
"""Two keys closer than this are one key: far below a frame or an audio sample, far above rounding."""

_FITS = 1e-9
"""How much longer than its piece a handle may be: rounding."""

_ON_KEY_S = 1e-9
"""A moment this little before a key counts as on it, so that rounding in `i / fps` never delays a step by a frame."""


class Interpolation(IntEnum):
    """Shape of the segment from a key to the next one."""

    CONSTANT = 0
    LINEAR = 1
    BEZIER = 2


class Handle(IntEnum):
    """How the Bezier handles of a key behave."""

    AUTO = 0
    """Auto-clamped: computed from the neighbours, smooth, never beyond the keys' values."""
    ALIGNED = 1
    """Both handles on one line; their lengths are free."""
    FREE = 2
    """Each handle by itself: a corner is possible."""


Offset = tuple[float, float]


@dataclass(frozen=True)
class Key:
    """One key; handles are offsets (seconds, value) from the key and ignored while `handle` is `Handle.AUTO`."""

    time_s: float
    value: float
    interpolation: Interpolation = Interpolation.BEZIER
    handle: Handle = Handle.AUTO
    left: Offset = (0.0, 0.0)
    right: Offset = (0.0, 0.0)


def _no_floats() -> Floats:
    return np.zeros(0)


def _no_codes() -> Codes:
    return np.zeros(0, np.uint8)


def _no_offsets() -> Floats:
    return np.zeros((0, 2))


@dataclass(frozen=True, eq=False, repr=False)
class Curve:
    """Keys in order of time; all arrays are read-only.

    Handles are kept canonical: zero for auto keys, left handles never point right, right handles never point left.
    Raises ValueError for arrays that do not belong together, are not finite, or hold times that do not increase.
    """

    times_s: Floats = field(default_factory=_no_floats)  # (n,) seconds, increasing
    values: Floats = field(default_factory=_no_floats)  # (n,)
    interpolations: Codes = field(default_factory=_no_codes)  # (n,) Interpolation of the segment after each key
    handles: Codes = field(default_factory=_no_codes)  # (n,) Handle
    left: Floats = field(default_factory=_no_offsets)  # (n, 2) seconds ≤ 0, value
    right: Floats = field(default_factory=_no_offsets)  # (n, 2) seconds ≥ 0, value

    def __post_init__(self) -> None:
        n = len(self.times_s)
        shapes: tuple[tuple[str, type[Any], tuple[int, ...]], ...] = (
            ("times_s", np.float64, (n,)),
            ("values", np.float64, (n,)),
            ("interpolations", np.uint8, (n,)),
            ("handles", np.uint8, (n,)),
            ("left", np.float64, (n, 2)),
            ("right", np.float64, (n, 2)),
        )
        for name, kind, shape in shapes:
            array = np.array(getattr(self, name), dtype=kind)
            if array.shape != shape:
                raise ValueError(f"{name} of a curve has the shape {array.shape}, expected {shape}")
            if kind is np.float64 and not np.isfinite(array).all():
                raise ValueError(f"{name} of a curve holds a number that is not finite")
            object.__setattr__(self, name, array)
        if n and (self.interpolations.max() > Interpolation.BEZIER or self.handles.max() > Handle.FREE):
            raise ValueError("a curve holds an unknown interpolation or handle")
        if (np.diff(self.times_s) < SAME_TIME_S / 2).any():
            raise ValueError("times of a curve must increase by at least a microsecond from key to key")
        automatic = self.handles == Handle.AUTO
        self.left[automatic] = 0.0
        self.right[automatic] = 0.0
        np.minimum(self.left[:, 0], 0.0, out=self.left[:, 0])
        np.maximum(self.right[:, 0], 0.0, out=self.right[:, 0])
        for name, _, _ in shapes:
            getattr(self, name).flags.writeable = False

    # ---- making and looking ----

    @classmethod
    def from_keys(cls, keys: Iterable[Key]) -> Curve:
        """A curve of keys in any order; of keys at the same time the last one wins."""
        unique: list[Key] = []
        for key in sorted(keys, key=lambda k: k.time_s):
            if unique and key.time_s - unique[-1].time_s < SAME_TIME_S:
                unique.pop()
            unique.append(key)
        return cls(
            np.array([k.time_s for k in unique], np.float64),
            np.array([k.value for k in unique], np.float64),
            np.array([k.interpolation for k in unique], np.uint8),
            np.array([k.handle for k in unique], np.uint8),
            np.array([k.left for k in unique], np.float64).reshape(-1, 2),
            np.array([k.right for k in unique], np.float64).reshape(-1, 2),
        )

    @classmethod
    def from_samples(
        cls,
        times_s: ArrayLike,  # (n,) seconds, increasing
        values: ArrayLike,  # (n,)
        interpolation: Interpolation = Interpolation.LINEAR,
    ) -> Curve:
        """A curve with one auto key for each sample."""
        times = np.asarray(times_s, np.float64)
        n = len(times)
        return cls(
            times,
            np.asarray(values, np.float64),
            np.full(n, interpolation, np.uint8),
            np.zeros(n, np.uint8),
            np.zeros((n, 2)),
            np.zeros((n, 2)),
        )

    def __len__(self) -> int:
        return len(self.times_s)

    def __repr__(self) -> str:
        return f"Curve({len(self)} keys)"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Curve):
            return NotImplemented
        return self is other or all(np.array_equal(a, b) for a, b in zip(self._arrays, other._arrays, strict=True))

    def __hash__(self) -> int:
        return hash((self.times_s.tobytes(), self.values.tobytes()))

    @property
    def _arrays(self) -> tuple[NDArray[Any], ...]:
        return (self.times_s, self.values, self.interpolations, self.handles, self.left, self.right)

    def key(self, index: int) -> Key:
        """The key at `index`, with its handles as they act (also those of an auto key)."""
        left, right = self.effective_handles
        return Key(
            float(self.times_s[index]),
            float(self.values[index]),
            Interpolation(int(self.interpolations[index])),
            Handle(int(self.handles[index])),
            (float(left[index, 0]), float(left[index, 1])),
            (float(right[index, 0]), float(right[index, 1])),
        )

    @property
    def keys(self) -> tuple[Key, ...]:
        """All keys; for drawing and scripts, the arrays are faster."""
        return tuple(self.key(i) for i in range(len(self)))

    def at(self, time_s: float) -> int | None:
        """Index of the key at this time, within a microsecond."""
        i = int(np.searchsorted(self.times_s, time_s - SAME_TIME_S))
        return i if i < len(self) and abs(float(self.times_s[i]) - time_s) <= SAME_TIME_S else None

    def between(self, start_s: float, end_s: float) -> Indices:
        """Indices of the keys in [start_s, end_s]."""
        first, last = np.searchsorted(self.times_s, [start_s - _ON_KEY_S, end_s + _ON_KEY_S])
        return np.arange(first, last)

    # ---- evaluation ----

    @cached_property
    def effective_handles(self) -> tuple[Floats, Floats]:
        """Left and right handle offsets, (n, 2) each, as they act: auto handles computed, long ones shortened.

        Auto handles are a third of the segment long with the weighted harmonic mean of the neighbouring slopes
        (Fritsch and Butland 1984), zero at extremes and ends: the control points then stay between the keys' values,
        and by the convex hull property so does the curve. A handle that reaches beyond the neighbouring key is
        shortened along its direction, which keeps time monotone in the Bezier parameter.
        """
        n = len(self)
        left, right = self.left.copy(), self.right.copy()
        if n < 2:
            return left, right
        span = np.diff(self.times_s)
        slopes = clamped_slopes(span, np.diff(self.values), self.interpolations[:-1] == Interpolation.CONSTANT)
        automatic = self.handles == Handle.AUTO
        before = np.concatenate([span[:1], span])
        after = np.concatenate([span, span[-1:]])
        third_left = np.stack([-before / 3, -slopes * before / 3], 1)
        third_right = np.stack([after / 3, slopes * after / 3], 1)
        left[automatic] = third_left[automatic]
        right[automatic] = third_right[automatic]
        for handle, room in ((left[1:], span), (right[:-1], span)):
            length = np.abs(handle[:, 0])
            too_long = length > room
            handle[too_long] *= (room[too_long] / length[too_long])[:, None]
        return left, right

    @cached_property
    def segments(self) -> Floats:
        """(n + 1, 8) Bezier segments: start in seconds, 1/length, two time handles in [0, 1], four control values.

        Row k ends at key k; row 0 and row n are the constant ends, so a curve without keys has none of value.
        """
        n = len(self)
        rows = np.zeros((n + 1, 8))
        rows[:, 2], rows[:, 3] = 1 / 3, 2 / 3
        if not n:
            return rows
        rows[0, 4:] = self.values[0]
        rows[n, 4:] = self.values[-1]
        rows[0, 0], rows[n, 0] = self.times_s[0], self.times_s[-1]
        if n > 1:
            inner = rows[1:n]
            left, right = self.effective_handles
            start, end = self.values[:-1], self.values[1:]
            span = np.diff(self.times_s)
            inner[:, 0] = self.times_s[:-1]
            inner[:, 1] = 1 / span
            inner[:, 4], inner[:, 7] = start, end
            kind = self.interpolations[:-1]
            line = kind == Interpolation.LINEAR
            inner[line, 5] = (start + (end - start) / 3)[line]
            inner[line, 6] = (end - (end - start) / 3)[line]
            hold = kind == Interpolation.CONSTANT
            inner[hold, 4:] = start[hold, None]
            bezier = kind == Interpolation.BEZIER
            inner[bezier, 2] = np.clip(right[:-1, 0] / span, 0, 1)[bezier]
            inner[bezier, 3] = np.clip(1 + left[1:, 0] / span, 0, 1)[bezier]
            inner[bezier, 5] = (start + right[:-1, 1])[bezier]
            inner[bezier, 6] = (end + left[1:, 1])[bezier]
        rows.flags.writeable = False
        return rows

    def sample(self, times_s: ArrayLike) -> Floats:
        """Values at `times_s`, same shape; a curve without keys is zero."""
        times = np.asarray(times_s, np.float64)
        result: Floats = sample_curves((self,), times.ravel())[0].reshape(times.shape)
        return result

    def value(self, time_s: float) -> float:
        """Value at one moment."""
        return float(sample_curves((self,), np.array([time_s]))[0, 0])

    # ---- single keys ----

    def with_key(
        self,
        time_s: float,
        value: float,
        interpolation: Interpolation | None = None,
        handle: Handle | None = None,
    ) -> Curve:
        """A key set at `time_s`: an existing one takes the value and keeps the rest, a new one is an auto key.

        A new key continues the interpolation of the segment it falls into, Bezier outside all segments.
        """
        i = self.at(time_s)
        if i is not None:
            old = self.key(i)
            new = Key(
                old.time_s,
                float(value),
                old.interpolation if interpolation is None else interpolation,
                old.handle if handle is None else handle,
                old.left,
                old.right,
            )
            return self.merged(Curve.from_keys([new]))
        if interpolation is None:
            k = int(np.searchsorted(self.times_s, time_s)) - 1
            inside = 0 <= k < len(self) - 1
            interpolation = Interpolation(int(self.interpolations[k])) if inside else Interpolation.BEZIER
        return self.merged(Curve.from_keys([Key(time_s, float(value), interpolation, handle or Handle.AUTO)]))

    def split(self, time_s: float) -> Curve:
        """A key added at `time_s` without changing the shape of the curve (de Casteljau's construction).

        Where two long handles cross, a piece would need a handle that is longer than itself, which no key can hold: the
        segment is halved first, and so gets another key.
        """
        if self.at(time_s) is not None or not len(self):
            return self
        k = int(np.searchsorted(self.times_s, time_s))
        if k in (0, len(self)):
            flat = Key(time_s, self.value(time_s), Interpolation.LINEAR)
            end = replace(self.key(k - 1), interpolation=Interpolation.LINEAR)
            return self.merged(Curve.from_keys([flat] if k == 0 else [end, flat]))
        before, after = self.key(k - 1), self.key(k)
        if before.interpolation is not Interpolation.BEZIER:
            new = (
                replace(before, handle=_unlocked(before)),
                Key(time_s, self.value(time_s), before.interpolation),
                replace(after, handle=_unlocked(after)),
            )
            return self.merged(Curve.from_keys(new))
        row = self.segments[k]
        span = after.time_s - before.time_s
        s = float(parameter(np.array([(time_s - row[0]) * row[1]]), row[2:3], row[3:4])[0])
        t0, t1, t2, t3 = before.time_s, row[0] + span * row[2], row[0] + span * row[3], after.time_s
        points = [np.array(p) for p in ((t0, row[4]), (t1, row[5]), (t2, row[6]), (t3, row[7]))]
        a, b, c = ((1 - s) * points[i] + s * points[i + 1] for i in range(3))
        d, e = (1 - s) * a + s * b, (1 - s) * b + s * c
        middle = (1 - s) * d + s * e
        if a[0] - t0 > (time_s - t0) * (1 + _FITS) or t3 - c[0] > (t3 - time_s) * (1 + _FITS):
            half = (t0 + 3 * t1 + 3 * t2 + t3) / 8  # of the parameter: there both pieces fit, however long the handles
            if min(half - t0, t3 - half, abs(half - time_s)) > SAME_TIME_S:
                return self.split(half).split(time_s)
        here = np.array([time_s, middle[1]])
        new = (
            Key(t0, before.value, before.interpolation, _unlocked(before), before.left, _offset(a, points[0])),
            Key(time_s, float(middle[1]), Interpolation.BEZIER, Handle.ALIGNED, _offset(d, here), _offset(e, here)),
            Key(t3, after.value, after.interpolation, _unlocked(after), _offset(c, points[3]), after.right),
        )
        return self.merged(Curve.from_keys(new))

    def without(self, indices: ArrayLike) -> Curve:
        """The curve without the keys at `indices`."""
        keep = np.ones(len(self), bool)
        keep[np.asarray(indices, np.int64)] = False
        return self.taken(np.flatnonzero(keep))

    def taken(self, indices: ArrayLike) -> Curve:
        """The keys at `indices` as a curve of their own: what copying takes."""
        chosen = np.unique(np.asarray(indices, np.int64))
        times, values, interpolations, handles, left, right = self._arrays
        return Curve(
            times[chosen], values[chosen], interpolations[chosen], handles[chosen], left[chosen], right[chosen]
        )

    def merged(self, other: Curve) -> Curve:
        """Both curves' keys; where two fall together, `other`'s stays. This is pasting."""
        mine = self
        if len(other) and len(self):
            nearest = np.searchsorted(other.times_s, self.times_s)
            gap_after = np.abs(other.times_s[np.minimum(nearest, len(other) - 1)] - self.times_s)
            gap_before = np.abs(other.times_s[np.maximum(nearest - 1, 0)] - self.times_s)
            covered = np.minimum(gap_after, gap_before) < SAME_TIME_S
            mine = self.taken(np.flatnonzero(~covered))
        joined = [np.concatenate([a, b]) for a, b in zip(mine._arrays, other._arrays, strict=True)]
        order = np.argsort(joined[0], kind="stable")
        times, values, interpolations, handles, left, right = (array[order] for array in joined)
        return Curve(times, values, interpolations, handles, left, right)


def sample_curves(curves: Sequence[Curve], times_s: Floats) -> Floats:
    """Values of several curves at the same moments, in one pass.

    Args:
        curves: C curves; one without keys is zero.
        times_s: (T,) seconds.

    Returns:
        (C, T) values.
    """
    if not curves or not len(times_s):
        return np.zeros((len(curves), len(times_s)))
    shifted = times_s + _ON_KEY_S
    rows = np.stack([c.segments[np.searchsorted(c.times_s, shifted, side="right")] for c in curves])
    along = np.clip((times_s - rows[..., 0]) * rows[..., 1], 0.0, 1.0)
    s = parameter(along, rows[..., 2], rows[..., 3])
    r = 1 - s
    v0, v1, v2, v3 = rows[..., 4], rows[..., 5], rows[..., 6], rows[..., 7]
    # As differences from the first value, so that flat segments are flat to the last bit.
    result: Floats = v0 + s * (3 * r * (r * (v1 - v0) + s * (v2 - v0)) + s * s * (v3 - v0))
    return result


def _unlocked(key: Key) -> Handle:
    """The handle kind that keeps a key's handles where they are."""
    return Handle.FREE if key.handle is Handle.AUTO else key.handle


def _offset(point: Floats, origin: Floats) -> Offset:
    return float(point[0] - origin[0]), float(point[1] - origin[1])
