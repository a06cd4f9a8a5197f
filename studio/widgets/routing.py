"""What a file is, by its ending or its first bytes, so that anything can be dropped on the window."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from studio.document.interchange.detect import take_kind
from studio.document.project import SUFFIX
from studio.document.storage import explain
from studio.errors import StudioError

FileKind = Literal["project", "avatar", "sound", "take", "image"]

SUFFIX_AVATAR = ".safetensors"
VIDEO_SUFFIXES = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".mpg", ".mpeg")
SOUND_SUFFIXES = (
    *(".wav", ".wave", ".flac", ".mp3", ".m4a", ".aac", ".ogg", ".oga", ".opus", ".aif", ".aiff", ".wma"),
    *VIDEO_SUFFIXES,
)
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")

ORDER: tuple[FileKind, ...] = ("project", "avatar", "sound", "take", "image")
"""Of several files dropped at once: what replaces most comes first."""

_MAGIC: tuple[tuple[int, bytes, FileKind], ...] = (
    (0, b"\x89PNG", "image"),
    (0, b"\xff\xd8\xff", "image"),
    (0, b"BM", "image"),
    (8, b"WEBP", "image"),
    (8, b"WAVE", "sound"),
    (8, b"AVI ", "sound"),
    (8, b"AIF", "sound"),
    (0, b"fLaC", "sound"),
    (0, b"OggS", "sound"),
    (0, b"ID3", "sound"),
    (4, b"ftyp", "sound"),
    (0, b"\x1aE\xdf\xa3", "sound"),
)
_HEAD_BYTES = 4096


def kind_of(path: Path) -> FileKind:
    """What a file is. Raises StudioError with one sentence for a folder, what is missing, and what is unknown."""
    suffix = path.suffix.lower()
    if path.is_dir():
        raise StudioError(f"{path.name} is a folder; drop the project or the files in it.")
    if suffix == SUFFIX:
        return "project"
    if suffix == SUFFIX_AVATAR:
        return "avatar"
    if suffix in SOUND_SUFFIXES:
        return "sound"
    if suffix in IMAGE_SUFFIXES:
        return "image"
    return _by_content(path)


def _by_content(path: Path) -> FileKind:
    try:
        if path.exists() and not path.is_file():
            raise StudioError(f"{path} is no ordinary file; choose another one.")
        with path.open("rb") as stream:
            head = stream.read(_HEAD_BYTES)
    except FileNotFoundError as error:
        raise StudioError(f"{path} does not exist; check the path.") from error
    except OSError as error:
        raise StudioError(f"{path} cannot be read ({explain(error)}); check its permissions and its disk.") from error
    if not head:
        raise StudioError(f"{path.name} is empty; there is nothing in it to open.")
    if b'"emozone-project"' in head:
        return "project"
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 2**27:
        return "avatar"  # a safetensors file: the length of its JSON header, then that header
    for offset, magic, kind in _MAGIC:
        if head[offset : offset + len(magic)] == magic:
            return kind
    if b"\0" not in head and take_kind(path) is not None:
        return "take"
    raise StudioError(
        f"{path.name} is nothing that the studio opens: it takes projects, avatars, sound, video, images, and action "
        "units from OpenFace, Live Link Face or Audio2Face."
    )
