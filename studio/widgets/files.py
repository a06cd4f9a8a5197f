"""Opening and saving from the window: menus, drops and the question about unsaved work."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from studio.document.project import SUFFIX
from studio.widgets.dialogs import Dialogs, Kind
from studio.widgets.session import Session

SUFFIX_AVATAR = ".safetensors"


class Files(QObject):
    """Asks for files and hands them to the session.

    Attributes:
        folder: where dialogs begin: the folder of what was opened last.
    """

    opening = Signal(str)
    """Name of the speech that is being opened."""

    said = Signal(str)
    """For the status line."""

    def __init__(self, session: Session, dialogs: Dialogs, window: QWidget) -> None:
        super().__init__(window)
        self._session, self._dialogs, self._window = session, dialogs, window
        self.folder = Path.home()

    def new_project(self) -> None:
        """Begin anew."""
        if self.may_leave():
            self._session.new()

    def ask(self, kind: Kind) -> None:
        """Let the user choose a file and open it."""
        path = self._dialogs.open_file(self._window, kind, self.folder)
        if path is not None:
            self.open(path)

    def open(self, path: Path) -> None:
        """Open whatever a file is, by its ending; anything unknown is taken for speech."""
        self.folder = path.parent
        if path.suffix.lower() == SUFFIX:
            if self.may_leave():
                self._session.open_project(path)
        elif path.suffix.lower() == SUFFIX_AVATAR:
            self._session.open_avatar(path)
        else:
            self.opening.emit(path.name)
            self._session.open_speech(path)

    def save(self) -> bool:
        """Save where the project lies, or ask."""
        path = self._session.path
        if path is None or self._session.project.read_only:
            return self.save_as()
        return self._save_to(path)

    def save_as(self) -> bool:
        """Ask where to save."""
        path = self._dialogs.save_project(self._window, self.folder / f"{self._session.title}{SUFFIX}")
        return path is not None and self._save_to(path)

    def _save_to(self, path: Path) -> bool:
        saved = self._session.save(path)
        if saved:
            self.said.emit(f"Saved {self._session.path}")
        return saved

    def may_leave(self) -> bool:
        """Whether the open project may be left; asks when it has unsaved changes."""
        if not self._session.history.dirty:
            return True
        answer = self._dialogs.unsaved(self._window, self._session.title)
        return answer == "discard" or (answer == "save" and self.save())
