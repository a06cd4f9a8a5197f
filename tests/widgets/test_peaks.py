from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.widgets.peaks import Peaks


@settings(max_examples=80)
@given(st.integers(1, 60_000), st.integers(1, 400), st.integers(0, 2**31))
def test_every_extreme_is_seen_at_any_zoom(n: int, columns: int, seed: int) -> None:
    samples = np.random.default_rng(seed).uniform(-1, 1, n).astype(np.float32)
    low, high = Peaks(samples, 1000.0).columns(0.0, n / 1000.0, columns)
    assert low.min() == samples.min()
    assert high.max() == samples.max()
    assert np.all(low <= high)


def test_columns_are_the_extremes_of_their_samples_when_zoomed_in() -> None:
    samples = np.arange(1000, dtype=np.float32)
    low, high = Peaks(samples, 1000.0).columns(0.1, 0.2, 10)
    assert low == pytest.approx(np.arange(100, 200, 10))
    assert high == pytest.approx(np.arange(109, 209, 10), abs=1)


def test_outside_of_the_sound_is_silence() -> None:
    low, high = Peaks(np.ones(1000, np.float32), 1000.0).columns(-1.0, 3.0, 8)
    assert high.tolist() == [0, 0, 1, 1, 0, 0, 0, 0]
    assert low.tolist() == high.tolist()


def test_a_half_hour_clip_costs_no_more_than_its_pixels() -> None:
    samples = np.zeros(30 * 60 * 16_000, np.float32)
    samples[12_345_678] = 1.0
    peaks = Peaks(samples, 16_000.0)
    step, low, _ = peaks._levels[-1]
    assert len(low) * step >= len(samples)
    _, high = peaks.columns(0.0, 1800.0, 1500)
    assert high.max() == 1.0
    assert high.argmax() == pytest.approx(12_345_678 / len(samples) * 1500, abs=1.3)
