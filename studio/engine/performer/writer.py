"""Films a performance: writes a capture folder with images, sound, and exact ground truth.

The folder holds what training reads: images and masks with their cameras and landmarks, the action units in
OpenFace's columns, the speech, and the surface: its points, zones and true motion in every frame of the performance.
"""

from __future__ import annotations

import csv
import json
import logging
import shutil
import wave
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from safetensors.numpy import save_file

from studio.document.action_units import ACTION_UNITS, AU_KEYS
from studio.engine.camera import Camera
from studio.engine.performer.cameras import View, plan_views
from studio.engine.performer.gl import euler
from studio.engine.performer.identity import DEFAULT_IDENTITY, find_identity
from studio.engine.performer.mapping import MODES
from studio.engine.performer.performer import Performer, load_performer
from studio.engine.performer.render import PerformerRenderer, Quality
from studio.engine.performer.sampling import PARTS, Samples, sample_surface
from studio.engine.performer.script import ACTING, Kind, Script, write_script
from studio.engine.speech.articulators import ARTICULATORS
from studio.errors import StudioError

F64 = NDArray[np.float64]
Progress = Callable[[float, str], None]
"""Called with the share done (0–1) and what is being done; may raise to stop."""

GREY = 128
"""Value behind transparent pixels of the RGB images."""

