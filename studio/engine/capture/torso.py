"""Where the torso is in every picture, found by the pictures themselves.

The landmarker knows faces alone, and shoulders move on their own: a torso that stands still in the tracking and moves
in the clip is drawn in the wrong place, and learned blurred. What shows clothes or a body below the chin is one stiff
part (`registration.Part`), which may shift and tip sideways; turns towards or away from the camera cannot be told from
shifts in so small a picture. Its average look is gathered from training pictures alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from studio.engine.capture.analysis import Clip
from studio.engine.capture.filming import Window, camera_of
from studio.engine.capture.matte import REGIONS
from studio.engine.capture.pose import angles_deg
from studio.engine.capture.registration import Found, Freedom, Lens, Part, as_motion, as_parameters
from studio.engine.capture.smoothing import noise_of, smooth

F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]
Flags = NDArray[np.bool_]

EDGE_PX = 256
"""Pictures are looked at in about this size; larger ones are halved or more."""

KEY_PICTURES = 24
"""Pictures that the average look is made of."""

LEAST_SHARE = 0.015
"""Of the picture: a torso of which less is seen is not followed."""

LEAST_ALIKE = 0.45
"""Share of the torso that must look as it usually does, where it is taken for found."""

LEAST_FOUND = 0.6
"""Share of pictures in which it must be found."""

FREEDOM = Freedom((0.0, 0.0, float(np.radians(6.0)), 0.03, 0.03, 0.03))

_BELOW = 0.15
"""Widths of the face below the chin where the torso begins."""

_ALONE = 0.6
"""Share of the key pictures that must show a pixel as torso."""

NOT_SEEN = "too little of the shoulders is in the picture"
NOT_FOUND = "they are covered, or change too much from picture to picture"


@dataclass(frozen=True)
class Torso:
    """The torso's motion in a clip of F frames, and how well it is known."""

    motion: F64  # (F, 6) about the neck: yaw, pitch, roll in degrees, shift in metres; zeros where it rests
    found: float  # share of the used pictures in which it was found
    range_px: float  # how far it moves in the capture's pictures
    jitter_px: float  # white noise of its place before smoothing
    why: str  # why it rests; empty where it was followed

    def report(self) -> dict[str, Any]:
        """For report.json."""
        return {
            "followed": not self.why,
            "found": round(self.found, 3),
            "range_px": round(self.range_px, 1),
            "jitter_px": round(self.jitter_px, 3),
            "why": self.why,
        }


