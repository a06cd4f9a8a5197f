"""The performer kit: meshes, facial units and shape targets that every identity is made of.

The kit lies in `assets/performer` and is read as it is; `kit_builder` tells how it was made. All lengths are metres
in the mesh's own frame (x the subject's left, y up, z out of the face, floor below); `Head` moves them to head space.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from safetensors import SafetensorError
from safetensors.numpy import load_file

from studio.errors import StudioError

KIT_FOLDER = Path(__file__).resolve().parents[3] / "assets" / "performer"

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]


@dataclass(frozen=True)
class Proxy:
    """A mesh that hangs on the control mesh: vertex = Σ weights · control vertices + offset."""

    references: I64  # (n, 3) control vertices
    weights: F64  # (n, 3) may lie outside 0…1
    offsets: F64  # (n, 3) metres
    triangles: I64  # (t, 3)
    uv: F64  # (u, 2)
    uv_triangles: I64  # (t, 3) rows of `uv`


@dataclass(frozen=True)
class Kit:
    """Everything read from the kit folder; arrays are shared and must not be written to."""

    vertices: F64  # (n, 3) control vertices, helper cages included
    quads: I64  # (q, 4) skin
    uv: F64  # (u, 2)
    quad_uv: I64  # (q, 4) rows of `uv`
    groups: dict[str, I64]  # helper cage → control vertices
    strips: dict[str, I64]  # lash cage → (q, 4) quads
    targets: dict[str, F64]  # name → (n, 3) offset at weight 1, metres
    proxies: dict[str, Proxy]
    folder: Path

    def image(self, name: str, mode: str) -> Image.Image:
        """A texture of the kit, converted to a Pillow mode."""
        with Image.open(self.folder / name) as image:
            return image.convert(mode)


@lru_cache(maxsize=2)
def load_kit(folder: Path = KIT_FOLDER) -> Kit:
    """Reads the kit; cached.

    Raises:
        StudioError: the kit is missing or unreadable.
    """
    path = folder / "kit.safetensors"
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise StudioError(
            f"The performer kit {path} cannot be read: reinstall EmoZone Studio with its assets."
        ) from error

    def group(prefix: str) -> dict[str, I64]:
        return {k[len(prefix) :]: v.astype(np.int64) for k, v in tensors.items() if k.startswith(prefix)}

    targets = {k[7:]: v.astype(np.float64) / 1000 for k, v in tensors.items() if k.startswith("target.")}
    names = sorted({k.removesuffix(".references") for k in tensors if k.endswith(".references")})
    proxies = {
        name: Proxy(
            tensors[f"{name}.references"].astype(np.int64),
            tensors[f"{name}.weights"].astype(np.float64),
            tensors[f"{name}.offsets"].astype(np.float64),
            tensors[f"{name}.triangles"].astype(np.int64),
            tensors[f"{name}.uv"].astype(np.float64),
            tensors[f"{name}.uv_triangles"].astype(np.int64),
        )
        for name in names
    }
    return Kit(
        tensors["vertices"].astype(np.float64),
        tensors["quads"].astype(np.int64),
        tensors["uv"].astype(np.float64),
        tensors["quad_uv"].astype(np.int64),
        group("group."),
        group("strip."),
        targets,
        proxies,
        folder,
    )
