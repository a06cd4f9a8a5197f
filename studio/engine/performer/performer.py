"""A performer ready to act: head, modes and landmarks of one identity in one place."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from studio.engine.performer.head import Head
from studio.engine.performer.identity import DEFAULT_IDENTITY, Identity, find_identity
from studio.engine.performer.landmarks import LIP_COLUMNS, Anatomy, face_landmarks
from studio.engine.performer.mapping import fold_weights, mode_weights
from studio.engine.performer.moment import Moment
from studio.engine.performer.sculpt import Sculptor

F64 = NDArray[np.float64]


class Performer:
    """One identity with everything that its performances need; read-only after construction.

    Attributes:
        head: rest shape and parts, lips closed.
        anatomy: regions of the skin.
        landmarks: named points.
        modes: (U, c, 3) displacement of the control mesh at weight 1, metres.
    """

    def __init__(self, identity: Identity, *, steps: int = 2) -> None:
        self.head = Head(identity, steps=steps)
        anatomy = Anatomy(self.head)
        self.head.controls = self.head.controls + Sculptor(self.head, anatomy).close_lips()
        self.anatomy = Anatomy(self.head)
        self.landmarks = face_landmarks(self.head, self.anatomy)
        self.modes = Sculptor(self.head, self.anatomy).modes()

    def weights(self, au: NDArray[np.floating], articulators: NDArray[np.floating]) -> F64:
        """(F, U) weights of the modes for action units (F, 17) and articulators (F, 10)."""
        return mode_weights(au, articulators)

    def controls(self, weights: F64) -> F64:
        """(c, 3) control vertices in the canonical pose for one frame's weights (U,)."""
        return np.asarray(self.head.controls + np.tensordot(weights, self.modes, axes=1))

    def moment(
        self, au: NDArray[np.floating], articulators: NDArray[np.floating], pose: NDArray[np.floating] | None = None
    ) -> Moment:
        """What one image shows.

        Args:
            au: (17,) intensities 0–5.
            articulators: (10,) in [0, 1].
            pose: (5,) degrees yaw, pitch, roll, gaze yaw, gaze pitch; zero when left out.
        """
        controls = self.controls(self.weights(au[None], articulators[None])[0])
        gap = float(np.clip(self.lip_gap(controls) / 0.014, 0, 1))
        turned = np.zeros(5) if pose is None else np.asarray(pose, dtype=np.float64)
        return Moment(controls, turned, fold_weights(au[None])[0], gap)

    def lip_gap(self, controls: F64) -> float:
        """Height of the opening between the lips in the middle, metres; negative where they overlap."""
        points = self.landmarks.points(controls)
        names = [f"lip_inner_{lip}_{LIP_COLUMNS // 2}" for lip in ("upper", "lower")]
        upper, lower = (points[self.landmarks.index(name)] for name in names)
        return float(upper[1] - lower[1])

    def lid_gap(self, controls: F64) -> float:
        """Mean height of the opening between the lids, metres."""
        points = self.landmarks.points(controls)
        at = self.landmarks.index
        sides = ("left", "right")
        return float(np.mean([points[at(f"eye_upper_{s}"), 1] - points[at(f"eye_lower_{s}"), 1] for s in sides]))


@lru_cache(maxsize=3)
def load_performer(name: str = DEFAULT_IDENTITY) -> Performer:
    """The performer of a shipped identity; cached.

    Raises:
        StudioError: there is no such identity, or the kit is missing.
    """
    return Performer(find_identity(name))
