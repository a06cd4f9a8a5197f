"""Action units of a real face: which muscles explain the scores and distances that are seen, on top of the speech.

Every feature (52 scores, 16 distances) is taken to move in proportion to the action units and to the articulation of
speech; by how much was measured on performers, whose muscles are known (`calibrate`). A picture's action units are the
ones, none negative, that explain its features best; the articulation that the sound suggests is explained away first,
so that speaking does not count as AU25 and AU26. All is measured from the person's own neutral face, found in the clip.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from studio.document.action_units import AU_INDEX, AU_KEYS, MAX_INTENSITY
from studio.engine.capture.geometry import MEASURES
from studio.engine.capture.mesh import SCORES
from studio.engine.capture.smoothing import smooth
from studio.engine.speech.articulators import ARTICULATORS
from studio.errors import StudioError

F64 = NDArray[np.float64]
Flags = NDArray[np.bool_]

FEATURES = SCORES + MEASURES
"""Columns of feature arrays."""

TABLE = Path(__file__).resolve().parents[3] / "assets" / "portrait" / "actions.json"

_QUIET_SHARE = 0.08
"""Share of a clip's pictures, the quietest, that the neutral face is taken from."""

_UNIT_SPREAD = 0.5
"""Expected strength of an action unit, as a share of the full one; holds back what no feature asks for."""

_SPEECH_SPREAD = (0.06, 0.35)
"""How far articulation lies from what the sound suggests: in silence, and what loud speech adds."""

_SWEEPS = 80
_QUIET_IGNORES = ("_neutral", "eyeLook", "jawForward")


@dataclass(frozen=True)
class ActionTable:
    """How features follow muscles."""

    units: F64  # (17, 68) change of every feature at full intensity
    speech: F64  # (10, 68) change at full articulation
    noise: F64  # (68,) what is left unexplained, standard deviation


@dataclass(frozen=True)
class Actions:
    """Action units of a clip."""

    au: F64  # (F, 17) intensities 0–5, smoothed, bridged where no face was seen
    neutral: F64  # (68,) features of the person's neutral face
    explained: F64  # (F,) share of the features' movement that action units and speech account for


@lru_cache(maxsize=1)
def load_table(path: Path = TABLE) -> ActionTable:
    """The calibration.

    Raises:
        StudioError: it is missing or belongs to another version.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        same = tuple(data["features"]) == FEATURES and tuple(data["units"]) == AU_KEYS
        same = same and tuple(data["speech"]) == ARTICULATORS
        table = ActionTable(*(np.array(data[k], dtype=np.float64) for k in ("by_unit", "by_speech", "noise")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StudioError(f"The calibration {path} cannot be read; install the studio again.") from error
    shapes = (table.units.shape, table.speech.shape, table.noise.shape)
    if not same or shapes != ((len(AU_KEYS), len(FEATURES)), (len(ARTICULATORS), len(FEATURES)), (len(FEATURES),)):
        raise StudioError(f"The calibration {path} belongs to another version; install the studio again.")
    return table


def find_actions(features: F64, good: Flags, speech: F64, table: ActionTable, times_s: F64) -> Actions:
    """Action units from what is seen and heard.

    Args:
        features: (F, 68) as `FEATURES`, anything where not good.
        good: (F,) pictures with a face.
        speech: (F, 10) articulation that the sound suggests.
        table: see `ActionTable`.
        times_s: (F,) when the pictures were taken.
    """
    seen = features[good]
    neutral = neutral_face(seen)
    shares, explained_now = explain(seen - neutral, speech[good], table)
    au, explained = np.zeros((len(features), len(AU_KEYS))), np.full(len(features), np.nan)
    au[good], explained[good] = MAX_INTENSITY * shares, explained_now
    au = smooth(au, good, times_s)
    return Actions(np.clip(au, 0.0, MAX_INTENSITY), neutral, explained)


def neutral_face(seen: F64) -> F64:
    """(68,) features of the person at rest: those of the quietest pictures; scores never above what is often lower."""
    low = np.percentile(seen, 10, axis=0)
    n = len(SCORES)
    counted = np.array([not name.startswith(_QUIET_IGNORES) for name in SCORES])
    activity = np.maximum(seen[:, :n] - low[:n], 0.0)[:, counted].sum(1)
    gap = seen[:, FEATURES.index("gap")]
    activity += 3.0 * np.maximum(gap - np.percentile(gap, 10), 0.0)
    brows = [FEATURES.index(name) for name in ("brow_inner", "brow_outer", "brow_gap")]
    usual = np.median(seen[:, brows], axis=0)  # a frown is quiet to the scores, but it is no rest
    spread = 1.4826 * np.median(np.abs(seen[:, brows] - usual), axis=0)
    activity += 0.15 * (np.abs(seen[:, brows] - usual) / np.maximum(spread, 1e-4)).sum(1)
    quiet = np.argsort(activity)[: max(8, round(_QUIET_SHARE * len(seen)))]
    middle = np.median(seen[quiet], axis=0)
    middle[:n] = np.minimum(middle[:n], np.percentile(seen[:, :n], 25, axis=0))
    return np.asarray(middle)


def explain(change: F64, speech: F64, table: ActionTable) -> tuple[F64, F64]:
    """The action units behind features' changes from neutral.

    Minimises |(change - units · a - speech · s) / noise|² + |a / spread|² + |(s - heard) / spread|² over a, s in
    [0, 1] by coordinate descent, for all pictures at once.

    Args:
        change: (F, 68).
        speech: (F, 10) articulation that is heard.
        table: see `ActionTable`.

    Returns:
        (F, 17) shares of full intensity in [0, 1], and (F,) share of the movement that is explained.
    """
    slopes = np.concatenate([table.units, table.speech]) / table.noise  # (27, 68)
    wanted = np.clip(change / table.noise, -20.0, 20.0)
    k, frames = len(AU_KEYS), len(change)
    quiet, loud = _SPEECH_SPREAD
    voice = np.clip(speech[:, ARTICULATORS.index("voice")], 0.0, 1.0)
    hold = np.empty((frames, len(slopes)))
    hold[:, :k] = 1.0 / _UNIT_SPREAD**2
    hold[:, k:] = (1.0 / (quiet + loud * voice) ** 2)[:, None]
    centre = np.concatenate([np.zeros((frames, k)), np.clip(speech, 0.0, 1.0)], axis=1)
    x = centre.copy()
    gram = slopes @ slopes.T
    pull = wanted @ slopes.T + hold * centre
    for _ in range(_SWEEPS):
        for j in range(len(slopes)):
            rest = pull[:, j] - x @ gram[:, j] + x[:, j] * gram[j, j]
            x[:, j] = np.clip(rest / (gram[j, j] + hold[:, j]), 0.0, 1.0)
    missing = ((wanted - x @ slopes) ** 2).sum(1)
    whole = (wanted**2).sum(1)
    return x[:, :k], 1.0 - missing / np.maximum(whole, 1e-9)


def channel(au: F64, key: str) -> F64:
    """(F,) one action unit by its key."""
    return np.asarray(au[:, AU_INDEX[key]])
