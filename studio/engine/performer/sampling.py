"""Points on a performer's surface on which the canonical Gaussians sit, with everything known about them.

Points are dense where the face moves and is looked at (lids, lips, brows, teeth) and sparse elsewhere. Each follows
the control mesh linearly, so its true motion is known exactly.

Zones (EmoZone-Talker): speech owns the mouth (A), expression the upper face (E), both share the rest (S). A point
belongs to A or E where that side's motion is three times the other's. Of what neither moves, hair and scalp count as
E, because speech, which never rests, must not shake them; neck and torso count as S.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial import cKDTree

from studio.document.action_units import ACTION_UNITS
from studio.engine.performer.hair import scalp_mask
from studio.engine.performer.head import BUST, FACE, MOUTH, SOCKET, Part, bust_height, lid_follow
from studio.engine.performer.mapping import MODE_INDEX, SPEECH_MODES
from studio.engine.performer.materials import garment_mask, linear
from studio.engine.performer.performer import Performer
from studio.engine.performer.strands import Strands
from studio.engine.performer.surface import nearest_distance, normal_operator, vertex_normals

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

PARTS: tuple[str, ...] = (
    "skin",
    "lips",
    "lids",
    "mouth",
    "teeth",
    "tongue",
    "eye_left",
    "eye_right",
    "brow",
    "lash",
    "hair",
    "neck",
    "garment",
)
ZONE_A, ZONE_E, ZONE_S = 0, 1, 2

_SHARES = {
    "surface": 0.590,
    "teeth": 0.040,
    "tongue": 0.012,
    "eyes": 0.042,
    "brow": 0.050,
    "lash": 0.022,
    "hair": 0.244,
}
"""Shares of all points; the surface is skin, lips, lids, mouth, neck and garment."""

_MOVES_M = 0.0004
"""Motion below this does not decide a zone."""


@dataclass(frozen=True)
class Samples:
    """P surface points at rest."""

    points: F64  # (P, 3) metres
    normals: F64  # (P, 3)
    colours: F64  # (P, 3) display sRGB, an estimate of how they look when lit
    parts: NDArray[np.uint8]  # (P,) index into `PARTS`
    zones: NDArray[np.uint8]  # (P,) 0 A, 1 E, 2 S
    skinning: F64  # (P, 4) torso, head, left eye, right eye; rows sum to 1
    spacing: F64  # (P,) metres, mean distance to the three nearest points
    modes: NDArray[np.float32]  # (U, P, 3) metres at weight 1


@dataclass
class _Group:
    """Points of one origin before they are joined."""

    points: F64
    normals: F64
    colours: F64
    parts: I64
    skinning: F64
    basis: sparse.csr_matrix | None


def sample_surface(performer: Performer, strands: list[Strands], count: int, rng: np.random.Generator) -> Samples:
    """Scatters `count` points (at least 1000 make sense) over everything that can be seen.

    Args:
        performer: the actor.
        strands: brows, lashes and hair as the renderer draws them; without hair the scalp is sampled like a face.
        count: P.
        rng: decides where.
    """
    by_name = {s.name: s for s in strands}
    bald = "hair" not in by_name
    shares = {name: share for name, share in _SHARES.items() if name != "hair" or not bald}
    whole = sum(shares.values())
    numbers = {name: round(count * share / whole) for name, share in shares.items()}
    numbers["surface"] += count - sum(numbers.values())
    groups = [
        _skin_points(performer, numbers["surface"], rng, bald=bald),
        _mesh_points(performer, performer.head.teeth, numbers["teeth"], rng),
        _mesh_points(performer, performer.head.tongue, numbers["tongue"], rng),
        _eye_points(performer, 0, numbers["eyes"] // 2, rng),
        _eye_points(performer, 1, numbers["eyes"] - numbers["eyes"] // 2, rng),
        _strand_points(performer, by_name["brows"], numbers["brow"], rng),
        _strand_points(performer, by_name["lashes"], numbers["lash"], rng),
    ]
    if not bald:
        groups.append(_strand_points(performer, by_name["hair"], numbers["hair"], rng))
    points = np.concatenate([g.points for g in groups])
    parts = np.concatenate([g.parts for g in groups]).astype(np.uint8)
    modes = np.concatenate([_motion(performer, g) for g in groups], axis=1)
    distance = np.asarray(cKDTree(points).query(points, 4)[0])[:, 1:]
    return Samples(
        points,
        np.concatenate([g.normals for g in groups]),
        np.clip(np.concatenate([g.colours for g in groups]), 0, 1),
        parts,
        _zones(modes, parts),
        np.concatenate([g.skinning for g in groups]),
        np.maximum(distance.mean(axis=1), 1e-5),
        modes,
    )


def _motion(performer: Performer, group: _Group) -> NDArray[np.float32]:
    if group.basis is None:
        return np.zeros((len(performer.modes), len(group.points), 3), dtype=np.float32)
    return np.stack([group.basis @ mode for mode in performer.modes]).astype(np.float32)


def _zones(modes: NDArray[np.float32], parts: NDArray[np.uint8]) -> NDArray[np.uint8]:
    size = np.linalg.norm(modes, axis=2)
    speech = size[[MODE_INDEX[name] for name in SPEECH_MODES if name not in ("jaw_sealed",)]].max(axis=0)
    upper = [MODE_INDEX[au.key] for au in ACTION_UNITS if au.face == "upper"]
    expression = size[upper].max(axis=0)
    zones = np.full(len(parts), ZONE_S, dtype=np.uint8)
    zones[(speech > _MOVES_M) & (speech > 3 * expression)] = ZONE_A
    zones[(expression > _MOVES_M) & (expression > 3 * speech)] = ZONE_E
    index = {name: i for i, name in enumerate(PARTS)}
    zones[np.isin(parts, [index[n] for n in ("lips", "mouth", "teeth", "tongue")])] = ZONE_A
    zones[np.isin(parts, [index[n] for n in ("lids", "eye_left", "eye_right", "brow", "lash", "hair")])] = ZONE_E
    zones[np.isin(parts, [index[n] for n in ("neck", "garment")]) & (speech <= 4 * _MOVES_M)] = ZONE_S
    still = (speech <= _MOVES_M) & (expression <= _MOVES_M) & (parts == index["skin"])
    zones[still] = ZONE_E
    return zones


def _scatter(
    part: Part, points: F64, weight: F64, count: int, rng: np.random.Generator
) -> tuple[sparse.csr_matrix, I64]:
    """Mixing matrix (count, n) of points spread over triangles in proportion to area · weight, and their triangles."""
    triangles = part.triangles
    corners = points[triangles]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    amount = np.cumsum(area * weight)
    # Evenly spaced picks along the cumulative area: blue-ish, no clumps of equal triangles.
    at = (np.arange(count) + rng.random(count)) / count * amount[-1]
    chosen = np.minimum(np.searchsorted(amount, at), len(triangles) - 1)
    bary = rng.dirichlet((1.4, 1.4, 1.4), count)
    mix = sparse.csr_matrix(
        (bary.ravel(), (np.repeat(np.arange(count), 3), triangles[chosen].ravel())), (count, len(points))
    )
    return mix, chosen


def _display(colour: F64) -> F64:
    c = np.clip(colour, 0, 1)
    return np.where(c <= 0.0031308, 12.92 * c, 1.055 * np.maximum(c, 1e-9) ** (1 / 2.4) - 0.055)


def _skin_points(performer: Performer, count: int, rng: np.random.Generator, *, bald: bool) -> _Group:
    head, anatomy = performer.head, performer.anatomy
    rest, part = anatomy.rest, head.skin
    island = head.island
    near_lids = nearest_distance(np.concatenate([head.controls[margin] for margin in head.lid_margin]), rest)
    lip_line = np.concatenate([rest[v] for v in anatomy.contours.values()])
    mouth = nearest_distance(lip_line, rest)
    scalp = scalp_mask(head, anatomy)
    density = np.full(len(rest), 1.0)
    density += 7.0 * np.exp(-((near_lids / 0.006) ** 2)) + 1.2 * np.exp(-((near_lids / 0.016) ** 2))
    density += 5.0 * anatomy.lip + 1.5 * np.exp(-((mouth / 0.010) ** 2))
    density += 0.8 * np.exp(-(((rest - anatomy.nose_tip) / 0.02) ** 2).sum(axis=1))
    front = (rest[:, 2] > -0.02) & (island == FACE)
    density *= np.where(front, 1.0, 0.45)
    density *= 1 - (0.0 if bald else 0.88) * scalp
    density[island == BUST] = 0.13
    density[island == MOUTH] = np.where(rest[island == MOUTH, 2] > anatomy.corner[2] - 0.012, 0.8, 0.12)
    density[island == SOCKET] = np.where(near_lids[island == SOCKET] < 0.0025, 3.0, 0.0)
    density[bust_height(head, rest) < 0.0] = 0.0
    mix, chosen = _scatter(part, rest, density[part.triangles].mean(axis=1), count, rng)
    normals = mix @ vertex_normals(rest, part.triangles, normal_operator(part.triangles, len(rest)))
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    points = mix @ rest
    index = {name: i for i, name in enumerate(PARTS)}
    where = island[part.triangles[chosen, 0]]
    parts = np.full(count, index["skin"])
    parts[mix @ near_lids < 0.005] = index["lids"]
    parts[mix @ anatomy.lip > 0.5] = index["lips"]
    parts[where == SOCKET] = index["lids"]
    parts[where == MOUTH] = index["mouth"]
    parts[where == BUST] = index["neck"]
    cloth = performer_cloth(performer)
    parts[mix @ cloth > 0.5] = index["garment"]
    look = head.identity.skin
    colours = np.broadcast_to(np.array(linear(look.base)), (count, 3)).copy()
    colours[parts == index["lips"]] = linear(look.lips)
    colours[parts == index["mouth"]] = (0.12, 0.03, 0.03)
    colours[parts == index["garment"]] = linear(head.identity.garment)
    hidden = (mix @ scalp)[:, None]
    colours = colours * (1 - hidden) + np.array(linear(head.identity.hair.root)) * hidden
    colours = _display(colours * _light(normals))
    share = head.head_weight(points)
    lids = lid_follow(head, points)
    skinning = np.column_stack([1 - share, share * (1 - lids.sum(axis=1)), share[:, None] * lids])
    return _Group(points, normals, colours, parts, skinning, (mix @ part.basis).tocsr())


def performer_cloth(performer: Performer) -> F64:
    """(n,) garment mask at the skin's vertices."""
    mask = garment_mask(performer.head, performer.anatomy.rest)
    return np.asarray(mask * (performer.head.island == BUST))


