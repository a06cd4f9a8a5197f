"""What gestures and tools do to the keys of a project: pure functions from project and selection to new ones. No Qt."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np

from studio.document import curve_tools
from studio.document.commands import Selection
from studio.document.curve_tools import Edited
from studio.document.curves import Curve, Indices
from studio.document.expressions import Clip
from studio.document.lanes import CAMERA_KEYS, CHANNELS, Lane
from studio.document.model import Project
from studio.document.performance import CameraView, Performance
from studio.widgets.timeline import clip_edits
from studio.widgets.timeline.rows import range_of

Tool = Callable[[Curve, Indices], Edited]
Change = tuple[Project, Selection]

NEUTRAL_GAP_FRAMES = 1
"""Frames between a selection and its duplicate."""


@dataclass(frozen=True)
class Clipping:
    """Copied keys by lane and copied expressions, with times from the first of them on."""

    lanes: tuple[tuple[str, Curve], ...]
    clips: tuple[Clip, ...] = ()


def selected_keys(performance: Performance, selection: Selection) -> tuple[tuple[Lane, Indices], ...]:
    """The lanes with selected keys and the indices of these, those that are no more left out."""
    found = []
    for lane_id, indices in selection.keys:
        lane = performance.lane(lane_id)
        if lane is not None:
            there = np.array([i for i in indices if i < len(lane.curve)], np.int64)
            if len(there):
                found.append((lane, there))
    return tuple(found)


def select(chosen: Iterable[tuple[str, Iterable[int]]], lane: str | None, clips: Iterable[int] = ()) -> Selection:
    """A selection of keys and clips in canonical form."""
    keys = tuple((lane_id, tuple(sorted(int(i) for i in indices))) for lane_id, indices in chosen)
    kept = tuple(sorted((lane_id, indices) for lane_id, indices in keys if indices))
    return Selection(kept, tuple(sorted(set(clips))), lane=lane)


def span_of(performance: Performance, selection: Selection) -> tuple[float, float] | None:
    """First and last moment of the selected keys and clips."""
    times = [lane.curve.times_s[indices] for lane, indices in selected_keys(performance, selection)]
    clips = clip_edits.span_of(performance.expressions.clips, selection.clips)
    if clips is not None:
        times.append(np.array(clips))
    if not times:
        return None
    joined = np.concatenate(times)
    return float(joined.min()), float(joined.max())


def with_lane_curve(performance: Performance, lane_id: str, curve: Curve) -> Performance:
    """A curve put into a lane; keys replace a held value, a lane left with nothing goes, unless it has a name."""
    lane = performance.lane(lane_id) or Lane(lane_id)
    changed = replace(lane, curve=curve, held=None if len(curve) else lane.held)
    if changed == Lane(lane.target):
        return performance.without_lane(lane_id)
    return performance.with_lane(changed)


def edit_keys(project: Project, selection: Selection, tool: Tool) -> Change:
    """A tool used on the selected keys of every lane; values stay within their channel's range."""
    performance = project.performance
    chosen: list[tuple[str, Iterable[int]]] = []
    for lane, indices in selected_keys(performance, selection):
        channel = CHANNELS[lane.target]
        edited = tool(lane.curve, indices)
        if len(edited.selected):
            edited = curve_tools.clamp(edited.curve, edited.selected, channel.low, channel.high)
        performance = with_lane_curve(performance, lane.id, edited.curve)
        chosen.append((lane.id, edited.selected.tolist()))
    return project.replace(performance=performance), select(chosen, selection.lane)


def move_keys(project: Project, selection: Selection, time_s: float, share: float) -> Change:
    """Selected keys moved by seconds and by a share of their lane's height, clips by seconds; none before zero."""
    span = span_of(project.performance, selection)
    time_s = max(time_s, -span[0]) if span else time_s
    performance = project.performance
    chosen: list[tuple[str, Iterable[int]]] = []
    for lane, indices in selected_keys(performance, selection):
        channel = CHANNELS[lane.target]
        low, high = range_of(lane)
        edited = curve_tools.move(lane.curve, indices, time_s, share * (high - low))
        edited = curve_tools.clamp(edited.curve, edited.selected, channel.low, channel.high)
        performance = with_lane_curve(performance, lane.id, edited.curve)
        chosen.append((lane.id, edited.selected.tolist()))
    if selection.clips:
        clips = clip_edits.moved(performance.expressions.clips, selection.clips, time_s)
        performance = clip_edits.with_clips(performance, clips)
    return project.replace(performance=performance), select(chosen, selection.lane, selection.clips)


def delete_keys(project: Project, selection: Selection) -> Change:
    """The project without the selected keys and clips."""
    performance = project.performance
    if selection.clips:
        performance = clip_edits.with_clips(
            performance, clip_edits.without(performance.expressions.clips, selection.clips)
        )
    for lane, indices in selected_keys(performance, selection):
        performance = with_lane_curve(performance, lane.id, lane.curve.without(indices))
    return project.replace(performance=performance), Selection(lane=selection.lane)


def add_key(project: Project, lane_id: str, time_s: float, value: float) -> Change:
    """A key set in a lane and selected; at the moment of another one it takes its place."""
    performance = project.performance
    lane = performance.lane(lane_id) or Lane(lane_id)
    channel = CHANNELS[lane.target]
    curve = lane.curve.with_key(max(time_s, 0.0), min(max(value, channel.low), channel.high))
    index = curve.at(max(time_s, 0.0))
    assert index is not None
    performance = with_lane_curve(performance, lane_id, curve)
    return project.replace(performance=performance), select([(lane_id, [index])], lane_id)


