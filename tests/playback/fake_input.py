"""A microphone that hears what a test says, when it says it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from studio.errors import StudioError
from studio.playback.recorder import Block

RATE_HZ = 8000.0
BLOCK = 160


class FakeMicrophone:
    """An `AudioInput`."""

    name = "fake microphone"
    rate_hz = RATE_HZ
    channels = 1

    def __init__(self, heard: Callable[[Block], None]) -> None:
        self.lost = False
        self.closed = False
        self._heard = heard

    def hear(self, samples: NDArray[np.float32]) -> None:
        """(n,) samples, in blocks."""
        for start in range(0, len(samples), BLOCK):
            if not self.closed:
                self._heard(np.ascontiguousarray(samples[start : start + BLOCK, None], np.float32))

    def close(self) -> None:
        self.closed = True


class Microphones:
    """Opens fake microphones and remembers them; none while `missing`."""

    def __init__(self) -> None:
        self.opened: list[FakeMicrophone] = []
        self.keys: list[str | None] = []
        self.missing = ""

    @property
    def newest(self) -> FakeMicrophone:
        return self.opened[-1]

    def open(self, key: str | None, heard: Callable[[Block], None]) -> FakeMicrophone:
        self.keys.append(key)
        if self.missing:
            raise StudioError(self.missing)
        self.opened.append(FakeMicrophone(heard))
        return self.newest


def tone(seconds: float, peak: float = 0.5) -> NDArray[np.float32]:
    """(n,) of 300 Hz."""
    time = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return (peak * np.sin(2 * np.pi * 300 * time)).astype(np.float32)
