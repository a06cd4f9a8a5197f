"""Whole frames, and the static avatar beside them, drawn by turns in one process.

The static picture is the undeformed avatar alone, seen by a camera that turns by a hair from one picture to the next:
nothing can be kept from the picture before, as nothing moves but the viewer. It is what any renderer of Gaussians has
to do, so that the ratio of a whole frame to it holds on slow and on busy machines.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch

from studio.document.action_units import AU_KEYS
from studio.engine.avatar import Avatar, load_avatar
from studio.engine.bench.figures import Figure, Findings, frame_figures, rounded
from studio.engine.bench.machine import Yardstick
from studio.engine.camera import Camera
from studio.engine.controls import Controls, Pose, window_times
from studio.engine.export import BACKGROUND
from studio.engine.renderer import Renderer
from studio.engine.speech.articulators import ARTICULATORS
from studio.engine.splat.base import Rasterizer
from studio.engine.splat.choose import available_backends, choose_rasterizer
from studio.engine.splat.compose import compose_rgba8
from studio.errors import StudioError

log = logging.getLogger(__name__)

WARM_UP = 3
"""Frames drawn before measuring: the first compiles, the second fills caches, the third shows the pace."""

BUDGET_S = 8.0
"""What one backend may take at one size; a slower one is measured with fewer frames."""

RUNS = 5
HAIR_DEG = 0.02
"""By which the camera of the static picture turns: a twentieth of a pixel of a head framed at 512."""

PHASE_S = 61.0
"""Between the moments at which laps begin: two that share a renderer never draw the same moment one after the other, or
the second would find the face deformed already."""

_PHASES = itertools.count()

SOFTWARE_PX = 512
"""Largest picture of an OpenGL that a program imitates: nobody waits for more."""

OnProgress = Callable[[str, float], None]
"""What is measured now, and the share of the work that is done."""


class BusyScene:
    """A face in which everything moves, so that no cache helps; needs neither a sound nor a document.

    Args:
        units: how many action units act; None for all.
        speaks: whether the mouth speaks and the head turns as well.
    """

    def __init__(self, units: int | None = None, *, speaks: bool = True) -> None:
        self._units, self._speaks = len(AU_KEYS) if units is None else units, speaks

    def controls(self, time_s: float) -> Controls:
        """Every action unit, articulator and joint on a slow wave of its own."""
        times = window_times(time_s)[:, None]
        au = 2.5 + 2.5 * np.sin(times * np.linspace(1, 4, len(AU_KEYS)) + np.arange(len(AU_KEYS)))
        au[:, self._units :] = 0.0
        speech = 0.5 + 0.5 * np.sin(times * np.linspace(8, 20, len(ARTICULATORS)) + np.arange(len(ARTICULATORS)))
        yaw, pitch = 8 * np.sin(time_s), 4 * np.cos(1.3 * time_s)
        pose = Pose(float(yaw), float(pitch)) if self._speaks else Pose()
        return Controls(au.astype(np.float32), speech.astype(np.float32) * self._speaks, pose)


@dataclass
class Setting:
    """What is measured, and how long."""

    avatar_path: Path
    sizes_px: tuple[int, ...] = (256, 512)
    backends: tuple[str, ...] | None = None  # None: all that work here; a named one must work
    runs: int = RUNS
    frames: int = 60  # of a median, over all runs
    imitated: bool = False  # whether an OpenGL that a program imitates is measured unasked
    capture: Path | None = None  # trained on; None makes a small one
    tell: OnProgress = lambda text, share: None
    yardstick: Yardstick = field(default_factory=Yardstick)

    @cached_property
    def avatar(self) -> Avatar:
        """The avatar. Raises StudioError if it cannot be loaded."""
        return load_avatar(self.avatar_path)

    @property
    def backend(self) -> str:
        """The one backend of parts that try only one: the first named, or the fastest."""
        return self.backends[0] if self.backends else "auto"

    @property
    def frames_per_run(self) -> int:
        """Frames of each run."""
        return max(1, self.frames // self.runs)


@dataclass
class Lap:
    """One avatar at one size with one backend, and what its frames took so far."""

    renderer: Renderer
    size_px: int
    scene: BusyScene = field(default_factory=BusyScene)
    whole_ms: list[list[float]] = field(default_factory=list)  # per run
    deform_ms: list[list[float]] = field(default_factory=list)
    static_ms: list[list[float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._static: Rasterizer = choose_rasterizer(self.renderer.backend)
        self._camera = self.renderer.avatar.camera(width=self.size_px, height=self.size_px)
        self._drawn = 0
        self._from_s = next(_PHASES) * PHASE_S

    @torch.inference_mode()
    def draw(self) -> tuple[float, float, float]:
        """One whole frame, and the static avatar: whole, deformation, static; milliseconds."""
        self._drawn += 1
        avatar = self.renderer.avatar
        camera = self._turned()
        controls = self.scene.controls(self._from_s + self._drawn / 25)
        began = perf_counter()
        frame = self.renderer.frame(controls, self._camera, background=BACKGROUND)
        between = perf_counter()
        compose_rgba8(self._static.render(avatar.gaussians, camera), BACKGROUND)
        return (between - began) * 1e3, frame.deform_ms, (perf_counter() - between) * 1e3

    def warm_up(self, runs: int, frames: int, budget_s: float) -> None:
        """Draw until everything is compiled, and find out how many frames of a run fit into the budget."""
        for _ in range(WARM_UP):
            whole, _, static = self.draw()
        self.frames = max(1, min(frames, int(budget_s * 1e3 / (runs * (whole + static)))))

    def run(self) -> None:
        """One run."""
        drawn = [self.draw() for _ in range(self.frames)]
        for kept, values in zip((self.whole_ms, self.deform_ms, self.static_ms), zip(*drawn, strict=True), strict=True):
            kept.append(list(values))

    def row(self) -> dict[str, Any]:
        """A row of `results`."""
        whole, deform, static = (np.concatenate(part) for part in (self.whole_ms, self.deform_ms, self.static_ms))
        return {
            "backend": self.renderer.backend,
            "size_px": self.size_px,
            "deform_ms": rounded(float(np.median(deform))),
            "raster_ms": rounded(float(np.median(static))),
            "frame_ms": rounded(float(np.median(whole))),
            "frame_p95_ms": rounded(float(np.percentile(whole, 95))),
            "deform_p95_ms": rounded(float(np.percentile(deform, 95))),
            "raster_p95_ms": rounded(float(np.percentile(static, 95))),
            "fps": rounded(1e3 / float(np.median(whole))),
            "ratio": rounded(float(np.median(whole / static))),
            "frames": len(whole),
        }

    def per_run(self) -> dict[str, list[float]]:
        """Runs of the row's figures."""
        pairs = list(zip(self.whole_ms, self.static_ms, strict=True))
        return {
            "deform_ms": [float(np.median(run)) for run in self.deform_ms],
            "raster_ms": [float(np.median(run)) for run in self.static_ms],
            "frame_ms": [float(np.median(run)) for run in self.whole_ms],
            "frame_p95_ms": [float(np.percentile(run, 95)) for run in self.whole_ms],
            "fps": [1e3 / float(np.median(run)) for run in self.whole_ms],
            "ratio": [float(np.median(np.divide(whole, static))) for whole, static in pairs],
        }

    def _turned(self) -> Camera:
        """The camera of the next static picture."""
        turn = HAIR_DEG * (1 if self._drawn % 2 else -1)
        return self.renderer.avatar.camera(yaw_deg=turn, width=self.size_px, height=self.size_px)


