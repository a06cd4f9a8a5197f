"""Colours, pens and fonts for painting many small things: each is made once per palette and then only looked up."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QPen

from studio.widgets import theme

Shades = NDArray[np.uint32]


def colour(role: str, alpha: float = 1.0) -> QColor:
    """A colour of the palette in use; not to be changed by the caller."""
    return _colour(theme.palette().name, role, alpha)


def pen(role: str, alpha: float = 1.0, width: float = 1.0, style: Qt.PenStyle = Qt.PenStyle.SolidLine) -> QPen:
    """A pen of the palette in use; not to be changed by the caller."""
    return _pen(theme.palette().name, role, alpha, width, style)


@lru_cache(maxsize=16)
def font(size_px: int, *, bold: bool = False) -> QFont:
    """The studio's typeface; not to be changed by the caller."""
    return theme.font(size_px, bold=bold)


def shades(role: str, alpha: float = 1.0) -> Shades:
    """(256,) premultiplied ARGB of a colour from no cover to full cover."""
    return _shades(theme.palette().name, role, alpha)


def ramp(*roles: str) -> Shades:
    """(256,) opaque colours that go evenly through some of the palette's."""
    return _ramp(theme.palette().name, roles)


@lru_cache(maxsize=8)
def _ramp(palette: str, roles: tuple[str, ...]) -> Shades:
    stops = np.linspace(0, 255, len(roles))
    colours = [_colour(palette, role, 1.0) for role in roles]
    result = np.full(256, 0xFF000000, np.uint32)
    for part, shift in (("red", 16), ("green", 8), ("blue", 0)):
        levels = np.interp(np.arange(256), stops, [getattr(colour, part)() for colour in colours])
        result |= np.round(levels).astype(np.uint32) << np.uint32(shift)
    result.flags.writeable = False
    return result


@lru_cache(maxsize=256)
def _colour(palette: str, role: str, alpha: float) -> QColor:
    return theme.colour(role, alpha)


@lru_cache(maxsize=256)
def _pen(palette: str, role: str, alpha: float, width: float, style: Qt.PenStyle) -> QPen:
    return QPen(_colour(palette, role, alpha), width, style)


@lru_cache(maxsize=64)
def _shades(palette: str, role: str, alpha: float) -> Shades:
    return shades_of(_colour(palette, role, alpha))


def shades_of(colour: QColor) -> Shades:
    """(256,) premultiplied ARGB of any colour from no cover to full cover."""
    cover = np.arange(256) / 255 * colour.alphaF()
    result = np.round(cover * 255).astype(np.uint32) << np.uint32(24)
    for part, shift in ((colour.red(), 16), (colour.green(), 8), (colour.blue(), 0)):
        result |= np.round(cover * part).astype(np.uint32) << np.uint32(shift)
    result.flags.writeable = False
    return result
