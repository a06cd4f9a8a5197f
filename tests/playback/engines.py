"""Renderers and scenes that the tests control."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from studio.document.performance import Performance
from studio.engine.aids import NO_AIDS, Aids, Legend
from studio.engine.avatar import Avatar
from studio.engine.backdrop import Background
from studio.engine.camera import Camera
from studio.engine.controls import Controls
from studio.engine.renderer import Frame
from studio.engine.scene import Scene
from studio.errors import StudioError


@dataclass
class PlainRenderer:
    """Fills the picture with a colour that tells AU1, AU12 and the size of the request; can be held and broken."""

    avatar: Avatar
    backend: str = "plain"
    gate: threading.Event = field(default_factory=threading.Event)
    drawing: threading.Event = field(default_factory=threading.Event)
    error: Exception | None = None
    drawn: list[tuple[Controls, Camera]] = field(default_factory=list)
    behind: Background = None  # of the newest picture
    aids: Aids = NO_AIDS  # of the newest picture

    def __post_init__(self) -> None:
        self.gate.set()

    def frame(
        self, controls: Controls, camera: Camera, *, background: Background = None, aids: Aids = NO_AIDS
    ) -> Frame:
        self.drawing.set()
        assert self.gate.wait(20)
        if self.error is not None:
            raise self.error
        self.drawn.append((controls, camera))
        self.behind, self.aids = background, aids
        rgba = np.full((camera.height, camera.width, 4), 255, np.uint8)
        rgba[..., 0] = round(controls.au[4, 0] * 50)
        rgba[..., 1] = round(controls.au[4, 9] * 50)
        inspected = aids.inspection
        legend = None if inspected is None else Legend(f"{inspected.kind} {inspected.au}".strip(), (), ())
        return Frame(rgba, 1.0, 2.0, legend)


def failing_load(path: Path | None) -> PlainRenderer:
    raise StudioError(f"{path} is no avatar.")


def scene(**au: float) -> Scene:
    return Scene(None, Performance.held(au))
