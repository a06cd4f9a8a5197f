"""What a capture of a real person knows instead of the true surface: pose, articulation and the fitted head.

`tracking.safetensors` beside capture.json, all in head space and metres unless said otherwise:

| tensor | shape | what |
| --- | --- | --- |
| pose | (F, 5) | degrees: yaw, pitch, roll, gaze yaw, gaze pitch |
| torso | (F, 6) | turn of the torso about the neck (yaw, pitch, roll in degrees) and shift (metres); may be left out |
| articulators | (F, 10) | articulation that the sound suggests; zeros where the sound is not this person's speech |
| pivots | (4, 3) | torso, head, left and right eye, as an avatar's rig has them |
| head | (P, 3) | the person's neutral face: the landmarks' places |
| head_triangles | (T, 3) | int64 triangles over `head` |
| landmarks_3d | (F, P, 3) | the face's landmarks in every frame, pose taken away; nan-free, bridged where unseen |
| used | (F,) | uint8, 1 where the frame's picture is in the capture |

Pictures stand in capture.json as ever; a picture's camera has the clip's one orientation and focal length, and moves
with the neck, so that posing the rig by `pose` and `torso` about `pivots` puts head and shoulders where they are seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from studio.engine.speech.articulators import N_ARTICULATORS
from studio.engine.training.eyes import vergence_deg
from studio.errors import StudioError

FILE = "tracking.safetensors"


@dataclass(frozen=True)
class Tracking:
    """The tracked head: see the module docstring."""

    pose: Tensor  # (F, 5) degrees
    articulators: Tensor  # (F, 10)
    pivots: Tensor  # (4, 3) metres
    head: Tensor  # (P, 3) metres
    head_triangles: Tensor  # (T, 3) int64
    landmarks_3d: Tensor  # (F, P, 3) metres
    used: Tensor  # (F,) bool
    torso: Tensor  # (F, 6) degrees and metres; zeros where it is not known

    @cached_property
    def vergence(self) -> Tensor:
        """(F,) degrees by which each eye is turned towards the nose."""
        return vergence_deg(self.landmarks_3d, self.used)


def load_tracking(root: Path, frames: int) -> Tracking | None:
    """The tracking of a capture folder; None where there is none.

    Raises:
        StudioError: it is malformed.
    """
    path = root / FILE
    if not path.exists():
        return None
    try:
        got = load_file(str(path))
        points = int(got["head"].shape[0])
    except (OSError, SafetensorError, KeyError, IndexError) as error:
        raise StudioError(
            f"{path} is malformed ({type(error).__name__}: {error}): record the capture again."
        ) from error
    shapes = {
        "pose": (frames, 5),
        "articulators": (frames, N_ARTICULATORS),
        "pivots": (4, 3),
        "head": (points, 3),
        "landmarks_3d": (frames, points, 3),
        "used": (frames,),
        "torso": (frames, 6),
    }
    got.setdefault("torso", torch.zeros(frames, 6))  # captures made before torsos were followed
    for name, shape in shapes.items():
        if name not in got or tuple(got[name].shape) != shape:
            found = tuple(got[name].shape) if name in got else None
            raise StudioError(f"{path} holds {name} of shape {found}, expected {shape}: record the capture again.")
        if not bool(torch.isfinite(got[name].float()).all()):
            raise StudioError(f"{path} holds {name} that are not finite numbers: record the capture again.")
    triangles = got.get("head_triangles", torch.zeros(0, 3)).long()
    if triangles.ndim != 2 or triangles.shape[1:] != (3,) or (len(triangles) and int(triangles.max()) >= points):
        raise StudioError(f"{path} holds triangles that do not fit its points: record the capture again.")
    return Tracking(
        got["pose"].float(),
        got["articulators"].float(),
        got["pivots"].float(),
        got["head"].float(),
        triangles,
        got["landmarks_3d"].float(),
        got["used"].bool(),
        got["torso"].float(),
    )
