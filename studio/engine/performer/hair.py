"""Scalp hair: fine strands grown from the scalp, combed by style.

Strands are rigid with the head. Four styles: `bob` (see `bob.py`), `swept` (combed back into a bun, with some loose
hair at the temples), `short` (longer on top, close at the sides, parted) and `cropped` (short curls). Under the
strands the scalp is painted in the hair's colour (`scalp_mask`), so that no gap shows skin.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from studio.engine.performer.bob import bob
from studio.engine.performer.head import FACE, Head
from studio.engine.performer.identity import HairLook
from studio.engine.performer.landmarks import Anatomy
from studio.engine.performer.materials import linear, parting_x
from studio.engine.performer.strands import Strands
from studio.engine.performer.surface import hermite_curve, smoothstep

F64 = NDArray[np.float64]

# Height of the hairline above the eyes by angle from the face's middle (0° front, 90° ear, 180° nape), in metres
# for a head of 0.206 m; the styles share it.
_HAIRLINE = np.array(
    [
        [0, 0.062], [16, 0.061], [27, 0.056], [38, 0.048], [50, 0.034], [60, 0.018], [68, 0.004],
        [76, -0.010], [84, 0.002], [94, 0.008], [104, -0.006], [114, -0.026], [128, -0.046],
        [150, -0.058], [180, -0.062],
    ]
)  # fmt: skip

_TEMPLE_RECESS_M = {"bob": 0.0, "swept": 0.0, "short": 0.006, "cropped": 0.002}


_SHINE = {"bob": 0.75, "swept": 0.8, "short": 0.6, "cropped": 0.25}


@dataclass(frozen=True)
class _Scalp:
    """Nearest-surface queries of the skull."""

    points: F64  # (n, 3)
    normals: F64  # (n, 3)
    tree: cKDTree
    middle: F64  # (3,) inside the skull

    def lifted(self, points: F64, lift: F64) -> F64:
        """Moves points (n, 3) out to at least `lift` (n,) metres above the scalp."""
        distance, nearest = self.tree.query(points, k=4)
        weight = 1.0 / (np.asarray(distance) + 1e-4)
        weight /= weight.sum(axis=1, keepdims=True)
        normal = (self.normals[nearest] * weight[..., None]).sum(axis=1)
        normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
        foot = (self.points[nearest] * weight[..., None]).sum(axis=1)
        height = ((points - foot) * normal).sum(axis=1)
        return np.asarray(points + normal * np.maximum(lift - height, 0.0)[:, None])


def scalp_mask(head: Head, anatomy: Anatomy, rest: F64 | None = None) -> F64:
    """(n,) density of hair roots at skin vertices at rest: 0 on the face, 1 well inside the hairline."""
    points = anatomy.rest if rest is None else rest
    scale = head.height / 0.206
    middle = np.array([0.0, 0.0, -0.072 * head.scale])
    aside = np.degrees(np.arctan2(np.abs(points[:, 0]), points[:, 2] - middle[2]))
    line = hermite_curve(_HAIRLINE, aside) * scale
    recess = _TEMPLE_RECESS_M[head.identity.hair.style]
    line += recess * np.exp(-(((aside - 32) / 12) ** 2))
    soft = 0.0022 + 0.0045 * smoothstep(40, 62, aside)
    # No hairline is drawn with a ruler.
    line += 0.0016 * np.sin(points[:, 0] * 410.0) * np.sin(points[:, 0] * 173.0 + 1.0) * scale
    mask = smoothstep(-0.2, 1.0, (points[:, 1] - line) / soft)
    if rest is None:
        mask = mask * (head.island == FACE) * (1 - np.clip(anatomy.ear * 1.5, 0, 1))
    return np.asarray(mask)


def grow_hair(head: Head, anatomy: Anatomy, rng: np.random.Generator) -> Strands:
    """The strands of the head's identity."""
    look = head.identity.hair
    scalp, roots, normals = _roots(head, anatomy, rng, look.strands)
    if look.style == "bob":
        path, thickness = bob(head, anatomy, scalp.lifted, roots, rng)
    else:
        grow = {"swept": _swept, "short": _short, "cropped": _cropped}[look.style]
        path, thickness = grow(head, scalp, roots, normals, rng)
    colours = _colours(look, path, rng)
    # Outermost first: what lies below fails the depth test before it is shaded.
    order = np.argsort(-np.linalg.norm(path - scalp.middle, axis=2).mean(axis=1), kind="stable")
    return Strands("hair", path[order], None, thickness[order], colours[order], _SHINE[look.style])


