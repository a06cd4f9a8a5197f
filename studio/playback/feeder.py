"""What happens inside the audio callback: copy samples, publish an anchor, nothing else.

Orders arrive as one immutable object, anchors leave as another; both are single references, so no lock is held and
the callback never waits for Python code elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from studio.playback.clock import Anchor, Segment

FADE_S = 0.004
"""Length of the ramp at every start, stop and seek: long enough to remove the click, too short to be heard as one."""


@dataclass(frozen=True)
class Sound:
    """A clip, ready to be copied to a device."""

    samples: NDArray[np.float32]  # (n, channels) in [-1, 1], at the device's rate
    rate_hz: float

    @property
    def length(self) -> int:
        """Samples per channel."""
        return int(self.samples.shape[0])


@dataclass(frozen=True)
class Order:
    """What the feeder shall do from the next block on."""

    generation: int
    playing: bool
    sound: Sound
    start: int | None = None  # clip sample to begin at; None goes on where the sound is (a loop changed)
    loop: tuple[int, int] | None = None  # clip samples [first, past last)


class Feeder:
    """Fills a device's blocks; `fill` runs in the device's callback, everything else in the caller's thread."""

    def __init__(self) -> None:
        self.anchor: Anchor | None = None
        self.volume = 1.0
        self._order: Order | None = None
        self._taken: Order | None = None
        self._running = 0
        self._cursor = 0
        self._segment: Segment | None = None
        self._previous: Segment | None = None
        self._gain = 1.0

    @property
    def running(self) -> int:
        """Running sample of the next block's first sample."""
        return self._running

    def give(self, order: Order) -> None:
        """Replace the standing order; it takes effect with the next block."""
        self._order = order

    def fill(self, out: NDArray[np.float32], heard_at_s: float) -> None:
        """Write one block.

        Args:
            out: (n, channels) the device's buffer; every sample is written.
            heard_at_s: perf_counter time at which out[0] is heard.
        """
        order, before = self._order, self._taken
        out[:] = 0.0
        if order is None:
            self._running += len(out)
            return
        if order is not before:
            self._take(order, before, out)
        if order.playing:
            restarted = order is not before and (order.start is not None or before is None or not before.playing)
            self._play(out, order, fade_in=restarted)
        self._scale(out)
        start, self._running = self._running, self._running + len(out)
        if self._segment is not None:
            rate_hz = order.sound.rate_hz
            self.anchor = Anchor(heard_at_s, start, self._running, rate_hz, self._segment, self._previous)

    def _take(self, order: Order, before: Order | None, out: NDArray[np.float32]) -> None:
        """Begin a new segment; what was playing fades out under it."""
        goes_on = order.start is None
        if before is not None and before.playing and not (goes_on and order.playing):
            tail = out[: self._fade_length(order.sound.rate_hz)]
            self._copy(tail, before, advance=False)
            tail *= np.linspace(1.0, 0.0, len(tail), dtype=np.float32)[:, None]
        if order.start is not None:
            self._cursor = order.start
        self._previous = self._segment if goes_on and order.playing else None
        self._segment = Segment(order.generation, self._running, self._cursor, order.sound.length, order.loop)
        self._taken = order

    def _play(self, out: NDArray[np.float32], order: Order, *, fade_in: bool) -> None:
        if not fade_in:
            self._copy(out, order, advance=True)
            return
        block = np.zeros_like(out)
        self._copy(block, order, advance=True)
        head = block[: self._fade_length(order.sound.rate_hz)]
        head *= np.linspace(0.0, 1.0, len(head), dtype=np.float32)[:, None]
        out += block

    def _copy(self, out: NDArray[np.float32], order: Order, *, advance: bool) -> None:
        """Copy from the cursor on, round the loop; past the end nothing is written."""
        samples, cursor, done = order.sound.samples, self._cursor, 0
        first, past = order.loop if order.loop is not None else (0, 0)
        past = min(past, len(samples))
        looping = first < past and cursor < past
        while done < len(out):
            limit = past if looping else len(samples)
            count = min(len(out) - done, limit - cursor)
            if count > 0:
                out[done : done + count] = samples[cursor : cursor + count, : out.shape[1]]
                cursor, done = cursor + count, done + count
            if looping and cursor >= past:
                cursor = first  # at once, or a block that ends at the seam would leave the loop
            elif done < len(out):
                break
        if advance:
            self._cursor = cursor

    def _scale(self, out: NDArray[np.float32]) -> None:
        """Volume, ramped over the block so that turning it is no staircase."""
        target = self.volume
        if self._gain == target == 1.0:
            return
        out *= np.linspace(self._gain, target, len(out), dtype=np.float32)[:, None]
        self._gain = target

    @staticmethod
    def _fade_length(rate_hz: float) -> int:
        return max(1, int(FADE_S * rate_hz))
