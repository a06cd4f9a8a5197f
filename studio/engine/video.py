"""Writing video files: exact frames, exact length, exact colours, and either a whole file or none.

`VideoWriter` encodes H.264 with AAC sound through PyAV. Frame i stands at i/fps, the sound is as long as the
picture, and colours are converted and tagged as BT.709 with limited range, so that every player shows what the
viewport showed. The file grows as `NAME.part` beside its target; only after it has been closed, read back and
found complete does it take the target's name, so a target never holds half a video.
"""

from __future__ import annotations

import errno
import logging
import os
import shutil
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from types import TracebackType

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation
from numpy.typing import NDArray

from studio.errors import StudioError

log = logging.getLogger(__name__)

SOUND_RATE_HZ = 48_000
"""Rate of every sound track: the one that all players and all AAC profiles take."""

CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov"}
"""File endings that can be written, with FFmpeg's name of the container."""

MIN_SIZE_PX, MAX_SIZE_PX = 16, 8192
"""Edges of a picture; libx264 takes them all, a hardware encoder that does not refuses with its own sentence."""

BT709 = 1
"""The code point of BT.709 for matrix, primaries and transfer in ISO/IEC 23091-2."""

BYTES_PER_PIXEL_AT_LEAST = 0.003
"""Free space asked for before the start; heads in front of a plain wall need two to ten times this at our quality."""

SOUND_BIT_RATE = {1: 192_000, 2: 320_000}
"""Per number of channels. At 128 kbit/s FFmpeg's AAC breaks a sudden mono onset (0.39 off on a 0.5 tone; here 0.03)."""

AAC_FRAME = 1024
"""Samples that AAC codes together: how far a sound track's length may differ from the picture's."""


@dataclass(frozen=True)
class _Encoder:
    """A video encoder and how to ask it for pictures without visible loss."""

    name: str
    options: dict[str, str] = field(default_factory=dict)
    bits_per_pixel: float | None = None  # for encoders that know no constant quality


_ENCODERS = (
    _Encoder("libx264", {"preset": "fast", "crf": "14"}),
    _Encoder("h264_videotoolbox", {}, 0.2),
    _Encoder("h264_nvenc", {"preset": "p5", "rc": "vbr", "cq": "16"}),
    _Encoder("h264_mf", {}, 0.2),
    _Encoder("libopenh264", {}, 0.2),
    _Encoder("libvpx-vp9", {"crf": "18", "b": "0", "deadline": "realtime", "cpu-used": "5"}),
)
"""In order of preference. Being listed by FFmpeg says nothing (NVENC is listed without a card), so each is tried."""


def exact_rate(fps: float | Fraction) -> Fraction:
    """A frame rate as the fraction that files use: 29.97 becomes 30000/1001, 25.0 becomes 25.

    Raises:
        StudioError: if the rate lies outside 1 to 240.
    """
    whole = Fraction(round(fps)) if np.isfinite(float(fps)) else Fraction(0)
    rate = min((whole, whole * 1000 / 1001), key=lambda near: abs(near - Fraction(fps))) if whole else whole
    if whole and abs(rate - Fraction(fps)) > Fraction(4, 1000):
        rate = Fraction(fps).limit_denominator(1001)
    if not 1 <= rate <= 240:
        raise StudioError(f"The frame rate {float(fps):g} cannot be used; choose one from 1 to 240 frames per second.")
    return rate


