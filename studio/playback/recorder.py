"""Recording from a microphone: what comes in is measured at once and, while a take runs, written to a FLAC file.

The device's callback only copies the block and hands it to a queue. A thread of its own measures nothing and waits
for nothing but the queue: it encodes and writes, so that memory stays small however long a take lasts, and a crash
leaves a file that can be read up to there.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from studio.errors import StudioError
from studio.playback.system_stream import SystemStream

log = logging.getLogger(__name__)

MAX_TAKE_S = 2 * 3600.0
"""A take ends by itself here: the longest sound that the studio opens."""

FULL_SCALE = 0.999
"""A sample of this size was most likely cut off by the converter."""


@dataclass(frozen=True)
class Level:
    """How loud the input was in one block."""

    peak: float = 0.0  # largest sample, 1 is full scale
    rms: float = 0.0
    clipped: bool = False
    number: int = 0  # counts blocks, so that a reader knows whether it has seen this one


@dataclass(frozen=True)
class Take:
    """A finished recording."""

    path: Path
    duration_s: float
    peak: float  # largest sample, 1 is full scale

    @property
    def clipped(self) -> bool:
        """Whether the loudest moments were cut off."""
        return self.peak >= FULL_SCALE


Block = NDArray[np.float32]


class AudioInput(Protocol):
    """A microphone that is open: calls `heard` with every block, in a thread of its own."""

    name: str
    rate_hz: float
    channels: int

    @property
    def lost(self) -> bool:
        """Whether the device went away while it was open."""

    def close(self) -> None:
        """Release the device; nothing is heard afterwards."""


OpenInput = Callable[[Callable[[Block], None]], AudioInput]
"""Opens a microphone that calls a function with blocks (n, channels). Raises StudioError."""


class Recorder:
    """Listens to a microphone and writes takes. One thread calls it; the device's thread only fills the queue.

    Args:
        open_input: opens the device.

    Raises:
        StudioError: there is no such microphone, or it cannot be opened.
    """

    def __init__(self, open_input: OpenInput) -> None:
        self.level = Level()
        """Of the newest block; replaced whole, so any thread may read it."""
        self._writer: _TakeWriter | None = None
        self._loudest = 0.0
        self._clipped = False
        self._input = open_input(self._heard)

    @property
    def name(self) -> str:
        """The microphone."""
        return self._input.name

    @property
    def lost(self) -> bool:
        """Whether the microphone went away."""
        return self._input.lost

    @property
    def recording(self) -> bool:
        """Whether a take runs."""
        return self._writer is not None

    @property
    def elapsed_s(self) -> float:
        """Length of the take that runs, seconds; 0 without one."""
        return self._writer.heard_s if self._writer is not None else 0.0

    @property
    def full(self) -> bool:
        """Whether the take that runs has reached its longest."""
        return self.elapsed_s >= MAX_TAKE_S

    @property
    def failed(self) -> bool:
        """Whether the take that runs can no longer be written; `stop` says why."""
        return self._writer is not None and self._writer.error is not None

    def loudest(self) -> tuple[float, bool]:
        """Largest sample since the last call, and whether any was cut off; for a meter."""
        found = self._loudest, self._clipped
        self._loudest, self._clipped = 0.0, False
        return found

    def start(self, path: Path) -> None:
        """Begin a take in a new file.

        Raises:
            StudioError: the file cannot be made.
            ValueError: a take runs already.
        """
        if self._writer is not None:
            raise ValueError("a take runs already")
        self._writer = _TakeWriter(path, round(self._input.rate_hz), self._input.channels)

    def stop(self) -> Take:
        """End the take and wait until it is on the disk.

        Raises:
            StudioError: nothing was heard, or the file could not be written; nothing is left of it.
            ValueError: no take runs.
        """
        writer, self._writer = self._writer, None
        if writer is None:
            raise ValueError("no take runs")
        return writer.finish(self._input.name)

    def cancel(self) -> None:
        """End the take, if one runs, and leave nothing of it."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.discard()

    def close(self) -> None:
        """Release the microphone; a take that runs is discarded."""
        self._input.close()
        self.cancel()

    def _heard(self, block: Block) -> None:
        """One block, in the device's thread."""
        peak = float(np.abs(block).max(initial=0.0))
        rms = float(np.sqrt(np.mean(np.square(block)))) if block.size else 0.0
        self.level = Level(peak, rms, peak >= FULL_SCALE, self.level.number + 1)
        self._loudest = max(self._loudest, peak)
        self._clipped = self._clipped or peak >= FULL_SCALE
        writer = self._writer
        if writer is not None:
            writer.add(block)


