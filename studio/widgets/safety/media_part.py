"""Media that moved or changed are noticed when a project opens; a project and its media go into one folder."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import QDesktopServices

from studio.document.media import MediaReport, check_media, collect
from studio.document.model import Project
from studio.widgets.bridge import Worker
from studio.widgets.context import Studio
from studio.widgets.safety.media_dialog import NAMES, MediaDialog


class MediaPart(QObject):
    """Checks media after opening, relinks them, collects them.

    Attributes:
        dialog: the newest dialog, None before the first.
    """

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio.window)
        self._studio = studio
        self._worker = Worker("media check", self)
        self.dialog: MediaDialog | None = None
        studio.session.opened.connect(self._look)
        studio.session.media_missing.connect(self._look)
        studio.actions.connect({"project.media": partial(self._look, asked=True), "project.collect": self.collect})

    def close(self) -> None:
        """End what runs."""
        if self.dialog is not None:
            self.dialog.shut_down()
        self._worker.close()

    def _look(self, _path: Path | None = None, *, asked: bool = False) -> None:
        """Compare the project's media with what was added, in the background."""
        project = self._studio.session.project
        self._worker.run(partial(check_media, project), partial(self._tell, project, asked), self._studio.fail)

    def _tell(self, project: Project, asked: bool, reports: tuple[MediaReport, ...]) -> None:
        session = self._studio.session
        media = (project.avatar, project.audio, project.backdrop)
        if media != (session.project.avatar, session.project.audio, session.project.backdrop):
            return  # the user went on to something else
        if self.dialog is not None and self.dialog.isVisible():
            return
        states = {report.state for report in reports}
        if asked and not reports:
            self._studio.say("The project has no media of its own: it shows the shipped avatar and no speech.")
        elif asked or states & {"missing", "refused", "unreadable"}:
            self._show(reports)
        elif "changed" in states:
            changed = " and ".join(r.media.name for r in reports if r.state == "changed")
            self._studio.banner.tell(
                f"{changed} has changed since it was added to the project.",
                action=("Media…", partial(self._show, reports)),
            )

    def _show(self, reports: tuple[MediaReport, ...]) -> None:
        if self.dialog is not None:
            self.dialog.deleteLater()
        path = self._studio.session.path
        folder = self._studio.files.folder if path is None else path.parent
        self.dialog = MediaDialog(reports, folder, self._studio.dialogs, self._studio.window)
        self.dialog.accepted.connect(self._relink)
        self.dialog.open()

    def _relink(self) -> None:
        """What was found enters the project as one step."""
        if self.dialog is None or not self.dialog.found:
            return
        history = self._studio.session.history
        project, found = history.project, self.dialog.found
        changes = {}
        for role, now in found.items():
            old = getattr(project, role)
            changes[role] = now.media if old is None else replace(now.media, extra=old.extra)
        names = " and ".join(NAMES[role].lower() for role in found)
        history.apply(f"Relink {names}", project.replace(**changes))
        self._studio.say(f"Relinked {names}")

    def collect(self) -> None:
        """Ask for a folder and copy the project and everything it needs into it."""
        session = self._studio.session
        folder = self._studio.dialogs.choose_folder(
            self._studio.window, "Collect the project and its media into", self._studio.files.folder
        )
        if folder is None:
            return
        name = session.title
        self._studio.say(f"Collecting {name}…")
        job = partial(_collect, session.project, folder, name)
        self._worker.run(job, self._collected, self._studio.fail)

    def _collected(self, file: Path) -> None:
        self._studio.say(f"Collected into {file.parent}")
        show = partial(QDesktopServices.openUrl, QUrl.fromLocalFile(str(file.parent)))
        self._studio.banner.tell(
            f"{file.name} and its media are in {file.parent}.", "hint", action=("Show folder", show)
        )


def _collect(project: Project, folder: Path, name: str) -> Path:
    """Runs in the worker: into the folder if it is empty, or into a new one of the project's name inside it."""
    target = folder
    if folder.is_dir() and any(folder.iterdir()):
        number, target = 2, folder / name
        while target.exists():
            number, target = number + 1, folder / f"{name} {number}"
    return collect(project.editable(), target, name)[1]
