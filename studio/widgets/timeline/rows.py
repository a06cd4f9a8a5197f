"""Which lanes the timeline shows, in groups by region of the face, and where. No Qt."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from studio.document.action_units import ACTION_UNITS, REGIONS
from studio.document.lanes import CHANNELS, POSE_KEYS, Lane
from studio.document.performance import Performance

GROUP_HEIGHT = 20
LANE_HEIGHT = 56

HEAD_GROUP = "head"

GROUPS: tuple[tuple[str, str], ...] = (*REGIONS, (HEAD_GROUP, "Head and gaze"))
"""Groups of lanes with their titles, in the order of the panel."""

GROUP_OF: dict[str, str] = {
    **{au.key: au.region for au in ACTION_UNITS},
    **dict.fromkeys(POSE_KEYS, HEAD_GROUP),
}
"""The group of every channel that has a lane in the timeline."""

_ORDER = {key: i for i, key in enumerate(GROUP_OF)}


@dataclass(frozen=True)
class Row:
    """A heading or a lane. `top` is in pixels below the first row."""

    group: str
    title: str
    top: int
    height: int
    lane: Lane | None = None
    """The lane; None for a heading. One that the performance does not have yet is empty."""

    members: tuple[Lane, ...] = ()
    """Of a heading: the lanes under it."""

    folded: bool = False

    @property
    def lane_id(self) -> str:
        """Id of the lane, empty for a heading."""
        return "" if self.lane is None else self.lane.id


def title_of(lane: Lane) -> str:
    """What the timeline calls a lane: `AU4 Brow lowerer`, `Head turn`."""
    channel = CHANNELS[lane.target]
    title = f"{channel.key} {channel.label}" if channel.key.startswith("AU") else channel.label
    return f"{title} ({lane.name})" if lane.name else title


def rows_of(performance: Performance, added: Collection[str], folded: Collection[str]) -> tuple[Row, ...]:
    """Lanes with keys and those that were added by hand, under the headings of their groups.

    Args:
        performance: whose lanes.
        added: channels shown although they have no keys yet.
        folded: groups of which only the heading is shown.
    """
    lanes = [lane for lane in performance.lanes if lane.target in GROUP_OF and (lane.keyed or lane.id in added)]
    there = {lane.id for lane in lanes}
    lanes += [Lane(key) for key in added if key not in there and key in GROUP_OF]
    lanes.sort(key=lambda lane: _ORDER[lane.target])
    rows: list[Row] = []
    top = 0
    for group, title in GROUPS:
        members = tuple(lane for lane in lanes if GROUP_OF[lane.target] == group)
        if not members:
            continue
        rows.append(Row(group, title, top, GROUP_HEIGHT, members=members, folded=group in folded))
        top += GROUP_HEIGHT
        for lane in members if group not in folded else ():
            rows.append(Row(group, title_of(lane), top, LANE_HEIGHT, lane))
            top += LANE_HEIGHT
    return tuple(rows)
