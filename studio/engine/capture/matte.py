"""Who is person and who is background, and which part of the person is which.

The matte is a network's (selfie segmentation), sharpened along the picture's edges and, where the background has been
seen free, by comparing with it. The parts follow from the landmarks' outlines (face, lips, eyes, inside of the mouth)
and from colour and place (teeth, neck, hair, torso): a geometric reading, good for weighting, not a parser's.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from studio.engine.capture.mesh import EYE_LEFT, EYE_RIGHT, FACE_OVAL, LIPS_INNER, LIPS_OUTER
from studio.engine.capture.models import ModelFiles, Net

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]
Flags = NDArray[np.bool_]

MATTE_PX = 256

REGIONS = ("background", "torso", "neck", "hair", "face", "lips", "eyes", "mouth", "teeth")
"""Values of region pictures."""

PLATE_PICTURES = 40
"""Pictures that the background is put together from."""


class Matting:
    """The matte network."""

    def __init__(self, models: ModelFiles) -> None:
        self._net = Net(models.matte)

    def __call__(self, rgb: U8) -> F32:
        """(h, w) share of the person in every pixel of a picture (h, w, 3)."""
        height, width = rgb.shape[:2]
        small = Image.fromarray(rgb).resize((MATTE_PX, MATTE_PX), Image.Resampling.BILINEAR)
        alpha = self._net(np.asarray(small, np.float32)[None] / 255)[0][0, :, :, 0]
        large = Image.fromarray(alpha).resize((width, height), Image.Resampling.BILINEAR)
        return _sharpened(np.asarray(large, np.float32), rgb)


def _sharpened(alpha: F32, rgb: U8) -> F32:
    """The matte drawn to the picture's own edges: a guided filter (He et al. 2010) on brightness."""
    guide = rgb.mean(2, dtype=np.float32) / 255
    size = 2 * max(2, round(min(alpha.shape) / 64)) + 1

    def mean(x: F32) -> F32:
        return np.asarray(ndimage.uniform_filter(x, size, mode="nearest"), np.float32)

    middle, level = mean(guide), mean(alpha)
    slope = (mean(guide * alpha) - middle * level) / (mean(guide * guide) - middle**2 + 1e-3)
    out = mean(slope) * guide + mean(level - slope * middle)
    stretched = (out - 0.1) / 0.8
    return np.asarray(np.clip(stretched, 0.0, 1.0), np.float32)


