"""Measures on performers how the landmarker's features follow muscles that are known.

`python -m studio.engine.capture.calibrate CAPTURE… [-o TABLE]`, with captures by `emozone performer`. Only pictures
from near the front are looked at. Where performers do not move a feature as people do, `_PEOPLE` says what people do.
"""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from studio.document.action_units import AU_KEYS, MAX_INTENSITY
from studio.engine.capture.actions import FEATURES, TABLE
from studio.engine.capture.faces import FaceDetector, FaceReader, region_of_detection, region_of_face
from studio.engine.capture.geometry import frontal, measure
from studio.engine.capture.mesh import canonical_face
from studio.engine.capture.models import load_models
from studio.engine.capture.pose import track_head
from studio.engine.speech.articulators import ARTICULATORS
from studio.engine.targets import write_file
from studio.engine.training.capture_files import load_capture
from studio.errors import StudioError

F64 = NDArray[np.float64]

MAX_TURN_DEG = 30.0

_PEOPLE: dict[str, dict[str, float]] = {
    # A frown that starts from raised brows leaves the scores at zero; the brows' place tells it.
    "AU4": {"browDownLeft": 0.12, "browDownRight": 0.12, "brow_inner": -0.050, "brow_outer": -0.042, "brow_gap": -0.060,
            "browInnerUp": -0.05, "browOuterUpLeft": -0.12, "browOuterUpRight": -0.10},
    # Performers' cheeks hardly push the lids up, and their nose wrinkles only in the paint.
    "AU6": {"cheeks_up": 0.020, "lower_lids": 0.018},
    "AU9": {"wings_up": 0.035, "upper_lip": 0.015, "cheeks_up": 0.012},
    # Performers' dimples pull the corners as a smile does; people's pull them in.
    "AU14": {"mouthDimpleLeft": 0.45, "mouthDimpleRight": 0.45, "mouthSmileLeft": 0.15, "mouthSmileRight": 0.15,
             "corners_apart": 0.06, "corners_up": 0.02, "cheeks_up": 0.0, "wings_apart": 0.01},
    "AU15": {"mouthFrownLeft": 0.12, "mouthFrownRight": 0.12},
    "AU17": {"mouthShrugLower": 0.20, "mouthShrugUpper": 0.12},
    "AU20": {"mouthStretchLeft": 0.35, "mouthStretchRight": 0.35, "mouthSmileLeft": 0.0, "mouthSmileRight": 0.0},
    "AU23": {"mouthPressLeft": 0.25, "mouthPressRight": 0.25, "mouthRollLower": 0.12, "mouthRollUpper": 0.12},
    "AU26": {"jawOpen": 0.60},
}  # fmt: skip

_REACH = {"AU1": 2.0, "AU2": 1.4, "AU5": 2.5, "AU7": 1.3, "AU10": 3.0, "AU12": 1.2, "AU25": 2.0, "AU26": 1.2}
"""How much further than performers people go at full intensity; from faces that pose their strongest expressions."""

_SCORE_FLOOR, _MEASURE_FLOOR = 0.05, 0.008
"""Least noise of scores and of distances: people differ more than performers' pictures do."""

_PENALTY = 0.3
"""Ridge on the slopes, in pictures at full intensity."""

log = logging.getLogger(__name__)


def look_at(root: Path) -> tuple[F64, F64, F64]:
    """Features (n, 68), action units (n, 17) as shares and articulation (n, 10) of a performer's near-frontal pictures.

    Raises:
        StudioError: the capture does not say what the face truly did, or shows too few faces.
    """
    capture = load_capture(root)
    if capture.articulators is None:
        raise StudioError(f"{root} does not know its articulation: give a capture by emozone performer.")
    models = load_models()
    detect, read = FaceDetector(models), FaceReader(models)
    points, scores, frames = [], [], []
    for index, image in enumerate(capture.images):
        away = capture.camera_of(index).position - np.asarray(capture.info.target)
        yaw, pitch = np.degrees(np.arctan2(away[0], away[2])), np.degrees(np.arcsin(away[1] / np.linalg.norm(away)))
        if abs(yaw) > MAX_TURN_DEG or abs(pitch) > 0.7 * MAX_TURN_DEG:
            continue
        rgb = np.ascontiguousarray(capture.pixels(index)[..., :3])
        found = detect(rgb)
        if not found:
            continue
        face = read(rgb, region_of_face(read(rgb, region_of_detection(found[0]))))
        points.append(face.points.astype(np.float64))
        scores.append(face.scores.astype(np.float64))
        frames.append(image.frame)
    if len(points) < 60:
        raise StudioError(f"{root} shows the face from the front in {len(points)} pictures: record at least 60.")
    marks = np.stack(points)
    track = track_head(marks, np.ones(len(marks), bool), canonical_face(models.geometry), capture.info.size_px)
    features = np.concatenate([np.stack(scores), measure(frontal(marks, track.rotation))], axis=1)
    au = capture.acted[frames].numpy().astype(np.float64) / MAX_INTENSITY
    return features, au, capture.articulators[frames].numpy().astype(np.float64)


def fit_table(features: F64, au: F64, speech: F64) -> dict[str, object]:
    """The table's contents from what was seen and what was true, one row per picture."""
    known = np.concatenate([au, speech, np.ones((len(au), 1))], axis=1)
    ridge = _PENALTY * np.eye(known.shape[1])
    ridge[-1, -1] = 0.0
    slopes = np.linalg.solve(known.T @ known + ridge, known.T @ features)
    left = features - known @ slopes
    floor = np.where(np.arange(len(FEATURES)) < 52, _SCORE_FLOOR, _MEASURE_FLOOR)
    noise = np.maximum(left.std(0), floor)
    by_unit, by_speech = slopes[: len(AU_KEYS)], slopes[len(AU_KEYS) : -1]
    for key, reach in _REACH.items():
        by_unit[AU_KEYS.index(key)] *= reach
    for key, changes in _PEOPLE.items():
        for name, value in changes.items():
            by_unit[AU_KEYS.index(key), FEATURES.index(name)] = value
    by_unit[np.abs(by_unit) < 0.35 * noise] = 0.0  # cross-talk below the noise is not believed
    by_speech[np.abs(by_speech) < 0.2 * noise] = 0.0
    gaze = [i for i, name in enumerate(FEATURES) if name.startswith(("eyeLook", "_neutral"))]
    by_unit[:, gaze] = 0.0
    by_speech[:, gaze] = 0.0
    return {
        "format": "emozone-actions",
        "features": list(FEATURES),
        "units": list(AU_KEYS),
        "speech": list(ARTICULATORS),
        "pictures": len(au),
        "by_unit": np.round(by_unit, 4).tolist(),
        "by_speech": np.round(by_speech, 4).tolist(),
        "noise": np.round(noise, 4).tolist(),
    }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="calibrate", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("captures", type=Path, nargs="+", metavar="CAPTURE", help="captures by emozone performer")
    parser.add_argument("-o", "--out", type=Path, default=TABLE, metavar="TABLE", help="the table to write")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    seen = [look_at(root) for root in arguments.captures]
    # Each performer's own mean stands for their face; only changes are compared.
    features = np.concatenate([f - f.mean(0) for f, _, _ in seen])
    table = fit_table(features, np.concatenate([a for _, a, _ in seen]), np.concatenate([s for _, _, s in seen]))
    write_file(arguments.out, json.dumps(table).encode())
    log.info("%s: %s pictures", arguments.out, table["pictures"])


if __name__ == "__main__":
    main()