def shown_value(performance: Performance, lane: Lane, time_s: float) -> float:
    """What the performance shows on a lane's channel at a moment."""
    if lane.target in CAMERA_KEYS:
        view = performance.camera(time_s) or CameraView()
        distance = CHANNELS["camera_distance"].neutral if view.distance is None else view.distance
        return (view.yaw_deg, view.pitch_deg, distance, *view.offset_m)[CAMERA_KEYS.index(lane.target)]
    return performance.winner(lane.target, time_s).value


def own_value(performance: Performance, lane: Lane, time_s: float, shown: float) -> float:
    """The value a lane must have so that its channel shows `shown`, given what lies below it.

    Lanes above it are not undone. A lane of weight zero shows nothing, and gets `shown` itself.
    """
    if lane.weight == 0 or (lane.mode == "replace" and lane.weight == 1):
        return shown
    below = shown_value(performance.without_lane(lane.id), lane, time_s)
    return (shown - below) / lane.weight + (0.0 if lane.mode == "add" else below)


def key_here(project: Project, lane_id: str, time_s: float) -> Change:
    """A key at a moment that changes nothing: on the curve, or where the channel stands now."""
    performance = project.performance
    lane = performance.lane(lane_id) or Lane(lane_id)
    if not lane.keyed:
        shown = shown_value(performance, lane, time_s)
        return add_key(project, lane_id, time_s, own_value(performance, lane, time_s, shown))
    curve = lane.curve.split(time_s)
    index = curve.at(time_s)
    assert index is not None
    return (
        project.replace(performance=with_lane_curve(performance, lane_id, curve)),
        select([(lane_id, [index])], lane_id),
    )


def copied(performance: Performance, selection: Selection) -> Clipping | None:
    """The selected keys and clips for pasting; None without any."""
    span = span_of(performance, selection)
    if span is None:
        return None
    lanes = []
    for lane, indices in selected_keys(performance, selection):
        part = lane.curve.taken(indices)
        lanes.append((lane.id, curve_tools.move(part, np.arange(len(part)), -span[0]).curve))
    clips = performance.expressions.clips
    taken = [clips[i] for i in selection.clips if i < len(clips)]
    return Clipping(tuple(lanes), clip_edits.moved(tuple(taken), range(len(taken)), -span[0]))


def pasted(project: Project, clipping: Clipping, time_s: float, lane_id: str | None) -> Change:
    """Copied keys and clips put in at a moment and selected.

    Keys of one lane go into `lane_id`, their values scaled to its range if it has another; keys of several lanes go
    back into their own.
    """
    performance = project.performance
    chosen: list[tuple[str, Iterable[int]]] = []
    alone = len(clipping.lanes) == 1 and lane_id is not None
    for source, keys in clipping.lanes:
        goal = lane_id if alone and lane_id is not None else source
        lane = performance.lane(goal) or Lane(goal)
        old = performance.lane(source)
        channel, was = CHANNELS[lane.target], CHANNELS[old.target if old else source]
        part = curve_tools.move(keys, np.arange(len(keys)), time_s).curve
        if (channel.low, channel.high) != (was.low, was.high):
            factor = (channel.high - channel.low) / (was.high - was.low)
            part = curve_tools.scale_values(part, np.arange(len(part)), factor).curve
        part = curve_tools.clamp(part, np.arange(len(part)), channel.low, channel.high).curve
        curve = lane.curve.merged(part)
        performance = with_lane_curve(performance, goal, curve)
        chosen.append((goal, np.searchsorted(curve.times_s, part.times_s).tolist()))
    if not clipping.clips:
        return project.replace(performance=performance), select(chosen, lane_id)
    old_clips = performance.expressions.clips
    new = range(len(old_clips), len(old_clips) + len(clipping.clips))
    there = tuple(replace(c, start_s=c.start_s + time_s, end_s=c.end_s + time_s) for c in clipping.clips)
    clips = clip_edits.crossfaded((*old_clips, *there), new)
    return project.replace(performance=clip_edits.with_clips(performance, clips)), select(chosen, lane_id, new)


def duplicated(project: Project, selection: Selection) -> Change:
    """The selected keys and clips once more, behind the last of them."""
    clipping = copied(project.performance, selection)
    span = span_of(project.performance, selection)
    if clipping is None or span is None:
        return project, selection
    at_s = span[1] + (NEUTRAL_GAP_FRAMES / project.fps if clipping.lanes else 0.0)
    goal = clipping.lanes[0][0] if len(clipping.lanes) == 1 else None
    project, chosen = pasted(project, clipping, at_s, goal)
    return project, replace(chosen, lane=selection.lane)


def blended_to_neutral(project: Project, selection: Selection, amount: float) -> Change:
    """Selected keys moved towards their channel's neutral value by a fraction."""
    performance = project.performance
    chosen: list[tuple[str, Iterable[int]]] = []
    for lane, indices in selected_keys(performance, selection):
        neutral = CHANNELS[lane.target].neutral if lane.mode == "replace" else 0.0
        edited = curve_tools.blend_to(lane.curve, indices, neutral, amount)
        performance = with_lane_curve(performance, lane.id, edited.curve)
        chosen.append((lane.id, edited.selected.tolist()))
    return project.replace(performance=performance), select(chosen, selection.lane)
