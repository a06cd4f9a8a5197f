"""What the window says about the state of the project's file: read-only, or changed by somebody else."""

from __future__ import annotations

from PySide6.QtCore import QObject

from studio.widgets.context import Studio


class Keeping(QObject):
    """Says why a project is read-only, and lets Save say what it does."""

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio.window)
        self._studio = studio
        self._said = ""
        studio.session.title_changed.connect(self._show)
        studio.session.opened.connect(self._opened)

    def _opened(self) -> None:
        reason = self._studio.session.read_only
        if reason:
            name = self._studio.session.title
            self._said = f"{name} is open for reading only because {reason}. Save as makes a copy that can be edited."
            self._studio.banner.tell(self._said)

    def _show(self) -> None:
        session = self._studio.session
        save = self._studio.actions["project.save"]
        save.setText("Save as…" if session.path is None or session.read_only else "Save")
        if not session.read_only and self._said and self._studio.banner.text == self._said:
            self._studio.banner.hide()
            self._said = ""
