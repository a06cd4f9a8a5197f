"""A person's pictures for the start of training: which are looked at, what they show, where points of the head fall."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from torch import Tensor

from studio.engine.camera import Camera
from studio.engine.rig import Rig
from studio.engine.training.capture import Capture
from studio.engine.training.prior import Prior

F64 = NDArray[np.float64]
Flags = NDArray[np.bool_]

REGIONS = ("background", "torso", "neck", "hair", "face", "lips", "eyes", "mouth", "teeth")
"""Values of a portrait capture's region pictures."""

_LOW, _ASIDE = 0.75, 0.35
"""Of the face's height from above, and of its width beyond it: what begins lower or lies further out is no hair."""

_HANGS, _DOWN = 0.5, 1.05
"""Of the face's height: what begins below the first and reaches beneath the second is a jacket with a high collar."""

_BRIDGE = 1 / 30
"""Of the face's width: what is joined by less than twice this is not one piece, as a shoulder and a dark ear."""

EDGE_PX = 2
"""So far inside a matte's edge pixels still have some of the background's colour."""

_PICTURES = 12

_ENAMEL_PX = 40
"""Pixels of teeth, of all pictures that are looked at, from which on they tell the teeth's colour."""


@dataclass
class Points:
    """Surface points while they are gathered."""

    points: F64
    normals: F64
    colours: F64
    parts: NDArray[np.uint8]
    zones: NDArray[np.uint8]
    skinning: F64
    modes: NDArray[np.float32]
    sources: F64
    source_normals: F64
    scalp: F64

    def kept(self, which: Flags) -> Points:
        """Some of the points."""
        values = {name: value[:, which] if name == "modes" else value[which] for name, value in vars(self).items()}
        return Points(**values)


class Pictures:
    """Chosen training pictures of the clip, and where posed points fall in them."""

    def __init__(self, capture: Capture, pivots: F64, prior: Prior) -> None:
        self._capture, self._pivots, self._prior = capture, torch.from_numpy(pivots).float(), prior
        train = capture.indices("train")
        frames = [capture.images[i].frame for i in train]
        pose, action = capture.pose[frames].numpy(), capture.au[frames].sum(1).numpy()
        opening = prior.law(capture.au[frames], said(capture)[frames])[:, prior.bare.mode_names.index("jaw")].numpy()
        turned = np.linalg.norm(pose[:, :3] - np.median(pose[:, :3], axis=0), axis=1)
        self.front = train[int(np.argmin(turned / 4 + action / 4 + 2 * opening))]
        bins = np.array_split(np.argsort(pose[:, 0], kind="stable"), min(_PICTURES, len(train)))
        calm = [int(among[np.argmin((action + 3 * opening)[among])]) for among in bins]
        open_mouth = np.argsort(-opening, kind="stable")[: min(4, len(train))]
        self.all = [self.front, *(train[i] for i in dict.fromkeys([*calm, *(int(i) for i in open_mouth)]))]

    def posed(self, found: Points, image: int) -> F64:
        """(P, 3) where the points are in a picture's moment."""
        capture, frame = self._capture, self._capture.images[image].frame
        weights = self._prior.law(capture.au[[frame]], said(capture)[[frame]])[0].numpy()
        shaped = found.points + np.tensordot(weights, found.modes, axes=1)
        rotations, shifts = self._transforms(frame)
        return np.asarray(np.einsum("nj,jab,nb->na", found.skinning, rotations, shaped) + found.skinning @ shifts)

    def unposed(self, points: F64, skinning: F64, image: int) -> F64:
        """(n, 3) canonical places of points seen in a picture's moment; the inverse of rigid skinning."""
        rotations, shifts = self._transforms(self._capture.images[image].frame)
        blend = np.einsum("nj,jab->nab", skinning, rotations)
        return np.asarray(np.linalg.solve(blend, (points - skinning @ shifts)[..., None])[..., 0])

    def _transforms(self, frame: int) -> tuple[F64, F64]:
        rig = Rig(torch.zeros(0, 4), self._pivots)
        rotations, shifts = rig.transforms(self._capture.pose_at(frame))
        return rotations.double().numpy(), shifts.double().numpy()

    def camera(self, image: int) -> Camera:
        """The camera of a picture."""
        return self._capture.camera_of(image)

    def shown(self, image: int) -> tuple[F64, F64]:
        """(H, W, 3) the person's own colour, at the matte's edge that of the nearest pixel inside; (H, W) coverage."""
        target = self._capture.target(image)
        alpha = target.alpha.double().numpy()
        return without_edges(target.rgb.double().numpy() / np.maximum(alpha, 1e-2)[..., None], alpha), alpha

    def regions(self, image: int) -> NDArray[np.uint8] | None:
        """(H, W) index into `REGIONS`, where the capture has them."""
        path = self._capture.root / "regions" / f"{self._capture.images[image].frame:06d}.png"
        if not path.exists():
            return None
        with Image.open(path) as picture:
            return dressed(np.asarray(picture.convert("L"), dtype=np.uint8))


