"""From a scene to a video file: the same frames that the viewport shows, at every moment of the clip.

Frames are drawn in the calling thread and encoded in one of their own, with a short queue between them, so that
neither waits for the other without need. A cancelled or failed export leaves no file behind.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from studio.engine.backdrop import Background
from studio.engine.camera import Camera
from studio.engine.video import SOUND_RATE_HZ, VideoWriter, check_size, check_target, exact_rate
from studio.errors import StudioError

if TYPE_CHECKING:
    from studio.engine.controls import Controls
    from studio.engine.renderer import Renderer
    from studio.engine.speech.audio import Audio

BACKGROUND = (0.36, 0.37, 0.38)
"""A neutral studio grey, display sRGB; near the grey that avatars are trained over, so fine hair shows no fringe."""

QUEUE_FRAMES = 5
"""Drawn frames that may wait for the encoder: evens out slow frames, and at 1080p is still only 30 MB."""

_RESAMPLING_MARGIN_S = 0.05
"""Sound taken beside a cut before resampling, longer than the filter's reach, so that a cut changes no sample."""

_SAME_MOMENT = 1e-6
"""Of a frame: start and end typed as decimals still mean the frame they name."""


class Moments(Protocol):
    """What says how the face is at a moment; `studio.engine.scene.Scene` is one."""

    def controls(self, time_s: float) -> Controls:
        """Everything that drives the frame at `time_s`."""


class ExportCancelledError(StudioError):
    """The user stopped the export; no file was written."""


@dataclass(frozen=True)
class ExportProgress:
    """How far an export has come."""

    frames: int  # drawn and handed to the encoder
    total: int
    seconds_left: float | None  # None before the first frames have shown the pace


@dataclass(frozen=True)
class ExportReport:
    """What an export made."""

    path: Path
    frames: int
    duration_s: float
    fps: float
    width: int
    height: int
    size_bytes: int
    encoder: str  # FFmpeg's name
    backend: str  # rasterizer
    elapsed_s: float


