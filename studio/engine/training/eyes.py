"""How far a tracked person's eyes are turned towards the nose, beyond where they look together.

A tracker's gaze is the mean of both eyes. Somebody who squints or makes faces would get the pupils of the avatar
painted where they are crossed; so that eyes rest straight, what each does against the other is followed too.
"""

from __future__ import annotations

import torch
from torch import Tensor

RINGS: tuple[tuple[int, int, int, int], ...] = ((473, 478, 263, 362), (468, 473, 33, 133))
"""Of the left and the right eye: the iris' landmarks (first, end), the outer and the inner corner."""

STRAIGHT = -0.058
"""Where irises of eyes that look ahead are seen, towards the nose from the middle of the lids, per width of the eye:
measured on the shipped performer, and within 0.02 on people who look into the camera."""

OWN = 0.02
"""A person's own way of looking ahead differs by no more than this; who looks more crossed, has crossed the eyes."""

TURNING = 0.33
"""How far irises are seen to go for a sine of 1, per width of the eye: less than they go, for landmarks lag behind."""

MOST_DEG = 30.0


def vergence_deg(landmarks: Tensor, used: Tensor) -> Tensor:
    """(F,) degrees by which each eye is turned towards the nose, 0 where the person looks ahead.

    Args:
        landmarks: (F, 478, 3) of every frame, pose taken away, metres; x to the subject's left.
        used: (F,) bool, frames in which the face was seen.
    """
    if not bool(used.any()) or landmarks.shape[1] < RINGS[0][1]:
        return landmarks.new_zeros(len(landmarks))
    inward = torch.zeros(len(landmarks), dtype=landmarks.dtype)
    for side, (first, end, outer, inner) in zip((-1.0, 1.0), RINGS, strict=True):
        a, b = landmarks[:, outer], landmarks[:, inner]
        width = (a - b).norm(dim=1).median().clamp_min(1e-6)
        inward += side * (landmarks[:, first:end, 0].mean(1) - (a[:, 0] + b[:, 0]) / 2) / width / 2
    usual = float(inward[used].median())
    zero = min(max(usual, STRAIGHT - OWN), STRAIGHT + OWN)
    turned = torch.rad2deg(((inward - zero) / TURNING).clamp(-0.9, 0.9).asin())
    padded = torch.nn.functional.pad(turned[None, None], (2, 2), mode="replicate")[0, 0]
    calm = padded.unfold(0, 5, 1).median(1).values  # a picture's own error is as large as usual movements
    return calm.clamp(-MOST_DEG, MOST_DEG)
