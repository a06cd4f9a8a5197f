"""What the export dialog offers: sizes, rates, what is inside each format, cameras, and where it starts from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from studio.document.performance import CameraView

SIZES: tuple[tuple[str, int, int], ...] = (
    ("512 × 512", 512, 512),
    ("1024 × 1024", 1024, 1024),
    ("1280 × 720  (HD)", 1280, 720),
    ("1920 × 1080  (Full HD)", 1920, 1080),
    ("1080 × 1920  (portrait)", 1080, 1920),
)
CUSTOM = "Other size"

RATES: tuple[float, ...] = (24, 25, 29.97, 30, 50, 60)

TURNED = "Yaw and pitch"
"""The camera that is typed."""

CODECS: dict[tuple[str, bool], str] = {
    ("mp4", False): "H.264 and AAC: plays everywhere",
    ("mov", False): "H.264 and AAC",
    ("mov", True): "ProRes 4444 and PCM: large, for editing programs",
    ("webm", False): "VP9 and Opus: for the web",
    ("webm", True): "VP9 and Opus: for the web, encodes slowly",
    ("png-frames", False): "A folder of frame_0000.png and so on",
    ("png-frames", True): "A folder of frame_0000.png and so on, straight alpha",
    ("png", True): "Straight alpha",
    ("ply-frames", False): "A folder of frame_0000.ply and so on: SuperSplat and other viewers open them",
    ("ply", False): "SuperSplat and other viewers open it",
}
"""What is inside, by format and transparency."""


@dataclass(frozen=True)
class CameraChoice:
    """A camera to choose; a view of None is the project's keyed one."""

    name: str
    view: CameraView | None
    brief: str = ""  # for the queue, where it is not the name


@dataclass(frozen=True)
class ExportOffer:
    """What the dialog starts from."""

    path: Path  # without the format's ending
    width: int
    height: int
    fps: float
    duration_s: float
    range_s: tuple[float, float] | None
    moment_s: float = 0.0
    cameras: tuple[CameraChoice, ...] = (CameraChoice("Current view", CameraView()),)
    form: str = "mp4"
    alpha: bool = False
