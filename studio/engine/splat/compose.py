"""The last step of a frame: from a float picture to 8-bit RGBA."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from studio.engine.splat._jit import kernel
from studio.engine.splat.base import Raster

_TOP = np.float32(255.0)
_HALF = np.float32(0.5)
_ZERO = np.float32(0.0)
_ONE = np.float32(1.0)


def compose_rgba8(
    raster: Raster, background: tuple[float, float, float] | NDArray[np.float32] | None
) -> NDArray[np.uint8]:
    """Composite a picture and round it to 8 bits.

    Args:
        raster: of any backend, premultiplied.
        background: display sRGB in [0, 1] to composite over, one colour or (H, W, 3); None keeps the transparency.

    Returns:
        (H, W, 4) display sRGB and alpha; alpha is straight when `background` is None, otherwise 255 everywhere.
        Colours outside [0, 1] are clipped, NaN becomes 0.
    """
    rgb = np.ascontiguousarray(raster.rgb.detach().cpu().numpy(), dtype=np.float32)
    alpha = np.ascontiguousarray(raster.alpha.detach().cpu().numpy(), dtype=np.float32)
    out = np.empty((*alpha.shape, 4), np.uint8)
    if background is None:
        _unpremultiply(rgb, alpha, out)
    elif isinstance(background, np.ndarray):
        _compose_over_image(rgb, alpha, background, out)
    else:
        _compose_over(rgb, alpha, np.array(background, np.float32), out)
    return out


@kernel()
def _byte(value: np.float32) -> np.uint8:
    """[0, 1] → 0…255, rounded to the nearest; the comparisons send NaN to 0."""
    if not value > _ZERO:
        return np.uint8(0)
    if value >= _ONE:
        return np.uint8(255)
    return np.uint8(value * _TOP + _HALF)


@kernel(fast=True)
def _compose_over(
    rgb: NDArray[np.float32], alpha: NDArray[np.float32], background: NDArray[np.float32], out: NDArray[np.uint8]
) -> None:
    for row in range(alpha.shape[0]):
        for column in range(alpha.shape[1]):
            light = _ONE - alpha[row, column]
            for channel in range(3):
                out[row, column, channel] = _byte(rgb[row, column, channel] + light * background[channel])
            out[row, column, 3] = 255


@kernel(fast=True)
def _compose_over_image(
    rgb: NDArray[np.float32], alpha: NDArray[np.float32], background: NDArray[np.float32], out: NDArray[np.uint8]
) -> None:
    for row in range(alpha.shape[0]):
        for column in range(alpha.shape[1]):
            light = _ONE - alpha[row, column]
            for channel in range(3):
                out[row, column, channel] = _byte(rgb[row, column, channel] + light * background[row, column, channel])
            out[row, column, 3] = 255


@kernel(fast=True)
def _unpremultiply(rgb: NDArray[np.float32], alpha: NDArray[np.float32], out: NDArray[np.uint8]) -> None:
    for row in range(alpha.shape[0]):
        for column in range(alpha.shape[1]):
            share = alpha[row, column]
            scale = _ONE / share if share > _ZERO else _ZERO
            for channel in range(3):
                out[row, column, channel] = _byte(rgb[row, column, channel] * scale)
            out[row, column, 3] = _byte(share)
