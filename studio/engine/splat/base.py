"""The contract every rasterizer keeps.

All backends draw the same picture: EWA projection with 0.3 px² added to the 2D covariance, alpha =
min(0.99, opacity · exp(-½ dᵀ Σ⁻¹ d)), contributions below 1/255 dropped, front to back by camera depth of the mean,
no early termination that changes the result by more than 1e-3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from studio.engine.camera import Camera
from studio.engine.gaussians import Gaussians

COVARIANCE_BLUR_PX2 = 0.3
"""Added to the projected covariance's diagonal so that no Gaussian is thinner than a pixel (gsplat's eps2d)."""

ALPHA_MIN = 1.0 / 255.0
"""Contributions fainter than one 8-bit step are dropped, which also bounds a Gaussian's footprint."""

ALPHA_MAX = 0.99
"""Keeps transmittance above zero, so that the backward pass can divide by it."""

NEAR_M = 0.05
"""Gaussians whose centre is nearer to the camera plane than this are not drawn, metres."""


@dataclass(frozen=True)
class Raster:
    """What a rasterizer returns; float tensors on the Gaussians' device."""

    rgb: Tensor  # (H, W, 3) display sRGB, premultiplied by alpha, no background
    alpha: Tensor  # (H, W) coverage in [0, 1]
    depth: Tensor | None = None  # (H, W) alpha-weighted camera depth in metres (not normalised), when asked for

    def over(self, background: Tensor) -> Tensor:
        """(H, W, 3) the picture composited over `background`, (3,) or (H, W, 3) display sRGB."""
        return self.rgb + (1.0 - self.alpha)[..., None] * background


class Rasterizer(Protocol):
    """Draws Gaussians. Differentiable in all five tensors when they require gradients."""

    name: str

    def render(self, gaussians: Gaussians, camera: Camera, *, depth: bool = False) -> Raster:
        """Draw `gaussians` as `camera` sees them; `depth` also returns depth."""
        ...
