"""Where recordings lie: beside the project, or with the user's data until it is saved."""

from __future__ import annotations

import shutil
from pathlib import Path

import platformdirs

from studio.document.model import Media, Project, resolved
from studio.document.storage import explain
from studio.errors import StudioError
from studio.playback.recorder import take_path


def unsaved_folder() -> Path:
    """Recordings for projects that have no file yet."""
    return platformdirs.user_data_path("emozone-studio", appauthor=False) / "takes"


def takes_folder(project: Path | None) -> Path:
    """Where the recordings of a project go."""
    return unsaved_folder() if project is None else project.parent / f"{project.stem} takes"


def brought_beside(project: Project, path: Path) -> Project:
    """The project with its recording copied beside its file, if it lay with the user's data.

    Raises:
        StudioError: it cannot be copied.
    """
    media = project.audio
    if media is None or media.shipped or not media.trusted:
        return project
    source = Path(media.path)
    if resolved(source).parent != resolved(unsaved_folder() / "x").parent or not source.is_file():
        return project
    folder = takes_folder(path)
    target = folder / source.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if target.exists():
            target = take_path(folder)
        part = target.with_name(target.name + ".part")
        shutil.copyfile(source, part)
        part.replace(target)
    except OSError as error:
        raise StudioError(
            f"The recording {source.name} could not be copied to {folder} ({explain(error)}); save elsewhere."
        ) from error
    return project.replace(audio=Media(str(target), media.sha256, extra=media.extra))
