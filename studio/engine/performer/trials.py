"""Trials of control: expressions edited against speech, and expressions as a noisy detector would report them.

A conflict script says the sentences of a held-out script with the same seed, while its face does what the words do not
ask for. A noise script moves as a performance does, but what it hands to an avatar is that motion with jitter on it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from studio.document.action_units import ACTION_UNITS, AU_INDEX, AU_KEYS, MAX_INTENSITY, UPPER
from studio.engine.performer.talking import Passage
from studio.engine.speech.phonemes import BILABIALS, Phoneme

F64 = NDArray[np.float64]

N_AU = len(ACTION_UNITS)

JITTER = 0.22
"""Standard deviation, in intensities, of what a detector's estimate moves by from frame to frame around the truth."""

JITTER_SHARE = 0.06
"""What is added to it for every intensity shown: strong expressions are estimated less surely."""

MEMORY = 0.3
"""Share of one frame's error that the next one inherits."""

SPIKES_PER_S = 0.25
"""How often, per action unit, a detector loses the face for a frame or two."""


CONTRARY: dict[str, tuple[str, ...]] = {
    "anger": ("AU1", "AU2", "AU12"),
    "disgust": ("AU6", "AU12"),
    "fear": ("AU4", "AU7"),
    "happiness": ("AU4", "AU15"),
    "sadness": ("AU6", "AU12"),
    "surprise": ("AU4", "AU7"),
    "contempt": ("AU1", "AU2", "AU5"),
}
"""For the voice of each emotion, units that its face would not show."""


@dataclass(frozen=True)
class Trial:
    """One conflict in time."""

    kind: str  # brow_raise, closed_smile, jaw_on_closure, contrary or pair
    units: tuple[str, ...]  # the action units that are edited
    start: int  # first frame
    end: int  # the frame after the last


_Act = Callable[[F64, int], Trial | None]
"""Writes a trial into (F, 17) units from a frame on; None if nothing suitable follows."""


def conflicts(
    frames: int,
    fps: int,
    phonemes: Sequence[Phoneme],
    speech: NDArray[np.float32],
    passages: Sequence[Passage],
    rng: np.random.Generator,
) -> tuple[F64, tuple[Trial, ...]]:
    """Action units against the speech, one trial after another until time is up.

    Raised brows stand over the loudest second that is near; a smile lies on closed lips; the jaw drops on p, b and m;
    an emotional line is spoken with the opposite face; every pair of upper-face units comes once before one comes
    again.

    Args:
        frames: length F.
        fps: frames per second.
        phonemes: what is said.
        speech: 16 kHz samples of F frames.
        passages: where the voice plays an emotion.
        rng: decides order, levels and pauses.

    Returns:
        (F, 17) intensities and the trials in order of time.
    """
    au = np.zeros((frames, N_AU))
    loud = np.sqrt(np.mean(np.square(speech.reshape(frames, -1), dtype=np.float64), axis=1))
    closures = [(p.start_s * fps, p.end_s * fps) for p in phonemes if p.label in BILABIALS]
    acts: dict[str, _Act] = {
        "brow_raise": lambda into, at: _raise_brows(into, at, loud, fps, rng),
        "closed_smile": lambda into, at: _smile(into, at, closures, fps, rng),
        "jaw_on_closure": lambda into, at: _drop_jaw(into, at, closures, fps, rng),
        "contrary": lambda into, at: _contradict(into, at, passages, fps, rng),
    }
    pairs = _pairs(rng)
    trials: list[Trial] = []
    at = int(rng.integers(2, 6))
    for kind in itertools.cycle((*acts, *["pair"] * 6)):
        if at >= frames - 3:
            break
        trial = acts[kind](au, at) if kind in acts else _show_pair(au, at, next(pairs), rng)
        if trial is not None:
            trials.append(trial)
            at = trial.end + int(rng.integers(2, 6))
    return au, tuple(trials)


def detected(clean: F64, fps: int, rng: np.random.Generator) -> F64:
    """Action units as a detector frame by frame would report them.

    Errors are Gaussian with a short memory and grow with intensity; now and then a unit drops out or leaps for one or
    two frames. Like a detector's, estimates stay within 0–5.

    Args:
        clean: (F, 17) true intensities.
        fps: frames per second.
        rng: source of the errors.
    """
    frames = len(clean)
    errors = rng.standard_normal(clean.shape)
    for f in range(1, frames):
        errors[f] = MEMORY * errors[f - 1] + np.sqrt(1 - MEMORY**2) * errors[f]
    noisy = clean + errors * (JITTER + JITTER_SHARE * clean)
    for unit in range(clean.shape[1]):
        for start in np.flatnonzero(rng.random(frames) < SPIKES_PER_S / fps):
            end = start + int(rng.integers(1, 3))
            noisy[start:end, unit] += float(rng.choice((-1.0, 1.0)) * rng.uniform(1.0, 2.0))
    return np.asarray(np.clip(noisy, 0.0, MAX_INTENSITY))


