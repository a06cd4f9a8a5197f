"""Measures where the landmarker sees its points on a shipped avatar, whose true shape is known.

`python -m studio.engine.capture.prior_face [AVATAR] [-o FILE]`. A portrait's avatar starts from a performer's that is
bent until its landmarks lie where the person's do. What the landmarker errs in depth and along outlines it errs on the
performer too, so that comparing what it says of both cancels most of it; for this both are kept: the points as the
landmarker sees them (`seen`, as a capture's tracking has them) and where they truly are (`points`, triangulated from
many views). The table is made anew when the shipped performer's head changes.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from studio.engine.assets import assets_dir
from studio.engine.avatar import Avatar, default_avatar, find_avatar, load_avatar
from studio.engine.camera import Camera
from studio.engine.capture.analysis import EYE_BEHIND_LIDS_M, in_head
from studio.engine.capture.faces import FaceDetector, FaceReader, region_of_detection, region_of_face
from studio.engine.capture.mesh import canonical_face
from studio.engine.capture.models import load_models
from studio.engine.capture.pose import track_head
from studio.engine.controls import WINDOW, Controls
from studio.engine.renderer import Renderer
from studio.engine.speech.articulators import N_ARTICULATORS
from studio.engine.targets import write_file
from studio.errors import StudioError

F64 = NDArray[np.float64]

SIZE_PX = 512
YAWS_DEG = (-32.0, -24.0, -16.0, -8.0, 0.0, 8.0, 16.0, 24.0, 32.0)
PITCHES_DEG = (-12.0, 0.0, 12.0)

FRONT_DEG = 17.0
"""Views within this of the front say how a portrait's tracking sees the points."""

GREY = (0.6, 0.6, 0.6)

log = logging.getLogger(__name__)


def measure_face(avatar: Avatar) -> tuple[F64, F64]:
    """(478, 3) true places and (478, 3) seen places of the landmarks of an avatar's neutral face, metres.

    Raises:
        StudioError: the landmarker finds no face in too many views.
    """
    models = load_models()
    detect, read = FaceDetector(models), FaceReader(models)
    renderer = Renderer(avatar, backend="cpu")
    rest = Controls(np.zeros((WINDOW, 17), np.float32), np.zeros((WINDOW, N_ARTICULATORS), np.float32))
    cameras: list[Camera] = []
    marks: list[F64] = []
    yaws: list[float] = []
    for yaw in YAWS_DEG:
        for pitch in PITCHES_DEG:
            camera = avatar.camera(yaw, pitch, distance=3.2, width=SIZE_PX, height=SIZE_PX)
            rgb = np.ascontiguousarray(renderer.frame(rest, camera, background=GREY).rgba[..., :3])
            found = detect(rgb)
            if not found:
                continue
            face = read(rgb, region_of_face(read(rgb, region_of_detection(found[0]))))
            cameras.append(camera)
            marks.append(face.points.astype(np.float64))
            yaws.append(yaw)
    if len(cameras) < 12:
        raise StudioError(f"The landmarker finds the face of {avatar.info.name} in only {len(cameras)} views.")
    points = np.stack(marks)
    true = triangulate(cameras, points[..., :2])
    track = track_head(points, np.ones(len(points), bool), canonical_face(models.geometry), (SIZE_PX, SIZE_PX))
    front = np.abs(yaws) <= FRONT_DEG
    seen = np.median(in_head(points, track, np.ones(len(points), bool))[front], axis=0)
    seen -= seen[[33, 133, 362, 263]].mean(0) - [0.0, 0.0, EYE_BEHIND_LIDS_M]
    return true, seen


def triangulate(cameras: list[Camera], seen: F64) -> F64:
    """(n, 3) places of points seen at (views, n, 2) pixels: least squares, views that disagree count less."""
    rows, sides = [], []
    for camera, pixels in zip(cameras, seen, strict=True):
        m = camera.world_to_camera
        flat = (pixels - [camera.cx, camera.cy]) / [camera.fx, camera.fy]
        rows.append(m[None, :2, :3] - flat[:, :, None] * m[None, 2:3, :3])  # (n, 2, 3)
        sides.append(flat * m[2, 3] - m[:2, 3])
    a, b = np.stack(rows, axis=1), np.stack(sides, axis=1)  # (n, views, 2, 3), (n, views, 2)
    weight = np.ones(a.shape[:2])
    points = np.zeros((a.shape[0], 3))
    for _ in range(8):
        lhs = np.einsum("nv,nvai,nvaj->nij", weight, a, a)
        rhs = np.einsum("nv,nvai,nva->ni", weight, a, b)
        points = np.linalg.solve(lhs, rhs[..., None])[..., 0]
        miss = np.linalg.norm(np.einsum("nvai,ni->nva", a, points) - b, axis=2)
        scale = np.maximum(np.median(miss, axis=1, keepdims=True), 1e-5)
        weight = 1.0 / (1.0 + (miss / (2.0 * scale)) ** 2)
    return points


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="prior_face", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("avatar", nargs="?", help="shipped avatar or file; the default avatar when left out")
    parser.add_argument("-o", "--out", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    avatar = load_avatar(find_avatar(arguments.avatar) if arguments.avatar else default_avatar())
    true, seen = measure_face(avatar)
    out = arguments.out or assets_dir() / "portrait" / f"{avatar.info.name}_face.safetensors"
    write_file(out, save({"points": true.astype(np.float32), "seen": seen.astype(np.float32)}))
    apart = 1e3 * float(np.median(np.linalg.norm(true - seen, axis=1)))
    log.info("%s: median distance of seen from true %.1f mm", out, apart)


if __name__ == "__main__":
    main()
