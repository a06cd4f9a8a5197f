"""ARKit's 52 face channels ↔ action units: the mapping, and what it loses.

Each action unit stands for one ARKit channel or the mean of a left and a right one, times five. Most pairs are the
same movement; two are the nearest there is: ARKit has no lip tightener (AU23), for which MouthPress (rather AU24)
stands in, and no lips part (AU25), for which MouthLowerDown (rather AU16) does. Thirteen channels of jaw, lips,
cheeks and tongue have no action unit in the studio; most belong to speech, which drives the avatar by itself.
Exporting a take and importing it again gives it back.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from studio.document.action_units import AU_INDEX, MAX_INTENSITY

Floats = NDArray[np.float64]

_SIDED = (
    ["EyeBlink", "EyeLookDown", "EyeLookIn", "EyeLookOut", "EyeLookUp", "EyeSquint", "EyeWide"],
    ["MouthSmile", "MouthFrown", "MouthDimple", "MouthStretch"],
)

ARKIT: tuple[str, ...] = (
    *(f"{name}Left" for name in _SIDED[0]),
    *(f"{name}Right" for name in _SIDED[0]),
    *[
        "JawForward",
        "JawRight",
        "JawLeft",
        "JawOpen",
        "MouthClose",
        "MouthFunnel",
        "MouthPucker",
        "MouthRight",
        "MouthLeft",
    ],
    *(name + side for name in _SIDED[1] for side in ("Left", "Right")),
    *["MouthRollLower", "MouthRollUpper", "MouthShrugLower", "MouthShrugUpper", "MouthPressLeft", "MouthPressRight"],
    *[
        "MouthLowerDownLeft",
        "MouthLowerDownRight",
        "MouthUpperUpLeft",
        "MouthUpperUpRight",
        "BrowDownLeft",
        "BrowDownRight",
    ],
    *["BrowInnerUp", "BrowOuterUpLeft", "BrowOuterUpRight", "CheekPuff", "CheekSquintLeft", "CheekSquintRight"],
    *["NoseSneerLeft", "NoseSneerRight", "TongueOut"],
)
"""The 52 channels in the order of Live Link Face files."""

ARKIT_INDEX: dict[str, int] = {name: i for i, name in enumerate(ARKIT)}

AU_TO_ARKIT: dict[str, str] = {
    "AU1": "BrowInnerUp",
    "AU2": "BrowOuterUp",
    "AU4": "BrowDown",
    "AU5": "EyeWide",
    "AU6": "CheekSquint",
    "AU7": "EyeSquint",
    "AU9": "NoseSneer",
    "AU45": "EyeBlink",
    "AU10": "MouthUpperUp",
    "AU12": "MouthSmile",
    "AU14": "MouthDimple",
    "AU15": "MouthFrown",
    "AU17": "MouthShrugLower",
    "AU20": "MouthStretch",
    "AU23": "MouthPress",
    "AU25": "MouthLowerDown",
    "AU26": "JawOpen",
}
"""Action unit → channel, or the name that `Left` and `Right` follow."""

NEAREST: dict[str, str] = {
    "AU23": "MouthPress presses the lips (AU24) and stands in for the lip tightener",
    "AU25": "MouthLowerDown lowers the lower lip (AU16) and stands in for lips part",
}

GAZE_YAW_DEG = 35.0
GAZE_PITCH_DEG = 30.0
"""Degrees of eye rotation at EyeLook… = 1; ARKit documents none, these are about the limits of comfortable gaze."""

GAZE_CHANNELS = tuple(name for name in ARKIT if name.startswith("EyeLook"))
UNMAPPED: tuple[str, ...] = tuple(
    name
    for name in ARKIT
    if name not in GAZE_CHANNELS
    and not any(name in (stem, f"{stem}Left", f"{stem}Right") for stem in AU_TO_ARKIT.values())
)
"""Channels without an action unit."""

_MOVED = 0.05
_ASYMMETRY = 0.1


def channels_of(au: str) -> tuple[str, ...]:
    """The one or two ARKit channels of an action unit."""
    stem = AU_TO_ARKIT[au]
    return (stem,) if stem in ARKIT_INDEX else (f"{stem}Left", f"{stem}Right")


def match(names: tuple[str, ...]) -> dict[str, int]:
    """ARKit channel → index in a file's names, whatever their case, underscores, or a short `L` and `R`."""
    found: dict[str, int] = {}
    known = {name.lower(): name for name in ARKIT}
    for i, name in enumerate(names):
        plain = "".join(c for c in name.lower() if c.isalnum())
        for spelling in (plain, f"{plain[:-1]}left" if plain.endswith("l") else "", f"{plain}ight"):
            if spelling in known:
                found.setdefault(known[spelling], i)
                break
    return found


