"""Looks at videos for the window: what a file is, pictures along it, and the picture of one moment. Runs in workers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from studio.engine.footage import MAX_DURATION_S, Footage, glances, open_footage
from studio.errors import StudioError
from studio.widgets.exports.words import duration

PICTURES, STRIP_PX = 14, 54
"""Along the whole video, and how high."""


@dataclass(frozen=True)
class Film:
    """A video that can be captured, and pictures along it."""

    footage: Footage
    pictures: tuple[NDArray[np.uint8], ...]  # (STRIP_PX, w, 3) each, evenly from start to end

    @property
    def duration_s(self) -> float:
        """Of the whole file."""
        return max(self.footage.total_s, self.footage.duration_s)

    @property
    def line(self) -> str:
        """What it is, in one line."""
        footage = self.footage
        sound = "with sound" if footage.has_sound else "silent"
        size = f"{footage.width} × {footage.height}, {footage.fps:.3g} pictures a second, {sound}"
        return f"{footage.path.name}  ·  {duration(self.duration_s)}  ·  {size}"


def look_at(path: Path) -> Film:
    """Open a video and take pictures along it.

    Raises:
        StudioError: one sentence for what cannot be captured.
    """
    footage = open_footage(path, end_s=MAX_DURATION_S)
    length_s = max(footage.total_s, footage.duration_s)
    times = [(i + 0.5) / PICTURES * length_s for i in range(PICTURES)]
    pictures = tuple(glances(footage, times, STRIP_PX, exact=False))
    if not pictures:
        raise StudioError(f"{path.name} holds no picture that can be decoded; copy or export it again.")
    return Film(footage, pictures)


def picture_at(film: Film, time_s: float, height_px: int) -> QImage | None:
    """The picture of a moment; None past the last. Raises StudioError."""
    found = next(glances(film.footage, [time_s], height_px, exact=True), None)
    return None if found is None else to_image(found)


def to_image(rgb: NDArray[np.uint8]) -> QImage:
    """(h, w, 3) display sRGB as an image of its own."""
    height, width = rgb.shape[:2]
    return QImage(np.ascontiguousarray(rgb).data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()
