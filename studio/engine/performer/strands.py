"""Hair, brows and lashes as fine strands: curves that are drawn as ribbons turned to the viewer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial import cKDTree

from studio.engine.performer.head import FACE, Head
from studio.engine.performer.materials import linear

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]


@dataclass(frozen=True)
class Strands:
    """s curves of k points each; points follow the control mesh through `basis` (empty for rigid hair)."""

    name: str
    offset: F64  # (s, k, 3) metres, position at rest when there is no basis
    basis: sparse.csr_matrix | None  # (s·k, controls)
    half_width: F64  # (s, k) metres
    colour: F64  # (s, k, 3) linear
    shine: float = 1.0

    def points(self, controls: F64) -> F64:
        """(s, k, 3) for control vertices (c, 3)."""
        if self.basis is None:
            return self.offset
        return np.asarray((self.basis @ controls).reshape(self.offset.shape) + self.offset)


def lashes(head: Head, rng: np.random.Generator) -> Strands:
    """Upper and lower lashes of both eyes, rooted on the lids' edges."""
    rows: list[sparse.csr_matrix] = []
    offsets: list[F64] = []
    length_scale = head.identity.lash_length * head.scale
    k = 5
    for eye, side in ((0, 1.0), (1, -1.0)):
        loop, upper = _margin_loop(head, eye)
        for is_upper, count in ((True, 130), (False, 56)):
            line = upper if is_upper else loop
            at = np.sort(rng.uniform(0.14, 0.91, count)) * (len(line) - 1)
            root = head.skin.basis[_lid_rim(head, eye, line, at, is_upper)]
            place = np.asarray(root @ head.controls)
            away = place - head.eyes[eye].centre
            outward = away / np.linalg.norm(away, axis=1, keepdims=True)
            t = at / (len(line) - 1)  # 0 at the inner corner
            fan = (t - 0.45) * side
            rise = 1.0 if is_upper else -0.85
            start = outward * 0.5 + np.stack([0.40 * fan, np.full(count, -0.10 * rise), np.full(count, 0.9)], axis=1)
            end = outward * 0.35 + np.stack([0.7 * fan, np.full(count, 1.15 * rise), np.full(count, 0.30)], axis=1)
            start /= np.linalg.norm(start, axis=1, keepdims=True)
            end /= np.linalg.norm(end, axis=1, keepdims=True)
            profile = (0.55 + 0.45 * np.sin(np.pi * np.clip(t * 0.8 + 0.12, 0, 1))) * rng.uniform(0.75, 1.1, count)
            length = (0.0078 if is_upper else 0.0034) * profile * length_scale
            lean = rng.normal(0, 0.13, (count, 3))
            s = np.linspace(0, 1, k)[None, :, None]
            path = (start[:, None] * s + (end + lean - start)[:, None] * s**2 * 0.62) * length[:, None, None]
            path += outward[:, None] * 0.0001
            rows.append(sparse.kron(root, np.ones((k, 1))).tocsr())
            offsets.append(path)
    offset = np.concatenate(offsets)
    taper = np.linspace(1.0, 0.25, k) * 0.000115
    colour = np.broadcast_to(np.array(linear((0.075, 0.055, 0.045))), (*offset.shape[:2], 3))
    return Strands("lashes", offset, sparse.vstack(rows).tocsr(), np.broadcast_to(taper, offset.shape[:2]), colour, 0.3)


def _lid_rim(head: Head, eye: int, line: I64, at: F64, upper: bool) -> I64:
    """(n,) skin vertices on the outer rim of a lid, in front of the places `at` (n,) along its edge `line`."""
    rest = head.skin.points(head.controls)
    centre = head.eyes[eye].centre
    near = np.flatnonzero((head.island == FACE) & (np.linalg.norm(rest - centre, axis=1) < 1.8 * head.eyes[eye].radius))
    i = np.minimum(at.astype(int), len(line) - 2)
    share = (at - i)[:, None]
    edge = head.controls[line[i]] * (1 - share) + head.controls[line[i + 1]] * share
    # The rim is where a plane that leans over the opening touches the lid.
    prominence = rest[near, 2] - (1.0 if upper else -1.0) * rest[near, 1]
    # Left and right count most: a rim lies in front of its edge.
    away = (((rest[near][None] - edge[:, None]) / [0.0008, 0.0016, 0.006]) ** 2).sum(axis=2)
    return np.asarray(near[(prominence[None] - 0.0020 * away).argmax(axis=1)])


