"""Which rows the timeline shows, in groups, and where: expressions, lanes by region of the face, the camera. No Qt."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from studio.document.action_units import ACTION_UNITS, REGIONS
from studio.document.expressions import Clip
from studio.document.lanes import CAMERA_KEYS, CHANNELS, POSE_KEYS, Lane
from studio.document.performance import Performance

GROUP_HEIGHT = 20
LANE_HEIGHT = 56
TRACK_HEIGHT = 34
EMPTY_TRACK_HEIGHT = 26
"""Of the track while there are no expressions: as much as its hint needs."""

EXPRESSION_GROUP, HEAD_GROUP, CAMERA_GROUP = "expressions", "head", "camera"

GROUPS: tuple[tuple[str, str], ...] = (*REGIONS, (HEAD_GROUP, "Head and gaze"), (CAMERA_GROUP, "Camera"))
"""Groups of lanes with their titles, in the order of the panel."""

GROUP_OF: dict[str, str] = {
    **{au.key: au.region for au in ACTION_UNITS},
    **dict.fromkeys(POSE_KEYS, HEAD_GROUP),
    **dict.fromkeys(CAMERA_KEYS, CAMERA_GROUP),
}
"""The group of every channel that has a lane in the timeline."""

VIEW_RANGE: dict[str, tuple[float, float]] = {
    "camera_yaw": (-180.0, 180.0),
    "camera_distance": (0.0, 8.0),
    "camera_x": (-0.5, 0.5),
    "camera_y": (-0.5, 0.5),
    "camera_z": (-0.5, 0.5),
}
"""Values from a lane's lower to its upper edge where the channel's own range is too wide to see anything."""

_ORDER = {key: i for i, key in enumerate(GROUP_OF)}

Kind = Literal["group", "lane", "clips"]


@dataclass(frozen=True)
class Row:
    """A heading, a lane, or a track of expression clips. `top` is in pixels below the first row."""

    group: str
    title: str
    top: int
    height: int
    lane: Lane | None = None
    """The lane; None for the others. One that the performance does not have yet is empty."""

    members: tuple[Lane, ...] = ()
    """Of a heading: the lanes under it."""

    folded: bool = False
    kind: Kind = "lane"
    clips: tuple[int, ...] = ()
    """Of a track and of the expressions' heading: indices of clips, in the order of time."""

    first: bool = False
    """The uppermost track with clips, which has the layer's switches."""

    @property
    def lane_id(self) -> str:
        """Id of the lane, empty where there is none."""
        return "" if self.lane is None else self.lane.id


def title_of(lane: Lane) -> str:
    """What the timeline calls a lane: `AU4 Brow lowerer`, `Head turn`."""
    channel = CHANNELS[lane.target]
    title = f"{channel.key} {channel.label}" if channel.key.startswith("AU") else channel.label
    return f"{title} ({lane.name})" if lane.name else title


def range_of(lane: Lane) -> tuple[float, float]:
    """The values at a lane's lower and upper edge."""
    if lane.target not in VIEW_RANGE:
        return lane.channel.low, lane.channel.high
    low, high = VIEW_RANGE[lane.target]
    if lane.keyed:
        values = lane.curve.values
        low, high = min(low, float(values.min())), max(high, float(values.max()))
    return low, high


def rows_of(performance: Performance, added: Collection[str], folded: Collection[str]) -> tuple[Row, ...]:
    """Expressions, then lanes with keys and those that were added by hand, under the headings of their groups.

    Args:
        performance: whose clips and lanes.
        added: channels shown although they have no keys yet.
        folded: groups of which only the heading is shown.
    """
    lanes = [
        lane for lane in performance.lanes if lane.target in GROUP_OF and (lane.keyed or lane.name or lane.id in added)
    ]
    there = {lane.id for lane in lanes}
    lanes += [Lane(key) for key in added if key not in there and key in GROUP_OF]
    lanes.sort(key=lambda lane: _ORDER[lane.target])
    rows = _expression_rows(performance.expressions.clips, folded=EXPRESSION_GROUP in folded)
    top = rows[-1].top + rows[-1].height
    for group, title in GROUPS:
        members = tuple(lane for lane in lanes if GROUP_OF[lane.target] == group)
        if not members:
            continue
        rows.append(Row(group, title, top, GROUP_HEIGHT, members=members, folded=group in folded, kind="group"))
        top += GROUP_HEIGHT
        for lane in members if group not in folded else ():
            rows.append(Row(group, title_of(lane), top, LANE_HEIGHT, lane))
            top += LANE_HEIGHT
    return tuple(rows)


def tracks_of(clips: Sequence[Clip]) -> list[list[int]]:
    """Clips by track: neighbours that overlap like a cross-fade share one, others lie below each other.

    Returns:
        Indices of clips, the uppermost track first, each in the order of time; one empty track without clips.
    """
    tracks: list[list[int]] = [[]]
    for i in sorted(range(len(clips)), key=lambda i: (clips[i].start_s, clips[i].end_s)):
        for track in tracks:
            last = clips[track[-1]] if track else None
            before = clips[track[-2]] if len(track) > 1 else None
            clear = before is None or before.end_s <= clips[i].start_s
            if last is None or (clear and last.start_s < clips[i].start_s and last.end_s < clips[i].end_s):
                track.append(i)
                break
        else:
            tracks.append([i])
    return tracks


def _expression_rows(clips: Sequence[Clip], *, folded: bool) -> list[Row]:
    every = tuple(int(i) for i in np.argsort([clip.start_s for clip in clips], kind="stable"))
    rows = [Row(EXPRESSION_GROUP, "Expressions", 0, GROUP_HEIGHT, folded=folded, kind="group", clips=every)]
    top = GROUP_HEIGHT
    for number, track in enumerate(tracks_of(clips) if not folded else ()):
        height, first = (TRACK_HEIGHT, number == 0) if track else (EMPTY_TRACK_HEIGHT, False)
        rows.append(Row(EXPRESSION_GROUP, "", top, height, kind="clips", clips=tuple(track), first=first))
        top += height
    return rows
