from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from studio.document.bezier import clamped_slopes, parameter

unit = st.floats(0, 1)


def time_at(s: float, x1: float, x2: float) -> float:
    r = 1 - s
    return 3 * r * r * s * x1 + 3 * r * s * s * x2 + s**3


@given(unit, unit, unit)
def test_the_parameter_of_a_moment_leads_back_to_it(x: float, x1: float, x2: float) -> None:
    (s,) = parameter(np.array([x]), np.array([x1]), np.array([x2]))
    assert 0 <= s <= 1
    assert abs(time_at(s, x1, x2) - x) < 1e-12


@given(st.lists(unit, min_size=2, max_size=30), unit, unit)
def test_later_moments_have_later_parameters(moments: list[float], x1: float, x2: float) -> None:
    x = np.sort(moments)
    s = parameter(x, np.full(len(x), x1), np.full(len(x), x2))
    # Where time nearly stands still, as between x1 = 1 and x2 = 0, rounding of time spreads the parameter.
    assert (np.diff(s) >= -1e-4).all()


def test_handles_of_a_third_make_time_even() -> None:
    x = np.linspace(0, 1, 50)
    np.testing.assert_array_equal(parameter(x, np.full(50, 1 / 3), np.full(50, 2 / 3)), x)


@given(st.lists(st.tuples(st.floats(1e-3, 10), st.floats(-10, 10)), min_size=2, max_size=10))
def test_clamped_slopes_never_exceed_three_times_a_neighbouring_secant(pieces: list[tuple[float, float]]) -> None:
    """The condition under which a cubic stays between its ends (Fritsch and Carlson 1980)."""
    span, rise = np.array(pieces).T
    slopes = clamped_slopes(span, rise, np.zeros(len(span), bool))
    secants = rise / span
    assert slopes[0] == slopes[-1] == 0
    for before, slope, after in zip(secants, slopes[1:-1], secants[1:], strict=False):
        assert abs(slope) <= 3 * min(abs(before), abs(after)) + 1e-9
        assert slope == 0 or np.sign(slope) == np.sign(before) == np.sign(after)


def test_slopes_beside_a_held_segment_are_flat() -> None:
    slopes = clamped_slopes(np.ones(3), np.ones(3), np.array([False, True, False]))
    np.testing.assert_array_equal(slopes, 0)
