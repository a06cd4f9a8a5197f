"""A clip in the form in which a device plays it: at the device's rate, and at the speed that is wanted."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import platformdirs
from numpy.typing import NDArray

from studio.errors import StudioError

IN_MEMORY_BYTES = 256 * 2**20
"""Longer sounds that the studio makes itself lie in a file without a name, of which the system keeps in memory what is
being played. Eleven minutes of stereo at 48 kHz stay below it."""


@dataclass(frozen=True)
class Sound:
    """A clip, ready to be copied to a device."""

    samples: NDArray[np.float32]  # (n, channels) in [-1, 1], at the device's rate; one channel is heard on all
    rate_hz: float
    speed: float = 1.0  # seconds of the clip in a second of these samples
    clip_s: float | None = None  # length of the clip; None: that of the samples

    @property
    def length(self) -> int:
        """Samples per channel."""
        return int(self.samples.shape[0])

    @property
    def duration_s(self) -> float:
        """Length of the clip, seconds, the same at every speed."""
        return self.length * self.speed / self.rate_hz if self.clip_s is None else self.clip_s

    def sample_at(self, time_s: float) -> int:
        """The sample that is heard at that moment of the clip, from 0 to `length`."""
        return min(max(round(time_s * self.rate_hz / self.speed), 0), self.length)

    def time_of(self, sample: float) -> float:
        """The moment of the clip at which a sample is heard, seconds."""
        return sample * self.speed / self.rate_hz


def room_for(length: int, channels: int) -> NDArray[np.float32]:
    """Zeros (length, channels), in memory or, when that is too much of it, in a file that vanishes with the array.

    Raises:
        StudioError: if the disk is full.
    """
    size = length * channels * 4
    if size <= IN_MEMORY_BYTES:
        return np.zeros((length, channels), np.float32)
    folder = Path(platformdirs.user_cache_dir("emozone-studio", appauthor=False))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)  # a full disk is noticed now, not in the middle
            return np.memmap(file, np.float32, "r+" if hasattr(os, "posix_fallocate") else "w+", 0, (length, channels))
    except OSError as error:
        raise StudioError(
            f"There is no room for {size / 1e9:.1f} GB of sound in {folder} ({error.strerror or error}); "
            "free some space."
        ) from error
