"""Pinhole cameras in OpenCV axes (x right, y down, z forward), pixel centres at +0.5, as gsplat has them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from studio.document.performance import CameraView

DEFAULT_FOV_DEG = 20.0
"""Vertical field of view of studio cameras: about an 85–100 mm portrait lens, which does not enlarge the nose."""

FRAMED_HEAD_SHARE = 0.68
"""Share of the image height that one head height fills at the default distance."""


@dataclass(frozen=True)
class Camera:
    """Where the head is seen from and how many pixels it falls on."""

    world_to_camera: NDArray[np.float64]  # (4, 4) head space → camera space, metres
    fx: float  # focal length in pixels
    fy: float
    cx: float  # principal point in pixels, (width / 2) = centre
    cy: float
    width: int  # pixels
    height: int  # pixels

    def __post_init__(self) -> None:
        if self.world_to_camera.shape != (4, 4):
            raise ValueError(f"world_to_camera has shape {self.world_to_camera.shape}, expected (4, 4)")
        if self.width < 1 or self.height < 1:
            raise ValueError(f"camera size is {self.width}x{self.height}, expected at least 1x1")

    @property
    def position(self) -> NDArray[np.float64]:
        """(3,) centre of projection in head space, metres."""
        rotation, translation = self.world_to_camera[:3, :3], self.world_to_camera[:3, 3]
        return np.asarray(-rotation.T @ translation)

    @property
    def intrinsics(self) -> NDArray[np.float64]:
        """(3, 3) pinhole matrix in pixels."""
        return np.array([[self.fx, 0.0, self.cx], [0.0, self.fy, self.cy], [0.0, 0.0, 1.0]])

    def resized(self, width: int, height: int) -> Camera:
        """The same view on another number of pixels; the vertical field of view is kept."""
        scale = height / self.height
        return replace(
            self,
            fx=self.fx * scale,
            fy=self.fy * scale,
            cx=width / 2 + (self.cx - self.width / 2) * scale,
            cy=height / 2 + (self.cy - self.height / 2) * scale,
            width=width,
            height=height,
        )


def framing_distance_m(head_height_m: float, fov_deg: float = DEFAULT_FOV_DEG) -> float:
    """Distance at which a head fills `FRAMED_HEAD_SHARE` of the image height, metres."""
    return head_height_m / FRAMED_HEAD_SHARE / 2 / float(np.tan(np.radians(fov_deg) / 2))


def orbit_camera(
    yaw_deg: float,
    pitch_deg: float,
    distance_m: float,
    *,
    target: tuple[float, float, float] = (0.0, 0.0, 0.0),
    fov_deg: float = DEFAULT_FOV_DEG,
    width: int = 512,
    height: int = 512,
) -> Camera:
    """A camera on a sphere around `target` that looks at it, upright.

    Args:
        yaw_deg: 0 looks at the face from the front; positive moves the camera towards the subject's left (+x).
        pitch_deg: positive moves the camera up; clamped to ±89.
        distance_m: from target to camera, metres, > 0.
        target: the point looked at, head space, metres.
        fov_deg: vertical field of view.
        width: pixels.
        height: pixels.
    """
    yaw, pitch = np.radians(yaw_deg), np.radians(np.clip(pitch_deg, -89.0, 89.0))
    away = np.array([np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)])
    forward = -away
    right = _cross(forward, np.array([0.0, 1.0, 0.0]))
    right /= np.linalg.norm(right)
    down = _cross(forward, right)
    rotation = np.stack([right, down, forward])
    eye = np.asarray(target, dtype=np.float64) + distance_m * away
    world_to_camera = np.eye(4)
    world_to_camera[:3, :3] = rotation
    world_to_camera[:3, 3] = -rotation @ eye
    focal = height / 2 / float(np.tan(np.radians(fov_deg) / 2))
    return Camera(world_to_camera, focal, focal, width / 2, height / 2, width, height)


def _cross(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """`np.cross` of two vectors (3,), which takes ten times as long; every picture asked for needs two of them."""
    return a[[1, 2, 0]] * b[[2, 0, 1]] - a[[2, 0, 1]] * b[[1, 2, 0]]


@dataclass(frozen=True)
class Subject:
    """The head that views of a document are about: their unit and their point of reference."""

    head_height_m: float = 0.24
    target: tuple[float, float, float] = (0.0, 0.0, 0.0)  # the point looked at without an offset, head space

    def camera(self, view: CameraView, width: int = 512, height: int = 512) -> Camera:
        """A document's view of this head as a camera; the one conversion for viewport and export."""
        x, y, z = (at + by for at, by in zip(self.target, view.offset_m, strict=True))
        distance_m = self.distance(view) * self.head_height_m
        return orbit_camera(view.yaw_deg, view.pitch_deg, distance_m, target=(x, y, z), width=width, height=height)

    def distance(self, view: CameraView) -> float:
        """From the point looked at to the camera, head heights."""
        if view.distance is not None:
            return view.distance
        return framing_distance_m(self.head_height_m) / self.head_height_m
