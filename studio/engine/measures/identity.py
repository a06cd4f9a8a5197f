"""Identity similarity: does a face recogniser take the avatar for the performer?

The recogniser is dlib's 128-dimensional embedding (King 2017: Boost licence, weights CC0), run on this machine from
two optional packages, dlib-bin and face_recognition_models; neither downloads or reports anything. Faces are aligned
by the capture's own landmarks, so that no detector takes part.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.errors import StudioError

INSTALL = "install emozone-studio[research], which brings dlib and its face recogniser (104 MB)"

FACING_DEG = 45.0
"""Faces turned further away are not compared: the recogniser has learned faces that look into the camera."""

SAME_PERSON = 0.6
"""Distance below which the recogniser's makers call two faces one person."""

_MODELS = "face_recognition_models"
_WEIGHTS = "models/dlib_face_recognition_resnet_model_v1.dat"

_ALIGNED_BY = (
    ("eye_outer_left", "eye_inner_left", "eye_outer_right", "eye_inner_right", "nose_base"),
    ("eye_263", "eye_362", "eye_33", "eye_133", "face_2"),
)
"""Landmarks in the order in which dlib's five-point alignment wants them: a performer's names, and a face mesh's."""

F64 = NDArray[np.float64]


def missing() -> str | None:
    """What lacks for a comparison, or None."""
    if importlib.util.find_spec("dlib") is None or _weights() is None:
        return f"Faces cannot be recognised: {INSTALL}."
    return None


class Recogniser:
    """The recogniser, loaded.

    Raises:
        StudioError: if its packages are missing.
    """

    def __init__(self) -> None:
        lack, path = missing(), _weights()
        if lack is not None or path is None:
            raise StudioError(lack or f"Faces cannot be recognised: {INSTALL}.")
        self._dlib: Any = importlib.import_module("dlib")
        self._net = self._dlib.face_recognition_model_v1(str(path))

    def embedding(self, picture: NDArray[np.uint8], marks: Mapping[str, tuple[float, float]]) -> F64 | None:
        """(128,) of a picture's face.

        Args:
            picture: (H, W, 3) display sRGB.
            marks: pixels of landmarks by name, those of a performer or of a face mesh.

        Returns:
            None where a landmark that aligns the face is missing or lies outside the picture.
        """
        height, width = picture.shape[:2]
        names = next((names for names in _ALIGNED_BY if all(name in marks for name in names)), None)
        if names is None or not all(0 <= marks[name][0] < width and 0 <= marks[name][1] < height for name in names):
            return None
        places = self._dlib.points([self._dlib.point(round(x), round(y)) for x, y in (marks[name] for name in names)])
        face = self._dlib.full_object_detection(self._dlib.rectangle(0, 0, width, height), places)
        return np.asarray(self._net.compute_face_descriptor(np.ascontiguousarray(picture), face), dtype=np.float64)


def alike(first: F64, second: F64) -> dict[str, float]:
    """identity_similarity (cosine, 1 is alike) and identity_distance (Euclidean, see `SAME_PERSON`)."""
    norms = float(np.linalg.norm(first) * np.linalg.norm(second))
    return {
        "identity_similarity": float(first @ second) / max(norms, 1e-12),
        "identity_distance": float(np.linalg.norm(first - second)),
    }


def _weights() -> Path | None:
    spec = importlib.util.find_spec(_MODELS)
    places = [] if spec is None else [Path(place) / _WEIGHTS for place in spec.submodule_search_locations or ()]
    return next((place for place in places if place.is_file()), None)
