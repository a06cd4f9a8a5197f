"""Sound files: anything that FFmpeg can read becomes finite float samples, or one clear sentence.

Reads wav, flac, mp3, m4a, ogg and the sound of videos. Files are untrusted: only the local file itself is opened
(no playlists, no network), only known containers are tried, and nothing longer than `MAX_DURATION_S` is decoded.
"""

from __future__ import annotations

import logging
import os
from collections import deque
from dataclasses import dataclass
from pathlib import Path

import av
import av.error
import numpy as np
import soxr
from numpy.typing import NDArray

from studio.engine.packets import decoded
from studio.errors import StudioError

log = logging.getLogger(__name__)

MAX_DURATION_S = 2 * 3600.0
"""Longest accepted sound. Two hours at 48 kHz stereo are 2.8 GB of float samples, what a workstation can hold."""

MIN_DURATION_S = 0.04
"""Shortest accepted sound: one frame of video."""

MAX_RATE_HZ = 48_000
"""Faster sounds are resampled while they are decoded; no lips move above 24 kHz, and memory is bounded."""

CONTAINERS = (
    "wav,w64,aiff,au,caf,flac,mp3,aac,ac3,eac3,ogg,mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,asf,flv,mpeg,mpegts,amr,"
    "wv,tta,ape,rf64"
)
_EXACT_CONTAINERS = frozenset({"wav", "w64", "aiff", "au", "caf", "flac", "mov", "mp4", "m4a", "3gp", "3g2", "mj2"})
"""Containers whose stream duration is a fact and not an estimate, so that a cut-off file can be recognised."""

_GAP_S = 0.05
"""Time stamps that jump ahead by more than this are a hole in the recording and become silence."""

_BLOCK = 2**23 + 1
"""Samples collected in one piece of memory: 32 MB, which the system takes back when it is freed, unlike small ones. A
short sound touches only the part it needs."""


@dataclass(frozen=True)
class Audio:
    """Decoded sound. Sample 0 is time 0: of the sound file, or of the video that the sound was taken from."""

    samples: NDArray[np.float32]  # (n, channels) in [-1, 1], one or two channels
    rate_hz: int

    def __post_init__(self) -> None:
        if self.samples.ndim != 2 or self.rate_hz <= 0:
            raise ValueError(f"samples {self.samples.shape} at {self.rate_hz} Hz, expected (n, channels)")

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.rate_hz

    def mono(self, rate_hz: int) -> NDArray[np.float32]:
        """(n·rate_hz/self.rate_hz,) the mean of the channels at another rate."""
        mixed = self.samples[:, 0] if self.samples.shape[1] == 1 else self.samples.mean(axis=1, dtype=np.float32)
        return resample(mixed, self.rate_hz, rate_hz)


def resample(samples: NDArray[np.float32], from_hz: int, to_hz: int) -> NDArray[np.float32]:
    """Band-limited resampling along the first axis; round(n·to/from) samples, time 0 stays time 0.

    Args:
        samples: (n,) or (n, channels).
        from_hz: Present rate.
        to_hz: Wanted rate.
    """
    if from_hz == to_hz or len(samples) == 0:
        return np.ascontiguousarray(samples, dtype=np.float32)
    out = soxr.resample(np.ascontiguousarray(samples, dtype=np.float32), from_hz, to_hz, quality="HQ")
    n = round(len(samples) * to_hz / from_hz)
    if len(out) < n:
        out = np.pad(out, [(0, n - len(out))] + [(0, 0)] * (out.ndim - 1))
    return np.asarray(out[:n], dtype=np.float32)


def load_audio(path: str | Path) -> Audio:
    """Reads the sound of a sound or video file.

    In a video whose sound starts later than its picture, the gap becomes silence; sound before the first picture
    is dropped. More than two channels are mixed down to two.

    Args:
        path: A local file of any format named in the module docstring.

    Returns:
        Finite samples in [-1, 1] at the file's own rate, at most 48 kHz.

    Raises:
        StudioError: The file is missing, a folder, empty, cut short, damaged, not media, without sound, shorter
            than one video frame or longer than two hours, or holds samples that are not numbers.
    """
    path = Path(path)
    check_file(path)
    options = {"protocol_whitelist": "file", "format_whitelist": CONTAINERS}
    try:
        with av.open(f"file:{path.resolve()}", options=options, metadata_errors="replace") as container:
            return _decode(container, path)
    except (av.error.FFmpegError, ValueError, OverflowError) as error:
        log.info("cannot read %s: %s", path, error)
        raise StudioError(
            f"{path} is damaged or not a sound or video file; choose a wav, flac, mp3, m4a, ogg or video file."
        ) from error
    except MemoryError as error:
        raise StudioError(f"The sound of {path} does not fit into memory; cut it into shorter files.") from error


