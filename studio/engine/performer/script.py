"""What the performer does: says sentences and, independently of them, moves its face, head and eyes.

Independence matters: an avatar trained on smiles that always come with the same words learns that the words smile.
Action units therefore follow their own random timetable, which first shows every unit alone at every level, every
pair of upper-face units, and then ramps and smooth random expressions.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from studio.document.action_units import ACTION_UNITS, AU_INDEX, LOWER, MAX_INTENSITY, UPPER
from studio.engine.performer.coarticulation import articulate
from studio.engine.performer.sentences import ENGLISH, HELD_OUT
from studio.engine.performer.trials import Trial, conflicts, detected
from studio.engine.performer.voices import VOICE_RATE_HZ, Utterance, Voice, available_voices, speak
from studio.engine.speech.phonemes import SILENCE, Phoneme
from studio.errors import StudioError

Kind = Literal["performance", "heldout", "neutral", "conflict", "noise"]

FPS = 25
SAMPLES_PER_FRAME = VOICE_RATE_HZ // FPS
N_AU = len(ACTION_UNITS)
POSE_LIMITS_DEG = (12.0, 8.0, 5.0, 15.0, 10.0)
"""Largest head yaw, pitch, roll and gaze yaw, pitch."""

_VOICES = ("slt", "rms", "awb", "kal16")

_STREAM: dict[Kind, int] = {"performance": 11, "heldout": 7, "neutral": 7, "conflict": 7, "noise": 7}
"""Kinds with the same stream of random numbers say the same sentences where they draw from the same ones."""


@dataclass(frozen=True)
class Sentence:
    """One sentence in time."""

    text: str
    voice: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Script:
    """A performance: everything that moves, frame by frame, and the sound."""

    fps: int
    au: NDArray[np.float32]  # (F, 17) OpenFace intensities 0–5
    articulators: NDArray[np.float32]  # (F, 10) in [0, 1]
    pose: NDArray[np.float32]  # (F, 5) degrees: yaw, pitch, roll, gaze_yaw, gaze_pitch
    speech: NDArray[np.float32]  # (F·640,) 16 kHz
    phonemes: tuple[Phoneme, ...]
    sentences: tuple[Sentence, ...]
    au_clean: NDArray[np.float32] | None = None  # (F, 17) what the face truly does, where `au` is but an estimate of it
    trials: tuple[Trial, ...] = ()  # conflicts of expression with speech

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


def write_script(seconds: float, seed: int, kind: Kind = "performance") -> Script:
    """Writes a performance.

    Args:
        seconds: Length, at least one frame.
        seed: The same seed gives the same script on machines with the same synthesisers.
        kind: "performance" for training; "heldout" says sentences that no training uses; "neutral" speaks with a
            still face (blinks, head and gaze move on); "conflict" says what "heldout" says with the same seed, with
            action units edited against it; "noise" moves as freely as a performance, its action units as a jittery
            detector reports them beside the true ones.

    Raises:
        StudioError: No English voice is installed.
    """
    n = round(seconds * FPS)
    if n < 1:
        raise ValueError(f"a script of {seconds} s has no frame")
    talk, act, move = (np.random.default_rng([seed, part, _STREAM[kind]]) for part in (1, 2, 3))
    speech, phonemes, sentences = _talk(n, talk, ENGLISH if kind in ("performance", "neutral") else HELD_OUT)
    trials: tuple[Trial, ...] = ()
    if kind == "conflict":
        au, trials = conflicts(n, FPS, phonemes, speech, act)
    else:
        au = np.zeros((n, N_AU)) if kind == "neutral" else _expressions(n, act)
    au[:, AU_INDEX["AU45"]] = np.maximum(au[:, AU_INDEX["AU45"]], _blinks(n, act))
    au = np.clip(au, 0.0, MAX_INTENSITY)
    return Script(
        fps=FPS,
        au=(detected(au, FPS, act) if kind == "noise" else au).astype(np.float32),
        articulators=articulate(phonemes, n / FPS, FPS, speech),
        pose=_pose(n, move),
        speech=speech,
        phonemes=phonemes,
        sentences=sentences,
        au_clean=au.astype(np.float32) if kind == "noise" else None,
        trials=trials,
    )


def _script_voices() -> tuple[Voice, ...]:
    installed = {voice.name: voice for voice in available_voices("flite")}
    voices = tuple(installed[name] for name in _VOICES if name in installed)
    voices = voices or tuple(v for v in available_voices("espeak") if v.language.startswith("en"))[:4]
    if not voices:
        raise StudioError("The performer needs a voice; install the Debian package flite or espeak-ng.")
    return voices


def _talk(
    n_frames: int, rng: np.random.Generator, texts: Sequence[str]
) -> tuple[NDArray[np.float32], tuple[Phoneme, ...], tuple[Sentence, ...]]:
    """Sentences one after another with pauses between; what does not fit at the end is cut off."""
    voices = _script_voices()
    speech = np.zeros(n_frames * SAMPLES_PER_FRAME, np.float32)
    total_s = n_frames / FPS
    phonemes: list[Phoneme] = []
    sentences: list[Sentence] = []
    order: list[int] = []
    at_s = float(rng.uniform(0.15, 0.5)) if total_s > 2.0 else 0.0
    while at_s < total_s - 0.3 or not sentences:
        if not order:
            order = [int(i) for i in rng.permutation(len(texts))]
        voice = voices[int(rng.integers(len(voices)))]
        said = speak(texts[order.pop()], voice, tempo=round(float(rng.uniform(0.85, 1.15)), 3))
        first = round(at_s * VOICE_RATE_HZ)
        samples = _levelled(said)[: len(speech) - first]
        fade = min(400, len(samples))
        if len(samples) < len(said.samples):
            samples[len(samples) - fade :] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)
        speech[first : first + len(samples)] += samples
        offset_s = first / VOICE_RATE_HZ
        for p in said.phonemes:
            start_s, end_s = p.start_s + offset_s, min(p.end_s + offset_s, total_s)
            if p.label != SILENCE and end_s - start_s > 1e-3:
                phonemes.append(Phoneme(p.label, start_s, end_s, p.stress))
        end_s = min(offset_s + said.duration_s, total_s)
        sentences.append(Sentence(said.text, f"{voice.engine}:{voice.name}", offset_s, end_s))
        at_s = offset_s + said.duration_s + float(rng.uniform(0.15, 0.7))
    return speech, tuple(phonemes), tuple(sentences)


def _levelled(said: Utterance) -> NDArray[np.float32]:
    """The utterance at a common loudness: voices differ by 10 dB."""
    loud = np.sqrt(np.mean(np.square(said.samples))) + 1e-6
    return np.asarray(np.clip(said.samples * (0.08 / loud), -0.99, 0.99), np.float32)


# Expressions ------------------------------------------------------------------------------------------------------

_Pose = tuple[tuple[int, float], ...]
"""Units and their levels."""


def _expressions(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """(n, 17) units over time: first everything that must be seen once, then free play."""
    au = np.zeros((n, N_AU))
    at = 0
    for pose in _singles(rng, (5.0,)):
        if at >= n:
            return au
        at = _act_pose(au, at, pose, rng)
    upper, lower = _deck(UPPER, rng), _deck(LOWER, rng)
    for deck, start in ((upper, at), (lower, at + int(rng.integers(4, 15)))):
        at = start
        for event in itertools.cycle(deck):
            if at >= n:
                break
            at = event(au, at, rng)
    return gaussian_filter1d(au, 0.8, axis=0, mode="nearest")


def _singles(rng: np.random.Generator, levels: Sequence[float], units: Sequence[int] = range(N_AU)) -> list[_Pose]:
    poses = [((unit, level),) for unit in units for level in levels]
    return [poses[i] for i in rng.permutation(len(poses))]


_Event = Callable[[NDArray[np.float64], int, np.random.Generator], int]


def _deck(units: Sequence[int], rng: np.random.Generator) -> list[_Event]:
    """Everything one half of the face does: all its pairs, then single levels, ramps and free expressions, mixed."""
    pairs = [
        ((a, float(rng.uniform(2.5, 5.0))), (b, float(rng.uniform(2.5, 5.0))))
        for a, b in itertools.combinations(units, 2)
    ]
    poses = [pairs[i] for i in rng.permutation(len(pairs))]
    events: list[_Event] = [_posing(pose) for pose in poses]
    events += [_posing(pose) for pose in _singles(rng, (1.0, 2.0, 3.0, 4.0), units)]
    events += [_ramping(unit) for unit in units]
    events += [_playing(tuple(units))] * (len(events) // 6)
    rest = events[len(pairs) :]
    return events[: len(pairs)] + [rest[i] for i in rng.permutation(len(rest))]


def _posing(pose: _Pose) -> _Event:
    return lambda au, at, rng: _act_pose(au, at, pose, rng)


def _act_pose(au: NDArray[np.float64], at: int, pose: _Pose, rng: np.random.Generator) -> int:
    """Rises to a pose, holds it, lets go; about 0.7 s. Returns the frame where it ends."""
    rise, hold, fall = (int(rng.integers(*span)) for span in ((4, 8), (4, 9), (4, 9)))
    shape = np.concatenate(
        [_ease(np.arange(1, rise + 1) / rise), np.ones(hold), _ease(1.0 - np.arange(1, fall + 1) / fall)]
    )
    for unit, level in pose:
        part = au[at : at + len(shape), unit]
        np.maximum(part, level * shape[: len(part)], out=part)
    return at + len(shape)


def _ramping(unit: int) -> _Event:
    def act(au: NDArray[np.float64], at: int, rng: np.random.Generator) -> int:
        up, down = int(rng.integers(20, 40)), int(rng.integers(10, 30))
        shape = np.concatenate([np.linspace(0, MAX_INTENSITY, up), np.linspace(MAX_INTENSITY, 0, down)])
        part = au[at : at + len(shape), unit]
        np.maximum(part, shape[: len(part)], out=part)
        return at + len(shape)

    return act


def _playing(units: tuple[int, ...]) -> _Event:
    def act(au: NDArray[np.float64], at: int, rng: np.random.Generator) -> int:
        length = int(rng.integers(60, 125))
        chosen = rng.choice(units, size=int(rng.integers(2, 5)), replace=False)
        envelope = _ease(np.clip(np.minimum(np.arange(length), length - 1 - np.arange(length)) / 8.0, 0.0, 1.0))
        for unit in chosen:
            noise = gaussian_filter1d(rng.standard_normal(length + 80), float(rng.uniform(5.0, 12.0)))[40:-40]
            curve = envelope * np.clip(1.5 + 2.2 * noise / (noise.std() + 1e-6), 0.0, MAX_INTENSITY)
            part = au[at : at + length, unit]
            np.maximum(part, curve[: len(part)], out=part)
        return at + length

    return act


def _ease(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(0.5 - 0.5 * np.cos(np.pi * np.clip(x, 0.0, 1.0)))


def _blinks(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """(n,) AU45: every 3–5 s the lids fall in 0.1 s, rest and rise in 0.16 s."""
    times = np.arange(n) / FPS
    out = np.zeros(n)
    at = float(rng.uniform(0.8, 3.0))
    while at < n / FPS:
        tau = times - at
        out = np.maximum(out, MAX_INTENSITY * _ease(tau / 0.10 + 1.0) * _ease((0.04 - tau) / 0.16 + 1.0))
        at += float(rng.uniform(3.0, 5.0))
    return out


# Head and eyes ----------------------------------------------------------------------------------------------------


def _pose(n: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """(n, 5) degrees: a head that is never quite still, eyes that jump from place to place."""
    out = np.zeros((n, 5))
    for column, (slow, quick) in enumerate(((5.0, 1.0), (3.0, 0.8), (1.8, 0.4))):
        out[:, column] = slow * _wander(n, rng, 1.6 * FPS) + quick * _wander(n, rng, 0.4 * FPS)
    at = 0
    gaze = np.zeros(2)
    while at < n:
        hold = int(rng.integers(round(0.6 * FPS), round(2.4 * FPS)))
        goal = np.zeros(2) if rng.random() < 0.35 else rng.standard_normal(2) * (6.0, 3.5)
        size = float(np.linalg.norm(goal - gaze))
        frames = max(1, round((0.021 + 0.0022 * size) * FPS))  # main sequence: 21 ms + 2.2 ms per degree
        path = _ease((np.arange(hold) + 1) / frames)[:, None]
        drift = 0.25 * np.stack([_wander(hold, rng, 6.0), _wander(hold, rng, 6.0)], axis=1)
        part = out[at : at + hold, 3:]
        part[:] = (gaze + (goal - gaze) * path + drift)[: len(part)]
        gaze, at = goal, at + hold
    limits = np.array(POSE_LIMITS_DEG)
    return np.asarray(limits * np.tanh(out / limits), np.float32)


def _wander(n: int, rng: np.random.Generator, sigma: float) -> NDArray[np.float64]:
    """(n,) smooth noise of unit variance."""
    pad = int(4 * sigma) + 1
    noise = gaussian_filter1d(rng.standard_normal(n + 2 * pad), sigma)[pad : pad + n]
    return np.asarray(noise * np.sqrt(2.0 * sigma * np.sqrt(np.pi)))
