"""One performer's head at rest: control mesh, everything that hangs on it, and the movements it can make.

All lengths are metres in head space (origin midway between the eyeball centres, x the subject's left, y up, z out of
the face). A `Part` is a mesh whose vertices are a fixed linear mix of control vertices plus an offset, so a movement
of the control mesh (a *mode*, see `mapping` and `sculpt`) moves every part and every sampled surface point alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial import cKDTree

from studio.engine.performer.identity import Identity
from studio.engine.performer.kit import Kit, Proxy, load_kit
from studio.engine.performer.surface import Quads, nearest_distance, smoothstep, subdivide, triangulate

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

FACE, MOUTH, BUST, SOCKET = 0, 1, 2, 3
"""UV islands of the skin: face and scalp, inside of the mouth, neck and shoulders, eye sockets."""

REFERENCE_EYE_SPACING_M = 0.0576
"""Distance of the eyeball centres for which the facial units were sculpted; they scale with the head."""

_TEETH_SHIFT_M = {"upper-teeth": (0.0040, -0.0014), "lower-teeth": (0.0042, 0.0012), "tongue": (0.0030, 0.0)}
"""How far teeth and tongue lie below and behind their place in the base mesh, which shows the lower teeth alone."""

BUST_RISE = 0.30
"""How steeply the lower edge of the bust rises from the neck to the shoulders."""

EYE_FORWARD_M = 0.0016
"""How much further out of the socket the eyeballs sit than the base mesh's deep lids would have them."""

LID_CLEARANCE_M = 0.0004
"""Gap between eyeball and lids."""


@dataclass(frozen=True)
class Part:
    """A mesh that follows the control mesh."""

    name: str
    basis: sparse.csr_matrix  # (n, controls)
    offset: F64  # (n, 3) metres
    triangles: I64  # (t, 3)
    uv: F64  # (n, 2)

    def points(self, controls: F64) -> F64:
        """(n, 3) vertices for control vertices (c, 3)."""
        return np.asarray(self.basis @ controls + self.offset)


@dataclass(frozen=True)
class Eye:
    """One eyeball."""

    centre: F64  # (3,) metres
    radius: float  # metres, sclera


