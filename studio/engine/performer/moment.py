"""What one image of a performer shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]


@dataclass(frozen=True)
class Moment:
    """The state that the renderer draws."""

    controls: F64  # (c, 3) moved control vertices, canonical pose, metres
    pose: F64  # (5,) degrees: yaw, pitch, roll, gaze yaw, gaze pitch
    folds: F64  # (11,) strength of each of `materials.FOLDS`, 0…1
    mouth_open: float = 0.0  # 0 closed, 1 wide: lets light in
