"""One export as the queue holds it: what is asked for, and an immutable snapshot of what it is asked of."""

from __future__ import annotations

import shlex
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from studio.document.model import Project
from studio.document.performance import CameraView
from studio.engine.formats import BY_ID, Format
from studio.engine.scene import Scene
from studio.widgets.sound_clip import Clip

if TYPE_CHECKING:
    from studio.engine.avatar import Avatar
    from studio.engine.export import ExportProgress, ExportReport


@dataclass(frozen=True)
class ExportWish:
    """What the user asked for."""

    path: Path
    width: int
    height: int
    fps: float
    start_s: float  # the moment, for a format of one frame
    end_s: float
    form: str = "mp4"  # id in `formats.FORMATS`
    alpha: bool = False
    view: CameraView | None = None  # None is the project's keyed camera
    camera_name: str = ""  # for people: what `view` is

    @property
    def format(self) -> Format:
        """The format of that id."""
        return BY_ID[self.form]


@dataclass(frozen=True)
class Snapshot:
    """Everything an export needs, as it was when it was asked for; editing goes on without touching it."""

    avatar: Avatar
    clip: Clip
    project: Project


Progress = Callable[["ExportProgress"], None]


def run_export(snapshot: Snapshot, wish: ExportWish, progress: Progress, cancelled: Callable[[], bool]) -> ExportReport:
    """Export in the calling thread, with a renderer of its own.

    Raises:
        StudioError: if it cannot be written; ExportCancelledError when `cancelled` said so.
    """
    from studio.engine.backdrop import background_of
    from studio.engine.export import export_clip
    from studio.engine.renderer import Renderer
    from studio.engine.speech.features import extract_features
    from studio.engine.speech.project_sound import edited, project_audio

    clip, project = snapshot.clip, snapshot.project
    same = clip.media == project.audio  # otherwise the window was still opening what the project names
    audio = edited(clip.source.audio, project.sound) if same else project_audio(project)
    features = clip.features if same and clip.edit == project.sound else None
    if features is None and audio is not None:
        features = extract_features(audio)
    subject = snapshot.avatar.subject
    backed = wish.format.content != "splats" and not wish.alpha
    return export_clip(
        Renderer(snapshot.avatar),
        Scene(features, project.performance),
        audio,
        wish.path,
        form=wish.form,
        fps=wish.fps,
        size=(wish.width, wish.height),
        start_s=wish.start_s,
        end_s=wish.end_s,
        camera=lambda time_s: subject.camera(wish.view or project.camera(time_s) or CameraView()),
        background=background_of(project) if backed else None,
        alpha=wish.alpha,
        progress=progress,
        cancelled=cancelled,
    )


def remembering(project: Project, wish: ExportWish) -> Project:
    """The project that offers the size, rate and range of a wish the next time.

    The rate and the range belong to a clip, so one picture leaves them; so does a range that is neither the marked one
    nor the whole. The background is the viewport's own, and transparency the format's.
    """
    export = project.export
    if wish.format.content != "splats":
        export = replace(export, width_px=wish.width, height_px=wish.height)
    if not wish.format.single:
        export = replace(export, fps=None if wish.fps == project.fps else wish.fps)
        if project.in_s is not None or project.out_s is not None:
            first, past = project.in_s or 0.0, project.out_s
            if _near(wish.start_s, first) and (past is None or _near(wish.end_s, past)):
                export = replace(export, only_range=True)
            elif _near(wish.start_s, 0.0) and (past is None or wish.end_s > past):
                export = replace(export, only_range=False)
    return project if export == project.export else project.replace(export=export)


def _near(one_s: float, other_s: float) -> bool:
    return abs(one_s - other_s) < 0.006  # the dialog's fields show hundredths


class State(Enum):
    """Where a job stands."""

    HELD = "Not started"
    WAITING = "Waiting"
    RUNNING = "Running"
    DONE = "Done"
    FAILED = "Failed"
    STOPPED = "Stopped"


Runner = Callable[[ExportWish, Progress, Callable[[], bool]], "ExportReport"]
"""Runs in a worker thread; raises StudioError, also when cancelled."""


@dataclass(eq=False)
class Job:
    """One line of the queue; changed by `ExportQueue` alone, in the main thread."""

    id: int
    wish: ExportWish
    project: Project  # the snapshot's, for the command line
    run: Runner
    project_path: Path | None = None  # a file that holds exactly that project, once there is one
    state: State = State.HELD
    progress: ExportProgress | None = None
    report: ExportReport | None = None
    error: str = ""
    cancel: threading.Event = field(default_factory=threading.Event)

    @property
    def remembered(self) -> Project:
        """Its project with the settings of this export, by which projects that differ only in these are the same."""
        return remembering(self.project, self.wish)

    @property
    def finished(self) -> bool:
        """Whether it will not run again by itself."""
        return self.state in (State.DONE, State.FAILED, State.STOPPED)

    @property
    def pending(self) -> bool:
        """Whether it runs or will run."""
        return self.state in (State.WAITING, State.RUNNING)

    @property
    def weight(self) -> float:
        """How much work it is, in pixels drawn; Gaussians count as a small picture each."""
        wish = self.wish
        frames = 1 if wish.format.single else max(1.0, (wish.end_s - wish.start_s) * wish.fps)
        return frames * (256 * 256 if wish.format.content == "splats" else wish.width * wish.height)


def command_line(wish: ExportWish, project: Path) -> str:
    """The words for a shell that make the same file out of a saved project.

    Args:
        wish: what is exported.
        project: a file that holds the job's project.
    """
    form = wish.format
    words = ["emozone", "export", str(project), "-o", str(wish.path)]
    if form.folder:
        words.append("--png" if form.content == "pictures" else "--ply")
    if form.single:
        words += ["--frame", _number(wish.start_s)]
    else:
        words += ["--fps", _number(wish.fps), "--start", _number(wish.start_s), "--end", _number(wish.end_s)]
    if form.content != "splats":
        words += ["--size", f"{wish.width}x{wish.height}"]
        if wish.view is not None:
            words.append(f"--camera={_camera(wish.view)}")
        if wish.alpha:
            words.append("--alpha")
        elif form.content == "pictures":
            words.append("--no-alpha")
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)


def _camera(view: CameraView) -> str:
    distance = "auto" if view.distance is None else _number(view.distance)
    parts = [_number(view.yaw_deg), _number(view.pitch_deg), distance]
    if any(view.offset_m):
        parts += [_number(metres) for metres in view.offset_m]
    elif view.distance is None:
        parts.pop()
    return ",".join(parts)


def _number(value: float) -> str:
    """Every digit that matters: what is read back is the same number."""
    return repr(float(value)).removesuffix(".0")
