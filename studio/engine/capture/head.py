"""The head's pose, made better by the pictures themselves.

Landmarks slide with every grimace, and the head seems to turn with them. Forehead, nose, ears and hair do not: they are
one stiff part of the picture (`registration.Part`), on the fitted face and, beside it, on a guess of the skull. How far
the pictures may overrule the landmarks depends on how well those fit a stiff face in this very clip.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from scipy.interpolate import LinearNDInterpolator
from scipy.spatial.transform import Rotation

from studio.engine.capture.analysis import Clip
from studio.engine.capture.filming import Window
from studio.engine.capture.matte import REGIONS, regions
from studio.engine.capture.mesh import MESH_POINTS
from studio.engine.capture.pose import SLOW, angles_deg
from studio.engine.capture.registration import Freedom, Lens, Part, points_by, sample
from studio.engine.capture.smoothing import smooth
from studio.engine.capture.torso import EDGE_PX, KEY_PICTURES, lens_of

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]
Flags = NDArray[np.bool_]

TOGETHER_PX = 100.0
"""Pixels of a head that err together: it is not stiff, and the skull's shape is a guess."""

SLIDE = (7.0, 0.56, 1.68)
"""What landmarks that miss a stiff face by its width would mean for turns (radians), shifts and depth (metres).

They err together: a mouth that opens, or brows that rise, nod the fitted face by a degree while they miss it by 0.3 %
of its width (`steadiness.py` measures it).
"""

MOST_SHARE = 0.012
"""Landmarks that miss by more say nothing about how much worse the pose is."""

SLIDING = 0.008
"""Landmarks that miss by more do not tremble, they slide with the face: all to one side, and the pose with them."""

_LEFT = 0.3
"""Share of the landmarks' fast tremor that pictures are expected to leave: it lasts as long as a speech sound, so that
no difference from one picture to the next shows it as noise."""

_RIM_PX = 4
"""Of the small pictures: so near to its outline nothing of the head is looked at."""

_LIDS = 0.04
"""Widths of the face around eyes and mouth that move with them."""

_SKULL_M, _FALL_M = 0.08, 0.02
"""Hair and ears lie so far behind the eyes, and the face falls off to there within so much of its outline."""

_BAND = (0.35, 0.65)
"""Quantiles of coverage over the pictures between which a single one may lie."""

_HARDLY, _CLEARLY = 10.0, 40.0
"""Levels of 255: what differs by less from the background may be background, what differs by more is none."""

_WIDE, _ABOVE = 0.95, 0.05
"""Widths of the face to either side of its middle, and above the chin, within which the head is looked for."""


@dataclass(frozen=True)
class Outline:
    """Where the head's outline mostly is, so that no single picture's matte loses a knot of hair that others show."""

    lens: Lens  # of the small pictures
    depth: F64  # (h, w) metres, reference view
    motions: F64  # (F, 4, 4) reference camera → a frame's
    low: F32  # (h, w) usual coverage, reference view: from …
    high: F32  # … to
    near: F32  # (h, w) 1 where it may be told

    def steadied(self, alpha: F32, differs: F32, frame: int) -> F32:
        """A frame's coverage (H, W), held within what is usual there.

        Args:
            alpha: the matte.
            differs: (H, W) levels of 255 by which the picture differs from the background: what differs clearly stays,
                and what hardly does is not taken for hair.
            frame: whose.
        """
        height, width = self.depth.shape
        back, view = np.linalg.inv(self.motions[frame]), self.depth.copy()
        for _ in range(2):  # the depth at a pixel of this picture is that of the reference where the pixel came from
            points = self.lens.points(view) @ back[:3, :3].T + back[:3, 3]
            pixels = self.lens.project(points)
            there = sample(self.depth[..., None].astype(np.float32), pixels)[:, 0]
            view = view + (there - points[:, 2]).reshape(height, width)
        known = np.stack([self.low, self.high, self.near], axis=2)
        usual = sample(known, pixels).reshape(height, width, 3)
        scale = (alpha.shape[0] / height, alpha.shape[1] / width, 1)
        low, high, near = np.moveaxis(ndimage.zoom(usual, scale, order=1) if scale[0] != 1 else usual, 2, 0)
        alike = np.clip((_CLEARLY - differs) / (_CLEARLY - _HARDLY), 0.0, 1.0)  # 1 where it looks like the background
        lost, extra = np.maximum(low - alpha, 0.0), np.maximum(alpha - high, 0.0)
        held = alpha + lost * (1.0 - alike) - extra * np.sqrt(alike)
        return np.asarray(alpha + near * (held - alpha), np.float32)


