"""Export from the window: what is seen and heard now becomes a job of the queue."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QToolButton

from studio.document.model import Project
from studio.document.project import SUFFIX, save_project
from studio.engine.formats import BY_ID
from studio.errors import StudioError
from studio.widgets.context import Studio
from studio.widgets.export_dialog import ExportDialog
from studio.widgets.exports import reveal
from studio.widgets.exports.jobs import ExportWish, Job, Snapshot, State, command_line, remembering, run_export
from studio.widgets.exports.offer import CameraChoice, ExportOffer
from studio.widgets.exports.queue import ExportQueue
from studio.widgets.exports.window import QueueWindow, queue_status


class Exports(QObject):
    """The export dialog, the queue, its window, and a line about it in the status bar.

    Attributes:
        queue: the jobs.
        window: shows them.
        dialog: the newest dialog, None before the first.
    """

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio.window)
        self._studio = studio
        self.queue = ExportQueue(self)
        self.window = QueueWindow(self.queue, studio.window)
        self.dialog: ExportDialog | None = None
        self._last: ExportWish | None = None
        self.badge = QToolButton()
        self.badge.setObjectName("badge")
        self.badge.setToolTip("Show the export queue")
        self.badge.setFixedHeight(self.badge.fontMetrics().height() + 4)  # nothing in the window moves when it comes
        self.badge.hide()
        studio.window.statusBar().addPermanentWidget(self.badge)
        self.badge.clicked.connect(self.show_queue)
        studio.actions.connect(
            {
                "export.video": self.ask,
                "export.frame": partial(self.ask, "png"),
                "export.queue": self.show_queue,
            }
        )
        self.window.addActions([studio.actions[f"export.{name}"] for name in ("video", "frame", "queue")])
        self.window.wanted.connect(self.ask)
        self.window.asked.connect(self._do)
        self.queue.changed.connect(self._show_badge)
        self.queue.progressed.connect(self._show_badge)
        self.queue.finished.connect(self._finished)

    # ---- asking ----

    def ask(self, form: str | None = None) -> None:
        """Offer to export what is seen; `form` is the id of the format that is offered first."""
        session, studio = self._studio.session, self._studio
        clip, ready = session.clip, session.avatar
        if self.dialog is not None and self.dialog.isVisible():
            self.dialog.raise_()
            return
        if clip is None or ready is None:
            studio.fail("There is nothing to export yet; open an avatar and a speech clip first.")
            return
        last = self._last
        if form is None:
            form = last.form if last is not None and not BY_ID[last.form].single else "mp4"
        project, path = session.project, session.path
        offer = ExportOffer(
            studio.files.folder / (path.stem if path is not None else Path(clip.media.name).stem),
            project.export.width_px,
            project.export.height_px,
            project.export.fps or project.fps,
            clip.duration_s,
            session.range_s if project.export.only_range else None,
            moment_s=studio.driver.player.position_s,
            cameras=self._cameras(project),
            form=form,
            alpha=last.alpha if last is not None and last.form == form else BY_ID[form].alpha,
        )
        snapshot = Snapshot(ready.avatar, clip, project)
        if self.dialog is not None:
            self.dialog.deleteLater()
        self.dialog = ExportDialog(offer, studio.window, check=self._check, free=self._free)
        self.dialog.added.connect(partial(self._add, snapshot))
        self.dialog.show()

    def _cameras(self, project: Project) -> tuple[CameraChoice, ...]:
        """What is seen comes first, also where the viewer has turned away from the camera keys; then the bookmarks."""
        driver, bookmarks = self._studio.driver, (CameraChoice(mark.name, mark.view) for mark in project.bookmarks)
        keyed_now = project.camera(driver.player.position_s)
        followed = keyed_now is not None and driver.show.keyed_camera
        view = keyed_now if followed else self._studio.viewport.controller.view
        first = CameraChoice("Current view", view, "current view")
        if keyed_now is None:
            return (first, *bookmarks)
        keyed = CameraChoice("Keyed camera", None, "keyed camera")
        return (*((keyed, first) if followed else (first, keyed)), *bookmarks)

    def _check(self, wish: ExportWish) -> None:
        """Refuse what cannot be written, before it is in the queue. Raises StudioError."""
        from studio.engine.export import frame_span
        from studio.engine.formats import check_format
        from studio.engine.video import exact_rate

        check_format(wish.format, wish.path, (wish.width, wish.height), alpha=wish.alpha)
        if not wish.format.single:
            frame_span(wish.start_s, wish.end_s, exact_rate(wish.fps))
        if wish.path in self.queue.targets():
            raise StudioError(f"{wish.path.name} is the name of an export in the queue; choose another one.")

    def _free(self, path: Path) -> Path:
        """The path, or one with a number, that neither the disk nor the queue has."""
        taken, number, free = self.queue.targets(), 2, path
        while free.exists() or free in taken:
            free = path.with_name(f"{path.stem} {number}{path.suffix}")
            number += 1
        return free

    def _add(self, snapshot: Snapshot, wish: ExportWish, start: bool) -> None:
        self._last = wish
        self._studio.files.folder = wish.path.parent
        self.queue.add(wish, snapshot.project, partial(run_export, snapshot), start=start)
        session = self._studio.session
        if session.read_only is None:
            new = remembering(session.project, wish).export

            def change(project: Project) -> Project:
                """The same in every state of the history; the background stays each one's own."""
                return project.replace(export=replace(new, background=project.export.background))

            session.history.amend("Export settings", change)
        self.show_queue()

    # ---- the queue ----

    def show_queue(self) -> None:
        """Open the queue's window, or bring it to the front."""
        self.window.show()
        self.window.raise_()
        self.window.activateWindow()

    def _do(self, job: Job, action: str) -> None:
        if action == "reveal":
            if not reveal.show_in_folder(job.wish.path):
                self._studio.fail(f"{job.wish.path} is no longer there.")
        elif action == "command":
            self.copy_command(job)

    def copy_command(self, job: Job) -> None:
        """Put the command that makes the same file into the clipboard; it needs the job's project as a file."""
        project = self._saved_project(job)
        if project is not None:
            QGuiApplication.clipboard().setText(command_line(job.wish, project))
            self._studio.say(f"Copied the command line for {job.wish.path.name}")

    def _saved_project(self, job: Job) -> Path | None:
        """A file that holds the job's project; None when the user does not want one."""
        session = self._studio.session
        saved = session.history.saved
        if session.path is not None and saved is not None and remembering(saved, job.wish) == job.remembered:
            return session.path
        if job.project_path is not None and job.project_path.is_file():
            return job.project_path
        path = self._free(job.wish.path.with_name(job.wish.path.stem + SUFFIX))
        if not self._studio.dialogs.confirm(
            self.window,
            "The command line needs this export's project as a file.",
            f"It holds the project as it was when you added the export, and is saved as {path}.",
            "Save and copy",
        ):
            return None
        try:
            save_project(job.project.editable(), path)
        except StudioError as error:
            self._studio.fail(str(error))
            return None
        job.project_path = path
        return path

    def _finished(self, job: Job) -> None:
        if job.state is State.DONE:
            self._studio.say(f"Exported {job.wish.path}")
        elif job.state is State.FAILED:
            self._studio.banner.tell(job.error, "error", action=("Show queue", self.show_queue))

    def _show_badge(self) -> None:
        running = self.queue.running
        self.badge.setVisible(self.queue.pending > 0)
        if running is not None:
            progress = running.progress
            share = "" if progress is None else f" {100 * progress.frames // progress.total} %"
            self.badge.setText(f"Exporting{share}  ·  {queue_status(self.queue)}")

    # ---- the end ----

    def may_close(self) -> bool:
        """Whether the window may be closed; asks while exports run or wait."""
        pending = self.queue.pending
        if not pending:
            return True
        text = "An export is not finished." if pending == 1 else f"{pending} exports are not finished."
        detail = "Closing the studio stops what is being written; nothing half-made stays behind."
        return self._studio.dialogs.confirm(self._studio.window, text, detail, "Stop and close")

    def close(self) -> None:
        """Cancel what runs and wait for the frame in hand."""
        self.queue.close()
        self.window.close()
