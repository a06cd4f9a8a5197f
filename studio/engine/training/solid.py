"""Keeps a portrait's head whole from sides that its clip never shows.

What the camera sees edge-on, pictures may thin out or discolour at no cost to themselves; from the side it would be a
hole or a speck. How the head looked before training is remembered from a few cameras around it: what is inside its
outline has to stay covered, what is outside it has to stay free, and what the clip's camera never faces has to keep its
colour.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor
from torch.nn import functional

from studio.engine.camera import Camera, framing_distance_m, orbit_camera
from studio.engine.gaussians import SH_C0, Gaussians
from studio.engine.splat.base import Raster

VIEWS_DEG = ((-40.0, -6.0), (-27.0, 6.0), (-14.0, 0.0), (14.0, -6.0), (27.0, 6.0), (40.0, 0.0), (0.0, 20.0))
"""Yaw and pitch; the last one sees the crown."""

SIZE_PX = 160

FACED = 0.55
"""A surface whose normal has this share towards the front is told by the clip; less, and it is partly unknown."""

COLOUR = 3.0
"""Weight of colours beside holes."""

SPILL = 2.0
"""Weight of what stands out beyond the outline beside holes: plates and floaters hide behind the head in the clip."""

BLOT, BLOT_PX = 1.0, 9
"""Weight of what is discoloured over so many pixels, wherever it is: thinned skin lets the dark behind it through."""

_TRACE, _MARGIN_PX = 0.02, 3

_DISTANCE = 1.25
"""Of the usual distance, so that the neck is seen."""


class Draws(Protocol):
    """What draws Gaussians."""

    def render(self, gaussians: Gaussians, camera: Camera) -> Raster:
        """The picture of one camera."""
        ...


@dataclass(frozen=True)
class Outline:
    """One camera beside the head, and what it must see covered."""

    camera: Camera
    inside: Tensor  # (H, W) 1 where something solid is
    look: Tensor  # (H, W, 3) display sRGB, premultiplied: what was seen from here before training
    unknown: Tensor  # (H, W) 1 where that is all that is known, 0 where the clip's camera faces the surface
    outside: Tensor  # (H, W) 1 where nothing was, nor near it


def outlines(
    gaussians: Gaussians, normals: Tensor, draws: Draws, height_m: float, target: tuple[float, float, float]
) -> list[Outline]:
    """The head as it is seen from its sides.

    Args:
        gaussians: before training, canonical.
        normals: (N, 3) unit, of the surface they lie on.
        draws: the rasterizer.
        height_m: of the head.
        target: metres, its middle.
    """
    found = []
    aside = (1.0 - normals[:, 2] / FACED).clamp(0.0, 1.0)
    marked = gaussians.replace(sh=((aside - 0.5) / SH_C0)[:, None, None].expand(-1, 1, 3).contiguous())
    distance = _DISTANCE * framing_distance_m(height_m)
    for yaw, pitch in VIEWS_DEG:
        camera = orbit_camera(yaw, pitch, distance, target=target, width=SIZE_PX, height=SIZE_PX)
        with torch.no_grad():
            drawn = draws.render(gaussians, camera)
            unknown = draws.render(marked, camera).rgb[..., 0].clamp(0.0, 1.0)
            alpha = drawn.alpha.cpu().numpy()
        solid = ndimage.binary_closing(np.pad(alpha > 0.5, 8, mode="edge"), iterations=3)[8:-8, 8:-8]
        inside = ndimage.binary_erosion(ndimage.binary_fill_holes(solid), iterations=2, border_value=1)
        outside = ~ndimage.binary_dilation(alpha > _TRACE, iterations=_MARGIN_PX)
        masks = (torch.from_numpy(mask.astype(np.float32)) for mask in (inside, outside))
        found.append(Outline(camera, next(masks), drawn.rgb.detach(), unknown.detach(), next(masks)))
    return found


def hole_loss(gaussians: Gaussians, outline: Outline, draws: Draws) -> Tensor:
    """Mean transparency inside an outline, cover outside it, and change of colour where the clip tells nothing.

    Areas larger than details keep their colour everywhere.
    """
    inside, outside = (mask.to(gaussians.means.device) for mask in (outline.inside, outline.outside))
    drawn = draws.render(gaussians, outline.camera)
    clear = (1.0 - drawn.alpha) * inside
    changed = (drawn.rgb - outline.look).abs().mean(2) * outline.unknown
    spilt = drawn.alpha * outside
    blots = functional.avg_pool2d((drawn.rgb - outline.look).permute(2, 0, 1)[None], BLOT_PX, 1, BLOT_PX // 2)[0]
    blotted = blots.abs().mean(0) * inside
    terms = clear.sum() + SPILL * spilt.sum() + COLOUR * changed.sum() + BLOT * blotted.sum()
    loss: Tensor = terms / inside.sum().clamp_min(1.0)
    return loss
