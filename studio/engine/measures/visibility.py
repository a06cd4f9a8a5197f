"""How much of the picture each Gaussian of an avatar is responsible for.

What nobody can see has no say in whether a face moves rightly: a head keeps Gaussians inside its lips and under its
skin that no picture has ever corrected. A Gaussian's part in a pixel is the derivative of the pixel's colour with
respect to the Gaussian's own, which the rasterizer's backward pass gives for all of them at once.
"""

from __future__ import annotations

import torch
from torch import Tensor

from studio.document.action_units import AU_INDEX, MAX_INTENSITY
from studio.engine.avatar import Avatar
from studio.engine.controls import WINDOW, Pose
from studio.engine.gaussians import SH_C0
from studio.engine.measures.binding import Mover
from studio.engine.splat.cpu import CpuRasterizer

VIEWS_DEG: tuple[float, ...] = (-60.0, -30.0, 0.0, 30.0, 60.0)
"""Yaw of the head: the views that an avatar is judged from."""

SIZE_PX = 256

OPENERS = ("AU25", "AU26")
"""Held at level E in a second look from each side: teeth and tongue show only then."""


def visible_area(avatar: Avatar) -> Tensor:
    """(N,) pixels of 256² that each Gaussian is responsible for, summed over five views of a closed and an open mouth.

    Args:
        avatar: on the CPU.
    """
    gaussians = avatar.gaussians
    held = torch.zeros(1, WINDOW, len(AU_INDEX))
    held[..., [AU_INDEX[key] for key in OPENERS]] = MAX_INTENSITY
    silence = torch.zeros(1, WINDOW, avatar.deformer.config.n_speech)
    opening = Mover(avatar, torch.arange(len(gaussians))).motion(held, silence)[0]
    opened = gaussians.replace(means=gaussians.means + opening)
    camera, rasterizer = avatar.camera(width=SIZE_PX, height=SIZE_PX), CpuRasterizer()
    area = torch.zeros(len(gaussians))
    for shaped in (gaussians, opened):
        for yaw in VIEWS_DEG:
            with torch.no_grad():
                posed = avatar.rig.apply(shaped, Pose(yaw))
            grey = torch.zeros_like(posed.sh[:, :1]).requires_grad_()
            red = rasterizer.render(posed.replace(sh=grey), camera).rgb[..., 0]
            (slope,) = torch.autograd.grad(red.sum(), grey)
            area += slope[:, 0, 0] / SH_C0
    return area
