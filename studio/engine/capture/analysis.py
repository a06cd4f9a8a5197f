"""From what was seen and heard to what a capture says: poses, cameras, action units, the sound's place."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from studio.document.interchange.openface import import_openface
from studio.engine.capture.actions import Actions, find_actions, load_table
from studio.engine.capture.geometry import frontal, measure
from studio.engine.capture.mesh import EYE_LEFT, EYE_RIGHT, FACE_OVAL, IRIS_LEFT, IRIS_RIGHT, RIGID, canonical_face
from studio.engine.capture.models import ModelFiles
from studio.engine.capture.observing import Observed
from studio.engine.capture.offset import Offset, find_offset
from studio.engine.capture.pose import Tracked, angles_deg, neck_pivot, smoothed, track_head
from studio.engine.capture.sifting import NO_FACE, OTHER_FACE, Sifted, first_sift, second_sift
from studio.engine.capture.smoothing import smooth
from studio.engine.footage import MIN_DURATION_S, RATE
from studio.engine.speech.features import SpeechFeatures
from studio.errors import StudioError

F64 = NDArray[np.float64]

NECK = np.array([0.0, -0.080, -0.081])
"""Where heads turn, from between the eyes; the first guess, metres."""

EYE_BEHIND_LIDS_M = 0.008
IRIS_RADIUS_M = 0.0105
"""From an eyeball's centre to its iris."""

SPEECH_HEARD = 0.25
"""Correlation of seen and heard opening above which the sound is taken for this person's speech."""


@dataclass(frozen=True)
class Crop:
    """The square of the video that becomes the capture's pictures, pixels of the looked-at size."""

    x: float
    y: float
    edge: float


@dataclass(frozen=True)
class Clip:
    """Everything known of a clip of F frames."""

    seen: Observed
    size_px: tuple[int, int]  # at which it was looked at
    sifted: Sifted
    raw: Tracked  # as fitted
    track: Tracked  # smoothed, origin between the eyes
    reference: F64  # (3, 3) the mean head → camera: the capture's camera orientation
    pose: F64  # (F, 5) degrees
    sway: F64  # (F, 3) translation of world_to_camera, metres
    pivots: F64  # (4, 3) metres
    points: F64  # (F, 478, 3) landmarks in head space, pose taken away, metres
    actions: Actions
    offset: Offset
    speech_heard: bool
    articulators: F64  # (F, 10)
    crop: Crop
    notes: tuple[str, ...]


def analyse(
    name: str,
    seen: Observed,
    size_px: tuple[int, int],
    models: ModelFiles,
    speech: SpeechFeatures,
    openface: Path | None = None,
) -> Clip:
    """Fits everything.

    Args:
        name: of the video, for sentences.
        seen: every picture's landmarks and measures.
        size_px: at which pictures were looked at.
        models: for the canonical face.
        speech: of the sound as it stands in the file.
        openface: a CSV by OpenFace whose action units are taken instead.

    Raises:
        StudioError: too little of the clip shows one face.
    """
    first = first_sift(seen, size_px)
    _enough(name, first)
    marks = seen.points.astype(np.float64)
    canonical = canonical_face(models.geometry)
    raw = track_head(marks, first.used, canonical, size_px)
    sifted = second_sift(first, seen, raw)
    _enough(name, sifted)
    raw = replace(raw, good=sifted.used)
    track = smoothed(raw, marks, sifted.breaks, seen.time_s)
    used = sifted.used
    points = in_head(marks, raw, used)
    origin = points[used][:, [33, 133, 362, 263]].mean((0, 1)) - [0.0, 0.0, EYE_BEHIND_LIDS_M]
    points = _bridged(points - origin, used)
    track = _moved(track, origin)
    reference = Rotation.from_matrix(track.rotation[used]).mean().as_matrix()
    turns = reference.T @ track.rotation
    pivot = neck_pivot(track.rotation, track.translation, used, NECK)
    sway = track.translation - np.einsum("ij,fj->fi", reference, pivot - np.einsum("fij,j->fi", turns, pivot))
    eyes = [points[used][:, list(ring)].mean((0, 1)) - [0, 0, EYE_BEHIND_LIDS_M] for ring in (EYE_LEFT, EYE_RIGHT)]
    pose = np.concatenate([angles_deg(turns), _gaze_deg(points, used, seen.time_s)], axis=1)
    gap = np.linalg.norm(marks[:, 13, :2] - marks[:, 14, :2], axis=1)
    opening = gap / np.maximum(np.linalg.norm(marks[:, 33, :2] - marks[:, 263, :2], axis=1), 1e-6)
    offset = find_offset(np.nan_to_num(opening), seen.time_s, used, speech)
    heard = offset.correlation >= SPEECH_HEARD
    times = np.arange(len(seen)) / RATE
    articulators = speech.sample(times + offset.correction_s).astype(np.float64) * heard
    features = np.concatenate([seen.scores.astype(np.float64), measure(frontal(marks, raw.rotation))], axis=1)
    actions = find_actions(features, used, articulators, load_table(), seen.time_s)
    notes: tuple[str, ...] = ()
    if openface is not None:
        actions, notes = _from_openface(openface, actions, times)
    crop = _crop(marks[used], size_px)
    return Clip(
        seen, size_px, sifted, raw, track, reference, pose, sway, np.stack([np.zeros(3), pivot, *eyes]), points,
        actions, offset, heard, articulators, crop, notes,
    )  # fmt: skip


