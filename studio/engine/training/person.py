"""A tracked person's surface: the prior's bare head on the person's face, with hair and clothes from the pictures.

The result is what a performer's capture states exactly and a portrait does not: points, normals, colours, zones,
skinning and motion. Training takes it as the place to start from, and changes everything but the motion's law.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree
from torch import Tensor

from studio.engine.camera import Camera
from studio.engine.gaussians import SH_C0, Gaussians
from studio.engine.splat.base import Rasterizer
from studio.engine.splat.cpu import CpuRasterizer
from studio.engine.training.capture import Capture, Surface
from studio.engine.training.initial import facing
from studio.engine.training.lips import Slips
from studio.engine.training.manner import Manner, personal_modes
from studio.engine.training.person_pictures import (
    F64,
    REGIONS,
    Flags,
    Pictures,
    Points,
    inside_of,
    lit,
    project,
    said,
    value_at,
)
from studio.engine.training.prior import EYES, Bare, Prior
from studio.engine.training.spread import spread
from studio.errors import StudioError

PADDING_PX = 14
"""How far clothes are continued beyond the picture's edges, because the body moves."""

MOST_VOLUME = 1.25
"""Hair lifts the outline by at most this factor; what stands out further becomes points of its own."""

_OPEN = (REGIONS.index("mouth"), REGIONS.index("teeth"))
_EYE, _TEETH = REGIONS.index("eyes"), REGIONS.index("teeth")

_COVERED = 0.6
_DIRECTIONS = 48
_HAIRY = 0.5

_GRAZED = 0.45
"""Scalp that faces the front less than this is seen past the ears, whose colour it must not take."""

_ASKANCE, _STRAIGHT = 0.05, 0.2
"""Squared cosine at which a surface is seen: below the first the outline's mixed colours hide its own, from the second
on it is as the picture shows it."""

_BEHIND_M, _NAPE_M = -0.078, -0.07
"""Behind the ears and above the nape, in the performer's head space: where nothing was seen there is hair."""


@dataclass(frozen=True)
class Person:
    """The surface, and where its points come from in the prior's head space."""

    surface: Surface
    sources: Tensor  # (P, 3) metres
    source_normals: Tensor  # (P, 3) unit
    slope: Tensor  # (3, 3) how small steps there are carried here, on the whole
    slips: Slips | None = None  # what the mouth does beyond all controls


def person_of(capture: Capture, prior: Prior, extra: int, manner: Manner | None = None) -> Person:
    """Puts the prior's bare head on a tracked face and adds what the pictures show beyond it.

    Args:
        capture: a portrait, with tracking.
        prior: the performer.
        extra: at most this many points of hair and clothes beyond the bare head.
        manner: how the person's face moves; as the performer's if left out.

    Raises:
        StudioError: the capture has no tracking.
    """
    if capture.tracking is None:
        raise StudioError(f"{capture.root} has no tracking.safetensors: make the capture of the portrait again.")
    head = capture.tracking.head.double().numpy()
    found, pivots = _bent(prior, head, capture.tracking.pivots.double().numpy())
    if manner is not None:
        found.modes = personal_modes(prior, head, manner, found.points, found.modes).astype(np.float32)
    pictures, rasterizer = Pictures(capture, pivots, prior), CpuRasterizer()
    found.points += _volume(found, pictures, prior)
    found = found.kept(~_outside(found, pictures, prior.bare))
    found = _extended(found, pictures, prior.bare, rasterizer, extra)
    _wear(found, pictures, prior.bare)
    found.colours = _coloured(found, pictures, prior.bare, rasterizer)
    distance, near = cKDTree(found.points).query(found.points, 8)
    spacing = np.asarray(distance)[:, 1:4].mean(1)[near].mean(1)  # scattered points clump: what is usual around them

    def floats(values: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values, np.float32))

    surface = Surface(
        points=floats(found.points),
        normals=floats(found.normals),
        colours=floats(np.clip(found.colours, 0, 1)),
        parts=torch.from_numpy(found.parts.astype(np.int64)),
        zones=torch.from_numpy(found.zones.astype(np.int64)),
        skinning=floats(found.skinning),
        spacing=floats(np.maximum(spacing, 1e-5)),
        modes=floats(found.modes),
        mode_weights=prior.law(capture.au, said(capture)),
        pivots=floats(pivots),
        mode_names=prior.bare.mode_names,
    )
    slope = floats(prior.warp(head).slope)
    return Person(surface, floats(found.sources), floats(found.source_normals), slope)


