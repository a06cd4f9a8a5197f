"""Tools on a selection of keys: what an animator does with a curve.

Every tool takes a curve and the indices of the selected keys and returns an `Edited`: the new curve and where the
selected keys are in it. Keys that are not selected stay as they are, except that a moved key that lands on one
replaces it. The tools know nothing of ranges of channels; `Performance.sample` clips.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from studio.document.curves import SAME_TIME_S, Curve, Floats, Handle, Indices, Interpolation, Key

Side = Literal["left", "right"]

EASES: dict[str, tuple[float, float, float, float]] = {
    "ease_in": (0.42, 0.0, 0.9, 0.85),
    "ease_out": (0.1, 0.15, 0.58, 1.0),
    "ease_in_out": (0.42, 0.0, 0.58, 1.0),
    "snap": (0.05, 0.8, 0.2, 1.0),
    "anticipate": (0.4, -0.25, 0.6, 1.0),
    "overshoot": (0.4, 0.0, 0.6, 1.25),
}
"""Ease presets: the two control points (time, value) of a segment, as fractions of its length and rise."""


GUARD_S = 1e-3
_MEETS = 1e-6


class Edited(NamedTuple):
    """A new curve and the indices of the selected keys in it."""

    curve: Curve
    selected: Indices


def move(curve: Curve, selected: ArrayLike, time_s: float = 0.0, value: float = 0.0) -> Edited:
    """Shifts keys by seconds and by value."""
    part = curve.taken(selected)
    return _put(curve, selected, _changed(part, part.times_s + time_s, part.values + value))


def set_values(curve: Curve, selected: ArrayLike, value: float) -> Edited:
    """Gives all keys one value."""
    part = curve.taken(selected)
    return _put(curve, selected, _changed(part, part.times_s, np.full(len(part), float(value))))


def scale_time(curve: Curve, selected: ArrayLike, factor: float, pivot_s: float) -> Edited:
    """Stretches the selection about a moment. Raises ValueError unless the factor is positive."""
    if not factor > 0:
        raise ValueError(f"times are scaled by {factor}, expected a positive factor; mirror to turn them round")
    part = curve.taken(selected)
    stretch = np.array([factor, 1.0])
    times = pivot_s + (part.times_s - pivot_s) * factor
    return _put(curve, selected, _changed(part, times, part.values, part.left * stretch, part.right * stretch))


def scale_values(curve: Curve, selected: ArrayLike, factor: float, pivot: float = 0.0) -> Edited:
    """Scales values about a pivot; a negative factor turns the selection upside down."""
    part = curve.taken(selected)
    stretch = np.array([1.0, factor])
    values = pivot + (part.values - pivot) * factor
    return _put(curve, selected, _changed(part, part.times_s, values, part.left * stretch, part.right * stretch))


def mirror_time(curve: Curve, selected: ArrayLike, pivot_s: float | None = None) -> Edited:
    """Plays the selection backwards about a moment, by default its own middle.

    A constant segment holds its left key's value and so holds another value when mirrored; all other segments keep
    their shape. Mirroring twice gives the selection back.
    """
    part = curve.taken(selected)
    if not len(part):
        return Edited(curve, _indices(selected))
    pivot = (part.times_s[0] + part.times_s[-1]) / 2 if pivot_s is None else pivot_s
    flip = np.array([-1.0, 1.0])
    kinds = np.concatenate([part.interpolations[:-1][::-1], part.interpolations[-1:]])
    mirrored = Curve(
        (2 * pivot - part.times_s)[::-1],
        part.values[::-1],
        kinds,
        part.handles[::-1],
        (part.right * flip)[::-1],
        (part.left * flip)[::-1],
    )
    return _put(curve, selected, mirrored)


def snap_to_frames(curve: Curve, selected: ArrayLike, fps: float) -> Edited:
    """Moves each key to its nearest frame; of several on one frame the last stays."""
    part = curve.taken(selected)
    frames = np.round(part.times_s * fps)
    last = np.append(np.diff(frames) > 0, True) if len(part) else np.zeros(0, bool)
    return _put(curve, selected, _changed(part, frames / fps, part.values, keep=last))


def clamp(curve: Curve, selected: ArrayLike, low: float, high: float) -> Edited:
    """Brings values into a range."""
    part = curve.taken(selected)
    return _put(curve, selected, _changed(part, part.times_s, np.clip(part.values, low, high)))


def blend_to(curve: Curve, selected: ArrayLike, target: float, amount: float) -> Edited:
    """Moves values towards `target` by the fraction `amount`; 1 reaches it, a negative amount exaggerates."""
    return scale_values(curve, selected, 1.0 - amount, target)


def smooth(curve: Curve, selected: ArrayLike, width_s: float) -> Edited:
    """Replaces values by the curve's Gaussian mean around them; their handles become automatic.

    Args:
        curve: The curve.
        selected: Keys to smooth; the first and last key of the curve keep their value.
        width_s: Standard deviation in seconds; narrowed towards the ends of the curve, so that a straight line stays
            as it is.
    """
    part = curve.taken(selected)
    if not len(part) or width_s <= 0:
        return Edited(curve, _indices(selected))
    room = np.minimum(part.times_s - curve.times_s[0], curve.times_s[-1] - part.times_s) / 3
    sigma = np.minimum(width_s, room)
    at = np.linspace(-3, 3, 61)
    weights = np.exp(-at * at / 2)
    samples = curve.sample(part.times_s[:, None] + sigma[:, None] * at)
    values = samples @ (weights / weights.sum())
    automatic = np.full(len(part), Handle.AUTO, np.uint8)
    smoothed = Curve(part.times_s, values, part.interpolations, automatic, part.left, part.right)
    return _put(curve, selected, smoothed)


def set_interpolation(curve: Curve, selected: ArrayLike, kind: Interpolation) -> Edited:
    """Sets the kind of the segment that follows each selected key."""
    chosen = _indices(selected)
    kinds = curve.interpolations.copy()
    kinds[chosen] = kind
    return Edited(Curve(curve.times_s, curve.values, kinds, curve.handles, curve.left, curve.right), chosen)


def set_handles(curve: Curve, selected: ArrayLike, kind: Handle) -> Edited:
    """Sets the kind of handles; from automatic ones they stay where they are, aligning turns both to their mean."""
    chosen = _indices(selected)
    left, right = (side.copy() for side in curve.effective_handles)
    if kind is Handle.ALIGNED:
        span = right[chosen] - left[chosen]
        slope = np.divide(span[:, 1], span[:, 0], out=np.zeros(len(chosen)), where=span[:, 0] > SAME_TIME_S)
        left[chosen, 1] = slope * left[chosen, 0]
        right[chosen, 1] = slope * right[chosen, 0]
    return Edited(_with_handles(curve, chosen, kind, left, right), chosen)


def drag_handle(curve: Curve, index: int, side: Side, time_s: float, value: float) -> Edited:
    """Puts one handle of a key to an offset from it; an automatic key becomes aligned.

    An aligned key's other handle turns along and keeps its length in time.
    """
    left, right = (array.copy() for array in curve.effective_handles)
    moved, other = (left, right) if side == "left" else (right, left)
    reach = min(time_s, 0.0) if side == "left" else max(time_s, 0.0)
    moved[index] = reach, value
    kind = Handle.FREE if curve.handles[index] == Handle.FREE else Handle.ALIGNED
    if kind is Handle.ALIGNED and abs(reach) > SAME_TIME_S:
        other[index, 1] = value / reach * other[index, 0]
    return Edited(_with_handles(curve, np.array([index]), kind, left, right), np.array([index]))


def ease(curve: Curve, selected: ArrayLike, preset: str) -> Edited:
    """Shapes the segments between selected neighbours by a preset of `EASES`; `linear`, `hold` and `smooth` too.

    Raises KeyError for an unknown preset.
    """
    chosen = _indices(selected)
    starts = chosen[:-1][np.diff(chosen) == 1]
    if preset in ("linear", "hold"):
        kind = Interpolation.LINEAR if preset == "linear" else Interpolation.CONSTANT
        return Edited(set_interpolation(curve, starts, kind).curve, chosen)
    eased = set_interpolation(curve, starts, Interpolation.BEZIER).curve
    if preset == "smooth":
        return Edited(set_handles(eased, np.union1d(starts, starts + 1), Handle.AUTO).curve, chosen)
    x1, y1, x2, y2 = EASES[preset]
    left, right = (side.copy() for side in curve.effective_handles)
    span = curve.times_s[starts + 1] - curve.times_s[starts]
    rise = curve.values[starts + 1] - curve.values[starts]
    right[starts] = np.stack([span * x1, rise * y1], 1)
    left[starts + 1] = np.stack([-span * (1 - x2), -rise * (1 - y2)], 1)
    return Edited(_with_handles(eased, np.union1d(starts, starts + 1), Handle.FREE, left, right), chosen)


def bake(curve: Curve, start_s: float, end_s: float, fps: float) -> Edited:
    """One linear key per frame in a range; outside it the curve keeps its shape. Selects the new keys."""
    frames = np.arange(np.ceil(start_s * fps - 1e-6), np.floor(end_s * fps + 1e-6) + 1) / fps
    if not len(frames) or not len(curve):
        return Edited(curve, np.zeros(0, np.int64))
    split = curve.split(float(frames[0])).split(float(frames[-1]))
    baked = Curve.from_samples(frames, curve.sample(frames))
    first, last = split.at(float(frames[0])), split.at(float(frames[-1]))
    assert first is not None
    assert last is not None
    edges = split.taken([first, last])
    kinds = edges.interpolations.copy()
    if first != last:
        kinds[0] = Interpolation.LINEAR
    edges = Curve(edges.times_s, edges.values, kinds, edges.handles, edges.left, edges.right)
    result = split.without(np.arange(first, last + 1)).merged(baked).merged(edges)
    return Edited(result, result.between(float(frames[0]), float(frames[-1])))


def overwrite(curve: Curve, piece: Curve) -> Edited:
    """Puts `piece` in place of what lies in its span: how a recorded movement enters a curve. Selects its keys.

    Outside the span the curve keeps its shape: where it does not meet the piece's end, a guard key a millisecond
    outside holds it.
    """
    if not len(piece) or not len(curve):
        return Edited(piece if len(piece) else curve, np.arange(len(piece)))
    start, end = float(piece.times_s[0]), float(piece.times_s[-1])
    split = curve
    edges: list[Key] = []
    for time, outside, index in ((start, -GUARD_S, 0), (end, GUARD_S, len(piece) - 1)):
        if abs(curve.value(time) - piece.values[index]) > _MEETS:
            split = split.split(time + outside)
        else:
            split = split.split(time)
            met, own = split.at(time), piece.key(index)
            assert met is not None
            key = split.key(met)
            if outside < 0:
                edges.append(replace(own, handle=Handle.FREE, left=key.left))
            else:
                edges.append(replace(own, handle=Handle.FREE, right=key.right, interpolation=key.interpolation))
    if len(piece) == 1 and edges:  # one key is both edges: it arrives like the first and leaves like the second
        edges = [replace(edges[0], right=edges[1].right, interpolation=edges[1].interpolation)]
    edged = piece.merged(Curve.from_keys(edges)) if edges else piece
    result = split.without(split.between(start, end)).merged(edged)
    return Edited(result, np.searchsorted(result.times_s, piece.times_s))


def _indices(selected: ArrayLike) -> Indices:
    return np.unique(np.asarray(selected, np.int64))


def _changed(
    part: Curve,
    times_s: Floats,
    values: Floats,
    left: Floats | None = None,
    right: Floats | None = None,
    keep: NDArray[np.bool_] | None = None,
) -> Curve:
    """`part` with other times, values and handles; keys that come closer than a microsecond to the one before go."""
    left = part.left if left is None else left
    right = part.right if right is None else right
    stays = np.append(True, np.diff(times_s) >= SAME_TIME_S)[: len(times_s)] if keep is None else keep
    return Curve(
        times_s[stays], values[stays], part.interpolations[stays], part.handles[stays], left[stays], right[stays]
    )


def _put(curve: Curve, selected: ArrayLike, part: Curve) -> Edited:
    """The curve with its selected keys replaced by those of `part`."""
    result = curve.without(_indices(selected)).merged(part)
    return Edited(result, np.searchsorted(result.times_s, part.times_s))


def _with_handles(curve: Curve, chosen: Indices, kind: Handle, left: Floats, right: Floats) -> Curve:
    """The curve with handles of the chosen keys set; the others keep theirs as stored."""
    kinds, new_left, new_right = curve.handles.copy(), curve.left.copy(), curve.right.copy()
    kinds[chosen], new_left[chosen], new_right[chosen] = kind, left[chosen], right[chosen]
    return Curve(curve.times_s, curve.values, curve.interpolations, kinds, new_left, new_right)
