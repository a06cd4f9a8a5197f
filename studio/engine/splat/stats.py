"""What a rasterizer can tell about each Gaussian besides the picture; density control lives on it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass
class ScreenStats:
    """Filled by `render(…, stats=…)` of the differentiable rasterizers, one object per call.

    The first two tensors are there when `render` returns, the gradients after `backward()`.
    """

    visible: Tensor | None = None  # (N,) bool: may touch a pixel of the picture
    radii_px: Tensor | None = None  # (N,) float32 larger half extent on the picture, 0 where not visible
    screen_gradients: Tensor | None = None  # (N, 2) float32 ∂loss/∂(centre in pixels), 0 where not visible
    size_px: tuple[int, int] = (0, 0)  # width, height of the picture

    def gradient_norms(self) -> Tensor:
        """(N,) lengths of the centres' gradients in units of half the picture.

        3D Gaussian splatting compares their mean over several pictures with its densification threshold (2e-4).

        Raises:
            RuntimeError: if `backward()` has not run yet.
        """
        if self.screen_gradients is None:
            raise RuntimeError("screen gradients exist only after backward() of a loss on the rendered picture")
        half = torch.tensor(self.size_px, dtype=torch.float32, device=self.screen_gradients.device) / 2
        return (self.screen_gradients * half).square().sum(dim=1).sqrt()
