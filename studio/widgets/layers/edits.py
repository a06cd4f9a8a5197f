"""What the Layers page does to the performance: pure functions. No Qt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from studio.document.lanes import Lane, Mode
from studio.document.performance import Performance

Change = Callable[[Performance], Performance]

BASE, EXPRESSIONS = "base", "expressions"
"""Ids of the two layers below the lanes; no lane has them, because lanes are named after channels or by people."""


def switched(
    performance: Performance, layer: str, *, mute: bool | None = None, solo: bool | None = None
) -> Performance:
    """A layer muted or made solo, or no more."""
    changes = {name: value for name, value in (("mute", mute), ("solo", solo)) if value is not None}
    return _changed(performance, layer, **changes)


def weighted(performance: Performance, layer: str, weight: float) -> Performance:
    """A layer that counts by a weight 0–1."""
    return _changed(performance, layer, weight=min(max(weight, 0.0), 1.0))


def with_mode(performance: Performance, lane_id: str, mode: Mode) -> Performance:
    """A lane that replaces what lies below it, or adds to it."""
    return _changed(performance, lane_id, mode=mode)


def _changed(performance: Performance, layer: str, **changes: object) -> Performance:
    if layer == BASE:
        return replace(performance, base=replace(performance.base, **changes))  # type: ignore[arg-type]
    if layer == EXPRESSIONS:
        return replace(performance, expressions=replace(performance.expressions, **changes))  # type: ignore[arg-type]
    lane = performance.lane(layer)
    return performance if lane is None else performance.with_lane(replace(lane, **changes))  # type: ignore[arg-type]


def moved(performance: Performance, lane_id: str, up: bool) -> Performance:
    """A lane above (or below) the next one of its own channel, which is what its order decides."""
    lanes = list(performance.lanes)
    at = next(i for i, lane in enumerate(lanes) if lane.id == lane_id)
    same = [i for i, lane in enumerate(lanes) if lane.target == lanes[at].target]
    place = same.index(at) + (1 if up else -1)
    if not 0 <= place < len(same):
        return performance
    other = same[place]
    lanes[at], lanes[other] = lanes[other], lanes[at]
    return replace(performance, lanes=tuple(lanes))


def with_new_lane(performance: Performance, target: str) -> tuple[Performance, str]:
    """One more lane on a channel, on top and adding; its name is free."""
    number = 2
    while performance.lane(f"{target} layer {number}") is not None:
        number += 1
    lane = Lane(target, mode="add", name=f"{target} layer {number}")
    return performance.with_lane(lane), lane.id


def without_take(performance: Performance) -> Performance:
    """The base without its take."""
    return replace(performance, base=replace(performance.base, take=None, start_s=0.0))