def _enough(name: str, sifted: Sifted) -> None:
    """Refuses clips of which too little can be used."""
    reasons, used = np.array(sifted.reasons), int(sifted.used.sum())
    if used >= MIN_DURATION_S * RATE:
        return
    if (reasons == NO_FACE).mean() > 0.9:
        raise StudioError(
            f"{name} shows no face that can be followed; choose a video with one face seen from the front."
        )
    names, counts = np.unique(reasons[reasons != ""], return_counts=True)
    worst = str(names[np.argmax(counts)])
    if worst == OTHER_FACE:
        raise StudioError(
            f"{name} shows more than one face nearly all the time; choose or cut a video with one person."
        )
    raise StudioError(
        f"Only {used / RATE:.1f} s of {name} can be learned from (mostly: {worst}), and {MIN_DURATION_S:g} s are "
        "needed; choose another video."
    )


def in_head(marks: F64, track: Tracked, used: NDArray[np.bool_]) -> F64:
    """(F, 478, 3) landmarks in the head's own space, metres: turned back and laid on the fitted shape."""
    scale = track.translation[:, 2] / track.focal
    turned = np.einsum("fij,fki->fkj", track.rotation, marks * scale[:, None, None])
    shift = track.shape.mean(0) - turned[:, list(RIGID)].mean(1)
    out = turned + shift[:, None]
    out[~used] = np.nan
    return np.asarray(out)


def _bridged(points: F64, used: NDArray[np.bool_]) -> F64:
    at = np.flatnonzero(used)
    flat = points.reshape(len(points), -1)
    every = np.arange(len(points))
    out = np.stack([np.interp(every, at, column[at]) for column in flat.T], axis=1)
    return out.reshape(points.shape)


def _moved(track: Tracked, origin: F64) -> Tracked:
    """The same head with its origin elsewhere."""
    translation = track.translation + np.einsum("fij,j->fi", track.rotation, origin)
    return replace(track, translation=translation, shape=track.shape - origin)


def _gaze_deg(points: F64, used: NDArray[np.bool_], times_s: F64) -> F64:
    """(F, 2) gaze yaw and pitch relative to the head, zero where the person mostly looks."""
    turns = []
    for iris, outer, inner in ((IRIS_RIGHT, 33, 133), (IRIS_LEFT, 263, 362)):
        away = points[:, iris] - (points[:, outer] + points[:, inner]) / 2
        away = away - np.median(away[used], axis=0)
        turns.append(np.degrees(np.arcsin(np.clip(away[:, :2] / IRIS_RADIUS_M, -0.7, 0.7))))
    return smooth(np.mean(turns, axis=0), used, times_s)


def _from_openface(path: Path, own: Actions, times_s: F64) -> tuple[Actions, tuple[str, ...]]:
    """OpenFace's action units in place of ours."""
    found = import_openface(path)
    stamps = np.arange(found.take.frames) / found.take.fps
    au = np.stack([np.interp(times_s, stamps, column) for column in found.take.au.T.astype(np.float64)], axis=1)
    return Actions(au, own.neutral, own.explained), (f"Action units come from {path.name}.", *found.warnings)


def _crop(marks: F64, size_px: tuple[int, int]) -> Crop:
    """A square around where the face goes, with room for hair, neck and shoulders, inside the picture."""
    oval = marks[:, list(FACE_OVAL), :2]
    low, high = oval.min(1), oval.max(1)
    height = float(np.percentile(high[:, 1] - low[:, 1], 90))
    left, top = np.percentile(low, 2, axis=0)
    right, bottom = np.percentile(high, 98, axis=0)
    edge = min(max(2.3 * height, right - left + 0.9 * height, bottom - top + 1.1 * height), float(min(size_px)))
    x = (left + right) / 2 - edge / 2
    y = (top + bottom) / 2 - 0.47 * edge
    return Crop(float(np.clip(x, 0, size_px[0] - edge)), float(np.clip(y, 0, size_px[1] - edge)), float(edge))
