"""Emotion score: is the emotion that a passage plays the one that the avatar's face shows?

The intensities that the avatar's motion shows, less those that the words alone would show, are averaged over a
passage; the face shows the prototype to which they point most closely. Prototypes are the studio's presets (EMFACS).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from studio.document.action_units import AU_KEYS
from studio.document.expressions import EXPRESSIONS

NEUTRAL = "neutral"

CALM = 1.0
"""A face whose mean intensities have a root of summed squares below this plays no emotion."""

FRAMES = 10
"""Passages of which fewer frames are measured do not count."""

ALSO_CALLED: Mapping[str, str] = {"happy": "happiness", "sad": "sadness"}
"""Presets whose emotion goes by a noun."""

APART = ("AU45",)
"""Units that come and go by themselves and say nothing about an emotion."""


class Passage(Protocol):
    """Frames in which an emotion is played."""

    @property
    def emotions(self) -> tuple[str, ...]:
        """Which; a blend has several, and each of them is right."""
        ...

    @property
    def start(self) -> int:
        """First frame."""
        ...

    @property
    def end(self) -> int:
        """The frame after the last."""
        ...


def shown_emotion(keys: Sequence[str], intensities: NDArray[np.float64]) -> str:
    """The emotion whose prototype the intensities (K,) of action units `keys` point to, or neutral."""
    use = [i for i, key in enumerate(keys) if key not in APART]
    face = np.clip(intensities[use], 0.0, None)
    size = float(np.linalg.norm(face))
    if size < CALM:
        return NEUTRAL
    columns = [AU_KEYS.index(keys[i]) for i in use]
    alike = {}
    for preset in EXPRESSIONS:
        prototype = preset.vector()[columns]
        alike[preset.name] = float(face @ prototype) / (size * max(float(np.linalg.norm(prototype)), 1e-9))
    best = max(alike, key=lambda name: alike[name])
    return ALSO_CALLED.get(best, best)


def emotion_score(
    passages: Sequence[Passage], frames: Sequence[int], keys: Sequence[str], shown: Tensor, true: Tensor
) -> dict[str, Any]:
    """Share of passages whose emotion is recognised.

    Args:
        passages: of the capture.
        frames: (S,) measured frames.
        keys: (K,) action units that are read.
        shown: (S, K) intensities that the avatar's motion shows, less those of the words.
        true: (S, K) the same of the true motion.

    Returns:
        emotion_score; emotion_score_truth, what a perfect head reaches; emotion_per_kind with the share per emotion;
        emotion_passages, how many there are. All null without passages.
    """
    known = {ALSO_CALLED.get(preset.name, preset.name) for preset in EXPRESSIONS} | {NEUTRAL}
    at = np.asarray(frames)
    right: dict[str, list[bool]] = {}
    reached: list[bool] = []
    for passage in passages:
        played = {ALSO_CALLED.get(name, name) for name in passage.emotions}
        among = np.flatnonzero((at >= passage.start) & (at < passage.end))
        if len(among) < FRAMES or not played <= known:
            continue
        mean, best = (values[among].double().mean(0).cpu().numpy() for values in (shown, true))
        right.setdefault("+".join(sorted(played)), []).append(shown_emotion(keys, mean) in played)
        reached.append(shown_emotion(keys, best) in played)
    every = [one for each in right.values() for one in each]
    return {
        "emotion_score": sum(every) / len(every) if every else None,
        "emotion_score_truth": sum(reached) / len(reached) if reached else None,
        "emotion_per_kind": {name: sum(each) / len(each) for name, each in sorted(right.items())} or None,
        "emotion_passages": len(every) or None,
    }
