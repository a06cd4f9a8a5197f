"""Writing video files: exact frames, exact length, exact colours, and either a whole file or none.

`VideoWriter` encodes through PyAV: H.264 with AAC sound, or with transparency ProRes 4444 (.mov) and VP9 (.webm).
Frame i stands at i/fps, the sound is as long as the picture, and colours are converted and tagged as BT.709 with
limited range, so that every player shows what the viewport showed. The file grows as `NAME.part` beside its target;
only after it has been closed, read back and found complete does it take the target's name, so a target never holds
half a video.
"""

from __future__ import annotations

import logging
import os
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation
from numpy.typing import NDArray

from studio.engine import targets
from studio.engine.encoders import VIDEO_SUFFIXES, find_encoder, recipe
from studio.engine.provenance import Provenance
from studio.engine.targets import part_of, sync_folder, writing_failed
from studio.errors import StudioError

log = logging.getLogger(__name__)

SOUND_RATE_HZ = 48_000
"""Rate of every sound track: the one that all players and all AAC and Opus profiles take."""

MIN_SIZE_PX, MAX_SIZE_PX = 16, 8192
"""Edges of a picture; libx264 takes them all, a hardware encoder that does not refuses with its own sentence."""

BT709 = 1
"""The code point of BT.709 for matrix, primaries and transfer in ISO/IEC 23091-2."""

BYTES_PER_PIXEL_AT_LEAST = 0.003
"""Free space asked for before the start; heads in front of a plain wall need two to ten times this at our quality."""

SOUND_BIT_RATE = {1: 192_000, 2: 320_000}
"""Per number of channels. At 128 kbit/s FFmpeg's AAC breaks a sudden mono onset (0.39 off on a 0.5 tone; here 0.03)."""

SOUND_FRAME = 1024
"""Samples that AAC codes together (Opus: 960): how far a sound track's length may differ from the picture's."""


def check_target(path: Path, *, kinds: tuple[str, ...] = VIDEO_SUFFIXES) -> None:
    """Refuse a video file that cannot be written, before any work is done.

    Raises:
        StudioError: for an unknown ending, a folder, a missing or unwritable parent folder.
    """
    targets.check_target(path, kinds=kinds)


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


def check_size(width: int, height: int, *, even: bool = True) -> None:
    """Refuse sizes that cannot be stored; odd ones are refused rather than padded, so no pixel is invented.

    Args:
        width: pixels.
        height: pixels.
        even: whether it is for a video; pictures may be odd.

    Raises:
        StudioError: with the nearest size that works.
    """
    what = "video" if even else "picture"
    if not (MIN_SIZE_PX <= width <= MAX_SIZE_PX and MIN_SIZE_PX <= height <= MAX_SIZE_PX):
        raise StudioError(f"A {what} of {width}×{height} pixels cannot be written; use {MIN_SIZE_PX} to {MAX_SIZE_PX}.")
    if even and (width % 2 or height % 2):
        nearest = f"{width + width % 2}×{height + height % 2}"
        raise StudioError(
            f"A video of {width}×{height} pixels cannot be written, videos need even numbers; use {nearest}."
        )


