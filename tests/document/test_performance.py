from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.document.action_units import AU_INDEX, AU_KEYS
from studio.document.curves import Curve
from studio.document.expressions import Clip, Expressions, Preset
from studio.document.lanes import CAMERA_KEYS, FACE_KEYS, POSE_CHANNELS, POSE_KEYS, Lane
from studio.document.performance import CameraView, Performance
from studio.document.takes import N_AU, Base, Blinks, Take
from studio.errors import StudioError
from tests.document.strategies import curves, lanes, moments, performances

TIMES = np.linspace(-1, 70, 150)


def audible(performance: Performance) -> Performance:
    """The same without any solo."""
    return replace(
        performance,
        base=replace(performance.base, solo=False),
        expressions=replace(performance.expressions, solo=False),
        lanes=tuple(replace(lane, solo=False) for lane in performance.lanes),
    )


@given(performances)
def test_samples_are_intensities(performance: Performance) -> None:
    au = performance.sample(TIMES)
    assert au.shape == (len(TIMES), N_AU)
    assert au.dtype == np.float32
    assert ((au >= 0) & (au <= 5)).all()
    pose = performance.poses(TIMES)
    for column, channel in zip(pose.T, POSE_CHANNELS, strict=True):
        assert ((column >= channel.low) & (column <= channel.high)).all()


@given(performances, moments)
def test_sampling_many_moments_equals_sampling_each(performance: Performance, time: float) -> None:
    times = np.array([time, 3.0, 59.0])
    np.testing.assert_array_equal(performance.sample(times)[0], performance.sample([time])[0])
    np.testing.assert_array_equal(performance.poses(times)[0], performance.pose(time))


def test_an_empty_performance_is_neutral() -> None:
    assert not Performance().sample(TIMES).any()
    assert not Performance().pose(1.0).any()
    assert Performance().camera(1.0) is None


@given(st.dictionaries(st.sampled_from(AU_KEYS), st.floats(0, 5)))
def test_held_values_last_for_the_whole_clip(values: dict[str, float]) -> None:
    au = Performance.held(values).sample(TIMES)
    for key, column in AU_INDEX.items():
        np.testing.assert_allclose(au[:, column], values.get(key, 0.0), atol=1e-6)


@pytest.mark.parametrize("values", [{"AU3": 1.0}, {"AU12": 6.0}, {"AU12": -1.0}, {"AU12": float("nan")}])
def test_impossible_held_values_are_explained(values: dict[str, float]) -> None:
    with pytest.raises(StudioError, match=r"AU(3 is no action unit|12 is)"):
        Performance.held(values)


@given(curves(min_keys=1))
def test_a_replacing_lane_shows_its_curve(curve: Curve) -> None:
    performance = Performance(Base(blinks=Blinks())).with_curve("AU45", curve)
    shown = performance.sample(TIMES)[:, AU_INDEX["AU45"]]
    np.testing.assert_allclose(shown, np.clip(curve.sample(TIMES), 0, 5), atol=1e-5)


@given(performances, st.sampled_from(FACE_KEYS), st.data())
def test_a_muted_lane_is_as_if_it_were_not_there(performance: Performance, key: str, data: st.DataObject) -> None:
    performance = audible(performance)
    lane = replace(data.draw(lanes(key)), mute=True, solo=False, name="extra")
    with_muted = performance.with_lane(lane)
    np.testing.assert_array_equal(with_muted.sample(TIMES), performance.sample(TIMES))
    np.testing.assert_array_equal(with_muted.poses(TIMES), performance.poses(TIMES))


@given(performances, st.sampled_from(FACE_KEYS), st.data())
def test_weight_zero_is_mute(performance: Performance, key: str, data: st.DataObject) -> None:
    lane = replace(data.draw(lanes(key)), name="extra", solo=False)
    silent = performance.with_lane(replace(lane, weight=0.0))
    muted = performance.with_lane(replace(lane, mute=True))
    np.testing.assert_array_equal(silent.sample(TIMES), muted.sample(TIMES))


@given(performances, st.sampled_from(AU_KEYS), curves(min_keys=1), st.sampled_from(["add", "replace"]))
def test_weight_blends_linearly(performance: Performance, key: str, curve: Curve, mode: str) -> None:
    """Away from the clipping at 0 and 5, half the weight is half the way."""
    performance = audible(replace(performance, lanes=()))
    column = AU_INDEX[key]

    def shown(weight: float) -> np.ndarray:
        lane = Lane(key, curve, mode=mode, weight=weight)  # type: ignore[arg-type]
        return performance.with_lane(lane).sample(TIMES)[:, column]

    none, half, full = shown(0.0), shown(0.5), shown(1.0)
    free = (full > 0) & (full < 5)
    np.testing.assert_allclose(half[free], (none + full)[free] / 2, atol=1e-4)


@given(performances, st.sampled_from(AU_KEYS), curves(min_keys=1))
def test_solo_shows_the_soloed_lane_alone(performance: Performance, key: str, curve: Curve) -> None:
    performance = audible(performance)
    lane = Lane(key, curve, solo=True, name="soloed")
    alone = Performance(lanes=(lane,)).sample(TIMES)
    np.testing.assert_array_equal(performance.with_lane(lane).sample(TIMES), alone)


