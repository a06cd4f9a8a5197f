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

_PIXEL = np.dtype("<u4")  # four bytes as one number: red is the lowest

_Planes = NDArray[np.float32]  # (3, H, W)
_Plane = NDArray[np.float32]  # (H, W)
_Pixels = NDArray[np.uint32]  # (H, W)


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
    # Each colour in a plane of its own, which is how the CPU rasterizer draws: no copy then.
    planes = raster.rgb.detach().permute(2, 0, 1).contiguous().cpu().float().numpy()
    alpha = raster.alpha.detach().contiguous().cpu().float().numpy()
    out = np.empty((*alpha.shape, 4), np.uint8)
    pixels = out.view(_PIXEL)[..., 0]
    if background is None:
        _unpremultiply(planes, alpha, pixels)
    elif isinstance(background, np.ndarray):
        _compose_over_image(planes, alpha, background, pixels)
    else:
        _compose_over(planes, alpha, np.array(background, np.float32), pixels)
    return out


@kernel(inline=True)
def _byte(value: np.float32) -> np.uint32:
    """[0, 1] → 0…255, rounded to the nearest; the comparisons send NaN to 0."""
    value = value if value > _ZERO else _ZERO
    value = value if value < _ONE else _ONE
    return np.uint32(np.int32(value * _TOP + _HALF))


@kernel(inline=True)
def _pixel(red: np.float32, green: np.float32, blue: np.float32, alpha: np.uint32) -> np.uint32:
    """Four bytes in the order of memory of a little-endian machine."""
    return _byte(red) | (_byte(green) << np.uint32(8)) | (_byte(blue) << np.uint32(16)) | (alpha << np.uint32(24))


@kernel(fast=True)
def _compose_over(planes: _Planes, alpha: _Plane, background: _Plane, out: _Pixels) -> None:
    red, green, blue = planes[0].reshape(-1), planes[1].reshape(-1), planes[2].reshape(-1)
    cover, pixels = alpha.reshape(-1), out.reshape(-1)
    back_red, back_green, back_blue = background[0], background[1], background[2]
    for i in range(pixels.shape[0]):
        light = _ONE - cover[i]
        pixels[i] = _pixel(
            red[i] + light * back_red, green[i] + light * back_green, blue[i] + light * back_blue, np.uint32(255)
        )


@kernel(fast=True)
def _compose_over_image(planes: _Planes, alpha: _Plane, background: NDArray[np.float32], out: _Pixels) -> None:
    for row in range(alpha.shape[0]):
        for column in range(alpha.shape[1]):
            light = _ONE - alpha[row, column]
            out[row, column] = _pixel(
                planes[0, row, column] + light * background[row, column, 0],
                planes[1, row, column] + light * background[row, column, 1],
                planes[2, row, column] + light * background[row, column, 2],
                np.uint32(255),
            )


@kernel(fast=True)
def _unpremultiply(planes: _Planes, alpha: _Plane, out: _Pixels) -> None:
    red, green, blue = planes[0].reshape(-1), planes[1].reshape(-1), planes[2].reshape(-1)
    cover, pixels = alpha.reshape(-1), out.reshape(-1)
    for i in range(pixels.shape[0]):
        share = cover[i]
        scale = _ONE / share if share > _ZERO else _ZERO
        pixels[i] = _pixel(red[i] * scale, green[i] * scale, blue[i] * scale, _byte(share))
