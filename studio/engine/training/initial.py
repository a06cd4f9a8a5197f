"""Where training starts: Gaussians as small disks on the capture's surface."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from torch import Tensor

from studio.engine.gaussians import SH_C0, Gaussians
from studio.engine.rig import quat_multiply
from studio.engine.splat.projection import rotation_matrices
from studio.engine.training.capture import Surface
from studio.engine.training.recipes import Recipe

_AROUND = 13
_TORN_M, _TORN = 0.002, 3.0
"""Points are torn apart that come further from each other than this, and than so many times what lies between them."""

_REACH, _LEAST = 0.4, 0.3
"""Standard deviation across a gap: a share of the way to its other side, but no less than this share of a spacing."""


def thin(points: NDArray[np.float64], spacing: NDArray[np.float64], count: int, seed: int) -> NDArray[np.int64]:
    """Choose about `count` points evenly: no two closer than a common multiple of their spacing.

    The relative density of the points is kept, so that a face stays finer than a scalp.

    Args:
        points: (P, 3) metres.
        spacing: (P,) metres.
        count: how many to keep; never more are kept.
        seed: of the order in which points are visited.

    Returns:
        (≤ count,) indices, rising; all points if there are no more than `count`.
    """
    total = len(points)
    if total <= count:
        return np.arange(total)
    order = np.random.default_rng(seed).permutation(total)
    tree = cKDTree(points)
    low, high = 0.0, 2.0 * float(np.sqrt(total / count))
    best = order[:count]
    for _ in range(7):
        middle = (low + high) / 2
        near = tree.query_ball_point(points, spacing * middle, workers=-1)
        free = np.ones(total, dtype=bool)
        kept = []
        for i in order:
            if free[i]:
                kept.append(i)
                free[near[i]] = False
        if len(kept) > count:
            low = middle
        else:
            high, best = middle, np.asarray(kept)
    return np.sort(best)


def place_on_surface(surface: Surface, recipe: Recipe) -> tuple[Gaussians, Tensor, Tensor]:
    """Disks on surface points, facing along their normals.

    Returns:
        The Gaussians (N), the surface point (N,) each sits on, and the spacing (N,) in metres between them.
    """
    chosen = thin(
        surface.points.double().numpy(), surface.spacing.double().numpy(), recipe.initial_gaussians, recipe.seed
    )
    rows = torch.from_numpy(chosen)
    count = len(rows)
    spacing = surface.spacing[rows] * (len(surface) / count) ** 0.5
    extent = torch.tensor([recipe.initial_extent, recipe.initial_extent, recipe.initial_thickness]).expand(count, 3)
    quats = facing(surface.normals[rows])
    if recipe.initial_stretch > 1:
        wider = stretch(surface, rows).clamp(1.0, recipe.initial_stretch)
        extent = torch.cat([extent[:, :2] * wider[:, None], extent[:, 2:]], 1)
        across = gaps(surface, rows)
        quats, extent = _beside(quats, extent, across, spacing)
    sh = torch.zeros(count, (recipe.sh_degree + 1) ** 2, 3)
    sh[:, 0] = (surface.colours[rows] - 0.5) / SH_C0
    gaussians = Gaussians(
        means=surface.points[rows].clone(),
        quats=quats,
        log_scales=(spacing.clamp_min(1e-6)[:, None] * extent).log(),
        opacity_logits=torch.full((count,), float(torch.logit(torch.tensor(recipe.initial_opacity)))),
        sh=sh,
    )
    return gaussians, rows, spacing


def stretch(surface: Surface, rows: Tensor) -> Tensor:
    """(N,) ≥ 1: how much further from its neighbours a surface point of `rows` (N,) comes in its widest expression.

    Of six neighbours of its part the median counts, so that lips that part do not count as stretched.
    """
    points, parts = surface.points[rows].double().numpy(), surface.parts[rows].numpy()
    apart = points + 10.0 * np.eye(1, 3) * parts[:, None]  # parts are far from one another
    near = torch.from_numpy(np.asarray(cKDTree(apart).query(apart, k=min(7, len(rows)))[1])[:, 1:])
    steps = surface.points[rows][near] - surface.points[rows][:, None]
    rest = steps.norm(dim=2).clamp_min(1e-6)
    widest = torch.ones(len(rows))
    for mode in surface.modes:
        moved = mode[rows]
        if float(moved.abs().max()) > 0:
            ratio = (steps + moved[near] - moved[:, None]).norm(dim=2) / rest
            widest = torch.maximum(widest, ratio.median(1).values)
    return widest


def gaps(surface: Surface, rows: Tensor) -> Tensor:
    """(N, 3) metres from a surface point of `rows` (N,) to the nearest one that some expression tears it from, or 0.

    The edges of lips touch at rest; what lies on one of them must not reach over to the other.
    """
    points = surface.points[rows]
    places = points.double().numpy()
    near = torch.from_numpy(np.asarray(cKDTree(places).query(places, k=min(_AROUND, len(rows)))[1])[:, 1:])
    steps = points[near] - points[:, None]
    rest = steps.norm(dim=2)
    torn = torch.zeros_like(rest, dtype=torch.bool)
    for mode in surface.modes:
        moved = mode[rows]
        if float(moved.abs().max()) > _TORN_M:
            apart = (moved[near] - moved[:, None]).norm(dim=2)
            torn |= (apart > _TORN_M) & (apart > _TORN * rest)
    nearest = torch.where(torn, rest, torch.inf).min(1)
    found = steps[torch.arange(len(rows)), nearest.indices]
    return found * torch.isfinite(nearest.values)[:, None]


def _beside(quats: Tensor, extent: Tensor, across: Tensor, spacing: Tensor) -> tuple[Tensor, Tensor]:
    """Disks (quats (N, 4), extents (N, 3) in spacings (N,)) beside gaps `across` (N, 3), turned and narrowed.

    Their second axis lies across the gap and ends before it.
    """
    torn = across.norm(dim=1) > 0
    turns = rotation_matrices(quats)
    along = torch.einsum("nab,na->nb", turns, across)  # in the disk's own axes
    roll = torch.atan2(-along[:, 0], along[:, 1]) / 2  # the turn about its normal that takes y there
    about = torch.stack([roll.cos(), torch.zeros_like(roll), torch.zeros_like(roll), roll.sin()], 1)
    room = _REACH * across.norm(dim=1) / spacing.clamp_min(1e-6)
    narrow = torch.minimum(extent[:, 1], room.clamp_min(_LEAST))
    fitted = torch.stack([extent[:, 0], narrow, extent[:, 2]], 1)
    return torch.where(torn[:, None], quat_multiply(quats, about), quats), torch.where(torn[:, None], fitted, extent)


def facing(normals: Tensor) -> Tensor:
    """(N, 4) wxyz of the shortest rotations that take +z to unit normals (N, 3)."""
    x, y, z = normals.unbind(1)
    quats = torch.stack([1 + z, -y, x, torch.zeros_like(z)], 1)
    backwards = z < -0.9999
    quats[backwards] = torch.tensor([0.0, 1.0, 0.0, 0.0])
    return torch.nn.functional.normalize(quats, dim=1)
