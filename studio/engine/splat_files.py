"""Gaussians as PLY files in the property layout that viewers of 3D Gaussian Splatting share.

The common layout (x y z, normals, f_dc, f_rest by channel, opacity, scale, rot wxyz, all in optimiser space) is
ours but for the axes: such files come from reconstructions whose y points down, and viewers (SuperSplat among them)
turn what they open by 180° about z. The head is written turned the other way, so that it opens upright and facing +z.

Written here rather than by a library: the one that is kept well, plyfile, is under the GPL, and a header and one
array are all there is to it.
"""

from __future__ import annotations

import math

import numpy as np

from studio.engine.gaussians import Gaussians
from studio.engine.provenance import SOFTWARE, Provenance


def splat_properties(sh_coefficients: int) -> tuple[str, ...]:
    """Names of the float properties in their order, for K harmonics per channel, the constant one included."""
    return (
        *("x", "y", "z", "nx", "ny", "nz"),
        *(f"f_dc_{i}" for i in range(3)),
        *(f"f_rest_{i}" for i in range(3 * (sh_coefficients - 1))),
        "opacity",
        *(f"scale_{i}" for i in range(3)),
        *(f"rot_{i}" for i in range(4)),
    )


def ply_bytes(gaussians: Gaussians, provenance: Provenance) -> bytes:
    """A PLY file, binary little endian.

    Args:
        gaussians: in head space; colours are display sRGB, as viewers expect them.
        provenance: its title and origin, as comments.
    """
    n, k = len(gaussians), int(gaussians.sh.shape[1])
    means, quats, scales, logits, sh = (
        tensor.detach().cpu().numpy().astype(np.float32)
        for tensor in (
            gaussians.means,
            gaussians.quats,
            gaussians.log_scales,
            gaussians.opacity_logits,
            gaussians.sh,
        )
    )
    means = means * np.array([-1, -1, 1], np.float32)
    w, x, y, z = (quats / np.linalg.norm(quats, axis=1, keepdims=True)).T
    turned = np.stack([-z, -y, x, w], 1)  # k · q: half a turn about z comes last
    sh = sh * half_turn_signs(k)[None, :, None]
    rest = sh[:, 1:].transpose(0, 2, 1).reshape(n, -1)  # all harmonics of red, then of green, then of blue
    columns = [means, np.zeros((n, 3), np.float32), sh[:, 0], rest, logits[:, None], scales, turned]
    title = " ".join("".join(c if c.isprintable() else " " for c in provenance.title).split())
    header = "\n".join(
        (
            "ply",
            "format binary_little_endian 1.0",
            f"comment Title: '{title.encode('ascii', 'replace').decode()}'",  # quoted: none can end the header
            f"comment Made with {SOFTWARE}",
            f"comment Digital source type: {provenance.source_type}",
            f"element vertex {n}",
            *(f"property float {name}" for name in splat_properties(k)),
            "end_header\n",
        )
    )
    return header.encode("ascii") + np.concatenate(columns, 1).astype("<f4").tobytes()


def half_turn_signs(sh_coefficients: int) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """(K,) what half a turn about z multiplies real spherical harmonics with: −1 where the order m is odd."""
    orders = [m for degree in range(math.isqrt(sh_coefficients)) for m in range(-degree, degree + 1)]
    return np.array([-1.0 if m % 2 else 1.0 for m in orders], np.float32)
