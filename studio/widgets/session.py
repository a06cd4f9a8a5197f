"""What is open: the project with its history, the speech clip and the avatar that belong to it.

Widgets ask the session for changes and are told when something changed. The project is the truth: media are loaded
because the project names them, also after undo. Lives in the main thread; slow work runs in its worker.
"""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from studio.document.action_units import AU_KEYS
from studio.document.commands import Event, Gesture, History
from studio.document.fingerprint import Fingerprint
from studio.document.journal import Recovery
from studio.document.model import Media, Project, SoundEdit
from studio.document.project import SUFFIX, load_project, save_project
from studio.errors import StudioError
from studio.playback.engine_thread import AvatarReady
from studio.widgets.bridge import Worker
from studio.widgets.names import CHANNEL_NAMES
from studio.widgets.sound_clip import Clip, edited_clip, load_source, same_file, with_features
from studio.widgets.voice.takes import brought_beside


class Session(QObject):
    """The open project. Every change goes through `history`.

    Attributes:
        path: the project's file, None for one never saved.
        recovered: the recovery that the project came from, until it is saved.
        on_disk: what its file was when it was opened or saved here.
        read_only: why the project must not be saved over its file; None as a rule.
    """

    changed = Signal(Event)
    """The project changed, in the middle of a gesture too."""

    to_draw = Signal(Event)
    """The same a moment earlier: the engine begins to draw, and the window follows meanwhile."""

    clip_changed = Signal(object)
    """Another `Clip`, or None; also when its speech features arrive (same media)."""

    avatar_changed = Signal(object)
    """The `AvatarReady` that draws from now on."""

    title_changed = Signal()
    """The project's file or its unsaved state changed."""

    busy_changed = Signal(str)
    """What is going on in the background, empty when nothing is."""

    failed = Signal(str)
    """One sentence about something that did not work."""

    opened = Signal(object)
    """A project was opened from this path."""

    saved = Signal(object)
    """The project was saved to this path."""

    media_missing = Signal()
    """A medium of the project is not where it should be, or is not to be opened unasked."""

    avatar_wanted = Signal(object)
    """The engine shall load this file (None: the shipped avatar)."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.history = History()
        self.path: Path | None = None
        self.recovered: Recovery | None = None
        self.on_disk: Fingerprint | None = None
        self.read_only: str | None = None
        self.clip: Clip | None = None
        self.avatar: AvatarReady | None = None
        self._worker = Worker("opening", self)
        self._head = threading.Event()  # speech may be opened
        self._head.set()
        self._gesture: Gesture | None = None
        self._clip_wanted: tuple[Media, SoundEdit] | None = None
        self._avatar_wanted: Media | None = None
        self._avatar_asked = False
        self._choosing_avatar: Media | None = None
        self.history.subscribe(self._on_event)

    @property
    def project(self) -> Project:
        """The project as it is now."""
        return self.history.project

    @property
    def duration_s(self) -> float:
        """Length of what plays, seconds."""
        return self.clip.duration_s if self.clip is not None else 0.0

    @property
    def title(self) -> str:
        """Name of the project, for windows and file names."""
        if self.path is not None:
            return self.path.stem
        return self.recovered.name if self.recovered is not None else "Untitled"

    @property
    def state(self) -> str:
        """What is special about the project, for the window's title; empty as a rule."""
        if self.read_only:
            return "read-only"
        return "recovered" if self.recovered is not None else ""

    def close(self) -> None:
        """End the worker."""
        self._head.set()
        self._worker.close()

    def head_first(self) -> None:
        """Open no speech before `head_is_there`: at the start of the studio, the avatar is what is waited for."""
        self._head.clear()

    def head_is_there(self) -> None:
        """Open the speech that has waited."""
        self._head.set()

    # ---- editing ----

    def begin(self, label: str) -> None:
        """A gesture begins (mouse press)."""
        self._gesture = self.history.begin(label)

    def commit(self) -> None:
        """The gesture ends (mouse release) as one entry of the history."""
        if self._gesture is not None and self._gesture.active:
            self._gesture.commit()
        self._gesture = None

    def cancel(self) -> None:
        """What the gesture in progress has changed is taken back (Escape)."""
        if self.history.gesture is not None:
            self.history.gesture.cancel()

    def change(self, label: str, project: Project) -> None:
        """A step of the gesture in progress, or an entry of its own."""
        if self._gesture is not None and self._gesture.active:
            self._gesture.update(project)
        else:
            self.history.apply(label, project)

    def hold(self, key: str, intensity: float | None) -> None:
        """Hold an action unit at an intensity 0–5; None lets go of it."""
        verb = "Reset" if intensity is None else "Set"
        project = self.project.perform(lambda performance: performance.with_held(key, intensity))
        self.change(f"{verb} {CHANNEL_NAMES[key]}", project)

    def reset_all(self) -> None:
        """Let go of every action unit."""
        performance = self.project.performance
        for key in AU_KEYS:
            performance = performance.with_held(key, None)
        self.history.apply("Reset all action units", self.project.replace(performance=performance))

    @property
    def held(self) -> frozenset[str]:
        """Action units that a slider holds."""
        lanes = self.project.performance.lanes
        return frozenset(lane.target for lane in lanes if lane.held is not None and not lane.keyed)

    def set_range(self, range_s: tuple[float, float] | None) -> None:
        """Mark what loops and what an export offers first, seconds."""
        first, past = range_s if range_s is not None and range_s[1] > range_s[0] else (None, None)
        self.change("Mark range" if range_s else "Clear range", self.project.replace(in_s=first, out_s=past))

    @property
    def range_s(self) -> tuple[float, float] | None:
        """The marked range within the clip, None without one."""
        project = self.project
        if project.in_s is None and project.out_s is None:
            return None
        first, past = project.in_s or 0.0, project.out_s if project.out_s is not None else self.duration_s
        first, past = min(first, self.duration_s), min(past, self.duration_s)
        return (first, past) if past > first else None

    def set_sound(self, label: str, edit: SoundEdit) -> None:
        """Trim, move or turn up the sound; the file and all curves stay."""
        self.change(label, self.project.replace(sound=edit))

    def set_loop(self, loop: bool) -> None:
        """Repeat the range or not."""
        self.history.apply("Loop on" if loop else "Loop off", self.project.replace(loop=loop))

    def undo(self) -> None:
        """Take back the last entry, or the gesture in progress."""
        self.history.undo()

    def redo(self) -> None:
        """Do the next entry again."""
        self.history.redo()

    # ---- opening and saving ----

    def new(self) -> None:
        """An empty project with the shipped avatar."""
        self._reset(Project(), None)

    def open_unsaved(self, project: Project) -> None:
        """A project without a file: the sample."""
        self._reset(project, None)

    def start_with(self, speech: Path | None, avatar: Path | None = None) -> None:
        """The first project of a run: an avatar (None: the shipped one) and a clip, nothing to save yet."""
        shipped = avatar is not None and avatar.name == str(avatar) and not avatar.suffix
        media = None if avatar is None else Media.named(str(avatar)) if shipped else Media(str(avatar))
        project = Project(avatar=media)
        self._reset(replace(project, audio=None if speech is None else Media(str(speech))), None)

    def open_project(self, path: Path) -> None:
        """Open a project file; a failure leaves everything as it is."""
        try:
            self.load(path)
        except StudioError as error:
            self.failed.emit(str(error))

    def load(self, path: Path) -> None:
        """Open a project file. Raises StudioError, and everything is as before."""
        on_disk = Fingerprint.of(path)
        project = load_project(path)
        self._reset(project, path, on_disk=on_disk)
        self.opened.emit(path)

    def recover(self, recovery: Recovery, project: Project) -> None:
        """Go on with what a session left that ended before saving: all of it counts as unsaved."""
        path = recovery.project_path
        on_disk = None
        if path is not None and not _newer(path, recovery.started_s):
            on_disk = Fingerprint.of(path)
        self._reset(project, path, saved=False, recovered=recovery, on_disk=on_disk)

    def restore(self, project: Project, path: Path) -> None:
        """Go on with an earlier version of a file that cannot be read itself; saving replaces that."""
        self._reset(project, path, saved=False, on_disk=Fingerprint.of(path))

    def _reset(
        self,
        project: Project,
        path: Path | None,
        *,
        saved: bool = True,
        recovered: Recovery | None = None,
        on_disk: Fingerprint | None = None,
    ) -> None:
        self.path, self.recovered, self.on_disk, self.read_only = path, recovered, on_disk, project.read_only
        self.history.reset(project, saved=saved)

    @property
    def changed_on_disk(self) -> bool:
        """Whether somebody else has changed the project's file since it was opened or saved here."""
        if self.path is None or not self.path.exists():
            return False
        return self.on_disk is None or not self.on_disk.holds(self.path)

    def write(self, path: Path) -> None:
        """Save.

        Raises:
            StudioError: one sentence; the project is as before, and so is the file.
        """
        path = path if path.suffix == SUFFIX else path.with_name(path.name + SUFFIX)
        if self.read_only and path == self.path:
            raise StudioError(f"{path.name} is not saved over because {self.read_only}; save it under another name.")
        project = brought_beside(self.project, path)
        save_project(project.editable(), path)
        if project is not self.project:
            self.history.apply("Bring the recording beside the project", project)
        self.on_disk = Fingerprint.of(path)
        self.path, self.recovered, self.read_only = path, None, None
        self.history.mark_saved()
        self.saved.emit(path)

    def open_speech(self, path: Path, label: str = "") -> None:
        """Open a sound; it enters the project, as an entry of that label, when it has proved to be one."""
        self._busy(f"Opening {path.name}…")
        self._worker.run(
            lambda: edited_clip(load_source(Media.file(path)), SoundEdit()),
            lambda clip: self._speech_chosen(clip, label or f"Open speech {path.name}"),
            self._opening_failed,
        )

    def open_avatar(self, path: Path) -> None:
        """Open an avatar; it enters the project when it has proved to be one."""
        self._choosing_avatar = Media(str(path))
        self._busy(f"Opening {path.name}…")
        self.avatar_wanted.emit(path)

    def avatar_ready(self, ready: AvatarReady) -> None:
        """The engine draws another avatar now."""
        self.avatar = ready
        self._busy("")
        chosen, self._choosing_avatar = self._choosing_avatar, None
        if chosen is not None and ready.path is not None and str(ready.path) == chosen.path:
            self._avatar_wanted = chosen
            self.history.apply(f"Open avatar {chosen.name}", self.project.replace(avatar=chosen))
        self.avatar_changed.emit(ready)

    def avatar_failed(self, text: str) -> None:
        """The engine could not load what was wanted; the avatar before goes on."""
        self._choosing_avatar = None
        self._opening_failed(text)

    # ---- following the project ----

    def _on_event(self, event: Event) -> None:
        if self._gesture is not None and not self._gesture.active:
            self._gesture = None
        self._follow_media()
        self.to_draw.emit(event)
        self.changed.emit(event)
        if event.cause != "step":
            self.title_changed.emit()

    def _follow_media(self) -> None:
        """Load what the project names, if it is not what is open."""
        project = self.project
        wanted = None if project.audio is None else (project.audio, project.sound)
        if wanted != self._clip_wanted and not (self._gesture is not None and self._gesture.active):
            self._clip_wanted = wanted
            if wanted is None:
                self._set_clip(None)
            elif self.clip is not None and same_file(self.clip.media, wanted[0]):
                source, edit = replace(self.clip.source, media=wanted[0]), wanted[1]
                self._worker.run(lambda: edited_clip(source, edit), self._clip_loaded, self._opening_failed)
            else:
                media, edit = wanted
                self._busy(f"Opening {media.name}…")
                self._worker.run(
                    lambda: self._head.wait() and edited_clip(load_source(media), edit),
                    self._clip_loaded,
                    lambda text: self.media_failed(media, text),
                )
        if not self._avatar_asked or project.avatar != self._avatar_wanted:
            self._avatar_asked, self._avatar_wanted = True, project.avatar
            self._want_avatar(project.avatar)

    def _want_avatar(self, media: Media | None) -> None:
        self._busy("Loading the avatar…")
        if media is None or not self._is_lost(media):
            self.avatar_wanted.emit(None if media is None else Path(media.location()))
            return
        self.media_failed(media, "")
        if self.avatar is None:
            self.avatar_wanted.emit(None)  # rather the shipped head than none

    def media_failed(self, media: Media, text: str) -> None:
        """A medium of the project was not opened: ask where it is, or say what is wrong with it."""
        if self._is_lost(media):
            self._busy("")
            self.media_missing.emit()
        else:
            self._opening_failed(text)

    def _is_lost(self, media: Media) -> bool:
        """Whether a medium of a project file is not there, or not to be opened before the user has confirmed it."""
        if media.shipped or (media.trusted and os.path.isfile(media.path)):
            return False
        return not media.trusted or self.path is not None or self.recovered is not None

    def _speech_chosen(self, clip: Clip, label: str) -> None:
        self._clip_wanted = (clip.media, clip.edit)
        project = self.project.replace(audio=clip.media, sound=clip.edit)  # cuts of another file mean nothing in it
        self.history.apply(label, project)
        self._clip_loaded(clip)

    def _clip_loaded(self, clip: Clip) -> None:
        if (clip.media, clip.edit) != self._clip_wanted:
            return  # the user went on to something else
        before = self.clip
        louder = before is not None and replace(before.edit, gain_db=clip.edit.gain_db) == clip.edit
        if before is not None and same_file(before.media, clip.media) and louder:
            clip = replace(clip, features=before.features)  # nearly what the new ones will be
        self._set_clip(clip)
        self._busy("Listening to the speech…")
        self._worker.run(lambda: with_features(clip), self._features_ready, self._opening_failed)

    def _features_ready(self, clip: Clip) -> None:
        if (clip.media, clip.edit) == self._clip_wanted:
            self._busy("")
            self._set_clip(clip)

    def _set_clip(self, clip: Clip | None) -> None:
        self.clip = clip
        self.clip_changed.emit(clip)

    def _opening_failed(self, text: str) -> None:
        self._busy("")
        self.failed.emit(text)

    def _busy(self, text: str) -> None:
        self.busy_changed.emit(text)


def _newer(path: Path, moment_s: float) -> bool:
    """Whether a file was written after a moment (seconds since 1970); two seconds are left to clocks that differ."""
    try:
        return path.stat().st_mtime > moment_s + 2.0
    except OSError:
        return False