def with_surface(capture: Capture, person: Person, prior: Prior) -> Capture:
    """The capture as training wants it."""
    info = replace(capture.info, parts=prior.bare.part_names)
    return replace(capture, surface=person.surface, info=info)


def _bent(prior: Prior, head: F64, pivots: F64) -> tuple[Points, F64]:
    """The bare head in the person's head space, and its pivots (4, 3)."""
    bare, warp = prior.bare, prior.warp(head)
    points, slopes = warp(bare.points), warp.slopes(bare.points)
    normals = np.asarray(np.linalg.solve(slopes.transpose(0, 2, 1), bare.normals[..., None])[..., 0], np.float64)
    modes = np.einsum("nij,unj->uni", slopes, bare.modes).astype(np.float32)
    pivots = pivots.copy()
    for eye, (name, ring) in enumerate(zip(("eye_left", "eye_right"), EYES, strict=True)):
        # An eyeball stays a ball: it is carried as a whole with its lids' landmarks.
        marks = list(ring)
        old, new = prior.marks[marks], warp(prior.marks[marks])
        width = np.linalg.norm(new[0] - new[8]) / np.linalg.norm(old[0] - old[8])
        size = float(np.clip(width, 0.92 * warp.size, 1.12 * warp.size))
        centre = new.mean(0) + size * warp.rotation @ (bare.pivots[2 + eye] - old.mean(0))
        mine = bare.of(name)
        points[mine] = centre + size * (bare.points[mine] - bare.pivots[2 + eye]) @ warp.rotation.T
        normals[mine] = bare.normals[mine] @ warp.rotation.T
        pivots[2 + eye] = centre
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    found = Points(
        points, normals, bare.colours.copy(), bare.parts.copy(), bare.zones.copy(), bare.skinning.copy(), modes,
        bare.points.copy(), bare.normals.copy(), bare.scalp.copy(),
    )  # fmt: skip
    return found, pivots


def _volume(found: Points, pictures: Pictures, prior: Prior) -> F64:
    """(P, 3) how far the scalp is lifted so that its outline is the hair's."""
    image = pictures.front
    camera = pictures.camera(image)
    pixels, _ = project(pictures.posed(found, image), camera)
    _, alpha = pictures.shown(image)
    regions = pictures.regions(image)
    person = alpha > 0.5
    if regions is not None:
        person &= ~np.isin(regions, [REGIONS.index("torso"), REGIONS.index("neck")])
    hairy = found.scalp > _HAIRY
    middle = np.median(found.points[hairy], axis=0)
    middle[1] = np.quantile(found.points[hairy, 1], 0.35)
    centre = np.median(pixels[hairy], axis=0)
    centre[1] = np.quantile(pixels[hairy, 1], 0.65)
    away = pixels - centre
    angle, radius = np.arctan2(away[:, 1], away[:, 0]), np.linalg.norm(away, axis=1)
    bins = np.floor((angle + np.pi) / (2 * np.pi) * _DIRECTIONS).astype(int) % _DIRECTIONS
    reach = 1.6 * float(radius[hairy].max())
    steps = np.arange(1.0, reach)
    ratio = np.full(_DIRECTIONS, np.nan)
    head = found.skinning[:, 1] > 0.9
    for direction in range(_DIRECTIONS):
        mine = np.flatnonzero((bins == direction) & head)
        if len(mine) < 4 or not hairy[mine[np.argmax(radius[mine])]]:
            continue
        turn = (direction + 0.5) / _DIRECTIONS * 2 * np.pi - np.pi
        ray = centre + steps[:, None] * [np.cos(turn), np.sin(turn)]
        covered = value_at(person.astype(np.float64), ray) > 0.5
        free = np.flatnonzero(~covered)
        edge = float(steps[free[0]]) if len(free) else reach
        outmost = ray[min(int(edge), len(ray) - 1)]
        if not (0 <= outmost[0] < camera.width and 0 <= outmost[1] < camera.height):
            continue  # the picture's edge cuts the hair off
        ratio[direction] = np.clip(edge / radius[mine].max(), 0.97, MOST_VOLUME)
    known = np.flatnonzero(~np.isnan(ratio))
    if not len(known):
        return np.zeros_like(found.points)
    every = np.arange(_DIRECTIONS)
    ratio = np.interp(every, known, ratio[known], period=_DIRECTIONS)
    ratio = ndimage.gaussian_filter1d(ratio, 1.5, mode="wrap")
    # Points near the line of sight have no direction of their own: they take the mean.
    sideways = np.clip(radius / max(float(np.quantile(radius[hairy], 0.9)), 1.0), 0, 1)
    lift = sideways * ratio[bins] + (1 - sideways) * float(ratio[np.unique(bins[hairy])].mean())
    near = cKDTree(found.points).query(found.points, 24)[1]
    share = found.scalp[near].mean(1) * found.skinning[:, 1]
    return np.asarray((found.points - middle) * ((lift - 1) * share)[:, None])


