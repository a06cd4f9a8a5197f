"""Where the viewer stands: an orbit around the head, without Qt and without inertia.

Every gesture takes a `CameraView` of the document to another, so a bookmark or a key is the same thing as the view.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from studio.document.performance import CameraView
from studio.engine.backdrop import frame_size
from studio.engine.camera import DEFAULT_FOV_DEG, Camera, Subject

ORBIT_DEG_PER_HEIGHT = 200.0
"""Degrees for a drag across the viewport's height: half a turn without lifting the hand."""

DOLLY_PER_STEP = 0.9
"""Distance after one step of a wheel; ten steps go to about a third."""

MIN_DISTANCE, MAX_DISTANCE = 0.7, 15.0
"""Head heights: nearer, the lens would be inside the nose; further, the head is a dot."""

MAX_PAN_M = 0.5
"""The point looked at stays within arm's reach of the head, so that it cannot get lost."""

VIEWS: dict[str, tuple[float, float]] = {
    "front": (0.0, 0.0),
    "back": (180.0, 0.0),
    "left": (90.0, 0.0),  # the subject's left
    "right": (-90.0, 0.0),
    "top": (0.0, 89.0),
    "bottom": (0.0, -89.0),
}
"""Yaw and pitch in degrees of the standard views."""


class CameraController:
    """The viewer's camera around one head.

    Attributes:
        view: where the camera stands, as the document writes it.
        subject: the head that views are about.
        frame_aspect: width / height of a frame that has to fit into the viewport; None lets it reach beyond.
    """

    def __init__(self) -> None:
        self.view = CameraView()
        self.subject = Subject()
        self.frame_aspect: float | None = None

    @property
    def distance(self) -> float:
        """From target to camera in head heights."""
        return self.subject.distance(self.view)

    def orbit(self, right: float, down: float) -> None:
        """Turn around the head; arguments are shares of the viewport's height the pointer moved."""
        yaw = self.view.yaw_deg - right * ORBIT_DEG_PER_HEIGHT
        pitch = np.clip(self.view.pitch_deg + down * ORBIT_DEG_PER_HEIGHT, -89.0, 89.0)
        self.view = replace(self.view, yaw_deg=(yaw + 180.0) % 360.0 - 180.0, pitch_deg=float(pitch))

    def pan(self, right: float, down: float) -> None:
        """Move the picture with the pointer, by shares of the viewport's height."""
        span_m = 2 * self.distance * self.subject.head_height_m * float(np.tan(np.radians(DEFAULT_FOV_DEG) / 2))
        rotation = self.camera(1, 1).world_to_camera[:3, :3]
        shift = -span_m * (right * rotation[0] + down * rotation[1])
        x, y, z = (float(v) for v in np.clip(np.asarray(self.view.offset_m) + shift, -MAX_PAN_M, MAX_PAN_M))
        self.view = replace(self.view, offset_m=(x, y, z))

    def dolly(self, steps: float) -> None:
        """Come nearer by wheel steps; negative steps go away."""
        distance = float(np.clip(self.distance * DOLLY_PER_STEP**steps, MIN_DISTANCE, MAX_DISTANCE))
        self.view = replace(self.view, distance=distance)

    def look(self, name: str) -> None:
        """Go to one of `VIEWS`, keeping distance and offset."""
        yaw, pitch = VIEWS[name]
        self.view = replace(self.view, yaw_deg=yaw, pitch_deg=pitch)

    def reframe(self) -> None:
        """Frame the whole head from the current direction."""
        self.view = replace(self.view, distance=None, offset_m=(0.0, 0.0, 0.0))

    def camera(self, width: int, height: int) -> Camera:
        """The viewport's camera for a picture of `width` × `height` pixels."""
        return framed(self.subject.camera(self.view, width, height), self.frame_aspect)


def framed(camera: Camera, aspect: float | None) -> Camera:
    """The camera with a wider angle where a frame of that aspect would else reach beyond the picture's sides."""
    _, height = frame_size(camera.width, camera.height, aspect, framed=True)
    scale = height / camera.height
    return camera if scale == 1.0 else replace(camera, fx=camera.fx * scale, fy=camera.fy * scale)
