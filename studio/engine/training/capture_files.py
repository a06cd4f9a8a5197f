"""Reads a capture folder and refuses what cannot be trained on, in one sentence.

The folder: capture.json (names, sizes, list of pictures), cameras.json, au.csv (OpenFace columns), speech.wav, frames/
and masks/, and where known landmarks.safetensors and surface.safetensors, or for a real person tracking.safetensors.
Where au.csv is a noisy estimate, au_clean.csv holds what the face truly did; capture.json may then say `kind`, and in
`trials` which frames act against the speech, in `passages` which play an emotion. Coordinates are head space in metres.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor

from studio.document.action_units import ACTION_UNITS
from studio.engine.camera import Camera
from studio.engine.consent import read_consent
from studio.engine.speech.articulators import ARTICULATORS
from studio.engine.training.capture import (
    CACHE_BYTES,
    Capture,
    CaptureImage,
    CaptureInfo,
    CapturePassage,
    CaptureTrial,
    Surface,
)
from studio.engine.training.tracking_files import load_tracking
from studio.errors import StudioError

FORMAT = "emozone-capture"
VERSION = 1


def load_capture(path: Path | str, *, cache_bytes: int = CACHE_BYTES) -> Capture:
    """Open a capture folder; pictures are read later, when they are asked for.

    Args:
        path: the folder that holds capture.json.
        cache_bytes: bound on decoded pictures kept in memory.

    Raises:
        StudioError: if a file is missing or malformed, sizes disagree, or a number is not finite.
    """
    root = Path(path)
    if not root.is_dir():
        raise StudioError(f"{root} is not a capture folder: give the folder that holds capture.json.")
    header = _read_json(root / "capture.json")
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise StudioError(
            f"{root / 'capture.json'} is not an EmoZone capture: give a folder made by `emozone capture`."
        )
    if header.get("version") != VERSION:
        raise StudioError(
            f"{root / 'capture.json'} has format version {header.get('version')!r}, this program reads {VERSION}: "
            "update the program or record the capture again."
        )
    try:
        info = _info(header)
        images = tuple(
            CaptureImage(str(i["file"]), str(i["mask"]), int(i["frame"]), int(i["camera"]), i["split"])
            for i in header["images"]
        )
        foreign = tuple(header.get("articulators", ARTICULATORS)) != ARTICULATORS
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise _malformed(root / "capture.json", error) from error
    if foreign:
        raise StudioError(
            f"{root / 'capture.json'} lists other articulators than this program: record the capture again."
        )
    cameras, names = _cameras(root / "cameras.json")
    _check_images(root / "capture.json", info, images, len(cameras))
    au = _action_units(root / "au.csv", info.frames)
    clean = root / "au_clean.csv"
    au_clean = _action_units(clean, info.frames) if clean.exists() else None
    surface, pose, articulators = _surface(root / "surface.safetensors", info.frames)
    tracking = load_tracking(root, info.frames)
    if tracking is not None and surface is None:
        pose, articulators = tracking.pose, tracking.articulators
    landmarks = _landmarks(root / "landmarks.safetensors", len(images), len(info.landmarks))
    return Capture(
        root, info, images, cameras, names, au, articulators, pose, landmarks, surface, au_clean, tracking, cache_bytes
    )


def _malformed(path: Path, error: Exception) -> StudioError:
    return StudioError(f"{path} is malformed ({type(error).__name__}: {error}): record the capture again.")


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StudioError(f"{path} is missing: give a complete capture folder.") from None
    except (OSError, ValueError) as error:
        raise _malformed(path, error) from error


def _info(header: dict[str, Any]) -> CaptureInfo:
    width, height = (int(v) for v in header["size_px"])
    x, y, z = (float(v) for v in header["target"])
    frames, fps = int(header["frames"]), float(header["fps"])
    head_height = float(header["head_height_m"])
    if min(width, height, frames) < 1 or not fps > 0 or not head_height > 0:
        raise ValueError("sizes, frames, fps and head height must be positive")
    if not np.isfinite([x, y, z, fps, head_height]).all():
        raise ValueError("a number is not finite")
    return CaptureInfo(
        name=str(header["name"]),
        fps=fps,
        frames=frames,
        duration_s=frames / fps,
        size_px=(width, height),
        head_height_m=head_height,
        target=(x, y, z),
        parts=tuple(str(v) for v in header.get("parts", ())),
        landmarks=tuple(str(v) for v in header.get("landmarks", ())),
        identity=str(header.get("identity", "")),
        licence=str(header.get("licence", "")),
        provenance=str(header.get("provenance", "")),
        kind=str(header.get("kind", "")),
        trials=_trials(header.get("trials", ()), frames),
        passages=_passages(header.get("passages", ()), frames),
        consent=read_consent(header.get("consent")),
    )


def _trials(entries: Any, frames: int) -> tuple[CaptureTrial, ...]:
    trials = tuple(
        CaptureTrial(str(t["kind"]), tuple(str(u) for u in t["units"]), int(t["start"]), int(t["end"])) for t in entries
    )
    if any(not 0 <= trial.start < trial.end <= frames for trial in trials):
        raise ValueError("a trial lies outside the performance")
    return trials


def _passages(entries: Any, frames: int) -> tuple[CapturePassage, ...]:
    passages = tuple(
        CapturePassage(tuple(str(e) for e in p["emotions"]), float(p["strength"]), int(p["start"]), int(p["end"]))
        for p in entries
    )
    if any(not 0 <= passage.start < passage.end <= frames for passage in passages):
        raise ValueError("a passage lies outside the performance")
    return passages


def _check_images(path: Path, info: CaptureInfo, images: tuple[CaptureImage, ...], cameras: int) -> None:
    for image in images:
        if not 0 <= image.frame < info.frames or not 0 <= image.camera < cameras:
            raise StudioError(
                f"{path} gives {image.file} frame {image.frame} of {info.frames} and camera {image.camera} of "
                f"{cameras}: record the capture again."
            )
        if image.split not in ("train", "test"):
            raise StudioError(f"{path} puts {image.file} into the split {image.split!r}: use 'train' or 'test'.")
        for file in (image.file, image.mask):
            if not (path.parent / file).is_file():
                raise StudioError(f"The capture's picture {path.parent / file} is missing: copy or record it again.")
    if not any(image.split == "train" for image in images):
        raise StudioError(f"{path} lists no training pictures: record the capture again.")


def _cameras(path: Path) -> tuple[tuple[Camera, ...], tuple[str, ...]]:
    entries = _read_json(path)
    cameras: list[Camera] = []
    names: list[str] = []
    try:
        for entry in entries:
            matrix = np.asarray(entry["world_to_camera"], dtype=np.float64)
            fx, fy, cx, cy = (float(entry[key]) for key in ("fx", "fy", "cx", "cy"))
            cameras.append(Camera(matrix, fx, fy, cx, cy, int(entry["width"]), int(entry["height"])))
            names.append(str(entry.get("name", len(names))))
    except (KeyError, TypeError, ValueError) as error:
        raise _malformed(path, error) from error
    for name, camera in zip(names, cameras, strict=True):
        if not (np.isfinite(camera.world_to_camera).all() and np.isfinite(camera.intrinsics).all()):
            raise StudioError(f"{path} holds numbers that are not finite in camera {name}: record the capture again.")
    if not cameras:
        raise StudioError(f"{path} lists no cameras: record the capture again.")
    return tuple(cameras), tuple(names)


def _action_units(path: Path, frames: int) -> Tensor:
    """(F, 17) intensities 0–5 in the project's order."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))
    except FileNotFoundError:
        raise StudioError(f"{path} is missing: give a complete capture folder.") from None
    except (OSError, ValueError, csv.Error) as error:
        raise _malformed(path, error) from error
    header = [name.strip() for name in rows[0]] if rows else []
    names = [f"AU{unit.number:02d}_r" for unit in ACTION_UNITS]
    lacking = [name for name in names if name not in header]
    if lacking:
        raise StudioError(f"{path} has no column {lacking[0]}: write it with all 17 OpenFace intensities.")
    body = [row for row in rows[1:] if row]
    if len(body) != frames:
        raise StudioError(
            f"{path} has {len(body)} rows, but capture.json says {frames} frames: record the capture again."
        )
    columns = [header.index(name) for name in names]
    try:
        values = np.array([[float(row[c]) for c in columns] for row in body], dtype=np.float32)
    except (ValueError, IndexError) as error:
        raise _malformed(path, error) from error
    return _finite(path, "action units", torch.from_numpy(values)).clamp(0.0, 5.0)


