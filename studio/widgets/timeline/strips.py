"""Waveform and curves as pictures of one strip, made with array arithmetic: cost grows with pixels, not with keys."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor, QImage

Floats = NDArray[np.float32]

FILL = 0.13
"""Opacity under a curve: enough to see where it is up, little enough for the keys to stand out."""


def wave_strip(low: Floats, high: Floats, height: int, colour: QColor) -> QImage:
    """A waveform.

    Args:
        low: (n,) in [-1, 1], minimum of each pixel column.
        high: (n,) maximum.
        height: pixels.
        colour: of the wave; elsewhere it is transparent.
    """
    middle = (height - 1) / 2
    reach = middle * 0.86
    top, bottom = middle - high * reach, middle - low * reach
    rows = np.arange(height, dtype=np.float32)[:, None]
    cover = np.clip(np.minimum(rows - top + 0.75, bottom - rows + 0.75), 0.0, 1.0)
    return _image(np.maximum(cover, (np.abs(rows - middle) < 0.5) * 0.6), colour)


def curve_strip(levels: Floats, height: int, inset: float, thickness: float, colour: QColor) -> QImage:
    """A curve, softly filled below.

    Args:
        levels: (n,) 0 at the bottom to 1 at the top, at the middle of each pixel column.
        height: pixels.
        inset: pixels between the strip's edges and levels 0 and 1.
        thickness: of the line, pixels.
        colour: of the line; elsewhere it is transparent.
    """
    y = inset + (1.0 - np.clip(levels, -0.05, 1.05)) * (height - 2 * inset)
    between = (y[1:] + y[:-1]) / 2
    before, after = np.append(y[:1], between), np.append(between, y[-1:])
    top, bottom = np.minimum(before, after), np.maximum(before, after)
    rows = np.arange(height, dtype=np.float32)[:, None] + 0.5
    cover = np.clip(np.minimum(rows - top, bottom - rows) + (thickness + 1) / 2, 0.0, 1.0)
    under = np.clip(rows - y, 0.0, 1.0) * (rows < height - inset) * FILL
    return _image(np.maximum(cover, under), colour)


def _image(cover: NDArray[np.floating], colour: QColor) -> QImage:
    height, width = cover.shape
    alpha = (cover * (255 * colour.alphaF()) + 0.5).astype(np.uint32)
    pixels = (alpha << np.uint32(24)) | np.uint32(colour.rgb() & 0xFFFFFF)
    return QImage(pixels.data, width, height, width * 4, QImage.Format.Format_ARGB32).copy()