TEST_BLOCK = 10
"""Every tenth second of a performance is filmed for testing only, from the test views."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Shot:
    frame: int
    camera: int
    split: str


def make_capture(
    out: Path,
    *,
    identity: str = DEFAULT_IDENTITY,
    seconds: float = 60.0,
    size_px: int = 512,
    views: int = 24,
    seed: int = 0,
    images: int = 1000,
    points: int = 24_000,
    progress: Progress | None = None,
    kind: Kind = "performance",
    acting: float = ACTING,
    script: Script | None = None,
    quality: Quality | None = None,
) -> Path:
    """Writes a capture; the same arguments give the same bytes.

    Args:
        out: folder to create; must not exist. It appears only when complete.
        identity: a shipped performer.
        seconds: length of the performance.
        size_px: edge of the square images, 16–2048.
        views: number of cameras.
        seed: of the script and of everything scattered.
        images: how many (frame, camera) pairs are rendered, at least 2; about a tenth is for testing.
        points: surface points for the Gaussians.
        progress: see `Progress`.
        kind: of script: "performance", "heldout" (sentences, voices and expressions that no training uses), "neutral",
            "conflict" or "noise" (see `write_script`).
        acting: share of the performance that is acted, 0–1; the rest is free play.
        script: the performance; written from `seconds`, `seed`, `kind` and `acting` when left out.
        quality: of the pictures.

    Returns:
        `out`.

    Raises:
        StudioError: a value is out of range, the folder exists or cannot be written, or OpenGL is missing.
    """
    out = Path(out)
    _check(out, size_px, images, seconds, acting)
    report = progress or (lambda share, text: None)
    report(0.0, "preparing the performer")
    find_identity(identity)
    performer = load_performer(identity)
    script = script or write_script(seconds, seed, kind, acting=acting)
    rng = np.random.default_rng([seed, 20])
    cameras = plan_views(performer.head, views, size_px, rng)
    shots = _plan_shots(len(script.au), script.fps, cameras, images, rng)
    part = out.with_name(out.name + ".part")
    if part.exists():
        shutil.rmtree(part)
    try:
        (part / "frames").mkdir(parents=True)
        (part / "masks").mkdir()
    except OSError as error:
        raise StudioError(f"The capture {out} cannot be written: {error.strerror}.") from error
    renderer = PerformerRenderer(performer, size_px=size_px, quality=quality)
    try:
        landmarks = _film(part, performer, renderer, script, cameras, shots, report)
        samples = sample_surface(performer, [*renderer.strands, renderer.hair], points, rng)
    finally:
        renderer.release()
    report(0.98, "writing the ground truth")
    save_file({"landmarks": landmarks.astype(np.float32)}, part / "landmarks.safetensors")
    _write_surface(part / "surface.safetensors", performer, samples, script)
    _write_au(part / "au.csv", script.au, script.fps)
    if script.au_clean is not None:
        _write_au(part / "au_clean.csv", script.au_clean, script.fps)
    _write_speech(part / "speech.wav", script)
    _write_cameras(part / "cameras.json", cameras)
    _write_json(part / "capture.json", performer, script, shots, size_px, seed, kind, out.name)
    part.replace(out)
    report(1.0, "done")
    return out


def project(points: F64, camera: Camera) -> F64:
    """(n, 2) pixels of points (n, 3) in head space."""
    seen = points @ camera.world_to_camera[:3, :3].T + camera.world_to_camera[:3, 3]
    return np.stack(
        [camera.fx * seen[:, 0] / seen[:, 2] + camera.cx, camera.fy * seen[:, 1] / seen[:, 2] + camera.cy], axis=1
    )


def _check(out: Path, size_px: int, images: int, seconds: float, acting: float) -> None:
    if out.exists():
        raise StudioError(f"{out} exists already: choose another name or remove it.")
    if not 16 <= size_px <= 2048:
        raise StudioError(f"The image size {size_px} is out of range: choose 16 to 2048 pixels.")
    if images < 2:
        raise StudioError(f"A capture needs at least 2 images, not {images}: raise --images.")
    if seconds <= 0:
        raise StudioError(f"The performance cannot last {seconds} seconds: choose a positive length.")
    if not 0.0 <= acting <= 1.0:
        raise StudioError(f"A share of {acting:g} of the performance cannot be acted: choose 0 to 1.")


def _plan_shots(frames: int, fps: int, cameras: list[View], images: int, rng: np.random.Generator) -> list[_Shot]:
    """Which frames are filmed from where: even over time and views, test moments and views kept apart."""
    test_count = max(1, round(0.1 * images))
    n_test_views = 0 if len(cameras) < 4 else max(1, round(0.12 * len(cameras)))
    # The front view trains; test views are taken from all over the rest.
    spread = np.linspace(1, len(cameras) - 1, n_test_views + 2).round().astype(int)[1:-1]
    test_views = sorted({int(i) for i in spread[:n_test_views]}) or list(range(len(cameras)))
    train_views = [i for i in range(len(cameras)) if i not in test_views] or list(range(len(cameras)))
    blocks = np.arange(frames) // max(1, fps)
    held = blocks % TEST_BLOCK == TEST_BLOCK // 2
    if not held.any():
        held = np.arange(frames) >= round(0.9 * frames)
    if held.all() or not held.any():
        held = np.zeros(frames, dtype=bool)
        held[-1] = True
    shots = []
    for wanted, views, among, split in (
        (images - test_count, train_views, np.flatnonzero(~held), "train"),
        (test_count, test_views, np.flatnonzero(held), "test"),
    ):
        pool = among if len(among) else np.arange(frames)
        at = ((np.arange(wanted) + rng.random(wanted)) / wanted * len(pool)).astype(int)
        shares = np.array([cameras[v].share for v in views])
        order = np.repeat(np.arange(len(views)), np.ceil(shares / shares.sum() * wanted).astype(int))
        order = rng.permutation(order)[:wanted]
        shots += [_Shot(int(pool[i]), views[int(v)], split) for i, v in zip(at, order, strict=True)]
    return sorted(shots, key=lambda s: (s.frame, s.camera))


def _film(
    folder: Path,
    performer: Performer,
    renderer: PerformerRenderer,
    script: Script,
    cameras: list[View],
    shots: list[_Shot],
    report: Progress,
) -> F64:
    """Renders every shot; returns landmarks (I, L, 2) in pixels."""
    out = np.zeros((len(shots), len(performer.landmarks.names), 2))
    for i, shot in enumerate(shots):
        moment = performer.moment(script.acted[shot.frame], script.articulators[shot.frame], script.pose[shot.frame])
        camera = cameras[shot.camera].camera
        image = renderer.render(moment, camera)
        alpha = image[..., 3:].astype(np.float64) / 255
        colour = np.round(image[..., :3] * alpha + GREY * (1 - alpha)).astype(np.uint8)
        Image.fromarray(colour).save(folder / "frames" / f"{i:06d}.png", compress_level=4)
        Image.fromarray(image[..., 3].copy()).save(folder / "masks" / f"{i:06d}.png", compress_level=4)
        points = performer.landmarks.points(moment.controls)
        for eye, share in zip(performer.head.eyes, performer.landmarks.lid_follow.T, strict=True):
            gaze = euler(moment.pose[3], moment.pose[4], 0.0)
            points = points + share[:, None] * ((points - eye.centre) @ (gaze - np.eye(3)).T)
        turned = (points - performer.head.pivot) @ euler(*moment.pose[:3]).T + performer.head.pivot
        share = performer.landmarks.head_weight[:, None]
        out[i] = project(points * (1 - share) + turned * share, camera)
        report(0.02 + 0.95 * (i + 1) / len(shots), f"image {i + 1} of {len(shots)}")
    return out


def _write_surface(path: Path, performer: Performer, samples: Samples, script: Script) -> None:
    save_file(
        {
            "points": samples.points.astype(np.float32),
            "normals": samples.normals.astype(np.float32),
            "colours": samples.colours.astype(np.float32),
            "parts": samples.parts,
            "zones": samples.zones,
            "skinning": samples.skinning.astype(np.float32),
            "spacing": samples.spacing.astype(np.float32),
            "modes": samples.modes.astype(np.float16),
            "mode_weights": performer.weights(script.acted, script.articulators).astype(np.float32),
            "pose": np.ascontiguousarray(script.pose, dtype=np.float32),
            "articulators": np.ascontiguousarray(script.articulators, dtype=np.float32),
            "pivots": performer.head.pivots.astype(np.float32),
        },
        path,
        {"modes": json.dumps(MODES)},
    )


def _write_au(path: Path, au: NDArray[np.float32], fps: int) -> None:
    order = sorted(range(len(ACTION_UNITS)), key=lambda i: ACTION_UNITS[i].number)
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(
            ["frame", "timestamp", "confidence", "success", *(f"AU{ACTION_UNITS[i].number:02d}_r" for i in order)]
        )
        for f, values in enumerate(au):
            rows.writerow([f + 1, f"{f / fps:.3f}", "1.0", 1, *(f"{values[i]:.4f}" for i in order)])


def _write_speech(path: Path, script: Script) -> None:
    samples = np.round(np.clip(script.speech, -1, 1) * 32767).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(samples.tobytes())


def _write_cameras(path: Path, views: list[View]) -> None:
    rows = [
        {
            "name": v.name,
            "width": v.camera.width,
            "height": v.camera.height,
            "fx": v.camera.fx,
            "fy": v.camera.fy,
            "cx": v.camera.cx,
            "cy": v.camera.cy,
            "world_to_camera": v.camera.world_to_camera.tolist(),
            "yaw_deg": v.yaw_deg,
            "pitch_deg": v.pitch_deg,
        }
        for v in views
    ]
    path.write_text(json.dumps(rows, indent=1))


def _write_json(
    path: Path, performer: Performer, script: Script, shots: list[_Shot], size_px: int, seed: int, kind: Kind, name: str
) -> None:
    data = {
        "format": "emozone-capture",
        "version": 1,
        "name": name,
        "fps": script.fps,
        "frames": len(script.au),
        "duration_s": len(script.au) / script.fps,
        "size_px": [size_px, size_px],
        "head_height_m": performer.head.height,
        "target": list(performer.head.target),
        "au_channels": list(AU_KEYS),
        "articulators": list(ARTICULATORS),
        "parts": list(PARTS),
        "landmarks": list(performer.landmarks.names),
        "identity": performer.head.identity.name,
        "seed": seed,
        "kind": kind,
        "trials": [asdict(trial) for trial in script.trials],
        "passages": [asdict(passage) for passage in script.passages],
        "sentences": [asdict(sentence) for sentence in script.sentences],
        "licence": "CC0-1.0",
        "provenance": "Rendered by EmoZone Studio's synthetic performer from CC0 head data; no real person is shown.",
        "images": [
            {
                "file": f"frames/{i:06d}.png",
                "mask": f"masks/{i:06d}.png",
                "frame": shot.frame,
                "camera": shot.camera,
                "split": shot.split,
            }
            for i, shot in enumerate(shots)
        ],
    }
    path.write_text(json.dumps(data, indent=1))