def _surface(path: Path, frames: int) -> tuple[Surface | None, Tensor, Tensor | None]:
    """The surface, pose (F, 5) and articulation (F, 10); neutral pose and nothing else where the file is absent."""
    if not path.exists():
        return None, torch.zeros(frames, 5), None
    got = _tensors(path)
    try:
        p, u = got["points"].shape[0], got["modes"].shape[0]
        shapes: dict[str, tuple[int, ...]] = {
            "points": (p, 3),
            "normals": (p, 3),
            "colours": (p, 3),
            "parts": (p,),
            "zones": (p,),
            "skinning": (p, 4),
            "spacing": (p,),
            "modes": (u, p, 3),
            "mode_weights": (frames, u),
            "pose": (frames, 5),
            "articulators": (frames, len(ARTICULATORS)),
            "pivots": (4, 3),
        }
        wrong = [(k, tuple(got[k].shape), shape) for k, shape in shapes.items() if tuple(got[k].shape) != shape]
    except (KeyError, IndexError) as error:
        raise StudioError(f"{path} lacks the tensor {error}: record the capture again.") from error
    if wrong:
        name, is_shape, shape = wrong[0]
        raise StudioError(f"{path} holds {name} of shape {is_shape}, expected {shape}: record the capture again.")
    if p == 0:
        raise StudioError(f"{path} holds no surface points: record the capture again.")
    whole = {"parts", "zones"}
    values = {k: got[k].long() if k in whole else _finite(path, k, got[k].float()) for k in shapes}
    if int(values["zones"].max()) > 2:
        raise StudioError(
            f"{path} holds zone {int(values['zones'].max())}, expected 0, 1 or 2: record the capture again."
        )
    pose, articulators = values.pop("pose"), values.pop("articulators")
    return Surface(**values, mode_names=_mode_names(path, u)), pose, articulators


def _mode_names(path: Path, count: int) -> tuple[str, ...]:
    """Names of the modes from the file's metadata; empty where they are not told for every mode."""
    with safe_open(str(path), framework="pt") as file:
        told = (file.metadata() or {}).get("modes", "[]")
    try:
        names = json.loads(told)
    except ValueError as error:
        raise _malformed(path, error) from error
    return tuple(str(name) for name in names) if isinstance(names, list) and len(names) == count else ()


def _landmarks(path: Path, images: int, names: int) -> Tensor | None:
    if not path.exists():
        return None
    got = _tensors(path).get("landmarks")
    if got is None or tuple(got.shape) != (images, names, 2):
        shape = None if got is None else tuple(got.shape)
        raise StudioError(f"{path} holds landmarks of shape {shape}, expected {(images, names, 2)}: record it again.")
    return _finite(path, "landmarks", got.float())


def _tensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(str(path))
    except (OSError, SafetensorError) as error:
        raise _malformed(path, error) from error


def _finite(path: Path, name: str, values: Tensor) -> Tensor:
    if not bool(torch.isfinite(values).all()):
        raise StudioError(f"{path} holds {name} that are not finite numbers: record the capture again.")
    return values
