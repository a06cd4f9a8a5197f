"""The export job of the studio: what is seen, handed to the engine's exporter."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from studio.document.model import Project
from studio.engine.camera import Camera
from studio.engine.scene import Scene
from studio.widgets.export_dialog import ExportJob, ExportWish, Progress
from studio.widgets.session import Clip

if TYPE_CHECKING:
    from studio.engine.avatar import Avatar
    from studio.engine.export import ExportReport


def export_job(avatar: Avatar, clip: Clip, project: Project, camera: Camera) -> ExportJob:
    """A job for a worker thread; everything it holds is immutable, so editing may go on.

    Args:
        avatar: who is drawn.
        clip: what is heard; speech features that are not there yet are made first.
        project: performance and background.
        camera: the view, any size.
    """

    def run(wish: ExportWish, progress: Progress, cancelled: Callable[[], bool]) -> ExportReport:
        from studio.engine.export import export_video
        from studio.engine.renderer import Renderer
        from studio.engine.speech.audio import Audio
        from studio.engine.speech.features import extract_features

        audio = Audio(clip.samples, clip.rate_hz)
        features = clip.features if clip.features is not None else extract_features(audio)
        return export_video(
            Renderer(avatar),
            Scene(features, project.performance),
            audio,
            wish.path,
            fps=wish.fps,
            size=(wish.width, wish.height),
            start_s=wish.start_s,
            end_s=wish.end_s,
            camera=camera,
            background=project.export.background,
            progress=progress,
            cancelled=cancelled,
        )

    return run