def dressed(regions: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Regions (H, W) with clothes where they were taken for hair, as dark jackets are.

    Hair grows on the head: what begins only below most of the face and is not joined to anything above, is worn; so is
    what is further from the face to the side than hair falls.
    """
    rows, columns = np.nonzero(regions == REGIONS.index("face"))
    if not len(rows):
        return regions
    top, bottom, left, right = rows.min(), rows.max(), columns.min(), columns.max()
    hair = regions == REGIONS.index("hair")
    pieces, count = ndimage.label(hair, np.ones((3, 3)))
    thick = ndimage.binary_opening(hair, iterations=max(1, round(_BRIDGE * (right - left))))
    cores, more = ndimage.label(thick)
    pieces = np.where(np.isin(pieces, pieces[thick]), 0, pieces)  # only thin: as it is
    pieces[thick] = cores[thick] + count
    spans = [where[0] if where is not None else slice(0, 0) for where in ndimage.find_objects(pieces, count + more)]
    begins, ends = (
        (np.array([0, *edge]) - top) / max(bottom - top, 1)
        for edge in ([span.start for span in spans], [span.stop for span in spans])
    )
    loose = hair & (pieces == 0)
    if loose.any():
        _, (rows, columns) = ndimage.distance_transform_edt(~thick, return_indices=True)
        pieces[loose] = pieces[rows[loose], columns[loose]]
        loose[math.ceil(top + _LOW * (bottom - top)) :] = False  # an earlobe above a collar is no cloth
    worn = ((begins > _LOW) | ((begins > _HANGS) & (ends > _DOWN)))[pieces] & ~loose
    aside = _ASIDE * (right - left)
    y, x = np.ogrid[: regions.shape[0], : regions.shape[1]]
    worn |= (pieces > 0) & (y > bottom) & ((x < left - aside) | (x > right + aside))
    return np.where(worn, np.uint8(REGIONS.index("torso")), regions)


def without_edges(colour: F64, alpha: F64) -> F64:
    """Colours (H, W, 3) in which the rim of what the matte (H, W) covers takes those of the pixels inside it."""
    inside = ndimage.binary_erosion(alpha > 0.9, iterations=EDGE_PX, border_value=1)
    if not inside.any():
        return colour
    _, (rows, columns) = ndimage.distance_transform_edt(~inside, return_indices=True)
    return np.asarray(colour[rows, columns])


def project(points: F64, camera: Camera) -> tuple[F64, F64]:
    """(n, 2) pixels and (n,) depth of posed points."""
    seen = points @ camera.world_to_camera[:3, :3].T + camera.world_to_camera[:3, 3]
    depth = np.maximum(seen[:, 2], 1e-3)
    flat = seen[:, :2] / depth[:, None] * [camera.fx, camera.fy] + [camera.cx, camera.cy]
    return flat, depth


def value_at(values: F64, pixels: F64) -> F64:
    """Values (H, W, …) at pixels (n, 2), nearest, edges repeated."""
    x = np.clip(np.floor(pixels[:, 0]).astype(int), 0, values.shape[1] - 1)
    y = np.clip(np.floor(pixels[:, 1]).astype(int), 0, values.shape[0] - 1)
    return np.asarray(values[y, x])


def inside_of(pixels: F64, camera: Camera) -> Flags:
    """(n,) whether pixels (n, 2) are in the picture."""
    return np.asarray(
        (pixels[:, 0] >= 0) & (pixels[:, 0] < camera.width) & (pixels[:, 1] >= 0) & (pixels[:, 1] < camera.height)
    )


def said(capture: Capture) -> Tensor:
    """(F, 10) what is articulated; a portrait always has it."""
    assert capture.articulators is not None
    return capture.articulators


def lit(teeth: F64, seen: F64, light: float) -> F64:
    """Colours (n, 3) of a performer's teeth as bright and as tinted as a person's pixels of teeth (m, 3) are.

    Which pixel shows which tooth nobody can tell in so small a thing; painted one by one, teeth would have the colours
    of lips and tongue in patches.

    Args:
        teeth: display sRGB.
        seen: display sRGB, lips and gaps among them.
        light: the person's skin over the performer's, for where too little was seen.
    """
    if len(seen) < _ENAMEL_PX or not len(teeth):
        return teeth * min(light, 1.0)
    bright = seen[seen.mean(1) >= np.quantile(seen.mean(1), 0.6)]
    share = np.median(bright, axis=0) / np.maximum(np.quantile(teeth, 0.75, axis=0), 1e-3)
    return np.asarray(teeth * np.clip(share, 0.35, 1.1))
