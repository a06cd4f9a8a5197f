"""Emotions as an actor plays them: what the face shows, how the voice changes, where head and eyes go.

Action units follow the prototypes of EMFACS (Ekman, Friesen, Hager 2002); voices the directions that Juslin and Laukka
(2003) found across 104 studies: anger, fear and happiness are faster, louder and higher than neutral speech, sadness,
disgust and contempt slower, quieter and lower. Blends after Du, Tao and Martinez (2014) are kept for held-out
performances: each shows three units of the upper face together that a performance for training never does.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Emotion:
    """How one emotion is played at full strength, relative to neutral speech and a resting face."""

    name: str
    units: dict[str, float]  # intensities 0–5 of action units while it lasts
    accents: dict[str, float] = field(default_factory=dict)  # what a stressed vowel adds to them
    swing: float = 0.4  # share of `units` that comes and goes with the loudness of the voice
    tempo: float = 1.0
    pitch: float = 1.0
    loudness_db: float = 0.0
    head_deg: tuple[float, float, float] = (0.0, 0.0, 0.0)  # yaw, pitch, roll that the head leans to
    away_deg: tuple[float, float] = (4.0, 0.0)  # where eyes go in pauses: yaw (to either side) and pitch
    nod_deg: float = 1.5  # how far the chin dips on a stressed vowel


EMOTIONS: dict[str, Emotion] = {
    emotion.name: emotion
    for emotion in (
        Emotion("neutral", {}, {"AU1": 1.2, "AU2": 1.4}, nod_deg=1.2),
        Emotion(
            "anger",
            {"AU4": 3.8, "AU5": 2.2, "AU7": 2.8, "AU10": 1.0, "AU17": 1.0, "AU23": 2.6},
            {"AU4": 1.2, "AU7": 0.8},
            swing=0.5,
            tempo=1.12,
            pitch=1.07,
            loudness_db=5.0,
            head_deg=(0.0, -3.5, 0.0),
            away_deg=(2.0, -1.0),
            nod_deg=2.6,
        ),
        Emotion(
            "disgust",
            {"AU4": 1.2, "AU7": 1.2, "AU9": 3.6, "AU10": 3.2, "AU15": 1.2, "AU17": 1.6},
            {"AU9": 1.2, "AU10": 0.8},
            tempo=0.92,
            pitch=0.97,
            loudness_db=-0.5,
            head_deg=(4.0, 2.0, -1.5),
            away_deg=(7.0, -2.0),
        ),
        Emotion(
            "fear",
            {"AU1": 3.6, "AU2": 2.6, "AU4": 2.2, "AU5": 3.6, "AU20": 3.0, "AU25": 1.2, "AU26": 0.8},
            {"AU1": 1.0, "AU5": 0.8},
            swing=0.3,
            tempo=1.16,
            pitch=1.12,
            loudness_db=1.5,
            head_deg=(0.0, 2.5, 0.0),
            away_deg=(9.0, 1.0),
            nod_deg=0.8,
        ),
        Emotion(
            "happiness",
            {"AU6": 3.2, "AU12": 3.8, "AU25": 0.8},
            {"AU1": 1.4, "AU2": 1.6, "AU6": 0.6},
            swing=0.5,
            tempo=1.06,
            pitch=1.08,
            loudness_db=3.0,
            head_deg=(0.0, 1.0, 2.5),
            away_deg=(4.0, 2.0),
            nod_deg=2.0,
        ),
        Emotion(
            "sadness",
            {"AU1": 3.4, "AU4": 2.2, "AU15": 3.2, "AU17": 1.8},
            {"AU1": 0.8},
            swing=0.25,
            tempo=0.84,
            pitch=0.94,
            loudness_db=-4.5,
            head_deg=(0.0, -4.0, -2.0),
            away_deg=(3.0, -7.0),
            nod_deg=0.8,
        ),
        Emotion(
            "surprise",
            {"AU1": 3.6, "AU2": 4.0, "AU5": 3.2, "AU25": 1.0, "AU26": 2.2},
            {"AU2": 1.0, "AU5": 1.0},
            swing=0.5,
            tempo=1.02,
            pitch=1.11,
            loudness_db=2.5,
            head_deg=(0.0, 3.0, 0.0),
            away_deg=(3.0, 3.0),
        ),
        Emotion(
            "contempt",
            {"AU7": 1.4, "AU12": 0.8, "AU14": 3.8},
            {"AU2": 1.0},
            swing=0.3,
            tempo=0.94,
            pitch=0.97,
            loudness_db=-1.0,
            head_deg=(3.0, 3.5, 2.0),
            away_deg=(8.0, -2.0),
            nod_deg=1.0,
        ),
    )
}
"""The seven emotions, and acting without any."""

BLENDS: tuple[tuple[str, str], ...] = (
    ("happiness", "surprise"),
    ("happiness", "disgust"),
    ("fear", "disgust"),
    ("sadness", "happiness"),
)
"""Two emotions at once, which only held-out performances act."""

RESERVED: tuple[tuple[str, str, str], ...] = (
    ("AU2", "AU5", "AU6"),
    ("AU4", "AU6", "AU9"),
    ("AU4", "AU5", "AU9"),
    ("AU1", "AU4", "AU6"),
)
"""Of each blend, three units that no performance for training shows together."""


def blended(names: tuple[str, ...]) -> Emotion:
    """One emotion, or several as one: the stronger of every unit, means of everything else."""
    parts = [EMOTIONS[name] for name in names]
    if len(parts) == 1:
        return parts[0]
    share = 1.0 / len(parts)

    def strongest(tables: list[dict[str, float]]) -> dict[str, float]:
        keys = [key for table in tables for key in table]
        return {key: max(table.get(key, 0.0) for table in tables) for key in dict.fromkeys(keys)}

    return Emotion(
        " and ".join(names),
        strongest([p.units for p in parts]),
        strongest([p.accents for p in parts]),
        swing=share * sum(p.swing for p in parts),
        tempo=share * sum(p.tempo for p in parts),
        pitch=share * sum(p.pitch for p in parts),
        loudness_db=share * sum(p.loudness_db for p in parts),
        head_deg=(
            share * sum(p.head_deg[0] for p in parts),
            share * sum(p.head_deg[1] for p in parts),
            share * sum(p.head_deg[2] for p in parts),
        ),
        away_deg=(share * sum(p.away_deg[0] for p in parts), share * sum(p.away_deg[1] for p in parts)),
        nod_deg=share * sum(p.nod_deg for p in parts),
    )
