from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.document import curve_tools as tools
from studio.document.curves import Curve, Handle, Interpolation, Key
from tests.document.strategies import curves, moments, values
from tests.document.test_curves import dense


@st.composite
def selections(draw: st.DrawFn, min_keys: int = 1) -> tuple[Curve, list[int]]:
    curve = draw(curves(min_keys=min_keys))
    chosen = draw(st.lists(st.integers(0, len(curve) - 1), min_size=1, unique=True))
    return curve, sorted(chosen)


def close(a: Curve, b: Curve) -> None:
    for left, right in zip(a._arrays, b._arrays, strict=True):
        np.testing.assert_allclose(left, right, atol=1e-8)


@given(selections(), values)
def test_value_shifts_undo_each_other(picked: tuple[Curve, list[int]], value: float) -> None:
    curve, chosen = picked
    there = tools.move(curve, chosen, value=value)
    assert there.selected.tolist() == chosen
    close(tools.move(*there, value=-value).curve, curve)


@given(curves(min_keys=1), moments)
def test_moving_all_keys_moves_the_curve(curve: Curve, shift: float) -> None:
    moved = tools.move(curve, np.arange(len(curve)), time_s=shift, value=2.0).curve
    key_times = curve.times_s
    np.testing.assert_allclose(moved.times_s, key_times + shift)
    np.testing.assert_allclose(moved.sample(moved.times_s), curve.values + 2.0)


def test_a_moved_key_replaces_the_one_it_lands_on_and_stays_selected() -> None:
    curve = Curve.from_keys([Key(0, 0), Key(1, 1), Key(2, 2)])
    moved = tools.move(curve, [0], time_s=1.0)
    assert moved.curve.times_s.tolist() == [1, 2]
    assert moved.curve.values.tolist() == [0, 2]
    assert moved.selected.tolist() == [0]


def test_keys_can_be_dragged_past_others() -> None:
    curve = Curve.from_keys([Key(0, 0), Key(1, 1), Key(2, 2)])
    moved = tools.move(curve, [0], time_s=1.5)
    assert moved.curve.values.tolist() == [1, 0, 2]
    assert moved.selected.tolist() == [1]


@given(selections(), st.floats(0.1, 10), moments)
def test_time_scales_undo_each_other_on_a_whole_curve(
    picked: tuple[Curve, list[int]], factor: float, pivot: float
) -> None:
    curve, _ = picked
    everything = np.arange(len(curve))
    there = tools.scale_time(curve, everything, factor, pivot)
    close(tools.scale_time(*there, 1 / factor, pivot).curve, curve)


@given(selections(), st.floats(0.1, 10), values)
def test_value_scales_undo_each_other(picked: tuple[Curve, list[int]], factor: float, pivot: float) -> None:
    curve, chosen = picked
    close(tools.scale_values(*tools.scale_values(curve, chosen, factor, pivot), 1 / factor, pivot).curve, curve)


@given(curves(min_keys=1))
def test_mirroring_twice_gives_the_curve_back(curve: Curve) -> None:
    everything = np.arange(len(curve))
    close(tools.mirror_time(*tools.mirror_time(curve, everything)).curve, curve)


@given(curves(min_keys=2))
def test_a_mirrored_curve_runs_backwards(curve: Curve) -> None:
    kinds = np.where(curve.interpolations == Interpolation.CONSTANT, Interpolation.LINEAR, curve.interpolations)
    curve = Curve(curve.times_s, curve.values, kinds, curve.handles, curve.left, curve.right)
    mirrored = tools.mirror_time(curve, np.arange(len(curve))).curve
    middle = curve.times_s[0] + curve.times_s[-1]
    times = dense(curve)
    backwards = mirrored.sample(middle - times)
    # Where the handles' times cross, a curve may be as steep as a wall: there a moment's rounding moves along the wall.
    around = np.stack(
        [curve.sample(times + shift) for shift in np.linspace(-1, 1, 5) * 4 * np.spacing(abs(middle) + 40)]
    )
    assert (backwards >= around.min(axis=0) - 1e-7).all()
    assert (backwards <= around.max(axis=0) + 1e-7).all()


@given(selections(), st.floats(-5, 5))
def test_blending_meets_the_target(picked: tuple[Curve, list[int]], target: float) -> None:
    curve, chosen = picked
    np.testing.assert_allclose(tools.blend_to(curve, chosen, target, 1.0).curve.values[chosen], target)
    close(tools.blend_to(curve, chosen, target, 0.0).curve, curve)