def _pairs(rng: np.random.Generator) -> Iterator[tuple[int, int]]:
    """All pairs of upper-face units, shuffled, again and again."""
    deck = list(itertools.combinations(UPPER, 2))
    while True:
        yield from (deck[i] for i in rng.permutation(len(deck)))


def _hold(au: F64, units: dict[str, float], start: int, hold: int, ease: int) -> int:
    """Rises within `ease` frames from `start`, holds and falls; returns the frame after the last that moves."""
    steps = 0.5 - 0.5 * np.cos(np.pi * np.arange(1, ease + 1) / ease)
    shape = np.concatenate([steps, np.ones(hold), steps[::-1][1:]])
    end = min(len(au), start + len(shape))
    for key, level in units.items():
        column = au[start:end, AU_INDEX[key]]
        np.maximum(column, level * shape[: end - start], out=column)
    return end


def _raise_brows(au: F64, at: int, loud: F64, fps: int, rng: np.random.Generator) -> Trial | None:
    """AU1, 2 and 5 where speech is most energetic within two seconds: it would have the brows lowered."""
    near = loud[at : at + 2 * fps]
    if not near.any():
        return None
    hold = int(rng.integers(12, 22))
    level = float(rng.uniform(3.5, 5.0))
    start = max(at, at + int(near.argmax()) - hold // 2)
    units = {"AU1": level, "AU2": level, "AU5": 0.7 * level}
    return Trial("brow_raise", tuple(units), start, _hold(au, units, start, hold, 5))


def _next_closure(closures: Sequence[tuple[float, float]], at: int, fps: int) -> tuple[float, float] | None:
    """The first closure that starts at least 4 frames and at most 3 seconds after `at`."""
    return next((c for c in closures if at + 4 <= c[0] <= at + 3 * fps), None)


def _smile(
    au: F64, at: int, closures: Sequence[tuple[float, float]], fps: int, rng: np.random.Generator
) -> Trial | None:
    """AU6 and AU12 held across a closure of the lips, which have to stay together between drawn corners."""
    closure = _next_closure(closures, at, fps)
    if closure is None:
        return None
    start = max(at, int(closure[0]) - 8)
    hold = int(closure[1]) - start + int(rng.integers(2, 8))
    level = float(rng.uniform(3.5, 5.0))
    units = {"AU12": level, "AU6": 0.8 * level}
    return Trial("closed_smile", tuple(units), start, _hold(au, units, start, hold, 5))


def _drop_jaw(
    au: F64, at: int, closures: Sequence[tuple[float, float]], fps: int, rng: np.random.Generator
) -> Trial | None:
    """AU26 that peaks while the lips close for p, b or m: the jaw falls behind lips that meet."""
    closure = _next_closure(closures, at, fps)
    if closure is None:
        return None
    start = max(at, int(closure[0]) - 4)
    hold = max(2, int(np.ceil(closure[1])) - start - 3)
    units = {"AU26": float(rng.uniform(3.0, 5.0))}
    return Trial("jaw_on_closure", tuple(units), start, _hold(au, units, start, hold, 4))


def _contradict(au: F64, at: int, passages: Sequence[Passage], fps: int, rng: np.random.Generator) -> Trial | None:
    """The face of an opposite emotion over a line that is spoken with one, if such a line is near."""
    for passage in passages:
        units = CONTRARY.get(passage.emotions[0])
        start = max(at, passage.start + 4)
        if units is not None and start <= at + 2 * fps and passage.end - start >= 20:
            levels = {key: float(rng.uniform(3.5, 5.0)) for key in units}
            hold = min(int(rng.integers(10, 18)), passage.end - start - 10)
            return Trial("contrary", units, start, _hold(au, levels, start, hold, 5))
    return None


def _show_pair(au: F64, at: int, pair: tuple[int, int], rng: np.random.Generator) -> Trial:
    """Two upper-face units together, each at a level of its own, whatever is being said."""
    units = {AU_KEYS[unit]: float(rng.uniform(3.0, 5.0)) for unit in pair}
    return Trial("pair", tuple(units), at, _hold(au, units, at, int(rng.integers(6, 10)), 5))
