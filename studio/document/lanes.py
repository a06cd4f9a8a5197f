"""Lanes: one channel's curve or held value, and what a lane may drive."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from studio.document.action_units import ACTION_UNITS, AU_KEYS, MAX_INTENSITY
from studio.document.curves import Curve
from studio.document.extra import Extra

Mode = Literal["replace", "add"]

LANE_TOLERANCE = 0.1
"""Of keys made from a take: half of what a trained eye tells apart in an action unit (a fifth of a FACS step)."""

POSE_TOLERANCE_DEG = 0.5
"""The same for head and gaze."""


@dataclass(frozen=True)
class Channel:
    """Something a lane can drive, with its name for people, its unit and its range."""

    key: str
    label: str
    unit: str
    low: float
    high: float
    neutral: float = 0.0


POSE_CHANNELS: tuple[Channel, ...] = (
    Channel("head_yaw", "Head turn", "°", -90.0, 90.0),
    Channel("head_pitch", "Head nod", "°", -60.0, 60.0),
    Channel("head_roll", "Head tilt", "°", -60.0, 60.0),
    Channel("gaze_yaw", "Gaze sideways", "°", -45.0, 45.0),
    Channel("gaze_pitch", "Gaze up and down", "°", -35.0, 35.0),
)
"""Order of every pose array; positive is to the subject's left, up, and a tilt to the subject's left shoulder."""

CAMERA_CHANNELS: tuple[Channel, ...] = (
    Channel("camera_yaw", "Camera orbit", "°", -1e6, 1e6),
    Channel("camera_pitch", "Camera height", "°", -89.0, 89.0),
    Channel("camera_distance", "Camera distance", "head heights", 0.2, 100.0, 3.0),
    Channel("camera_x", "Camera target to the left", "m", -10.0, 10.0),
    Channel("camera_y", "Camera target up", "m", -10.0, 10.0),
    Channel("camera_z", "Camera target forward", "m", -10.0, 10.0),
)

CHANNELS: dict[str, Channel] = {
    **{au.key: Channel(au.key, au.name, "intensity", 0.0, MAX_INTENSITY) for au in ACTION_UNITS},
    **{channel.key: channel for channel in (*POSE_CHANNELS, *CAMERA_CHANNELS)},
}
"""Everything a lane can drive, by key."""

POSE_KEYS = tuple(channel.key for channel in POSE_CHANNELS)
CAMERA_KEYS = tuple(channel.key for channel in CAMERA_CHANNELS)
FACE_KEYS = (*AU_KEYS, *POSE_KEYS)


@dataclass(frozen=True)
class Lane:
    """One channel over time: keys, or a held value while there are none, or nothing.

    `replace` puts the lane's value in place of what lies below (blended by `weight`), `add` puts `weight` times the
    value on top. A muted lane does nothing; while any lane or layer of the face is solo, only solo ones act (camera
    lanes have their own solo). Raises ValueError for an unknown channel or a number out of range.
    """

    target: str
    curve: Curve = field(default_factory=Curve)
    held: float | None = None
    mode: Mode = "replace"
    mute: bool = False
    solo: bool = False
    weight: float = 1.0
    name: str = ""
    extra: Extra = ()

    def __post_init__(self) -> None:
        if self.target not in CHANNELS:
            raise ValueError(f"a lane drives {self.target[:60]!r}, which is no action unit, pose or camera channel")
        if not 0 <= self.weight <= 1:
            raise ValueError(f"the weight of lane {self.id} is {self.weight}, expected 0 to 1")
        if self.held is not None and not np.isfinite(self.held):
            raise ValueError(f"the held value of lane {self.id} is not a finite number")
        if self.mode not in ("replace", "add"):
            raise ValueError(f"the mode of lane {self.id} is {self.mode!r}, expected 'replace' or 'add'")

    @property
    def id(self) -> str:
        """What tells this lane from others: its name, or the channel it drives."""
        return self.name or self.target

    @property
    def channel(self) -> Channel:
        """What it drives."""
        return CHANNELS[self.target]

    @property
    def keyed(self) -> bool:
        """Whether keys decide, not the held value."""
        return len(self.curve) > 0

    @property
    def silent(self) -> bool:
        """Whether there is neither a key nor a held value."""
        return self.held is None and not self.keyed