def _outside(found: Points, pictures: Pictures, bare: Bare) -> Flags:
    """(P,) points of skin and clothes that most pictures show as background."""
    hits, looks = np.zeros(len(found.points)), np.zeros(len(found.points))
    for image in pictures.all:
        camera = pictures.camera(image)
        pixels, _ = project(pictures.posed(found, image), camera)
        _, alpha = pictures.shown(image)
        wide = ndimage.maximum_filter(alpha, 3)
        inside = inside_of(pixels, camera)
        looks += inside
        hits += inside & (value_at(wide, pixels) < 0.2)
    loose = _of(found, bare, "skin", "neck", "garment")
    return np.asarray(loose & (looks > 0) & (hits > 0.6 * looks))


def _disks(found: Points, points: F64, colours: F64) -> Gaussians:
    """Opaque disks on posed points."""
    spacing = np.asarray(cKDTree(points).query(points, 4)[0])[:, 1:].mean(1)
    scales = np.maximum(spacing, 1e-5)[:, None] * [0.75, 0.75, 0.2]
    count = len(points)
    return Gaussians(
        torch.from_numpy(points).float(),
        facing(torch.from_numpy(found.normals).float()),
        torch.from_numpy(np.log(scales)).float(),
        torch.full((count,), 4.0),
        ((torch.from_numpy(colours).float() - 0.5) / SH_C0)[:, None],
    )


def _extended(found: Points, pictures: Pictures, bare: Bare, rasterizer: Rasterizer, extra: int) -> Points:
    """The points and further ones where the front picture shows hair or clothes that no point covers."""
    image, pad = pictures.front, PADDING_PX
    camera = pictures.camera(image)
    wide = replace(
        camera, cx=camera.cx + pad, cy=camera.cy + pad, width=camera.width + 2 * pad, height=camera.height + 2 * pad
    )
    colour, alpha = pictures.shown(image)
    regions = pictures.regions(image)
    labels = np.full(alpha.shape, REGIONS.index("torso"), np.uint8) if regions is None else regions
    colour, alpha = (np.pad(v, ((pad, pad), (pad, pad), (0, 0))[: v.ndim], mode="edge") for v in (colour, alpha))
    labels = np.pad(labels, pad, mode="edge")
    labels = ndimage.median_filter(labels, 3)
    posed = pictures.posed(found, image)
    covered = rasterizer.render(_disks(found, posed, found.colours), wide).alpha.double().numpy()
    wanted = ndimage.binary_opening((alpha > 0.5) & (covered < _COVERED))
    count = int(wanted.sum())
    if not count or not (covered > _COVERED).any():
        return found
    # Clothes beside the jaw lie as deep as clothes do, not as the jaw.
    bodily = np.isin(labels, [REGIONS.index("torso"), REGIONS.index("neck")])
    of_body = _of(found, bare, "neck", "garment")
    depths = [_depth(found.kept(mine), posed[mine], wide, rasterizer) for mine in (of_body, ~of_body)]
    filled = np.where(bodily, *depths)
    stride = max(1.0, (count / max(extra, 1)) ** 0.5)
    y, x = (axis.ravel() for axis in np.meshgrid(
        np.arange(0.0, wide.height, stride), np.arange(0.0, wide.width, stride), indexing="ij"
    ))  # fmt: skip
    pixels = np.stack([x + 0.5, y + 0.5], axis=1)
    pixels = pixels[value_at(wanted.astype(np.float64), pixels) > 0.5]
    if not len(pixels):
        return found
    z = value_at(filled, pixels)
    flat = (pixels - [wide.cx, wide.cy]) / [wide.fx, wide.fy]
    seen = np.column_stack([flat * z[:, None], z])
    matrix = wide.world_to_camera
    world = (seen - matrix[:3, 3]) @ matrix[:3, :3]
    body = np.isin(value_at(labels.astype(np.float64), pixels), [REGIONS.index("torso"), REGIONS.index("neck")])
    head_rows = np.flatnonzero(found.scalp > _HAIRY)
    body_rows = np.flatnonzero(_of(found, bare, "neck", "garment"))
    rows_of = np.empty(len(world), np.int64)
    for mine, among in ((~body, head_rows), (body, body_rows)):
        among = among if len(among) else np.arange(len(found.points))
        rows_of[mine] = among[cKDTree(posed[among]).query(world[mine])[1]] if mine.any() else rows_of[mine]
    skinning = found.skinning[rows_of]
    skinning[~body] = [0.0, 1.0, 0.0, 0.0]
    fresh = Points(
        pictures.unposed(world, skinning, image),
        np.tile(-matrix[2, :3], (len(world), 1)),
        value_at(colour, pixels),
        np.where(body, bare.part_names.index("garment"), bare.part_names.index("hair")).astype(np.uint8),
        found.zones[rows_of],
        skinning,
        np.zeros((len(found.modes), len(world), 3), np.float32),
        found.sources[rows_of],
        found.source_normals[rows_of],
        (~body).astype(np.float64),
    )
    names = vars(found)
    return Points(**{n: np.concatenate([names[n], vars(fresh)[n]], axis=1 if n == "modes" else 0) for n in names})