def _light(normals: F64) -> F64:
    """(n, 1) rough brightness under the studio's lights."""
    key = np.array([0.42, 0.46, 0.80]) / 1.0137
    return np.asarray(0.42 + 0.55 * np.clip(normals @ key, 0, 1))[:, None]


def _mesh_points(performer: Performer, part: Part, count: int, rng: np.random.Generator) -> _Group:
    rest = part.points(performer.head.controls)
    corners = rest[part.triangles]
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    facing = cross[:, 2] / np.maximum(np.linalg.norm(cross, axis=1), 1e-15)
    depth = corners[:, :, 2].mean(axis=1)
    front = np.clip((depth - (rest[:, 2].max() - 0.022)) / 0.010, 0.02, 1)
    weight = front * np.clip(facing + (0.25 if part.name == "teeth" else 0.9), 0.0, 1)
    mix, chosen = _scatter(part, rest, weight, count, rng)
    normals = cross[chosen] / np.maximum(np.linalg.norm(cross[chosen], axis=1, keepdims=True), 1e-15)
    colour = (0.75, 0.71, 0.64) if part.name == "teeth" else (0.45, 0.2, 0.19)
    colours = np.broadcast_to(np.array(colour), (count, 3)).copy()
    skinning = np.tile([0.0, 1.0, 0.0, 0.0], (count, 1))
    parts = np.full(count, PARTS.index(part.name))
    return _Group(mix @ rest, normals, colours, parts, skinning, (mix @ part.basis).tocsr())


