"""Makes clean synthetic speech sound like recordings: rooms, microphones, noise, broadcast processing.

Everything is seeded and leaves timing alone except `change_speed`, whose factor the caller applies to phoneme times.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.ndimage import gaussian_filter1d
from scipy.signal import fftconvolve

from studio.engine.speech.audio import resample

_Samples = NDArray[np.float32]  # (n,) 16 kHz mono
_RATE_HZ = 16_000


def change_speed(samples: _Samples, factor: float) -> _Samples:
    """Plays faster or slower: pitch and formants ×factor, duration ÷factor; another size of speaker."""
    return resample(samples, round(_RATE_HZ * factor), _RATE_HZ)


def _shape_spectrum(samples: _Samples, gain: NDArray[np.float64], knots_hz: NDArray[np.float64]) -> _Samples:
    n = fft.next_fast_len(len(samples), real=True)
    spectrum = fft.rfft(samples, n)
    curve = np.interp(np.linspace(0.0, _RATE_HZ / 2, len(spectrum)), knots_hz, gain)
    return np.asarray(fft.irfft(spectrum * (10 ** (curve / 20)).astype(np.float32), n)[: len(samples)], np.float32)


def equalise(samples: _Samples, rng: np.random.Generator, depth_db: float = 9.0) -> _Samples:
    """A random smooth frequency response within ±depth_db."""
    knots = np.array([0.0, 150.0, 350.0, 800.0, 1600.0, 3000.0, 5000.0, 8000.0])
    return _shape_spectrum(samples, rng.uniform(-depth_db, depth_db, len(knots)), knots)


def limit_band(samples: _Samples, rng: np.random.Generator) -> _Samples:
    """A telephone, a small loudspeaker or an old codec: steep low-pass, sometimes a high-pass."""
    top = rng.uniform(3000.0, 7000.0)
    low = rng.uniform(60.0, 350.0)
    knots = np.array([0.0, low * 0.5, low, top, top * 1.15, 8000.0 + top])
    return _shape_spectrum(samples, np.array([-40.0, -25.0, 0.0, 0.0, -45.0, -60.0]), knots)


def reverberate(samples: _Samples, rng: np.random.Generator) -> _Samples:
    """A room: direct sound, a few early reflections and an exponentially decaying tail; direct sound stays in time."""
    rt60 = rng.uniform(0.12, 0.8)
    n = int(rt60 * _RATE_HZ)
    t = np.arange(n) / _RATE_HZ
    tail = rng.standard_normal(n) * 10 ** (-3.0 * t / rt60)
    tail[: int(0.004 * _RATE_HZ)] = 0.0
    early = rng.integers(int(0.003 * _RATE_HZ), int(0.03 * _RATE_HZ), 6)
    tail *= 10 ** (-rng.uniform(2.0, 14.0) / 20) / np.sqrt(np.sum(np.square(tail)) + 1e-9)
    tail[early[early < n]] += rng.uniform(-0.4, 0.4, int((early < n).sum()))
    tail[0] = 1.0
    return fftconvolve(samples, tail)[: len(samples)].astype(np.float32)


def noise(n: int, rng: np.random.Generator) -> _Samples:
    """Stationary or slowly swelling noise of a random colour, sometimes with hum; RMS 1."""
    white = rng.standard_normal(n).astype(np.float32)
    slope = rng.uniform(-9.0, 2.0)  # dB per octave
    knots = np.array([0.0, 62.0, 125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0])
    gain = slope * np.log2(np.maximum(knots, 31.0) / 1000.0) + rng.uniform(-4.0, 4.0, len(knots))
    out = _shape_spectrum(white, gain, knots)
    if rng.random() < 0.3:
        swell = gaussian_filter1d(rng.standard_normal(n // 160 + 2), 60.0) * 25.0
        out *= 10 ** (np.interp(np.arange(n) / 160, np.arange(len(swell)), swell) * 6.0 / 20).astype(np.float32)
    if rng.random() < 0.2:
        t = np.arange(n) / _RATE_HZ
        f = rng.choice([50.0, 60.0, 100.0, 120.0])
        out += (out.std() * rng.uniform(0.3, 1.5) * sum(np.sin(2 * np.pi * f * k * t) / k for k in (1, 2, 3))).astype(
            np.float32
        )
    return np.asarray(out / (np.sqrt(np.mean(np.square(out))) + 1e-9), np.float32)


def music(n: int, rng: np.random.Generator) -> _Samples:
    """Chords of decaying harmonic tones with a beat; RMS 1. Nobody speaks in it."""
    out = np.zeros(n, np.float32)
    beat = int(rng.uniform(0.25, 0.7) * _RATE_HZ)
    scale = 110.0 * 2 ** (np.array([0, 2, 3, 5, 7, 8, 10, 12, 14, 15, 17, 19, 24, 27, 31]) / 12)
    drums = rng.random() < 0.6
    decay, brightness = rng.uniform(0.15, 2.0), rng.uniform(0.8, 2.2)
    for start in range(0, n, beat):
        length = min(int(rng.uniform(1.0, 3.0) * beat), n - start)
        t = np.arange(length) / _RATE_HZ
        attack = np.clip(t / rng.uniform(0.003, 0.05), 0.0, 1.0)
        for pitch in rng.choice(scale, int(rng.integers(1, 4))) * rng.choice([0.5, 1.0, 2.0]):
            vibrato = rng.uniform(0.0, 0.004) * np.sin(2 * np.pi * 5.5 * t) / 5.5
            partials = sum(
                np.sin(2 * np.pi * pitch * k * (t + vibrato) + k) / k**brightness
                for k in range(1, 10)
                if pitch * k < 7500
            )
            out[start : start + length] += (attack * np.exp(-t / decay) * partials).astype(np.float32)
        if drums:
            hit = rng.standard_normal(length) * np.exp(-t / rng.uniform(0.01, 0.08)) * rng.uniform(0.2, 2.0)
            out[start : start + length] += hit.astype(np.float32)
    return np.asarray(out / (np.sqrt(np.mean(np.square(out))) + 1e-9), np.float32)


def compress(samples: _Samples, rng: np.random.Generator) -> _Samples:
    """Broadcast compression: quiet passages are raised."""
    blocks = np.abs(samples[: len(samples) // 160 * 160]).reshape(-1, 160).mean(axis=1)
    envelope = gaussian_filter1d(blocks, 2.5, mode="nearest") + 1e-4
    gain = (envelope / envelope.max()) ** -rng.uniform(0.1, 0.5)
    return np.asarray(
        samples * np.interp(np.arange(len(samples)), np.arange(len(gain)) * 160.0 + 80.0, gain), np.float32
    )


def degrade(samples: _Samples, babble: _Samples, rng: np.random.Generator) -> _Samples:
    """A random recording chain around clean speech.

    Args:
        samples: Clean speech.
        babble: As long: several other speakers at once.
        rng: Decides everything.
    """
    if rng.random() < 0.3:
        samples = compress(samples, rng)
    if rng.random() < 0.5:
        samples = reverberate(samples, rng)
    if rng.random() < 0.85:
        samples = equalise(samples, rng)
    level = float(np.sqrt(np.mean(np.square(samples)))) + 1e-9
    if rng.random() < 0.85:
        kind = rng.random()
        other = babble if kind < 0.2 else music(len(samples), rng) if kind < 0.35 else noise(len(samples), rng)
        snr_db = rng.uniform(10.0, 35.0) if kind < 0.35 else rng.uniform(5.0, 35.0)
        other = other / (float(np.sqrt(np.mean(np.square(other)))) + 1e-9)
        samples = samples + np.float32(level * 10 ** (-snr_db / 20)) * other
    if rng.random() < 0.25:
        samples = limit_band(samples, rng)
    if rng.random() < 0.12:
        ceiling = float(np.percentile(np.abs(samples), rng.uniform(96.0, 99.8))) + 1e-6
        samples = np.clip(samples, -ceiling, ceiling)
    return np.asarray(samples * 10 ** (rng.uniform(-30.0, 0.0) / 20) / (np.abs(samples).max() + 1e-9), np.float32)
