"""Colour that depends on the viewing direction: real spherical harmonics up to degree 3.

The basis is the field's (Condon–Shortley signs, order l = 0…3, m = -l…l), so that coefficients trained here and
elsewhere mean the same. A Gaussian's colour is 0.5 + Σ basis · coefficient, clamped at zero from below, seen along the
unit vector from the camera to the Gaussian's mean.

This is the obvious, differentiable version for torch; `_project.py` holds its compiled twin.
"""

from __future__ import annotations

import torch
from torch import Tensor

from studio.engine.gaussians import SH_C0

COLOUR_OFFSET = 0.5
"""Colour of a Gaussian whose coefficients are all zero."""

# Normalisation constants of the real spherical harmonics, named by degree and by the polynomial they multiply.
C1 = 0.4886025119029199  # √(3 / 4π): x, y, z
C2_XY = 1.0925484305920792  # √(15 / 4π): xy, yz, xz
C2_Z = 0.31539156525252005  # √(5 / 16π): 3z² - 1
C2_XX = 0.5462742152960396  # √(15 / 16π): x² - y²
C3_X3 = 0.5900435899266435  # √(35 / 32π): x (x² - 3y²), y (3x² - y²)
C3_XYZ = 2.890611442640554  # √(105 / 4π): xyz
C3_XZ2 = 0.4570457994644658  # √(21 / 32π): x (5z² - 1), y (5z² - 1)
C3_Z3 = 0.3731763325901154  # √(7 / 16π): z (5z² - 3)
C3_ZXX = 1.445305721320277  # √(105 / 16π): z (x² - y²)


def sh_basis(
    directions: Tensor,  # (..., 3) unit vectors
    degree: int,
) -> Tensor:
    """Values of the (degree + 1)² basis functions along unit vectors.

    Returns:
        (..., (degree + 1)²) in the type and on the device of `directions`.

    Raises:
        ValueError: if `degree` is not 0, 1, 2 or 3.
    """
    if degree not in (0, 1, 2, 3):
        raise ValueError(f"spherical harmonics of degree {degree} are not supported, expected 0 to 3")
    x, y, z = directions.unbind(-1)
    basis = [torch.full_like(x, SH_C0)]
    if degree >= 1:
        basis += [-C1 * y, C1 * z, -C1 * x]
    if degree >= 2:
        basis += [
            C2_XY * x * y,
            -C2_XY * y * z,
            C2_Z * (3 * z * z - 1),
            -C2_XY * x * z,
            C2_XX * (x * x - y * y),
        ]
    if degree >= 3:
        basis += [
            -C3_X3 * y * (3 * x * x - y * y),
            C3_XYZ * x * y * z,
            -C3_XZ2 * y * (5 * z * z - 1),
            C3_Z3 * z * (5 * z * z - 3),
            -C3_XZ2 * x * (5 * z * z - 1),
            C3_ZXX * z * (x * x - y * y),
            -C3_X3 * x * (x * x - 3 * y * y),
        ]
    return torch.stack(basis, dim=-1)


def sh_colours(
    sh: Tensor,  # (N, K, 3) coefficients of display sRGB
    means: Tensor,  # (N, 3) metres
    camera_position: Tensor,  # (3,) metres
) -> Tensor:
    """Colours of Gaussians as a camera sees them, differentiable in all three arguments.

    Returns:
        (N, 3) display sRGB, at least 0 (and at times above 1).
    """
    degree = {1: 0, 4: 1, 9: 2, 16: 3}[int(sh.shape[1])]
    directions = torch.nn.functional.normalize(means - camera_position, dim=-1)
    basis = sh_basis(directions, degree)
    return ((basis[..., None] * sh).sum(dim=1) + COLOUR_OFFSET).clamp(min=0.0)
