"""A chin-long bob: hair that parts on the crown, falls past the ears in soft locks and frames the face.

Strands are walked down from their roots through a field of directions (away from the parting, then with gravity),
kept outside the skull and outside an envelope of ears, cheeks and neck, and at last gathered into locks.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, maximum_filter
from scipy.spatial import cKDTree

from studio.engine.performer.head import BUST, FACE, Head
from studio.engine.performer.landmarks import Anatomy
from studio.engine.performer.materials import parting_x
from studio.engine.performer.surface import smoothstep

F64 = NDArray[np.float64]
Lift = Callable[[F64, F64], F64]
"""Moves points (n, 3) out to at least so many metres (n,) above the scalp."""

KNOTS = 15
"""Points along a strand."""

_STEP_M = 0.005
_STEPS = 56
_AXIS_Z = -0.072
_BINS_AROUND, _BIN_M = 72, 0.004


class _Envelope:
    """Largest distance of head and neck from the upright axis through the skull, by direction and height."""

    def __init__(self, head: Head, anatomy: Anatomy) -> None:
        skin = anatomy.rest[np.isin(head.island, (FACE, BUST))]
        skin = skin[(skin[:, 1] > head.chin[1] - 0.05) & (np.abs(skin[:, 0]) < 0.1 * head.scale)]
        self.low = float(head.chin[1]) - 0.05
        self.axis = _AXIS_Z * head.scale
        turn, radius = self._polar(skin)
        rows = int((skin[:, 1].max() - self.low) / _BIN_M) + 1
        table = np.zeros((_BINS_AROUND, rows))
        at = (self._column(turn), np.minimum(((skin[:, 1] - self.low) / _BIN_M).astype(int), rows - 1))
        np.maximum.at(table, at, radius)
        table = maximum_filter(table, (3, 3), mode=("wrap", "nearest"))
        self.table = gaussian_filter(table, (1.2, 1.5), mode=("wrap", "nearest"))

    def _polar(self, points: F64) -> tuple[F64, F64]:
        z = points[:, 2] - self.axis
        return np.arctan2(points[:, 0], z), np.hypot(points[:, 0], z)

    def _column(self, turn: F64) -> NDArray[np.int64]:
        return ((turn / (2 * np.pi)) % 1.0 * _BINS_AROUND).astype(np.int64) % _BINS_AROUND

    def pushed(self, points: F64, room: F64) -> F64:
        """Points (n, 3) moved away from the axis, or towards it, to about `room` (n,) outside the envelope."""
        turn, radius = self._polar(points)
        row = np.clip(((points[:, 1] - self.low) / _BIN_M).astype(int), 0, self.table.shape[1] - 1)
        # Only what hangs below the crown, and never over the face.
        aside = smoothstep(0.55, 0.95, np.abs(turn)) * smoothstep(0.045, 0.015, points[:, 1])
        surface = self.table[self._column(turn), row]
        lack = np.maximum(surface + room - radius, 0.0) * aside
        # What stands off too far falls back.
        lack -= (
            0.30
            * np.maximum(radius - surface - room - 0.002, 0.0)
            * smoothstep(0.078, 0.05, points[:, 1])
            * (points[:, 1] > -0.05)
        )
        out = points.copy()
        out[:, 0] += np.sin(turn) * lack
        out[:, 2] += np.cos(turn) * lack
        return out


def bob(head: Head, anatomy: Anatomy, lift: Lift, roots: F64, rng: np.random.Generator) -> tuple[F64, F64]:
    """Paths (n, KNOTS, 3) and half widths (n, KNOTS) of strands that grow from `roots` (n, 3)."""
    n, scale = len(roots), head.scale
    envelope = _Envelope(head, anatomy)
    layer = rng.random(n) ** 0.8
    part_x = parting_x(head)
    side = np.where(roots[:, 0] + rng.normal(0, 0.0016, n) > part_x, 1.0, -1.0)
    front = smoothstep(-0.075, -0.005, roots[:, 2] / scale)
    high = smoothstep(0.05, 0.095, roots[:, 1] / scale)
    hem = head.chin[1] * (0.97 - 0.10 * front) + rng.normal(0, 0.0055, n) - 0.006 * (1 - layer)
    middle = np.array([0.0, 0.01, _AXIS_Z * scale])
    p, walked = roots.copy(), [roots]
    for i in range(1, _STEPS + 1):
        away = (p - middle) / np.linalg.norm(p - middle, axis=1, keepdims=True)
        down = np.broadcast_to([0.0, -1.0, 0.0], (n, 3))
        into = np.minimum((down * away).sum(axis=1, keepdims=True), 0.0)
        flow = down - 0.92 * into * away
        begun = np.exp(-i * _STEP_M / 0.035)
        crown = smoothstep(0.045, 0.095, p[:, 1] / scale)
        # Away from the parting; the front is combed aside and back before it may fall.
        flow[:, 0] += side * (0.8 * crown * (0.35 + 0.65 * front) + 0.8 * front * begun)
        flow[:, 1] += 0.55 * front * high * begun
        flow[:, 2] -= (0.75 * front + 0.12) * (0.4 * crown + 0.6 * begun)
        # Nothing hangs into the face.
        before = smoothstep(-0.030, -0.008, p[:, 2] / scale) * smoothstep(0.070, 0.060, np.abs(p[:, 0]) / scale)
        flow[:, 0] += 1.6 * side * before
        flow[:, 2] -= 0.8 * before
        low = smoothstep(0.060, 0.025, p[:, 1] / scale)
        flow[:, 2] -= 1.3 * low * smoothstep(-0.052, -0.022, p[:, 2] / scale)
        # Over the skull hair lies; it does not stand out.
        off = np.maximum((flow * away).sum(axis=1, keepdims=True), 0.0)
        flow -= 0.85 * off * away * smoothstep(0.01, 0.04, p[:, 1:2] / scale)
        flow /= np.linalg.norm(flow, axis=1, keepdims=True)
        moving = (p[:, 1] > hem)[:, None]
        p = p + flow * _STEP_M * moving
        rise = smoothstep(0.0, 0.045, np.full(n, i * _STEP_M)) * (0.0025 + 0.0085 * layer) * scale
        rise *= 1 - 0.45 * np.exp(-((p[:, 0] - part_x) ** 2) / 0.008**2) * crown
        lifted = envelope.pushed(lift(p, rise + 0.0006), (0.0015 + 0.009 * layer) * scale)
        p = np.where(moving, lifted, p)
        walked.append(p)
    path = _even(np.stack(walked, axis=1))
    path = _locks(path, side, rng)
    return _curled(path, head, rng), _widths(n, scale)


def _even(path: F64) -> F64:
    """(n, KNOTS, 3) the walked paths (n, m, 3) at even distances along them, denser at the root."""
    n, m = path.shape[:2]
    length = np.concatenate(
        [np.zeros((n, 1)), np.cumsum(np.linalg.norm(np.diff(path, axis=1), axis=2), axis=1)], axis=1
    )
    wanted = length[:, -1:] * np.linspace(0, 1, KNOTS)[None] ** 1.25
    out = np.empty((n, KNOTS, 3))
    for j in range(KNOTS):
        i = np.clip((length < wanted[:, j : j + 1]).sum(axis=1) - 1, 0, m - 2)
        rows = np.arange(n)
        gap = np.maximum(length[rows, i + 1] - length[rows, i], 1e-9)
        t = np.clip((wanted[:, j] - length[rows, i]) / gap, 0, 1)[:, None]
        out[:, j] = path[rows, i] * (1 - t) + path[rows, i + 1] * t
    # The walk is jerky where hair meets ears and envelope.
    for _ in range(4):
        out[:, 1:-1] = 0.5 * out[:, 1:-1] + 0.25 * (out[:, :-2] + out[:, 2:])
    return out


def _locks(path: F64, side: F64, rng: np.random.Generator, count: int = 230) -> F64:
    """Strands drawn towards the middle strand of their lock, the more the farther from the root."""
    leaders = rng.choice(len(path), count, replace=False)
    # Locks gather what lies together half-way down; hair does not cross the parting.
    key = np.concatenate([path[:, 2], 1.5 * path[:, KNOTS // 2], 0.05 * side[:, None]], axis=1)
    leader = leaders[cKDTree(key[leaders]).query(key)[1]]
    share = 0.72 * smoothstep(0.10, 0.85, np.linspace(0, 1, KNOTS)) * rng.uniform(0.55, 1.0, (len(path), 1))
    return np.asarray(path + (path[leader] - path) * share[..., None])


def _curled(path: F64, head: Head, rng: np.random.Generator) -> F64:
    """Soft waves along the lower half and ends that turn in."""
    n = len(path)
    s = np.linspace(0, 1, KNOTS)[None]
    axis = np.array([0.0, 0.0, _AXIS_Z * head.scale])
    out = path - axis
    out[..., 1] = 0.0
    out /= np.maximum(np.linalg.norm(out, axis=2, keepdims=True), 1e-9)
    along = np.gradient(path, axis=1)
    along /= np.maximum(np.linalg.norm(along, axis=2, keepdims=True), 1e-9)
    across = np.cross(along, out)
    # Neighbouring locks wave together: the phase varies slowly around the head.
    phase = 3.0 * np.sin(path[:, -1] @ np.array([55.0, 0.0, 40.0]))[:, None] + rng.normal(0, 0.35, (n, 1))
    size = head.scale * smoothstep(0.25, 0.8, s) * rng.uniform(0.6, 1.2, (n, 1))
    wave = path + across * (0.0048 * size * np.sin(9.5 * s + phase))[..., None]
    wave += out * (0.0034 * size * np.cos(8.0 * s + phase))[..., None]
    turn = head.scale * (0.019 * smoothstep(0.66, 1.0, s) ** 1.5 * rng.uniform(0.5, 1.3, (n, 1)))
    return np.asarray(wave - out * turn[..., None])


def _widths(n: int, scale: float) -> F64:
    s = np.linspace(0, 1, KNOTS)
    return np.broadcast_to(scale * 0.00027 * (0.75 + 0.35 * np.sin(np.pi * s)) * (1 - 0.45 * s**6), (n, KNOTS)).copy()