def _wear(found: Points, pictures: Pictures, bare: Bare) -> None:
    """Collars go with the body, where the performer's bare neck beneath them goes partly with the head."""
    image = pictures.front
    regions = pictures.regions(image)
    if regions is None:
        return
    camera, posed = pictures.camera(image), pictures.posed(found, image)
    pixels, _ = project(posed, camera)
    worn = value_at(regions.astype(np.float64), pixels) == REGIONS.index("torso")
    worn &= inside_of(pixels, camera) & _of(found, bare, "neck", "garment")
    found.skinning[worn] = [1.0, 0.0, 0.0, 0.0]
    found.modes[:, worn] = 0.0  # no expression moves them
    found.points[worn] = pictures.unposed(posed[worn], found.skinning[worn], image)


def _depth(found: Points, posed: F64, camera: Camera, rasterizer: Rasterizer) -> F64:
    """(H, W) metres: how deep these points alone lie, continued beyond them."""
    drawn = rasterizer.render(_disks(found, posed, found.colours), camera, depth=True)
    assert drawn.depth is not None
    covered = drawn.alpha.double().numpy()
    return _filled(drawn.depth.double().numpy() / np.maximum(covered, 1e-3), covered > _COVERED)


def _filled(depth: F64, known: Flags) -> F64:
    """(H, W) depth, continued smoothly where it is not known: a step between neighbours is a rip from the side."""
    if not known.any():
        return depth
    _, (rows, columns) = ndimage.distance_transform_edt(~known, return_indices=True)
    filled = np.asarray(depth[rows, columns])
    for width in (24.0, 12.0, 6.0, 6.0, 3.0, 3.0, 3.0, 1.5, 1.5, 1.5):  # towards a membrane over what is known
        filled = np.where(known, depth, ndimage.gaussian_filter(filled, width, mode="nearest"))
    return filled


