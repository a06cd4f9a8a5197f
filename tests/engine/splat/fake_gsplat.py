"""What gsplat's `rasterization` does, by our reference rasterizer: the cuda rasterizer's own lines run without a card.

The parameters are those of the real function; `test_cuda.py` compares them with the package that is installed.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from studio.engine.camera import Camera
from studio.engine.gaussians import Gaussians
from studio.engine.splat.projection import project
from studio.engine.splat.reference import ReferenceRasterizer

VERSION = "1.5.3"
"""The release whose function this stands for."""

CALLS: list[tuple[int, int]] = []
"""Moments and cameras of each call."""


def rasterization(
    means: Tensor,
    quats: Tensor,
    scales: Tensor,
    opacities: Tensor,
    colors: Tensor,
    viewmats: Tensor,
    Ks: Tensor,  # noqa: N803 - gsplat's name
    width: int,
    height: int,
    near_plane: float = 0.01,
    far_plane: float = 1e10,
    radius_clip: float = 0.0,
    eps2d: float = 0.3,
    sh_degree: int | None = None,
    packed: bool = True,
    tile_size: int = 16,
    backgrounds: Tensor | None = None,
    render_mode: str = "RGB",
    sparse_grad: bool = False,
    absgrad: bool = False,
    rasterize_mode: str = "classic",
    channel_chunk: int = 32,
    distributed: bool = False,
    camera_model: str = "pinhole",
    segmented: bool = False,
    covars: Tensor | None = None,
    with_ut: bool = False,
    with_eval3d: bool = False,
    radial_coeffs: Tensor | None = None,
    tangential_coeffs: Tensor | None = None,
    thin_prism_coeffs: Tensor | None = None,
    ftheta_coeffs: Any = None,
    rolling_shutter: Any = None,
    viewmats_rs: Tensor | None = None,
) -> tuple[Tensor, Tensor, dict[str, Any]]:
    """(B, C, H, W, 3 or 4) pictures, (B, C, H, W, 1) alpha and what happened on the way."""
    batch, n = means.shape[:-2], means.shape[-2]
    cameras = viewmats.shape[-3]
    assert quats.shape == (*batch, n, 4)
    assert scales.shape == (*batch, n, 3)
    assert opacities.shape == (*batch, n)
    assert viewmats.shape == (*batch, cameras, 4, 4)
    assert Ks.shape == (*batch, cameras, 3, 3)
    assert sh_degree is not None
    assert colors.shape == (*batch, n, (sh_degree + 1) ** 2, 3)
    assert len(batch) == 1
    assert not packed
    assert (near_plane, eps2d, rasterize_mode) == (0.05, 0.3, "classic")
    assert all(bool(t.isfinite().all()) for t in (means, quats, scales, opacities, colors))
    CALLS.append((batch[0], cameras))
    pictures, alphas, radii, centres = [], [], [], []
    for b in range(batch[0]):
        logits = opacities[b].clamp(1e-6, 1 - 1e-6).logit()
        gaussians = Gaussians(means[b], quats[b], scales[b].log(), logits, colors[b])
        view, lens = viewmats[b, 0].double().numpy(), Ks[b, 0].double().numpy()
        camera = Camera(view, lens[0, 0], lens[1, 1], lens[0, 2], lens[1, 2], width, height)
        raster = ReferenceRasterizer().render(gaussians, camera, depth=True)
        assert raster.depth is not None
        projected = project(gaussians, camera)
        picture = torch.cat([raster.rgb, raster.depth[..., None]], -1) if render_mode == "RGB+D" else raster.rgb
        pictures.append(picture)
        alphas.append(raster.alpha[..., None])
        extent = 3.33 * projected.covariances.diagonal(dim1=-2, dim2=-1).sqrt()
        seen = (projected.depths > near_plane) & (opacities[b] >= 1 / 255)
        radii.append(torch.where(seen[:, None], extent.detach(), 0.0).ceil().int())
        centres.append(projected.means)
    details = {"radii": torch.stack(radii)[:, None], "means2d": torch.stack(centres)[:, None]}
    follows = 0.0 * details["means2d"].nan_to_num(0.0, 0.0, 0.0).sum()  # gradients pass through the centres
    return torch.stack(pictures)[:, None] + follows, torch.stack(alphas)[:, None], details


def modules() -> dict[str, ModuleType]:
    """The modules that the cuda rasterizer imports, by name."""
    rendering, backend = ModuleType("gsplat.rendering"), ModuleType("gsplat.cuda._backend")
    vars(rendering)["rasterization"] = rasterization
    vars(backend)["_C"] = np
    return {rendering.__name__: rendering, backend.__name__: backend}
