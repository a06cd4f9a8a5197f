"""A clip at another speed with its pitch kept: waveform similarity overlap-add (WSOLA).

Windows of 40 ms are taken from the clip at the pace that is wanted and laid over one another at half their length.
Each may be moved by a few milliseconds to where the waveform goes on best, never further, and is counted from its
middle: so every output sample belongs to one moment of the clip, `sample × speed / rate`, up to that small freedom.
FFmpeg's `atempo`, which does the same, was measured to run ahead of that moment by 20 to 50 ms of what is heard at
half speed and below, more than lips may be apart from the sound; librosa's phase vocoder keeps the time but blurs
consonants and needs the whole clip in memory several times.

Method: W. Verhelst and M. Roelands, "An overlap-add technique based on waveform similarity (WSOLA)", ICASSP 1993.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from studio.playback.sound import Sound, room_for

SPEEDS = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0)
"""What the menu offers."""

WINDOW_S = 0.04
"""Two periods of the deepest voice, so that a window holds its pitch; shorter than a syllable."""

FREEDOM_S = 0.0065
"""How far a window may move: half a period of a voice of 77 Hz, enough to find its like in every deeper one."""

COARSE_HZ = 12_000
"""Likeness is looked for at about this rate first and refined around the best place."""


def stretched(sound: Sound, speed: float, cancelled: Callable[[], bool] = lambda: False) -> Sound | None:
    """The clip of a sound at normal speed, at another; about 150 times faster than it plays, for a worker thread.

    Args:
        sound: at normal speed.
        speed: seconds of the clip per second, 0.25 to 4.
        cancelled: asked now and then; True ends it.

    Returns:
        A sound whose sample i is the clip's moment i · speed / rate; None when cancelled.

    Raises:
        StudioError: if there is no room for it.
        ValueError: for a speed out of range or a sound that is stretched already.
    """
    if not 0.25 <= speed <= 4.0 or sound.speed != 1.0:
        raise ValueError(f"speed {speed} of a sound at {sound.speed}, expected 0.25 to 4 of one at 1")
    if speed == 1.0 or sound.length == 0:
        return sound
    out = room_for(math.ceil(sound.length / speed), sound.samples.shape[1])
    half = max(1, round(WINDOW_S * sound.rate_hz / 2))
    window = np.hanning(2 * half + 1)[: 2 * half].astype(np.float32)[:, None]
    finder = _Finder(sound, half)
    start = -half
    for i, middle in enumerate(range(0, len(out) + half, half)):
        if i % 64 == 0 and cancelled():
            return None
        nominal = round(middle * speed) - half
        start = finder.best(start + half, nominal) if i else nominal
        piece = _between(sound.samples, start, 2 * half) * window
        low, past = max(0, middle - half), min(len(out), middle + half)
        out[low:past] += piece[low - middle + half : past - middle + half]
    np.clip(out, -1.0, 1.0, out=out)
    return Sound(out, sound.rate_hz, speed, sound.duration_s)


class _Finder:
    """Finds where the waveform goes on as it would have gone on by itself."""

    def __init__(self, sound: Sound, half: int) -> None:
        self._samples, self._half = sound.samples, half
        self._freedom = round(FREEDOM_S * sound.rate_hz)
        self._step = max(1, round(sound.rate_hz / COARSE_HZ))

    def best(self, natural: int, nominal: int) -> int:
        """The start within the freedom around `nominal` whose first half is most like that at `natural`.

        Args:
            natural: sample at which the window before goes on.
            nominal: sample at which the pace wants the next window to start.
        """
        if natural == nominal:
            return nominal
        freedom, step = self._freedom, self._step
        wanted = self._mono(natural, self._half)
        if not wanted.any():
            return nominal
        around = self._mono(nominal - freedom, self._half + 2 * freedom)
        coarse = int(np.argmax(_likeness(wanted[::step], around[::step]))) * step
        low = max(0, coarse - step)
        fine = _likeness(wanted, around[low : coarse + step + self._half])
        return nominal - freedom + low + int(np.argmax(fine))

    def _mono(self, start: int, count: int) -> NDArray[np.float32]:
        return np.asarray(_between(self._samples, start, count).sum(axis=1), np.float32)


def _likeness(wanted: NDArray[np.float32], around: NDArray[np.float32]) -> NDArray[np.float32]:
    """Correlation of `wanted` (n,) with every n-long stretch of `around` (m,), by their loudness; (m - n + 1,)."""
    products = np.correlate(around, wanted, "valid")
    energy = np.cumsum(np.concatenate([[0.0], around.astype(np.float64) ** 2]))
    n = len(wanted)
    return np.asarray(products / np.sqrt(energy[n:] - energy[:-n] + 1e-9), np.float32)


def _between(samples: NDArray[np.float32], start: int, count: int) -> NDArray[np.float32]:
    """(count, channels) from sample `start` on, silence beyond both ends."""
    low, past = max(start, 0), min(start + count, len(samples))
    if low == start and past == start + count:
        return samples[low:past]
    piece = np.zeros((count, samples.shape[1]), np.float32)
    if past > low:
        piece[low - start : past - start] = samples[low:past]
    return piece