def check_file(path: Path) -> None:
    """Refuse what is no readable, ordinary file with something in it.

    Raises:
        StudioError: in one sentence.
    """
    try:
        if not path.exists():
            raise StudioError(f"There is no file {path}; check the name.")
        if path.is_dir():
            raise StudioError(f"{path} is a folder; choose a sound or video file in it.")
        if not path.is_file():
            raise StudioError(f"{path} is not an ordinary file; choose a sound or video file.")
        if path.stat().st_size == 0:
            raise StudioError(f"{path} is empty; choose another file.")
        with path.open("rb"):
            pass
    except (OSError, ValueError) as error:
        raise StudioError(
            f"{path} cannot be read ({getattr(error, 'strerror', None) or error}); check its permissions."
        ) from error


def _too_long(path: Path, seconds: float) -> StudioError:
    return StudioError(
        f"The sound of {path} lasts {seconds / 3600:.1f} h, longer than the limit of {MAX_DURATION_S / 3600:.0f} h; cut"
        " it into shorter files."
    )


def _decode(container: av.container.InputContainer, path: Path) -> Audio:
    stream = container.streams.best("audio")
    if stream is None:
        raise StudioError(f"{path} has no sound; choose a file with a sound track.")
    declared = float(stream.duration * stream.time_base) if stream.duration and stream.time_base else 0.0
    known = max(declared, (container.duration or 0) / av.time_base if declared == 0.0 else 0.0)
    if known > MAX_DURATION_S:
        raise _too_long(path, known)
    rate_in = int(stream.codec_context.sample_rate or 0)
    if not 1000 <= rate_in <= 1_000_000:
        raise StudioError(f"{path} states a sample rate of {rate_in} Hz, which no sound has; export it again.")
    rate = min(rate_in, MAX_RATE_HZ)
    channels = 1 if stream.codec_context.channels == 1 else 2

    assembly = _Assembly(path, rate, channels, _start_s(container))
    for frame in decoded(container, stream, av.AudioFrame, path):
        assembly.add(frame)
    samples = assembly.finish()
    seconds = len(samples) / rate
    exact = bool(_EXACT_CONTAINERS & set(container.format.name.split(",")))
    heard = seconds - assembly.offset_s
    declared = max(declared, _riff_duration_s(path))
    if exact and heard < declared - max(0.25, 0.02 * declared):
        raise StudioError(
            f"{path} is cut short: it announces {declared:.1f} s of sound and holds {heard:.1f} s; copy or export it"
            " again."
        )
    if seconds < MIN_DURATION_S:
        raise StudioError(f"{path} holds {seconds:.2f} s of sound, less than one frame; choose a longer clip.")
    return Audio(samples, rate)


def _riff_duration_s(path: Path) -> float:
    """Seconds that a wav file's header announces, else 0; FFmpeg itself believes the size of the file instead."""
    with path.open("rb") as file:
        head = file.read(12)
        if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
            return 0.0
        bytes_per_second = 0
        for _ in range(64):  # chunks before the data are few
            chunk = file.read(8)
            name, size = chunk[:4], int.from_bytes(chunk[4:8], "little")
            if name == b"data":
                unknown = size in (0, 0xFFFFFFFF, 0x7FFFFFFF) or bytes_per_second == 0
                return 0.0 if unknown else size / bytes_per_second
            body = file.read(16) if name == b"fmt " else b""
            if len(body) == 16:
                bytes_per_second = int.from_bytes(body[8:12], "little")
            if len(chunk) < 8 or size > path.stat().st_size:
                return 0.0
            file.seek(size + size % 2 - len(body), os.SEEK_CUR)
    return 0.0


