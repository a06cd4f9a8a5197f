"""Finds faces and follows one: detector → region → 478 landmarks and 52 scores → next region.

The region is a turned square around the face. It follows the landmarks of the picture before, so that the detector is
asked only at the beginning, now and then for other faces, and when the face is lost.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from studio.engine.capture.mesh import EXPRESSION_INPUT, FACE_OVAL, POINTS
from studio.engine.capture.models import ModelFiles, Net

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]

DETECTOR_PX, LANDMARK_PX = 128, 256
_STRIDES = ((8, 2), (16, 6))
"""Cells of the detector's grid in pixels, and boxes per cell."""

MIN_DETECTION, MIN_PRESENCE = 0.5, 0.5
"""Least probability of a detected face, and of a face in the region that was looked at."""

_REGION_SCALE = 1.5
"""Edge of the region over the longer edge of the face's box."""

_OVERLAP = 0.3
"""Boxes that share more than this of their union are one face."""

_SEARCH_EVERY = 5
"""Pictures between two looks for other faces."""


@dataclass(frozen=True)
class Detection:
    """A face as the detector sees it."""

    box: F64  # (4,) left, top, right, bottom, pixels
    eyes: F64  # (2, 2) the subject's right eye, left eye, pixels
    score: float

    @property
    def edge(self) -> float:
        """Longer edge of the box, pixels."""
        return float(max(self.box[2] - self.box[0], self.box[3] - self.box[1]))


@dataclass(frozen=True)
class Region:
    """A turned square in a picture."""

    x: float  # centre, pixels
    y: float
    edge: float  # pixels
    angle: float  # radians, positive turns the square clockwise as seen

    def to_picture(self, points: F64) -> F64:
        """(n, 2) picture pixels of points (n, 2) given in [0, 1]² of the region."""
        c, s = np.cos(self.angle), np.sin(self.angle)
        local = (points - 0.5) * self.edge
        return np.stack([self.x + c * local[:, 0] - s * local[:, 1], self.y + s * local[:, 0] + c * local[:, 1]], 1)


@dataclass(frozen=True)
class Face:
    """What is known of the followed face in one picture."""

    points: F32  # (478, 3) x and y in pixels, z in pixels towards the camera negative
    scores: F32  # (52,) expression scores in [0, 1]
    presence: float  # probability that the region shows a face

    @property
    def box(self) -> F64:
        """(4,) left, top, right, bottom, pixels."""
        return np.concatenate([self.points[:, :2].min(0), self.points[:, :2].max(0)]).astype(np.float64)