def check_target(path: Path, *, kinds: tuple[str, ...] = tuple(CONTAINERS)) -> None:
    """Refuse a target that cannot be written, before any work is done.

    Raises:
        StudioError: for an unknown ending, a folder, a missing or unwritable parent folder.
    """
    if path.suffix.lower() not in kinds:
        raise StudioError(f"“{path.name}” does not end in {' or '.join(kinds)}; choose such a name for the video.")
    if path.is_dir():
        raise StudioError(f"{path} is a folder; give the video a file name.")
    folder = path.parent
    if not folder.is_dir():
        raise StudioError(f"The folder {folder} does not exist; create it or choose another one.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StudioError(f"The folder {folder} cannot be written to; choose another one.")
    if path.exists() and not os.access(path, os.W_OK):
        raise StudioError(f"{path} is write-protected; choose another name.")


def check_size(width: int, height: int) -> None:
    """Refuse sizes that H.264 cannot store; odd ones are refused rather than padded, so no pixel is invented.

    Raises:
        StudioError: with the nearest size that works.
    """
    if not (MIN_SIZE_PX <= width <= MAX_SIZE_PX and MIN_SIZE_PX <= height <= MAX_SIZE_PX):
        raise StudioError(f"A video of {width}×{height} pixels cannot be written; use {MIN_SIZE_PX} to {MAX_SIZE_PX}.")
    if width % 2 or height % 2:
        even = f"{width + width % 2}×{height + height % 2}"
        raise StudioError(
            f"A video of {width}×{height} pixels cannot be written, H.264 needs even numbers; use {even}."
        )


def writing_failed(error: OSError, path: Path) -> StudioError:
    """The sentence for an operating system error met while writing `path`."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StudioError(f"The disk is full, {path.name} was not written; free some space and try again.")
    if error.errno == errno.EFBIG:
        return StudioError(f"{path.name} would grow past the size allowed here; choose another disk.")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return StudioError(f"{path} cannot be written to; choose another folder.")
    reason = error.strerror or type(error).__name__
    return StudioError(f"{path} could not be written ({reason.lower()}); choose another folder or disk.")


@lru_cache(maxsize=1)
def _encoder() -> _Encoder:
    """The first encoder of the list that really opens on this machine."""
    for candidate in _ENCODERS:
        try:
            context = av.CodecContext.create(candidate.name, "w")
            context.width, context.height, context.pix_fmt = 256, 256, "yuv420p"
            context.time_base = Fraction(1, 25)
            context.options = dict(candidate.options)
            context.open()
        except (ValueError, OSError, av.FFmpegError) as error:
            log.info("video encoder %s does not open: %s", candidate.name, error)
            continue
        log.info("video encoder: %s", candidate.name)
        return candidate
    raise StudioError("No video encoder works on this machine; reinstall the Python package “av”.")


def encoder_name() -> str:
    """FFmpeg's name of the video encoder in use.

    Raises:
        StudioError: if none works.
    """
    return _encoder().name


class VideoWriter:
    """One video file being written; use it as a context manager and call `finish` at the end.

    Leaving the context without `finish` (an error, a cancel) deletes everything written. Calls must not overlap,
    but may come from different threads.

    Args:
        path: the target, ending in .mp4, .m4v or .mov; replaced only by a complete video.
        width: pixels, even.
        height: pixels, even.
        fps: exact frame rate.
        frames: how many frames will be written, at least 1.
        sound: (n, 1 or 2) float32 in [-1, 1] at `SOUND_RATE_HZ`; cut or padded to the picture; None: silent.

    Raises:
        StudioError: on anything that keeps the file from being written.
    """

    def __init__(
        self,
        path: Path,
        *,
        width: int,
        height: int,
        fps: Fraction,
        frames: int,
        sound: NDArray[np.float32] | None = None,
    ) -> None:
        check_target(path)
        check_size(width, height)
        if frames < 1:
            raise ValueError(f"frames is {frames}, expected at least 1")
        if sound is not None and (sound.ndim != 2 or sound.shape[1] not in (1, 2)):
            raise ValueError(f"sound has shape {sound.shape}, expected (n, 1) or (n, 2)")
        self.path, self.width, self.height, self.fps, self.frames = path, width, height, fps, frames
        self.part = path.with_name(path.name + ".part")
        self.written = 0
        self.encoder = encoder_name()
        self._sound = None if sound is None else _fitted(sound, round(frames / fps * SOUND_RATE_HZ))
        self._sound_done = 0
        self._done = False
        self._need_space()
        try:
            self._open()
        except (OSError, av.FFmpegError) as error:
            self.abort()
            raise _told(error, path) from error
        except BaseException:  # a kill or Ctrl+C at this very moment
            self.abort()
            raise

    def _need_space(self) -> None:
        need = int(self.frames * self.width * self.height * BYTES_PER_PIXEL_AT_LEAST) + (1 << 16)
        try:
            free = shutil.disk_usage(self.path.parent).free
        except OSError as error:
            raise writing_failed(error, self.path) from error
        if free < need:
            sizes = f"at least {need / 1e6:.1f} MB are needed, {free / 1e6:.1f} MB are free"
            raise StudioError(
                f"There is not enough space for {self.path.name}: {sizes}; free some or choose another disk."
            )

    def _open(self) -> None:
        choice = _encoder()
        container = CONTAINERS[self.path.suffix.lower()]
        self._file = av.open(str(self.part), "w", format=container, options={"movflags": "+faststart"})
        video = self._file.add_stream(choice.name, rate=self.fps, options=dict(choice.options))
        assert isinstance(video, av.VideoStream)
        video.width, video.height, video.pix_fmt = self.width, self.height, "yuv420p"
        video.time_base = video.codec_context.time_base = 1 / self.fps
        if choice.bits_per_pixel is not None:
            video.bit_rate = int(self.width * self.height * float(self.fps) * choice.bits_per_pixel)
        context = video.codec_context
        context.color_range, context.colorspace = ColorRange.MPEG, Colorspace.ITU709
        context.color_primaries = context.color_trc = BT709
        self._video = video
        self._audio: av.AudioStream | None = None
        if self._sound is not None:
            channels = self._sound.shape[1]
            audio = self._file.add_stream("aac", rate=SOUND_RATE_HZ, layout="mono" if channels == 1 else "stereo")
            assert isinstance(audio, av.AudioStream)
            audio.bit_rate = SOUND_BIT_RATE[channels]
            self._audio = audio
        self._file.start_encoding()  # creates the file now, so that a target that cannot be written fails at once

    def write(self, rgb: NDArray[np.uint8]) -> None:
        """Append one frame.

        Args:
            rgb: (height, width, 3) display sRGB.

        Raises:
            StudioError: if the disk is full or gone.
        """
        if rgb.shape != (self.height, self.width, 3) or rgb.dtype != np.uint8:
            raise ValueError(f"frame is {rgb.dtype} {rgb.shape}, expected uint8 ({self.height}, {self.width}, 3)")
        if self.written == self.frames:
            raise ValueError(f"all {self.frames} frames have been written")
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24").reformat(
            format="yuv420p",
            interpolation=Interpolation.AREA,
            src_colorspace=Colorspace.ITU709,
            dst_colorspace=Colorspace.ITU709,
            src_color_range=ColorRange.JPEG,
            dst_color_range=ColorRange.MPEG,
        )
        frame.color_primaries = frame.color_trc = BT709
        frame.pts, frame.time_base = self.written, 1 / self.fps
        try:
            self._file.mux(self._video.encode(frame))
            self.written += 1
            self._write_sound(round(self.written / self.fps * SOUND_RATE_HZ))
        except (OSError, av.FFmpegError) as error:
            raise _told(error, self.path) from error

    def _write_sound(self, until: int) -> None:
        if self._audio is None or self._sound is None or until <= self._sound_done:
            return
        block = np.ascontiguousarray(self._sound[self._sound_done : until].T)
        frame = av.AudioFrame.from_ndarray(block, format="fltp", layout=self._audio.layout.name)
        frame.sample_rate, frame.pts = SOUND_RATE_HZ, self._sound_done
        frame.time_base = Fraction(1, SOUND_RATE_HZ)
        self._sound_done = until
        self._file.mux(self._audio.encode(frame))

    def finish(self) -> int:
        """Close, read back, verify, and give the file its name.

        Returns:
            The size in bytes.

        Raises:
            StudioError: if the file could not be completed; nothing is left behind then.
        """
        if self.written != self.frames:
            raise ValueError(f"{self.written} of {self.frames} frames have been written")
        try:
            self._file.mux(self._video.encode(None))
            if self._audio is not None:
                self._file.mux(self._audio.encode(None))
            self._file.close()
            self._verify()
            with self.part.open("rb+") as file:
                os.fsync(file.fileno())
            size = self.part.stat().st_size
            self.part.replace(self.path)
        except (OSError, av.FFmpegError) as error:
            self.abort()
            raise _told(error, self.path) from error
        except StudioError:
            self.abort()
            raise
        self._done = True
        _sync_folder(self.path.parent)
        return size

    def _verify(self) -> None:
        """Raise unless the closed file has every frame at its time and sound of the same length."""
        with av.open(str(self.part)) as file:
            video = file.streams.video[0]
            times = sorted(
                p.pts * p.time_base for p in file.demux(video) if p.pts is not None and p.time_base is not None
            )
            start = (video.start_time or 0) * (video.time_base or Fraction(0))
            if times != [start + i / self.fps for i in range(self.frames)]:
                raise StudioError(f"{self.path.name} did not come out with all its {self.frames} frames; try again.")
            if self._sound is not None:
                audio = file.streams.audio[0]
                length = (audio.duration or 0) * (audio.time_base or Fraction(0))
                if abs(length - Fraction(len(self._sound), SOUND_RATE_HZ)) > Fraction(AAC_FRAME, SOUND_RATE_HZ):
                    raise StudioError(f"The sound of {self.path.name} came out {float(length):.2f} s long; try again.")

    def abort(self) -> None:
        """Stop and delete what has been written; does nothing after `finish` or when called again."""
        if self._done:
            return
        self._done = True
        file = getattr(self, "_file", None)
        if file is not None:
            try:
                file.close()
            except (OSError, av.FFmpegError, ValueError) as error:
                log.info("closing the abandoned %s: %s", self.part, error)
        self.part.unlink(missing_ok=True)

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abort()


def _fitted(sound: NDArray[np.float32], samples: int) -> NDArray[np.float32]:
    """`sound` cut, or padded with silence, to `samples`."""
    fitted = np.zeros((samples, sound.shape[1]), dtype=np.float32)
    n = min(samples, len(sound))
    fitted[:n] = sound[:n]
    return fitted


def _told(error: OSError | av.FFmpegError, path: Path) -> StudioError:
    if isinstance(error, OSError):
        return writing_failed(error, path)
    return StudioError(f"{path.name} could not be encoded ({error}); try another size or frame rate.")


def _sync_folder(folder: Path) -> None:
    """Make a rename outlive a power cut; Windows knows no such thing."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:  # some network file systems refuse; the file itself is safe already
        log.info("folder %s was not flushed: %s", folder, error)
    finally:
        os.close(handle)