def _start_s(container: av.container.InputContainer) -> float | None:
    """Time stamp that is time 0: the first picture of a real video stream (not of a cover), else None."""
    for video in container.streams.video:
        if video.disposition & av.stream.Disposition.attached_pic:
            continue
        if video.start_time is not None and video.time_base is not None:
            return float(video.start_time * video.time_base)
    return None


class _Assembly:
    """Collects decoded frames into one array, in time, within the limits."""

    def __init__(self, path: Path, rate_hz: int, channels: int, start_s: float | None) -> None:
        self.path = path
        self.rate_hz = rate_hz
        self.channels = channels
        self.start_s = start_s
        self.offset_s = 0.0  # of the first sample against time 0
        self._blocks: deque[NDArray[np.float32]] = deque()  # each (_BLOCK, channels)
        self._room = 0  # samples free in the last block
        self._n = 0  # samples collected
        self._resampler: av.AudioResampler | None = None
        self._format: tuple[str, str, int] | None = None
        self._first = True

    def add(self, frame: av.AudioFrame) -> None:
        """Appends one frame, silence before it where the time stamps leave a hole."""
        self._place(frame)
        key = (frame.format.name, frame.layout.name, frame.sample_rate)
        if self._resampler is None or self._format != key:
            self._drain()
            layout = "mono" if self.channels == 1 else "stereo"
            self._resampler = av.AudioResampler(format="fltp", layout=layout, rate=self.rate_hz)
            self._format = key
        for converted in self._resampler.resample(frame):
            self._append(converted.to_ndarray())

    def finish(self) -> NDArray[np.float32]:
        """(n, channels): everything collected, checked to be numbers, limited to [-1, 1]."""
        self._drain()
        out = np.empty((self._n, self.channels), np.float32)
        at = 0
        while self._blocks:  # each goes back to the system as soon as it is copied
            block = self._blocks.popleft()[: self._n - at]
            out[at : at + len(block)] = block
            at += len(block)
        if self.offset_s < 0.0:
            out = out[round(-self.offset_s * self.rate_hz) :]
        return out

    def _place(self, frame: av.AudioFrame) -> None:
        if frame.pts is None or frame.time_base is None:
            self._first = False
            return
        time_s = float(frame.pts * frame.time_base)
        if self._first:
            self._first = False
            self.start_s = time_s if self.start_s is None else self.start_s
            self.offset_s = time_s - self.start_s
            if self.offset_s > 0.0:
                self._silence(self.offset_s)
            return
        assert self.start_s is not None
        due_s = self._n / self.rate_hz + min(self.offset_s, 0.0)
        gap = time_s - self.start_s - due_s
        if gap > _GAP_S:
            self._drain()
            self._silence(gap)

    def _silence(self, seconds: float) -> None:
        if self._n / self.rate_hz + seconds > MAX_DURATION_S:
            raise _too_long(self.path, self._n / self.rate_hz + seconds)
        self._append(np.zeros((self.channels, round(seconds * self.rate_hz)), np.float32))

    def _drain(self) -> None:
        if self._resampler is not None:
            for converted in self._resampler.resample(None):
                self._append(converted.to_ndarray())
            self._resampler, self._format = None, None

    def _append(self, chunk: NDArray[np.float32]) -> None:
        finite = np.isfinite(chunk).all(axis=0)
        if not finite.all():
            at = (self._n + int(np.argmin(finite))) / self.rate_hz
            raise StudioError(f"{self.path} holds samples that are not numbers (first at {at:.2f} s); export it again.")
        at = 0
        while at < chunk.shape[1]:
            if self._room == 0:
                self._blocks.append(np.empty((_BLOCK, self.channels), np.float32))
                self._room = _BLOCK
            used = _BLOCK - self._room
            count = min(self._room, chunk.shape[1] - at)
            np.clip(chunk[:, at : at + count].T, -1.0, 1.0, out=self._blocks[-1][used : used + count])
            self._room -= count
            at += count
        self._n += chunk.shape[1]
        if self._n > MAX_DURATION_S * self.rate_hz:
            raise _too_long(self.path, self._n / self.rate_hz)
