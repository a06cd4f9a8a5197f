from __future__ import annotations

from studio.document.curves import Curve
from studio.document.performance import Performance
from studio.widgets.timeline.rows import rows_of


def test_lanes_with_keys_and_added_ones_stand_under_their_regions() -> None:
    performance = Performance.held({"AU6": 2.0}).with_curve("AU12", Curve().with_key(1.0, 2.0))
    rows = rows_of(performance, {"AU1", "head_yaw"}, ())
    assert [row.lane_id or row.group for row in rows] == ["brows", "AU1", "mouth", "AU12", "head", "head_yaw"]
    assert [row.top for row in rows] == [0, 20, 76, 96, 152, 172]


def test_a_folded_group_keeps_its_heading() -> None:
    performance = Performance().with_curve("AU12", Curve().with_key(1.0, 2.0))
    (row,) = rows_of(performance, (), {"mouth"})
    assert row.folded
    assert [lane.id for lane in row.members] == ["AU12"]
