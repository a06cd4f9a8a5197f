"""Small corrections of a tracked portrait's motion, found by the pictures themselves.

A tracker's pose trembles by tenths of a degree, and shoulders do not follow the neck exactly; drawn as tracked, edges
blur. Every picture gets nine numbers: a turn of the head and one of the body about the neck, and a shift of both. They
are held near zero and near those of the neighbouring pictures, and their mean is taken away, so that pictures that were
never trained on, which have no corrections, are drawn in the same place.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from studio.engine.gaussians import Gaussians
from studio.engine.rig import Rig

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