def _coloured(found: Points, pictures: Pictures, bare: Bare, rasterizer: Rasterizer) -> F64:
    """(P, 3) what pictures show where a point is seen; what the nearest seen point of its kind has elsewhere."""
    total, weight = np.zeros((len(found.points), 3)), np.zeros(len(found.points))
    on_hair, on_body = np.zeros(len(found.points)), np.zeros(len(found.points))
    enamel: list[F64] = []
    inner, eyes = _of(found, bare, "mouth", "teeth", "tongue"), _of(found, bare, "eye_left", "eye_right")
    lashes = _of(found, bare, "lash")
    spacing = np.asarray(cKDTree(found.points).query(found.points, 4)[0])[:, 1:].mean(1)
    for image in pictures.all:
        camera = pictures.camera(image)
        posed = pictures.posed(found, image)
        pixels, depth = project(posed, camera)
        drawn = rasterizer.render(_disks(found, posed, found.colours), camera, depth=True)
        assert drawn.depth is not None
        front = drawn.depth.double().numpy() / np.maximum(drawn.alpha.double().numpy(), 1e-3)
        colour, alpha = pictures.shown(image)
        solid = ndimage.minimum_filter(alpha, 3)
        towards = camera.position - posed
        towards /= np.linalg.norm(towards, axis=1, keepdims=True)
        faced = np.clip((found.normals * towards).sum(1), 0, 1)
        faced[found.parts == bare.part_names.index("hair")] = 0.5
        seen = (
            inside_of(pixels, camera)
            & (value_at(solid, pixels) > 0.9)
            & (depth < value_at(front, pixels) + 0.002 + spacing)
        )
        share = seen * faced**2 * ~inner
        regions = pictures.regions(image)
        labels = None if regions is None else value_at(regions.astype(np.float64), pixels)
        if labels is not None:  # a lip a pixel too high would be white as teeth, an eye as brown as its lid
            share = share * ~np.isin(labels, _OPEN) * ((eyes == (labels == _EYE)) | lashes)
            enamel.append(colour[(regions == _TEETH) & (solid > 0.9)])
        total += share[:, None] * value_at(colour, pixels)
        weight += share
        if labels is not None:
            on_hair += share * (labels == REGIONS.index("hair"))
            on_body += share * (labels == REGIONS.index("torso"))
    known = weight > 0.05
    looks = weight / max(len(pictures.all), 1)
    colours = found.colours.copy()
    colours[known] = total[known] / weight[known, None]
    behind = (found.sources[:, 2] < _BEHIND_M) & (found.sources[:, 1] > _NAPE_M) & ~known
    hair = (found.scalp > _HAIRY) | (found.parts == bare.part_names.index("hair")) | behind
    cloth = _of(found, bare, "garment")
    # Scalp beside ears and forehead may show skin, but the back of the head has the colour of hair; a collar hides the
    # neck, but below the jaw there is skin.
    known &= ~(hair & (on_hair < 0.5 * weight) & (found.normals[:, 2] < _GRAZED))
    telling = known & (~hair | (on_hair > 0.8 * weight)) & (cloth | (on_body < 0.5 * weight))
    known |= _of(found, bare, "hair")  # found in a picture, with the colour it has there
    for kind in (hair, cloth, ~(hair | cloth | inner | eyes)):
        there, lacking = np.flatnonzero(kind & telling), np.flatnonzero(kind & ~known)
        if kind is hair and len(there):  # an ear that the regions take for hair is none
            away = np.linalg.norm(colours[there] - np.median(colours[there], axis=0), axis=1)
            there = there[away <= 1.5 * np.median(away)]
        if len(there) and len(lacking):
            nearest = cKDTree(found.points[there]).query(found.points[lacking], min(8, len(there)))[1]
            colours[lacking] = np.median(colours[there][nearest.reshape(len(lacking), -1)], axis=1)
    sure = np.clip((looks - _ASKANCE) / (_STRAIGHT - _ASKANCE), 0, 1) ** 2 * known
    loose = ~(inner | eyes)
    hair = loose & (hair | (known & (on_hair > 0.5 * weight)))
    cloth = loose & ~hair & (cloth | (known & (on_body > 0.5 * weight)))
    for kind in (hair, cloth, loose & ~hair & ~cloth):
        colours[kind] = spread(found.points[kind], colours[kind], sure[kind])
    skin = known & (found.parts == bare.part_names.index("skin"))
    if skin.any():
        light = float(np.median(colours[skin])) / max(float(np.median(found.colours[skin])), 1e-3)
        dark = (inner | eyes) & ~known
        colours[dark] *= min(light, 1.0)
        teeth = _of(found, bare, "teeth")
        colours[teeth] = lit(found.colours[teeth], np.concatenate([*enamel, np.zeros((0, 3))]), light)
    return colours


def _of(found: Points, bare: Bare, *names: str) -> Flags:
    """(P,) which points belong to one of the named parts."""
    return np.isin(found.parts, [bare.part_names.index(name) for name in names])
