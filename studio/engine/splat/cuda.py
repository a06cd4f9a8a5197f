"""Drawing and differentiating on NVIDIA cards through gsplat.

gsplat compiles its CUDA code when it is first used, which needs the CUDA toolkit's nvcc and takes minutes once. It is
imported here only when somebody asks for this rasterizer.

Nothing between the Gaussians and the picture waits for the card: what is not finite is made invisible where it is, not
picked out, so that the processor can prepare the next picture while this one is drawn. Several moments are drawn by one
call (`render_many`), which is what an export of small pictures gains most from.

Two differences from `base` are gsplat's own: alpha is capped at 0.999 instead of 0.99, and a pixel is finished once
less than 1e-4 of the light gets through. Only the first can be measured, by less than one part in a hundred where a
fully opaque Gaussian is in front.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from studio.engine.camera import Camera
from studio.engine.gaussians import Gaussians
from studio.engine.splat.base import COVARIANCE_BLUR_PX2, NEAR_M, Raster
from studio.engine.splat.stats import ScreenStats
from studio.errors import StudioError

DEVICE = "cuda"
"""Where everything is drawn."""


class CudaRasterizer:
    """Draws Gaussians with gsplat; differentiable in all five tensors.

    Raises:
        StudioError: if there is no NVIDIA card, gsplat is not installed, or its CUDA code cannot be compiled.
    """

    name = "cuda"

    def __init__(self) -> None:
        if not torch.cuda.is_available():
            raise StudioError(
                "The cuda rasterizer needs an NVIDIA card and a CUDA build of PyTorch, and this machine offers none; "
                "choose the backend cpu or auto."
            )
        if importlib.util.find_spec("gsplat") is None:
            raise StudioError(
                "The cuda rasterizer needs gsplat, which is not installed; install emozone-studio[cuda] or choose the "
                "backend cpu."
            )
        self._device = torch.device(DEVICE)
        try:
            with contextlib.redirect_stdout(sys.stderr):  # gsplat reports there, where the command line puts JSON
                rendering = importlib.import_module("gsplat.rendering")
                backend = importlib.import_module("gsplat.cuda._backend")  # compiles, or finds what was compiled before
        except (ImportError, OSError, RuntimeError, AttributeError) as error:
            raise StudioError(
                f"gsplat's CUDA code could not be compiled ({_first_line(error)}); install the CUDA toolkit that fits "
                "PyTorch, or choose the backend cpu."
            ) from error
        if getattr(backend, "_C", None) is None:
            raise StudioError(
                "gsplat found no nvcc to compile its CUDA code with; install the CUDA toolkit that fits PyTorch, or "
                "choose the backend cpu."
            )
        self._rasterization: Callable[..., tuple[Tensor, Tensor, dict[str, Any]]] = rendering.rasterization

    def render(
        self, gaussians: Gaussians, camera: Camera, *, depth: bool = False, stats: ScreenStats | None = None
    ) -> Raster:
        """Draw `gaussians` as `camera` sees them.

        Gaussians on another device are copied to the card and the picture comes back to theirs. Those with NaN or
        infinity anywhere are left out.

        Args:
            gaussians: on any device.
            camera: any size.
            depth: whether to return depth as well.
            stats: filled with visibility and radii now, and with screen gradients by `backward()`; stays on the card.

        Raises:
            StudioError: if the card runs out of memory or fails.
        """
        home = gaussians.means.device
        if len(gaussians) == 0:
            if stats is not None:
                _note(stats, torch.zeros(0, device=self._device), camera)
            return _nothing(camera, home, depth=depth)
        here = gaussians.to(self._device)
        picture, alpha, details = self._rasterize([here], [camera], depth=depth)
        if stats is not None:
            _note(stats, details["radii"].detach().float().reshape(len(here), -1).amax(dim=1), camera)
            if details["means2d"].requires_grad:
                details["means2d"].register_hook(_keep_gradients(stats))
        return _raster(picture[0, 0], alpha[0, 0], home, depth=depth)

    @torch.inference_mode()
    def render_many(self, moments: Sequence[Gaussians], cameras: Sequence[Camera]) -> list[Raster]:
        """Draw several moments of the same Gaussians in one call; pictures stay on the card. Not differentiable.

        Args:
            moments: as many Gaussians in each, with harmonics of the same degree.
            cameras: one for each moment, all of the same size.

        Raises:
            StudioError: if the card runs out of memory or fails.
        """
        if not moments or len(moments[0]) == 0:
            return [_nothing(camera, self._device, depth=False) for camera in cameras]
        here = [gaussians.to(self._device) for gaussians in moments]
        picture, alpha, _ = self._rasterize(here, cameras, depth=False)
        return [_raster(picture[i, 0], alpha[i, 0], self._device, depth=False) for i in range(len(here))]

    def _rasterize(
        self, moments: Sequence[Gaussians], cameras: Sequence[Camera], *, depth: bool
    ) -> tuple[Tensor, Tensor, dict[str, Any]]:
        """One call of gsplat for B moments of N Gaussians, each seen by one camera.

        Returns:
            (B, 1, H, W, 3 or 4) colours and depth, (B, 1, H, W, 1) alpha, and gsplat's intermediate results, of which
            the radii are (B, 1, N, 2) and the centres (B, 1, N, 2).
        """
        first, size = moments[0], (cameras[0].width, cameras[0].height)
        views = np.stack([camera.world_to_camera for camera in cameras]).astype(np.float32)
        lenses = np.stack([camera.intrinsics for camera in cameras]).astype(np.float32)
        means, quats, scales, opacities, colours = (
            torch.stack(part) for part in zip(*map(_activated, moments), strict=True)
        )
        try:
            return self._rasterization(
                means=means,
                quats=quats,
                scales=scales,
                opacities=opacities,
                colors=colours,
                viewmats=torch.from_numpy(views)[:, None].to(self._device),
                Ks=torch.from_numpy(lenses)[:, None].to(self._device),
                width=size[0],
                height=size[1],
                near_plane=NEAR_M,
                eps2d=COVARIANCE_BLUR_PX2,
                sh_degree=first.sh_degree,
                packed=False,
                render_mode="RGB+D" if depth else "RGB",
                rasterize_mode="classic",
            )
        except RuntimeError as error:
            several = f"{len(moments)} times " if len(moments) > 1 else ""
            raise StudioError(
                f"The graphics card failed to draw {several}{len(first)} Gaussians at {size[0]}x{size[1]} "
                f"({_first_line(error)}); choose a smaller picture or the backend cpu."
            ) from error


def _activated(gaussians: Gaussians) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """The five tensors as gsplat takes them; a Gaussian that is not finite is moved to the origin, without opacity."""
    n = len(gaussians)
    tensors = (gaussians.means, gaussians.quats, gaussians.log_scales, gaussians.opacity_logits, gaussians.sh)
    finite = torch.stack([t.isfinite().reshape(n, -1).all(dim=1) for t in tensors]).all(dim=0)
    means, quats, log_scales, logits, sh = (
        torch.where(finite.reshape(-1, *[1] * (t.ndim - 1)), t.float(), instead)
        for t, instead in zip(tensors, (0.0, 1.0, 0.0, 0.0, 0.0), strict=True)
    )
    return means, quats, log_scales.exp(), torch.where(finite, logits.sigmoid(), 0.0), sh


def _raster(picture: Tensor, alpha: Tensor, home: torch.device, *, depth: bool) -> Raster:
    """(H, W, 3 or 4) and (H, W, 1) as a `Raster` on another device."""
    return Raster(picture[..., :3].to(home), alpha[..., 0].to(home), picture[..., 3].to(home) if depth else None)


def _note(stats: ScreenStats, radii: Tensor, camera: Camera) -> None:
    """Record radii (N,), 0 for Gaussians that are not seen."""
    stats.radii_px = radii
    stats.visible = radii > 0
    stats.size_px = (camera.width, camera.height)
    stats.screen_gradients = None


def _keep_gradients(stats: ScreenStats) -> Callable[[Tensor], None]:
    """A hook that records the gradient of gsplat's (1, 1, N, 2) projected centres."""

    def keep(gradient: Tensor) -> None:
        stats.screen_gradients = gradient.detach().reshape(-1, 2)

    return keep


def _nothing(camera: Camera, device: torch.device, *, depth: bool) -> Raster:
    """An empty picture."""
    alpha = torch.zeros(camera.height, camera.width, device=device)
    return Raster(torch.zeros(camera.height, camera.width, 3, device=device), alpha, alpha.clone() if depth else None)


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
