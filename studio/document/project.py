"""Project files, `*.emozone`: loading without trust, saving without loss.

A save writes a temporary file beside the target, flushes it to the disk and renames it over the target, so that at
every moment the target is either the old project or the new one, whole. The versions before stay as rotating
backups `name.emozone.bak1` (the last) to `.bak5`. Loading only reads: it executes nothing and writes nothing.
"""

from __future__ import annotations

from pathlib import Path

from studio.document.decoding import decode, format_version
from studio.document.encoding import Encoder
from studio.document.jsontext import MAX_BYTES, dump, parse
from studio.document.migrations import migrate
from studio.document.model import Bookmark, ExportSettings, Marker, Media, Project
from studio.document.storage import explain, read_bounded, rotate_backups, write_atomically
from studio.errors import StudioError

__all__ = [
    "BACKUPS",
    "SUFFIX",
    "Bookmark",
    "ExportSettings",
    "Marker",
    "Media",
    "Project",
    "load_project",
    "save_project",
]

SUFFIX = ".emozone"
BACKUPS = 5


def load_project(path: str | Path) -> Project:
    """The project in a file.

    Media that moved or changed do not stop it: see `media.check_media`. A file of a newer format comes back with
    `read_only` set to the reason.

    Raises:
        StudioError: Missing, unreadable, damaged, or no project; one sentence.
    """
    path = Path(path).absolute()
    folder = path.resolve().parent
    tree = parse(read_bounded(path, MAX_BYTES), path.name)
    version = format_version(tree, path.name)
    assert isinstance(tree, dict)  # format_version has refused anything else
    return decode(migrate(tree, version), path.name, folder)


def save_project(project: Project, path: str | Path, *, backups: int = BACKUPS) -> None:
    """Saves atomically; the file's former contents stay as a backup.

    Args:
        project: What to save; media inside or outside the folder are stored relative to it.
        path: The `.emozone` file; a link is followed.
        backups: How many earlier versions to keep, 0 for none.

    Raises:
        StudioError: The project is read-only, or the file cannot be written; the old file is then untouched.
    """
    path = Path(path).absolute()
    if project.read_only:
        raise StudioError(f"{path.name} was not saved because {project.read_only}; save it under another name.")
    if not path.parent.is_dir():
        raise StudioError(
            f"{path.name} was not saved because the folder {path.parent} is not there; connect its drive again, "
            "or save it elsewhere."
        )
    try:
        path = path.resolve()
        data = dump(Encoder(path.parent).encode(project)).encode()
        if path.is_file() and backups > 0:
            rotate_backups(path, data, backups)
        write_atomically(path, data)
    except OSError as error:
        raise StudioError(f"{path} was not saved: {explain(error)}; the file before is untouched.") from error
