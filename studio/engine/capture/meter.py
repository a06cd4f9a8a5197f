"""Measures an avatar of a portrait as the field does: the landmarker looks at its pictures and at the true ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from studio.document.action_units import LOWER, MAX_INTENSITY, UPPER
from studio.engine.capture.actions import explain, load_table, neutral_face
from studio.engine.capture.faces import Face, FaceReader, region_of_face
from studio.engine.capture.geometry import frontal, measure
from studio.engine.capture.mesh import LIPS_INNER, LIPS_OUTER, MESH_POINTS, POINTS
from studio.engine.capture.models import load_models
from studio.engine.motion_metrics import Speech
from studio.engine.renderer import Renderer
from studio.engine.training.capture import Capture

F64 = NDArray[np.float64]

PICTURES = 75
"""Pictures at most that are looked at: three seconds in a row, so that AU-Jerk means something."""

MIN_PRESENCE = 0.5

NAMES = ("lmd_px", "lmd_face_px", "aue_u", "aue_l", "au_jerk", "au_jerk_truth")

_GREY = (0.5, 0.5, 0.5)


class FaceMeter:
    """Landmarks and action units of the avatar's pictures beside those of the true ones.

    The same landmarker and the same reading of muscles look at both, so that what they err on both cancels. The neutral
    face that action units are read from is found in the true pictures.
    """

    def __init__(self) -> None:
        self._read = FaceReader(load_models())

    def measure(self, renderer: Renderer, capture: Capture, speech: Speech) -> Mapping[str, float | None]:
        """What the pictures for testing give.

        Args:
            renderer: draws the avatar.
            capture: a portrait, with its 478 landmarks.
            speech: gives the speech windows of frames.

        Returns:
            lmd_px: mean distance of the lips' landmarks, the mean over them taken away; lmd_face_px: of all of the
            mesh. aue_u and aue_l: mean squared difference of intensities (0 to 5), summed over the upper and the
            lower units. au_jerk and au_jerk_truth: mean size of second differences of intensities. None where
            the landmarker finds no face.
        """
        images = capture.indices("test")[:PICTURES]
        found = [self._pair(renderer, capture, image, speech) for image in images]
        pairs = [(image, pair) for image, pair in zip(images, found, strict=True) if pair is not None]
        if len(pairs) < 4:
            return dict.fromkeys(NAMES)
        drawn, true = ([pair[side] for _, pair in pairs] for side in (0, 1))
        lips = sorted({*LIPS_OUTER, *LIPS_INNER})
        apart = np.stack([d.points[:, :2] - t.points[:, :2] for d, t in zip(drawn, true, strict=True)]).astype(float)
        frames = [capture.images[image].frame for image, _ in pairs]
        turns = np.stack([_turn(capture, image) for image, _ in pairs])
        shown, wanted = (_features(faces, turns) for faces in (drawn, true))
        neutral, table = neutral_face(wanted), load_table()
        said = np.zeros((len(frames), 10)) if capture.articulators is None else capture.articulators[frames].numpy()
        au, truth = (
            MAX_INTENSITY * explain(each - neutral, said.astype(np.float64), table)[0] for each in (shown, wanted)
        )
        wrong = (au - truth) ** 2
        return {
            "lmd_px": _spread(apart[:, lips]),
            "lmd_face_px": _spread(apart[:, :MESH_POINTS]),
            "aue_u": float(wrong.mean(0)[list(UPPER)].sum()),
            "aue_l": float(wrong.mean(0)[list(LOWER)].sum()),
            "au_jerk": _jerk(au),
            "au_jerk_truth": _jerk(truth),
        }

    def _pair(self, renderer: Renderer, capture: Capture, image: int, speech: Speech) -> tuple[Face, Face] | None:
        """The faces of the avatar's picture and of the true one; None if either is not seen."""
        if capture.landmarks is None or capture.landmarks.shape[1] != POINTS:
            return None
        marks = np.concatenate([capture.landmarks[image].numpy(), np.zeros((POINTS, 1))], axis=1).astype(np.float32)
        region = region_of_face(Face(marks, np.zeros(52, np.float32), 1.0))
        frame = capture.images[image].frame
        controls = capture.controls(frame, speech([frame])[0].numpy())
        drawn = renderer.frame(controls, capture.camera_of(image), background=_GREY).rgba[..., :3]
        faces = tuple(
            self._read(np.ascontiguousarray(picture), region)
            for picture in (drawn, _bytes(capture.target(image).over(torch.tensor(_GREY))))
        )
        return (faces[0], faces[1]) if min(face.presence for face in faces) >= MIN_PRESENCE else None


def _turn(capture: Capture, image: int) -> F64:
    """(3, 3) head → camera of a picture."""
    from studio.engine.rig import Rig

    assert capture.tracking is not None
    rig = Rig(torch.zeros(0, 4), capture.tracking.pivots.double())
    rotations, _ = rig.transforms(capture.pose_at(capture.images[image].frame))
    return np.asarray(capture.camera_of(image).world_to_camera[:3, :3] @ rotations[1].numpy())


def _features(faces: Sequence[Face], turns: F64) -> F64:
    points = np.stack([face.points for face in faces]).astype(np.float64)
    scores = np.stack([face.scores for face in faces]).astype(np.float64)
    return np.concatenate([scores, measure(frontal(points, turns))], axis=1)


def _spread(apart: F64) -> float:
    """Mean length of offsets (F, n, 2) after their mean over the points is taken away."""
    return float(np.linalg.norm(apart - apart.mean(1, keepdims=True), axis=2).mean())


def _jerk(au: F64) -> float:
    return float(np.abs(np.diff(au, 2, axis=0)).mean())


def _bytes(picture: Tensor) -> NDArray[np.uint8]:
    return np.asarray((picture.clamp(0, 1).numpy() * 255 + 0.5).astype(np.uint8))
