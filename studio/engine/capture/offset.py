"""By how much a video's sound runs beside its lips.

The opening of the mouth, as seen, is compared with the opening that the speech encoder expects from the sound, at
every lag within a second. The encoder knows that lips lead their sound, so a film in sync has its best lag near zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from studio.engine.speech.articulators import ARTICULATORS
from studio.engine.speech.features import SpeechFeatures

F64 = NDArray[np.float64]

REACH_S = 0.8
STEP_S = 0.01

MIN_CORRELATION, MIN_CLEARNESS = 0.25, 3.5
"""Least correlation at the best lag, and least height of its peak over the lags far from it in their deviations, for
an offset to be believed."""

MAX_DISAGREEMENT_S = 0.08
"""Both halves of the clip must find the same offset within this."""

CORRECTED_FROM_S = 0.06
"""Smaller offsets are within the measure's error, and below what people notice."""

OPENING = {"jaw_open": 1.0, "lips_part": 0.35, "lips_funnel": 0.25, "lips_close": -0.55, "lips_round": -0.15}
"""How far articulators open the mouth, roughly, over a wide "ah"."""

_DRIFT_S = 0.6
"""Slower changes of the opening are mood, not speech, and are taken away."""

_BLUR_S = 0.03


@dataclass(frozen=True)
class Offset:
    """Where the sound belongs."""

    seconds: float  # positive: the sound comes after the lips that make it
    correlation: float  # at that lag
    clearness: float  # of the peak, deviations over far lags
    believed: bool

    @property
    def correction_s(self) -> float:
        """By how much the sound is to be drawn forward; 0 when the offset is not believed or small."""
        return self.seconds if self.believed and abs(self.seconds) >= CORRECTED_FROM_S else 0.0


def expected_opening(speech: SpeechFeatures, times_s: F64) -> F64:
    """(T,) how far the mouth should be open for a sound, 0 closed, about 1 wide."""
    values = speech.sample(times_s)
    return np.clip(sum(share * values[:, ARTICULATORS.index(name)] for name, share in OPENING.items()), 0.0, None)


def find_offset(opening: F64, times_s: F64, good: NDArray[np.bool_], speech: SpeechFeatures) -> Offset:
    """Compares what is seen with what is heard.

    Args:
        opening: (F,) gap between the lips over the size of the face, as seen.
        times_s: (F,) when the pictures were taken.
        good: (F,) pictures in which the mouth is seen.
        speech: what the encoder hears.
    """
    nothing = Offset(0.0, 0.0, 0.0, False)
    if good.sum() < 75:
        return nothing
    grid = np.arange(0.0, float(times_s[good].max()), STEP_S)
    seen = np.interp(grid, times_s[good], opening[good])
    near = np.abs(grid - times_s[good][np.clip(np.searchsorted(times_s[good], grid), 0, good.sum() - 1)]) < 0.12
    heard = expected_opening(speech, grid)
    voice = speech.sample(grid)[:, ARTICULATORS.index("voice")]
    if float((voice > 0.15).mean()) * len(grid) * STEP_S < 1.5 or float(heard.std()) < 1e-3:
        return nothing
    reach = round(REACH_S / STEP_S)
    a, b = _speechlike(seen) * near, _speechlike(heard)
    lags = np.arange(-reach, reach + 1)
    scores = np.array([_correlation(a, b, int(lag)) for lag in lags])
    at = int(np.argmax(scores))
    far = scores[np.abs(lags - lags[at]) > round(0.25 / STEP_S)]
    clear = float((scores[at] - far.mean()) / max(float(far.std()), 0.05))
    lag = float(lags[at])
    if 0 < at < len(lags) - 1:
        left, top, right = scores[at - 1 : at + 2]
        bend = left - 2 * top + right
        lag += float(0.5 * (left - right) / bend) if bend < -1e-12 else 0.0
    best, middle = float(scores[at]), len(grid) // 2
    halves = [
        lags[int(np.argmax([_correlation(a[part], b[part], int(lag)) for lag in lags]))]
        for part in (slice(0, middle), slice(middle, None))
    ]
    agreed = float(np.ptp(halves)) * STEP_S <= MAX_DISAGREEMENT_S
    return Offset(lag * STEP_S, best, clear, agreed and best >= MIN_CORRELATION and clear >= MIN_CLEARNESS)


def _speechlike(curve: F64) -> F64:
    """The curve without its slow part and its finest noise."""
    fine = gaussian_filter1d(curve, _BLUR_S / STEP_S, mode="nearest")
    return np.asarray(fine - gaussian_filter1d(curve, _DRIFT_S / STEP_S, mode="nearest"))


def _correlation(seen: F64, heard: F64, lag: int) -> float:
    """Of the lips at a moment with the sound `lag` steps later."""
    a, b = (seen[: len(seen) - lag], heard[lag:]) if lag >= 0 else (seen[-lag:], heard[:lag])
    a, b = a - a.mean(), b - b.mean()
    return float((a @ b) / max(float(np.sqrt((a @ a) * (b @ b))), 1e-12))