class FaceDetector:
    """Finds every face of a picture that is not small or turned far away."""

    def __init__(self, models: ModelFiles) -> None:
        self._net = Net(models.detector)
        centres = []
        for stride, boxes in _STRIDES:
            cells = (np.arange(DETECTOR_PX // stride) + 0.5) * stride / DETECTOR_PX
            y, x = np.meshgrid(cells, cells, indexing="ij")
            centres.append(np.repeat(np.stack([x.ravel(), y.ravel()], 1), boxes, axis=0))
        self._anchors = np.concatenate(centres)  # (896, 2) in [0, 1]

    def __call__(self, rgb: U8) -> list[Detection]:
        """Faces of a picture (h, w, 3), the largest first."""
        height, width = rgb.shape[:2]
        edge = max(height, width)
        square = np.zeros((DETECTOR_PX, DETECTOR_PX, 3), np.float32)
        w, h = max(1, round(width / edge * DETECTOR_PX)), max(1, round(height / edge * DETECTOR_PX))
        left, top = (DETECTOR_PX - w) // 2, (DETECTOR_PX - h) // 2
        small = Image.fromarray(rgb).resize((w, h), Image.Resampling.BOX if w < width else Image.Resampling.BILINEAR)
        square[top : top + h, left : left + w] = np.asarray(small, np.float32) / 127.5 - 1.0
        boxes, logits = self._net(square[None])
        score = 1 / (1 + np.exp(-np.clip(logits[0, :, 0].astype(np.float64), -80, 80)))
        chosen = score > MIN_DETECTION
        values = boxes[0, chosen].astype(np.float64).reshape(-1, 8, 2) / DETECTOR_PX
        anchors = self._anchors[chosen]
        values[:, 0] += anchors
        values[:, 2:] += anchors[:, None]
        scale, shift = np.array([width / w, height / h]) * DETECTOR_PX, np.array([left, top]) / DETECTOR_PX
        found: list[Detection] = []
        for at in np.argsort(-score[chosen]):
            centre, size = (values[at, 0] - shift) * scale, values[at, 1] * scale
            box = np.concatenate([centre - size / 2, centre + size / 2])
            if all(overlap(box, other.box) < _OVERLAP for other in found):
                eyes = (values[at, 2:4] - shift) * scale
                found.append(Detection(box, eyes, float(score[chosen][at])))
        return sorted(found, key=lambda d: -d.edge)


class FaceReader:
    """Landmarks and scores of the face in a region."""

    def __init__(self, models: ModelFiles) -> None:
        self._landmarks, self._expression = Net(models.landmarks), Net(models.expression)

    def __call__(self, rgb: U8, region: Region) -> Face:
        """The face of a picture (h, w, 3); its presence may be low."""
        crop = cut(rgb, region, LANDMARK_PX).astype(np.float32) / 255
        outputs = self._landmarks(crop[None])
        raw = next(o for o in outputs if o.size == POINTS * 3).reshape(POINTS, 3).astype(np.float64) / LANDMARK_PX
        presence = float(1 / (1 + np.exp(-np.clip(outputs[1].ravel()[0], -80, 80))))
        flat = region.to_picture(raw[:, :2])
        points = np.concatenate([flat, raw[:, 2:] * region.edge], axis=1)
        scores = self._expression(flat[list(EXPRESSION_INPUT)][None].astype(np.float32))[0].ravel()
        return Face(points.astype(np.float32), np.clip(scores, 0, 1), presence)


@dataclass(frozen=True)
class Sight:
    """What the tracker says of one picture."""

    face: Face | None
    others: tuple[Detection, ...] = ()  # faces beside the followed one; found at every fifth picture


class FaceTracker:
    """Follows the largest face from picture to picture."""

    def __init__(self, models: ModelFiles) -> None:
        self._detect, self._read = FaceDetector(models), FaceReader(models)
        self._last: Face | None = None
        self._count = 0

    def __call__(self, rgb: U8) -> Sight:
        """What is seen in the next picture (h, w, 3)."""
        look = self._last is None or self._count % _SEARCH_EVERY == 0
        found = self._detect(rgb) if look else []
        self._count += 1
        face: Face | None = None
        if self._last is not None:
            face = self._accept(self._read(rgb, region_of_face(self._last)))
            if face is None and not look:
                found = self._detect(rgb)
        if face is None:
            face = self._first(rgb, found)
        self._last = face
        if face is None:
            return Sight(None)
        return Sight(face, tuple(d for d in found if overlap(d.box, face.box) < 0.2))

    def _first(self, rgb: U8, found: Iterable[Detection]) -> Face | None:
        """The largest detected face; read twice, because the second region is better centred."""
        for detection in found:
            face = self._accept(self._read(rgb, region_of_detection(detection)))
            if face is not None:
                return self._accept(self._read(rgb, region_of_face(face)))
        return None

    @staticmethod
    def _accept(face: Face) -> Face | None:
        oval = face.points[list(FACE_OVAL), :2]
        sound = face.presence >= MIN_PRESENCE and float(np.ptp(oval, axis=0).min()) >= 16
        return face if sound else None


def region_of_detection(found: Detection) -> Region:
    """Where to look for the landmarks of a detected face."""
    across = found.eyes[1] - found.eyes[0]
    x, y = (found.box[:2] + found.box[2:]) / 2
    return Region(float(x), float(y), _REGION_SCALE * found.edge, float(np.arctan2(across[1], across[0])))


def region_of_face(face: Face) -> Region:
    """Where to look for the landmarks of a face in the next picture."""
    points = face.points[:, :2].astype(np.float64)
    across = points[263] - points[33]
    angle = float(np.arctan2(across[1], across[0]))
    c, s = np.cos(angle), np.sin(angle)
    turned = points @ np.array([[c, -s], [s, c]])  # axes along and across the line of the eyes
    low, high = turned.min(0), turned.max(0)
    middle = (low + high) / 2
    x, y = middle @ np.array([[c, s], [-s, c]])
    return Region(float(x), float(y), _REGION_SCALE * float((high - low).max()), angle)


def cut(rgb: U8, region: Region, edge_px: int) -> U8:
    """(edge, edge, 3) what a region of a picture (h, w, 3) shows; black outside. Large regions are averaged down."""
    factor = int(np.clip(np.ceil(region.edge / edge_px - 0.25), 1, 4))
    px = edge_px * factor
    step = region.edge / px
    c, s = np.cos(region.angle) * step, np.sin(region.angle) * step
    half = px / 2
    matrix = (c, -s, region.x - c * half + s * half, s, c, region.y - s * half - c * half)
    taken = Image.fromarray(rgb).transform((px, px), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
    return np.asarray(taken.reduce(factor) if factor > 1 else taken)


def overlap(a: F64, b: F64) -> float:
    """Intersection over union of two boxes (4,)."""
    size = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    both = float(np.prod(np.maximum(size, 0.0)))
    area = float(np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2])) - both
    return both / area if area > 0 else 0.0
