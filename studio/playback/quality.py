"""How many pixels to draw: all of the viewport's when there is time, fewer while something moves."""

from __future__ import annotations

from collections import deque
from enum import Enum
from statistics import median

HEIGHTS_PX = (256, 320, 384, 448, 512, 640, 768, 1024)
"""Heights a picture may have; few of them, so that the size does not flicker with every millisecond, and none in which
a mouth cannot be read any more: below it, frames are dropped instead."""

CAP_PX = {"reference": 256}
"""Largest height of a still picture per backend."""

CAP_DEFAULT_PX = 2160
"""Every pixel of a screen of four thousand columns."""

STILL_MS = 500.0
"""A still picture may take so long: the next one, of a hand that moves again, waits for it."""

PLAY_CAP_PX = {"cpu": 512, "reference": 256}
"""Largest height while something moves."""

PLAY_CAP_DEFAULT_PX = 1024

BUDGET_MS = 34.0
"""A frame of 25 a second has 40 ms; the rest is left to the interface and the sound."""

STEP_UP = 0.7
"""A larger picture must fit this share of the budget, or sizes would swing to and fro."""


MEMORY = 5
"""Pictures the estimate is the median of: one that compiled, or met a busy moment, does not count."""


class Motion(Enum):
    """What the picture is for."""

    STILL = "still"
    PLAYING = "playing"
    DRAGGING = "dragging"  # the camera moves


class Quality:
    """Chooses the picture's height from what the last pictures cost."""

    def __init__(self, backend: str = "cpu") -> None:
        self._backend = backend
        self._fixed: deque[float] = deque(maxlen=MEMORY)  # ms
        self._per_mpx: deque[float] = deque(maxlen=MEMORY)  # ms per megapixel
        self._whole: deque[float] = deque(maxlen=MEMORY)  # ms
        self._height_px = 512

    @property
    def backend(self) -> str:
        """What draws."""
        return self._backend

    def set_backend(self, backend: str) -> None:
        """Another rasterizer: what was learned of the old one is forgotten."""
        self._backend = backend
        self._fixed.clear()
        self._per_mpx.clear()

    @property
    def drawing_ms(self) -> float:
        """What the last pictures took, median."""
        return median(self._whole) if self._whole else 0.0

    def learn(self, width_px: int, height_px: int, deform_ms: float, raster_ms: float) -> None:
        """A picture was drawn."""
        self._fixed.append(deform_ms)
        self._whole.append(deform_ms + raster_ms)
        self._per_mpx.append(raster_ms / (width_px * height_px / 1e6))

    def size(self, width_px: int, height_px: int, motion: Motion) -> tuple[int, int]:
        """Width and height to draw for a viewport of that many device pixels, same shape."""
        wanted = self._still(width_px, height_px) if motion is Motion.STILL else self._moving(width_px, height_px)
        return max(16, round(width_px * wanted / max(1, height_px))), wanted

    def _still(self, width_px: int, height_px: int) -> int:
        """All pixels, unless they would take longer than `STILL_MS`; never fewer than while something moves."""
        wanted = max(16, min(height_px, CAP_PX.get(self._backend, CAP_DEFAULT_PX)))
        per_mpx, aspect = self._cost_per_mpx(), width_px / max(1, height_px)
        if per_mpx * wanted * wanted * aspect / 1e6 <= STILL_MS:
            return wanted
        affordable: int = round((STILL_MS * 1e6 / (per_mpx * aspect)) ** 0.5)
        return min(wanted, max(affordable, PLAY_CAP_PX.get(self._backend, PLAY_CAP_DEFAULT_PX)))

    def _cost_per_mpx(self) -> float:
        return median(self._per_mpx) if self._per_mpx else 0.0

    def _moving(self, width_px: int, height_px: int) -> int:
        cap = min(height_px, PLAY_CAP_PX.get(self._backend, PLAY_CAP_DEFAULT_PX))
        heights = [h for h in HEIGHTS_PX if h <= cap] or [cap]
        aspect = width_px / max(1, height_px)
        budget = BUDGET_MS - (median(self._fixed) if self._fixed else 0.0)
        per_mpx = self._cost_per_mpx()

        def fits(height: int, share: float) -> bool:
            return per_mpx * height * height * aspect / 1e6 <= budget * share

        best = heights[0]
        for height in heights:
            if fits(height, 1.0 if height <= self._height_px else STEP_UP):
                best = height
        self._height_px = best
        return best
