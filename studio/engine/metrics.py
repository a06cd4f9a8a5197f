"""Image metrics as the literature defines them: PSNR, SSIM, and PSNR of a crop.

Pictures are display sRGB in [0, 1], (H, W, 3), composited over the same background. The windowed statistics are
shared with the training loss.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

SSIM_WINDOW = 11
"""Width of the Gaussian window in pixels (Wang et al. 2004)."""

SSIM_SIGMA = 1.5
"""Standard deviation of the window in pixels (Wang et al. 2004)."""

SSIM_C1 = 0.01**2
"""Stabiliser of the luminance term for values in [0, 1] (Wang et al. 2004, K1 = 0.01)."""

SSIM_C2 = 0.03**2
"""Stabiliser of the contrast and structure term (Wang et al. 2004, K2 = 0.03)."""

PSNR_CEILING_DB = 100.0
"""What identical pictures score, so that averages stay finite."""


class Box(NamedTuple):
    """A rectangle of whole pixels: columns left … right - 1, rows top … bottom - 1."""

    left: int
    top: int
    right: int
    bottom: int


def psnr(picture: Tensor, truth: Tensor) -> float:
    """Peak signal-to-noise ratio in dB of (H, W, 3) pictures in [0, 1]; at most `PSNR_CEILING_DB`."""
    _check(picture, truth)
    error = float((picture.double() - truth.double()).square().mean())
    return min(PSNR_CEILING_DB, -10.0 * math.log10(max(error, 1e-30)))


def crop_psnr(picture: Tensor, truth: Tensor, box: Box) -> float:
    """PSNR in dB inside `box` alone."""
    _check(picture, truth)
    rows, columns = slice(box.top, box.bottom), slice(box.left, box.right)
    return psnr(picture[rows, columns], truth[rows, columns])


def ssim(picture: Tensor, truth: Tensor) -> float:
    """Mean structural similarity in [-1, 1] of (H, W, 3) pictures in [0, 1] (Wang et al. 2004), channels averaged.

    Only windows that lie wholly inside the picture count.

    Raises:
        ValueError: if the pictures differ in shape or are smaller than the window.
    """
    _check(picture, truth)
    if min(picture.shape[:2]) < SSIM_WINDOW:
        raise ValueError(f"SSIM needs at least {SSIM_WINDOW}x{SSIM_WINDOW} pixels, got {tuple(picture.shape)}")
    return float(ssim_map(picture.double(), truth.double()).mean())


def ssim_map(picture: Tensor, truth: Tensor) -> Tensor:
    """(H - 10, W - 10) structural similarity around each pixel whose window lies inside (H, W, 3) pictures."""
    x, y = picture, truth
    mean_x, mean_y, square_x, square_y, product = blur(torch.stack([x, y, x * x, y * y, x * y]))
    variance_x, variance_y, covariance = square_x - mean_x**2, square_y - mean_y**2, product - mean_x * mean_y
    above = (2 * mean_x * mean_y + SSIM_C1) * (2 * covariance + SSIM_C2)
    below = (mean_x**2 + mean_y**2 + SSIM_C1) * (variance_x + variance_y + SSIM_C2)
    similarity: Tensor = (above / below).mean(-1)
    return similarity


def blur(maps: Tensor, *, transpose: bool = False) -> Tensor:
    """Gaussian-weighted window means of maps (B, H, W, 3), windows wholly inside: (B, H - 10, W - 10, 3).

    `transpose` applies the adjoint instead, (B, H, W, 3) → (B, H + 10, W + 10, 3), as a backward pass needs it. Colour
    stays the last axis in memory, which makes the depthwise convolution several times faster on CPUs.
    """
    taps = torch.arange(SSIM_WINDOW, dtype=maps.dtype, device=maps.device) - SSIM_WINDOW // 2
    window = torch.exp(-taps.square() / (2 * SSIM_SIGMA**2))
    window = window / window.sum()
    margin = SSIM_WINDOW - 1 if transpose else 0
    along_x = window.view(1, 1, 1, -1).repeat(3, 1, 1, 1)
    along_y = window.view(1, 1, -1, 1).repeat(3, 1, 1, 1)
    channels_first = maps.permute(0, 3, 1, 2)
    channels_first = functional.conv2d(channels_first, along_x, groups=3, padding=(0, margin))
    return functional.conv2d(channels_first, along_y, groups=3, padding=(margin, 0)).permute(0, 2, 3, 1)


def _check(picture: Tensor, truth: Tensor) -> None:
    if picture.shape != truth.shape or picture.ndim != 3:
        raise ValueError(
            f"pictures have shapes {tuple(picture.shape)} and {tuple(truth.shape)}, expected one (H, W, 3)"
        )
