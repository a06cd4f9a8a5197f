"""A head that does what it is told stands still; one that trembles is found out, in pixels of a portrait."""

from dataclasses import replace
from typing import cast

import numpy as np
import pytest
import torch

from studio.engine.avatar import Avatar
from studio.engine.measures.stillness import ROOM_DBFS, held_jitter, quiet_room
from studio.engine.speech.articulators import N_ARTICULATORS
from studio.engine.speech.features import EXTRACTOR, SpeechFeatures, silence
from studio.engine.training.capture import Capture
from tests.engine.known import head


def murmur(level: float) -> SpeechFeatures:
    """A jaw that opens by `level` at every second moment of the window's clock."""
    values = np.zeros((150, N_ARTICULATORS), np.float32)
    values[::4, 0] = values[1::4, 0] = level
    return SpeechFeatures(values, 50.0, EXTRACTOR, 3.0)


def still_head(capture: Capture) -> Avatar:
    avatar = head(capture)
    return replace(avatar, info=replace(avatar.info, head_height_m=0.2))


def test_a_true_head_stands_still(egg: Capture) -> None:
    found = held_jitter(still_head(egg), silence(3.0))
    assert found["held_jitter_px"] == 0.0
    assert found["held_jitter"].keys() == {"happy", "sad", "surprise", "fear", "anger", "disgust", "contempt"}


def test_trembling_grows_with_what_is_heard(egg: Capture) -> None:
    little, much = (held_jitter(still_head(egg), murmur(level))["held_jitter_px"] for level in (0.1, 0.4))
    assert little > 0.01
    assert much == pytest.approx(4 * little, rel=0.05)


def test_an_avatar_without_motion_is_not_measured(egg: Capture) -> None:
    avatar = head(egg)
    cast(object, avatar.deformer).moving = torch.zeros_like(avatar.deformer.moving)  # type: ignore[attr-defined]
    assert held_jitter(avatar, silence(3.0))["held_jitter_px"] is None


def test_the_room_is_as_quiet_as_it_says() -> None:
    noise = quiet_room(1.0)
    assert 20 * np.log10(np.sqrt(np.mean(noise.astype(np.float64) ** 2))) == pytest.approx(ROOM_DBFS, abs=0.1)
    power = np.abs(np.fft.rfft(noise)) ** 2
    assert power[100:200].mean() > 4 * power[1000:2000].mean(), "it hums more than it hisses"
