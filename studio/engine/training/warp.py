"""Bends a performer's head until its face is a tracked person's.

Both faces are known by the same landmarks. What the landmarker says of the performer (`seen`) is compared with what it
says of the person, so that errors it makes on every face cancel; the difference is added to where the performer's
landmarks truly are. A similarity and a stretch along the head's axes carry the whole head; what is left over is
interpolated between landmarks and fades within centimetres of them, so that skull and shoulders keep their shape.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator

F64 = NDArray[np.float64]

FADE_M = 0.028
"""Standard deviation of the Gaussian kernels that carry what similarity and stretch leave over."""

SMOOTHING = 0.02
"""How much less than exactly landmarks are hit: single ones err by a millimetre."""

MOST_STRETCH = 0.18
"""Heads differ in their proportions by less than this."""

_STEP_M = 1e-3


@dataclass(frozen=True)
class FaceWarp:
    """A smooth map from a performer's head space into a person's.

    Build it with `fit_warp`.
    """

    rotation: F64  # (3, 3)
    scale: F64  # (3,) along the person's axes
    shift: F64  # (3,) metres
    marks: F64  # (n, 3) metres: the performer's landmarks after similarity and stretch
    wanted: F64  # (n, 3) metres: where they shall be

    @cached_property
    def _left_over(self) -> RBFInterpolator:
        return RBFInterpolator(
            self.marks,
            self.wanted - self.marks,
            kernel="gaussian",
            epsilon=1.0 / (FADE_M * 2**0.5),
            smoothing=SMOOTHING,
            degree=-1,
        )

    @property
    def size(self) -> float:
        """Person over performer: the mean scale."""
        return float(np.prod(self.scale) ** (1 / 3))

    @property
    def slope(self) -> F64:
        """(3, 3) how steps are carried by similarity and stretch."""
        return np.asarray(self.scale[:, None] * self.rotation)

    def whole(self, points: F64) -> F64:
        """(n, 3) points carried by similarity and stretch alone."""
        return np.asarray((points @ self.rotation.T) * self.scale + self.shift)

    def __call__(self, points: F64) -> F64:
        """(n, 3) metres in the person's head space of points (n, 3) of the performer's."""
        carried = self.whole(points)
        return np.asarray(carried + self._left_over(carried))

    def slopes(self, points: F64) -> F64:
        """(n, 3, 3) how small steps at points (n, 3) of the performer are carried."""
        steps = np.eye(3) * _STEP_M
        columns = [(self(points + step) - self(points - step)) / (2 * _STEP_M) for step in steps]
        return np.stack(columns, axis=2)


def fit_similarity(source: F64, target: F64, weight: F64 | None = None) -> tuple[F64, float, F64]:
    """Rotation (3, 3), scale and shift (3,) that take points (n, 3) to others best (Umeyama 1991).

    Args:
        source: (n, 3).
        target: (n, 3).
        weight: (n,) ≥ 0.
    """
    share = np.ones(len(source)) if weight is None else weight
    share = share / share.sum()
    a, b = share @ source, share @ target
    u, s, vt = np.linalg.svd((target - b).T @ ((source - a) * share[:, None]))
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    rotation = (u * sign) @ vt
    scale = float((s * sign).sum() / (share @ ((source - a) ** 2).sum(1)))
    return rotation, scale, b - scale * rotation @ a


def fit_warp(true: F64, seen: F64, person: F64) -> FaceWarp:
    """The map that takes a performer's head to a person's.

    Args:
        true: (n, 3) metres: where the performer's landmarks are.
        seen: (n, 3) metres: where the landmarker sees them.
        person: (n, 3) metres: where the landmarker sees the person's.
    """
    # What the landmarker does to the performer, taken as a similarity and an error per point.
    r0, s0, t0 = fit_similarity(true, seen)
    error = s0 * true @ r0.T + t0 - seen
    r1, s1, _ = fit_similarity(seen, person)
    wanted = person + s1 * error @ r1.T
    rotation, scale = r1 @ r0, s1 * s0
    turned = true @ rotation.T
    centred, goal = turned - turned.mean(0), wanted - wanted.mean(0)
    stretch = (centred * goal).sum(0) / (centred**2).sum(0) / scale
    # The face's front says little about the head's depth: it follows width and height.
    stretch[2] = 0.7 * np.sqrt(stretch[0] * stretch[1]) + 0.3 * stretch[2]
    scales = scale * np.clip(stretch, 1 - MOST_STRETCH, 1 + MOST_STRETCH)
    shift = wanted.mean(0) - scales * turned.mean(0)
    return FaceWarp(rotation, scales, shift, turned * scales + shift, wanted)
