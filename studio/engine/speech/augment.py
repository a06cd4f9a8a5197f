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
    """A loop of drums, bass, chords and a lead, any of them missing, through slow filter changes; RMS 1.

    Nobody speaks in it, though the lead may have a voice's pitch, vibrato and attack.
    """
    beat = int(rng.uniform(0.28, 0.75) * _RATE_HZ)
    bar = 4 * beat
    loop = np.zeros(2 * bar, np.float64)
    root = rng.uniform(48.0, 98.0)
    scale = np.array([0, 2, 3, 5, 7, 8, 10] if rng.random() < 0.5 else [0, 2, 4, 5, 7, 9, 11])
    parts = rng.random(4) < (0.65, 0.6, 0.7, 0.6)
    if not parts.any():
        parts[2] = True
    for start in range(0, len(loop), beat // 2):
        on_beat = (start // (beat // 2)) % 2 == 0
        if parts[0]:
            _add(loop, start, _drum(rng, on_beat), rng.uniform(0.4, 1.0))
        if parts[1] and rng.random() < 0.7:
            pitch = root * 2 ** (rng.choice(scale) / 12)
            _add(loop, start, _note(pitch, rng.uniform(0.2, 0.6), 12, rng), 0.5)
        if parts[3] and rng.random() < 0.6:
            pitch = root * 2 ** (rng.choice(scale) / 12) * rng.choice([2.0, 4.0, 8.0])
            _add(loop, start, _note(pitch, rng.uniform(0.1, 1.2), 16, rng), 0.5)
    if parts[2]:
        for start in range(0, len(loop), bar // int(rng.integers(1, 4))):
            degree = int(rng.integers(7))
            for third in (0, 2, 4, 6)[: int(rng.integers(2, 5))]:
                step = degree + third
                pitch = 4 * root * 2 ** ((scale[step % 7] + 12 * (step // 7)) / 12)
                _add(loop, start, _note(pitch, rng.uniform(0.5, 2.5), 14, rng), 0.25)
    out = np.resize(np.roll(loop, int(rng.integers(len(loop)))), n).astype(np.float32)
    half = n // 2  # the second half sounds different: a filter opens or closes
    other = equalise(out, rng, 12.0)
    mix = np.clip((np.arange(n) - half) / (0.3 * n + 1), 0.0, 1.0).astype(np.float32)
    out = out * (1 - mix) + other * mix
    return np.asarray(out / (np.sqrt(np.mean(np.square(out))) + 1e-9), np.float32)


def _add(loop: NDArray[np.float64], start: int, sound: NDArray[np.float64], gain: float) -> None:
    end = min(start + len(sound), len(loop))
    loop[start:end] += gain * sound[: end - start]


def _drum(rng: np.random.Generator, on_beat: bool) -> NDArray[np.float64]:
    t = np.arange(int(0.25 * _RATE_HZ)) / _RATE_HZ
    kind = rng.random()
    if on_beat and kind < 0.5:
        return np.asarray(1.5 * np.sin(2 * np.pi * (50.0 * t + 4.0 * (1.0 - np.exp(-t / 0.03)))) * np.exp(-t / 0.12))
    hiss = rng.standard_normal(len(t))
    if kind < 0.75:
        return np.asarray((0.6 * hiss + np.sin(2 * np.pi * 190.0 * t)) * np.exp(-t / rng.uniform(0.04, 0.12)))
    return np.asarray(0.5 * np.diff(hiss, append=0.0) * np.exp(-t / rng.uniform(0.01, 0.06)))


def _note(pitch_hz: float, seconds: float, partials: int, rng: np.random.Generator) -> NDArray[np.float64]:
    t = np.arange(int(seconds * _RATE_HZ) + 1) / _RATE_HZ
    vibrato = rng.uniform(0.0, 0.006) * np.sin(2 * np.pi * rng.uniform(4.5, 6.5) * t) / 5.5
    steepness, resonance = rng.uniform(0.6, 2.0), rng.uniform(300.0, 3000.0)
    out = np.zeros(len(t))
    for k in range(1, partials + 1):
        if pitch_hz * k > 7000.0:
            break
        colour = 1.0 + 3.0 * np.exp(-((np.log2(pitch_hz * k / resonance)) ** 2) * 4.0)
        out += colour * np.sin(2 * np.pi * pitch_hz * k * (t + vibrato) + rng.uniform(0, 6.3)) / k**steepness
    attack = np.clip(t / rng.uniform(0.004, 0.08), 0.0, 1.0)
    release = np.clip((seconds - t) / 0.03, 0.0, 1.0)
    return np.asarray(attack * release * np.exp(-t / rng.uniform(0.15, 3.0)) * out)


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
    if rng.random() < 0.4:
        samples = reverberate(samples, rng)
    if rng.random() < 0.85:
        samples = equalise(samples, rng)
    level = float(np.sqrt(np.mean(np.square(samples)))) + 1e-9
    if rng.random() < 0.75:
        kind = rng.random()
        other = babble if kind < 0.2 else music(len(samples), rng) if kind < 0.35 else noise(len(samples), rng)
        worst_db = 10.0 if kind < 0.35 else 5.0
        snr_db = worst_db + (35.0 - worst_db) * np.sqrt(rng.random())  # recordings are more often good than bad
        other = other / (float(np.sqrt(np.mean(np.square(other)))) + 1e-9)
        samples = samples + np.float32(level * 10 ** (-snr_db / 20)) * other
    if rng.random() < 0.2:
        samples = limit_band(samples, rng)
    if rng.random() < 0.12:
        ceiling = float(np.percentile(np.abs(samples), rng.uniform(96.0, 99.8))) + 1e-6
        samples = np.clip(samples, -ceiling, ceiling)
    return np.asarray(samples * 10 ** (rng.uniform(-30.0, 0.0) / 20) / (np.abs(samples).max() + 1e-9), np.float32)
