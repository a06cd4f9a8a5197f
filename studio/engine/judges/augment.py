"""Makes films differ in what must not matter to a judge: framing, light, colour, sharpness, noise, left and right."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from studio.engine.judges.films import FILM_PX


def crops(
    pictures: NDArray[np.uint8],
    squares: NDArray[np.float32],
    size_px: int,
    rng: np.random.Generator | None,
    *,
    together: bool = False,
    framing: float = 1.0,
) -> Tensor:
    """Crops of a film's pictures as a judge sees them.

    Args:
        pictures: (F, 128, 128, 3).
        squares: (F, 3) x, y, half in pixels.
        size_px: edge of a crop.
        rng: varies framing, light, colour, sharpness and noise; None leaves all as it is.
        together: whether the pictures are one shot, varied alike but for a tracker's jitter.
        framing: how much the framing varies; 1 moves the crop by 6 % of its half.

    Returns:
        (F, 3, size_px, size_px) display sRGB in [0, 1].
    """
    count = len(pictures)
    image = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255
    theta = np.zeros((count, 2, 3), np.float32)
    x, y, half = squares.T
    scale, angle, flip = np.ones(count), np.zeros(count), np.ones(count)
    if rng is not None:
        groups = 1 if together else count
        shift = framing * (rng.normal(0, 0.06, (2, groups)) + rng.normal(0, 0.012, (2, count)))
        x, y = x + shift[0] * half, y + shift[1] * half
        scale = np.exp(framing * (rng.normal(0, 0.08, groups) + rng.normal(0, 0.008, count)))
        angle = framing * rng.normal(0, 0.06, groups) + np.zeros(count)
        flip = np.where(rng.random(groups) < 0.5, -1.0, 1.0) * np.ones(count)
    reach = half * scale / (FILM_PX / 2)
    theta[:, 0, 0], theta[:, 0, 1] = reach * flip * np.cos(angle), -reach * np.sin(angle)
    theta[:, 1, 0], theta[:, 1, 1] = reach * flip * np.sin(angle), reach * np.cos(angle)
    theta[:, 0, 2], theta[:, 1, 2] = 2 * x / FILM_PX - 1, 2 * y / FILM_PX - 1
    grid = functional.affine_grid(torch.from_numpy(theta), [count, 3, size_px, size_px], align_corners=False)
    out = functional.grid_sample(image, grid, padding_mode="border", align_corners=False)
    return out if rng is None else _lit(out, rng, together)


def _lit(crops: Tensor, rng: np.random.Generator, together: bool) -> Tensor:
    """Other light, colour, sharpness and noise."""
    count = len(crops)
    groups = 1 if together else count

    def draw(low: float, high: float, channels: int = 1) -> Tensor:
        return torch.from_numpy(rng.uniform(low, high, (groups, channels, 1, 1)).astype(np.float32))

    grey = crops.mean(1, keepdim=True)
    out = torch.lerp(grey, crops, draw(0.4, 1.3)) * (draw(0.75, 1.25, 3) * draw(0.7, 1.3))
    across, down = (torch.linspace(-1, 1, crops.shape[-1]) for _ in range(2))
    out *= 1 + draw(-0.3, 0.3) * across[None, None, None, :] + draw(-0.2, 0.2) * down[None, None, :, None]
    out = torch.lerp(out, out * out, draw(-0.4, 0.4))  # a bent tone curve
    if rng.random() < 0.5:
        soft = functional.avg_pool2d(functional.pad(out, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
        out = torch.lerp(out, soft, draw(-0.4, 1.0))
    first = int(rng.integers(len(_noise()) - out.numel()))
    out += draw(0.0, 0.025) * _noise()[first : first + out.numel()].view_as(out)
    return out.clamp_(0, 1)


@cache
def _noise() -> Tensor:
    """Four million numbers of a normal distribution: cheaper to cut from than to draw."""
    return torch.randn(1 << 22, generator=torch.Generator().manual_seed(0))
