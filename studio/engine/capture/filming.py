"""Cuts the capture's pictures out of the video: crops, mattes, the background, regions.

Every file is written beside its place and then renamed, and files that are there are kept: a stopped capture goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from studio.engine.camera import Camera
from studio.engine.capture.analysis import Clip
from studio.engine.capture.matte import PLATE_PICTURES, Matting, background_plate, freed, regions
from studio.engine.capture.models import ModelFiles
from studio.engine.footage import Footage, pictures

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]

GREY = 128
"""Value behind the person in `frames`."""

STILL_LEVELS = 6.0
"""Median difference of free pixels from the background, in levels of 255, up to which the background stands still."""

QUALITY = 95


@dataclass(frozen=True)
class Window:
    """How the looked-at picture maps to the capture's: scaled as a whole, then cut."""

    size_px: tuple[int, int]  # whole picture after scaling
    left: int
    top: int
    edge: int  # of the capture's pictures
    scale: tuple[float, float]  # looked-at pixels → capture pixels

    def points(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """(…, 2) pixels of the capture's pictures of points in looked-at pixels."""
        return np.asarray(points[..., :2] * np.array(self.scale) - [self.left, self.top], np.float64)


@dataclass(frozen=True)
class Background:
    """What is behind the person."""

    plate: U8  # (h, w, 3)
    seen: float  # share of its pixels that were seen free
    still: bool  # whether it stands still

    @property
    def known(self) -> bool:
        """Whether pictures can be compared with it."""
        return self.still and self.seen > 0.05


def window_of(clip: Clip, footage: Footage, edge_px: int) -> Window:
    """The window that makes the clip's crop `edge_px` wide."""
    share = edge_px / clip.crop.edge
    width, height = round(clip.size_px[0] * share), round(clip.size_px[1] * share)
    width, height = max(width, edge_px), max(height, edge_px)
    scale = (width / clip.size_px[0], height / clip.size_px[1])
    left = int(np.clip(round(clip.crop.x * scale[0]), 0, width - edge_px))
    top = int(np.clip(round(clip.crop.y * scale[1]), 0, height - edge_px))
    return Window((width, height), left, top, edge_px, scale)


def camera_of(clip: Clip, window: Window, frame: int) -> Camera:
    """The camera that saw a frame."""
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = clip.reference, clip.sway[frame]
    (cx, cy), focal = clip.track.centre, clip.track.focal
    x, y = window.scale
    return Camera(matrix, focal * x, focal * y, cx * x - window.left, cy * y - window.top, window.edge, window.edge)


def cut_out(
    footage: Footage, clip: Clip, window: Window, folder: Path, models: ModelFiles, report: Callable[[int, int], None]
) -> None:
    """Writes `pictures/` (what the camera saw) and `mattes/` (the network's) for every used frame.

    Raises:
        OSError: the disk refuses.
        StudioError: the video is damaged.
    """
    used = np.flatnonzero(clip.sifted.used)
    for name in ("pictures", "mattes"):
        (folder / name).mkdir(exist_ok=True)
    missing = [int(i) for i in used if not _paths(folder, int(i))[1].exists()]
    if not missing:
        return
    wanted, matting = set(missing), Matting(models)
    done = len(used) - len(missing)
    for picture in pictures(footage, window.size_px, first=missing[0]):
        if picture.index in wanted:
            rgb = picture.rgb[window.top : window.top + window.edge, window.left : window.left + window.edge]
            rgb = np.ascontiguousarray(rgb)
            path, matte = _paths(folder, picture.index)
            _save(Image.fromarray(rgb), path, "JPEG", quality=QUALITY, subsampling=0)
            _save(Image.fromarray(np.round(matting(rgb) * 255).astype(np.uint8)), matte, "PNG", compress_level=3)
            done += 1
            report(done, len(used))
        if picture.index >= missing[-1]:
            break


def find_background(clip: Clip, folder: Path) -> Background:
    """Puts the background together from pictures all over the clip."""
    used = written(clip, folder)
    chosen = used[np.linspace(0, len(used) - 1, min(PLATE_PICTURES, len(used))).astype(int)]
    images = [_open(_paths(folder, int(i))[0], "RGB") for i in chosen]
    mattes = [_matte(folder, int(i)) for i in chosen]
    plate, seen = background_plate(images, mattes)
    away = [
        float(np.median(np.abs(image.astype(np.float32) - plate).max(2)[matte < 0.02]))
        for image, matte in zip(images, mattes, strict=True)
        if (matte < 0.02).sum() > 100
    ]
    return Background(plate, seen, bool(away) and float(np.median(away)) <= STILL_LEVELS)


def finish(
    clip: Clip,
    window: Window,
    background: Background,
    folder: Path,
    report: Callable[[int, int], None],
    steadied: Callable[[F32, F32, int], F32] | None = None,
) -> list[int]:
    """Writes `frames/` (the person over grey), `masks/` and `regions/`; returns the frames that have pictures.

    Args:
        clip: what is known of the clip.
        window: of the pictures.
        background: what is behind the person.
        folder: with `pictures/` and `mattes/`.
        report: hears pictures done, of all.
        steadied: makes of a matte, of how much the picture differs from the background, and of the frame a better one.

    Raises:
        OSError: the disk refuses.
    """
    used = written(clip, folder)
    for name in ("frames", "masks", "regions"):
        (folder / name).mkdir(exist_ok=True)
    for done, frame in enumerate(used):
        last = folder / "regions" / f"{frame:06d}.png"
        if not last.exists():
            rgb = _open(_paths(folder, int(frame))[0], "RGB")
            alpha, known = _matte(folder, int(frame)), background.known
            if known and steadied is not None:
                differs = np.abs(rgb.astype(np.float32) - background.plate).max(2)
                alpha = steadied(alpha, differs, int(frame))
            alpha, own = freed(rgb, alpha, background.plate, known)
            over = own * alpha[..., None] + GREY * (1 - alpha[..., None])
            points = window.points(clip.seen.points[frame])
            name = f"{frame:06d}.png"
            mask = np.round(alpha * 255).astype(np.uint8)
            _save(Image.fromarray(np.round(over).astype(np.uint8)), folder / "frames" / name, "PNG", compress_level=3)
            _save(Image.fromarray(mask), folder / "masks" / name, "PNG", compress_level=3)
            _save(Image.fromarray(regions(rgb, alpha, points)), last, "PNG", compress_level=6)
        report(done + 1, len(used))
    return [int(i) for i in used]


def written(clip: Clip, folder: Path) -> NDArray[np.int64]:
    """Used frames whose pictures are on disk: a file may hold fewer pictures than it announced."""
    return np.array([int(i) for i in np.flatnonzero(clip.sifted.used) if _paths(folder, int(i))[1].exists()], np.int64)


def _paths(folder: Path, frame: int) -> tuple[Path, Path]:
    return folder / "pictures" / f"{frame:06d}.jpg", folder / "mattes" / f"{frame:06d}.png"


def _save(image: Image.Image, path: Path, kind: str, **options: int) -> None:
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        image.save(file, kind, **options)
    part.replace(path)


def _matte(folder: Path, frame: int) -> NDArray[np.float32]:
    return np.asarray(_open(_paths(folder, frame)[1], "L") / np.float32(255), np.float32)


def _open(path: Path, mode: str) -> U8:
    with Image.open(path) as image:
        return np.asarray(image.convert(mode), dtype=np.uint8)