class _TakeWriter:
    """Encodes blocks into `name.flac.part` and renames it when it is whole."""

    def __init__(self, path: Path, rate_hz: int, channels: int) -> None:
        self.error: Exception | None = None
        self.heard_s = 0.0
        self._path, self._rate_hz, self._channels = path, rate_hz, channels
        self._part = path.with_name(path.name + ".part")
        self._frames, self._peak = 0, 0.0
        self._queue: queue.SimpleQueue[Block | None] = queue.SimpleQueue()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._part.touch(exist_ok=False)
        except OSError as error:
            raise _not_written(path, error) from error
        self._thread = threading.Thread(target=self._write, name="take", daemon=True)
        self._thread.start()

    def add(self, block: Block) -> None:
        """One block; it is copied by the caller."""
        if self.heard_s < MAX_TAKE_S and self.error is None:
            self.heard_s += len(block) / self._rate_hz
            self._queue.put(block)

    def finish(self, device: str) -> Take:
        """Wait for the last block and give the file its name."""
        self._end()
        if self.error is not None or self._frames == 0:
            self._part.unlink(missing_ok=True)
            if self.error is not None:
                raise _not_written(self._path, self.error) from self.error
            raise StudioError(f"Nothing was heard from {device}; check that it is connected and try again.")
        try:
            with self._part.open("rb+") as file:
                os.fsync(file.fileno())
            os.replace(self._part, self._path)
        except OSError as error:
            raise _not_written(self._path, error) from error
        return Take(self._path, self._frames / self._rate_hz, self._peak)

    def discard(self) -> None:
        """Forget everything."""
        self._end()
        self._part.unlink(missing_ok=True)

    def _end(self) -> None:
        self._queue.put(None)
        self._thread.join()

    def _write(self) -> None:
        """The thread."""
        import av
        import av.error

        try:
            with av.open(str(self._part), "w", format="flac") as container:
                stream: Any = container.add_stream("flac", rate=self._rate_hz)
                stream.layout = "mono" if self._channels == 1 else "stereo"
                stream.format = "s32"  # 24 bits of it: room above the voice
                while (block := self._queue.get()) is not None:
                    for packet in stream.encode(self._frame(block)):
                        container.mux(packet)
                for packet in stream.encode(None):
                    container.mux(packet)
        except (OSError, av.error.FFmpegError) as error:
            log.exception("%s could not be written", self._part)
            self.error = error

    def _frame(self, block: Block) -> Any:
        import av

        self._peak = max(self._peak, float(np.abs(block).max(initial=0.0)))
        whole = np.round(np.clip(block, -1.0, 1.0) * (2**23 - 1)).astype(np.int32) << 8
        layout = "mono" if self._channels == 1 else "stereo"
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(whole).reshape(1, -1), format="s32", layout=layout)
        frame.sample_rate = self._rate_hz
        frame.time_base = Fraction(1, self._rate_hz)
        frame.pts = self._frames
        self._frames += len(block)
        return frame


def _not_written(path: Path, error: Exception) -> StudioError:
    reason = getattr(error, "strerror", None) or error
    return StudioError(
        f"The take {path.name} could not be written to {path.parent} ({reason}); free some space, or save the "
        "project elsewhere."
    )


class SoundDeviceInput(SystemStream):
    """A microphone through PortAudio.

    Args:
        sounddevice: the module.
        index: PortAudio's number of the device.
        heard: called with every block.

    Raises:
        OSError: it cannot be opened (PortAudio's own error is one).
    """

    def __init__(self, sounddevice: ModuleType, index: int, heard: Callable[[Block], None]) -> None:
        super().__init__(sounddevice, index)
        self.channels = 1 if int(self._info["max_input_channels"]) == 1 else 2
        self._heard_block = heard
        self._opened(
            sounddevice.InputStream(
                device=index,
                samplerate=self._info["default_samplerate"],
                channels=self.channels,
                dtype="float32",
                latency="high",  # a block that is missed is lost; nobody waits for these
                callback=self._callback,
                finished_callback=self._finished,
            )
        )
        self._stream.start()

    def _callback(self, block: NDArray[np.float32], frames: int, timing: Any, status: Any) -> None:
        self._heard_block(block.copy())


def take_path(folder: Path) -> Path:
    """A new name in a folder: take-2026-11-21-1, counting up; told apart from takes that are being written too."""
    day, number = time.strftime("%Y-%m-%d"), 1
    while True:
        path = folder / f"take-{day}-{number}.flac"
        if not path.exists() and not path.with_name(path.name + ".part").exists():
            return path
        number += 1
