"""Where an avatar's Gaussians lie on a capture's surface, and how far the deformer moves some of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from torch import Tensor

from studio.engine.avatar import Avatar
from studio.engine.training.capture import Surface

FRAMES_PER_PASS = 16
"""Frames that go through the deformer together: its activations stay below 100 MB."""


@dataclass(frozen=True)
class Attachment:
    """Places as mixtures of three surface points each."""

    rows: Tensor  # (M, 3) int64 surface points
    weight: Tensor  # (M, 3) shares, rows sum to 1
    distance: NDArray[np.float64]  # (M,) metres to the nearest surface point

    def modes(self, surface: Surface) -> Tensor:
        """(U, M, 3) metres: the surface's modes in these places."""
        return torch.einsum("mk,umkc->umc", self.weight, surface.modes[:, self.rows])


def attach(points: Tensor, normals: Tensor, surface: Surface) -> Attachment:
    """Find places on a surface.

    Each takes the three most fitting among its eight nearest points, weighted by inverse squared distance; a point
    that faces another way counts as further, so that touching lips are told apart.

    Args:
        points: (M, 3) metres, canonical.
        normals: (M, 3) unit.
        surface: where they lie.
    """
    spacing = surface.spacing.double().numpy()
    near = min(8, len(surface))
    distance, at = cKDTree(surface.points.double().numpy()).query(points.double().numpy(), k=near)
    distance, at = np.asarray(distance).reshape(-1, near), np.asarray(at).reshape(-1, near)
    facing = torch.einsum("nc,nkc->nk", normals, surface.normals[at]).numpy()
    cost = distance + 0.5 * spacing[at] * (1.0 - facing)
    best = np.argsort(cost, axis=1)[:, :3]
    rows = np.take_along_axis(at, best, 1)
    share = 1.0 / (np.take_along_axis(cost, best, 1) ** 2 + (1e-3 * spacing[rows]) ** 2)
    weight = torch.from_numpy((share / share.sum(1, keepdims=True)).astype(np.float32))
    return Attachment(torch.from_numpy(rows), weight, distance[:, 0])


def gaussian_normals(quats: Tensor) -> Tensor:
    """(N, 3) unit vectors along the third axis of Gaussians (N, 4), which training lays along the surface's normal."""
    w, x, y, z = torch.nn.functional.normalize(quats.float(), dim=1).unbind(1)
    return torch.stack([2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)], 1)


class Mover:
    """The motion of some of an avatar's Gaussians in the canonical pose, without drawing anything.

    Args:
        avatar: the head.
        index: (M,) which Gaussians.
    """

    @torch.no_grad()
    def __init__(self, avatar: Avatar, index: Tensor) -> None:
        self._deformer = avatar.deformer
        self._features = avatar.deformer.features(avatar.gaussians.means, index)
        self._zones, self._moving = avatar.zones[index], avatar.deformer.moving[index][:, None]
        self.index = index

    @torch.no_grad()
    def motion(self, au: Tensor, speech: Tensor, pose: Tensor | None = None) -> Tensor:
        """(S, M, 3) metres.

        Args:
            au: (S, 8, 17) windows of intensities 0–5.
            speech: (S, 8, F) speech windows.
            pose: (S, 5) degrees; neutral when left out.
        """
        pose = torch.zeros(len(au), 5) if pose is None else pose
        parts = [torch.empty(0, len(self.index), 3)]
        for first in range(0, len(au), FRAMES_PER_PASS):
            rows = slice(first, first + FRAMES_PER_PASS)
            out, _ = self._deformer.evaluate(self._features, self._zones, au[rows], speech[rows], pose[rows])
            parts.append((out * self._moving)[..., :3])
        return torch.cat(parts)
