"""What the performer does: what is said, how face, head and eyes move, and the sound, frame by frame.

Part of a performance is acted: the face follows the voice, as in recordings of people. The rest is free play, which
has nothing to do with what is said: an avatar trained only on smiles that always come with the same words learns that
the words smile, and the conflict set would show it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from studio.document.action_units import ACTION_UNITS, AU_INDEX, MAX_INTENSITY
from studio.engine.performer.acting import Acting, act
from studio.engine.performer.coarticulation import articulate
from studio.engine.performer.freeplay import ease, free_play
from studio.engine.performer.sentences import ENGLISH, HELD_OUT
from studio.engine.performer.talking import FPS, Passage, Sentence, talk
from studio.engine.performer.trials import Trial, conflicts, detected
from studio.engine.speech.phonemes import Phoneme

Kind = Literal["performance", "heldout", "neutral", "conflict", "noise"]

N_AU = len(ACTION_UNITS)
POSE_LIMITS_DEG = (12.0, 8.0, 5.0, 15.0, 10.0)
"""Largest head yaw, pitch, roll and gaze yaw, pitch."""

ACTING = 0.5
"""Share of a performance that is acted unless asked otherwise."""

_STREAM: dict[Kind, int] = {"performance": 11, "heldout": 7, "neutral": 7, "conflict": 7, "noise": 7}
"""Kinds with the same stream of random numbers say the same sentences where they draw from the same ones."""


@dataclass(frozen=True)
class Script:
    """A performance: everything that moves, frame by frame, and the sound."""

    fps: int
    au: NDArray[np.float32]  # (F, 17) OpenFace intensities 0–5
    articulators: NDArray[np.float32]  # (F, 10) in [0, 1]
    pose: NDArray[np.float32]  # (F, 5) degrees: yaw, pitch, roll, gaze_yaw, gaze_pitch
    speech: NDArray[np.float32]  # (F·640,) 16 kHz, as recorded
    phonemes: tuple[Phoneme, ...]
    sentences: tuple[Sentence, ...]
    au_clean: NDArray[np.float32] | None = None  # (F, 17) what the face truly does, where `au` is but an estimate of it
    trials: tuple[Trial, ...] = ()  # conflicts of expression with speech
    passages: tuple[Passage, ...] = ()  # where voice and, but for conflicts, face play an emotion

    @property
    def acted(self) -> NDArray[np.float32]:
        """(F, 17) what the face truly does: geometry and pictures follow it."""
        return self.au if self.au_clean is None else self.au_clean

    @property
    def n_frames(self) -> int:
        """Frames at `fps`."""
        return len(self.au)

    @property
    def duration_s(self) -> float:
        """Seconds."""
        return self.n_frames / self.fps


def write_script(seconds: float, seed: int, kind: Kind = "performance", *, acting: float = ACTING) -> Script:
    """Writes a performance.

    Args:
        seconds: Length, at least one frame.
        seed: The same seed gives the same script on machines with the same synthesisers.
        kind: "performance" for training; "heldout" says sentences, in voices and with expressions, that no training
            uses; "neutral" speaks with a still face (blinks, head and gaze move on); "conflict" says what "heldout"
            says with the same seed, as emotionally, with action units edited against it; "noise" moves as a held-out
            performance, its action units as a jittery detector reports them beside the true ones.
        acting: Share of the time, 0–1, that is acted: there the face follows the voice. 0 is free play alone.

    Raises:
        StudioError: No English voice is installed.
    """
    n = round(seconds * FPS)
    if n < 1:
        raise ValueError(f"a script of {seconds} s has no frame")
    if not 0.0 <= acting <= 1.0:
        raise ValueError(f"a share of acting of {acting} is not within 0 and 1")
    speak, play, move = (np.random.default_rng([seed, part, _STREAM[kind]]) for part in (1, 2, 3))
    held_out = kind in ("heldout", "conflict", "noise")
    said = talk(
        n,
        speak,
        HELD_OUT if held_out else ENGLISH,
        acting=0.0 if kind == "neutral" else acting,
        held_out=held_out,
    )
    acted = act(said, np.random.default_rng([seed, 4, _STREAM[kind]]))
    trials: tuple[Trial, ...] = ()
    if kind == "conflict":
        au, trials = conflicts(n, FPS, said.phonemes, said.voice, said.passages, play)
    elif kind == "neutral":
        au = np.zeros((n, N_AU))
    else:
        free = free_play(int(acted.clock[-1]) + 1, play, held_out=held_out)
        au = np.maximum(acted.au, acted.free[:, None] * free[acted.clock])
    au[:, AU_INDEX["AU45"]] = np.maximum(au[:, AU_INDEX["AU45"]], _blinks(n, play, said.passages, acted.blinks_s))
    au = np.clip(au, 0.0, MAX_INTENSITY)
    return Script(
        fps=FPS,
        au=(detected(au, FPS, play) if kind == "noise" else au).astype(np.float32),
        articulators=articulate(said.phonemes, n / FPS, FPS, said.voice),
        pose=_pose(n, move, acted, said.passages),
        speech=said.heard,
        phonemes=said.phonemes,
        sentences=said.sentences,
        au_clean=au.astype(np.float32) if kind == "noise" else None,
        trials=trials,
        passages=said.passages,
    )


def _blinks(
    n: int, rng: np.random.Generator, passages: Sequence[Passage], acted_s: Sequence[float]
) -> NDArray[np.float64]:
    """(n,) AU45: every 3–5 s, and where acting has them, the lids fall in 0.1 s, rest and rise in 0.16 s."""
    moments = list(acted_s)
    at = float(rng.uniform(0.8, 3.0))
    while at < n / FPS:
        if not any(p.start <= at * FPS < p.end for p in passages):
            moments.append(at)
        at += float(rng.uniform(3.0, 5.0))
    times = np.arange(n) / FPS
    out = np.zeros(n)
    for at in moments:
        tau = times - at
        out = np.maximum(out, MAX_INTENSITY * ease(tau / 0.10 + 1.0) * ease((0.04 - tau) / 0.16 + 1.0))
    return out


def _pose(n: int, rng: np.random.Generator, acted: Acting, passages: Sequence[Passage]) -> NDArray[np.float32]:
    """(n, 5) degrees: a head that is never quite still, eyes that jump from place to place."""
    out = np.zeros((n, 5))
    for column, (slow, quick) in enumerate(((5.0, 1.0), (3.0, 0.8), (1.8, 0.4))):
        out[:, column] = slow * _wander(n, rng, 1.6 * FPS) + quick * _wander(n, rng, 0.4 * FPS)
    out[:, :3] += acted.head
    goals: list[tuple[int, tuple[float, float]]] = []
    at = 0
    while at < n:
        hold = int(rng.integers(round(0.6 * FPS), round(2.4 * FPS)))
        goal = np.zeros(2) if rng.random() < 0.35 else rng.standard_normal(2) * (6.0, 3.5)
        if not any(p.start <= at < p.end for p in passages):
            goals.append((at, (float(goal[0]), float(goal[1]))))
        at += hold
    goals = sorted([*goals, *acted.glances], key=lambda g: g[0])
    gaze = np.zeros(2)
    for (start, goal_deg), end in zip(goals, [*(g[0] for g in goals[1:]), n], strict=True):
        hold = min(end, n) - start
        if hold <= 0:
            continue
        goal = np.array(goal_deg)
        size = float(np.linalg.norm(goal - gaze))
        frames = max(1, round((0.021 + 0.0022 * size) * FPS))  # main sequence: 21 ms + 2.2 ms per degree
        path = ease((np.arange(hold) + 1) / frames)[:, None]
        drift = 0.25 * np.stack([_wander(hold, rng, 6.0), _wander(hold, rng, 6.0)], axis=1)
        out[start : start + hold, 3:] = gaze + (goal - gaze) * path + drift
        gaze = goal
    limits = np.array(POSE_LIMITS_DEG)
    return np.asarray(limits * np.tanh(out / limits), np.float32)


def _wander(n: int, rng: np.random.Generator, sigma: float) -> NDArray[np.float64]:
    """(n,) smooth noise of unit variance."""
    pad = int(4 * sigma) + 1
    noise = gaussian_filter1d(rng.standard_normal(n + 2 * pad), sigma)[pad : pad + n]
    return np.asarray(noise * np.sqrt(2.0 * sigma * np.sqrt(np.pi)))
