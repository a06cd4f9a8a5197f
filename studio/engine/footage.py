"""Reads a portrait video: upright RGB pictures at exactly 25 moments a second, one after another.

Any rate, variable too: each moment shows the picture nearest to it. Rotation tags and pixels that are not square are
put right. Files are untrusted: only the local file is opened, and only known containers.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import av.error
import numpy as np
from av.video.reformatter import Interpolation
from numpy.typing import NDArray

from studio.engine.packets import decoded
from studio.engine.speech.audio import CONTAINERS, check_file
from studio.errors import StudioError

RATE = 25
"""Frames per second of every capture."""

MIN_DURATION_S, MAX_DURATION_S = 4.0, 20 * 60.0
"""Shorter clips cannot be learned from; longer ones are cut by --start and --end."""

MIN_EDGE_PX, MAX_EDGE_PX = 96, 8192

_SEEK_S = 4.0
"""How far ahead the first wanted moment must lie for a seek to be worth it."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Footage:
    """A video file that can be read, and the part of it that is wanted."""

    path: Path
    width: int  # pixels, upright and with square pixels
    height: int
    turn: int  # quarter turns counter-clockwise that make the stored picture upright
    fps: float  # average of the file
    start_s: float  # of the wanted part, from the first picture
    duration_s: float  # of the wanted part, as announced
    has_sound: bool
    total_s: float = 0.0  # of the whole file, as announced; 0 where it announces nothing

    @property
    def frames(self) -> int:
        """Moments at `RATE` in the wanted part, as announced; the file may end earlier."""
        return max(1, round(self.duration_s * RATE))

    def scaled(self, edge_px: int) -> tuple[int, int]:
        """Width and height with the shorter edge at most `edge_px`."""
        scale = min(1.0, edge_px / min(self.width, self.height))
        return max(2, round(self.width * scale)), max(2, round(self.height * scale))


@dataclass(frozen=True)
class Picture:
    """What is seen at one moment."""

    index: int  # of the moment, at index / RATE seconds of the wanted part
    time_s: float  # when the picture was taken, in the wanted part's time; within half a frame of the moment
    fresh: bool  # False: the same picture as at the moment before
    rgb: NDArray[np.uint8]  # (h, w, 3)


def open_footage(path: Path | str, *, start_s: float = 0.0, end_s: float | None = None) -> Footage:
    """Looks at a video file.

    Args:
        path: the file.
        start_s: where the wanted part begins.
        end_s: where it ends; None takes all the rest.

    Raises:
        StudioError: missing, damaged, without pictures, too short, too long or too small.
    """
    path = Path(path)
    check_file(path)
    with _opened(path) as container:
        stream = _stream(container, path)
        first = next(decoded(container, stream, av.VideoFrame, path), None)
        if first is None:
            raise StudioError(f"{path} holds no picture that can be decoded; copy or export it again.")
        announced = _announced_s(container, stream)
        turn = (round(float(getattr(first, "rotation", 0) or 0) / 90)) % 4
        aspect = float(stream.sample_aspect_ratio or 1) or 1.0
        width, height = max(1, round(first.width * aspect)), first.height
        fps = float(stream.average_rate or stream.guessed_rate or RATE)
        sound = container.streams.best("audio") is not None
    if turn % 2:
        width, height = height, width
    if not (min(width, height) >= MIN_EDGE_PX and max(width, height) <= MAX_EDGE_PX):
        raise StudioError(
            f"{path} is {width}×{height} pixels, and a portrait needs {MIN_EDGE_PX} to {MAX_EDGE_PX} on each edge; "
            "choose another video."
        )
    if announced and start_s >= announced:
        raise StudioError(f"{path} lasts {announced:.1f} s and cannot be read from {start_s:g} s on; lower --start.")
    end = announced if end_s is None else min(end_s, announced) if announced else end_s
    duration = max(0.0, end - start_s)
    if duration > MAX_DURATION_S + 1:
        raise StudioError(
            f"{path} lasts {duration / 60:.0f} minutes, longer than the {MAX_DURATION_S / 60:.0f} that are read; "
            "choose a part with --start and --end."
        )
    if announced and duration < MIN_DURATION_S:
        raise StudioError(
            f"{path} gives {duration:.1f} s of video, and an avatar needs at least {MIN_DURATION_S:g} s to learn from; "
            "choose a longer clip."
        )
    return Footage(path, width, height, turn, fps, start_s, duration, sound, announced)