def test_mute_wins_over_solo_and_cameras_have_their_own_solo() -> None:
    performance = Performance.held({"AU12": 3.0}).with_held("head_yaw", 10.0).with_held("camera_yaw", 20.0)
    soloed = performance.with_lane(Lane("AU4", held=2.0, solo=True))
    assert soloed.sample([0.0])[0, AU_INDEX["AU12"]] == 0
    assert soloed.pose(0.0)[0] == 0
    camera = soloed.camera(0.0)
    assert camera is not None
    assert camera.yaw_deg == 20
    both = performance.with_lane(Lane("AU4", held=2.0, solo=True, mute=True))
    assert not both.sample([0.0]).any()


def test_layers_lie_on_each_other_in_order() -> None:
    take = Take("take", 25, np.full((10, N_AU), 1, np.float32))
    performance = Performance(
        Base(take, weight=0.5),
        Expressions((Clip("wry", 0, 10, 1.0, 0, 0),)),
        (Lane("AU4", held=1.0, mode="add"), Lane("AU12", held=4.0, weight=0.5)),
        (Preset.of("wry", AU4=1, AU12=2),),
    )
    au = performance.sample([0.1])[0]
    assert au[AU_INDEX["AU1"]] == pytest.approx(0.5)
    assert au[AU_INDEX["AU4"]] == pytest.approx(0.5 + 1 + 1)
    assert au[AU_INDEX["AU12"]] == pytest.approx((0.5 + 2 + 4) / 2)


@given(performances, st.sampled_from(FACE_KEYS), moments)
def test_the_winner_has_the_value_that_is_shown(performance: Performance, key: str, time: float) -> None:
    winner = performance.winner(key, time)
    if key in AU_INDEX:
        assert winner.value == pytest.approx(performance.sample([time])[0, AU_INDEX[key]], abs=1e-4)
    else:
        assert winner.value == pytest.approx(performance.pose(time)[POSE_KEYS.index(key)], abs=1e-4)
    if winner.contributions:
        assert (winner.layer, winner.label) == (winner.contributions[-1].layer, winner.contributions[-1].label)
    else:
        assert winner.layer == "neutral"


def test_the_winner_is_the_topmost_layer_that_acts() -> None:
    base = Base(blinks=Blinks(14, 0))
    closed = float(TIMES[np.argmax(base.sample(TIMES)[:, AU_INDEX["AU45"]])])
    performance = Performance(base, Expressions((Clip("happy", 0, 100),)))
    assert performance.winner("AU45", closed).layer == "blinks"
    assert performance.winner("AU12", 5.0).label == "happy"
    assert performance.with_held("AU12", 1.0).winner("AU12", 5.0).layer == "held"
    keyed = performance.with_curve("AU12", Curve().with_key(0, 2))
    assert keyed.winner("AU12", 5.0).layer == "keys"
    assert [c.layer for c in keyed.winner("AU12", 5.0).contributions] == ["expressions", "keys"]
    assert performance.winner("AU2", 5.0).layer == "neutral"
    with pytest.raises(ValueError, match="no action unit"):
        performance.winner("camera_yaw", 0.0)


def test_letting_go_of_a_slider_leaves_no_trace() -> None:
    assert Performance().with_held("AU4", 2.0).with_held("AU4", None) == Performance()
    keyed = Performance().with_curve("AU4", Curve().with_key(0, 1))
    assert keyed.with_held("AU4", 2.0).with_held("AU4", None) == keyed
    assert Performance().with_held("AU4", None) == Performance()


def test_edits_share_what_they_do_not_touch() -> None:
    before = Performance(Base(blinks=Blinks())).with_curve("AU4", Curve().with_key(0, 1)).with_held("AU12", 1.0)
    after = before.with_held("AU12", 2.0)
    assert after.base is before.base
    assert after.lanes[0] is before.lanes[0]
    assert after.lane("AU12") != before.lane("AU12")
    assert after.without_lane("AU12").lanes == before.lanes[:1]


def test_lanes_and_presets_have_names_of_their_own() -> None:
    with pytest.raises(ValueError, match="AU4"):
        Performance(lanes=(Lane("AU4"), Lane("AU12"), Lane("AU4")))
    with pytest.raises(ValueError, match="wry"):
        Performance(presets=(Preset.of("wry"), Preset.of("wry")))
    own = Performance(presets=(Preset.of("happy", AU12=1),))
    assert own.all_presets["happy"].au == (("AU12", 1.0),)


def test_a_keyed_camera_is_interpolated() -> None:
    view = CameraView(40.0, 10.0, 4.0, (0.1, 0.2, 0.3))
    performance = Performance().with_camera_key(0.0, CameraView()).with_camera_key(2.0, view)
    assert {lane.target for lane in performance.lanes} == set(CAMERA_KEYS)
    assert performance.camera(2.0) == view
    middle = performance.camera(1.0)
    assert middle is not None
    assert middle.yaw_deg == pytest.approx(20)
    assert middle.distance == pytest.approx(3.5)
    assert not performance.sample([1.0]).any()


def test_a_camera_without_distance_frames_the_head() -> None:
    camera = Performance().with_held("camera_yaw", 30.0).camera(0.0)
    assert camera == CameraView(30.0)
