"""How much of the sky and of the key light reaches a head at rest, traced once per identity from depth pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from studio.engine.performer.surface import smoothstep

F64 = NDArray[np.float64]
DepthFrom = Callable[[F64], tuple[F64, NDArray[np.float32]]]
"""Direction (3,) → clip matrix (4, 4) and depth picture (px, px) of the head seen from there."""

_KEY_RAYS = 9
"""Directions around the key light whose mean makes its shadow on hair soft."""


@dataclass(frozen=True)
class Occlusion:
    """Shares of light in [0, 1]; of the key light only hair keeps one, because hair turns too little to redo it."""

    meshes: dict[str, F64]  # (n,) per vertex of skin, teeth and tongue
    hair: F64  # (s, k)
    hair_key: F64  # (s, k)


def trace_occlusion(
    depth_from: DepthFrom,
    points: dict[str, F64],
    normals: dict[str, F64],
    hair: F64,
    *,
    key_light: F64,
    directions: int,
) -> Occlusion:
    """Averages what every point sees over `directions` spread over the sphere.

    Args:
        depth_from: draws the depth pictures.
        points: (n, 3) vertices of "skin", "teeth" and "tongue", metres.
        normals: (n, 3) for each of them.
        hair: (s, k, 3) knots of the strands.
        key_light: (3,) unit direction towards the key light.
        directions: more are slower and smoother.
    """
    i = np.arange(directions) + 0.5
    heights, turn = 1 - 2 * i / directions, i * np.pi * (3 - np.sqrt(5))
    flat = np.sqrt(1 - heights**2)
    sky = np.stack([flat * np.cos(turn), heights, flat * np.sin(turn)], axis=1)
    lit = {name: np.zeros(len(p)) for name, p in points.items()}
    total = {name: np.full(len(p), 1e-6) for name, p in points.items()}
    seen = np.zeros(hair.shape[:2])
    for direction in sky:
        view = depth_from(direction)
        weight = 0.35 + 0.65 * max(direction[1] * 0.6 + direction[2] * 0.4, 0.0)
        for name, p in points.items():
            cosine = np.maximum(normals[name] @ direction, 0.0)
            lit[name] += weight * cosine * _visible(p + normals[name] * 0.0012, 0.0012, *view)
            total[name] += weight * cosine
        seen += _visible(hair, 0.006, *view) / directions
    key = np.zeros(hair.shape[:2])
    for ray in np.random.default_rng(1).normal(0, 0.06, (_KEY_RAYS, 3)) + key_light:
        key += _visible(hair, 0.004, *depth_from(ray / np.linalg.norm(ray))) / _KEY_RAYS
    out = {name: 0.08 + 0.92 * np.clip(lit[name] / total[name], 0, 1) ** 0.85 for name in points}
    # Inside the closed mouth nothing is seen at rest; light falls off with depth once it opens.
    front = float(points["teeth"][:, 2].max())
    for name in ("teeth", "tongue"):
        out[name] = 0.10 + 0.85 * smoothstep(front - 0.034, front - 0.004, points[name][:, 2])
    return Occlusion(out, np.clip(0.18 + 1.75 * seen, 0.18, 1.0), key)


def _visible(at: F64, bias: float, matrix: F64, picture: NDArray[np.float32]) -> F64:
    """1 where points (…, 3) are no deeper than the picture shows."""
    px = picture.shape[0]
    clip = at @ matrix[:3, :3].T + matrix[:3, 3]
    xy = np.clip(((clip[..., :2] * 0.5 + 0.5) * px).astype(int), 0, px - 1)
    nearest = clip[..., 2] * 0.5 + 0.5 - bias <= picture[xy[..., 1], xy[..., 0]]
    return np.asarray(nearest, dtype=np.float64)


def smoothed(values: F64, triangles: NDArray[np.int64], rounds: int = 3) -> F64:
    """(n,) values at vertices, averaged over their triangles `rounds` times."""
    degree = np.maximum(np.bincount(triangles.ravel(), minlength=len(values)), 1)
    for _ in range(rounds):
        mean = values[triangles].mean(axis=1)
        values = np.bincount(triangles.ravel(), np.repeat(mean, 3), minlength=len(degree)) / degree
    return values
