from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray

from studio.errors import StudioError
from studio.playback import sound as sound_module
from studio.playback.sound import Sound, room_for
from studio.playback.stretch import SPEEDS, stretched

RATE_HZ = 16_000
OTHERS = [speed for speed in SPEEDS if speed != 1.0]


def speech_like(seconds: float, pitch_hz: float = 110.0) -> NDArray[np.float32]:
    """A buzz whose loudness wanders as syllables do, (n, 1)."""
    time = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    loudness = 0.5 - 0.5 * np.cos(2 * np.pi * (1.7 * time + 0.6 * np.sin(2 * np.pi * 0.23 * time)))
    buzz = sum(np.sin(2 * np.pi * pitch_hz * k * time) / k for k in range(1, 12))
    return (0.3 * loudness * buzz).astype(np.float32)[:, None]


def loudness(samples: NDArray[np.float32], window: int) -> NDArray[np.float64]:
    return np.convolve(np.abs(samples[:, 0]), np.ones(window) / window, "same")


def made(samples: NDArray[np.float32], speed: float) -> Sound:
    result = stretched(Sound(samples, RATE_HZ), speed)
    assert result is not None
    return result


@pytest.mark.parametrize("speed", OTHERS)
def test_the_pitch_stays(speed: float) -> None:
    samples = made(speech_like(3.0), speed).samples[:, 0]
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    peaks = np.fft.rfftfreq(len(samples), 1 / RATE_HZ)
    low = peaks < 160
    assert peaks[low][np.argmax(spectrum[low])] == pytest.approx(110, abs=4)


@pytest.mark.parametrize("speed", OTHERS)
def test_every_sample_belongs_to_its_moment_of_the_clip(speed: float) -> None:
    samples = speech_like(6.0)
    sound = made(samples, speed)
    assert sound.length == int(np.ceil(len(samples) / speed))
    assert sound.duration_s == 6.0
    window = RATE_HZ // 20
    want = loudness(samples, window)
    have = loudness(sound.samples, round(window / speed))
    on_clip = np.interp(np.arange(len(want)) / speed, np.arange(len(have)), have)
    step = RATE_HZ // 1000
    for at_s in np.arange(1.0, 5.0, 0.4):
        low, past = round((at_s - 0.3) * RATE_HZ), round((at_s + 0.3) * RATE_HZ)
        lags = np.arange(-15, 16)
        fits = [
            np.corrcoef(want[low:past:step], on_clip[low + lag * step : past + lag * step : step])[0, 1] for lag in lags
        ]
        assert abs(int(lags[int(np.argmax(fits))])) <= 7  # milliseconds of the clip


def test_nothing_is_lost_louder_or_quieter() -> None:
    samples = speech_like(4.0)
    for speed in OTHERS:
        power = np.mean(made(samples, speed).samples ** 2) / np.mean(samples**2)
        assert 0.85 < power < 1.15


def test_silence_stays_silent_and_channels_stay_apart() -> None:
    both = np.concatenate([speech_like(1.0), np.zeros((RATE_HZ, 1), np.float32)], axis=1)
    sound = made(both, 0.5)
    assert sound.samples.shape == (2 * RATE_HZ, 2)
    assert sound.samples[:, 0].any()
    assert not sound.samples[:, 1].any()


@pytest.mark.parametrize("n", [0, 1, 100, 641])
def test_clips_shorter_than_a_window(n: int) -> None:
    sound = made(np.ones((n, 1), np.float32) * 0.5, 0.5)
    assert sound.length == 2 * n
    assert np.isfinite(sound.samples).all()


def test_it_can_be_cancelled() -> None:
    assert stretched(Sound(speech_like(2.0), RATE_HZ), 0.5, lambda: True) is None


def test_what_makes_no_sense_is_refused() -> None:
    sound = Sound(speech_like(0.1), RATE_HZ)
    with pytest.raises(ValueError, match=r"expected 0\.25 to 4"):
        stretched(sound, 0.1)
    with pytest.raises(ValueError, match="of one at 1"):
        stretched(made(sound.samples, 0.5), 2.0)
    assert stretched(sound, 1.0) is sound


def test_a_long_sound_lies_in_a_file_that_nobody_sees(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sound_module, "IN_MEMORY_BYTES", 1000)
    monkeypatch.setattr(sound_module, "platformdirs", SimpleNamespace(user_cache_dir=lambda *_a, **_k: str(tmp_path)))
    samples = speech_like(1.0)
    sound = made(samples, 0.5)
    assert isinstance(sound.samples, np.memmap)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.undo()
    np.testing.assert_array_equal(sound.samples, made(samples, 0.5).samples)


def test_no_room_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sound_module, "IN_MEMORY_BYTES", 1000)
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr(
        sound_module, "platformdirs", SimpleNamespace(user_cache_dir=lambda *_a, **_k: str(tmp_path / "file" / "x"))
    )
    with pytest.raises(StudioError, match="no room"):
        room_for(1000, 2)