def _roots(head: Head, anatomy: Anatomy, rng: np.random.Generator, count: int) -> tuple[_Scalp, F64, F64]:
    rest, triangles = anatomy.rest, head.skin.triangles
    mask = scalp_mask(head, anatomy)
    corners = rest[triangles]
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = np.linalg.norm(cross, axis=1)
    # Strands that begin at the front have no others in front of them to cover the scalp: more are needed there.
    inner = scalp_mask(head, anatomy, rest - [0, 0.008, 0.010] * (rest[:, 2:3] > -0.08))
    edge = 1.0 + 2.2 * np.clip(mask - inner, 0, 1)
    # And along the parting, from where hair falls to both sides.
    edge *= 1.0 + 3.0 * np.exp(-(((rest[:, 0] - parting_x(head)) / 0.006) ** 2)) * (rest[:, 1] > 0.04)
    weight = area * (mask * edge)[triangles].mean(axis=1)
    chosen = rng.choice(len(triangles), count, p=weight / weight.sum())
    bary = rng.dirichlet((1, 1, 1), count)
    roots = np.einsum("nk,nkd->nd", bary, corners[chosen])
    unit = cross / np.maximum(area, 1e-15)[:, None]
    skull = np.unique(triangles[(anatomy.face & (anatomy.ear < 0.3))[triangles].all(axis=1)])
    skull = skull[(rest[skull, 1] > -0.075) & (rest[skull, 2] < 0.03)]
    vertex_normal = np.zeros_like(rest)
    for i in range(3):
        np.add.at(vertex_normal, triangles[:, i], cross)
    vertex_normal /= np.maximum(np.linalg.norm(vertex_normal, axis=1, keepdims=True), 1e-15)
    skull = skull[::3]
    scalp = _Scalp(rest[skull], vertex_normal[skull], cKDTree(rest[skull]), np.array([0, 0.01, -0.072 * head.scale]))
    return scalp, roots, unit[chosen]


def _colours(look: HairLook, path: F64, rng: np.random.Generator) -> F64:
    s, k = path.shape[:2]
    root, tip = np.array(linear(look.root)), np.array(linear(look.tip))
    along = np.linspace(0, 1, k)[None, :, None] ** 1.2
    # Neighbouring strands share a tone, as locks do; single strands vary on top.
    lock = np.sin(path[:, 0] @ np.array([[190.0], [140.0], [170.0]]) + rng.normal(0, 0.4, (s, 1)))
    tone = np.exp(0.16 * lock + rng.normal(0, 0.15, (s, 1)))[:, None]
    share = np.clip(along * 0.75 + rng.normal(0, 0.16, (s, 1, 1)), 0, 1)
    return np.asarray((root * (1 - share) + tip * share) * tone)


def _curve(points: list[F64]) -> F64:
    return np.stack(points, axis=1)


