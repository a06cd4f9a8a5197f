"""Whether memory grows over a long run: the slope of its samples, and how far that slope can be trusted.

Samples that follow each other resemble each other, so that a straight line through them looks surer than it is. Its
standard error is therefore widened as if there were only as many samples as are independent (Bartlett's formula for
errors with a lag-one correlation).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

SETTLING = 0.2
"""First share of a run that is left out: caches fill, and allocators learn what is needed."""

LEAST_SAMPLES = 8
SURE = 1.96
"""Standard errors on either side for a confidence of 95 %."""


@dataclass(frozen=True)
class Drift:
    """Memory over time."""

    slope_mb_per_h: float
    error_mb_per_h: float  # half the width of the 95 % interval
    highest_mb: float
    last_mb: float
    samples: int  # that the slope is taken from
    hours: float

    @property
    def flat(self) -> bool:
        """Whether noise alone explains the slope."""
        return self.slope_mb_per_h <= self.error_mb_per_h

    def sentence(self) -> str:
        """For people."""
        verdict = "flat: noise explains the slope" if self.flat else "it GROWS by more than noise explains"
        return (
            f"memory {self.last_mb:.0f} MB at the end, {self.highest_mb:.0f} MB at most, slope "
            f"{self.slope_mb_per_h:+.1f} ± {self.error_mb_per_h:.1f} MB an hour "
            f"over {60 * self.hours:.0f} minutes; {verdict}"
        )


def drift(times_s: Sequence[float], memory_mb: Sequence[float]) -> Drift | None:
    """The drift of samples of memory; None for too few.

    Args:
        times_s: when they were taken, increasing.
        memory_mb: what was held.
    """
    times, memory = np.asarray(times_s, np.float64), np.asarray(memory_mb, np.float64)
    if len(times) == 0:
        return None
    kept = times >= times[0] + SETTLING * (times[-1] - times[0])
    hours, settled = times[kept] / 3600, memory[kept]
    if len(settled) < LEAST_SAMPLES:
        return None
    centred = hours - hours.mean()
    slope = float(centred @ settled / (centred @ centred))
    rest = settled - settled.mean() - slope * centred
    power = float(rest @ rest)
    alike = float(rest[1:] @ rest[:-1] / power) if power > 0 else 0.0
    alike = min(max(alike, 0.0), 0.99)
    independent = max(3.0, len(settled) * (1 - alike) / (1 + alike))
    error = (power / len(settled) / (independent - 2) / (centred @ centred / len(settled))) ** 0.5
    return Drift(
        slope, SURE * float(error), float(memory.max()), float(memory[-1]), len(settled), float(hours[-1] - hours[0])
    )  # fmt: skip
