"""The project: everything the user edits and saves, as one immutable value.

Media are referred to by absolute path in memory and by relative path in the file; a project never holds sound or
avatars itself. What belongs to the window (zoom, open panels) is not part of it. Files are the business of `project`.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from studio.document.extra import Extra
from studio.document.performance import CameraView, Performance
from studio.errors import StudioError

_CHUNK = 2**20


@dataclass(frozen=True)
class Media:
    """An avatar or sound: a file by absolute path, or a shipped avatar by name.

    `trusted` is False for an absolute path that came out of a project file: it is not opened until the user has
    confirmed it by relinking, because a project from elsewhere must not choose what is read on this machine.
    """

    path: str
    sha256: str | None = None
    shipped: bool = False
    trusted: bool = True
    extra: Extra = ()

    def __post_init__(self) -> None:
        if not self.shipped and self.trusted:
            object.__setattr__(self, "path", os.path.abspath(self.path))

    @classmethod
    def file(cls, path: str | Path) -> Media:
        """A file on this machine, with its hash. Raises StudioError when it cannot be read."""
        location = resolved(Path(path).expanduser())
        return cls(str(location), file_sha256(location))

    @classmethod
    def named(cls, name: str) -> Media:
        """A shipped avatar."""
        return cls(name, shipped=True)

    @property
    def name(self) -> str:
        """Short name for titles and lists."""
        return self.path if self.shipped else Path(self.path).name

    def location(self) -> str:
        """What to open: a path, or a shipped avatar's name. Raises StudioError for a path not to be trusted."""
        if not self.trusted:
            raise StudioError(
                f"{self.path} is outside the project's folder by an absolute path; relink it to say that it is meant."
            )
        return self.path


@dataclass(frozen=True)
class SoundEdit:
    """What is heard of the sound's file, which itself stays as it is. Raises ValueError for values without sense.

    The file from `in_s` to `out_s` is heard from the project's moment `start_s` on.
    """

    MAX_GAIN_DB = 40.0
    MIN_GAIN_DB = -60.0

    in_s: float = 0.0
    out_s: float | None = None  # None: the end of the file
    start_s: float = 0.0
    gain_db: float = 0.0
    extra: Extra = ()

    def __post_init__(self) -> None:
        if not (0 <= self.in_s < math.inf and 0 <= self.start_s < math.inf):
            raise ValueError(f"the sound is cut at {self.in_s} s and starts at {self.start_s} s, expected 0 or more")
        if self.out_s is not None and not self.in_s < self.out_s < math.inf:
            raise ValueError(f"the sound is cut from {self.in_s} to {self.out_s} s, expected start < end")
        if not self.MIN_GAIN_DB <= self.gain_db <= self.MAX_GAIN_DB:
            raise ValueError(f"the gain is {self.gain_db} dB, expected {self.MIN_GAIN_DB:g} to {self.MAX_GAIN_DB:g}")

    @property
    def gain(self) -> float:
        """Factor of the samples."""
        return float(10.0 ** (self.gain_db / 20.0))


@dataclass(frozen=True)
class Marker:
    """A named moment on the ruler."""

    time_s: float
    name: str = ""
    colour: str = ""  # '#rrggbb', or empty for the theme's colour
    extra: Extra = ()


@dataclass(frozen=True)
class Bookmark:
    """A named camera."""

    name: str
    view: CameraView = field(default_factory=CameraView)
    extra: Extra = ()


@dataclass(frozen=True)
class ExportSettings:
    """What the export dialog last said; `None` means the project's rate, or transparency."""

    width_px: int = 512
    height_px: int = 512
    fps: float | None = None
    only_range: bool = True
    background: tuple[float, float, float] | None = (0.1, 0.1, 0.12)  # display sRGB
    extra: Extra = ()

    def __post_init__(self) -> None:
        if not (16 <= self.width_px <= 8192 and 16 <= self.height_px <= 8192):
            raise ValueError(f"the export size is {self.width_px}×{self.height_px}, expected 16 to 8192 pixels a side")
        if self.fps is not None and not 1 <= self.fps <= 240:
            raise ValueError(f"the export rate is {self.fps}, expected 1 to 240 frames per second")
        if self.background is not None and not all(0 <= c <= 1 for c in self.background):
            raise ValueError(f"the export background is {self.background}, expected colours from 0 to 1")


@dataclass(frozen=True)
class Project:
    """A whole project. Raises ValueError for values that make no sense together.

    `backdrop` is an image behind the head, in place of the export's background colour. `look_through` lets keyed
    cameras decide what viewport and export show.

    `read_only` says why the project must not be saved over its file (a newer format), and is no part of its value.
    """

    avatar: Media | None = None
    audio: Media | None = None
    sound: SoundEdit = field(default_factory=SoundEdit)
    backdrop: Media | None = None
    fps: float = 25.0
    performance: Performance = field(default_factory=Performance)
    in_s: float | None = None
    out_s: float | None = None
    loop: bool = False
    markers: tuple[Marker, ...] = ()
    bookmarks: tuple[Bookmark, ...] = ()
    look_through: bool = True
    export: ExportSettings = field(default_factory=ExportSettings)
    extra: Extra = ()
    read_only: str | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if not 1 <= self.fps <= 240:
            raise ValueError(f"the project rate is {self.fps}, expected 1 to 240 frames per second")
        if self.in_s is not None and self.out_s is not None and not self.in_s < self.out_s:
            raise ValueError(f"the range runs from {self.in_s} to {self.out_s} s, expected start < end")
        if not all(np.isfinite(t) for t in (self.in_s, self.out_s, *(m.time_s for m in self.markers)) if t is not None):
            raise ValueError("a moment of the project is not a finite number")

    def replace(self, **changes: Any) -> Project:
        """A project with some fields changed, the others shared."""
        return replace(self, **changes)

    def perform(self, change: Callable[[Performance], Performance]) -> Project:
        """The project with its performance changed by a function: `project.perform(lambda p: p.with_held(…))`."""
        changed = change(self.performance)
        return self if changed is self.performance else replace(self, performance=changed)

    def camera(self, time_s: float) -> CameraView | None:
        """The camera that the project dictates at a moment; None leaves the choice to the viewer."""
        return self.performance.camera(time_s) if self.look_through else None

    def frame_time(self, time_s: float) -> float:
        """The frame moment nearest to `time_s`: i / fps."""
        return round(time_s * self.fps) / self.fps

    def editable(self) -> Project:
        """The project free to be saved elsewhere, in this version's format."""
        return replace(self, read_only=None)


def resolved(path: Path) -> Path:
    """The absolute path with links in its folders followed, but not a link that the file itself is."""
    return path.absolute().parent.resolve() / path.name


def file_sha256(path: Path) -> str:
    """SHA-256 of a file in hexadecimal. Raises StudioError when it cannot be read."""
    digest = hashlib.sha256()
    try:
        if not path.is_file():
            raise StudioError(f"{path} does not exist or is no file; choose another one.")
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise StudioError(f"{path} cannot be read ({error.strerror or error}); check its permissions.") from error
    return digest.hexdigest()
