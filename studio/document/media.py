"""Media of a project: are they where the project says, are they the same, and how to gather them.

A project on another machine or in another folder finds its sound and avatar by relative path; where it does not,
`check_media` says so, `find_media` looks for the same content, and `relink` puts it right. `collect` makes a folder
that holds everything.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from studio.document.model import Media, Project, file_sha256, resolved
from studio.document.project import SUFFIX, save_project
from studio.document.storage import explain, sync_folder
from studio.errors import StudioError

Role = Literal["avatar", "audio", "backdrop"]
State = Literal["ok", "missing", "changed", "refused", "unreadable"]
ROLES: tuple[Role, ...] = ("avatar", "audio", "backdrop")
NOUNS: dict[Role, str] = {"avatar": "avatar", "audio": "speech", "backdrop": "background"}
"""What people call them, as everywhere in the window."""

SEARCH_LIMIT = 20_000
"""Files looked at by `find_media`, so that a search in a whole disk comes to an end."""


@dataclass(frozen=True)
class MediaReport:
    """The state of one medium.

    `missing`: no such file. `changed`: its content is another than when it was added. `refused`: an absolute path
    from a file of unknown origin, not opened until relinked. `unreadable`: there, but not to be read.
    """

    role: Role
    media: Media
    state: State
    sentence: str  # for people; empty when all is well


def check_media(project: Project) -> tuple[MediaReport, ...]:
    """A report for each medium of the project. Reads whole files to compare hashes: call it from a worker."""
    return tuple(_report(role, media) for role in ROLES if (media := media_of(project, role)) is not None)


def media_of(project: Project, role: Role) -> Media | None:
    """The project's medium in a role."""
    return {"avatar": project.avatar, "audio": project.audio, "backdrop": project.backdrop}[role]


def relink(project: Project, role: Role, path: str | Path) -> Project:
    """The project with another file, or the same at a new place, in a role. Raises StudioError if it is unreadable."""
    old = media_of(project, role)
    media = replace(Media.file(path), extra=old.extra if old else ())
    return project.replace(**{role: media})


def find_media(media: Media, folder: str | Path, cancelled: Callable[[], bool] = lambda: False) -> Path | None:
    """A file below `folder` with the content of a missing medium; None when there is none among 20,000 files.

    Files of its name are tried first, links are not followed. Without a recorded hash the name alone decides.
    """
    name, suffix = Path(media.path).name.lower(), Path(media.path).suffix.lower()
    files = [path for path in _files(Path(folder)) if path.suffix.lower() == suffix]
    files.sort(key=lambda path: path.name.lower() != name)
    for path in files:
        if cancelled():
            return None
        if media.sha256 is None:
            return path if path.name.lower() == name else None
        try:
            if file_sha256(path) == media.sha256:
                return path
        except StudioError:
            continue
    return None


def collect(project: Project, folder: str | Path, name: str) -> tuple[Project, Path]:
    """Makes a folder with the project and copies of all its media, to be moved or handed on as a whole.

    Args:
        project: The project; it stays as it is.
        folder: A folder that is new or empty.
        name: Name of the project file in it.

    Returns:
        The collected project and its file.

    Raises:
        StudioError: The folder holds something, or a medium is missing, or nothing can be written; what was written
            by then is removed.
    """
    target = Path(folder).expanduser().absolute()
    made: list[Path] = []
    try:
        return _fill(project, target, name, made)
    except OSError as error:
        _undo(made)
        raise StudioError(f"{target} could not be filled ({explain(error)}); choose another place.") from error
    except BaseException:
        _undo(made)
        raise


def _fill(project: Project, target: Path, name: str, made: list[Path]) -> tuple[Project, Path]:
    """`collect`, noting in `made` what it has written."""
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise StudioError(f"{target} is not empty; choose a new folder to collect the project into.")
    for part in (target, target / "media"):
        if not part.is_dir():
            part.mkdir(parents=True)
            made.append(part)
    result = project
    for role in ROLES:
        media = media_of(project, role)
        if media is None or media.shipped:
            continue
        source = Path(media.location())
        if not source.is_file():
            raise StudioError(f"{source} is missing; relink the {NOUNS[role]} before collecting.")
        copy = _free(target / "media" / source.name)
        made.append(copy)
        shutil.copyfile(source, copy)
        result = relink(result, role, copy)
    file = target / (_file_name(name) + SUFFIX)
    made.append(file)
    save_project(result, file, backups=0)
    sync_folder(target)
    return result, file


def _report(role: Role, media: Media) -> MediaReport:
    what = f"The {NOUNS[role]} {media.path}"
    if media.shipped:
        return MediaReport(role, media, "ok", "")
    if not media.trusted:
        sentence = f"{what} is named by an absolute path and is not opened before you relink it."
        return MediaReport(role, media, "refused", sentence)
    if not os.path.lexists(media.path):
        return MediaReport(role, media, "missing", f"{what} is missing; relink it to where it is now.")
    try:
        digest = file_sha256(Path(media.path))
    except StudioError as error:
        return MediaReport(role, media, "unreadable", str(error))
    if media.sha256 is not None and digest != media.sha256:
        sentence = f"{what} has changed since it was added; relink it to use it as it is now."
        return MediaReport(role, media, "changed", sentence)
    return MediaReport(role, media, "ok", "")


def _files(folder: Path) -> Iterator[Path]:
    seen = 0
    for parent, folders, names in os.walk(folder, followlinks=False):
        folders.sort()
        for name in sorted(names):
            seen += 1
            if seen > SEARCH_LIMIT:
                return
            path = Path(parent, name)
            if path.is_file() and not path.is_symlink():
                yield resolved(path)


def _free(path: Path) -> Path:
    """The path, or the first of its kind with a number that does not exist."""
    number, free = 2, path
    while free.exists():
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
        number += 1
    return free


def _file_name(name: str) -> str:
    """A name that every system takes."""
    stem = name[: -len(SUFFIX)] if name.lower().endswith(SUFFIX) else name
    return re.sub(r'[\x00-\x1f<>:"/\\|?*]', "_", stem).strip(" .")[:120] or "project"


def _undo(made: list[Path]) -> None:
    for path in reversed(made):
        try:
            if path.is_dir():
                path.rmdir()
            else:
                path.unlink(missing_ok=True)
        except OSError:
            continue
