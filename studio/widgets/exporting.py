"""Export from the window: what is seen and heard now, handed to the engine's exporter."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from studio.document.model import Project
from studio.document.performance import CameraView
from studio.engine.scene import Scene
from studio.widgets.camera_controller import CameraController
from studio.widgets.export_dialog import ExportDialog, ExportJob, ExportOffer, ExportWish, Progress
from studio.widgets.session import Clip, Session

if TYPE_CHECKING:
    from studio.engine.avatar import Avatar
    from studio.engine.export import ExportReport


def export_job(avatar: Avatar, clip: Clip, project: Project, view: CameraView) -> ExportJob:
    """A job for a worker thread; everything it holds is immutable, so editing may go on.

    Args:
        avatar: who is drawn.
        clip: what is heard; speech features that are not there yet are made first.
        project: performance and background.
        view: what is shown while the project dictates no camera.
    """

    def run(wish: ExportWish, progress: Progress, cancelled: Callable[[], bool]) -> ExportReport:
        from studio.engine.backdrop import background_of
        from studio.engine.export import export_clip
        from studio.engine.renderer import Renderer
        from studio.engine.speech.audio import Audio
        from studio.engine.speech.features import extract_features

        audio = Audio(clip.samples, clip.rate_hz)
        subject = avatar.subject
        features = clip.features if clip.features is not None else extract_features(audio)
        return export_clip(
            Renderer(avatar),
            Scene(features, project.performance),
            audio,
            wish.path,
            fps=wish.fps,
            size=(wish.width, wish.height),
            start_s=wish.start_s,
            end_s=wish.end_s,
            camera=lambda time_s: subject.camera(project.camera(time_s) or view),
            background=background_of(project),
            progress=progress,
            cancelled=cancelled,
        )

    return run


class Exports(QObject):
    """Opens the export dialog, one at a time.

    Attributes:
        dialog: the newest dialog, None before the first.
    """

    said = Signal(str)
    """For the status line."""

    failed = Signal(str)
    """One sentence: why there is nothing to export."""

    def __init__(self, session: Session, controller: CameraController, window: QWidget) -> None:
        super().__init__(window)
        self._session, self._controller, self._window = session, controller, window
        self.dialog: ExportDialog | None = None

    def show(self, folder: Path) -> None:
        """Offer to export what is seen, into `folder` unless the user says otherwise."""
        clip, ready = self._session.clip, self._session.avatar
        if self.dialog is not None and self.dialog.isVisible():
            self.dialog.raise_()
            return
        if clip is None or ready is None:
            self.failed.emit("There is nothing to export yet; open an avatar and a speech clip first.")
            return
        project, path = self._session.project, self._session.path
        name = path.stem if path is not None else Path(clip.media.name).stem
        offer = ExportOffer(
            folder / f"{name}.mp4",
            project.export.width_px,
            project.export.height_px,
            project.export.fps or project.fps,
            clip.duration_s,
            self._session.range_s if project.export.only_range else None,
        )
        job = export_job(ready.avatar, clip, project, self._controller.view)
        if self.dialog is not None:
            self.dialog.deleteLater()
        self.dialog = ExportDialog(offer, job, self._window)
        self.dialog.finished_export.connect(lambda report: self.said.emit(f"Exported {report.path}"))
        self.dialog.failed.connect(self.said)
        self.dialog.show()

    def close(self) -> None:
        """Cancel what runs and wait for the frame in hand."""
        if self.dialog is not None:
            self.dialog.shut_down()
