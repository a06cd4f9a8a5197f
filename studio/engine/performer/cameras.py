"""Where a capture is filmed from: many views of the face, some of the sides, a few of the back, some close."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from studio.engine.camera import Camera, framing_distance_m, orbit_camera
from studio.engine.performer.head import Head
from studio.errors import StudioError


@dataclass(frozen=True)
class View:
    """A named camera of a capture."""

    name: str
    camera: Camera
    yaw_deg: float
    pitch_deg: float
    share: float  # how often it is used, relative to the others


# Yaw and pitch (degrees), distance and how often; spread evenly enough that any beginning of the list is useful.
_PLAN: tuple[tuple[float, float, float, float], ...] = (
    (0, 0, 1.0, 2.0), (-28, 4, 1.0, 1.5), (28, -3, 1.0, 1.5), (180, 5, 1.0, 0.6), (-62, 2, 1.0, 1.0),
    (62, 0, 1.0, 1.0), (8, -20, 1.02, 1.0), (-10, 20, 1.0, 1.0), (4, -2, 0.62, 1.6), (-90, 0, 1.03, 0.8),
    (90, 3, 1.03, 0.8), (-14, -4, 1.0, 1.5), (14, 6, 0.97, 1.5), (-42, -12, 1.0, 1.0), (42, 14, 1.0, 1.0),
    (-24, 2, 0.64, 1.3), (24, -6, 0.60, 1.3), (-130, 4, 1.0, 0.5), (130, -2, 1.0, 0.5), (-34, 28, 1.0, 0.7),
    (36, -28, 1.0, 0.7), (-76, -16, 1.0, 0.6), (75, 20, 1.0, 0.6), (0, 10, 1.10, 1.2),
)  # fmt: skip


def plan_views(head: Head, count: int, size_px: int, rng: np.random.Generator) -> list[View]:
    """`count` views of a head.

    Args:
        head: framed as the studio frames it (`framing_distance_m`), with slight variation; close views aim at the face.
        count: at least 1; past 24 the plan repeats with other jitter.
        size_px: edge of the square images.
        rng: jitters angles by about 2° and distances by about 2 %.

    Raises:
        StudioError: fewer than one view is asked for.
    """
    if count < 1:
        raise StudioError(f"A capture needs at least one view, not {count}: raise --views.")
    distance = framing_distance_m(head.height)
    views = []
    for i in range(count):
        yaw, pitch, near, share = _PLAN[i % len(_PLAN)]
        if i > 0:
            yaw += float(rng.normal(0, 2.0)) + (9.0 * (i // len(_PLAN)))
            pitch = float(np.clip(pitch + rng.normal(0, 1.5), -32, 32))
            near *= float(np.exp(rng.normal(0, 0.02)))
        target = head.target if near > 0.8 else (0.0, -0.022 * head.scale, 0.0)
        camera = orbit_camera(yaw, pitch, distance * near, target=target, width=size_px, height=size_px)
        views.append(View(f"view_{i:02d}", camera, float((yaw + 180) % 360 - 180), pitch, share))
    return views