def _swept(head: Head, scalp: _Scalp, roots: F64, normals: F64, rng: np.random.Generator) -> tuple[F64, F64]:
    """Combed back over the skull into a bun at the back of the head."""
    n, k, scale = len(roots), 11, head.scale
    back = scalp.points[:, 2].min()
    knot = np.array([0.0, 0.012 * scale, back - 0.004])
    in_bun = int(0.22 * n)
    loose = rng.random(n) < 0.006
    near_temple = (roots[:, 2] > -0.06) & (np.abs(roots[:, 0]) > 0.035) & (roots[:, 1] < 0.05)
    loose &= near_temple
    start = (roots - scalp.middle) / np.linalg.norm(roots - scalp.middle, axis=1, keepdims=True)
    goal = (knot - scalp.middle) / np.linalg.norm(knot - scalp.middle)
    angle = np.arccos(np.clip(start @ goal, -1, 1))
    radius0 = np.linalg.norm(roots - scalp.middle, axis=1)
    radius1 = np.linalg.norm(knot - scalp.middle)
    layer = rng.random(n) ** 0.8
    flat = 1 - 0.6 * smoothstep(0.45, 0.95, np.abs(normals[:, 0]))  # tight at the sides
    parting = np.exp(-(((roots[:, 0] - 0.018 * scale) / 0.004) ** 2)) * (roots[:, 2] > -0.06) * (roots[:, 1] > 0.05)
    wave = rng.normal(0, 1, (n, 2))
    points = []
    # The front is combed up and aside first: the path bows away from the straight way.
    front = smoothstep(-0.075, 0.0, roots[:, 2])
    sideways = np.sign(roots[:, 0] - 0.018 * scale)
    for i in range(k):
        s = (i / (k - 1)) ** 1.7 * np.ones(n)  # short steps near the root, where the scalp curves under them
        d = (np.sin((1 - s) * angle)[:, None] * start + np.sin(s * angle)[:, None] * goal) / np.sin(angle)[:, None]
        bow = np.sin(np.pi * s) * front
        d = d + (bow * 0.10 * sideways)[:, None] * np.array([1.0, -0.25, 0.0])
        d += 0.010 * np.sin(np.pi * s)[:, None] * np.stack([wave[:, 0], wave[:, 1], 0 * wave[:, 0]], axis=1)
        d /= np.linalg.norm(d, axis=1, keepdims=True)
        p = scalp.middle + d * (radius0 * (1 - s) + radius1 * s)[:, None]
        rise = 0.0009 + smoothstep(0.0, 0.30, s) * (0.0014 + 0.0085 * layer * flat * (1 - 0.55 * parting)) * scale
        rise *= 1 - 0.35 * smoothstep(0.7, 1.0, s)
        p = scalp.lifted(p, rise + 0.0002) if i else roots
        points.append(p)
    path = _curve(points)
    path[loose] = _loose_locks(roots[loose], normals[loose], k, rng)
    bun = _bun(knot, in_bun, k, scale, rng)
    width = np.full((n + in_bun, k), 0.00022 * scale)
    width[:, -1] *= 0.6
    width[:n][loose] *= 0.55
    edge = np.clip(1.0 - np.exp(-(((roots[:, 2] - scalp.points[:, 2].max() + 0.03) / 0.02) ** 2)) * 0.3, 0.5, 1)
    width[:n] *= edge[:, None]
    return np.concatenate([path, bun]), width


def _loose_locks(roots: F64, normals: F64, k: int, rng: np.random.Generator) -> F64:
    """Wisps that fall in front of the ears."""
    n = len(roots)
    length = rng.uniform(0.014, 0.034, n)
    side = np.sign(roots[:, 0])
    s = np.linspace(0, 1, k)[None, :, None]
    fall = np.stack([0.10 * side, -np.ones(n), 0.10 + 0.2 * rng.random(n)], axis=1)[:, None]
    swing = np.sin(np.pi * s * 1.2) * np.stack([0.12 * side, 0 * side, 0.25 * rng.random(n)], axis=1)[:, None]
    out = normals[:, None] * (0.35 * s * (1 - 0.75 * s) + 0.02)
    return np.asarray(roots[:, None] + length[:, None, None] * (fall * s**1.15 + swing * 0.5 + out))


def _bun(knot: F64, n: int, k: int, scale: float, rng: np.random.Generator) -> F64:
    """Strands wound around a flattened ball behind the head."""
    centre = knot + np.array([0.0, 0.004, -0.016]) * scale
    radius = 0.029 * scale
    start = rng.uniform(0, 2 * np.pi, n)
    sweep = rng.uniform(1.2, 2.4, n)
    tilt = rng.normal(0.25, 0.18, n)
    # Latitude of each strand's ring around the z axis; rings near the rim overlap the ones inside.
    ring = np.arcsin(rng.uniform(-0.25, 0.97, n))
    depth = radius * rng.uniform(0.93, 1.06, n)
    points = []
    for i in range(k):
        s = i / (k - 1)
        a = start + sweep * s
        lat = ring + tilt * np.sin(a * 1.0) * 0.35 + 0.10 * np.sin(3 * a + start)
        offset = np.stack([np.cos(lat) * np.cos(a), np.cos(lat) * np.sin(a), -np.sin(lat) * 0.78], axis=1)
        points.append(centre + depth[:, None] * offset)
    return _curve(points)