def _margin_loop(head: Head, eye: int) -> tuple[I64, I64]:
    """Control vertices of the lower and the upper lid's edge, each from the inner to the outer corner."""
    margin = head.lid_margin[eye]
    points = head.controls[margin]
    side = 1.0 if eye == 0 else -1.0
    x = points[:, 0] * side
    inner, outer = points[x.argmin()], points[x.argmax()]
    chord = inner[1] + (points[:, 0] - inner[0]) / (outer[0] - inner[0]) * (outer[1] - inner[1])
    order = np.argsort(x)
    above = points[:, 1] >= chord - 1e-6
    upper = [int(margin[i]) for i in order if above[i]]
    ends = [int(margin[x.argmin()]), int(margin[x.argmax()])]
    lower = [ends[0], *(int(margin[i]) for i in order if not above[i]), ends[1]]
    return np.array(lower), np.array(upper)


def brows(head: Head, rng: np.random.Generator, count: int = 520) -> Strands:
    """Both brows: hairs scattered by the brow proxy's texture and combed along it."""
    part = head.brow
    image = np.asarray(head.kit.image(f"{head.identity.brow}.png", "L"), dtype=np.float64) / 255
    h, w = image.shape

    def density(uv: F64) -> F64:
        u, v = uv[..., 0], uv[..., 1]
        return np.asarray(image[np.clip(((1 - v) * h).astype(int), 0, h - 1), np.clip((u * w).astype(int), 0, w - 1)])

    rest = part.points(head.controls)
    corners = rest[part.triangles]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    tries = rng.choice(len(area), 40 * count, p=area / area.sum())
    bary = rng.dirichlet((1, 1, 1), len(tries))
    uv = np.einsum("nk,nkd->nd", bary, part.uv[part.triangles[tries]])
    kept = np.flatnonzero(rng.random(len(tries)) < density(uv) ** 1.3)[: 2 * count]
    tries, bary = tries[kept], bary[kept]
    n = len(kept)
    root = sparse.csr_matrix(
        (bary.ravel(), (np.repeat(np.arange(n), 3), part.triangles[tries].ravel())), (n, len(rest))
    )
    place = np.asarray(root @ rest)
    normal = np.cross(corners[tries, 1] - corners[tries, 0], corners[tries, 2] - corners[tries, 0])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    normal *= np.sign(normal[:, 2:3])
    side = np.sign(place[:, 0])
    t = np.zeros(n)  # 0 at the inner end, 1 at the outer
    for half in (-1.0, 1.0):
        mine = side == half
        x = np.abs(place[mine, 0])
        t[mine] = (x - x.min()) / (x.max() - x.min())
    tail = cKDTree(place).query(place, 24)[1]
    middle = place[tail].mean(axis=1)
    below = np.clip((middle[:, 1] - place[:, 1]) / 0.003, -1, 1)
    angle = np.radians(np.interp(t, [0, 0.15, 0.5, 1.0], [78, 48, 18, -22]) + 16 * below + rng.normal(0, 7, n))
    direction = np.stack([np.cos(angle) * side, np.sin(angle), np.zeros(n)], axis=1)
    direction -= (direction * normal).sum(axis=1, keepdims=True) * normal
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    lengths = np.interp(t, [0, 0.2, 0.7, 1], [0.0045, 0.0064, 0.0060, 0.0042]) * rng.uniform(0.7, 1.15, n) * head.scale
    k = 4
    s = np.linspace(0, 1, k)[None, :, None]
    droop = np.stack([0.25 * side, -0.12 * np.ones(n), np.zeros(n)], axis=1)
    path = (direction[:, None] * s + droop[:, None] * s**2) * lengths[:, None, None]
    path += (
        normal[:, None] * (0.0003 + 0.0009 * np.sin(np.pi * 0.75 * s))
        - direction[:, None] * lengths[:, None, None] * 0.35
    )
    basis = sparse.kron(root @ part.basis, np.ones((k, 1))).tocsr()
    path = path + np.asarray(root @ part.offset)[:, None]
    tone = np.array(linear(head.identity.brow_colour))[None, None] * rng.uniform(0.9, 1.6, (n, 1, 1))
    widths = np.array([0.5, 1.0, 0.8, 0.15]) * 0.000080 * head.identity.brow_density
    return Strands(
        "brows", path, basis, np.broadcast_to(widths, (n, k)), np.broadcast_to(tone, (n, k, 3)), 0.12
    )  # fmt: skip