def measure_laps(laps: Sequence[Lap], setting: Setting, text: str, budget_s: float = BUDGET_S) -> None:
    """All laps by turns, run after run, with the yardstick between; each may take `budget_s`."""
    for lap in laps:
        lap.warm_up(setting.runs, setting.frames_per_run, budget_s)
    for run in range(setting.runs):
        setting.tell(text, run / setting.runs)
        for lap in laps:
            setting.yardstick.measure()
            lap.run()


def measure_frames(setting: Setting) -> Findings:
    """Every backend at every size.

    Raises:
        StudioError: if the avatar cannot be loaded, or a named backend does not work.
    """
    laps = []
    for renderer, largest in renderers(setting):
        laps += [Lap(renderer, size) for size in setting.sizes_px if size <= largest]
    measure_laps(laps, setting, "whole frames")
    rows = [lap.row() for lap in laps]
    figures: list[Figure] = []
    for lap, row in zip(laps, rows, strict=True):
        figures += frame_figures(row, lap.per_run())
    return Findings({"results": rows}, figures)


def renderers(setting: Setting) -> list[tuple[Renderer, int]]:
    """A renderer per backend, and the largest picture that is worth waiting for.

    Raises:
        StudioError: if a named backend does not work.
    """
    made = []
    for name in setting.backends if setting.backends is not None else available_backends():
        try:
            renderer = Renderer(setting.avatar, backend=name)
        except StudioError as error:
            if setting.backends is not None:
                raise
            log.warning("%s is left out: %s", name, error)
            continue
        slow = setting.backends is None and _imitated(name)
        if not slow or setting.imitated:
            made.append((renderer, SOFTWARE_PX if slow else 1 << 16))
    return made


def _imitated(name: str) -> bool:
    """Whether a backend draws on a processor what a card should draw."""
    if name != "opengl":
        return False
    from studio.engine.splat.opengl import OpenGlRasterizer

    return not OpenGlRasterizer().is_hardware