def to_action_units(values: Floats, present: frozenset[str]) -> tuple[Floats, Floats | None, tuple[str, ...]]:
    """Action units, gaze and warnings of ARKit channels.

    Args:
        values: (F, 52) in the order of `ARKIT`, 0–1; clipped.
        present: Channels that the file had; others must be zero.

    Returns:
        Intensities (F, 17) 0–5; gaze (F, 2) degrees [yaw, pitch] or None without gaze channels; one sentence for
        each channel that was lost, averaged or missing.
    """
    weights = np.clip(values, 0.0, 1.0)
    au = np.zeros((len(weights), len(AU_INDEX)))
    warnings: list[str] = []
    for key, column in AU_INDEX.items():
        names = [name for name in channels_of(key) if name in present]
        if not names:
            warnings.append(f"{' and '.join(channels_of(key))} are not in the file; {key} stays at zero.")
            continue
        sides = weights[:, [ARKIT_INDEX[name] for name in names]]
        au[:, column] = MAX_INTENSITY * sides.mean(1)
        apart = float(np.abs(sides[:, 0] - sides[:, -1]).max(initial=0.0))
        if apart > _ASYMMETRY:
            warnings.append(f"{names[0]} and {names[1]} differ by up to {apart:.2f}; {key} takes their mean.")
        if key in NEAREST and au[:, column].max(initial=0.0) > _MOVED * MAX_INTENSITY:
            warnings.append(f"{key}: {NEAREST[key]}.")
    for name in UNMAPPED:
        strongest = float(weights[:, ARKIT_INDEX[name]].max(initial=0.0))
        if strongest > _MOVED:
            warnings.append(f"{name} (up to {strongest:.2f}) has no action unit and is lost.")
    return au, _gaze(weights) if present & set(GAZE_CHANNELS) else None, tuple(warnings)


def from_action_units(au: NDArray[np.float32], gaze: Floats | None) -> Floats:
    """(F, 52) ARKit channels 0–1 of intensities (F, 17) 0–5 and gaze (F, 2) degrees [yaw, pitch]."""
    weights = np.zeros((len(au), len(ARKIT)))
    for key, column in AU_INDEX.items():
        for name in channels_of(key):
            weights[:, ARKIT_INDEX[name]] = au[:, column] / MAX_INTENSITY
    if gaze is not None:
        left, up = np.clip(gaze / [GAZE_YAW_DEG, GAZE_PITCH_DEG], -1, 1).T
        for name, amount in (
            ("EyeLookOutLeft", left),
            ("EyeLookInRight", left),
            ("EyeLookInLeft", -left),
            ("EyeLookOutRight", -left),
            ("EyeLookUpLeft", up),
            ("EyeLookUpRight", up),
            ("EyeLookDownLeft", -up),
            ("EyeLookDownRight", -up),
        ):
            weights[:, ARKIT_INDEX[name]] = np.maximum(amount, 0.0)
    return weights


def _gaze(weights: Floats) -> Floats:
    """(F, 2) degrees: to the subject's left the left eye looks out and the right one in."""
    w = {name: weights[:, ARKIT_INDEX[name]] for name in GAZE_CHANNELS}
    left = (w["EyeLookOutLeft"] + w["EyeLookInRight"] - w["EyeLookInLeft"] - w["EyeLookOutRight"]) / 2
    up = (w["EyeLookUpLeft"] + w["EyeLookUpRight"] - w["EyeLookDownLeft"] - w["EyeLookDownRight"]) / 2
    return np.stack([left * GAZE_YAW_DEG, up * GAZE_PITCH_DEG], 1)
