"""Scenes and measures that the rasterizers' tests share."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from studio.engine.camera import Camera, orbit_camera
from studio.engine.gaussians import Gaussians
from studio.engine.splat.base import Raster

NAMES = ("means", "quats", "log_scales", "opacity_logits", "sh")
KINDS = ("plain", "behind", "off_screen", "needles", "huge", "transparent", "opaque", "mixed")


def random_scene(kind: str, seed: int, n: int = 150, degree: int = 3) -> Gaussians:
    """A cloud of about 20 cm around the origin with the trouble that `kind` names."""
    if kind == "mixed":
        parts = [random_scene(k, seed + i, n // 5, degree) for i, k in enumerate(KINDS[:-1])]
        return Gaussians(*(torch.cat([getattr(p, name) for p in parts]) for name in NAMES))
    rng = np.random.default_rng(seed)
    means = rng.normal(0.0, 0.06, (n, 3))
    log_scales = rng.normal(np.log(0.008), 0.5, (n, 3))
    logits = rng.normal(1.0, 1.5, n)
    if kind == "behind":  # on both sides of the camera plane of `camera()`, some closer than the near plane
        means *= 12.0
    elif kind == "off_screen":
        means *= np.array([6.0, 6.0, 1.0])
    elif kind == "needles":
        log_scales[:, 0] += 2.5
        log_scales[:, 1:] -= 3.0
    elif kind == "huge":
        log_scales += 3.0
        logits -= 2.0
    elif kind == "transparent":
        logits -= 5.0
    elif kind == "opaque":
        logits += 8.0
    arrays = (means, rng.normal(size=(n, 4)), log_scales, logits, rng.normal(0.0, 0.3, (n, (degree + 1) ** 2, 3)))
    return Gaussians(*(torch.tensor(a, dtype=torch.float32) for a in arrays))


def camera(width: int = 61, height: int = 45) -> Camera:
    """A camera slightly from the side and above, 80 cm away, whose picture is no multiple of a tile."""
    return orbit_camera(20.0, 10.0, 0.8, width=width, height=height)


def psnr_db(a: Tensor, b: Tensor) -> float:
    """Peak signal-to-noise ratio for a peak of 1, at most 200 dB."""
    error = float((a.detach().double() - b.detach().double()).square().mean())
    return -10.0 * float(np.log10(max(error, 1e-20)))


def leaves(gaussians: Gaussians) -> Gaussians:
    """A copy whose tensors are leaves that require gradients."""
    return Gaussians(*(getattr(gaussians, name).detach().clone().requires_grad_() for name in NAMES))


def random_loss(raster: Raster, seed: int = 0) -> Tensor:
    """A linear loss that weighs every number of the picture differently."""
    generator = torch.Generator().manual_seed(seed)
    weights = torch.randn(*raster.alpha.shape, 5, generator=generator, dtype=torch.float64)
    loss = (raster.rgb * weights[..., :3]).sum() + (raster.alpha * weights[..., 3]).sum()
    return loss if raster.depth is None else loss + (raster.depth * weights[..., 4]).sum()
