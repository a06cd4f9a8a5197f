"""EWA projection of 3D Gaussians to the image plane, in plain differentiable torch.

"EWA Splatting" (Zwicker et al. 2002) in the form the field agreed on (Kerbl et al. 2023; gsplat): the perspective map
is linearised at each mean, the covariance goes through its Jacobian, and 0.3 px² are added to the diagonal. Like gsplat
the Jacobian is evaluated no further than 30 % of the half field of view outside the image, because the linearisation
explodes there; the means themselves are not clamped.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from studio.engine.camera import Camera
from studio.engine.gaussians import Gaussians
from studio.engine.splat.base import COVARIANCE_BLUR_PX2

JACOBIAN_MARGIN = 0.3
"""Share of half the image that the Jacobian may be evaluated beyond the image's border (gsplat's choice)."""


@dataclass(frozen=True)
class Projection:
    """N Gaussians on the image plane."""

    means: Tensor  # (N, 2) pixels, centre of the first pixel at 0.5
    covariances: Tensor  # (N, 2, 2) px², blur included
    conics: Tensor  # (N, 3) inverse covariance: xx, xy, yy
    depths: Tensor  # (N,) metres along the camera's axis


def jacobian_limits(camera: Camera) -> tuple[float, float, float, float]:
    """Range of x/z and y/z in which the Jacobian is evaluated: (x low, x high, y low, y high)."""
    margin_x = JACOBIAN_MARGIN * 0.5 * camera.width / camera.fx
    margin_y = JACOBIAN_MARGIN * 0.5 * camera.height / camera.fy
    return (
        -camera.cx / camera.fx - margin_x,
        (camera.width - camera.cx) / camera.fx + margin_x,
        -camera.cy / camera.fy - margin_y,
        (camera.height - camera.cy) / camera.fy + margin_y,
    )


def rotation_matrices(quats: Tensor) -> Tensor:
    """Rotation matrices of quaternions.

    Args:
        quats: (N, 4) wxyz of any length; a zero quaternion counts as no rotation.

    Returns:
        (N, 3, 3).
    """
    w, x, y, z = torch.nn.functional.normalize(quats, dim=-1).unbind(-1)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)


def project(gaussians: Gaussians, camera: Camera) -> Projection:
    """Project Gaussians as `camera` sees them, differentiable in means, quaternions and scales.

    Gaussians behind the camera come out too, with numbers that mean nothing: look at `depths`.
    """
    like = gaussians.means
    world_to_camera = torch.as_tensor(camera.world_to_camera, dtype=like.dtype, device=like.device)
    view = world_to_camera[:3, :3]
    means = gaussians.means @ view.T + world_to_camera[:3, 3]
    x, y, z = means.unbind(-1)

    x_low, x_high, y_low, y_high = jacobian_limits(camera)
    tan_x = (x / z).clamp(x_low, x_high)
    tan_y = (y / z).clamp(y_low, y_high)
    zero = torch.zeros_like(z)
    jacobian = torch.stack(
        [
            torch.stack([camera.fx / z, zero, -camera.fx * tan_x / z], dim=-1),
            torch.stack([zero, camera.fy / z, -camera.fy * tan_y / z], dim=-1),
        ],
        dim=-2,
    )

    half = rotation_matrices(gaussians.quats) * gaussians.log_scales.exp()[:, None, :]  # (N, 3, 3), its square is Σ
    flat = jacobian @ view @ half  # (N, 2, 3)
    blur = COVARIANCE_BLUR_PX2 * torch.eye(2, dtype=like.dtype, device=like.device)
    covariances = flat @ flat.transpose(-1, -2) + blur
    determinants = torch.linalg.det(covariances)
    conics = (
        torch.stack([covariances[:, 1, 1], -covariances[:, 0, 1], covariances[:, 0, 0]], dim=-1) / determinants[:, None]
    )
    centres = torch.stack([camera.fx * x / z + camera.cx, camera.fy * y / z + camera.cy], dim=-1)
    return Projection(centres, covariances, conics, z)
