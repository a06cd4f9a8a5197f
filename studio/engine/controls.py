"""What drives one frame: action units, speech and pose, sampled at the moment that is drawn."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

WINDOW = 8
"""Frames in the temporal window of speech and action units (EmoZone-Talker eq. 8 with h = 4)."""

WINDOW_BACK = 4
"""Frames of the window before the current one: the window is [t - 4, …, t + 3]."""

WINDOW_FPS = 25.0
"""Rate of the window's frames; fixed by training and independent of the rate of playback or export."""

Triple = tuple[float, float, float]


def window_times(time_s: float) -> NDArray[np.float64]:
    """(8,) seconds: the moments of the window around `time_s`."""
    return np.asarray(time_s + (np.arange(WINDOW) - WINDOW_BACK) / WINDOW_FPS)


@dataclass(frozen=True)
class Pose:
    """Rigid motion on top of the expression, in degrees; all zero is the canonical pose.

    Head: yaw turns the face to the subject's left (+x), pitch lifts the chin, roll tips the head to the subject's
    left shoulder. Gaze: yaw turns the eyes to the subject's left, pitch up; both relative to the head. Vergence turns
    each eye towards the nose; it is followed in real people's clips, so that crossed eyes are not taken for theirs.
    The torso rests unless a film of a real person says otherwise: it turns about the neck, and shifts beneath it.
    """

    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    roll_deg: float = 0.0
    gaze_yaw_deg: float = 0.0
    gaze_pitch_deg: float = 0.0
    vergence_deg: float = 0.0
    torso_turn_deg: Triple = field(default=(0.0, 0.0, 0.0), kw_only=True)  # yaw, pitch, roll, as of the head
    torso_shift_m: Triple = field(default=(0.0, 0.0, 0.0), kw_only=True)  # head axes


@dataclass(frozen=True)
class Controls:
    """Everything the deformer needs for one frame."""

    au: NDArray[np.float32]  # (8, 17) OpenFace intensities 0–5 at window_times(t)
    speech: NDArray[np.float32]  # (8, F) speech features at window_times(t)
    pose: Pose = Pose()

    def __post_init__(self) -> None:
        if self.au.ndim != 2 or self.au.shape[0] != WINDOW or self.speech.ndim != 2 or self.speech.shape[0] != WINDOW:
            raise ValueError(f"controls have au {self.au.shape} and speech {self.speech.shape}, expected ({WINDOW}, …)")
