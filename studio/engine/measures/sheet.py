"""A sheet of paper to draw on: lengths in millimetres, type in points, pictures at the print's resolution.

Lines and type are drawn at twice the resolution and reduced, which smooths them. The typeface is the one that Pillow
carries (Aileron, CC0); it has no dashes but the hyphen, and no superscripts.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from studio.errors import StudioError

DPI = 300
FINE = 2
"""How much finer lines and type are drawn than they are written."""

INK, MUTED, HAIRLINE, FAINT = "#1b222b", "#66707c", "#d5dbe1", "#f3f5f7"
MAIN, TRUE, GOOD, BAD = "#1f5fbf", "#98a2ad", "#2c7a4b", "#bf4116"
"""Colours: ours, the truth, a goal that is reached, one that is not."""


class Sheet:
    """An A4 sheet, upright; the origin is the upper left corner."""

    WIDTH_MM, HEIGHT_MM = 210.0, 297.0

    def __init__(self) -> None:
        self._scale = FINE * DPI / 25.4
        size = (FINE * round(self.WIDTH_MM * DPI / 25.4), FINE * round(self.HEIGHT_MM * DPI / 25.4))
        self._image = Image.new("RGB", size, "white")
        self._draw = ImageDraw.Draw(self._image)
        self._pictures: list[tuple[float, float, float, Image.Image]] = []

    def text(self, x: float, y: float, words: str, size_pt: float = 7.5, colour: str = INK, anchor: str = "ls") -> None:
        """Write; `anchor` is Pillow's, `ls` puts the left end of the base line at (x, y)."""
        self._draw.text(self._at(x, y), words, colour, _font(size_pt), anchor)

    def width(self, words: str, size_pt: float) -> float:
        """Millimetres that words take."""
        return float(_font(size_pt).getlength(words)) / self._scale

    def line(self, points: Sequence[tuple[float, float]], colour: str = INK, width_mm: float = 0.2) -> None:
        """A line through points."""
        width = max(1, round(width_mm * self._scale))
        self._draw.line([self._at(*point) for point in points], colour, width, joint="curve")

    def box(self, x: float, y: float, width: float, height: float, colour: str) -> None:
        """A filled rectangle; one without a height is not drawn."""
        if width > 0 and height > 0:
            self._draw.rectangle([self._at(x, y), self._at(x + width, y + height)], colour)

    def dot(self, x: float, y: float, radius: float, colour: str, *, filled: bool = True) -> None:
        """A disc, or a ring."""
        corners = [self._at(x - radius, y - radius), self._at(x + radius, y + radius)]
        self._draw.ellipse(corners, colour if filled else None, colour, max(1, round(0.2 * self._scale)))

    def picture(self, x: float, y: float, width: float, rgb: NDArray[np.uint8]) -> None:
        """A picture (H, W, 3), `width` millimetres wide."""
        self._pictures.append((x, y, width, Image.fromarray(np.ascontiguousarray(rgb))))

    def image(self) -> Image.Image:
        """The sheet as it is printed."""
        sheet = self._image.reduce(FINE)
        for x, y, width, picture in self._pictures:
            across = round(width * DPI / 25.4)
            size = (across, max(1, round(across * picture.height / picture.width)))
            sheet.paste(picture.resize(size, Image.Resampling.LANCZOS), (round(x * DPI / 25.4), round(y * DPI / 25.4)))
        return sheet

    def save(self, path: Path) -> None:
        """Write a PNG that knows its size on paper; whole or not at all.

        Raises:
            StudioError: if it cannot be written.
        """
        part = path.with_name(path.name + ".part")
        try:
            self.image().save(part, "PNG", dpi=(DPI, DPI), compress_level=6)
            os.replace(part, path)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise StudioError(f"The page {path} cannot be written: {error.strerror or error}.") from error

    def _at(self, x: float, y: float) -> tuple[float, float]:
        return x * self._scale, y * self._scale


@functools.cache
def _font(size_pt: float) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size_pt * FINE * DPI / 72)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise StudioError("Pillow was built without FreeType and cannot write: install a usual build of it.")
    return font
