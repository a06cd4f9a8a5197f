from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from studio.document.curves import Curve, Handle, Interpolation, Key, sample_curves
from tests.document.strategies import curves, moments, values


def dense(curve: Curve) -> np.ndarray:
    """Moments inside every segment and beyond the ends."""
    if not len(curve):
        return np.linspace(0, 1, 5)
    knots = np.concatenate([[curve.times_s[0] - 1], curve.times_s, [curve.times_s[-1] + 1]])
    return np.unique(np.concatenate([np.linspace(a, b, 33) for a, b in itertools.pairwise(knots)]))


@given(curves())
def test_a_curve_goes_through_its_keys(curve: Curve) -> None:
    np.testing.assert_array_equal(curve.sample(curve.times_s), curve.values)


@given(curves(min_keys=1))
def test_ends_are_held(curve: Curve) -> None:
    assert curve.value(curve.times_s[0] - 5) == curve.values[0]
    assert curve.value(curve.times_s[-1] + 5) == curve.values[-1]


def test_a_curve_without_keys_is_zero() -> None:
    np.testing.assert_array_equal(Curve().sample([[0.0, 1.0], [2.0, 3.0]]), np.zeros((2, 2)))


@given(curves(min_keys=2, automatic=True))
def test_automatic_handles_never_overshoot(curve: Curve) -> None:
    for a, b, start, end in zip(curve.values, curve.values[1:], curve.times_s, curve.times_s[1:], strict=False):
        inside = curve.sample(np.linspace(start, end, 101))
        assert inside.min() >= min(a, b) - 1e-12
        assert inside.max() <= max(a, b) + 1e-12


@given(curves(min_keys=3, automatic=True))
def test_automatic_handles_are_monotone_between_keys(curve: Curve) -> None:
    for start, end in zip(curve.times_s, curve.times_s[1:], strict=False):
        steps = np.diff(curve.sample(np.linspace(start, end, 101)))
        assert (steps >= -1e-12).all() or (steps <= 1e-12).all()


@given(curves(min_keys=2))
def test_a_curve_is_continuous_except_after_constant_segments(curve: Curve) -> None:
    step = 1e-7
    for i in range(1, len(curve)):
        assume(curve.interpolations[i - 1] != Interpolation.CONSTANT)
        time = curve.times_s[i]
        gap = time - curve.times_s[i - 1]
        before = curve.value(time - step * gap)
        # Near a vertical tangent a Bezier segment rises like a cube root of time.
        assert abs(before - curve.values[i]) <= 40 * 3 * step ** (1 / 3)


@given(moments, values, moments.map(lambda t: t + 1), values, st.floats(0, 1))
def test_linear_segments_are_exact(t0: float, v0: float, length: float, v1: float, part: float) -> None:
    curve = Curve.from_keys([Key(t0, v0, Interpolation.LINEAR), Key(t0 + length, v1)])
    time = t0 + part * length
    expected = v0 + (v1 - v0) * (time - t0) / length
    assert curve.value(time) == pytest.approx(expected, abs=1e-9)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_bezier_time_is_solved_to_a_nanosecond(x1: float, x2: float, s: float) -> None:
    """Values equal to time: then the curve's value at x(s) is the time of the solved parameter itself."""
    curve = Curve.from_keys(
        [
            Key(0, 0, Interpolation.BEZIER, Handle.FREE, (0, 0), (x1, x1)),
            Key(1, 1, Interpolation.BEZIER, Handle.FREE, (x2 - 1, x2 - 1), (0, 0)),
        ]
    )
    time = 3 * (1 - s) ** 2 * s * x1 + 3 * (1 - s) * s * s * x2 + s**3
    assert curve.value(time) == pytest.approx(time, abs=1e-9)


@given(st.floats(0, 1), st.floats(0, 1), values, values, st.floats(0, 1))
def test_bezier_segments_are_exact(x1: float, x2: float, y1: float, y2: float, s: float) -> None:
    curve = Curve.from_keys(
        [
            Key(0, 0, Interpolation.BEZIER, Handle.FREE, (0, 0), (x1, y1)),
            Key(1, 1, Interpolation.BEZIER, Handle.FREE, (x2 - 1, y2), (0, 0)),
        ]
    )
    r = 1 - s
    time = 3 * r * r * s * x1 + 3 * r * s * s * x2 + s**3
    slope = 3 * (r * r * x1 + 2 * r * s * (x2 - x1) + s * s * (1 - x2))
    assume(slope > 1e-3)
    assert curve.value(time) == pytest.approx(3 * r * r * s * y1 + 3 * r * s * s * (1 + y2) + s**3, abs=1e-6)