def export_video(
    renderer: Renderer,
    scene: Moments,
    audio: Audio | None,
    path: Path | str,
    *,
    fps: float | Fraction = 25,
    size: int | tuple[int, int] = 512,
    start_s: float = 0.0,
    end_s: float | None = None,
    camera: Camera | Callable[[float], Camera] | None = None,
    background: Background = None,
    progress: Callable[[ExportProgress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> ExportReport:
    """Write the scene as a video: frame i shows the moment i/fps, for all i/fps in [start_s, end_s).

    Args:
        renderer: draws; it must belong to the calling thread.
        scene: what happens when.
        audio: the sound that is heard; shorter ones are followed by silence. None makes a silent video.
        path: ends in .mp4, .m4v or .mov; replaced only when the new video is complete.
        fps: 29.97 and its like mean the exact NTSC rates.
        size: pixels, one edge of a square or (width, height); even.
        start_s: seconds.
        end_s: seconds; None is the end of the sound.
        camera: any size, it is brought to `size`; a function gives it for each moment; None frames the face.
        background: display sRGB in [0, 1], or an image; None is a neutral grey.
        progress: called in this thread after every frame.
        cancelled: asked in this thread before every frame.

    Raises:
        StudioError: if it cannot be written as asked; nothing is left behind.
        ExportCancelledError: when `cancelled` said so.
    """
    path = Path(path)
    began = perf_counter()
    width, height = (size, size) if isinstance(size, int) else size
    rate = exact_rate(fps)
    check_target(path)
    check_size(width, height)
    if end_s is None:
        if audio is None:
            raise StudioError("Without a sound the video's length is unknown; give it an end.")
        end_s = audio.duration_s
    span = frame_span(start_s, end_s, rate)
    view = _views(renderer, camera, width, height)
    colour = BACKGROUND if background is None else background
    sound = None if audio is None else sound_between(audio, span.start / rate, len(span) / rate)

    writer = VideoWriter(path, width=width, height=height, fps=rate, frames=len(span), sound=sound)
    encoding = ThreadPoolExecutor(1, thread_name_prefix="encoder")
    waiting: deque[Future[None]] = deque()
    with writer:
        try:
            drawing = perf_counter()
            for done, i in enumerate(span):
                if cancelled is not None and cancelled():
                    raise ExportCancelledError(f"The export was cancelled; {path.name} was not written.")
                time_s = float(i / rate)
                frame = renderer.frame(scene.controls(time_s), view(time_s), background=colour)
                waiting.append(encoding.submit(writer.write, frame.rgba[..., :3]))
                if len(waiting) > QUEUE_FRAMES:
                    waiting.popleft().result()
                if progress is not None:
                    left = None
                    if done >= 2:  # the first frame compiles and caches
                        left = (perf_counter() - drawing) / done * (len(span) - done - 1)
                    elif done == 0:
                        drawing = perf_counter()
                    progress(ExportProgress(done + 1, len(span), left))
            while waiting:
                waiting.popleft().result()
        finally:
            encoding.shutdown(wait=True, cancel_futures=True)
        size_bytes = writer.finish()
    return ExportReport(
        path=path,
        frames=len(span),
        duration_s=float(len(span) / rate),
        fps=float(rate),
        width=width,
        height=height,
        size_bytes=size_bytes,
        encoder=writer.encoder,
        backend=renderer.backend,
        elapsed_s=perf_counter() - began,
    )


def frame_span(start_s: float, end_s: float, fps: Fraction) -> range:
    """Indices i of the frames with i/fps in [start_s, end_s).

    Raises:
        StudioError: if there is none, or a bound is not a time.
    """
    if not (math.isfinite(start_s) and math.isfinite(end_s)) or start_s < 0:
        raise StudioError(f"The range {start_s:g} to {end_s:g} s cannot be exported; begin at 0 s or later.")
    first, past = (math.ceil(Fraction(time_s) * fps - Fraction(_SAME_MOMENT)) for time_s in (start_s, end_s))
    if past <= first:
        raise StudioError(f"The range {start_s:g} to {end_s:g} s holds no frame; let it end after its start.")
    return range(first, past)


def sound_between(audio: Audio, start_s: Fraction, duration_s: Fraction) -> NDArray[np.float32]:
    """(round(duration · 48000), channels) samples of `audio` from `start_s` on, silence past its end."""
    from studio.engine.speech.audio import resample

    samples = round(duration_s * SOUND_RATE_HZ)
    source, rate_hz = audio.samples, audio.rate_hz
    # Both rates have a sample at multiples of this period, so a cut there keeps the resampled grid.
    period = Fraction(1, math.gcd(rate_hz, SOUND_RATE_HZ))
    cut_s = max(0, math.floor((start_s - Fraction(_RESAMPLING_MARGIN_S)) / period)) * period
    until_s = start_s + duration_s + Fraction(_RESAMPLING_MARGIN_S)
    piece = source[int(cut_s * rate_hz) : math.ceil(until_s * rate_hz)]
    piece = resample(piece, rate_hz, SOUND_RATE_HZ)
    first = round((start_s - cut_s) * SOUND_RATE_HZ)
    sound = np.zeros((samples, piece.shape[1]), np.float32)
    piece = piece[first : first + samples]
    sound[: len(piece)] = np.clip(piece, -1.0, 1.0)
    return sound


def _views(
    renderer: Renderer, camera: Camera | Callable[[float], Camera] | None, width: int, height: int
) -> Callable[[float], Camera]:
    """The camera of each moment, at the video's size."""
    if callable(camera):
        moving = camera
        return lambda time_s: moving(time_s).resized(width, height)
    fixed = renderer.avatar.camera(width=width, height=height) if camera is None else camera.resized(width, height)
    return lambda time_s: fixed
