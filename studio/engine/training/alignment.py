"""Small corrections of a tracked portrait's motion, found by the pictures themselves.

A tracker's pose trembles by tenths of a degree, and shoulders do not follow the neck exactly; drawn as tracked, edges
blur. Every picture gets nine numbers: a turn of the head and one of the body about the neck, and a shift of both. They
are held near zero and near those of the neighbouring pictures, and their mean is taken away, so that pictures that were
never trained on, which have no corrections, are drawn in the same place.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from torch import Tensor, nn

from studio.engine.gaussians import Gaussians
from studio.engine.rig import Rig
from studio.engine.training.capture import Capture

F64 = NDArray[np.float64]

HEAD, BODY, SHIFT = slice(0, 3), slice(3, 6), slice(6, 9)

USUAL: tuple[float, ...] = (*[math.radians(0.6)] * 3, *[math.radians(1.2)] * 3, *[0.002] * 3)
"""Size of usual corrections, radians and metres: what the numbers count in."""

ROUGHNESS = 4.0
"""Neighbouring pictures differ by so much less than corrections are large."""


class Alignment(nn.Module):
    """Corrections of F frames, learned row by row.

    Args:
        frames: F.
    """

    usual: Tensor

    def __init__(self, frames: int) -> None:
        super().__init__()
        self.table = nn.Embedding(frames, 9, sparse=True)
        nn.init.zeros_(self.table.weight)
        self.register_buffer("usual", torch.tensor(USUAL), persistent=False)

    def of(self, frame: int, known: Tensor) -> Tensor:
        """(9,) radians and metres: the correction of a frame, relative to the mean over `known` frames (K,)."""
        weight = self.table.weight
        row: Tensor = self.table(torch.tensor([frame], device=weight.device))[0]
        return (row - weight.detach()[known].mean(0)) * self.usual

    def penalty(self, frame: int, known: Tensor) -> Tensor:
        """How unusual the correction of a frame is, alone and beside its neighbours among `known` (rising)."""
        weight = self.table.weight
        row: Tensor = self.table(torch.tensor([frame], device=weight.device))[0]
        at = int(torch.searchsorted(known, frame))
        near = [int(known[i]) for i in (at - 1, at + 1) if 0 <= i < len(known) and abs(int(known[i]) - frame) <= 2]
        penalty = row.square().mean()
        if near:
            beside = weight.detach()[near].mean(0)
            penalty = penalty + ROUGHNESS**2 * (row - beside).square().mean()
        return penalty


def moved(posed: Gaussians, correction: Tensor, rig: Rig) -> Gaussians:
    """Posed Gaussians with a correction (9,) applied; turns are small, so that Gaussians keep their own orientation."""
    body = rig.weights[:, :1]
    turn = (1.0 - body) * correction[HEAD] + body * correction[BODY]
    arm = posed.means.detach() - rig.pivots[1]
    return posed.replace(means=posed.means + torch.linalg.cross(turn, arm, dim=1) + correction[SHIFT])


def corrected(capture: Capture, corrections: dict[int, Tensor]) -> Capture:
    """The capture with corrections (9,) of some images written into its poses and cameras.

    The turn of the body goes into the camera, because the rig's torso stands still, and out of the head's pose.
    """
    assert capture.tracking is not None
    pivot = capture.tracking.pivots[1].double().numpy()
    cameras, pose = list(capture.cameras), capture.pose.clone()
    for index, correction in corrections.items():
        image = capture.images[index]
        values = correction.detach().double().cpu().numpy()
        body, head = _turn(values[BODY]), _turn(values[HEAD])
        world = np.eye(4)
        world[:3, :3] = body
        world[:3, 3] = pivot - body @ pivot + values[SHIFT]
        camera = cameras[image.camera]
        cameras[image.camera] = replace(camera, world_to_camera=camera.world_to_camera @ world)
        rig = Rig(torch.zeros(0, 4), capture.tracking.pivots.double())
        rotations, _ = rig.transforms(capture.pose_at(image.frame))
        pose[image.frame, :3] = torch.from_numpy(_angles_deg(body.T @ head @ rotations[1].numpy()))
    return replace(capture, cameras=tuple(cameras), pose=pose)


def _turn(vector: F64) -> F64:
    return np.asarray(Rotation.from_rotvec(vector).as_matrix())


def _angles_deg(rotation: F64) -> NDArray[np.float32]:
    """Yaw, pitch and roll as `Pose` has them."""
    yaw, pitch, roll = Rotation.from_matrix(rotation).as_euler("YXZ", degrees=True)
    return np.array([yaw, -pitch, -roll], dtype=np.float32)