@given(selections(min_keys=3), st.floats(0.01, 2))
def test_smoothing_stays_within_the_values_of_the_curve(picked: tuple[Curve, list[int]], width: float) -> None:
    curve, chosen = picked
    smoothed = tools.smooth(curve, chosen, width)
    assert smoothed.selected.tolist() == chosen
    everywhere = curve.sample(np.concatenate([dense(curve), curve.times_s]))
    slack = 1e-6 + 0.1 * (everywhere.max() - everywhere.min())
    assert smoothed.curve.values.min() >= everywhere.min() - slack
    assert smoothed.curve.values.max() <= everywhere.max() + slack
    untouched = np.setdiff1d(np.arange(len(curve)), chosen)
    np.testing.assert_array_equal(smoothed.curve.values[untouched], curve.values[untouched])


def test_smoothing_calms_noise_and_leaves_a_straight_line() -> None:
    times = np.arange(200) / 25
    rng = np.random.default_rng(1)
    noisy = Curve.from_samples(times, times + rng.normal(0, 0.3, 200))
    line = Curve.from_samples(times, times)
    everything = np.arange(200)
    calm = tools.smooth(noisy, everything, 0.2).curve
    assert np.abs(np.diff(calm.values, 2)).mean() < np.abs(np.diff(noisy.values, 2)).mean() / 20
    np.testing.assert_allclose(tools.smooth(line, everything, 0.2).curve.values, line.values, atol=1e-9)


@pytest.mark.parametrize("preset", [*tools.EASES, "linear", "hold", "smooth"])
def test_eases_keep_keys_and_other_segments(preset: str) -> None:
    curve = Curve.from_keys([Key(0, 0), Key(1, 3), Key(2, 1), Key(4, 5), Key(5, 0)])
    eased = tools.ease(curve, [1, 2], preset).curve
    np.testing.assert_array_equal(eased.values, curve.values)
    for start, end in ((0, 1), (2, 5)):
        times = np.linspace(start, end - 1e-9, 50)
        np.testing.assert_allclose(eased.sample(times), curve.sample(times), atol=1e-9)
    if preset != "smooth":
        assert np.abs(eased.sample(np.linspace(1, 2, 50)) - curve.sample(np.linspace(1, 2, 50))).max() > 0.01


def test_ease_presets_are_what_they_are_called() -> None:
    curve = Curve.from_keys([Key(0, 0), Key(1, 1)])
    quarter = {name: tools.ease(curve, [0, 1], name).curve.value(0.25) for name in tools.EASES}
    assert quarter["ease_in"] < 0.25 < quarter["ease_out"] < quarter["snap"]
    assert tools.ease(curve, [0, 1], "anticipate").curve.sample(np.linspace(0, 1, 99)).min() < 0
    assert tools.ease(curve, [0, 1], "overshoot").curve.sample(np.linspace(0, 1, 99)).max() > 1
    assert tools.ease(curve, [0, 1], "hold").curve.value(0.99) == 0


@given(selections(min_keys=2), st.sampled_from([Handle.FREE, Handle.ALIGNED]))
def test_automatic_handles_made_free_or_aligned_keep_the_shape(picked: tuple[Curve, list[int]], kind: Handle) -> None:
    curve = Curve.from_keys([Key(k.time_s, k.value) for k in picked[0].keys])
    changed = tools.set_handles(curve, picked[1], kind).curve
    times = dense(curve)
    np.testing.assert_allclose(changed.sample(times), curve.sample(times), atol=1e-9)


@given(selections(), st.sampled_from(["left", "right"]), st.floats(-3, 3), values)
def test_dragging_a_handle_of_an_aligned_key_turns_both(
    picked: tuple[Curve, list[int]], side: tools.Side, time_s: float, value: float
) -> None:
    curve, chosen = picked
    index = chosen[0]
    changed = tools.drag_handle(
        tools.set_handles(curve, [index], Handle.ALIGNED).curve, index, side, time_s, value
    ).curve
    left, right = changed.left[index], changed.right[index]
    assert left[0] <= 0 <= right[0]
    reach = left[0] if side == "left" else right[0]
    if abs(reach) > 1e-3:
        assert left[0] * right[1] == pytest.approx(left[1] * right[0], abs=1e-9)


