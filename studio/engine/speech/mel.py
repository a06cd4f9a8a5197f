"""Log-mel energies: what the encoder hears, made independent of loudness, microphone and room tone.

40 bands at 100 Hz from 16 kHz sound. Normalisation uses only the frames in which something sounds, so that a clip
that is mostly silent looks like one that is not.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 16_000
N_BANDS = 40
HOP = 160
"""Samples between frames: 10 ms."""
WINDOW_SAMPLES = 400
"""Samples under one window: 25 ms."""
_CELL = 40
"""Samples summed at once by `loudness`; divides hop, window and half window."""
N_FFT = 512
FINE_SAMPLES = 128
"""Samples under one short window: 8 ms, so that the burst of a plosive is not smeared over the vowel after it."""
_FINE_AT = (-40, 40)
"""Samples from a frame's centre to the centres of its two short windows."""
N_FINE = 2 * N_BANDS
N_INPUTS = N_BANDS + 1 + N_FINE
"""Columns of what the encoder hears."""
MEL_RATE_HZ = SAMPLE_RATE_HZ / HOP

SILENT_LEVEL = 10 ** (-65 / 20)
"""A clip whose loudest 25 ms stay below -65 dBFS (RMS) is silence whatever it contains."""

_RANGE = 7.0
"""Natural-log energy (30 dB) below a band's loud frames at which everything quieter is the same."""

_FLOOR = 1e-8
"""Share of the loudest frames' total energy (80 dB below it) under which a band counts as empty."""


_LOWEST_HZ, _HIGHEST_HZ = 60.0, 7600.0
"""Range of the bands."""

_STRAIGHT_HZ, _MEL_HZ, _MELS_PER_E = 1000.0, 200.0 / 3.0, 27.0 / np.log(6.4)
"""Slaney's mel scale (Auditory Toolbox, 1998): a mel is 66.7 Hz below 1 kHz; above, 27 of them are a factor of 6.4."""


def _mels(hertz: float) -> float:
    if hertz <= _STRAIGHT_HZ:
        return hertz / _MEL_HZ
    return float(_STRAIGHT_HZ / _MEL_HZ + np.log(hertz / _STRAIGHT_HZ) * _MELS_PER_E)


def _hertz(mels: NDArray[np.float64]) -> NDArray[np.float64]:
    above = mels - _STRAIGHT_HZ / _MEL_HZ
    return np.where(above <= 0.0, mels * _MEL_HZ, _STRAIGHT_HZ * np.exp(above / _MELS_PER_E))


@functools.cache
def _bank() -> NDArray[np.float32]:
    """(40, 257) triangular filters, 60 Hz to 7.6 kHz, each of area 1.

    As `librosa.filters.mel` has them, which takes a second and 80 MB to import, in the middle of playing.
    """
    edges = _hertz(np.linspace(_mels(_LOWEST_HZ), _mels(_HIGHEST_HZ), N_BANDS + 2))[:, None]
    left, centre, right = edges[:-2], edges[1:-1], edges[2:]
    bins = np.linspace(0.0, SAMPLE_RATE_HZ / 2, N_FFT // 2 + 1)
    sides = np.minimum((bins - left) / (centre - left), (right - bins) / (right - centre))
    return np.asarray(np.maximum(sides, 0.0) * 2.0 / (right - left), np.float32)


@functools.cache
def _window(samples: int) -> NDArray[np.float32]:
    return np.asarray(np.hanning(samples + 1)[:-1], np.float32)


def n_frames(n_samples: int) -> int:
    """Mel frames of a sound; frame i is centred on sample i·160."""
    return n_samples // HOP + 1


def hear(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n_frames, 121) the encoder's input: see `normalise`, then both halves of each frame through short windows.

    Args:
        samples: (n,) 16 kHz mono, one whole clip.
    """
    coarse = normalise(mel_energies(samples))
    fine = [normalise(mel_energies(samples, window=FINE_SAMPLES, shift=shift))[:, :N_BANDS] for shift in _FINE_AT]
    return np.concatenate([coarse, *fine], axis=1)


def mel_energies(
    samples: NDArray[np.float32], block: int = 3000, *, window: int = WINDOW_SAMPLES, shift: int = 0
) -> NDArray[np.float32]:
    """(n_frames, 40) power in each band, centred frames, blockwise so that memory stays bounded.

    Args:
        samples: (n,) 16 kHz mono.
        block: Frames per step.
        window: Samples under each frame's window, even.
        shift: Samples by which frames are centred late.
    """
    n = n_frames(len(samples))
    out = np.empty((n, N_BANDS), np.float32)
    half = window // 2
    for first in range(0, n, block):
        last = min(first + block, n)
        begin, end = first * HOP - half + shift, (last - 1) * HOP + half + shift
        piece = samples[max(begin, 0) : min(end, len(samples))]
        piece = np.pad(piece, (max(-begin, 0), max(end - len(samples), 0)))
        frames = np.lib.stride_tricks.sliding_window_view(piece, window)[::HOP]
        spectrum = np.fft.rfft(frames * _window(window), N_FFT).astype(np.complex64)
        np.matmul(np.abs(spectrum) ** 2, _bank().T, out=out[first:last])
    return out


def loudness(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n_frames,) RMS under each 25 ms window, full scale 1; same frames as `mel_energies`."""
    n = n_frames(len(samples))
    padded = np.zeros(((n - 1) * HOP // _CELL + WINDOW_SAMPLES // _CELL) * _CELL, np.float32)
    half = WINDOW_SAMPLES // 2
    kept = samples[: len(padded) - half]
    padded[half : half + len(kept)] = kept
    cells = padded.reshape(-1, _CELL)
    total = np.concatenate([[0.0], np.cumsum(np.einsum("ij,ij->i", cells, cells), dtype=np.float64)])
    first = np.arange(n) * (HOP // _CELL)
    power = total[first + WINDOW_SAMPLES // _CELL] - total[first]
    return np.asarray(np.sqrt(np.maximum(power, 0.0) / WINDOW_SAMPLES), np.float32)


def normalise(energies: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, 41) 40 normalised log energies and one overall level.

    Each band is taken relative to its own loud frames (90th percentile over frames that sound), which removes gain,
    microphone and equaliser, floored 30 dB below that, and scaled to about [-2, 1]. The last column is the frame's
    level over all bands relative to the clip's loudest, floored at 50 dB.

    Args:
        energies: (n, 40) power of one whole clip.
    """
    total = energies.sum(axis=1)
    level = np.log(total + 1e-14)
    peak = np.percentile(level, 97) if len(level) else 0.0
    active = level > peak - 6.0
    logs = np.log(energies / np.exp(peak) + _FLOOR)
    loud = np.percentile(logs[active], 90, axis=0) if active.any() else logs.max(axis=0)
    relative = np.clip((logs - loud) / (_RANGE / 2) + 1.0, -1.0, 1.5)
    overall = np.clip((level - peak) / 5.75 + 1.0, -1.0, 1.5)
    return np.concatenate([relative, overall[:, None]], axis=1).astype(np.float32)
