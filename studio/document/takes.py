"""What a performance starts from: a recorded take, automatic blinks, or neither."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from studio.document.action_units import AU_INDEX, MAX_INTENSITY
from studio.document.extra import Extra

N_AU = len(AU_INDEX)
N_POSE = 5
"""Pose channels: head yaw, pitch, roll and gaze yaw, pitch, in degrees."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class Take:
    """Action units recorded or imported at a fixed rate; frame i stands at i / fps, linear in between.

    Raises ValueError for arrays of other shapes, numbers that are not finite, or a rate outside 1–1000.
    """

    name: str
    fps: float
    au: NDArray[np.float32]  # (F, 17) intensities 0–5, F ≥ 1
    pose: NDArray[np.float32] | None = None  # (F, 5) degrees [yaw, pitch, roll, gaze_yaw, gaze_pitch]
    extra: Extra = ()

    def __post_init__(self) -> None:
        au = np.array(self.au, np.float32)
        if au.ndim != 2 or au.shape[1] != N_AU or not len(au):
            raise ValueError(f"a take has the shape {au.shape}, expected (frames, {N_AU}) with at least one frame")
        if not 1 <= self.fps <= 1000:
            raise ValueError(f"a take has {self.fps} frames per second, expected 1 to 1000")
        pose = None if self.pose is None else np.array(self.pose, np.float32)
        if pose is not None and pose.shape != (len(au), N_POSE):
            raise ValueError(f"the pose of a take has the shape {pose.shape}, expected ({len(au)}, {N_POSE})")
        if not np.isfinite(au).all() or (pose is not None and not np.isfinite(pose).all()):
            raise ValueError("a take holds a number that is not finite")
        np.clip(au, 0.0, MAX_INTENSITY, out=au)
        au.flags.writeable = False
        if pose is not None:
            pose.flags.writeable = False
        object.__setattr__(self, "au", au)
        object.__setattr__(self, "pose", pose)

    @property
    def frames(self) -> int:
        """Number of frames F."""
        return len(self.au)

    @property
    def duration_s(self) -> float:
        """Seconds that the take covers, the last frame included."""
        return self.frames / self.fps

    @cached_property
    def digest(self) -> str:
        """Hash of the content, by which equal takes are recognised without comparing every frame twice."""
        digest = hashlib.sha256(repr((self.name, self.fps, self.au.shape, self.extra)).encode())
        digest.update(self.au.tobytes())
        if self.pose is not None:
            digest.update(self.pose.tobytes())
        return digest.hexdigest()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Take):
            return NotImplemented
        return self is other or self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        return f"Take({self.name!r}, {self.frames} frames at {self.fps:g} fps)"

    def sample(self, times_s: Floats) -> Floats:
        """(T, 17) intensities at `times_s` (T,), counted from the take's start; its ends are held."""
        return self._interpolate(self.au, times_s)

    def sample_pose(self, times_s: Floats) -> Floats:
        """(T, 5) degrees; zero where the take has no pose."""
        if self.pose is None:
            return np.zeros((len(times_s), N_POSE))
        return self._interpolate(self.pose, times_s)

    def _interpolate(self, frames: NDArray[np.float32], times_s: Floats) -> Floats:
        position = np.clip(times_s * self.fps, 0, len(frames) - 1)
        below = np.minimum(position.astype(np.int64), max(len(frames) - 2, 0))
        above = np.minimum(below + 1, len(frames) - 1)
        part = (position - below)[:, None]
        result: Floats = frames[below] * (1 - part) + frames[above] * part
        return result