def refine_head(
    clip: Clip, window: Window, frames: list[int], train: list[int], folder: Path, report: Callable[[int, int], None]
) -> tuple[Clip, Outline | None]:
    """The clip with poses that agree with what its pictures show, and the head's usual outline.

    Args:
        clip: with poses from landmarks.
        window: of the capture's pictures.
        frames: those that have pictures, rising.
        train: those of them that may be looked at for the average look.
        folder: with `pictures/` and `mattes/`.
        report: hears pictures done, of all.
    """
    keys, reference = _keys(clip, train)
    shrink = max(1, window.edge // EDGE_PX)
    where = _region(clip, window, reference, folder, shrink)
    if where.sum() < 500:
        return clip, None
    lens = lens_of(clip, window, where.shape)
    heads = np.tile(np.eye(4), (len(clip.seen), 1, 1))
    heads[:, :3, :3], heads[:, :3, 3] = clip.track.rotation, clip.track.translation
    quiet = [frame for frame in train if clip.actions.au[frame].sum() <= np.median(clip.actions.au[train].sum(1))]
    face = np.median(clip.points[quiet][:, :MESH_POINTS], axis=0) @ heads[reference][:3, :3].T
    face = face + heads[reference][:3, 3]
    depth = _depth(lens.project(face), face[:, 2], heads[reference][2, 3] + _SKULL_M, lens.fx, where.shape)
    width = float(
        np.median(np.linalg.norm(clip.seen.points[train, 454, :2] - clip.seen.points[train, 234, :2], axis=1))
    )
    share = min(float(np.nanmedian(clip.raw.error_px[train])) / max(width, 1.0), MOST_SHARE)
    turn, shift, away = slide(share)
    part = Part(lens, depth, where, Freedom((turn, turn, turn, shift, shift, away)), TOGETHER_PX, shaded=True)
    origin = heads[reference].copy()
    home = np.linalg.inv(origin)
    if reference not in keys:
        keys = sorted([*keys, reference])
    motions = [heads[frame] @ home for frame in keys]
    learned = part.learn([_picture(folder, frame, shrink) for frame in keys], motions, keys.index(reference))
    usual = np.stack([
        sample(_matte(folder, frame, shrink)[..., None], lens.project(points_by(motion, lens.points(depth))))[:, 0]
        for frame, motion in zip(keys, learned, strict=True)
    ])  # fmt: skip
    low, high = (band.reshape(where.shape).astype(np.float32) for band in np.quantile(usual, _BAND, axis=0))
    for done, frame in enumerate(frames):
        guess = heads[frame] @ home
        heads[frame] = part.find(part.looks(_picture(folder, frame, shrink)), guess, guess).motion @ origin
        report(done + 1, len(frames))
    good = np.zeros(len(heads), dtype=bool)
    good[frames] = True
    placed = _placed(clip, heads, good)
    heads[:, :3, :3], heads[:, :3, 3] = placed.track.rotation, placed.track.translation
    near = ndimage.gaussian_filter(_near(clip, window, reference, where.shape).astype(np.float32), 4.0)
    return placed, Outline(lens, depth, heads @ home, low, high, near)


def slide(share: float) -> tuple[float, float, float]:
    """How far a pose from landmarks may be wrong: turns (radians), shifts and depth (metres).

    Args:
        share: how far the landmarks miss a stiff face, of its width.
    """
    turn, shift, away = (share * max(1.0, share / SLIDING) * each for each in SLIDE)
    return turn, shift, away


def _keys(clip: Clip, train: list[int]) -> tuple[list[int], int]:
    """Pictures for the average look, from all over the clip, and the one that is most usual."""
    keys = [train[i] for i in np.linspace(0, len(train) - 1, min(KEY_PICTURES, len(train))).astype(int)]
    turned = np.linalg.norm(clip.pose[train, :3] - np.median(clip.pose[train, :3], axis=0), axis=1)
    return keys, train[int(np.argmin(turned / 4 + clip.actions.au[train].sum(1) / 4))]


def _region(clip: Clip, window: Window, frame: int, folder: Path, shrink: int) -> Flags:
    """(h, w) pixels of head and hair in a picture, but for what faces move, and for their outline.

    Lips, chin and lids move by themselves; brows do too, but without them little tells how far a forehead nods. The
    outline is another one as soon as the head turns, and what the matte makes of it changes with the mouth.
    """
    rgb = _picture(folder, frame, shrink)
    marks = window.points(clip.seen.points[frame]) / shrink
    labels = regions(rgb, _matte(folder, frame, shrink), marks)
    near = _near(clip, window, frame, labels.shape)
    off, alive, skin = (
        np.isin(labels, [REGIONS.index(name) for name in names])
        for names in (("background", "torso", "neck"), ("lips", "eyes", "mouth", "teeth"), ("face",))
    )
    lids = max(2, round(_LIDS * float(np.linalg.norm(marks[454] - marks[234]))))
    y, x = np.mgrid[: labels.shape[0], : labels.shape[1]] + 0.5
    down = marks[152] - marks[10]
    jaw = skin & ((x - marks[2, 0]) * down[0] + (y - marks[2, 1]) * down[1] > 0)  # below the nose
    stiff = ndimage.binary_erosion(~off & near, iterations=_RIM_PX)
    return np.asarray(stiff & ~ndimage.binary_dilation(alive | jaw, iterations=lids))


def _near(clip: Clip, window: Window, frame: int, size: tuple[int, ...]) -> Flags:
    """(h, w) pixels around the face and above the chin."""
    marks = window.points(clip.seen.points[frame]) * (size[0] / window.edge)
    across = float(np.linalg.norm(marks[454] - marks[234]))
    y, x = np.mgrid[: size[0], : size[1]] + 0.5
    above = y < marks[152, 1] - _ABOVE * across
    return np.asarray(above & (np.abs(x - marks[[234, 454], 0].mean()) < _WIDE * across))


def _picture(folder: Path, frame: int, shrink: int) -> U8:
    """What the camera saw, by whole numbers smaller."""
    with Image.open(folder / "pictures" / f"{frame:06d}.jpg") as image:
        return np.asarray(image.convert("RGB").reduce(shrink), np.uint8)


def _matte(folder: Path, frame: int, shrink: int) -> F32:
    with Image.open(folder / "mattes" / f"{frame:06d}.png") as image:
        return np.asarray(np.asarray(image.convert("L").reduce(shrink), np.float32) / 255, np.float32)


def _depth(pixels: F64, depth: F64, skull: float, focal: float, size: tuple[int, int]) -> F64:
    """(h, w) metres: the face's own depth, and a skull around it."""
    y, x = np.mgrid[: size[0], : size[1]] + 0.5
    inside = np.asarray(LinearNDInterpolator(pixels, depth)(np.stack([x, y], axis=2)), np.float64)
    hole = np.isnan(inside)
    away, (rows, columns) = ndimage.distance_transform_edt(hole, return_indices=True)
    rim = inside[rows, columns]
    fallen = rim + (skull - rim) * (1 - np.exp(-away * skull / focal / _FALL_M))
    return np.asarray(ndimage.gaussian_filter(np.where(hole, fallen, inside), 1.0), np.float64)


def _left(apart: F64) -> F64:
    """(3,) tremor of landmarks that is still in turns found by pictures, from what lies between both (F, 3)."""
    fast = apart - ndimage.uniform_filter1d(apart, SLOW, axis=0, mode="nearest")
    return np.asarray(_LEFT * 1.4826 * np.median(np.abs(fast), axis=0))


def _placed(clip: Clip, heads: F64, good: Flags) -> Clip:
    """The clip with heads (F, 4, 4), smoothed shot by shot."""
    rotation, translation = clip.track.rotation.copy(), clip.track.translation.copy()
    edges = [0, *(int(i) for i in np.flatnonzero(clip.sifted.breaks) if i > 0), len(good)]
    for begin, end in pairwise(edges):
        mine, seen = slice(begin, end), good[begin:end]
        if not seen.any():
            continue
        times = clip.seen.time_s[mine]
        mean = Rotation.from_matrix(heads[mine][seen, :3, :3]).mean()
        turns = (mean.inv() * Rotation.from_matrix(heads[mine, :3, :3])).as_rotvec()
        told = (mean.inv() * Rotation.from_matrix(clip.track.rotation[mine])).as_rotvec()
        rotation[mine] = (
            mean * Rotation.from_rotvec(smooth(turns, seen, times, noise=_left(told - turns)))
        ).as_matrix()
        depth = smooth(heads[mine, 2, 3], seen, times)
        at = smooth(heads[mine, :2, 3] / heads[mine, 2:3, 3], seen, times)
        translation[mine] = np.concatenate([at * depth[:, None], depth[:, None]], axis=1)
    turns = clip.reference.T @ rotation
    pivot = clip.pivots[1]
    sway = translation - np.einsum("ij,fj->fi", clip.reference, pivot - np.einsum("fij,j->fi", turns, pivot))
    pose = np.concatenate([angles_deg(turns), clip.pose[:, 3:]], axis=1)
    track = replace(clip.track, rotation=rotation, translation=translation)
    return replace(clip, track=track, pose=pose, sway=sway)
