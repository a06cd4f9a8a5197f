from __future__ import annotations

import numpy as np
import pytest

from studio.engine.speech import augment


def voice(seed: int = 0) -> np.ndarray:
    t = np.arange(16_000) / 16_000
    carrier = sum(np.sin(2 * np.pi * 130 * k * t + k) / k for k in range(1, 20))
    return (0.1 * carrier * ((t > 0.4) & (t < 0.7))).astype(np.float32)


def test_speed_changes_duration_and_pitch_together() -> None:
    t = np.arange(16_000) / 16_000
    tone = np.sin(2 * np.pi * 400 * t).astype(np.float32)
    fast = augment.change_speed(tone, 1.25)
    assert len(fast) == 12_800
    assert np.argmax(np.abs(np.fft.rfft(fast))) * 16_000 / len(fast) == pytest.approx(500, abs=3)


@pytest.mark.parametrize("seed", range(12))
def test_degraded_speech_keeps_length_time_and_finiteness(seed: int) -> None:
    clean = voice()
    rng = np.random.default_rng(seed)
    heard = augment.degrade(clean, augment.noise(len(clean), rng) * 0.01, rng)
    assert heard.shape == clean.shape
    assert heard.dtype == np.float32
    assert np.isfinite(heard).all()
    assert 0.0 < np.abs(heard).max() <= 1.01
    loud = np.sqrt(np.convolve(np.square(heard), np.ones(800) / 800, mode="same"))
    assert loud[7000:10_500].mean() > 1.3 * loud[:5000].mean()


def test_the_same_seed_degrades_the_same_way() -> None:
    one, two = (augment.degrade(voice(), voice(), np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(one, two)


@pytest.mark.parametrize("make", [augment.noise, augment.music])
def test_backgrounds_have_unit_level(make: object) -> None:
    for seed in range(4):
        out = make(16_000, np.random.default_rng(seed))  # type: ignore[operator]
        assert np.sqrt(np.mean(np.square(out))) == pytest.approx(1.0, rel=1e-3)
        assert np.isfinite(out).all()


def test_a_room_keeps_the_direct_sound_in_time() -> None:
    click = np.zeros(8000, np.float32)
    click[1000] = 1.0
    heard = augment.reverberate(click, np.random.default_rng(0))
    assert np.argmax(np.abs(heard)) == 1000
    assert np.abs(heard[:1000]).max() < 1e-5


def test_band_limit_removes_the_top() -> None:
    hiss = np.random.default_rng(0).standard_normal(16_000).astype(np.float32)
    spectrum = np.abs(np.fft.rfft(augment.limit_band(hiss, np.random.default_rng(1))))
    assert spectrum[7900:].mean() < 0.05 * spectrum[1000:2000].mean()
