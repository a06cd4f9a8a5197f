"""The speech as a spectrogram in several resolutions, so that drawing costs pixels however long the sound. No Qt."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

DEPTH_DB = 65.0
"""What is this much quieter than the loudest moment has no colour."""

FACTOR = 2
"""From one resolution to the next."""

Floats = NDArray[np.float32]


class Spectrum:
    """Loudness by moment and pitch.

    Args:
        energies: (frames, bands) power, lowest band first.
        rate_hz: frames per second; frame i is centred on i / rate.
    """

    def __init__(self, energies: Floats, rate_hz: float) -> None:
        self.rate_hz = rate_hz
        loudest = max(float(energies.max(initial=0.0)), 1e-9)
        level = 10 * np.log10(np.maximum(energies, loudest * 1e-12) / loudest)
        cells = np.round(np.clip(level / DEPTH_DB + 1, 0, 1) * 255).astype(np.uint8)
        self._levels: list[tuple[int, NDArray[np.uint8]]] = [(1, cells)]
        step = 1
        while len(cells) >= 2 * FACTOR:
            whole = len(cells) // FACTOR * FACTOR
            pairs = cells[:whole].reshape(-1, FACTOR, cells.shape[1])
            cells = np.round(pairs.mean(axis=1, dtype=np.float32)).astype(np.uint8)
            step *= FACTOR
            self._levels.append((step, cells))

    @classmethod
    def of(cls, samples: Floats, rate_hz: int) -> Spectrum:
        """The spectrogram of a sound (n,); seconds of work for a long one."""
        from studio.engine.speech.audio import resample
        from studio.engine.speech.mel import MEL_RATE_HZ, SAMPLE_RATE_HZ, mel_energies

        return cls(mel_energies(resample(samples, rate_hz, SAMPLE_RATE_HZ)), MEL_RATE_HZ)

    def picture(self, start_s: float, end_s: float, columns: int, height: int) -> NDArray[np.uint8]:
        """(height, columns) 0 silent to 255 loudest, the highest pitch at the top; silent outside of the sound."""
        per_column = (end_s - start_s) * self.rate_hz / columns
        step, cells = next(level for level in reversed(self._levels) if level[0] <= max(per_column, 1.0))
        times = start_s + (np.arange(columns) + 0.5) * (end_s - start_s) / columns
        place = (times * self.rate_hz + 0.5) / step - 0.5
        before = np.clip(np.floor(place).astype(np.int64), 0, len(cells) - 1)
        after = np.minimum(before + 1, len(cells) - 1)
        part = np.clip(place - before, 0.0, 1.0).astype(np.float32)[:, None]
        found = cells[before] * (1 - part) + cells[after] * part
        found[(place < -1) | (place > len(cells))] = 0.0
        bands = cells.shape[1]
        row = np.clip((height - np.arange(height) - 0.5) / height * bands - 0.5, 0, bands - 1)
        low = np.floor(row).astype(np.int64)
        high = np.minimum(low + 1, bands - 1)
        share = (row - low).astype(np.float32)[:, None]
        levels = np.ascontiguousarray(found.T)
        mixed = levels[low]  # by hand: threads of a matrix product wait for each other on a busy machine
        mixed += (levels[high] - mixed) * share
        return np.asarray(mixed + np.float32(0.5), np.uint8)
