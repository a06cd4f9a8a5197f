"""From action units and articulators to the weights of the head's modes.

A frame's displacement is Σ weight · mode: the modes are linear and fixed, the laws between what is asked for and
the weights are not. The laws keep combinations sane: closed lips stay closed over a dropped jaw, a blink overrules
a stare, opposite lip movements share the lips instead of adding up.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from studio.document.action_units import AU_INDEX, AU_KEYS, MAX_INTENSITY
from studio.engine.speech.articulators import ARTICULATORS

F64 = NDArray[np.float64]

AU_MODES: tuple[str, ...] = tuple(key for key in AU_KEYS if key != "AU26")
"""Modes that show one action unit at full strength at weight 1; AU26 is the jaw."""

SPEECH_MODES: tuple[str, ...] = (
    "jaw", "jaw_sealed", "part", "press", "round", "funnel", "spread", "tuck", "tongue_up", "tongue_out",
)  # fmt: skip

CORRECTIVES: tuple[str, ...] = ("blink_arc", "round_open")
"""Modes without a control of their own: lids follow the ball half-way through a blink; rounded lips open evenly."""

MODES: tuple[str, ...] = AU_MODES + SPEECH_MODES + CORRECTIVES
MODE_INDEX = {name: i for i, name in enumerate(MODES)}

_LIP_PARTERS = ("AU10", "AU25", "part")


def mode_weights(au: NDArray[np.floating], articulators: NDArray[np.floating]) -> F64:
    """Weights of every mode.

    Args:
        au: (F, 17) intensities 0–5 in the project's order; clipped to that range.
        articulators: (F, 10) in [0, 1] in the order of `ARTICULATORS`; clipped.

    Returns:
        (F, len(MODES)) weights, each within about [0, 1].
    """
    a = {name: np.clip(au[:, i], 0, MAX_INTENSITY) / MAX_INTENSITY for name, i in AU_INDEX.items()}
    s = {name: np.clip(articulators[:, i], 0, 1) for i, name in enumerate(ARTICULATORS)}
    w = {name: np.zeros(len(au)) for name in MODES}
    for name in AU_MODES:
        w[name] = a[name].astype(np.float64)
    close = _ease(s["lips_close"])
    tuck = s["lip_tuck"] * (1 - close)
    narrow = np.minimum(s["lips_round"] + s["lips_funnel"], 1.0)
    share = narrow / np.maximum(s["lips_round"] + s["lips_funnel"], 1e-9)
    # Brows: raising and lowering meet half-way instead of tearing at the skin.
    w["AU4"] = a["AU4"] * (1 - 0.30 * a["AU2"])
    w["AU1"] = a["AU1"] * (1 - 0.25 * a["AU9"])
    # Lids: a blink overrules both stare and squint.
    w["AU45"] = a["AU45"].astype(np.float64)
    w["AU5"] = a["AU5"] * (1 - a["AU45"]) * (1 - 0.5 * a["AU7"])
    w["AU7"] = a["AU7"] * (1 - a["AU45"])
    w["blink_arc"] = 4 * w["AU45"] * (1 - w["AU45"])
    # Jaw: one bone for speech and AU26; lips that close take some of it back.
    jaw = 1 - (1 - 0.92 * s["jaw_open"]) * (1 - 0.80 * a["AU26"])
    jaw = jaw * (1 - 0.40 * close) * (1 - 0.45 * tuck)
    jaw = np.maximum(jaw, 0.16 * s["tongue_out"] * (1 - close))
    w["jaw"] = jaw
    w["jaw_sealed"] = jaw * np.maximum(close, 0.55 * tuck)
    # Lips.
    w["press"] = close
    w["round"] = s["lips_round"] * share * (1 - 0.45 * close)
    w["funnel"] = s["lips_funnel"] * share * (1 - 0.75 * close) * (1 - 0.7 * tuck)
    w["round_open"] = w["round"] * (1 - close) * (1 - np.minimum(jaw / 0.35, 1.0))
    spread_room = 1 - 0.75 * narrow
    w["spread"] = s["lips_spread"] * spread_room * (1 - 0.5 * a["AU12"])
    w["part"] = np.maximum(s["lips_part"], 0.30 * s["tongue_out"]) * (1 - 0.35 * narrow)
    w["tuck"] = tuck
    for name in _LIP_PARTERS:
        w[name] = w[name] * (1 - close) * (1 - 0.6 * tuck)
    parted = np.maximum(np.maximum(a["AU25"], s["lips_part"]), 0)
    w["AU25"] = w["AU25"] * (1 - 0.5 * s["lips_part"])
    w["AU12"] = a["AU12"] * (1 - 0.45 * narrow)
    w["AU20"] = a["AU20"] * (1 - 0.45 * narrow)
    w["AU15"] = a["AU15"] * (1 - 0.35 * a["AU12"])
    w["AU17"] = a["AU17"] * (1 - 0.55 * np.minimum(jaw * 1.3 + 0.4 * parted, 1.0))
    w["AU23"] = a["AU23"] * (1 - 0.7 * np.minimum(jaw + parted, 1.0)) * (1 - 0.5 * close)
    # The tongue needs room before it can come out.
    w["tongue_up"] = s["tongue_up"] * (1 - s["tongue_out"])
    w["tongue_out"] = s["tongue_out"] * (1 - close)
    return np.stack([w[name] for name in MODES], axis=1)


def fold_weights(au: NDArray[np.floating]) -> F64:
    """(F, 11) strength of each of `materials.FOLDS` for action units (F, 17), 0…1."""
    a = {name: np.clip(au[:, i], 0, MAX_INTENSITY) / MAX_INTENSITY for name, i in AU_INDEX.items()}
    folds = (
        0.90 * a["AU1"] + 0.15 * a["AU2"] - 0.2 * a["AU4"],
        a["AU4"] + 0.35 * a["AU9"],
        a["AU9"] + 0.25 * a["AU4"],
        0.70 * a["AU6"] + 0.10 * a["AU12"] + 0.2 * a["AU7"],
        0.70 * a["AU12"] + 0.45 * a["AU10"] + 0.40 * a["AU9"] + 0.2 * a["AU14"] + 0.15 * a["AU20"],
        0.75 * a["AU6"] + 0.40 * a["AU7"] + 0.15 * a["AU12"],
        0.8 * a["AU17"] + 0.2 * a["AU15"],
        0.90 * a["AU2"] + 0.10 * a["AU1"] - 0.2 * a["AU4"],
        0.80 * a["AU14"] + 0.30 * a["AU12"] + 0.25 * a["AU20"],
        0.75 * a["AU23"],
        0.75 * a["AU15"] + 0.40 * a["AU17"],
    )
    return np.asarray(np.clip(np.stack(folds, axis=1), 0.0, 1.0))


def _ease(x: F64) -> F64:
    """Lips meet before the muscles have finished: closing is done at 0.85."""
    t = np.clip(x / 0.85, 0.0, 1.0)
    return np.asarray(t * t * (3 - 2 * t))
