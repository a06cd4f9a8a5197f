"""Where a dragged moment catches: frames, edges of phonemes, other keys, the playhead. No Qt."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

REACH_PX = 7.0
"""How near a moment must come to a key or an edge to catch on it."""


@dataclass(frozen=True)
class Snapping:
    """Moments to catch on, found once at the start of a drag."""

    fps: float
    moments_s: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))  # (n,) increasing

    @classmethod
    def of(cls, fps: float, *moments_s: Iterable[float] | NDArray[np.float64]) -> Snapping:
        """Snapping to frames and to any number of groups of moments."""
        parts = [np.fromiter(part, np.float64) if not isinstance(part, np.ndarray) else part for part in moments_s]
        return cls(fps, np.unique(np.concatenate(parts)) if parts else np.zeros(0))

    def snapped(self, time_s: float, px_per_s: float) -> tuple[float, float | None]:
        """The moment to use for `time_s`, and the key or edge it caught on (None where it is a mere frame)."""
        i = int(np.searchsorted(self.moments_s, time_s))
        near = self.moments_s[max(i - 1, 0) : i + 1]
        if len(near):
            best = float(near[np.argmin(np.abs(near - time_s))])
            if abs(best - time_s) * px_per_s <= REACH_PX:
                return best, best
        return round(time_s * self.fps) / self.fps, None
