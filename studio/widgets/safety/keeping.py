"""What the window says about the state of the project's file: read-only, or changed by somebody else meanwhile."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QGuiApplication

from studio.document.fingerprint import Fingerprint
from studio.widgets.bridge import Worker
from studio.widgets.context import Studio


class Keeping(QObject):
    """Says why a project is read-only and lets Save say what it does; looks at the file when the user comes back."""

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio.window)
        self._studio = studio
        self._said = ""
        self._known: Fingerprint | None = None
        """The foreign version that was told of, so that it is told once."""
        self._worker = Worker("file check", self)
        studio.session.title_changed.connect(self._show)
        studio.session.opened.connect(self._opened)
        application = QGuiApplication.instance()
        assert isinstance(application, QGuiApplication)
        self._application = application
        application.applicationStateChanged.connect(self._state_changed)

    def close(self) -> None:
        """Look no more."""
        self._application.applicationStateChanged.disconnect(self._state_changed)
        self._worker.close()

    def look(self) -> None:
        """Whether the file is still the one that was opened or saved here; drives may be slow, so in the background."""
        path, ours = self._studio.session.path, self._studio.session.on_disk
        if path is not None and ours is not None:
            self._worker.run(partial(_theirs, path, ours), partial(self._found, path), self._studio.say)

    def _state_changed(self, state: Qt.ApplicationState) -> None:
        if state == Qt.ApplicationState.ApplicationActive:
            self.look()

    def _found(self, path: Path, theirs: Fingerprint | None) -> None:
        if theirs is None or theirs == self._known or path != self._studio.session.path:
            return
        if theirs == self._studio.session.on_disk:
            return  # saved here while it was looked at
        self._known = theirs
        self._studio.banner.tell(
            f"{path.name} was changed by another program since you opened it; saving will ask before it replaces that.",
            action=("Open it again", partial(self._studio.files.open, path)),
        )

    def _opened(self) -> None:
        reason = self._studio.session.read_only
        if reason:
            name = self._studio.session.title
            self._said = f"{name} is open for reading only because {reason}. Save as makes a copy that can be edited."
            self._studio.banner.tell(self._said)

    def _show(self) -> None:
        session = self._studio.session
        save = self._studio.actions["project.save"]
        save.setText("Save…" if session.path is None or session.read_only else "Save")
        if not session.read_only and self._said and self._studio.banner.text == self._said:
            self._studio.banner.hide()
            self._said = ""


def _theirs(path: Path, ours: Fingerprint) -> Fingerprint | None:
    """Runs in the worker: the file's fingerprint where it has another content than ours."""
    return None if ours.holds(path) else Fingerprint.of(path)
