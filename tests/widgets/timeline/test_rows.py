from __future__ import annotations

from studio.document.curves import Curve
from studio.document.expressions import Clip, Expressions
from studio.document.lanes import Lane
from studio.document.performance import Performance
from studio.widgets.timeline.rows import range_of, rows_of, tracks_of


def test_lanes_with_keys_and_added_ones_stand_under_their_regions() -> None:
    performance = Performance.held({"AU6": 2.0}).with_curve("AU12", Curve().with_key(1.0, 2.0))
    rows = rows_of(performance, {"AU1", "head_yaw"}, ())
    assert [row.kind for row in rows[:2]] == ["group", "clips"]
    assert [row.lane_id or row.group for row in rows[2:]] == ["brows", "AU1", "mouth", "AU12", "head", "head_yaw"]
    assert [row.top - rows[2].top for row in rows[2:]] == [0, 20, 76, 96, 152, 172]


def test_the_track_without_expressions_is_low_and_has_no_switches() -> None:
    empty = rows_of(Performance(), (), ())[1]
    filled = rows_of(Performance(expressions=Expressions(clips=(Clip("happy", 0, 1),))), (), ())[1]
    assert (empty.first, filled.first) == (False, True)
    assert empty.height < filled.height


def test_a_folded_group_keeps_its_heading() -> None:
    performance = Performance().with_curve("AU12", Curve().with_key(1.0, 2.0))
    *_, row = rows_of(performance, (), {"mouth"})
    assert row.folded
    assert [lane.id for lane in row.members] == ["AU12"]


def test_camera_lanes_have_a_group_and_show_what_their_keys_reach() -> None:
    performance = Performance().with_curve("camera_yaw", Curve().with_key(0.0, -20.0).with_key(1.0, 400.0))
    rows = rows_of(performance, (), ())
    assert [row.group for row in rows[-2:]] == ["camera", "camera"]
    lane = rows[-1].lane
    assert lane is not None
    assert range_of(lane) == (-180.0, 400.0)


def test_a_lane_with_a_name_is_shown_though_it_is_empty() -> None:
    performance = Performance().with_lane(Lane("AU12", mode="add", name="AU12 layer 2"))
    assert rows_of(performance, (), ())[-1].lane_id == "AU12 layer 2"


def test_neighbours_that_cross_share_a_track_and_others_lie_below() -> None:
    clips = [Clip("happy", 0, 2), Clip("sad", 1.5, 3), Clip("anger", 0.5, 1), Clip("fear", 3, 4)]
    assert tracks_of(clips) == [[0, 1, 3], [2]]
    assert tracks_of([]) == [[]]
