"""Multi-resolution minima and maxima of a sound, so that drawing costs pixels and not samples. No Qt."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BASE = 16
"""Samples per entry of the finest level: at 16 kHz a millisecond, finer than a pixel of any zoom below 1000 pixels
a second."""

FACTOR = 4
"""From one level to the next; the pyramid is a third larger than its finest level."""

FINENESS = 4
"""Entries that a column is made of at least; a peak is drawn at most a quarter of a pixel from its place."""

Floats = NDArray[np.float32]
Places = NDArray[np.int64]


class Peaks:
    """The pyramid of one channel."""

    def __init__(self, samples: Floats, rate_hz: float) -> None:
        self.rate_hz = rate_hz
        self.length = len(samples)
        self._samples = samples
        self.loudest = max(float(np.abs(samples).max(initial=0.0)), 0.05)
        """The highest peak, but no less than a twentieth: silence is drawn as a line."""

        self._levels: list[tuple[int, Floats, Floats]] = []  # (samples per entry, minima, maxima)
        low = high = samples
        step = 1
        for factor in (BASE, *(FACTOR,) * 12):
            if len(low) <= factor:
                break
            low, high = _reduced(low, factor, np.minimum), _reduced(high, factor, np.maximum)
            step *= factor
            self._levels.append((step, low, high))

    @property
    def duration_s(self) -> float:
        """Length of the sound, seconds."""
        return self.length / self.rate_hz

    def columns(self, start_s: float, end_s: float, count: int) -> tuple[Floats, Floats]:
        """Minimum and maximum per pixel column.

        Args:
            start_s: time at the left edge of the first column.
            end_s: time at the right edge of the last one, > start_s.
            count: columns, ≥ 1.

        Returns:
            (count,) minima and maxima; zero outside of the sound.
        """
        edges = np.linspace(start_s, end_s, count + 1) * self.rate_hz
        per_column = (edges[-1] - edges[0]) / count
        step, low, high = 1, self._samples, self._samples
        for level in self._levels:
            if level[0] > per_column / FINENESS:
                break
            step, low, high = level
        first = np.floor(edges[:-1] / step).astype(np.int64)
        past = np.maximum(np.ceil(edges[1:] / step).astype(np.int64), first + 1)
        inside = (edges[1:] > 0) & (edges[:-1] < self.length)
        minima, maxima = np.zeros(count, np.float32), np.zeros(count, np.float32)
        if not inside.any():
            return minima, maxima
        first, past = np.clip(first, 0, len(low) - 1)[inside], np.clip(past, 1, len(low))[inside]
        found = [_runs(np.minimum, low, first, past), _runs(np.maximum, high, first, past)]
        minima[inside], maxima[inside] = found
        return minima, maxima


def _runs(function: np.ufunc, values: Floats, first: Places, past: Places) -> Floats:
    """Extremes of the runs of `values` from `first` to `past`, each at least one long."""
    # `reduceat` takes runs from each index to the next one; what lies between two runs is not used. No index may lie
    # behind the last value, which is therefore looked at by itself where a run ends with it.
    last = len(values) - 1
    bounds = np.stack([first, np.minimum(past, last)], axis=1).ravel()
    result = function.reduceat(values[: bounds[-1] + 1], bounds)[::2]
    return np.asarray(np.where(past > last, function(result, values[last]), result), np.float32)


def _reduced(values: Floats, factor: int, function: np.ufunc) -> Floats:
    """Extremes of each run of `factor` values; the last run may be shorter."""
    return np.asarray(function.reduceat(values, np.arange(0, len(values), factor)), dtype=np.float32)