def test_a_vertical_tangent_in_the_middle_is_solved() -> None:
    curve = Curve.from_keys(
        [
            Key(0, 0, Interpolation.BEZIER, Handle.FREE, (0, 0), (1, 0)),
            Key(1, 1, Interpolation.BEZIER, Handle.FREE, (-1, 0), (0, 0)),
        ]
    )
    assert curve.value(0.5) == pytest.approx(0.5, abs=1e-4)
    steps = np.diff(curve.sample(np.linspace(0, 1, 4001)))
    assert (steps >= 0).all()


def test_constant_segments_hold_until_the_next_key_also_where_rounding_falls_short() -> None:
    curve = Curve.from_keys([Key(0, 1, Interpolation.CONSTANT), Key(0.1 + 0.2, 4)])
    assert curve.value(0.299) == 1
    assert curve.value(0.3) == 4  # 0.1 + 0.2 > 0.3 by one bit


def test_handles_longer_than_the_segment_are_shortened_along_their_direction() -> None:
    curve = Curve.from_keys([Key(0, 0, Interpolation.BEZIER, Handle.FREE, (0, 0), (4, 8)), Key(1, 0)])
    assert curve.key(0).right == (1, 2)


@given(curves(min_keys=1, max_keys=6), curves(min_keys=1, max_keys=6))
def test_sampling_together_equals_sampling_alone(a: Curve, b: Curve) -> None:
    times = dense(a)
    both = sample_curves((a, b), times)
    np.testing.assert_array_equal(both[0], a.sample(times))
    np.testing.assert_array_equal(both[1], b.sample(times))


@given(curves(), moments, values)
def test_setting_a_key_sets_the_value_there(curve: Curve, time: float, value: float) -> None:
    changed = curve.with_key(time, value)
    assert changed.value(time) == value
    assert len(changed) == len(curve) + (curve.at(time) is None)


@given(curves(), moments, values)
def test_a_new_key_removed_gives_the_curve_back(curve: Curve, time: float, value: float) -> None:
    assume(curve.at(time) is None)
    changed = curve.with_key(time, value)
    index = changed.at(time)
    assert index is not None
    assert changed.without([index]) == curve


@given(curves(min_keys=1), moments)
def test_splitting_keeps_the_shape(curve: Curve, time: float) -> None:
    split = curve.split(time)
    assert split.at(time) is not None
    times = dense(curve)
    before, after = curve.segments, split.segments
    steep = min((before[:, 3] - before[:, 2]).min(), (after[:, 3] - after[:, 2]).min()) < -0.5
    np.testing.assert_allclose(split.sample(times), curve.sample(times), atol=1e-3 if steep else 1e-8)


@given(curves())
def test_keys_make_the_same_curve_again_and_equal_curves_hash_alike(curve: Curve) -> None:
    again = Curve.from_keys(reversed(curve.keys))
    assert again.times_s.tolist() == curve.times_s.tolist()
    times = dense(curve)
    np.testing.assert_allclose(again.sample(times), curve.sample(times), atol=1e-12)
    copy = Curve(curve.times_s, curve.values, curve.interpolations, curve.handles, curve.left, curve.right)
    assert copy == curve
    assert hash(copy) == hash(curve)


@given(curves(min_keys=2), curves(min_keys=1))
def test_pasting_puts_the_pasted_keys_on_top(curve: Curve, other: Curve) -> None:
    merged = curve.merged(other)
    assert set(other.times_s) <= set(merged.times_s)
    for time, value in zip(other.times_s, other.values, strict=True):
        assert merged.value(time) == value


def test_curves_are_immutable() -> None:
    curve = Curve.from_keys([Key(0, 0), Key(1, 1)])
    with pytest.raises(ValueError, match="read-only"):
        curve.values[0] = 5


@pytest.mark.parametrize(
    ("times", "given_values", "message"),
    [
        ([0, 0], [1, 2], "increase"),
        ([1, 0], [1, 2], "increase"),
        ([0, np.nan], [1, 2], "finite"),
        ([0], [1, 2], "shape"),
    ],
)
def test_senseless_arrays_are_refused(times: list[float], given_values: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Curve.from_samples(times, given_values)


def test_many_keys_are_found_by_time() -> None:
    times = np.arange(20_000) / 25
    curve = Curve.from_samples(times, np.sin(times), Interpolation.BEZIER)
    assert curve.at(times[12_345]) == 12_345
    assert curve.between(1.0, 2.0).tolist() == list(range(25, 51))
    moments_s = np.linspace(10, 790, 5001)
    assert np.abs(curve.sample(moments_s) - np.sin(moments_s)).max() < 1e-3
