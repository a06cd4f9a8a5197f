"""Keeps a portrait's head opaque from sides that its clip never shows.

What the camera sees edge-on, pictures may thin out at no cost to themselves; from the side it would be a hole. The
outline that the head had before training is remembered from a few cameras around it, and what is inside it has to stay
covered.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from studio.engine.camera import Camera, framing_distance_m, orbit_camera
from studio.engine.gaussians import Gaussians
from studio.engine.splat.base import Raster

YAWS_DEG = (-40.0, -27.0, -14.0, 14.0, 27.0, 40.0)
PITCHES_DEG = (-6.0, 6.0)
SIZE_PX = 160

_DISTANCE = 1.25
"""Of the usual distance, so that the neck is seen."""


class _Draws(Protocol):
    def render(self, gaussians: Gaussians, camera: Camera) -> Raster: ...


@dataclass(frozen=True)
class Outline:
    """One camera beside the head, and what it must see covered."""

    camera: Camera
    inside: Tensor  # (H, W) 1 where something solid is


def outlines(gaussians: Gaussians, draws: _Draws, height_m: float, target: tuple[float, float, float]) -> list[Outline]:
    """The head's outlines from its sides.

    Args:
        gaussians: before training, canonical.
        draws: the rasterizer.
        height_m: of the head.
        target: metres, its middle.
    """
    found = []
    distance = _DISTANCE * framing_distance_m(height_m)
    for i, yaw in enumerate(YAWS_DEG):
        camera = orbit_camera(yaw, PITCHES_DEG[i % 2], distance, target=target, width=SIZE_PX, height=SIZE_PX)
        with torch.no_grad():
            alpha = draws.render(gaussians, camera).alpha.cpu().numpy()
        solid = ndimage.binary_closing(np.pad(alpha > 0.5, 8, mode="edge"), iterations=3)[8:-8, 8:-8]
        inside = ndimage.binary_erosion(ndimage.binary_fill_holes(solid), iterations=2, border_value=1)
        found.append(Outline(camera, torch.from_numpy(inside.astype(np.float32))))
    return found


def hole_loss(gaussians: Gaussians, outline: Outline, draws: _Draws) -> Tensor:
    """Mean transparency inside an outline."""
    inside = outline.inside.to(gaussians.means.device)
    clear = (1.0 - draws.render(gaussians, outline.camera).alpha) * inside
    loss: Tensor = clear.sum() / inside.sum().clamp_min(1.0)
    return loss
