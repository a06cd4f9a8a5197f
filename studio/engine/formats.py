"""What can be exported: videos, pictures and Gaussians, as one file or as a folder with a file per frame."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from studio.errors import StudioError

Content = Literal["video", "pictures", "splats"]


@dataclass(frozen=True)
class Format:
    """A kind of export."""

    id: str
    name: str  # for lists
    content: Content
    suffix: str  # of the file, or of each file in a folder
    single: bool = False  # one moment instead of a range
    alpha: bool = False  # whether it can keep transparency
    suffixes: tuple[str, ...] = ()  # further endings of the file

    @property
    def folder(self) -> bool:
        """Whether it is a folder with one file per frame."""
        return self.content != "video" and not self.single

    @property
    def endings(self) -> tuple[str, ...]:
        """Endings that a target may have; none for a folder."""
        return () if self.folder else (self.suffix, *self.suffixes)

    @property
    def numbered(self) -> re.Pattern[str]:
        """Names of the files in a folder."""
        return re.compile(rf"frame_\d{{4,}}{re.escape(self.suffix)}")


FORMATS = (
    Format("mp4", "MP4 video", "video", ".mp4", suffixes=(".m4v",)),
    Format("mov", "MOV video", "video", ".mov", alpha=True),
    Format("webm", "WebM video", "video", ".webm", alpha=True),
    Format("png-frames", "PNG pictures, one per frame", "pictures", ".png", alpha=True),
    Format("png", "PNG picture of one frame", "pictures", ".png", single=True, alpha=True),
    Format("ply-frames", "Gaussians, one PLY per frame", "splats", ".ply"),
    Format("ply", "Gaussians of one frame (PLY)", "splats", ".ply", single=True),
)
"""In the order of lists; the first is what most people want."""

BY_ID = {form.id: form for form in FORMATS}


def video_format(path: Path) -> Format:
    """The video format of a file's ending.

    Raises:
        StudioError: if there is none.
    """
    videos = [form for form in FORMATS if form.content == "video"]
    for form in videos:
        if path.suffix.lower() in form.endings:
            return form
    endings = [ending for form in videos for ending in form.endings]
    raise StudioError(f"“{path.name}” does not end in {' or '.join(endings)}; choose such a name for the video.")


def unavailable(form: Format, *, alpha: bool) -> str | None:
    """Why a format cannot be written on this machine, in one sentence; None when it can."""
    if form.content != "video":
        return None
    from studio.engine.encoders import missing

    return missing(form.suffix, alpha)


def check_format(form: Format, path: Path, size: tuple[int, int], *, alpha: bool) -> None:
    """Refuse what cannot be written, before any work is done.

    Args:
        form: of the export.
        path: its target, a file or a folder.
        size: of the pictures, pixels.
        alpha: whether the background stays transparent.

    Raises:
        StudioError: in one sentence that says what would work.
    """
    from studio.engine.targets import check_folder, check_target
    from studio.engine.video import check_size

    if form.folder:
        check_folder(path, form.numbered)
    else:
        check_target(path, kinds=form.endings)
    if form.content != "splats":
        check_size(*size, even=form.content == "video")
    if alpha and not form.alpha:
        raise StudioError(
            f"{form.name.split(',')[0]} files keep no transparency; write a .mov, a .webm or PNG pictures instead."
        )
    reason = unavailable(form, alpha=alpha)
    if reason is not None:
        raise StudioError(reason)
