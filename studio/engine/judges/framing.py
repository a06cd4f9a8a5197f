"""Which pixels a judge looks at: squares around face and mouth that follow the head, not the lips.

The squares are fixed in head space, in head heights, and projected; a crop that followed the lips would hide how far
they open. The same squares serve the films that judges learn from, captures, and avatars.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from studio.engine.camera import DEFAULT_FOV_DEG, Camera, orbit_camera
from studio.engine.controls import Pose
from studio.engine.rig import Rig

FACE_PX = 80
"""Edge of the face crop that the action-unit network sees."""

MOUTH_PX = 48
"""Edge of the mouth crop that the lip-sync network sees."""

FACE_CENTRE = (0.0, -0.17, 0.12)
"""Middle of the face in head heights from the point between the eyes; from there raised brows and a dropped chin lie
within `FACE_HALF`."""

FACE_HALF = 0.40
"""Half the edge of the face's square, head heights."""

MOUTH_CENTRE = (0.0, -0.32, 0.12)
"""Middle of the lower face: mouths of the performers lie 0.26 to 0.34 below the eyes, chins at 0.46 to 0.53."""

MOUTH_HALF = 0.22
"""Half the edge of the mouth's square, head heights: from the base of the nose to the chin."""

SEEN_HALF = 0.5175
"""Half the edge of what `face_camera` sees at the face's depth, head heights: room to vary the framing."""

TURNED_DEG = 50.0
"""A face turned further away from the camera than this is not judged."""


class Square(NamedTuple):
    """A square in pixels; its parts need not lie inside the picture."""

    x: float  # of the middle
    y: float
    half: float  # half the edge


@dataclass(frozen=True)
class Face:
    """Where a face is in a picture."""

    face: Square
    mouth: Square

    def scaled(self, by: float) -> Face:
        """The same in a picture `by` times as large."""
        return Face(*(Square(*(by * value for value in square)) for square in (self.face, self.mouth)))


def find_face(camera: Camera, pose: Pose, head_height_m: float, pivots: Tensor) -> Face | None:
    """The squares of a posed head in a camera's picture; None if the face is turned away or behind the camera.

    Args:
        camera: of the picture.
        pose: of the head.
        head_height_m: from the top of the head to the chin, metres.
        pivots: (4, 3) metres, as in `Rig`.
    """
    rotation, shift = _head(pose, pivots)
    squares = []
    for centre, half in ((FACE_CENTRE, FACE_HALF), (MOUTH_CENTRE, MOUTH_HALF)):
        at = rotation @ (head_height_m * np.array(centre)) + shift
        x, y, depth = camera.world_to_camera[:3, :3] @ at + camera.world_to_camera[:3, 3]
        if depth <= head_height_m / 10:
            return None
        squares.append(
            Square(
                float(camera.fx * x / depth + camera.cx),
                float(camera.fy * y / depth + camera.cy),
                float(camera.fy * head_height_m * half / depth),
            )
        )
    away = camera.position - (rotation @ (head_height_m * np.array(FACE_CENTRE)) + shift)
    if float(away @ rotation[:, 2]) < np.cos(np.radians(TURNED_DEG)) * float(np.linalg.norm(away)):
        return None
    return Face(*squares)


def face_camera(
    pose: Pose, head_height_m: float, pivots: Tensor, size_px: int, yaw_deg: float = 0.0, pitch_deg: float = 0.0
) -> Camera:
    """A square picture filled by the face, wherever `pose` has moved it, from a fixed direction.

    Args:
        pose: of the head.
        head_height_m: metres.
        pivots: (4, 3) metres, as in `Rig`.
        size_px: edge of the picture.
        yaw_deg: direction of the camera, as in `orbit_camera`.
        pitch_deg: same.
    """
    rotation, shift = _head(pose, pivots)
    x, y, z = rotation @ (head_height_m * np.array(FACE_CENTRE)) + shift
    distance_m = SEEN_HALF * head_height_m / np.tan(np.radians(DEFAULT_FOV_DEG) / 2)
    return orbit_camera(
        yaw_deg, pitch_deg, float(distance_m), target=(float(x), float(y), float(z)), width=size_px, height=size_px
    )


def cut(picture: Tensor, square: Square, size_px: int) -> Tensor:
    """(3, size_px, size_px) of a picture (H, W, 3); differentiable, area-averaged where the picture is larger.

    What lies outside the picture repeats its edge.
    """
    height, width = picture.shape[:2]
    edge = max(2, round(2 * square.half))
    left, top = round(square.x - edge / 2), round(square.y - edge / 2)
    rows = torch.arange(top, top + edge, device=picture.device).clamp(0, height - 1)
    columns = torch.arange(left, left + edge, device=picture.device).clamp(0, width - 1)
    part = picture.index_select(0, rows).index_select(1, columns).permute(2, 0, 1)[None]
    resized: Tensor = functional.interpolate(
        part, (size_px, size_px), mode="bilinear", align_corners=False, antialias=True
    )
    return resized[0]


def _head(pose: Pose, pivots: Tensor) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.float64]], ...]:
    """Rotation (3, 3) and translation (3,) of the head."""
    rotations, shifts = Rig(torch.zeros(0, 4), pivots.detach().cpu().double()).transforms(pose)
    return rotations[1].numpy(), shifts[1].numpy()