class Head:
    """The rest shape of an identity and its parts.

    Attributes:
        controls: (c, 3) control vertices at rest.
        skin: the subdivided skin; `island` (n,) tells which UV island each vertex lies in.
        teeth, tongue, brow: proxies.
        eyes: left, right.
        lid_margin: control vertices on the edges of the lids, left then right.
    """

    def __init__(self, identity: Identity, kit: Kit | None = None, *, steps: int = 2) -> None:
        self.identity = identity
        self.kit = kit or load_kit()
        controls = self.kit.vertices.copy()
        for name, weight in identity.shape.items():
            controls += weight * self.kit.targets[name]
        lefts, rights = (_box_centre(controls[self.kit.groups[k]]) for k in ("l-eye", "r-eye"))
        controls -= (lefts + rights) / 2
        self.scale = float(np.linalg.norm(lefts - rights)) / REFERENCE_EYE_SPACING_M
        for name, weight in identity.rest.items():
            controls += weight * self.unit(name)
        for jaw, (down, back) in _TEETH_SHIFT_M.items():
            controls[self.kit.groups[jaw]] += np.array([0.0, -down, -back]) * self.scale
        self.islands = _islands(self.kit)
        self.lid_margin = tuple(self._margin(controls, side) for side in (1, -1))
        self.eyes = tuple(self._fit_eye(controls, margin) for margin in self.lid_margin)
        self.controls = controls
        self.skin, self.island = self._skin(steps)
        self.teeth, self.tongue, self.brow = (
            self._proxy(name, self.kit.proxies[key])
            for name, key in (("teeth", "teeth"), ("tongue", "tongue"), ("brow", identity.brow))
        )
        self.top = float(controls[self.skin_controls, 1].max())
        front = self.skin_controls[np.abs(controls[self.skin_controls, 0]) < 0.012]
        below = front[(controls[front, 1] < -0.08) & (controls[front, 1] > -0.15) & (controls[front, 2] > 0.0)]
        self.chin = self._chin(below)
        self.height = self.top - float(self.chin[1])
        self.bust_edge = float(self.chin[1]) - 0.098
        self.target = (0.0, float(self.top + self.chin[1]) / 2, -0.045 * self.scale)
        self.pivot = np.array([0.0, self.chin[1] + 0.022, -0.085 * self.scale])

    @property
    def skin_controls(self) -> I64:
        """Control vertices of the skin itself."""
        return np.unique(self.kit.quads)

    @property
    def pivots(self) -> F64:
        """(4, 3) centres of rotation of torso, head, left eye and right eye."""
        return np.stack([np.zeros(3), self.pivot, self.eyes[0].centre, self.eyes[1].centre])

    def unit(self, name: str) -> F64:
        """(c, 3) displacement of a facial unit at weight 1, scaled to this head; a bare name means both sides."""
        targets = self.kit.targets
        if f"unit/{name}" in targets:
            return np.asarray(targets[f"unit/{name}"] * self.scale)
        return np.asarray((targets[f"unit/{name}Left"] + targets[f"unit/{name}Right"]) * self.scale)

    def head_weight(self, points: F64) -> F64:
        """(n,) share of the head's rotation at rest positions (n, 3): 0 on the torso, 1 on the head."""
        # The blend runs from the collar to a slanted line under the jaw and up behind the ears.
        line = points[:, 1] + 0.35 * np.minimum(points[:, 2] + 0.04, 0.05)
        return smoothstep(float(self.chin[1]) - 0.085, float(self.chin[1]) + 0.012, line)

    def _chin(self, candidates: I64) -> F64:
        """(3,) the lowest point of the chin: where the outline under the lips turns back."""
        points = self.controls[candidates]
        forward = points[points[:, 2] > points[:, 2].max() - 0.022]
        return np.asarray(forward[forward[:, 1].argmin()])

    def _margin(self, controls: F64, side: int) -> I64:
        quads = self.kit.quads
        seam = np.intersect1d(quads[self.islands == FACE], quads[self.islands == SOCKET])
        return np.asarray(seam[controls[seam, 0] * side > 0])

    def _fit_eye(self, controls: F64, margin: I64) -> Eye:
        """Chooses the eyeball and moves the lids (in place) so that their edges rest on it."""
        centre = _box_centre(controls[margin]) * [1, 1, 0]
        spread = controls[margin, 0].max() - controls[margin, 0].min()
        radius = float(np.clip(spread * 0.5, 0.0118, 0.0135))
        # The eye looks out of the opening: its front lies as deep as the lids' middle allows.
        middle = margin[np.abs(controls[margin, 0] - centre[0]) < spread * 0.22]
        rims = controls[middle] - centre
        depth = rims[:, 2] - np.sqrt(np.maximum((radius + LID_CLEARANCE_M) ** 2 - rims[:, 0] ** 2 - rims[:, 1] ** 2, 0))
        centre[2] = float(np.mean(depth)) + EYE_FORWARD_M
        near = self.skin_controls[np.linalg.norm(controls[self.skin_controls] - centre, axis=1) < 0.030]
        shift = _to_sphere(controls[margin], centre, radius + LID_CLEARANCE_M)
        distance, nearest = cKDTree(controls[margin]).query(controls[near])
        controls[near] += shift[nearest] * np.exp(-((distance / 0.005) ** 2))[:, None]
        self._thin_lid(controls, margin)
        inside = near[np.linalg.norm(controls[near] - centre, axis=1) < radius + LID_CLEARANCE_M]
        controls[inside] += _to_sphere(controls[inside], centre, radius + LID_CLEARANCE_M)
        return Eye(centre, radius)

    def _thin_lid(self, controls: F64, margin: I64, share: float = 0.38) -> None:
        """Draws the outer rims of the lids towards their inner edges (in place): the base mesh's lids are too thick."""
        quads = self.kit.quads[self.islands == FACE]
        edge = np.zeros(len(controls), dtype=bool)
        edge[margin] = True
        around = np.unique(quads[edge[quads].any(axis=1)])
        rims = around[~edge[around]]
        inner = margin[np.asarray(cKDTree(controls[margin]).query(controls[rims])[1])]
        pull = share * (controls[inner] - controls[rims])
        outside = np.unique(quads)
        outside = outside[~edge[outside]]
        distance, nearest = (np.asarray(x) for x in cKDTree(controls[rims]).query(controls[outside]))
        close = distance < 0.012
        controls[outside[close]] += pull[nearest[close]] * np.exp(-((distance[close] / 0.0042) ** 2))[:, None]

    def _skin(self, steps: int) -> tuple[Part, I64]:
        mesh = Quads(self.kit.quads, self.kit.uv, self.kit.quad_uv)
        count = len(self.controls)
        basis = sparse.identity(count, format="csr")
        island = self.islands
        for _ in range(steps):
            step, mesh = subdivide(mesh, basis.shape[0])
            basis = (step @ basis).tocsr()
            island = np.tile(island, 4)
        # One vertex per pair of surface point and UV point, so that seams can be textured.
        _, place = np.unique(np.round(mesh.uv, 6), axis=0, return_inverse=True)
        keys = mesh.faces.astype(np.int64) * len(mesh.uv) + place.reshape(-1)[mesh.uv_faces]
        _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
        vertex, uv = mesh.faces.ravel()[first], mesh.uv_faces.ravel()[first]
        quads = inverse.reshape(mesh.faces.shape)
        of_vertex = np.zeros(len(first), dtype=np.int64)
        of_vertex[quads.ravel()] = np.repeat(island, 4)
        part = Part("skin", basis[vertex].tocsr(), np.zeros((len(first), 3)), triangulate(quads), mesh.uv[uv])
        self.shared = vertex  # welded vertex of each drawn vertex: for normals that are smooth across seams
        return part, of_vertex

    def _proxy(self, name: str, proxy: Proxy) -> Part:
        n = len(proxy.references)
        basis = sparse.csr_matrix(
            (proxy.weights.ravel(), (np.repeat(np.arange(n), 3), proxy.references.ravel())), (n, len(self.controls))
        )
        keys = proxy.triangles * (len(proxy.uv) + 1) + proxy.uv_triangles
        _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
        vertex, uv = proxy.triangles.ravel()[first], proxy.uv_triangles.ravel()[first]
        # Offsets are meant for the average head; they shrink and grow with the identity.
        offset = proxy.offsets[vertex] * self.scale
        return Part(name, basis[vertex].tocsr(), offset, inverse.reshape(-1, 3), proxy.uv[uv])


