"""A set of 3D Gaussians in optimiser space (logits and logarithms), the form every module exchanges.

Activation (`exp`, `sigmoid`, quaternion normalisation) happens only at a rasterizer's door, so that training,
deformation and files all speak of the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

SH_C0 = 0.28209479177387814
"""Zeroth real spherical harmonic, 1 / (2 √π): colour = 0.5 + SH_C0 · sh[:, 0]."""


@dataclass(frozen=True)
class Gaussians:
    """N Gaussians in head space; all tensors share device and floating type.

    Raises:
        ValueError: if the shapes disagree; the message quotes them.
    """

    means: Tensor  # (N, 3) metres
    quats: Tensor  # (N, 4) wxyz, need not be normalised
    log_scales: Tensor  # (N, 3) natural logarithm of metres
    opacity_logits: Tensor  # (N,) logit of [0, 1]
    sh: Tensor  # (N, K, 3) spherical harmonics of display sRGB, K = (degree + 1)²

    def __post_init__(self) -> None:
        n = self.means.shape[0]
        want = {"means": (n, 3), "quats": (n, 4), "log_scales": (n, 3), "opacity_logits": (n,)}
        for name, shape in want.items():
            got = tuple(getattr(self, name).shape)
            if got != shape:
                raise ValueError(f"Gaussians.{name} has shape {got}, expected {shape}")
        if self.sh.ndim != 3 or self.sh.shape[0] != n or self.sh.shape[2] != 3 or self.sh.shape[1] not in (1, 4, 9, 16):
            raise ValueError(f"Gaussians.sh has shape {tuple(self.sh.shape)}, expected ({n}, 1|4|9|16, 3)")

    def __len__(self) -> int:
        return int(self.means.shape[0])

    @property
    def sh_degree(self) -> int:
        """Degree of the spherical harmonics, 0 to 3."""
        return {1: 0, 4: 1, 9: 2, 16: 3}[int(self.sh.shape[1])]

    def to(self, device: torch.device | str) -> Gaussians:
        """The same Gaussians on another device."""
        return Gaussians(*(getattr(self, f.name).to(device) for f in fields(self)))

    def select(self, index: Tensor) -> Gaussians:
        """The Gaussians at `index` (a boolean mask or integer indices), in that order."""
        return Gaussians(*(getattr(self, f.name)[index] for f in fields(self)))

    def replace(self, **changes: Tensor) -> Gaussians:
        """A copy in which the named tensors are exchanged."""
        return replace(self, **changes)

    def is_finite(self) -> bool:
        """Whether no tensor holds NaN or infinity."""
        return all(bool(torch.isfinite(getattr(self, f.name)).all()) for f in fields(self))
