"""Drawing and differentiating on NVIDIA cards through gsplat.

gsplat compiles its CUDA code when it is first used, which needs the CUDA toolkit's nvcc and takes minutes once. It is
imported here only when somebody asks for this rasterizer.

Two differences from `base` are gsplat's own: alpha is capped at 0.999 instead of 0.99, and a pixel is finished once
less than 1e-4 of the light gets through. Only the first can be measured, by less than one part in a hundred where a
fully opaque Gaussian is in front.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from studio.engine.camera import Camera
from studio.engine.gaussians import Gaussians
from studio.engine.splat.base import COVARIANCE_BLUR_PX2, NEAR_M, Raster
from studio.engine.splat.stats import ScreenStats
from studio.errors import StudioError


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
        self._device = torch.device("cuda")
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
        home, total = gaussians.means.device, len(gaussians)
        kept = _finite(gaussians).to(self._device)
        here = gaussians.to(self._device).select(kept)
        if len(here) == 0:
            if stats is not None:
                _note(stats, total, kept, torch.zeros(0, device=self._device), camera)
            return _nothing(camera, home, depth=depth)
        view = torch.as_tensor(camera.world_to_camera, dtype=torch.float32, device=self._device)
        lens = torch.as_tensor(camera.intrinsics, dtype=torch.float32, device=self._device)
        try:
            picture, alpha, details = self._rasterization(
                means=here.means.float(),
                quats=here.quats.float(),
                scales=here.log_scales.float().exp(),
                opacities=here.opacity_logits.float().sigmoid(),
                colors=here.sh.float(),
                viewmats=view[None],
                Ks=lens[None],
                width=camera.width,
                height=camera.height,
                near_plane=NEAR_M,
                eps2d=COVARIANCE_BLUR_PX2,
                sh_degree=here.sh_degree,
                packed=False,
                render_mode="RGB+D" if depth else "RGB",
                rasterize_mode="classic",
            )
        except RuntimeError as error:
            raise StudioError(
                f"The graphics card failed to draw {len(here)} Gaussians at {camera.width}x{camera.height} "
                f"({_first_line(error)}); choose a smaller picture or the backend cpu."
            ) from error
        if stats is not None:
            _note(stats, total, kept, details["radii"].float().reshape(len(here), -1).amax(dim=1), camera)
            if details["means2d"].requires_grad:
                details["means2d"].register_hook(_keep_gradients(stats, total, kept))
        return Raster(
            picture[0, ..., :3].to(home),
            alpha[0, ..., 0].to(home),
            picture[0, ..., 3].to(home) if depth else None,
        )


def _finite(gaussians: Gaussians) -> Tensor:
    """(N,) indices of the Gaussians in which no number is NaN or infinite."""
    n = len(gaussians)
    tensors = (gaussians.means, gaussians.quats, gaussians.log_scales, gaussians.opacity_logits, gaussians.sh)
    return torch.stack([t.isfinite().reshape(n, -1).all(dim=1) for t in tensors]).all(dim=0).nonzero()[:, 0]


def _note(stats: ScreenStats, total: int, kept: Tensor, radii: Tensor, camera: Camera) -> None:
    """Record the radii of the kept Gaussians, 0 for the others."""
    stats.radii_px = torch.zeros(total, device=radii.device).index_copy(0, kept, radii)
    stats.visible = stats.radii_px > 0
    stats.size_px = (camera.width, camera.height)
    stats.screen_gradients = None


def _keep_gradients(stats: ScreenStats, total: int, kept: Tensor) -> Callable[[Tensor], None]:
    """A hook that records the gradient of gsplat's (1, M, 2) projected centres."""

    def keep(gradient: Tensor) -> None:
        empty = torch.zeros(total, 2, device=gradient.device)
        stats.screen_gradients = empty.index_copy(0, kept, gradient.detach().reshape(-1, 2))

    return keep


def _nothing(camera: Camera, device: torch.device, *, depth: bool) -> Raster:
    """An empty picture."""
    alpha = torch.zeros(camera.height, camera.width, device=device)
    return Raster(torch.zeros(camera.height, camera.width, 3, device=device), alpha, alpha.clone() if depth else None)


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