def pictures(footage: Footage, size_px: tuple[int, int], *, first: int = 0) -> Iterator[Picture]:
    """Upright pictures at every moment from `first` on, scaled to `size_px` (width, height).

    Raises:
        StudioError: the video is damaged on the way.
    """
    width, height = size_px if footage.turn % 2 == 0 else size_px[::-1]
    wanted, end = first, footage.start_s + footage.duration_s

    def upright(frame: av.VideoFrame) -> NDArray[np.uint8]:
        flat = frame.reformat(width=width, height=height, format="rgb24", interpolation=Interpolation.AREA)
        return np.ascontiguousarray(np.rot90(flat.to_ndarray(), footage.turn))

    def shown(frame: av.VideoFrame, seen_s: float, until: float) -> Iterator[Picture]:
        nonlocal wanted
        rgb = None
        while footage.start_s + wanted / RATE < until - 1e-9:
            fresh = rgb is None
            rgb = upright(frame) if rgb is None else rgb
            yield Picture(wanted, seen_s - footage.start_s, fresh, rgb)
            wanted += 1

    with _opened(footage.path) as container:
        stream = _stream(container, footage.path)
        origin = float((stream.start_time or 0) * (stream.time_base or 0))
        begin = footage.start_s + first / RATE
        if begin > _SEEK_S and stream.time_base:
            container.seek(int((origin + begin - 2.0) / stream.time_base), stream=stream, backward=True)
        held: av.VideoFrame | None = None
        held_s = 0.0
        for frame in decoded(container, stream, av.VideoFrame, footage.path):
            seen_s = (
                float(frame.pts * frame.time_base) - origin if frame.pts is not None and frame.time_base else held_s
            )
            if held is None:
                held, held_s = frame, seen_s
                continue
            yield from shown(held, held_s, min((held_s + seen_s) / 2, end))
            held, held_s = frame, max(seen_s, held_s)
            if held_s >= end:
                break
        if held is not None:
            yield from shown(held, held_s, min(held_s + 0.5 / max(footage.fps, 1.0), end))


def glances(footage: Footage, times_s: Sequence[float], height_px: int, *, exact: bool) -> Iterator[NDArray[np.uint8]]:
    """Small upright pictures (h, w, 3) of moments of the file, one after the other, without reading what lies between.

    Args:
        footage: the video.
        times_s: seconds from the file's first picture, in any order.
        height_px: of the pictures.
        exact: the picture of that moment; else the one before it that is quickest to get.

    Raises:
        StudioError: the video is damaged.
    """
    width_px = max(2, round(height_px * footage.width / footage.height))
    width, height = (width_px, height_px) if footage.turn % 2 == 0 else (height_px, width_px)
    with _opened(footage.path) as container:
        stream = _stream(container, footage.path)
        if not exact:
            stream.codec_context.skip_frame = "NONKEY"
        origin = float((stream.start_time or 0) * (stream.time_base or 0))
        for time_s in times_s:
            if stream.time_base:
                container.seek(int((origin + time_s) / stream.time_base), stream=stream, backward=True)
            best: av.VideoFrame | None = None
            for frame in decoded(container, stream, av.VideoFrame, footage.path):
                if best is not None and frame.time is not None and frame.time - origin > time_s + 1e-3:
                    break
                best = frame
                if not exact:
                    break
            if best is None:
                continue
            flat = best.reformat(width=width, height=height, format="rgb24", interpolation=Interpolation.AREA)
            yield np.ascontiguousarray(np.rot90(flat.to_ndarray(), footage.turn))


def _opened(path: Path) -> av.container.InputContainer:
    options = {"protocol_whitelist": "file", "format_whitelist": CONTAINERS}
    try:
        return av.open(f"file:{path.resolve()}", options=options, metadata_errors="replace")
    except (av.error.FFmpegError, ValueError, OverflowError) as error:
        log.info("cannot read %s: %s", path, error)
        raise StudioError(
            f"{path} is damaged or not a video file; choose an mp4, mov, mkv, webm or avi file."
        ) from error


def _stream(container: av.container.InputContainer, path: Path) -> av.VideoStream:
    for stream in container.streams.video:
        if not stream.disposition & av.stream.Disposition.attached_pic:
            stream.thread_type = "AUTO"
            return stream
    raise StudioError(f"{path} has no moving picture; choose a video file.")


def _announced_s(container: av.container.InputContainer, stream: av.VideoStream) -> float:
    """Length that the file announces, 0 where it announces none."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return float((container.duration or 0) / av.time_base)