class VideoWriter:
    """One video file being written; use it as a context manager and call `finish` at the end.

    Leaving the context without `finish` (an error, a cancel) deletes everything written. Calls must not overlap,
    but may come from different threads.

    Args:
        path: the target, ending in .mp4, .m4v, .mov or .webm; replaced only by a complete video.
        width: pixels, even.
        height: pixels, even.
        fps: exact frame rate.
        frames: how many frames will be written, at least 1.
        sound: (n, 1 or 2) float32 in [-1, 1] at `SOUND_RATE_HZ`; cut or padded to the picture; None: silent.
        alpha: whether frames are transparent: .mov and .webm only.
        provenance: what the file says about itself; None takes the target's name as title.

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
        alpha: bool = False,
        provenance: Provenance | None = None,
    ) -> None:
        check_target(path)
        check_size(width, height)
        self._recipe = recipe(path.suffix, alpha)
        if frames < 1:
            raise ValueError(f"frames is {frames}, expected at least 1")
        if sound is not None and (sound.ndim != 2 or sound.shape[1] not in (1, 2)):
            raise ValueError(f"sound has shape {sound.shape}, expected (n, 1) or (n, 2)")
        self.path, self.width, self.height, self.fps, self.frames = path, width, height, fps, frames
        self.part = part_of(path)
        self.written = 0
        self._choice = find_encoder(self._recipe)
        self.encoder = self._choice.name
        self._channels = 4 if alpha else 3
        self._provenance = provenance or Provenance(path.stem)
        self._sound = None if sound is None else _fitted(sound, round(frames / fps * SOUND_RATE_HZ))
        self._sound_done = 0
        self._done = False
        targets.check_space(path, int(frames * width * height * BYTES_PER_PIXEL_AT_LEAST) + (1 << 16))
        try:
            self._open()
        except (OSError, av.FFmpegError) as error:
            self.abort()
            raise _told(error, path) from error
        except BaseException:  # a kill or Ctrl+C at this very moment
            self.abort()
            raise

    def _open(self) -> None:
        choice, container = self._choice, self._recipe.container
        options = {"movflags": "+faststart"} if container != "webm" else {}
        self._file = av.open(str(self.part), "w", format=container, options=options)
        self._file.metadata.update(self._provenance.tags)
        if container != "mp4":  # an MP4 gets a box of its own, see `finish`
            self._file.metadata["xmp"] = self._provenance.xmp()
        video = self._file.add_stream(choice.name, rate=self.fps, options=dict(choice.options))
        assert isinstance(video, av.VideoStream)
        video.width, video.height, video.pix_fmt = self.width, self.height, choice.pixels
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
            layout = "mono" if channels == 1 else "stereo"
            audio = self._file.add_stream(self._recipe.sound, rate=SOUND_RATE_HZ, layout=layout)
            assert isinstance(audio, av.AudioStream)
            if not self._recipe.sound.startswith("pcm"):
                audio.bit_rate = SOUND_BIT_RATE[channels]
            self._audio = audio
        self._file.start_encoding()  # creates the file now, so that a target that cannot be written fails at once

    def write(self, picture: NDArray[np.uint8]) -> None:
        """Append one frame.

        Args:
            picture: (height, width, 3) display sRGB; with transparency (height, width, 4), straight alpha.

        Raises:
            StudioError: if the disk is full or gone.
        """
        wanted = (self.height, self.width, self._channels)
        if picture.shape != wanted or picture.dtype != np.uint8:
            raise ValueError(f"frame is {picture.dtype} {picture.shape}, expected uint8 {wanted}")
        if self.written == self.frames:
            raise ValueError(f"all {self.frames} frames have been written")
        layout = "rgb24" if self._channels == 3 else "rgba"
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format=layout).reformat(
            format=self._choice.pixels,
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
            if self._recipe.container == "mp4":
                with self.part.open("ab") as file:
                    file.write(self._provenance.iso_box())
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
        sync_folder(self.path.parent)
        return size

    def _verify(self) -> None:
        """Raise unless the closed file has every frame at its time and sound of the same length."""
        with av.open(str(self.part)) as file:
            video = file.streams.video[0]
            found = sorted(p.pts for p in file.demux(video) if p.pts is not None)
            unit = video.time_base or Fraction(0)
            start = video.start_time or 0
            # A container of milliseconds rounds the frames' times to its own unit; all others hold them exactly.
            times = [start + round(i / self.fps / unit) for i in range(self.frames)] if unit else []
            if found != times:
                raise StudioError(f"{self.path.name} did not come out with all its {self.frames} frames; try again.")
        if self._sound is not None:
            with av.open(str(self.part)) as file:
                audio = file.streams.audio[0]
                unit = audio.time_base or Fraction(0)
                ends = [((p.pts or 0) + (p.duration or 0)) * unit for p in file.demux(audio) if p.pts is not None]
                length = max(ends, default=Fraction(0))
                if abs(length - Fraction(len(self._sound), SOUND_RATE_HZ)) > Fraction(SOUND_FRAME, SOUND_RATE_HZ):
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
