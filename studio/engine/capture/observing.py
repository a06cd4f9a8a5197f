"""The first look at a video: the face in every picture, and what tells whether the picture is any good.

What was seen is kept in blocks on disk, so that a stopped capture goes on where it was.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from studio.engine.capture.faces import FaceTracker, Sight, cut, region_of_face
from studio.engine.capture.mesh import POINTS, SCORES
from studio.engine.capture.models import ModelFiles
from studio.engine.footage import Footage, Picture, pictures

BLOCK = 100
"""Pictures per block: what a stopped capture has to look at again at most."""

LOOK_EDGE_PX = 720
"""Pictures are looked at with their shorter edge no longer than this."""

THUMB_PX = 32
_FACE_PX = 96


@dataclass(frozen=True)
class Observed:
    """What was seen in F pictures; all lengths in pixels of the looked-at size."""

    points: NDArray[np.float32]  # (F, 478, 3) landmarks, nan without a face
    scores: NDArray[np.float32]  # (F, 52) expression scores, nan without a face
    presence: NDArray[np.float32]  # (F,) probability of a face, 0 without
    time_s: NDArray[np.float64]  # (F,) when the picture was taken
    fresh: NDArray[np.bool_]  # (F,) false where the picture is the one before
    other: NDArray[np.float32]  # (F, 4) box of the largest other face, nan without
    sharpness: NDArray[np.float32]  # (F,) energy of the finest detail of the face over all its detail
    colour: NDArray[np.float32]  # (F, 3) mean colour of the face, 0 to 255
    thumb: NDArray[np.uint8]  # (F, 32, 32) the whole picture, small and grey

    def __len__(self) -> int:
        return len(self.points)


def observe(
    footage: Footage,
    models: ModelFiles,
    folder: Path,
    *,
    report: Callable[[int, int], None],
) -> tuple[Observed, tuple[int, int]]:
    """Follows the face through the whole video.

    Args:
        footage: the video.
        models: the networks.
        folder: where blocks are kept; blocks that are there already are believed.
        report: called with pictures done and expected; may raise to stop.

    Returns:
        What was seen, and the size (width, height) at which pictures were looked at.

    Raises:
        StudioError: the video is damaged.
        OSError: a block cannot be written.
    """
    size = footage.scaled(LOOK_EDGE_PX)
    folder.mkdir(parents=True, exist_ok=True)
    blocks = _kept(folder)
    first = len(blocks) * BLOCK
    tracker = FaceTracker(models)
    if not (folder / "whole").exists():
        pending: list[dict[str, NDArray[np.generic]]] = []
        for picture in pictures(footage, size, first=first):
            pending.append(_look(picture, tracker(picture.rgb)))
            if len(pending) == BLOCK:
                blocks.append(_keep(folder, len(blocks), pending))
                pending = []
            report(picture.index + 1, footage.frames)
        if pending:
            blocks.append(_keep(folder, len(blocks), pending))
        (folder / "whole").touch()
    names = [f.name for f in fields(Observed)]
    if not blocks:
        blocks = [{k: np.asarray(v)[None][:0] for k, v in _nothing().items()}]
    return Observed(**{name: np.concatenate([b[name] for b in blocks]) for name in names}), size


def _look(picture: Picture, sight: Sight) -> dict[str, NDArray[np.generic]]:
    row = _nothing()
    row["time_s"], row["fresh"] = np.float64(picture.time_s), np.bool_(picture.fresh)  # type: ignore[assignment]
    grey = Image.fromarray(picture.rgb).convert("L").resize((THUMB_PX, THUMB_PX), Image.Resampling.BOX)
    row["thumb"] = np.asarray(grey, np.uint8)
    face = sight.face
    if face is None:
        return row
    row["points"], row["scores"] = face.points, face.scores
    row["presence"] = np.float32(face.presence)  # type: ignore[assignment]
    small = cut(picture.rgb, region_of_face(face), _FACE_PX).astype(np.float32)
    middle = small[_FACE_PX // 4 : -_FACE_PX // 4, _FACE_PX // 4 : -_FACE_PX // 4]
    row["colour"] = middle.mean((0, 1)).astype(np.float32)
    light = middle.mean(2)
    fine = light[1:-1, 1:-1] - (light[:-2, 1:-1] + light[2:, 1:-1] + light[1:-1, :-2] + light[1:-1, 2:]) / 4
    row["sharpness"] = np.float32(fine.var() / max(float(light.var()), 1e-6))  # type: ignore[assignment]
    if sight.others:
        row["other"] = sight.others[0].box.astype(np.float32)
    return row


def _nothing() -> dict[str, NDArray[np.generic]]:
    """A picture without a face."""
    return {
        "points": np.full((POINTS, 3), np.nan, np.float32),
        "scores": np.full(len(SCORES), np.nan, np.float32),
        "presence": np.float32(0),  # type: ignore[dict-item]
        "time_s": np.float64(0),  # type: ignore[dict-item]
        "fresh": np.bool_(True),  # type: ignore[dict-item]
        "other": np.full(4, np.nan, np.float32),
        "sharpness": np.float32(0),  # type: ignore[dict-item]
        "colour": np.zeros(3, np.float32),
        "thumb": np.zeros((THUMB_PX, THUMB_PX), np.uint8),
    }


def _keep(folder: Path, number: int, rows: list[dict[str, NDArray[np.generic]]]) -> dict[str, NDArray[np.generic]]:
    block = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
    part = folder / f"{number:05d}.npz.part"
    with part.open("wb") as file:
        np.savez(file, **block)  # type: ignore[arg-type]
    part.replace(folder / f"{number:05d}.npz")
    return block


def _kept(folder: Path) -> list[dict[str, NDArray[np.generic]]]:
    """Blocks on disk up to the first that is missing or damaged; before the last all are full."""
    found: list[dict[str, NDArray[np.generic]]] = []
    whole = (folder / "whole").exists()
    while True:
        path = folder / f"{len(found):05d}.npz"
        try:
            with np.load(path, allow_pickle=False) as data:
                block = {name: data[name] for name in data.files}
        except FileNotFoundError:
            return found
        except (OSError, ValueError, EOFError, zipfile.BadZipFile):
            (folder / "whole").unlink(missing_ok=True)
            return found
        if len(block["time_s"]) < BLOCK and not whole:
            return found
        found.append(block)