@dataclass(frozen=True)
class Blinks:
    """Blinks at irregular moments, the same ones for the same rate and seed, for any moment of any length of clip.

    Time is divided into cells of the mean interval; each holds one blink at a random place (and now and then a quick
    second one), so that any moment can be evaluated without knowing the ones before it. People at rest blink 10 to 20
    times a minute; a blink closes in about 0.1 s and opens in about 0.2 s.
    """

    per_minute: float = 14.0
    seed: int = 0
    intensity: float = MAX_INTENSITY
    extra: Extra = ()

    CLOSE_S = 0.10
    SHUT_S = 0.04
    OPEN_S = 0.22
    LENGTH_S = CLOSE_S + SHUT_S + OPEN_S
    PAUSE_S = 0.08  # before a quick second blink
    DOUBLE_PROBABILITY = 0.12

    def __post_init__(self) -> None:
        if not 1 <= self.per_minute <= 60:
            raise ValueError(f"a blink rate is {self.per_minute} per minute, expected 1 to 60")
        if not 0 <= self.intensity <= MAX_INTENSITY:
            raise ValueError(f"a blink intensity is {self.intensity}, expected 0 to {MAX_INTENSITY:g}")
        if not 0 <= self.seed < 2**32:
            raise ValueError(f"a blink seed is {self.seed}, expected 0 to {2**32 - 1}")

    def sample(self, times_s: Floats) -> Floats:
        """(T,) intensity of AU45 at `times_s`."""
        interval = 60 / self.per_minute
        cell = np.floor(times_s / interval)
        result = np.zeros(len(times_s))
        for neighbour in (-1, 0):
            start = self._start(cell + neighbour, interval)
            result = np.maximum(result, self._shape(times_s - start))
            again = self._uniform(cell + neighbour, 1) < self.DOUBLE_PROBABILITY
            gap = self.LENGTH_S + self.PAUSE_S
            result = np.maximum(result, np.where(again, self._shape(times_s - start - gap), 0.0))
        return result

    def moments(self, end_s: float) -> list[float]:
        """Seconds at which blinks begin from 0 up to `end_s`, the quick second ones included."""
        interval = 60 / self.per_minute
        cells = np.arange(0, int(np.ceil(max(end_s, 0.0) / interval)), dtype=np.float64)
        first = self._start(cells, interval)
        again = first[self._uniform(cells, 1) < self.DOUBLE_PROBABILITY] + self.LENGTH_S + self.PAUSE_S
        both = np.sort(np.concatenate([first, again]))
        return [float(moment) for moment in both if moment < end_s]

    def _start(self, cell: Floats, interval: float) -> Floats:
        room = max(interval - 1.0, 0.0)
        return cell * interval + 0.2 * interval + self._uniform(cell, 0) * 0.8 * room

    def _uniform(self, cell: Floats, stream: int) -> Floats:
        """Uniform numbers in [0, 1) by hashing cell, stream and seed (the finaliser of SplitMix64)."""
        x = cell.astype(np.int64).astype(np.uint64) * np.uint64(2) + np.uint64(stream)
        x = x * np.uint64(0x9E3779B97F4A7C15) + np.uint64(self.seed * 0xD1B54A32D192ED03 % 2**64)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        x = x ^ (x >> np.uint64(31))
        return (x >> np.uint64(11)).astype(np.float64) / 2.0**53

    def _shape(self, since_s: Floats) -> Floats:
        """Intensity `since_s` seconds after a blink began: raised cosines down and up."""
        closing = np.clip(since_s / self.CLOSE_S, 0, 1)
        opening = np.clip((since_s - self.CLOSE_S - self.SHUT_S) / self.OPEN_S, 0, 1)
        lid: Floats = (np.cos(np.pi * opening) - np.cos(np.pi * closing)) / 2
        return self.intensity * lid


@dataclass(frozen=True)
class Base:
    """The lowest layer: an optional take from `start_s` on, and optional blinks on top of it (the stronger wins).

    Neutral where there is neither. `weight` scales the layer, `mute` and `solo` act as on lanes.
    """

    take: Take | None = None
    start_s: float = 0.0
    blinks: Blinks | None = None
    mute: bool = False
    solo: bool = False
    weight: float = 1.0
    extra: Extra = ()

    def __post_init__(self) -> None:
        if not (0 <= self.weight <= 1 and np.isfinite(self.start_s)):
            raise ValueError(f"the base has the weight {self.weight} and start {self.start_s} s, expected 0–1, finite")

    @property
    def neutral(self) -> bool:
        """Whether this layer does nothing at all."""
        return self.take is None and self.blinks is None

    def sample(self, times_s: Floats) -> Floats:
        """(T, 17) intensities, unweighted."""
        au = np.zeros((len(times_s), N_AU)) if self.take is None else self.take.sample(times_s - self.start_s)
        if self.blinks is not None:
            channel = AU_INDEX["AU45"]
            au[:, channel] = np.maximum(au[:, channel], self.blinks.sample(times_s))
        return au

    def sample_pose(self, times_s: Floats) -> Floats:
        """(T, 5) degrees, unweighted."""
        if self.take is None:
            return np.zeros((len(times_s), N_POSE))
        return self.take.sample_pose(times_s - self.start_s)
