"""Rigid motion by linear blend skinning: torso, head and two eyes.

The deformer works in the canonical pose; the rig carries its result to the posed head. Skinning weights come from
the capture and are inherited when Gaussians split.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from studio.engine.controls import Pose
from studio.engine.gaussians import Gaussians

JOINTS = ("torso", "head", "eye_left", "eye_right")
"""Order of skinning columns; left is the subject's left."""


@dataclass(frozen=True)
class Rig:
    """Skinning of N Gaussians to the four `JOINTS`."""

    weights: Tensor  # (N, 4) rows sum to 1
    pivots: Tensor  # (4, 3) metres, centre of rotation of each joint in the canonical pose

    def transforms(self, pose: Pose) -> tuple[Tensor, Tensor]:
        """Rotation (4, 3, 3) and translation (4, 3) of each joint for a pose, canonical → posed head space."""
        like = self.pivots
        head = _euler(pose.yaw_deg, pose.pitch_deg, pose.roll_deg, like)
        gazes = [
            _euler(pose.gaze_yaw_deg + inward * pose.vergence_deg, pose.gaze_pitch_deg, 0.0, like)
            for inward in (-1.0, 1.0)
        ]
        eyes = [head @ gaze for gaze in gazes]
        torso = _euler(*pose.torso_turn_deg, like)
        rotations = torch.stack([torso, head, *eyes])
        head_shift = like[1] - head @ like[1]
        moved = torch.tensor(pose.torso_shift_m, dtype=like.dtype, device=like.device)
        shifts = [like[1] - torso @ like[1] + moved, head_shift]
        for pivot, gaze in zip(like[2:], gazes, strict=True):
            shifts.append(head @ (pivot - gaze @ pivot) + head_shift)
        return rotations, torch.stack(shifts)

    def apply(self, gaussians: Gaussians, pose: Pose) -> Gaussians:
        """Gaussians moved to `pose`; unchanged (the same object) when the pose is neutral. SH is not rotated."""
        if pose == Pose():
            return gaussians
        rotations, shifts = self.transforms(pose)
        return self.carry(gaussians, rotations, shifts, rotation_quats(rotations))

    def carry(self, gaussians: Gaussians, rotations: Tensor, shifts: Tensor, turns: Tensor) -> Gaussians:
        """Gaussians moved by the joints' rotations (4, 3, 3), translations (4, 3) and rotations as quats (4, 4)."""
        blend = torch.einsum("nj,jab->nab", self.weights, rotations)
        means = torch.einsum("nab,nb->na", blend, gaussians.means) + self.weights @ shifts
        turn = self.weights @ turns
        turn = turn / turn.norm(dim=1, keepdim=True).clamp_min(1e-12)
        return gaussians.replace(means=means, quats=quat_multiply(turn, gaussians.quats))


def quat_multiply(a: Tensor, b: Tensor) -> Tensor:
    """Hamilton product of quaternions wxyz, (…, 4) each: the rotation b followed by a."""
    aw, ax, ay, az = a.unbind(-1)
    bw, bx, by, bz = b.unbind(-1)
    return torch.stack(
        [
            aw * bw - ax * bx - ay * by - az * bz,
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
        ],
        -1,
    )


def _euler(yaw_deg: float, pitch_deg: float, roll_deg: float, like: Tensor) -> Tensor:
    """(3, 3) rotation R_y(yaw) · R_x(-pitch) · R_z(-roll): signs as documented in `Pose`."""
    y, p, r = (
        torch.deg2rad(torch.tensor(v, dtype=like.dtype, device=like.device)) for v in (yaw_deg, -pitch_deg, -roll_deg)
    )
    one, zero = torch.ones_like(y), torch.zeros_like(y)
    ry = torch.stack([y.cos(), zero, y.sin(), zero, one, zero, -y.sin(), zero, y.cos()]).view(3, 3)
    rx = torch.stack([one, zero, zero, zero, p.cos(), -p.sin(), zero, p.sin(), p.cos()]).view(3, 3)
    rz = torch.stack([r.cos(), -r.sin(), zero, r.sin(), r.cos(), zero, zero, zero, one]).view(3, 3)
    return ry @ rx @ rz


def rotation_quats(rotations: Tensor) -> Tensor:
    """(J, 4) wxyz with w ≥ 0 of rotations (J, 3, 3) that turn by less than 180°."""
    w = (1 + rotations.diagonal(dim1=1, dim2=2).sum(1)).clamp_min(1e-12).sqrt() / 2
    x = (rotations[:, 2, 1] - rotations[:, 1, 2]) / (4 * w)
    y = (rotations[:, 0, 2] - rotations[:, 2, 0]) / (4 * w)
    z = (rotations[:, 1, 0] - rotations[:, 0, 1]) / (4 * w)
    return torch.stack([w, x, y, z], 1)
