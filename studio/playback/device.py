"""Where sound goes: the system's output through PortAudio, or nowhere when there is none.

`open_output` never fails: a machine without sound still plays, on the computer's own clock, and the output says in
one sentence (`notice`) that it is silent and why.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from studio.errors import StudioError
from studio.playback.clock import Anchor, AnchorMaker, Segment
from studio.playback.devices import find, portaudio
from studio.playback.feeder import Feeder, Order
from studio.playback.sound import Sound
from studio.playback.system_stream import SystemStream

log = logging.getLogger(__name__)

LATENCY_S = 0.06
"""Buffer asked of the device. The longest gap between Python callbacks beside a busy engine was 26 ms; twice that and
a little keeps the sound unbroken, and since the clock knows the delay, the picture does not suffer from it."""


class AudioOutput(Protocol):
    """A place for sound with a clock. Methods are called from one thread; `anchor` may be read from any."""

    name: str
    notice: str | None
    """One sentence for people when the sound cannot be heard."""

    @property
    def anchor(self) -> Anchor | None:
        """The newest anchor, None before the first block."""

    @property
    def lost(self) -> bool:
        """Whether the device went away while it was open."""

    def now_s(self) -> float:
        """Time on the clock that anchors speak of."""

    def prepare(self, samples: NDArray[np.float32], rate_hz: int) -> Sound:
        """(n, channels) samples converted to what the device plays; slow, for a worker thread."""

    def give(self, order: Order) -> None:
        """Start, stop, seek or change the loop from the next block on."""

    def set_volume(self, volume: float) -> None:
        """Linear gain, 0 to 1."""

    def close(self) -> None:
        """Release the device."""


class SilentOutput:
    """No sound; time passes on the computer's clock as if there were some."""

    name = "silent"

    def __init__(self, notice: str | None = None, now: Callable[[], float] = time.perf_counter) -> None:
        self.notice = notice
        self._now = now
        self._anchor: Anchor | None = None
        self._order: Order | None = None

    @property
    def anchor(self) -> Anchor | None:
        """An anchor without end: everything counts as delivered."""
        return self._anchor

    @property
    def lost(self) -> bool:
        """A silent output cannot be unplugged."""
        return False

    def now_s(self) -> float:
        """The computer's monotonic clock."""
        return self._now()

    def prepare(self, samples: NDArray[np.float32], rate_hz: int) -> Sound:
        """The samples as they are."""
        return Sound(np.ascontiguousarray(samples, dtype=np.float32), float(rate_hz))

    def give(self, order: Order) -> None:
        """Take the order at once."""
        now, rate = self._now(), order.sound.rate_hz
        running = int(now * rate)
        start, previous = order.start, None
        if start is None:
            old = self._anchor.segment if self._anchor is not None else None
            start = round(old.position(running)) if old is not None else 0
        segment = Segment(order.generation, running, start, order.end, order.loop, order.sound.speed)
        self._order = order
        self._anchor = Anchor(now, running, sys.maxsize, rate, segment, previous) if order.playing else None

    def set_volume(self, volume: float) -> None:
        """Nothing to turn down."""

    def close(self) -> None:
        """Nothing to release."""


class SoundDeviceOutput(SystemStream):
    """A loudspeaker through PortAudio.

    Args:
        sounddevice: the module.
        index: PortAudio's number of the device.

    Raises:
        OSError: the device cannot be opened (PortAudio's own error is one); the text is the system's.
    """

    notice: str | None = None

    def __init__(self, sounddevice: ModuleType, index: int) -> None:
        super().__init__(sounddevice, index)
        self._feeder = Feeder()
        self.underflows = 0
        """Blocks that the system says came too late; read by the sync probe."""
        self._channels = min(2, int(self._info["max_output_channels"]))
        self._opened(
            sounddevice.OutputStream(
                device=index,
                samplerate=self._info["default_samplerate"],
                channels=self._channels,
                dtype="float32",
                latency=LATENCY_S,
                callback=self._callback,
                finished_callback=self._finished,
            )
        )
        self._maker = AnchorMaker(float(self._stream.latency))
        self._stream.start()

    @property
    def anchor(self) -> Anchor | None:
        """The newest block's anchor."""
        return self._feeder.anchor

    @property
    def trusted(self) -> bool:
        """Whether the device's own delay is believed; otherwise the reported latency is used."""
        return self._maker.trusted

    def now_s(self) -> float:
        """`time.perf_counter`, on which anchors are based."""
        return time.perf_counter()

    def prepare(self, samples: NDArray[np.float32], rate_hz: int) -> Sound:
        """Resampled to the stream's rate, with at most as many channels as the device has."""
        return Sound(_resampled(_with_channels(samples, self._channels), rate_hz, round(self.rate_hz)), self.rate_hz)

    def give(self, order: Order) -> None:
        """Hand the order to the callback."""
        self._feeder.give(order)

    def set_volume(self, volume: float) -> None:
        """Linear gain from the next block on."""
        self._feeder.volume = volume

    def _callback(self, out: NDArray[np.float32], frames: int, timing: Any, status: Any) -> None:
        now = time.perf_counter()
        if status.output_underflow:
            self.underflows += 1
        running = self._feeder.running
        dac = timing.outputBufferDacTime
        self._feeder.fill(out, self._maker.heard_at(now, timing.currentTime, dac, running, self.rate_hz))


def open_output(key: str | None = None) -> AudioOutput:
    """A loudspeaker, or a silent output that says why; takes up to a second, for a worker thread.

    Args:
        key: `devices.Device.key`, None for the system's own choice; one that is not there is replaced by that.
    """
    try:
        sounddevice = portaudio()
    except StudioError:
        return SilentOutput("PortAudio is not installed, so playback is silent: install libportaudio2 to hear it.")
    index = find(sounddevice, "output", key)
    if index is None and key is not None:
        index = find(sounddevice, "output", None)
    if index is None:
        return SilentOutput("This computer has no sound output, so playback is silent.")
    try:
        return SoundDeviceOutput(sounddevice, index)
    except (sounddevice.PortAudioError, OSError, ValueError) as error:
        log.info("no audio output: %s", error)
        return SilentOutput("The sound output could not be opened, so playback is silent: check the system's sound.")


def _resampled(samples: NDArray[np.float32], rate_hz: int, to_hz: int) -> NDArray[np.float32]:
    """(n, channels) at another rate, band-limited."""
    if rate_hz == to_hz:
        return np.ascontiguousarray(samples, dtype=np.float32)
    import soxr  # only here needed

    converted = soxr.resample(np.ascontiguousarray(samples, dtype=np.float32), rate_hz, to_hz, quality="HQ")
    return np.asarray(np.clip(converted, -1.0, 1.0, out=converted), np.float32)


def _with_channels(samples: NDArray[np.float32], channels: int) -> NDArray[np.float32]:
    """(n, 1 or channels): more channels than there are are mixed to one or cut to two; one is heard on all."""
    if samples.shape[1] in (1, channels):
        return samples
    if channels == 1:
        return np.ascontiguousarray(samples.mean(axis=1, keepdims=True, dtype=np.float32))
    return np.ascontiguousarray(samples[:, :channels])
