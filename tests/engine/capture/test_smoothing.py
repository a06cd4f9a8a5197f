from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.engine.capture.smoothing import noise_of, smooth


@settings(deadline=None)
@given(st.floats(-5, 5), st.floats(-1, 1), st.integers(8, 80))
def test_a_straight_motion_stays_as_it_is(start: float, speed: float, n: int) -> None:
    line = start + speed * np.arange(n)
    assert smooth(line) == pytest.approx(line, abs=1e-6)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_smoothing_has_no_lag(seed: int) -> None:
    rng = np.random.default_rng(seed)
    noisy = np.sin(np.arange(120) / 9.0) + 0.1 * rng.normal(size=120)
    assert smooth(noisy[::-1]) == pytest.approx(smooth(noisy)[::-1], abs=1e-6)


def test_noise_is_measured_and_most_of_it_taken_away() -> None:
    rng = np.random.default_rng(1)
    truth = 3.0 * np.sin(np.arange(500) / 40.0)
    noisy = truth + 0.2 * rng.normal(size=500)
    assert noise_of(noisy) == pytest.approx(0.2, rel=0.2)
    assert np.std(smooth(noisy) - truth) < 0.08


def test_noise_of_pictures_taken_at_uneven_times_is_not_mistaken() -> None:
    times = np.round(np.arange(300) / 25 * 30) / 30 * 25  # nearest pictures of a 30 fps film
    truth = 10.0 * np.sin(times / 20.0)
    rng = np.random.default_rng(2)
    noisy = truth + 0.05 * rng.normal(size=300)
    assert noise_of(noisy, times) == pytest.approx(0.05, rel=0.3)
    assert np.std(smooth(noisy, None, times) - truth) < 0.05


def test_a_sudden_motion_is_kept() -> None:
    rng = np.random.default_rng(3)
    truth = np.where(np.arange(200) < 100, 0.0, 4.0)
    out = smooth(truth + 0.05 * rng.normal(size=200))
    assert abs(out[96]) < 0.4
    assert abs(out[104] - 4.0) < 0.4


def test_what_was_not_seen_is_bridged() -> None:
    values = np.arange(40.0)
    good = np.ones(40, bool)
    good[10:20] = False
    values[10:20] = np.nan
    assert smooth(values, good) == pytest.approx(np.arange(40.0), abs=1e-3)


def test_a_curve_that_hardly_trembles_beside_a_burst_is_smoothed() -> None:
    """Rounding in a running sum after the burst is larger than the tremor: no motion is less than none."""
    for seed in range(20):
        random = np.random.default_rng(seed)
        curve = np.zeros(120)
        curve[20:30] = 5 * random.random(10)
        curve[60:] = random.normal(size=60) * 10.0 ** -random.uniform(6, 9)
        out = smooth(curve)
        assert np.isfinite(out).all()
        assert np.abs(out[70:]).max() < 1e-5
