from __future__ import annotations

import numpy as np
import pytest

from studio.engine.speech import mel
from studio.engine.speech.mel import HOP, N_BANDS, N_INPUTS, hear, loudness, mel_energies, n_frames, normalise


def speech_like(seconds: float, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * 16_000)) / 16_000
    carrier = sum(np.sin(2 * np.pi * 120 * k * t) / k for k in range(1, 30))
    envelope = np.clip(np.sin(2 * np.pi * 3 * t), 0.0, 1.0)
    return (0.1 * carrier * envelope + 2e-3 * rng.standard_normal(len(t))).astype(np.float32)


@pytest.mark.parametrize("n", [0, 1, 159, 160, 161, 16_000, 16_399])
def test_frame_count(n: int) -> None:
    samples = np.zeros(n, np.float32)
    assert len(mel_energies(samples)) == len(loudness(samples)) == n_frames(n) == n // HOP + 1


def test_blocks_make_no_difference() -> None:
    samples = speech_like(3.0)
    assert np.allclose(mel_energies(samples, block=37), mel_energies(samples), rtol=1e-5, atol=1e-9)


def test_a_tone_sounds_in_its_band_at_its_time() -> None:
    samples = np.zeros(16_000, np.float32)
    samples[8000:12_000] = np.sin(2 * np.pi * 1000 * np.arange(4000) / 16_000)
    energies = mel_energies(samples)
    band = int(energies.sum(axis=0).argmax())
    assert 12 <= band <= 18
    heard = np.flatnonzero(energies[:, band] > 0.1 * energies[:, band].max())
    assert heard[0] == pytest.approx(50, abs=1)
    assert heard[-1] == pytest.approx(75, abs=1)


def test_normalisation_is_blind_to_gain_and_microphone() -> None:
    samples = speech_like(3.0)
    plain = normalise(mel_energies(samples))
    assert plain.shape[1] == N_BANDS + 1
    assert np.abs(normalise(mel_energies(samples * 0.05)) - plain).max() < 0.05
    microphone = np.exp(np.random.default_rng(1).uniform(-2, 2, N_BANDS)).astype(np.float32)
    coloured = normalise(mel_energies(samples) * microphone)
    assert np.abs(coloured[:, :N_BANDS] - plain[:, :N_BANDS]).max() < 0.05


def test_long_silence_around_speech_changes_nothing() -> None:
    samples = speech_like(2.0)
    rng = np.random.default_rng(2)
    hush = (1e-4 * rng.standard_normal(160_000)).astype(np.float32)
    alone = normalise(mel_energies(samples))
    framed = normalise(mel_energies(np.concatenate([hush, samples, hush])))[1000 : 1000 + len(alone)]
    assert np.abs(framed - alone)[5:-5].mean() < 0.1


def test_no_sound_at_all_is_finite() -> None:
    assert np.isfinite(normalise(mel_energies(np.zeros(16_000, np.float32)))).all()


def test_loudness_is_rms() -> None:
    samples = np.full(16_000, 0.25, np.float32)
    assert loudness(samples)[10:-10] == pytest.approx(0.25, rel=1e-4)


def test_short_windows_tell_a_click_from_what_comes_after_it() -> None:
    samples = np.zeros(16_000, np.float32)
    samples[8_000 - 40] = 0.5  # frame 50, its first half
    samples[12_000:] = np.random.default_rng(0).standard_normal(4_000).astype(np.float32) * 0.1
    heard = hear(samples)
    assert heard.shape == (n_frames(16_000), N_INPUTS)
    first, second = heard[50, N_BANDS + 1 : 2 * N_BANDS + 1], heard[50, 2 * N_BANDS + 1 :]
    assert first.mean() > second.mean() + 0.5
    early = mel_energies(samples, window=128, shift=-40, block=37)
    assert np.allclose(early, mel_energies(samples, window=128, shift=-40), rtol=1e-5, atol=1e-9)
    assert hear(np.zeros(0, np.float32)).shape == (1, N_INPUTS)


def test_the_bands_are_those_of_librosa() -> None:
    filters = pytest.importorskip("librosa.filters")
    expected = filters.mel(sr=mel.SAMPLE_RATE_HZ, n_fft=mel.N_FFT, n_mels=N_BANDS, fmin=60.0, fmax=7600.0)
    assert np.abs(mel._bank() - expected).max() < 1e-8 < expected.max()