def background_plate(pictures: Sequence[U8], mattes: Sequence[F32]) -> tuple[U8, float]:
    """The background alone: per pixel the median over pictures in which it is free.

    Args:
        pictures: of one size (h, w, 3).
        mattes: (h, w) each.

    Returns:
        (h, w, 3), and the share of its pixels that were ever seen; the rest is filled from around.
    """
    stack = np.stack(pictures).astype(np.float32)
    free = np.stack([ndimage.maximum_filter(m, 7) < 0.06 for m in mattes])
    stack[~free] = np.nan
    seen = free.sum(0) >= max(1, len(pictures) // 20)
    plate = np.zeros(stack.shape[1:], np.float32)
    if seen.any():
        plate[seen] = np.nanmedian(stack[:, seen], axis=0)
        plate = _filled(plate, seen)
    else:
        plate[:] = 128.0
    return np.clip(np.round(plate), 0, 255).astype(np.uint8), float(seen.mean())


def _filled(plate: F32, seen: Flags) -> F32:
    """Unseen pixels take the nearest seen colour, smoothed so that no ray shows."""
    if seen.all():
        return plate
    _, (rows, columns) = ndimage.distance_transform_edt(~seen, return_indices=True)
    near = plate[rows, columns]
    soft = np.stack([ndimage.gaussian_filter(near[..., c], min(plate.shape[:2]) / 40) for c in range(3)], axis=2)
    return np.where(seen[..., None], plate, soft).astype(np.float32)


def freed(rgb: U8, alpha: F32, plate: U8, known: bool) -> tuple[F32, F32]:
    """Better coverage, and the person's own colour where it is half covered.

    Args:
        rgb: (h, w, 3) the picture.
        alpha: (h, w) its matte.
        plate: (h, w, 3) the background.
        known: whether the background stands still and was seen; otherwise nothing is compared with it.

    Returns:
        (h, w) coverage and (h, w, 3) colour 0–255, free of background.
    """
    picture, behind = rgb.astype(np.float32), plate.astype(np.float32)
    if known:
        differs = np.abs(picture - behind).max(2)
        like = np.clip(1.0 - (differs - 8.0) / 14.0, 0.0, 1.0)  # 1 where the pixel is the background's colour
        unsure = np.clip(4.0 * alpha * (1.0 - alpha), 0.0, 1.0)
        alpha = alpha * (1.0 - like * unsure)
    share = alpha[..., None]
    own = np.where(share > 0.15, (picture - (1.0 - share) * behind) / np.maximum(share, 0.15), picture)
    kept = np.where((share > 0.02) & (share < 0.98), own, picture) if known else picture
    return alpha.astype(np.float32), np.clip(kept, 0.0, 255.0).astype(np.float32)


def regions(rgb: U8, alpha: F32, points: NDArray[np.floating]) -> U8:
    """(h, w) which of `REGIONS` every pixel is.

    Args:
        rgb: (h, w, 3) the picture.
        alpha: (h, w) its matte.
        points: (478, 2) landmarks in its pixels.
    """
    height, width = alpha.shape
    out = np.zeros((height, width), np.uint8)
    person = alpha > 0.5
    face = _polygon(points, FACE_OVAL, (width, height))
    chin, left, right = points[152], points[454], points[234]
    across = max(float(np.linalg.norm(left - right)), 1.0)
    middle = (points[234] + points[454]) / 2
    down = (chin - middle) / max(float(np.linalg.norm(chin - middle)), 1e-6)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    below = (x - chin[0]) * down[0] + (y - chin[1]) * down[1]  # pixels below the chin along the face's axis
    aside = np.abs((x - chin[0]) * -down[1] + (y - chin[1]) * down[0])
    skin = _skin_like(rgb, face & person)
    jaw = (x - middle[0]) * down[0] + (y - middle[1]) * down[1] > 0.15 * across
    neck = person & ~face & jaw & skin & (below < 0.55 * across) & (aside < 0.5 * across)
    out[person] = REGIONS.index("hair")
    out[person & (below > 0.12 * across) & ~_hair_like(rgb, person, face, below, across)] = REGIONS.index("torso")
    out[ndimage.binary_closing(neck, iterations=max(1, round(across / 24))) & person] = REGIONS.index("neck")
    ears = person & skin & ~jaw & (aside < 0.72 * across) & (below > -1.05 * across)
    out[ndimage.binary_opening(ears & (y > min(points[33][1], points[263][1]) - 0.1 * across))] = REGIONS.index("face")
    out[face & (person | (alpha > 0.2))] = REGIONS.index("face")
    lips, inside = (_polygon(points, ring, (width, height)) for ring in (LIPS_OUTER, LIPS_INNER))
    out[lips] = REGIONS.index("lips")
    if _height(points, 13, 14) > 0.012 * across:
        out[inside] = REGIONS.index("mouth")
        light = rgb.astype(np.float32)
        grey = 1.0 - (light.max(2) - light.min(2)) / np.maximum(light.max(2), 1.0)
        bright = light.mean(2) > 0.55 * float(np.median(light.mean(2)[face])) if face.any() else light.mean(2) > 90
        out[inside & bright & (grey > 0.68)] = REGIONS.index("teeth")
    for ring in (EYE_RIGHT, EYE_LEFT):
        out[_polygon(points, ring, (width, height))] = REGIONS.index("eyes")
    return out


def _height(points: NDArray[np.floating], a: int, b: int) -> float:
    return float(np.linalg.norm(points[a] - points[b]))


def _polygon(points: NDArray[np.floating], ring: Sequence[int], size_px: tuple[int, int]) -> Flags:
    picture = Image.new("1", size_px)
    ImageDraw.Draw(picture).polygon([(float(x) - 0.5, float(y) - 0.5) for x, y in points[list(ring)]], fill=1)
    return np.asarray(picture, dtype=bool)


def _chroma(rgb: U8) -> F32:
    """(h, w, 2) colour without brightness."""
    light = rgb.astype(np.float32) + 8.0
    total = light.sum(2, keepdims=True)
    return np.asarray(light[..., :2] / total, np.float32)


def _skin_like(rgb: U8, face: Flags) -> Flags:
    """(h, w) pixels whose colour is the face's, within what the face itself shows."""
    if face.sum() < 50:
        return np.zeros(face.shape, dtype=bool)
    chroma, light = _chroma(rgb), rgb.mean(2)
    of_face = chroma[face]
    middle = np.median(of_face, axis=0)
    spread = np.maximum(1.4826 * np.median(np.abs(of_face - middle), axis=0), 0.006)
    away = np.sqrt((((chroma - middle) / spread) ** 2).sum(2))
    return np.asarray((away < 4.0) & (light > 0.3 * np.median(light[face])))


def _hair_like(rgb: U8, person: Flags, face: Flags, below: F32, across: float) -> Flags:
    """(h, w) pixels below the chin with the colour of what lies above the face: long hair."""
    crown = person & ~face & (below < -1.0 * across)
    if crown.sum() < 80:
        return np.zeros(person.shape, dtype=bool)
    colour = rgb.astype(np.float32)
    middle = np.median(colour[crown], axis=0)
    spread = max(float(1.4826 * np.median(np.abs(colour[crown] - middle))), 6.0)
    like = person & ~face & (np.abs(colour - middle).max(2) < 3.0 * spread)
    pieces, _ = ndimage.label(like)
    hanging = np.unique(pieces[like & (below < -0.3 * across)])  # a dark jacket does not reach up beside the face
    return np.asarray(np.isin(pieces, hanging[hanging > 0]))
