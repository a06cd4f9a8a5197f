"""A sound device with virtual time: plays at any speed, with any latency, lying clock or stall, without waiting."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from studio.playback.clock import Anchor, AnchorMaker
from studio.playback.feeder import Feeder, Order
from studio.playback.sound import Sound

RATE_HZ = 8000.0
BLOCK = 160  # 20 ms


class FakeAudioDevice:
    """An `AudioOutput` whose callbacks run inside `advance`.

    Args:
        speed: of its sample clock against the computer's; 1.001 is a card that runs fast.
        latency: seconds between callback and loudspeaker.
        broken_delay: the device's own clock stands still at 0, as some drivers' does.
        stall: seconds for which nothing is called back after the first block.
    """

    name = "fake"
    notice: str | None = None

    def __init__(
        self, speed: float = 1.0, latency: float = 0.05, *, broken_delay: bool = False, stall: float = 0.0
    ) -> None:
        self.time_s = 100.0
        self.heard: list[NDArray[np.float32]] = []
        self.lost = False
        self.closed = False
        self.volume = 1.0
        self._speed, self._latency, self._broken, self._stall = speed, latency, broken_delay, stall
        self._feeder = Feeder()
        self._maker = AnchorMaker(latency)
        self._next_s = self.time_s
        self._blocks = 0

    @property
    def anchor(self) -> Anchor | None:
        return self._feeder.anchor

    @property
    def trusted(self) -> bool:
        return self._maker.trusted

    def now_s(self) -> float:
        return self.time_s

    def prepare(self, samples: NDArray[np.float32], rate_hz: int) -> Sound:
        assert rate_hz == RATE_HZ
        return Sound(samples, RATE_HZ)

    def give(self, order: Order) -> None:
        self._feeder.give(order)

    def set_volume(self, volume: float) -> None:
        self.volume = self._feeder.volume = volume

    def close(self) -> None:
        self.closed = True

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        until = self.time_s + seconds
        while self._next_s <= until:
            self.time_s = self._next_s
            self._call_back()
            self._blocks += 1
            self._next_s += BLOCK / RATE_HZ / self._speed + (self._stall if self._blocks == 1 else 0.0)
        self.time_s = until

    def _call_back(self) -> None:
        out = np.empty((BLOCK, 2), np.float32)
        device_s = 0.0 if self._broken else self.time_s - 90.0
        dac_s = 0.0 if self._broken else device_s + self._latency
        running = self._feeder.running
        self._feeder.fill(out, self._maker.heard_at(self.time_s, device_s, dac_s, running, RATE_HZ))
        self.heard.append(out)


def ramp(seconds: float) -> Sound:
    """A clip whose sample i is i + 1, so that what is heard says where it is from."""
    n = round(seconds * RATE_HZ)
    return Sound(np.repeat(np.arange(1, n + 1, dtype=np.float32)[:, None], 2, 1), RATE_HZ)
