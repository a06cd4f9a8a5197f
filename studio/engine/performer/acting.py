"""Acted passages: a face, a head and eyes that follow the voice, as people's do.

While an emotion lasts, its action units rise and fall with the loudness of the voice; brows move on stressed vowels,
where the chin dips too; eyes meet the camera while speaking and leave it in pauses, where lids fall.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from studio.document.action_units import ACTION_UNITS, AU_INDEX, MAX_INTENSITY
from studio.engine.performer.coarticulation import voice_level
from studio.engine.performer.emotions import Emotion, blended
from studio.engine.performer.freeplay import ease
from studio.engine.performer.talking import FPS, SAMPLES_PER_FRAME, Passage, Talk
from studio.engine.speech.mel import MEL_RATE_HZ
from studio.engine.speech.phonemes import VOWELS

F64 = NDArray[np.float64]

N_AU = len(ACTION_UNITS)

HANDOVER = 8
"""Frames in which free play fades where an acted passage begins or ends."""

_FADE = 6
"""Frames an acted passage waits before its expression comes, while free play goes."""
_ONSET = 10
"""Frames in which an expression comes or goes."""
_ACCENT_APART_S = 0.42
"""Stressed vowels follow one another no faster."""
_ACCENT_LEAD_S = 0.04
"""Brows are at their highest this long before the middle of the vowel."""
_PAUSE_S = 0.24
"""Silence that is long enough for a blink or a glance."""


@dataclass(frozen=True)
class Acting:
    """What acted passages add to a performance."""

    au: F64  # (F, 17) intensities; 0 outside acted passages
    free: F64  # (F,) share of free play: 0 within acted passages, 1 elsewhere, faded between
    clock: NDArray[np.int64]  # (F,) how many frames of free play there were before each frame
    blinks_s: tuple[float, ...]  # when lids are down
    glances: tuple[tuple[int, tuple[float, float]], ...]  # frames at which eyes leave for a gaze in degrees
    head: F64  # (F, 3) degrees that the head leans and nods


def act(talk: Talk, rng: np.random.Generator) -> Acting:
    """Acts the passages of a talk."""
    frames = len(talk.voice) // SAMPLES_PER_FRAME
    au, head = np.zeros((frames, N_AU)), np.zeros((frames, 3))
    blinks: list[float] = []
    glances: list[tuple[int, tuple[float, float]]] = []
    level = _loudness(talk, frames)
    pauses = _pauses(talk)
    for passage in talk.passages:
        mood = blended(passage.emotions)
        accents = stressed(talk, passage)
        _play(au, mood, passage, level, accents, rng)
        _move_head(head, mood, passage, accents, rng)
        for start_s, end_s in pauses:
            middle_s = 0.5 * (start_s + end_s)
            if not passage.start <= middle_s * FPS < passage.end:
                continue
            if rng.random() < 0.7 and (not blinks or middle_s - blinks[-1] > 1.0):
                blinks.append(start_s + min(0.12, 0.5 * (end_s - start_s)))
            if rng.random() < 0.6:
                side = float(rng.choice((-1.0, 1.0)))
                away = (side * mood.away_deg[0] + float(rng.normal(0, 2.5)), mood.away_deg[1] + float(rng.normal(0, 2)))
                glances.append((round(start_s * FPS), away))
                glances.append((round(end_s * FPS) + int(rng.integers(0, 8)), _at_camera(rng)))
        glances.append((passage.start, _at_camera(rng)))
    acted = np.zeros(frames, bool)
    for passage in talk.passages:
        acted[passage.start : passage.end] = True
    return Acting(
        np.clip(au, 0.0, MAX_INTENSITY),
        _share_of_free_play(talk.passages, frames),
        np.concatenate([[0], np.cumsum(~acted)[:-1]]) if frames else np.zeros(0, np.int64),
        tuple(blinks),
        tuple(sorted(glances)),
        head,
    )


def stressed(talk: Talk, passage: Passage) -> list[tuple[float, float]]:
    """Vowels of a passage that stand out by loudness and length: (middle in seconds, strength 0.5–1), in time order."""
    found: list[tuple[float, float]] = []
    for p in talk.phonemes:
        if p.label in VOWELS and passage.start <= p.start_s * FPS < passage.end:
            piece = talk.voice[round(p.start_s * 16_000) : round(p.end_s * 16_000)]
            power_db = 10.0 * np.log10(float(np.mean(np.square(piece))) + 1e-10) if len(piece) else -100.0
            found.append((0.5 * (p.start_s + p.end_s), power_db + 60.0 * min(p.duration_s, 0.25)))
    if not found:
        return []
    scores = np.array([score for _, score in found])
    low, high = np.percentile(scores, [50.0, 95.0])
    chosen: list[tuple[float, float]] = []
    for i in np.argsort(-scores, kind="stable"):
        time_s, score = found[int(i)]
        if score >= low and all(abs(time_s - other) > _ACCENT_APART_S for other, _ in chosen):
            chosen.append((time_s, float(np.clip(0.5 + 0.5 * (score - low) / (high - low + 1e-6), 0.5, 1.0))))
    return sorted(chosen)


def _loudness(talk: Talk, frames: int) -> F64:
    """(F,) in [0, 1]: how loud the voice is around each frame, against the performance's loud speech."""
    level = gaussian_filter1d(voice_level(talk.voice), 0.2 * MEL_RATE_HZ, mode="nearest")
    return np.interp(np.arange(frames) / FPS, np.arange(len(level)) / MEL_RATE_HZ, level)


