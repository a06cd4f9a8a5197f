"""Waveform, curves and keys as pictures of one strip, made by looking up columns: cost grows with pixels, not keys.

How much of each pixel of a column an edge covers depends only on where the edge lies, so that all columns there
can be stand in one table. A strip is then a few look-ups, and every pixel of it is touched only as a byte.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from studio.widgets.timeline.ink import Shades

Floats = NDArray[np.float64] | NDArray[np.float32]
Bytes = NDArray[np.uint8]
Pixels = NDArray[np.uint32]
Places = NDArray[np.int64]

FILL = 0.13
"""Opacity under a curve: enough to see where it is up, little enough for the keys to stand out."""

_PARTS = 8
"""Places of an edge within a pixel that are told apart."""

_ROOM = 6
"""Pixels above and below a strip to which an edge may go."""


class Strip:
    """A picture whose pixels stay with it. Format: premultiplied ARGB."""

    def __init__(self, pixels: Pixels, ratio: float = 1.0) -> None:
        """Pixels are (height, width), rows may be parts of longer ones."""
        if pixels.strides[1] != 4:
            pixels = np.ascontiguousarray(pixels)
        self.pixels = pixels
        height, width = pixels.shape
        pitch = pixels.strides[0]
        memory = as_strided(pixels, (height * pitch // 4 - (pitch // 4 - width),), (4,), writeable=False)
        form = QImage.Format.Format_ARGB32_Premultiplied
        self.image = QImage(memory.data, width, height, pitch, form)
        self.image.setDevicePixelRatio(ratio)


def wave_cover(low: Floats, high: Floats, height: int) -> Bytes:
    """How much of each pixel a waveform covers.

    Args:
        low: (n,) in [-1, 1], minimum of each pixel column.
        high: (n,) maximum.
        height: pixels.

    Returns:
        (height, n) 0–255.
    """
    middle = height / 2
    reach = middle * 0.86
    above, below, _ = _edges(height, 0.75, 0.0)
    cover = np.minimum(
        above.take(_at(middle - high * reach, height), 0), below.take(_at(middle - low * reach, height), 0)
    )
    result = np.ascontiguousarray(cover.T)
    line = result[int(middle)]
    np.maximum(line, 150, out=line)
    return result


def curve_covers(levels: NDArray[np.float64], height: int, inset: float, thickness: float) -> Bytes:
    """How much of each pixel curves cover, softly filled below.

    Args:
        levels: (curves, n + 2) 0 at the bottom to 1 at the top, at the middle of each pixel column and of the two
            beside.
        height: of each strip, pixels.
        inset: pixels between a strip's edges and levels 0 and 1.
        thickness: of the line, pixels.

    Returns:
        (curves, height, n) 0–255.
    """
    # Heights as rows of the tables right away; they are linear in the levels.
    tall = height - 2 * inset
    own = np.clip(levels, -0.05, 1.05).astype(np.float32)
    own *= np.float32(-tall * _PARTS)
    own += np.float32((inset + tall + _ROOM) * _PARTS + 0.5)
    between = (own[:, 1:] + own[:, :-1]) * np.float32(0.5)
    before, after, own = between[:, :-1], between[:, 1:], own[:, 1:-1]
    top, bottom = np.minimum(np.minimum(before, after), own), np.maximum(np.maximum(before, after), own)
    above, below, under = _edges(height, (thickness + 1) / 2, inset)
    cover = above.take(top.astype(np.int64), 0, mode="clip")
    np.minimum(cover, below.take(bottom.astype(np.int64), 0, mode="clip"), out=cover)
    np.maximum(cover, under.take(own.astype(np.int64), 0, mode="clip"), out=cover)
    return np.ascontiguousarray(cover.transpose(0, 2, 1))


def painted(cover: Bytes, shades: Shades) -> Pixels:
    """Cover in a colour."""
    return shades.take(cover, mode="clip")


def stamp(pixels: Pixels, x: Places, y: Places, edge: np.uint32, inside: np.uint32, reach: int) -> None:
    """Diamonds put over a picture: all edges first, so that crowded ones melt together.

    Args:
        pixels: (height, width) in one piece, changed in place; places must be at least `reach` from its border.
        x: (n,) columns of the diamonds' middles.
        y: (n,) rows.
        edge: colour of the edge, premultiplied ARGB.
        inside: of the inside.
        reach: from the middle to a corner, pixels.
    """
    assert pixels.flags.c_contiguous, "a copy would be changed instead"
    flat = pixels.reshape(-1)
    middles = (y * pixels.shape[1] + x)[:, None]
    for shade, size in ((edge, reach), (inside, reach - max(1, reach // 4))):
        flat[middles + _diamond(size, pixels.shape[1])] = shade


@lru_cache(maxsize=64)
def _diamond(reach: int, width: int) -> Places:
    """Places of a diamond's pixels from its middle in a picture of this width."""
    rows, columns = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    inside = np.abs(rows) + np.abs(columns) <= reach
    return np.asarray((rows * width + columns)[inside], np.int64)


def _at(edge: Floats, height: int) -> Places:
    """Rows of the tables of `_edges` for edges at heights of the strip."""
    place = np.clip(edge, -_ROOM, height + _ROOM).astype(np.float64)
    return np.asarray((place + _ROOM) * _PARTS + 0.5, np.int64)


@lru_cache(maxsize=16)
def _edges(height: int, half: float, inset: float) -> tuple[Bytes, Bytes, Bytes]:
    """For every place of an edge, cover of the pixels below it, above it, and of the filling below it."""
    edge = np.arange((height + 2 * _ROOM) * _PARTS + 1)[:, None] / _PARTS - _ROOM
    rows = np.arange(height) + 0.5
    below = np.clip(rows - edge + half, 0.0, 1.0)
    above = np.clip(edge - rows + half, 0.0, 1.0)
    under = np.clip(rows - edge, 0.0, 1.0) * (rows < height - inset) * FILL
    return tuple(np.round(part * 255).astype(np.uint8) for part in (below, above, under))  # type: ignore[return-value]
