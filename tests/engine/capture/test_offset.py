from __future__ import annotations

import numpy as np
import pytest

from studio.engine.capture.offset import expected_opening, find_offset
from studio.engine.speech.articulators import ARTICULATORS, N_ARTICULATORS
from studio.engine.speech.features import EXTRACTOR, FEATURE_RATE_HZ, SpeechFeatures


def speech(seed: int, seconds: float = 12.0) -> SpeechFeatures:
    """A jaw that opens at random."""
    rng = np.random.default_rng(seed)
    n = round(seconds * FEATURE_RATE_HZ)
    raw = np.convolve(rng.normal(size=n), np.hanning(11), mode="same")
    values = np.zeros((n, N_ARTICULATORS), np.float32)
    values[:, ARTICULATORS.index("jaw_open")] = np.clip(0.35 + 0.2 * raw, 0, 1)
    values[:, ARTICULATORS.index("voice")] = 0.8
    return SpeechFeatures(values, FEATURE_RATE_HZ, EXTRACTOR, seconds)


@pytest.mark.parametrize("late_s", [-0.3, 0.0, 0.2, 0.45])
def test_a_late_sound_is_found(late_s: float) -> None:
    heard, times = speech(1), np.arange(300) / 25
    opening = 0.3 * expected_opening(heard, times + late_s) + 0.02 * np.random.default_rng(0).normal(size=300)
    found = find_offset(opening, times, np.ones(300, bool), heard)
    assert found.believed
    assert found.seconds == pytest.approx(late_s, abs=0.02)
    assert found.correction_s == (pytest.approx(late_s, abs=0.02) if late_s else 0.0)


def test_another_persons_sound_is_not_believed() -> None:
    times = np.arange(300) / 25
    found = find_offset(expected_opening(speech(2), times), times, np.ones(300, bool), speech(3))
    assert not found.believed
    assert found.correction_s == 0.0


def test_silence_tells_nothing() -> None:
    times = np.arange(300) / 25
    empty = SpeechFeatures(np.zeros((600, N_ARTICULATORS), np.float32), FEATURE_RATE_HZ, EXTRACTOR, 12.0)
    assert not find_offset(expected_opening(speech(2), times), times, np.ones(300, bool), empty).believed
