"""Backups of a project: the versions that earlier saves have replaced, to look at and to bring back."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from studio.document.model import Project
from studio.document.project import BACKUPS, load_project
from studio.document.storage import backups_of
from studio.document.summary import differences, summarise
from studio.errors import StudioError
from studio.widgets.bridge import Worker
from studio.widgets.context import Studio
from studio.widgets.safety.chooser import Chooser
from studio.widgets.safety.preview import moment


@dataclass(frozen=True)
class Backup:
    """One earlier version."""

    path: Path
    saved_s: float  # seconds since 1970
    project: Project | None  # None where it cannot be read
    problem: str  # why not


def backups(path: Path) -> tuple[Backup, ...]:
    """The backups of a project file, newest first; reads files, so call it from a worker."""
    return tuple(_read(backup) for backup in backups_of(path))


def _read(path: Path) -> Backup:
    try:
        saved_s = path.stat().st_mtime
    except OSError:
        saved_s = 0.0
    try:
        return Backup(path, saved_s, load_project(path).editable(), "")
    except StudioError as error:
        return Backup(path, saved_s, None, str(error))


def _counted(backup: Backup) -> str:
    return "cannot be read" if backup.project is None else summarise(backup.project).short


class BackupsDialog(Chooser):
    """Shows earlier versions; `now` is what they are compared with, None where it cannot be read."""

    restore_wanted = Signal(object)
    """The `Backup` to bring back."""

    def __init__(self, path: Path, found: tuple[Backup, ...], now: Project | None, parent: QWidget) -> None:
        hint = (
            f"The last {BACKUPS} saved versions lie beside the project, as {path.name}.bak1 (the newest) to "
            f".bak{BACKUPS}. "
        )
        hint += "Restoring is one step that you can undo." if now is not None else "The project itself cannot be read."
        super().__init__(f"Backups of {path.stem}", hint, "Restore", "Close", parent)
        self.setWindowTitle("Backups")
        self.list.setAccessibleName("Earlier versions")
        self._found, self._now = found, now
        self.list.currentRowChanged.connect(self._show)
        self.list.itemDoubleClicked.connect(self._restore)
        self.primary.clicked.connect(self._restore)
        self.set_rows([(f"{moment(backup.saved_s)}\n{_counted(backup)}", str(backup.path)) for backup in found])

    @property
    def chosen(self) -> Backup | None:
        """What is selected in the list."""
        row = self.list.currentRow()
        return self._found[row] if 0 <= row < len(self._found) else None

    def _show(self) -> None:
        backup = self.chosen
        if backup is None:
            return
        news: tuple[str, ...] = ()
        if backup.project is not None and self._now is not None:
            news = differences(self._now, backup.project) or ("Nothing: it is the same as what is open.",)
        self.preview.show_project(
            f"Saved {moment(backup.saved_s)}",
            backup.path.name,
            backup.project,
            (
                ("It cannot be read", (backup.problem,) if backup.problem else ()),
                ("What restoring would change", news),
            ),
        )
        self.primary.setEnabled(backup.project is not None)

    def _restore(self) -> None:
        if self.chosen is not None and self.chosen.project is not None:
            self.restore_wanted.emit(self.chosen)


class BackupsPart(QObject):
    """File › Backups, and the way out when a project cannot be read.

    Attributes:
        dialog: the newest dialog, None before the first.
    """

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio.window)
        self._studio = studio
        self._worker = Worker("backups", self)
        self.dialog: BackupsDialog | None = None
        studio.actions.connect({"project.backups": self.look})
        studio.files.backups_wanted.connect(self.show_backups)

    def look(self) -> None:
        """Show the backups of the open project."""
        path = self._studio.session.path
        if path is None:
            self._studio.say("There are no backups yet: each save of a project keeps the version before it.")
            return
        self.show_backups(path)

    def show_backups(self, path: Path) -> None:
        """Show the backups of a project, open or not."""
        self._worker.run(partial(backups, path), partial(self._show, path), self._studio.fail)

    def close(self) -> None:
        """End the search."""
        self._worker.close()

    def _show(self, path: Path, found: tuple[Backup, ...]) -> None:
        if not found:
            self._studio.say(f"There are no backups of {path.stem} yet: each save keeps the version before it.")
            return
        if self.dialog is not None:
            self.dialog.close()
            self.dialog.deleteLater()
        session = self._studio.session
        opened = session.path == path
        self.dialog = BackupsDialog(path, found, session.project if opened else None, self._studio.window)
        self.dialog.restore_wanted.connect(partial(self._restore, path))
        self.dialog.open()

    def _restore(self, path: Path, backup: Backup) -> None:
        session = self._studio.session
        if backup.project is None or self.dialog is None:
            return
        label = f"Restore the version of {moment(backup.saved_s)}"
        if session.path == path:
            self.dialog.accept()
            session.history.apply(label, backup.project)
        elif self._studio.files.may_leave():
            self.dialog.accept()
            session.restore(backup.project, path)
        else:
            return
        self._studio.say(f"{label}: done, not saved yet")