def _eye_points(performer: Performer, index: int, count: int, rng: np.random.Generator) -> _Group:
    """The front of an eyeball, denser towards the iris; moved by the gaze alone."""
    eye, identity = performer.head.eyes[index], performer.head.identity
    i = np.arange(count) + 0.5
    polar = np.radians(82) * (i / count) ** 0.62
    turn = i * np.pi * (3 - np.sqrt(5)) + rng.random()
    normals = np.stack([np.sin(polar) * np.cos(turn), np.sin(polar) * np.sin(turn), np.cos(polar)], axis=1)
    iris = np.array(identity.iris) * 0.9
    white = np.array([0.80, 0.77, 0.75])
    colours = np.where((polar < 0.50)[:, None], iris, white)
    colours = np.where((polar < 0.19)[:, None], 0.03, colours)
    bulge = 1 + 0.075 * np.clip((0.56 - polar) / 0.56, 0, 1) ** 1.5
    points = eye.centre + normals * eye.radius * bulge[:, None]
    skinning = np.zeros((count, 4))
    skinning[:, 2 + index] = 1.0
    parts = np.full(count, PARTS.index("eye_left" if index == 0 else "eye_right"))
    return _Group(points, normals, colours, parts, skinning, None)


def _strand_points(performer: Performer, strands: Strands, count: int, rng: np.random.Generator) -> _Group:
    s, k = strands.offset.shape[:2]
    at = rng.random(count) * (k - 1)
    if strands.name == "hair":
        at = (k - 1) * rng.random(count) ** 0.8
    knot = np.minimum(at.astype(int), k - 2)
    share = at - knot
    rest = strands.points(performer.head.controls)
    # Only the outermost hair is seen: of three candidates the one farthest from the skull is kept.
    middle = np.array([0.0, 0.0, -0.072 * performer.head.scale])
    tries = rng.integers(0, s, (3 if strands.name == "hair" else 1, count))
    away = np.linalg.norm(rest[tries, knot] - middle, axis=2)
    strand = tries[away.argmax(axis=0), np.arange(count)]
    pick = sparse.csr_matrix(
        (
            np.stack([1 - share, share], axis=1).ravel(),
            (np.repeat(np.arange(count), 2), np.stack([strand * k + knot, strand * k + knot + 1], axis=1).ravel()),
        ),
        (count, s * k),
    )
    points = np.asarray(pick @ rest.reshape(-1, 3))
    normals = points - middle
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    colours = _display(np.asarray(pick @ strands.colour.reshape(-1, 3)) * 1.3)
    basis = None if strands.basis is None else (pick @ strands.basis).tocsr()
    skinning = np.tile([0.0, 1.0, 0.0, 0.0], (count, 1))
    if strands.name == "lashes":
        skinning[:, 2:] = lid_follow(performer.head, rest[:, 0])[strand]
        skinning[:, 1] -= skinning[:, 2:].sum(axis=1)
    part = {"hair": "hair", "brows": "brow", "lashes": "lash"}[strands.name]
    return _Group(points, normals, colours, np.full(count, PARTS.index(part)), skinning, basis)