def follow_torso(
    clip: Clip, window: Window, frames: list[int], train: list[int], folder: Path, report: Callable[[int, int], None]
) -> Torso:
    """Finds the torso in all pictures.

    Args:
        clip: what is known of the clip.
        window: of the capture's pictures.
        frames: those that have pictures, rising.
        train: those of them that may be looked at for the average look.
        folder: with `frames/` and `regions/`.
        report: hears pictures done, of all.
    """
    rest = np.zeros((len(clip.seen), 6))
    keys = [train[i] for i in np.linspace(0, len(train) - 1, min(KEY_PICTURES, len(train))).astype(int)]
    shrink = max(1, window.edge // EDGE_PX)
    where = _region(clip, window, keys, folder, shrink)
    if where.mean() < LEAST_SHARE:
        return Torso(rest, 0.0, 0.0, 0.0, NOT_SEEN)
    lens = lens_of(clip, window, where.shape)
    neck = np.median([_neck(clip, frame) for frame in keys], axis=0)
    part = Part(lens, np.full(where.shape, neck[2]), where, FREEDOM)
    still = np.eye(4)
    part.learn([shown(folder, frame, shrink) for frame in keys], [still] * len(keys))
    found: dict[int, Found] = {}
    last = still
    for done, frame in enumerate(frames):
        if clip.sifted.breaks[frame]:
            last = still
        found[frame] = part.find(part.looks(shown(folder, frame, shrink)), last, still)
        if found[frame].alike >= LEAST_ALIKE:
            last = found[frame].motion
        report(done + 1, len(frames))
    good = np.zeros(len(rest), dtype=bool)
    good[[frame for frame, each in found.items() if each.alike >= LEAST_ALIKE]] = True
    share = float(good[frames].mean())
    if share < LEAST_FOUND:
        return Torso(rest, share, 0.0, 0.0, NOT_FOUND)
    raw = np.zeros((len(rest), 6))
    for frame, each in found.items():
        raw[frame] = as_parameters(each.motion, part.middle)
    to_px = lens.fx * shrink / part.middle[2]
    jitter = float(np.mean([noise_of(column[good]) for column in raw.T[3:5]])) * to_px
    extent = float(np.ptp(raw[good][:, 3:5], axis=0).max()) * to_px
    placed = _smoothed(raw, good, clip.sifted.breaks, clip.seen.time_s)
    motions = np.stack([as_motion(row, part.middle) for row in placed])
    return Torso(_beneath_neck(clip, motions, train), share, extent, jitter, "")


def shown(folder: Path, frame: int, shrink: int) -> U8:
    """A picture of the person over grey, by whole numbers smaller."""
    with Image.open(folder / "frames" / f"{frame:06d}.png") as image:
        return np.asarray(image.convert("RGB") if shrink == 1 else image.convert("RGB").reduce(shrink), np.uint8)


def lens_of(clip: Clip, window: Window, size: tuple[int, ...]) -> Lens:
    """What pictures of `size` (height, width) were taken with, however far they are shrunk."""
    camera = camera_of(clip, window, 0).resized(size[1], size[0])
    return Lens(camera.fx, camera.fy, camera.cx, camera.cy)


def _region(clip: Clip, window: Window, keys: list[int], folder: Path, shrink: int) -> Flags:
    """(h, w) pixels that are torso in most pictures, and a rim of what is behind it, where its outline shows."""
    hits = []
    for frame in keys:
        with Image.open(folder / "regions" / f"{frame:06d}.png") as image:
            labels = np.asarray(image.convert("L"))[shrink // 2 :: shrink, shrink // 2 :: shrink]
        marks = window.points(clip.seen.points[frame]) / shrink
        across = float(np.linalg.norm(marks[454] - marks[234]))
        below = np.arange(len(labels))[:, None] > marks[152, 1] + _BELOW * across
        # The jacket of somebody with dark hair passes for hair; skin below the collar passes for neck.
        body = np.isin(labels, [REGIONS.index(name) for name in ("torso", "hair")])
        hits.append(body & below)
    often = ndimage.binary_opening(np.mean(hits, axis=0) >= _ALONE, iterations=2)
    rows = np.flatnonzero(often.any(1))
    if not len(rows):
        return np.asarray(often)
    wide = ndimage.binary_dilation(often, iterations=3)
    wide[: rows[0]] = False
    return np.asarray(wide)


def _neck(clip: Clip, frame: int) -> F64:
    """(3,) the neck's pivot in the camera."""
    return np.asarray(clip.reference @ clip.pivots[1] + clip.sway[frame])


def _smoothed(raw: F64, good: Flags, breaks: Flags, times_s: F64) -> F64:
    """(F, 6) without lag, shot by shot; nothing is known of a shot without good pictures."""
    out = np.zeros_like(raw)
    edges = [0, *(int(i) for i in np.flatnonzero(breaks) if i > 0), len(breaks)]
    for begin, end in pairwise(edges):
        mine = slice(begin, end)
        if good[mine].any():
            out[mine] = smooth(raw[mine], good[mine], times_s[mine])
    return out


def _beneath_neck(clip: Clip, motions: F64, train: list[int]) -> F64:
    """(F, 6) what the rig is told: the torso's motion in the picture, less the neck's, which the camera follows.

    Zero is where the torso mostly is, so that an avatar at rest has it there.
    """
    rest = np.eye(4)
    rest[:3, :3], rest[:3, 3] = clip.reference, np.median(clip.sway[train], axis=0)
    camera = np.tile(np.eye(4), (len(motions), 1, 1))
    camera[:, :3, :3], camera[:, :3, 3] = clip.reference, clip.sway
    moved = np.linalg.inv(camera) @ motions @ rest
    pivot = clip.pivots[1]
    shift = moved[:, :3, :3] @ pivot + moved[:, :3, 3] - pivot
    out = np.concatenate([angles_deg(moved[:, :3, :3]), shift], axis=1)
    return np.asarray(out - np.median(out[train], axis=0))
