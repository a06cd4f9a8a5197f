from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.document.commands import Selection
from studio.document.curves import Curve
from studio.document.lanes import Lane
from studio.document.model import Project
from studio.document.performance import Performance
from studio.widgets.timeline import edits

CURVE = Curve().with_key(0.4, 0.0).with_key(1.2, 4.0).with_key(2.4, 1.0)


def project(**curves: Curve) -> Project:
    performance = Performance()
    for key, curve in curves.items():
        performance = performance.with_curve(key, curve)
    return Project(performance=performance)


@given(st.floats(-5, 5), st.floats(-2, 2), st.sets(st.integers(0, 2), min_size=1))
def test_moved_keys_stay_in_range_and_the_selection_follows_them(time_s: float, share: float, chosen: set[int]) -> None:
    before = project(AU1=CURVE)
    after, selection = edits.move_keys(before, edits.select([("AU1", chosen)], "AU1"), time_s, share)
    lane = after.performance.lane("AU1")
    assert lane is not None
    assert lane.curve.values.min() >= 0
    assert lane.curve.values.max() <= 5
    assert lane.curve.times_s[0] >= -1e-9
    first = CURVE.times_s[sorted(chosen)[0]]
    moved = lane.curve.times_s[selection.keys_of("AU1")[0]]
    assert moved == pytest.approx(max(first + time_s, 0.0), abs=1e-6)


def test_a_lane_left_without_keys_is_gone() -> None:
    after, selection = edits.delete_keys(project(AU1=CURVE), edits.select([("AU1", range(3))], "AU1"))
    assert after == Project()
    assert selection == Selection(lane="AU1")


def test_a_first_key_takes_the_place_of_a_held_value() -> None:
    held = Project(performance=Performance.held({"AU1": 3.0}))
    after, _ = edits.key_here(held, "AU1", 1.0)
    lane = after.performance.lane("AU1")
    assert lane is not None
    assert lane.held is None
    assert lane.curve.value(1.0) == 3.0


@pytest.mark.parametrize(("mode", "weight"), [("replace", 1.0), ("replace", 0.5), ("add", 1.0), ("add", 0.5)])
def test_a_lane_gets_the_value_that_shows_what_was_asked_for(mode: str, weight: float) -> None:
    below = Lane("AU1", held=1.0)
    lane = replace(Lane("AU1", name="top", curve=Curve().with_key(0.0, 2.0)), mode=mode, weight=weight)  # type: ignore[arg-type]
    performance = Performance(lanes=(below, lane))
    own = edits.own_value(performance, lane, 0.5, 2.4)
    keyed = performance.with_lane(replace(lane, curve=Curve().with_key(0.0, own)))
    assert keyed.winner("AU1", 0.5).value == pytest.approx(2.4)


def test_pasting_into_a_lane_of_another_range_keeps_the_shape() -> None:
    before = project(AU1=CURVE)
    clipping = edits.copied(before.performance, edits.select([("AU1", range(3))], "AU1"))
    assert clipping is not None
    after, _ = edits.pasted(before, clipping, 0.0, "head_yaw")
    lane = after.performance.lane("head_yaw")
    assert lane is not None
    assert lane.curve.values.tolist() == pytest.approx([0.0, 90.0, 36.0])  # clipped at its range


def test_stale_selections_are_left_out() -> None:
    assert edits.selected_keys(project(AU1=CURVE).performance, Selection((("AU1", (7,)), ("AU9", (0,))))) == ()