def lid_distance(head: Head, points: F64) -> F64:
    """(n,) metres from rest positions (n, 3) to the nearest edge of a lid, about."""
    return nearest_distance(np.concatenate([_edge_line(head.controls[m]) for m in head.lid_margin]), points)


def lid_follow(head: Head, points: F64) -> F64:
    """(n, 2) share of the left and the right eye's rotation that skin at rest positions (n, 3) takes part in.

    Lids ride on the ball: the upper one follows a lowered gaze by nearly half, the lower one a little, corners not.
    """
    out = np.zeros((len(points), 2))
    for i, (eye, margin) in enumerate(zip(head.eyes, head.lid_margin, strict=True)):
        place = (points - eye.centre) / eye.radius
        near = np.flatnonzero((np.linalg.norm(place, axis=1) < 2.2) & (place[:, 2] > 0))
        if not len(near):
            continue
        distance = nearest_distance(_edge_line(head.controls[margin]), points[near])
        share = 0.14 + 0.30 * smoothstep(-0.10, 0.20, place[near, 1])
        inside = np.clip(1 - (place[near, 0] / 1.02) ** 2, 0, 1)
        out[near, i] = share * np.exp(-((distance / 0.0055) ** 2)) * np.sqrt(inside) * inside
    return out


def _edge_line(edge: F64) -> F64:
    """A lid's edge (n, 3), sampled finely all around."""
    centre = edge.mean(axis=0)
    around = np.argsort(np.arctan2(edge[:, 1] - centre[1], edge[:, 0] - centre[0]))
    ring, t = edge[around], np.linspace(0, 1, 12, endpoint=False)[None, :, None]
    return np.asarray((ring[:, None] * (1 - t) + np.roll(ring, -1, axis=0)[:, None] * t).reshape(-1, 3))


def bust_height(head: Head, points: F64) -> F64:
    """(n,) metres of points (n, 3) above the edge where the bust ends: a line that rises towards the shoulders."""
    return np.asarray(points[:, 1] - head.bust_edge - BUST_RISE * np.maximum(np.abs(points[:, 0]) - 0.05, 0.0))


def _box_centre(points: F64) -> F64:
    return np.asarray((points.min(axis=0) + points.max(axis=0)) / 2)


def _to_sphere(points: F64, centre: F64, radius: float) -> F64:
    """(n, 3) shift that brings points radially onto a sphere."""
    away = points - centre
    length = np.linalg.norm(away, axis=1, keepdims=True)
    return np.asarray(away * (radius / np.maximum(length, 1e-9) - 1))


def _islands(kit: Kit) -> I64:
    """(q,) UV island of each quad."""
    u, v = kit.uv[kit.quad_uv].mean(axis=1).T
    return np.where(u < 0.16, SOCKET, np.where((u > 0.7) & (v < 0.14), MOUTH, np.where(u < 0.6, BUST, FACE)))
