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
from studio.engine.splat.projection import Projection, project
from studio.engine.splat.stats import ScreenStats


class ReferenceRasterizer:
    """Draws Gaussians exactly as `base` defines, one after the other, front to back."""

    name = "reference"

    def render(
        self, gaussians: Gaussians, camera: Camera, *, depth: bool = False, stats: ScreenStats | None = None
    ) -> Raster:
        """Draw `gaussians` as `camera` sees them, in float64; differentiable in all five tensors."""
        wide = Gaussians(
            gaussians.means.double(),
            gaussians.quats.double(),
            gaussians.log_scales.double(),
            gaussians.opacity_logits.double(),
            gaussians.sh.double(),
        )
        kept = drawable(wide, camera).nonzero()[:, 0]
        wide = wide.select(kept)
        projection = project(wide, camera)
        opacities = wide.opacity_logits.sigmoid()
        if stats is not None:
            _note(stats, len(gaussians), kept, projection, opacities, camera)
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


def _note(
    stats: ScreenStats, total: int, kept: Tensor, projection: Projection, opacities: Tensor, camera: Camera
) -> None:
    """Fill `stats` for the Gaussians at the indices `kept` of `total`."""
    reach = 2.0 * (opacities.detach() / ALPHA_MIN).log()
    extents = (reach[:, None] * projection.covariances.detach().diagonal(dim1=1, dim2=2)).sqrt()
    size = torch.tensor([camera.width, camera.height], dtype=extents.dtype, device=extents.device)
    centres = projection.means.detach()
    inside = ((centres + extents > 0) & (centres - extents < size)).all(dim=1)
    radii = torch.where(inside, extents.amax(dim=1), 0.0).float()
    stats.radii_px = torch.zeros(total, device=radii.device).index_copy(0, kept, radii)
    stats.visible = stats.radii_px > 0
    stats.size_px = (camera.width, camera.height)
    stats.screen_gradients = None
    if projection.means.requires_grad:

        def keep(gradient: Tensor) -> None:
            empty = torch.zeros(total, 2, device=gradient.device)
            stats.screen_gradients = empty.index_copy(0, kept, gradient.detach().float())

        projection.means.register_hook(keep)  # type: ignore[no-untyped-call]


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
