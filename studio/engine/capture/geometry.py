"""What the landmarks say of the face's muscles, freed from where the head points: a few distances per picture.

The network of expression scores hardly ever sees cheeks and nose move and lets raised brows hide lowered ones; plain
distances between landmarks, seen from the front, fill these gaps. The unit is the distance of the eyes' outer corners.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from studio.engine.capture.pose import FLIP

F64 = NDArray[np.float64]

MEASURES = (
    "brow_inner", "brow_outer", "brow_gap", "lids", "lower_lids", "corners_up", "corners_apart", "upper_lip",
    "lower_lip", "chin", "gap", "wings_up", "wings_apart", "cheeks_up", "red_upper", "red_lower",
)  # fmt: skip
"""Names of what `measure` tells, all growing upwards or apart."""


def frontal(points: F64, rotation: F64) -> F64:
    """(F, 478, 3) landmarks turned to face the camera, head axes, outer corners of the eyes 1 apart.

    Args:
        points: (F, 478, 3) as the landmarker gives them, pixels; nan without a face.
        rotation: (F, 3, 3) head → camera.
    """
    centred = points - points[:, [168]]
    turned = np.einsum("fij,fki->fkj", rotation, centred)  # the inverse rotation: camera → head
    size = np.linalg.norm(turned[:, 263] - turned[:, 33], axis=1)
    return np.asarray(turned / np.maximum(size, 1e-6)[:, None, None])


def measure(front: F64) -> F64:
    """(F, len(MEASURES)) of frontal landmarks (F, 478, 3)."""
    x, y = front[..., 0], front[..., 1]

    def height(*points: int) -> F64:
        return np.asarray(y[:, list(points)].mean(1))

    eyes = height(33, 133, 263, 362)
    nose = height(2, 97, 326)
    return np.stack(
        [
            height(55, 107, 285, 336) - eyes,
            height(46, 70, 63, 276, 300, 293) - eyes,
            x[:, 336] + x[:, 285] - x[:, 107] - x[:, 55],
            height(159, 158, 386, 385) - height(145, 153, 374, 380),
            height(145, 153, 374, 380) - eyes,
            height(61, 291) - nose,
            x[:, 291] - x[:, 61],
            height(0, 37, 267) - nose,
            height(17, 84, 314) - nose,
            height(152, 148, 377) - nose,
            height(13, 82, 312) - height(14, 87, 317),
            height(129, 64, 358, 294) - eyes,
            x[:, 358] - x[:, 129],
            height(50, 101, 280, 330) - eyes,
            height(0, 37, 267) - height(13, 82, 312),
            height(14, 87, 317) - height(17, 84, 314),
        ],
        axis=1,
    )


def upright(rotation: F64) -> F64:
    """(F, 3, 3) rotations relative to a head that faces the camera straight, head axes."""
    return np.asarray(FLIP @ rotation)
