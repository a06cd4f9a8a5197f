"""From a scene to files: the same frames that the viewport shows, at every moment of the clip.

Frames are drawn in the calling thread and encoded in one of their own, with a short queue between them, so that
neither waits for the other without need. A cancelled or failed export leaves no file behind.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from studio.engine.backdrop import Backdrop, Background
from studio.engine.camera import Camera
from studio.engine.formats import BY_ID, Format, check_format, video_format
from studio.engine.provenance import Provenance
from studio.engine.sinks import FilesSink, Sink
from studio.engine.video import SOUND_RATE_HZ, VideoWriter, exact_rate
from studio.errors import StudioError

if TYPE_CHECKING:
    from studio.engine.controls import Controls
    from studio.engine.renderer import Renderer
    from studio.engine.speech.audio import Audio

BACKGROUND = (0.36, 0.37, 0.38)
"""A neutral studio grey, display sRGB; near the grey that avatars are trained over, so fine hair shows no fringe."""

QUEUE_FRAMES = 5
"""Drawn frames that may wait for the encoder: evens out slow frames, and at 1080p is still only 30 MB."""

PNG_BYTES_PER_PIXEL_AT_LEAST = 0.05
"""Free space asked for before the start; a transparent picture with a small head needs twice this."""

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
    encoder: str  # FFmpeg's name, or the files' kind
    backend: str  # rasterizer
    elapsed_s: float
    format: str = "mp4"  # id in `formats.FORMATS`
    alpha: bool = False


def export_clip(
    renderer: Renderer,
    scene: Moments,
    audio: Audio | None,
    path: Path | str,
    *,
    form: Format | str | None = None,
    fps: float | Fraction = 25,
    size: int | tuple[int, int] = 512,
    start_s: float = 0.0,
    end_s: float | None = None,
    camera: Camera | Callable[[float], Camera] | None = None,
    background: Background = None,
    alpha: bool = False,
    title: str | None = None,
    progress: Callable[[ExportProgress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> ExportReport:
    """Write the scene: frame i shows the moment i/fps, for all i/fps in [start_s, end_s).

    Args:
        renderer: draws; it must belong to the calling thread.
        scene: what happens when.
        audio: the sound that is heard; shorter ones are followed by silence. None makes a silent video.
        path: a file with the format's ending, or a folder; replaced only when the new one is complete.
        form: a format or its id in `formats.FORMATS`; None takes the video format of the path's ending.
        fps: 29.97 and its like mean the exact NTSC rates.
        size: pixels, one edge of a square or (width, height); even for videos.
        start_s: seconds; the moment that a format of one frame shows.
        end_s: seconds; None is the end of the sound.
        camera: any size, it is brought to `size`; a function gives it for each moment; None frames the face.
        background: display sRGB in [0, 1], or an image; None is a neutral grey.
        alpha: leaves the background transparent, with straight alpha.
        title: what the files call themselves; None takes the target's name.
        progress: called in this thread after every frame.
        cancelled: asked in this thread before every frame.

    Raises:
        StudioError: if it cannot be written as asked; nothing is left behind.
        ExportCancelledError: when `cancelled` said so.
    """
    path = Path(path)
    began = perf_counter()
    form = video_format(path) if form is None else BY_ID[form] if isinstance(form, str) else form
    width, height = (size, size) if isinstance(size, int) else size
    rate = exact_rate(fps)
    check_format(form, path, (width, height), alpha=alpha)
    times = _times(form, audio, start_s, end_s, rate)
    view = _views(renderer, camera, width, height)
    behind = None if alpha else BACKGROUND if background is None else background

    pictures = _pictures(renderer, scene, view, behind, times)

    def draw(time_s: float) -> Any:
        if form.content == "splats":
            return renderer.deformed(scene.controls(time_s))
        rgba = next(pictures)
        return rgba[..., :3] if form.content == "video" and not alpha else rgba

    sound = None
    if form.content == "video" and audio is not None:
        sound = sound_between(audio, times[0], len(times) / rate)
    composed = isinstance(behind, Backdrop) and form.content != "splats"
    provenance = Provenance(path.stem if title is None else title, composed)
    with _sink(form, path, renderer, (width, height), rate, len(times), sound, alpha, provenance) as sink:
        _run(draw, times, sink, path.name, progress, cancelled)
        size_bytes = sink.finish()
    return ExportReport(
        path=path,
        frames=len(times),
        duration_s=0.0 if form.single else float(len(times) / rate),
        fps=float(rate),
        width=width,
        height=height,
        size_bytes=size_bytes,
        encoder=sink.encoder,
        backend=renderer.backend,
        elapsed_s=perf_counter() - began,
        format=form.id,
        alpha=alpha,
    )


def _pictures(
    renderer: Renderer,
    scene: Moments,
    view: Callable[[float], Camera],
    background: Background,
    times: Sequence[Fraction],
) -> Iterator[NDArray[np.uint8]]:
    """The picture of each moment in turn, drawn ahead by as many as the renderer draws together."""
    from studio.engine.renderer import Renderer

    batch = renderer.batch if isinstance(renderer, Renderer) else 1
    for low in range(0, len(times), batch):
        moments = [float(time_s) for time_s in times[low : low + batch]]
        if batch == 1:
            yield renderer.frame(scene.controls(moments[0]), view(moments[0]), background=background).rgba
        else:
            controls, cameras = [scene.controls(t) for t in moments], [view(t) for t in moments]
            yield from renderer.frames(controls, cameras, background=background)


def _times(
    form: Format, audio: Audio | None, start_s: float, end_s: float | None, rate: Fraction
) -> tuple[Fraction, ...]:
    """The moments of all frames, seconds."""
    if form.single:
        if not math.isfinite(start_s) or start_s < 0:
            raise StudioError(f"There is no frame at {start_s:g} s; choose a moment from 0 s on.")
        return (Fraction(start_s),)
    if end_s is None:
        if audio is None:
            raise StudioError("Without a sound the video's length is unknown; give it an end.")
        end_s = audio.duration_s
    return tuple(i / rate for i in frame_span(start_s, end_s, rate))


def _sink(
    form: Format,
    path: Path,
    renderer: Renderer,
    size: tuple[int, int],
    rate: Fraction,
    frames: int,
    sound: NDArray[np.float32] | None,
    alpha: bool,
    provenance: Provenance,
) -> Sink:
    width, height = size
    if form.content == "video":
        return VideoWriter(
            path, width=width, height=height, fps=rate, frames=frames, sound=sound, alpha=alpha, provenance=provenance
        )
    if form.content == "pictures":
        from studio.engine.pictures import png_bytes

        need = int(frames * width * height * PNG_BYTES_PER_PIXEL_AT_LEAST)
        return FilesSink(form, path, frames, lambda rgba: png_bytes(rgba, provenance), need)
    from studio.engine.splat_files import ply_bytes, splat_properties

    gaussians = renderer.avatar.gaussians
    need = frames * len(gaussians) * 4 * len(splat_properties(int(gaussians.sh.shape[1])))
    return FilesSink(form, path, frames, lambda moved: ply_bytes(moved, provenance), need)


def _run(
    draw: Callable[[float], Any],
    times: Sequence[Fraction],
    sink: Sink,
    name: str,
    progress: Callable[[ExportProgress], None] | None,
    cancelled: Callable[[], bool] | None,
) -> None:
    """Draw here, encode in a thread of its own, with a short queue between."""
    encoding = ThreadPoolExecutor(1, thread_name_prefix="encoder")
    waiting: deque[Future[None]] = deque()
    total = len(times)
    try:
        drawing = perf_counter()
        for done, time_s in enumerate(times):
            if cancelled is not None and cancelled():
                raise ExportCancelledError(f"The export was cancelled; {name} was not written.")
            waiting.append(encoding.submit(sink.write, draw(float(time_s))))
            if len(waiting) > QUEUE_FRAMES:
                waiting.popleft().result()
            if progress is not None:
                left = None
                if done >= 2:  # the first frame compiles and caches
                    left = (perf_counter() - drawing) / done * (total - done - 1)
                elif done == 0:
                    drawing = perf_counter()
                progress(ExportProgress(done + 1, total, left))
        while waiting:
            waiting.popleft().result()
    finally:
        encoding.shutdown(wait=True, cancel_futures=True)


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
