"""Opening and saving from the window: menus, drops and the question about unsaved work."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from studio.document.project import SUFFIX
from studio.document.storage import backups_of
from studio.engine.assets import assets_dir
from studio.errors import StudioError
from studio.widgets.dialogs import Dialogs, Kind
from studio.widgets.routing import ORDER, FileKind, kind_of
from studio.widgets.session import Session

ASKED: dict[Kind, FileKind] = {"speech": "sound", "avatar": "avatar", "project": "project"}
"""What a file is taken for that was chosen for a purpose."""


class Files(QObject):
    """Asks for files and hands them to the session.

    Attributes:
        folder: where dialogs begin: the folder of what was opened last.
        avatars: where the one for avatars begins: with the shipped ones, then where the last one lay.
    """

    opening = Signal(str)
    """Name of the speech that is being opened."""

    take_wanted = Signal(object)
    """The path of action units from another program."""

    image_wanted = Signal(object)
    """The path of an image, to be the background."""

    backups_wanted = Signal(object)
    """A project could not be read, but this path has backups that the user wants to see."""

    said = Signal(str)
    """For the status line."""

    def __init__(self, session: Session, dialogs: Dialogs, window: QWidget) -> None:
        super().__init__(window)
        self._session, self._dialogs, self._window = session, dialogs, window
        self.folder = Path.home()
        self.avatars = assets_dir() / "avatars"

    def new_project(self) -> None:
        """Begin anew."""
        if self.may_leave():
            self._session.new()

    def ask(self, kind: Kind) -> None:
        """Let the user choose a file and open it."""
        path = self._dialogs.open_file(self._window, kind, self.avatars if kind == "avatar" else self.folder)
        if path is not None:
            self._open_kind(path, ASKED[kind])

    def open(self, path: Path) -> None:
        """Open whatever a file is, by its ending or its content."""
        try:
            kind = kind_of(path)
        except StudioError as error:
            self._session.failed.emit(str(error))
            return
        self._open_kind(path, kind)

    def open_all(self, paths: Sequence[Path]) -> None:
        """Open several files, as dropped: a project first, then what belongs to it; one sentence for the rest."""
        known: list[tuple[FileKind, Path]] = []
        refused: list[str] = []
        for path in paths:
            try:
                known.append((kind_of(path), path))
            except StudioError as error:
                refused.append(str(error))
        known.sort(key=lambda item: ORDER.index(item[0]))
        for kind, path in known:
            if not self._open_kind(path, kind):
                break  # the open project stays, so nothing of the others belongs here
        if refused:
            more = f" ({len(refused) - 1} other files were not opened either.)" if len(refused) > 1 else ""
            self._session.failed.emit(refused[0] + more)

    def _open_kind(self, path: Path, kind: FileKind) -> bool:
        """False when the user would not leave the open project."""
        if kind == "avatar":
            self.avatars = path.parent
        else:
            self.folder = path.parent
        if kind == "project":
            if not self.may_leave():
                return False
            self.open_project(path)
        elif kind == "avatar":
            self._session.open_avatar(path)
        elif kind == "take":
            self.take_wanted.emit(path)
        elif kind == "image":
            self.image_wanted.emit(path)
        else:
            self.opening.emit(path.name)
            self._session.open_speech(path)
        return True

    def open_project(self, path: Path) -> None:
        """Open a project, whatever becomes of the one that is open; one that cannot be read offers its backups."""
        try:
            self._session.load(path)
        except StudioError as error:
            if backups_of(path) and self._dialogs.confirm(
                self._window, str(error), "Its backups may still be whole.", "Show backups…"
            ):
                self.backups_wanted.emit(path)
            elif not backups_of(path):
                self._session.failed.emit(str(error))

    def save(self) -> bool:
        """Save where the project lies, or ask."""
        path = self._session.path
        if path is None or self._session.read_only:
            return self.save_as()
        if self._session.changed_on_disk:
            answer = self._dialogs.changed_on_disk(self._window, path.name)
            if answer != "replace":
                return answer == "save_as" and self.save_as()
        return self._save_to(path)

    def save_as(self) -> bool:
        """Ask where to save."""
        folder = self.folder if self._session.path is None else self._session.path.parent
        name = f"{self._session.title}{' copy' if self._session.read_only else ''}{SUFFIX}"
        path = self._dialogs.save_project(self._window, folder / name)
        return path is not None and self._save_to(path)

    def _save_to(self, path: Path) -> bool:
        try:
            self._session.write(path)
        except StudioError as error:
            answer = self._dialogs.not_saved(self._window, str(error))
            if answer == "retry":
                return self._save_to(path)
            return answer == "save_as" and self.save_as()
        self.folder = path.parent
        self.said.emit(f"Saved {self._session.path}")
        return True

    def may_leave(self) -> bool:
        """Whether the open project may be left; asks when it has unsaved changes."""
        if not self._session.history.dirty:
            return True
        answer = self._dialogs.unsaved(self._window, self._session.title)
        return answer == "discard" or (answer == "save" and self.save())