def _short(head: Head, scalp: _Scalp, roots: F64, normals: F64, rng: np.random.Generator) -> tuple[F64, F64]:
    """Parted at the side, longer and combed over on top, close at sides and neck."""
    n, k, scale = len(roots), 8, head.scale
    height = roots[:, 1] / scale
    # What grows beside the crown lies down with the sides instead of standing off like a shelf.
    top = smoothstep(0.034, 0.082, height) * (1 - 0.75 * smoothstep(0.042, 0.064, np.abs(roots[:, 0]) / scale))
    front = smoothstep(-0.08, 0.0, roots[:, 2])
    part_x = parting_x(head)
    side = np.where(roots[:, 0] + rng.normal(0, 0.0025, n) > part_x, 1.0, -1.0)
    over = np.stack([side * 0.75, np.full(n, 0.10), 0.30 - 0.85 * front], axis=1)
    down = np.stack([0.15 * np.sign(roots[:, 0]), np.full(n, -0.85), np.full(n, -0.50)], axis=1)
    flow = over * top[:, None] + down * (1 - top)[:, None]
    flow += rng.normal(0, 0.10, (n, 3)) + 0.16 * np.sin(
        roots @ np.array([[90.0, 40.0, 0], [0, 110.0, 60.0], [70.0, 0, 120.0]])
    )
    length = (0.0108 + 0.030 * top * (0.75 + 0.35 * front)) * rng.uniform(0.75, 1.1, n) * scale
    fringe = front * top
    lift = (0.0018 + (0.004 + 0.010 * rng.random(n) ** 0.7) * top**1.5 + 0.006 * fringe) * scale
    lift *= np.where(side > 0, 0.55, 1.0)  # the short side of the parting lies flat
    step = length / (k - 1)
    p, points = roots.copy(), [roots]
    for i in range(1, k):
        s = i / (k - 1)
        stand = (0.65 + 0.9 * fringe) * (1 - s) ** 1.5 * (0.35 + 0.65 * top) * np.where(side > 0, 0.45, 1.0)
        local = scalp.normals[scalp.tree.query(p)[1]]
        along = flow - (flow * local).sum(axis=1, keepdims=True) * local
        direction = along + local * stand[:, None]
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        p = scalp.lifted(p + direction * step[:, None], lift * smoothstep(0.0, 0.55, np.full(n, s)) + 0.0003)
        points.append(p)
    width = np.full((n, k), 0.00017 * scale) * np.linspace(1.0, 0.45, k)
    return _curve(points), width * (0.75 + 0.25 * top)[:, None]


def _cropped(head: Head, scalp: _Scalp, roots: F64, normals: F64, rng: np.random.Generator) -> tuple[F64, F64]:
    """Short, tight curls that stand out from the head."""
    n, k, scale = len(roots), 13, head.scale
    height = smoothstep(-0.05, 0.05, roots[:, 1])
    length = (0.007 + 0.026 * height) * rng.uniform(0.72, 1.08, n) * scale
    helper = np.where(np.abs(normals[:, 1:2]) > 0.9, np.array([[1.0, 0, 0]]), np.array([[0, 1.0, 0]]))
    across = np.cross(normals, helper)
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    other = np.cross(normals, across)
    # Curls gather in clumps that share a phase.
    clump = np.floor(roots / 0.006) @ np.array([12.9898, 78.233, 37.719])
    phase = 2 * np.pi * (np.sin(clump) * 43758.5453 % 1.0) + rng.normal(0, 0.5, n)
    turn = rng.uniform(4.0, 6.0, n) * np.pi
    size = 0.0034 * scale * rng.uniform(0.7, 1.3, n)
    lean = rng.normal(0, 0.16, (n, 3))
    points = []
    for i in range(k):
        s = i / (k - 1)
        a = phase + turn * s
        spread = size * min(1.0, 2.5 * s)
        p = roots + (normals + lean * s) * (length * s)[:, None]
        p = p + across * (spread * np.cos(a))[:, None] + other * (spread * np.sin(a))[:, None]
        points.append(p)
    return _curve(points), np.full((n, k), 0.00024 * scale)
