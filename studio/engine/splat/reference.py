"""The oracle: a rasterizer that is slow, dense and obvious, in float64, differentiated by autograd.

Every other rasterizer is tested against this one, pictures and gradients. It evaluates every Gaussian at every pixel,
so it is meant for thousands of Gaussians on small pictures.
"""

from __future__ import annotations

import torch
from torch import Tensor

from studio.engine.camera import Camera
from studio.engine.gaussians import Gaussians
from studio.engine.splat.base import ALPHA_MAX, ALPHA_MIN, NEAR_M, Raster
from studio.engine.splat.harmonics import sh_colours
from studio.engine.splat.projection import project


class ReferenceRasterizer:
    """Draws Gaussians exactly as `base` defines, one after the other, front to back."""

    name = "reference"

    def render(self, gaussians: Gaussians, camera: Camera, *, depth: bool = False) -> Raster:
        """Draw `gaussians` as `camera` sees them, in float64; differentiable in all five tensors."""
        wide = Gaussians(
            gaussians.means.double(),
            gaussians.quats.double(),
            gaussians.log_scales.double(),
            gaussians.opacity_logits.double(),
            gaussians.sh.double(),
        )
        wide = wide.select(drawable(wide, camera))
        projection = project(wide, camera)
        opacities = wide.opacity_logits.sigmoid()
        position = torch.as_tensor(camera.position, dtype=torch.float64, device=wide.means.device)
        colours = sh_colours(wide.sh, wide.means, position)

        device = wide.means.device
        rows = torch.arange(camera.height, dtype=torch.float64, device=device) + 0.5
        columns = torch.arange(camera.width, dtype=torch.float64, device=device) + 0.5
        rgb = torch.zeros(camera.height, camera.width, 3, dtype=torch.float64, device=device)
        distance = torch.zeros(camera.height, camera.width, dtype=torch.float64, device=device)
        transmittance = torch.ones(camera.height, camera.width, dtype=torch.float64, device=device)
        for i in torch.argsort(projection.depths.float(), stable=True).tolist():
            dx = columns[None, :] - projection.means[i, 0]
            dy = rows[:, None] - projection.means[i, 1]
            xx, xy, yy = projection.conics[i].unbind()
            falloff = (-0.5 * (xx * dx * dx + yy * dy * dy) - xy * dx * dy).exp()
            alpha = (opacities[i] * falloff).clamp(max=ALPHA_MAX)
            weight = torch.where(alpha >= ALPHA_MIN, alpha, 0.0) * transmittance
            rgb = rgb + weight[..., None] * colours[i]
            distance = distance + weight * projection.depths[i]
            transmittance = transmittance - weight
        return Raster(rgb, 1.0 - transmittance, distance if depth else None)


def drawable(gaussians: Gaussians, camera: Camera) -> Tensor:
    """Which Gaussians are drawn at all: finite ones beyond the near plane that are not too faint to see.

    Returns:
        (N,) boolean.
    """
    tensors = (gaussians.means, gaussians.quats, gaussians.log_scales, gaussians.opacity_logits, gaussians.sh)
    finite = torch.stack([t.isfinite().reshape(len(gaussians), -1).all(dim=1) for t in tensors]).all(dim=0)
    row = torch.as_tensor(camera.world_to_camera[2], dtype=gaussians.means.dtype, device=gaussians.means.device)
    depths = gaussians.means @ row[:3] + row[3]
    return finite & (depths > NEAR_M) & (gaussians.opacity_logits.sigmoid() >= ALPHA_MIN)
