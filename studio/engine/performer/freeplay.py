"""Free play: a face that moves as it likes, whatever is said.

Independence matters: an avatar trained only on smiles that always come with the same words learns that the words smile.
Free play follows its own random timetable, which first shows every unit alone at every level and every pair of
upper-face units, and then ramps and smooth random expressions.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from studio.document.action_units import ACTION_UNITS, AU_INDEX, LOWER, MAX_INTENSITY, UPPER
from studio.engine.performer.emotions import RESERVED

N_AU = len(ACTION_UNITS)

_RESERVED = tuple(frozenset(AU_INDEX[key] for key in triple) for triple in RESERVED)

_Pose = tuple[tuple[int, float], ...]
"""Units and their levels."""


def free_play(n: int, rng: np.random.Generator, *, held_out: bool = False) -> NDArray[np.float64]:
    """(n, 17) units over time: first everything that must be seen once, then free expressions.

    Args:
        n: Frames.
        rng: Decides everything.
        held_out: Show the expressions of `RESERVED` too, which free play for training leaves out.
    """
    au = np.zeros((n, N_AU))
    at = 0
    firsts = [tuple((unit, float(rng.uniform(3.0, 5.0))) for unit in sorted(t)) for t in _RESERVED] if held_out else []
    for pose in [*firsts, *_singles(rng, (5.0,))]:
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
        [ease(np.arange(1, rise + 1) / rise), np.ones(hold), ease(1.0 - np.arange(1, fall + 1) / fall)]
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
        while any(triple <= set(chosen.tolist()) for triple in _RESERVED):
            chosen = rng.choice(units, size=len(chosen), replace=False)
        envelope = ease(np.clip(np.minimum(np.arange(length), length - 1 - np.arange(length)) / 8.0, 0.0, 1.0))
        for unit in chosen:
            noise = gaussian_filter1d(rng.standard_normal(length + 80), float(rng.uniform(5.0, 12.0)))[40:-40]
            curve = envelope * np.clip(1.5 + 2.2 * noise / (noise.std() + 1e-6), 0.0, MAX_INTENSITY)
            part = au[at : at + length, unit]
            np.maximum(part, curve[: len(part)], out=part)
        return at + length

    return act


def ease(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """A raised cosine from 0 at 0 to 1 at 1, flat beyond."""
    return np.asarray(0.5 - 0.5 * np.cos(np.pi * np.clip(x, 0.0, 1.0)))
