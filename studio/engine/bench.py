"""How fast an avatar is deformed, drawn and exported on this machine.

All medians come from one process in which the whole frame and the static avatar are drawn by turns, so that both see
the same clock speed and neighbours. Latency and start-up involve the window and are measured by the command line.
"""

from __future__ import annotations

import logging
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch

from studio.document.action_units import AU_KEYS
from studio.engine.avatar import Avatar, load_avatar
from studio.engine.camera import Camera
from studio.engine.controls import Controls, Pose, window_times
from studio.engine.export import BACKGROUND, export_clip
from studio.engine.renderer import Renderer
from studio.engine.speech.articulators import ARTICULATORS
from studio.engine.speech.audio import Audio
from studio.engine.splat.choose import available_backends, choose_rasterizer
from studio.engine.splat.compose import compose_rgba8
from studio.errors import StudioError

log = logging.getLogger(__name__)

WARM_UP = 3
"""Frames drawn before measuring: the first compiles, the second fills caches."""

BUDGET_S = 15.0
"""A backend that is too slow for all frames within this time is measured with `LEAST_FRAMES` or what fits."""

LEAST_FRAMES = 5

EXPORT_S = 3.0
"""Length of the exported clip: long enough for the encoder to reach its pace."""

OnProgress = Callable[[str, float], None]
"""What is measured now, and the share of the work that is done."""


class BusyScene:
    """A face in which everything moves, so that no cache helps; needs neither a sound nor a document."""

    def controls(self, time_s: float) -> Controls:
        """Every action unit, articulator and joint on a slow wave of its own."""
        times = window_times(time_s)[:, None]
        au = 2.5 + 2.5 * np.sin(times * np.linspace(1, 4, len(AU_KEYS)) + np.arange(len(AU_KEYS)))
        speech = 0.5 + 0.5 * np.sin(times * np.linspace(8, 20, len(ARTICULATORS)) + np.arange(len(ARTICULATORS)))
        yaw, pitch = 8 * np.sin(time_s), 4 * np.cos(1.3 * time_s)
        return Controls(au.astype(np.float32), speech.astype(np.float32), Pose(float(yaw), float(pitch)))


@dataclass(frozen=True)
class Timing:
    """Figures of one backend at one size; milliseconds are medians."""

    backend: str
    size_px: int
    deform_ms: float
    raster_ms: float  # the static, undeformed avatar drawn alone
    frame_ms: float  # controls to 8-bit pixels
    frame_p95_ms: float
    fps: float


def bench(
    avatar_path: Path,
    *,
    sizes_px: Sequence[int] = (256, 512),
    backends: Sequence[str] | None = None,
    frames: int = 60,
    progress: OnProgress | None = None,
) -> dict[str, Any]:
    """Measure an avatar on this machine.

    Args:
        avatar_path: the avatar's file.
        sizes_px: edges of the squares to draw.
        backends: names of rasterizers; None takes all that work here. One that was named must work.
        frames: per median.
        progress: hears what is going on.

    Returns:
        A JSON object: machine, avatar, gaussians, results (one `Timing` each), export_fps, peak_rss_mb.

    Raises:
        StudioError: if the avatar cannot be loaded, or a named backend does not work.
    """
    avatar = load_avatar(avatar_path)
    names = tuple(backends) if backends is not None else available_backends()
    tell = progress or (lambda text, share: None)
    steps = len(names) * len(sizes_px) + 1
    results: list[Timing] = []
    for b, backend in enumerate(names):
        try:
            renderer = Renderer(avatar, backend=backend)
        except StudioError as error:
            if backends is not None:
                raise
            log.warning("%s is left out: %s", backend, error)
            continue
        for s, size_px in enumerate(sizes_px):
            tell(f"{backend} at {size_px}²", (b * len(sizes_px) + s) / steps)
            results.append(time_frames(renderer, size_px, frames))
    tell("export", (steps - 1) / steps)
    export_fps = _export_fps(avatar, max(sizes_px))
    tell("done", 1.0)
    return {
        "machine": machine(),
        "avatar": avatar.info.name,
        "gaussians": len(avatar.gaussians),
        "results": [
            {key: round(value, 3) if isinstance(value, float) else value for key, value in vars(timing).items()}
            for timing in results
        ],
        "export_fps": round(export_fps, 2),
        "peak_rss_mb": peak_rss_mb(),
    }


@torch.inference_mode()
def time_frames(renderer: Renderer, size_px: int, frames: int) -> Timing:
    """Draw whole frames and the static avatar by turns, and take the medians."""
    avatar, scene = renderer.avatar, BusyScene()
    rasterizer = choose_rasterizer(renderer.backend)
    camera = avatar.camera(width=size_px, height=size_px)
    frame_ms, deform_ms, raster_ms = [], [], []
    started = perf_counter()
    for i in range(WARM_UP + frames):
        began = perf_counter()
        if i >= WARM_UP + LEAST_FRAMES and began - started > BUDGET_S:
            break
        frame = renderer.frame(scene.controls(i / 25), camera, background=BACKGROUND)
        between = perf_counter()
        compose_rgba8(rasterizer.render(avatar.gaussians, camera), BACKGROUND)
        ended = perf_counter()
        if i >= WARM_UP:
            frame_ms.append((between - began) * 1e3)
            deform_ms.append(frame.deform_ms)
            raster_ms.append((ended - between) * 1e3)
    middle = float(np.median(frame_ms))
    return Timing(
        backend=renderer.backend,
        size_px=size_px,
        deform_ms=float(np.median(deform_ms)),
        raster_ms=float(np.median(raster_ms)),
        frame_ms=middle,
        frame_p95_ms=float(np.percentile(frame_ms, 95)),
        fps=1e3 / middle,
    )


def _export_fps(avatar: Avatar, size_px: int) -> float:
    """Frames per second of a whole export with sound, from the first frame to the finished file."""
    time = np.arange(round(EXPORT_S * 16000)) / 16000
    hum = Audio(0.2 * np.sin(2 * np.pi * 120 * time).astype(np.float32)[:, None], 16000)
    renderer = Renderer(avatar)
    camera: Camera = avatar.camera(width=size_px, height=size_px)
    renderer.frame(BusyScene().controls(0.0), camera, background=BACKGROUND)
    even = size_px + size_px % 2
    with tempfile.TemporaryDirectory() as folder:
        report = export_clip(renderer, BusyScene(), hum, Path(folder) / "bench.mp4", size=even, camera=camera)
    return report.frames / report.elapsed_s


def machine() -> str:
    """Processor, cores, graphics card, system and Python in one line."""
    name = platform.processor() or platform.machine()
    facts = Path("/proc/cpuinfo")
    if facts.is_file():
        models = [
            line.split(":", 1)[1].strip() for line in facts.read_text().splitlines() if line.startswith("model name")
        ]
        name = models[0] if models else name
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    parts = [f"{name}, {cores} cores"]
    if torch.cuda.is_available():
        parts.append(torch.cuda.get_device_name(0))
    return ", ".join([*parts, f"{platform.system()} {platform.machine()}", f"Python {platform.python_version()}"])


def peak_rss_mb() -> float | None:
    """The most memory this process has held, in 10⁶ bytes; None where the system does not tell."""
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak * (1 if sys.platform == "darwin" else 1024) / 1e6, 1)