@given(curves(min_keys=2), moments, st.floats(0.1, 20))
def test_baking_keeps_frames_inside_and_the_shape_outside(curve: Curve, start: float, length: float) -> None:
    fps, end = 25.0, start + length
    baked = tools.bake(curve, start, end, fps)
    frames = baked.curve.times_s[baked.selected]
    np.testing.assert_allclose(np.diff(frames), 1 / fps, atol=1e-9)
    np.testing.assert_allclose(baked.curve.sample(frames), curve.sample(frames), atol=1e-9)
    steep = (curve.segments[:, 3] - curve.segments[:, 2]).min() < -0.5
    if len(frames):
        outside = dense(curve)
        outside = outside[(outside < frames[0] - 1e-6) | (outside > frames[-1] + 1e-6)]
        tolerance = 2e-3 if steep else 1e-7
        np.testing.assert_allclose(baked.curve.sample(outside), curve.sample(outside), atol=tolerance)


def test_baking_the_end_of_a_segment_with_crossing_handles_keeps_its_beginning() -> None:
    crossing = Key(5, 0, handle=Handle.FREE, right=(2, 0))
    curve = Curve.from_keys([Key(0, 0), crossing, Key(6.25, 0, handle=Handle.FREE, left=(-1, 1))])
    baked = tools.bake(curve, 6, 7, 25).curve
    before = np.linspace(5, 6, 200, endpoint=False)
    np.testing.assert_allclose(baked.sample(before), curve.sample(before), atol=1e-7)


@given(curves(min_keys=1), curves(min_keys=1))
def test_overwriting_keeps_the_shape_outside_and_the_piece_inside(curve: Curve, piece: Curve) -> None:
    edited = tools.overwrite(curve, piece)
    start, end = piece.times_s[0], piece.times_s[-1]
    assert set(piece.times_s) <= set(edited.curve.times_s[edited.selected])
    times = dense(curve)
    outside = times[(times < start - 2 * tools.GUARD_S) | (times > end + 2 * tools.GUARD_S)]
    steep = (curve.segments[:, 3] - curve.segments[:, 2]).min() < -0.5
    np.testing.assert_allclose(edited.curve.sample(outside), curve.sample(outside), atol=2e-3 if steep else 1e-6)
    np.testing.assert_allclose(edited.curve.sample(piece.times_s), piece.values, atol=1e-9)


def test_overwriting_where_the_curve_meets_the_piece_needs_no_guard() -> None:
    curve = Curve.from_keys([Key(0, 0), Key(4, 4)])
    piece = Curve.from_samples([1, 2, 3], [curve.value(1), 5, curve.value(3)])
    edited = tools.overwrite(curve, piece)
    assert edited.curve.times_s.tolist() == [0, 1, 2, 3, 4]
    assert edited.selected.tolist() == [1, 2, 3]
    for span in (np.linspace(0, 1, 20), np.linspace(3, 4, 20)):
        np.testing.assert_allclose(edited.curve.sample(span), curve.sample(span), atol=1e-9)
    np.testing.assert_allclose(edited.curve.sample([1.5, 2.5]), piece.sample([1.5, 2.5]), atol=1e-9)


def test_a_single_key_on_the_curve_changes_nothing_around_it() -> None:
    """It used to leave with its own interpolation, and the curve after it was lost."""
    curve = Curve.from_keys([Key(0, 0, Interpolation.LINEAR), Key(1, 1)])
    edited = tools.overwrite(curve, Curve.from_keys([Key(0, 0, Interpolation.CONSTANT)]))
    times = np.linspace(0, 1, 20)
    np.testing.assert_allclose(edited.curve.sample(times), curve.sample(times), atol=1e-9)


@given(selections(), st.sampled_from([24.0, 25.0, 60.0]))
def test_snapping_puts_keys_on_frames(picked: tuple[Curve, list[int]], fps: float) -> None:
    snapped = tools.snap_to_frames(*picked, fps)
    position = snapped.curve.times_s[snapped.selected] * fps
    np.testing.assert_allclose(position, np.round(position), atol=1e-6)


@given(selections(), st.floats(-5, 0), st.floats(0, 5))
def test_clamping_and_setting_values(picked: tuple[Curve, list[int]], low: float, high: float) -> None:
    curve, chosen = picked
    clamped = tools.clamp(curve, chosen, low, high).curve.values[chosen]
    assert ((clamped >= low) & (clamped <= high)).all()
    assert (tools.set_values(curve, chosen, high).curve.values[chosen] == high).all()


def test_a_negative_time_scale_is_refused() -> None:
    with pytest.raises(ValueError, match="positive"):
        tools.scale_time(Curve.from_keys([Key(0, 0)]), [0], -1.0, 0.0)
