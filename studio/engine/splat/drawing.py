"""A picture that is not drawn yet: what a graphics card needs for it.

The engine's thread makes these where the viewport draws with a card of its own, so that no pixel ever travels from the
card to memory and back. Plain arrays: they cross threads, and need neither torch nor OpenGL.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from studio.engine.camera import Camera

INSTANCE_FIELDS = 14
"""Floats per Gaussian: mean (metres), opacity logit, quaternion wxyz, log scales (ln metres), display sRGB."""


@dataclass(frozen=True, eq=False)
class Instances:
    """Gaussians in the order in which a graphics card blends them, coloured for one camera.

    Attributes:
        rows: (M, INSTANCE_FIELDS) farthest first; only what lies before the camera and can be seen at all.
        camera: what they are sorted and coloured for.
    """

    rows: NDArray[np.float32]
    camera: Camera


@dataclass(frozen=True, eq=False)
class Drawing:
    """A whole picture.

    Attributes:
        instances: the Gaussians.
        ghost: those of another moment, mixed into the picture; same camera.
        ghost_share: how much of the picture the ghost is, in [0, 1].
        background: display sRGB in [0, 1], one colour or (H, W, 3) of the camera's size; None is transparency.
    """

    instances: Instances
    ghost: Instances | None = None
    ghost_share: float = 0.0
    background: tuple[float, float, float] | NDArray[np.float32] | None = None

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height."""
        return self.instances.camera.width, self.instances.camera.height
