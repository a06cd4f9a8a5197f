"""Tri-plane features: a learned 64-d description of every place of the canonical head.

Three planes (xy, xz, yz) at each resolution are read by bilinear interpolation and multiplied, so that a place is
described by the agreement of its three projections; the resolutions are concatenated.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

PLANES: tuple[tuple[int, int], ...] = ((0, 1), (0, 2), (1, 2))
"""The pairs of coordinates that index the planes."""


class TriPlane(nn.Module):
    """Features of points in an axis-aligned box.

    Args:
        aabb: (2, 3) metres, lower and upper corner; points outside read the border.
        channels: features per resolution.
        resolutions: texels along each side of the planes.
    """

    aabb: Tensor

    def __init__(self, aabb: Tensor, channels: int = 32, resolutions: tuple[int, ...] = (64, 128)) -> None:
        super().__init__()
        if aabb.shape != (2, 3) or not bool((aabb[1] > aabb[0]).all()):
            raise ValueError(f"aabb is {aabb.tolist()}, expected two corners (2, 3) with upper > lower")
        self.register_buffer("aabb", aabb.detach().clone())
        self.planes = nn.ParameterList(
            [nn.Parameter(torch.empty(3, channels, r, r).uniform_(0.1, 0.5)) for r in resolutions]
        )

    @property
    def width(self) -> int:
        """Number of features per point."""
        return sum(int(plane.shape[1]) for plane in self.planes)

    def forward(self, points: Tensor) -> Tensor:
        """(P, width) features of points (P, 3) in metres."""
        unit = (points - self.aabb[0]) / (self.aabb[1] - self.aabb[0]) * 2 - 1
        grids = torch.stack([unit[:, list(pair)] for pair in PLANES])[:, None]  # (3, 1, P, 2)
        features = []
        for plane in self.planes:
            read = nn.functional.grid_sample(plane, grids, align_corners=True, padding_mode="border")
            features.append(read[:, :, 0].prod(0))  # (channels, P)
        return torch.cat(features).T