def _pauses(talk: Talk) -> list[tuple[float, float]]:
    """Stretches without a sound, between sentences and within them."""
    sounds = talk.phonemes
    return [(a.end_s, b.start_s) for a, b in itertools.pairwise(sounds) if b.start_s - a.end_s >= _PAUSE_S]


def _bump(frames: int, middle: float, rise: float, hold: float, fall: float) -> tuple[slice, F64]:
    """Rows and values of a rise to 1 around a frame and a fall after it; lengths in frames."""
    low, high = max(0, int(middle - hold / 2 - rise)), min(frames, int(middle + hold / 2 + fall) + 2)
    t = np.arange(low, max(low, high), dtype=np.float64) - middle
    return slice(low, max(low, high)), ease((t + hold / 2) / rise + 1.0) * ease((hold / 2 - t) / fall + 1.0)


def _envelope(passage: Passage, frames: int) -> tuple[slice, F64]:
    """Rows and values of an expression that comes once free play has gone, and has gone before it returns."""
    start, end = passage.start + (_FADE if passage.start else 0), passage.end - (_FADE if passage.end < frames else 0)
    t = np.arange(start, max(start, end), dtype=np.float64)
    return slice(start, max(start, end)), ease((t - start + 1) / _ONSET) * ease((end - t) / _ONSET)


def _play(
    au: F64,
    mood: Emotion,
    passage: Passage,
    level: F64,
    accents: Sequence[tuple[float, float]],
    rng: np.random.Generator,
) -> None:
    """Writes a passage's expression into (F, 17) units."""
    rows, envelope = _envelope(passage, len(au))
    count = rows.stop - rows.start
    if count == 0:
        return
    drive = 1.0 - mood.swing + mood.swing * 1.4 * level[rows]
    stress = np.zeros(len(au))
    for time_s, strength in accents:
        at, bump = _bump(len(au), (time_s - _ACCENT_LEAD_S) * FPS, 4.0, 2.0, 7.0)
        stress[at] = np.maximum(stress[at], strength * bump)
    for key in dict.fromkeys((*mood.units, *mood.accents)):
        wander = gaussian_filter1d(rng.standard_normal(count + 100), 12.0)[50:-50] * 6.5 * 0.1
        held = mood.units.get(key, 0.0) * float(rng.uniform(0.8, 1.2)) * drive * np.clip(1.0 + wander, 0.6, 1.4)
        accent = mood.accents.get(key, 0.0) * float(rng.uniform(0.7, 1.3)) * stress[rows]
        au[rows, AU_INDEX[key]] = envelope * passage.strength * (held + accent)


def _move_head(
    head: F64, mood: Emotion, passage: Passage, accents: Sequence[tuple[float, float]], rng: np.random.Generator
) -> None:
    """Adds a passage's lean and nods to (F, 3) degrees; the lean comes within 0.8 s."""
    t = np.arange(passage.start, passage.end, dtype=np.float64)
    slow = ease((t - passage.start) / 20.0) * ease((passage.end - t) / 20.0)
    side = np.array([rng.choice((-1.0, 1.0)), 1.0, rng.choice((-1.0, 1.0))])
    head[passage.start : passage.end] += slow[:, None] * side * mood.head_deg * passage.strength
    for time_s, strength in accents:
        if rng.random() < 0.75:
            rows, bump = _bump(len(head), time_s * FPS, 8.0, 1.0, 10.0)
            head[rows, 1] -= float(rng.uniform(0.6, 1.3)) * mood.nod_deg * strength * bump


def _at_camera(rng: np.random.Generator) -> tuple[float, float]:
    return float(rng.normal(0.0, 1.0)), float(rng.normal(0.0, 0.7))


def _share_of_free_play(passages: Sequence[Passage], frames: int) -> F64:
    share = np.ones(frames)
    for passage in passages:
        t = np.arange(passage.start, passage.end, dtype=np.float64)
        gone = ease(1.0 - (t - passage.start + 1) / HANDOVER) if passage.start else np.zeros(len(t))
        back = ease(1.0 - (passage.end - t) / HANDOVER) if passage.end < frames else np.zeros(len(t))
        share[passage.start : passage.end] = np.maximum(gone, back)
    return share
