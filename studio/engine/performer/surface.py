"""Smooth surfaces as sparse matrices: every drawn or sampled point is a fixed mix of control vertices.

Because subdivision, proxies and barycentric samples are all linear, one displacement of the control mesh moves
everything that hangs on it, and each facial movement stays a linear basis.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.interpolate import PchipInterpolator
from scipy.spatial import cKDTree

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]


@dataclass(frozen=True)
class Quads:
    """A quad mesh with a separate UV mesh of the same faces."""

    faces: I64  # (q, 4) vertices
    uv: F64  # (u, 2)
    uv_faces: I64  # (q, 4) rows of `uv`


def subdivide(mesh: Quads, n_vertices: int) -> tuple[sparse.csr_matrix, Quads]:
    """One Catmull-Clark step; UVs are halved linearly, borders keep to their own curve.

    Args:
        mesh: quads; vertices that no face uses are kept where they are.
        n_vertices: number of vertices of the coarse mesh.

    Returns:
        The matrix (n_vertices + q + e, n_vertices) that makes the fine vertices, and the fine mesh (4 q quads).
    """
    faces = mesh.faces
    q = len(faces)
    corners = np.sort(np.stack([faces, np.roll(faces, -1, axis=1)], axis=-1).reshape(-1, 2), axis=1)
    edges, edge_of_corner = np.unique(corners, axis=0, return_inverse=True)
    edge_of_corner = edge_of_corner.reshape(-1)
    e = len(edges)
    face_of_corner = np.repeat(np.arange(q), 4)
    used = np.bincount(edge_of_corner, minlength=e)
    border = used == 1

    def matrix(values: F64, rows: I64, columns: I64, shape: tuple[int, int]) -> sparse.csr_matrix:
        return sparse.csr_matrix((values, (rows, columns)), shape)

    to_face = matrix(np.full(4 * q, 0.25), face_of_corner, faces.ravel(), (q, n_vertices))
    middles = matrix(np.full(2 * e, 0.5), np.repeat(np.arange(e), 2), edges.ravel(), (e, n_vertices))
    face_mean = matrix(1.0 / used[edge_of_corner], edge_of_corner, face_of_corner, (e, q)) @ to_face
    to_edge = sparse.diags(np.where(border, 1.0, 0.5)) @ middles + sparse.diags(np.where(border, 0.0, 0.5)) @ face_mean

    valence = np.bincount(faces.ravel(), minlength=n_vertices).astype(float)
    divisor = np.maximum(valence, 1.0)
    edge_count = np.maximum(np.bincount(edges.ravel(), minlength=n_vertices), 1).astype(float)
    faces_around = matrix(1.0 / divisor[faces.ravel()], faces.ravel(), face_of_corner, (n_vertices, q)) @ to_face
    edges_around = (
        matrix(1.0 / edge_count[edges.ravel()], edges.ravel(), np.repeat(np.arange(e), 2), (n_vertices, e)) @ middles
    )
    inner = (
        sparse.diags(1 / divisor) @ faces_around
        + sparse.diags(2 / divisor) @ edges_around
        + sparse.diags((divisor - 3) / divisor)
    )
    rim = edges[border]
    on_rim = np.zeros(n_vertices, dtype=bool)
    on_rim[rim.ravel()] = True
    along = matrix(np.full(2 * len(rim), 0.125), rim.ravel(), rim[:, ::-1].ravel(), (n_vertices, n_vertices))
    along = along + sparse.diags(1.0 - np.asarray(along.sum(axis=1)).ravel())
    free = valence == 0
    to_vertex = (
        sparse.diags((~on_rim & ~free).astype(float)) @ inner
        + sparse.diags(on_rim.astype(float)) @ along
        + sparse.diags(free.astype(float))
    )

    edge_points = edge_of_corner.reshape(q, 4) + n_vertices + q
    face_points = np.arange(q) + n_vertices
    fine = np.concatenate([_corner_quads(faces, edge_points, face_points, i) for i in range(4)])
    uv_corners = mesh.uv[mesh.uv_faces]
    uv = np.concatenate(
        [mesh.uv, uv_corners.mean(axis=1), ((uv_corners + np.roll(uv_corners, -1, axis=1)) / 2).reshape(-1, 2)]
    )
    m = len(mesh.uv)
    uv_edges = np.arange(4 * q).reshape(q, 4) + m + q
    uv_fine = np.concatenate([_corner_quads(mesh.uv_faces, uv_edges, np.arange(q) + m, i) for i in range(4)])
    return sparse.vstack([to_vertex, to_face, to_edge]).tocsr(), Quads(fine, uv, uv_fine)


def _corner_quads(faces: I64, edge_points: I64, face_points: I64, corner: int) -> I64:
    return np.stack(
        [faces[:, corner], edge_points[:, corner], face_points, edge_points[:, (corner - 1) % 4]], axis=1
    )  # fmt: skip


def triangulate(quads: I64) -> I64:
    """(2 q, 3) triangles of (q, 4) quads."""
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])


def normal_operator(triangles: I64, n_vertices: int) -> sparse.csr_matrix:
    """(n, t) matrix that sums the area vectors of a vertex's triangles."""
    t = len(triangles)
    return sparse.csr_matrix((np.ones(3 * t), (triangles.ravel(), np.repeat(np.arange(t), 3))), (n_vertices, t))


def vertex_normals(vertices: F64, triangles: I64, operator: sparse.csr_matrix) -> F64:
    """(n, 3) unit normals, weighted by area."""
    a, b, c = vertices[triangles[:, 0]], vertices[triangles[:, 1]], vertices[triangles[:, 2]]
    summed = np.asarray(operator @ np.cross(b - a, c - a))
    return np.asarray(summed / np.maximum(np.linalg.norm(summed, axis=1, keepdims=True), 1e-12))


def nearest_distance(targets: F64, points: F64) -> F64:
    """(n,) metres from points (n, 3) to the nearest of targets (m, 3)."""
    return np.asarray(cKDTree(targets).query(points)[0], dtype=np.float64)


def smoothstep(low: float, high: float, x: F64) -> F64:
    """0 below `low`, 1 above `high`, smooth between; `low` may exceed `high` to fall instead."""
    t = np.clip((x - low) / (high - low), 0.0, 1.0)
    return np.asarray(t * t * (3 - 2 * t))


def hermite_curve(knots: F64, at: F64) -> F64:
    """Piecewise smooth curve through knots (k, 2) sorted by their first column, clamped outside."""
    x = np.clip(at, knots[0, 0], knots[-1, 0])
    return np.asarray(PchipInterpolator(knots[:, 0], knots[:, 1])(x))
