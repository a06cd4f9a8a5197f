from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint

from studio.engine.speech.phonemes import PHONEMES, Phoneme
from studio.widgets.timeline.sounds import IPA, Sounds
from studio.widgets.timeline.spectrum import Spectrum
from studio.widgets.timeline.state import RULER_HEIGHT, SPECTRUM_HEIGHT
from tests.widgets.timeline.conftest import Hands


def sweep(duration_s: float = 2.0, rate_hz: int = 16_000) -> Spectrum:
    """A tone that rises from 200 Hz to 6 kHz."""
    time = np.arange(round(duration_s * rate_hz)) / rate_hz
    pitch = 200 * (30.0 ** (time / duration_s))
    samples = np.sin(2 * np.pi * np.cumsum(pitch) / rate_hz).astype(np.float32)
    return Spectrum.of(samples, rate_hz)


def test_a_rising_tone_climbs_at_every_resolution() -> None:
    spectrum = sweep()
    for columns in (400, 40, 8):
        picture = spectrum.picture(0.1, 1.9, columns, 72)
        assert picture.shape == (72, columns)
        peaks = picture.argmax(axis=0)
        assert (np.diff(peaks) <= 2).all()
        assert peaks[0] > peaks[-1] + 30
        assert picture.max() > 180


def test_it_stands_at_its_moment_and_is_silent_elsewhere() -> None:
    energies = np.full((200, 40), 1e-9, np.float32)
    energies[100] = 1.0  # one second
    picture = Spectrum(energies, 100.0).picture(0.0, 4.0, 400, 20)
    loud = np.flatnonzero(picture.max(axis=0) > 100)
    assert np.abs(loud - 99.5).max() <= 1.5
    assert picture[:, 220:].max() == 0


@given(st.integers(1, 700), st.integers(1, 60), st.floats(-3, 5), st.floats(0.01, 20))
def test_any_view_of_any_length_is_a_picture(frames: int, columns: int, start_s: float, span_s: float) -> None:
    spectrum = Spectrum(np.ones((frames, 40), np.float32), 100.0)
    assert spectrum.picture(start_s, start_s + span_s, columns, 30).shape == (30, columns)


def test_every_sound_has_a_phonetic_sign() -> None:
    assert set(IPA) == set(PHONEMES) - {"SIL"}
    assert len(set(IPA.values())) == len(IPA)


def test_sounds_are_found_by_moment() -> None:
    sounds = Sounds.of((Phoneme("HH", 0.1, 0.2), Phoneme("SIL", 0.2, 0.4), Phoneme("AY", 0.4, 0.7)))
    assert sounds.labels == ("h", "aɪ")
    assert sounds.at(0.15) == 0
    assert sounds.at(0.3) is None
    assert sounds.at(0.4) == 1
    assert list(sounds.between(0.15, 0.35)) == [0]
    assert list(sounds.between(0.0, 9.0)) == [0, 1]
    assert sounds.edges_s.tolist() == [0.1, 0.2, 0.4, 0.7]


def test_a_click_on_the_speech_unfolds_the_spectrogram(hands: Hands) -> None:
    hands.put()
    hands.canvas.zoom(2.0)
    top = hands.state.top
    before = hands.canvas.grab().toImage()
    at = QPoint(30, RULER_HEIGHT + 20)
    hands.click(at)
    hands.studio.until(lambda: hands.state.spectrum is not None)
    assert hands.state.top == top + SPECTRUM_HEIGHT
    assert hands.canvas.grab().toImage() != before
    hands.click(at)
    assert hands.state.top == top
    assert not hands.history.commands


@pytest.mark.parametrize("theme_name", ["dark", "light"])
def test_loudness_can_be_told_from_silence_in_every_theme(theme_name: str) -> None:
    from studio.widgets import theme
    from studio.widgets.timeline import ink
    from studio.widgets.timeline.header import LOUDNESS

    palette = theme.DARK if theme_name == "dark" else theme.LIGHT
    before = theme.palette()
    theme._Look.palette = palette
    try:
        ramp = ink.ramp(*LOUDNESS).view(np.uint8).reshape(256, 4)[:, :3].mean(axis=1)
    finally:
        theme._Look.palette = before
    steps = np.diff(ramp[::32])
    assert (np.sign(steps) == np.sign(steps[0])).all()
    assert abs(ramp[-1] - ramp[0]) > 120
