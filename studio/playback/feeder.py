"""What happens inside the audio callback: copy samples, publish an anchor, nothing else.

Orders arrive as one immutable object, anchors leave as another; both are single references, so no lock is held and
the callback never waits for Python code elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from studio.playback.clock import Anchor, Segment
from studio.playback.sound import Sound

FADE_S = 0.004
"""Length of the ramp at every start, stop, seek and loop: long enough to remove the click, too short to be heard."""

GRAIN_S = 0.07
"""What is heard of a place that is scrubbed over: one syllable's heart. Grains follow one another at half of it, so
that their raised-cosine windows add up to an even loudness while the hand moves."""


@dataclass(frozen=True)
class Order:
    """What the feeder shall do from the next block on."""

    generation: int
    playing: bool
    sound: Sound
    start: int | None = None  # sample to begin at; None goes on where the sound is (a loop changed)
    loop: tuple[int, int] | None = None  # samples [first, past last)
    until: int | None = None  # sample before which the sound ends; None: at its own end
    grain: bool = False  # let the surroundings of `start` be heard once, while not playing

    @property
    def end(self) -> int:
        """The sample before which nothing more is heard."""
        return self.sound.length if self.until is None else min(self.until, self.sound.length)


@dataclass
class Grain:
    """A piece of sound that rings out by itself."""

    sound: Sound
    start: int  # sample with which its window begins; may lie before the clip
    age: int  # samples of it that were heard; negative: it begins that many samples into the next block


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
        self._grains: list[Grain] = []
        self._grain_wanted: Grain | None = None

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
        self._ring(out)
        self._scale(out)
        start, self._running = self._running, self._running + len(out)
        if self._segment is not None:
            rate_hz = order.sound.rate_hz
            self.anchor = Anchor(heard_at_s, start, self._running, rate_hz, self._segment, self._previous)

    def _take(self, order: Order, before: Order | None, out: NDArray[np.float32]) -> None:
        """Begin a new segment; what was playing fades out under it."""
        goes_on = order.start is None
        if before is not None and before.playing and not (goes_on and order.playing):
            tail = out[: _fade_length(order.sound)]
            self._copy(tail, before, advance=False)
            tail *= np.linspace(1.0, 0.0, len(tail), dtype=np.float32)[:, None]
        if order.start is not None:
            self._cursor = order.start
        if order.grain and not order.playing:
            half = round(GRAIN_S * order.sound.rate_hz / 2)
            self._grain_wanted = Grain(order.sound, self._cursor - half, 0)
        elif order.playing:
            self._grain_wanted = None
        self._previous = self._segment if goes_on and order.playing else None
        self._segment = Segment(
            order.generation, self._running, self._cursor, order.end, order.loop, order.sound.speed
        )  # fmt: skip
        self._taken = order

    def _play(self, out: NDArray[np.float32], order: Order, *, fade_in: bool) -> None:
        if not fade_in:
            self._copy(out, order, advance=True)
            return
        block = np.zeros_like(out)
        self._copy(block, order, advance=True)
        head = block[: _fade_length(order.sound)]
        head *= np.linspace(0.0, 1.0, len(head), dtype=np.float32)[:, None]
        out += block

    def _copy(self, out: NDArray[np.float32], order: Order, *, advance: bool) -> None:
        """Copy from the cursor on, round the loop; past the end nothing is written."""
        samples, cursor, done = order.sound.samples, self._cursor, 0
        first, past = order.loop if order.loop is not None else (0, 0)
        past = min(past, len(samples))
        looping = first < past and cursor < past
        while done < len(out):
            limit = past if looping else order.end
            count = min(len(out) - done, limit - cursor)
            if count > 0:
                piece = out[done : done + count]
                piece[:] = samples[cursor : cursor + count, : out.shape[1]]
                if looping:
                    _join(piece, cursor, order.sound, first, past)
                elif order.until is not None:
                    _join(piece, cursor, order.sound, None, order.end)
                cursor, done = cursor + count, done + count
            if looping and cursor >= past:
                cursor = first  # at once, or a block that ends at the seam would leave the loop
            elif done < len(out):
                break
        if advance:
            self._cursor = cursor

    def _ring(self, out: NDArray[np.float32]) -> None:
        """Add the grains; the newest that waits begins when the one before is half over."""
        if self._grain_wanted is not None:
            window = _grain_window(round(GRAIN_S * self._grain_wanted.sound.rate_hz))
            wait = len(window) // 2 - self._grains[-1].age if self._grains else 0
            if wait < len(out):
                self._grain_wanted.age = -max(0, wait)
                self._grains.append(self._grain_wanted)
                self._grain_wanted = None
        for grain in self._grains:
            window = _grain_window(round(GRAIN_S * grain.sound.rate_hz))
            at = max(0, -grain.age)
            low = max(grain.start + grain.age + at, 0)  # silence before the clip
            at += low - (grain.start + grain.age + at)
            count = min(len(out) - at, grain.start + len(window) - low, grain.sound.length - low)
            if count > 0:
                shape = window[low - grain.start : low - grain.start + count]
                out[at : at + count] += grain.sound.samples[low : low + count, : out.shape[1]] * shape
            grain.age += len(out)
        if self._grains:
            self._grains = [g for g in self._grains if g.age < round(GRAIN_S * g.sound.rate_hz)]

    def _scale(self, out: NDArray[np.float32]) -> None:
        """Volume, ramped over the block so that turning it is no staircase."""
        target = self.volume
        if self._gain == target == 1.0:
            return
        out *= np.linspace(self._gain, target, len(out), dtype=np.float32)[:, None]
        self._gain = target


def _fade_length(sound: Sound) -> int:
    return max(1, int(FADE_S * sound.rate_hz))


@lru_cache(maxsize=8)
def _grain_window(length: int) -> NDArray[np.float32]:
    """(length, 1) raised cosine; two of them half a length apart add up to one."""
    phase = (np.arange(length, dtype=np.float32) + 0.5) / length
    return (0.5 - 0.5 * np.cos(2 * np.pi * phase)).astype(np.float32)[:, None]


def _join(piece: NDArray[np.float32], cursor: int, sound: Sound, first: int | None, past: int) -> None:
    """Before `past`, fade over into what comes before `first`, so that the jump there is none for the ear.

    Args:
        piece: (n, channels) samples of the sound from `cursor` on; changed in place.
        cursor: sample of piece[0].
        sound: what plays.
        first: sample that follows `past`; None fades into silence.
        past: sample after the last one that is heard.
    """
    length = min(_fade_length(sound), past if first is None else past - first)
    begin = past - length
    low = max(cursor, begin)
    count = cursor + len(piece) - low
    if count <= 0:
        return
    part = piece[low - cursor :]
    share = (np.arange(low - begin + 1, low - begin + count + 1, dtype=np.float32) / length)[:, None]
    part *= 1.0 - share
    if first is not None:
        source = first - length + low - begin
        skip = min(max(0, -source), count)  # silence before the clip
        part[skip:] += sound.samples[source + skip : source + count, : part.shape[1]] * share[skip:]
