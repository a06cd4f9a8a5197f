from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.document.curve_fit import curve_from_recording, simplify
from studio.document.curves import Curve, Handle, Interpolation, Key
from tests.document.strategies import curves
from tests.document.test_curves import dense


def steep(curve: Curve) -> bool:
    """Whether a segment has nearly a vertical tangent, where a rounding of time is a jump of value."""
    return bool((curve.segments[:, 3] - curve.segments[:, 2]).min() < -0.5)


@given(curves(min_keys=2, max_keys=12), st.floats(0, 3))
def test_the_tolerance_holds_everywhere(curve: Curve, tolerance: float) -> None:
    simple = simplify(curve, tolerance).curve
    times = dense(curve)
    assert set(simple.times_s) <= set(curve.times_s)
    error = np.abs(simple.sample(times) - curve.sample(times)).max()
    assert error <= tolerance + (1e-3 if steep(curve) else 1e-9)


@given(st.integers(0, 2**32 - 1), st.floats(0.01, 1.0), st.integers(3, 200))
def test_the_tolerance_holds_on_recordings(seed: int, tolerance: float, count: int) -> None:
    rng = np.random.default_rng(seed)
    times = np.cumsum(rng.uniform(0.001, 0.05, count))
    recorded = np.clip(np.cumsum(rng.normal(0, 0.3, count)), 0, 5)
    curve = curve_from_recording(times, recorded, tolerance)
    at = np.linspace(times[0], times[-1], 4001)
    assert np.abs(curve.sample(at) - np.interp(at, times, recorded)).max() <= tolerance + 1e-9


def test_a_smooth_movement_needs_few_keys_and_stays_smooth() -> None:
    times = np.arange(0, 60, 1 / 60)
    rng = np.random.default_rng(0)
    curve = curve_from_recording(times, 2.5 + 2 * np.sin(times) + rng.normal(0, 0.02, len(times)), 0.1)
    assert len(curve) < len(times) / 30
    assert (curve.handles == Handle.ALIGNED).all()
    left, right = curve.effective_handles
    np.testing.assert_allclose(left[1:-1, 1] / left[1:-1, 0], right[1:-1, 1] / right[1:-1, 0], atol=1e-9)


def test_a_straight_line_becomes_two_keys_even_at_zero_tolerance() -> None:
    times = np.arange(100) / 25
    assert len(simplify(Curve.from_samples(times, 3 * times), 0.0).curve) == 2


@given(curves(min_keys=3, max_keys=10), st.floats(0, 2), st.data())
def test_keys_that_are_not_selected_stay(curve: Curve, tolerance: float, data: st.DataObject) -> None:
    chosen = data.draw(st.lists(st.integers(0, len(curve) - 1), unique=True))
    edited = simplify(curve, tolerance, chosen)
    others = np.setdiff1d(np.arange(len(curve)), chosen)
    assert set(curve.times_s[others]) <= set(edited.curve.times_s)
    assert set(edited.curve.times_s[edited.selected]) <= set(curve.times_s[chosen])
    np.testing.assert_array_equal(edited.curve.sample(curve.times_s[others]), curve.values[others])


def test_constant_segments_survive() -> None:
    curve = Curve.from_keys([Key(t, t % 3, Interpolation.CONSTANT) for t in range(10)])
    assert simplify(curve, 0.5).curve == curve


def test_no_tolerance_changes_nothing_that_matters() -> None:
    curve = Curve.from_keys([Key(0, 0), Key(1, 3), Key(2, 1), Key(3, 5)])
    assert simplify(curve, 0.0).curve == curve


@pytest.mark.parametrize("tolerance", [-1.0, float("nan")])
def test_a_senseless_tolerance_is_refused(tolerance: float) -> None:
    with pytest.raises(ValueError, match="tolerance"):
        simplify(Curve(), tolerance)


def test_of_samples_at_one_moment_the_last_counts() -> None:
    curve = curve_from_recording([0.0, 1.0, 1.0, 0.5], [0.0, 1.0, 4.0, 2.0], 0.01)
    assert curve.value(1.0) == 4.0
    assert curve.value(0.5) == pytest.approx(2.0, abs=0.01)
