"""The main window: puts viewport, sliders, timeline and transport together and connects them to the session."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from PySide6.QtCore import QSettings, Qt, QTimer
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import QFrame, QMainWindow, QPushButton, QSplitter, QToolButton, QVBoxLayout, QWidget

from studio.document.commands import Event
from studio.playback.device import AudioOutput
from studio.playback.engine_thread import AvatarReady, Renderer
from studio.playback.player import State
from studio.widgets import theme
from studio.widgets.actions import Actions
from studio.widgets.au_panel import AuPanel
from studio.widgets.camera_controller import VIEWS
from studio.widgets.clip_sound import ClipSound
from studio.widgets.context import Studio
from studio.widgets.dialogs import Dialogs, SystemDialogs
from studio.widgets.driver import PlaybackDriver
from studio.widgets.drop_hint import DropHint
from studio.widgets.files import Files
from studio.widgets.inspector import Inspector
from studio.widgets.layout import Layout
from studio.widgets.menus import Menus
from studio.widgets.messages import Banner
from studio.widgets.parts import PARTS
from studio.widgets.presenters import Kind as PresenterKind
from studio.widgets.session import Session
from studio.widgets.shuttle import Shuttle
from studio.widgets.sound_clip import Clip
from studio.widgets.status_line import StatusLine
from studio.widgets.timeline.timeline import Timeline
from studio.widgets.transport import TransportBar
from studio.widgets.viewport import Viewport

log = logging.getLogger(__name__)

LOADING = "Loading"
"""What the viewport says until the first picture."""

FOLLOW_MS = 40
"""Sliders follow the curves at the project's usual rate; faster is not seen."""


class MainWindow(QMainWindow):
    """The studio's window.

    Args:
        output: where sound goes until `use_output` is called.
        load: makes the renderer of an avatar in the engine's thread.
        dialogs: asks the user; replaced in tests.
        presenter: how pictures get onto the screen.
        settings: remembers the window's layout; None remembers nothing.
    """

    def __init__(
        self,
        output: AudioOutput,
        load: Callable[[Path | None], Renderer],
        *,
        dialogs: Dialogs | None = None,
        presenter: PresenterKind = "auto",
        settings: QSettings | None = None,
    ) -> None:
        super().__init__()
        self.setAcceptDrops(True)
        self.settings = settings
        self.session = Session(self)
        self._dialogs = dialogs or SystemDialogs()
        self.files = Files(self.session, self._dialogs, self)
        self.driver = PlaybackDriver(output, load, self)
        self.actions_ = Actions(self)
        self.viewport = Viewport(presenter)
        self.driver.show.direct = self.viewport.presenter.direct
        self.panel = AuPanel()
        self.inspector = Inspector()
        self.shuttle = Shuttle(self.driver, self)
        self.timeline = Timeline(self.session, self.driver, self.actions_, self._dialogs)
        self.transport = TransportBar(self.actions_)
        self.banner = Banner()
        self.status = StatusLine()
        self.clip_sound = ClipSound(self.driver, self)
        self._last_volume = 1.0
        self._closed = False
        self._follow = QTimer(self)
        self._follow.setInterval(FOLLOW_MS)
        self._follow.timeout.connect(self._show_values)
        self._build()
        self._connect()
        self.parts = self._make_parts()
        self.viewport.overlay.say(LOADING, "The head appears in a moment.")
        self._show_title()
        self.layout_ = Layout(self, self._top, self._split, settings)
        self.actions_.connect({"view.reset_layout": self.layout_.reset})
        self.layout_.restore()
        self.viewport.setFocus(Qt.FocusReason.OtherFocusReason)

    # ---- building ----

    def _build(self) -> None:
        export = self.export_button = QPushButton("Export", self.menuBar())
        export.setObjectName("primary")
        export.setToolTip(self.actions_["export.video"].toolTip())
        export.clicked.connect(self.actions_["export.video"].trigger)
        export.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.menuBar().setCornerWidget(export, Qt.Corner.TopRightCorner)
        reset = QToolButton()
        reset.setDefaultAction(self.actions_["edit.reset_all"])
        self.actions_["edit.reset_all"].setIconText("Reset all")
        reset.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.inspector.add_page("Face", self.panel, corner=reset, tip="The action units of the face")
        stage = QWidget()
        column = QVBoxLayout(stage)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.banner)
        column.addWidget(self.viewport, 1)
        bottom = QFrame()
        bottom.setObjectName("timeline_pane")
        column = QVBoxLayout(bottom)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.timeline, 1)
        column.addWidget(self.transport)
        self._split = QSplitter(Qt.Orientation.Vertical)
        self._split.addWidget(stage)
        self._split.addWidget(bottom)
        self._split.setStretchFactor(0, 3)
        self._split.setStretchFactor(1, 2)
        self._split.setCollapsible(0, False)
        self._split.setCollapsible(1, False)
        top = QSplitter(Qt.Orientation.Horizontal)
        top.addWidget(self._split)
        top.addWidget(self.inspector)
        top.setStretchFactor(0, 1)
        top.setCollapsible(0, False)
        self._top = top
        self.setCentralWidget(top)
        self.statusBar().setSizeGripEnabled(False)
        self.statusBar().addWidget(self.status, 1)
        self.drop_hint = DropHint(self)

    def _make_parts(self) -> tuple[object, ...]:
        """Everything that is not in this module; see `parts`."""
        studio = Studio(
            window=self,
            session=self.session,
            driver=self.driver,
            clip_sound=self.clip_sound,
            actions=self.actions_,
            menus=Menus(self.menuBar(), self.actions_),
            files=self.files,
            dialogs=self._dialogs,
            viewport=self.viewport,
            timeline=self.timeline,
            transport=self.transport,
            inspector=self.inspector,
            panel=self.panel,
            banner=self.banner,
            settings=self.settings,
            say=self.status.setText,
            fail=self._failed,
        )
        return tuple(make(studio) for make in PARTS)

    def _connect(self) -> None:
        session, driver, actions = self.session, self.driver, self.actions_
        actions.connect(
            {
                "project.new": self.files.new_project,
                "project.open": partial(self.files.ask, "project"),
                "project.save": self.files.save,
                "project.save_as": self.files.save_as,
                "speech.open": partial(self.files.ask, "speech"),
                "avatar.open": partial(self.files.ask, "avatar"),
                "app.quit": self.close,
                "edit.undo": session.undo,
                "edit.redo": session.redo,
                "edit.reset_all": session.reset_all,
                "face.find": self._find,
                "view.reframe": self.viewport.reframe,
                **{f"view.{name}": partial(self.viewport.look, name) for name in VIEWS},
                "play.toggle": driver.toggle,
                "play.start": driver.to_start,
                "play.end": lambda: driver.seek(driver.player.duration_s),
                "play.previous": lambda: driver.step(-1),
                "play.next": lambda: driver.step(1),
                "play.back_second": lambda: driver.scrub(driver.player.position_s - 1.0),
                "play.on_second": lambda: driver.scrub(driver.player.position_s + 1.0),
                "play.backwards": self.shuttle.back,
                "play.stop": self._stop_or_key,
                "play.forwards": self.shuttle.forward,
                "play.loop": lambda: session.set_loop(actions["play.loop"].isChecked()),
                "play.mark_in": partial(self._mark, 0),
                "play.mark_out": partial(self._mark, 1),
                "play.clear_range": lambda: session.set_range(None),
                "play.mute": self._apply_volume,
            }
        )
        self.timeline.serve(self.panel)
        self.timeline.message.connect(self.status.setText)
        self.transport.volume_changed.connect(self._volume_changed)
        self.viewport.view_changed.connect(self._view_changed)
        self.viewport.presented.connect(driver.presented)
        self.viewport.card_drawn.connect(driver.show.drawn)
        self.viewport.card_failed.connect(self._card_failed)
        session.changed.connect(self._project_changed)
        session.clip_changed.connect(self._clip_changed)
        session.avatar_changed.connect(self._avatar_changed)
        session.title_changed.connect(self._show_title)
        session.busy_changed.connect(self.status.busy)
        session.failed.connect(self._failed)
        session.avatar_wanted.connect(driver.load_avatar)
        self.files.opening.connect(lambda name: self.timeline.set_busy(f"Opening {name}…"))
        self.files.said.connect(self.status.setText)
        driver.avatar_ready.connect(session.avatar_ready)
        driver.avatar_failed.connect(self._avatar_failed)
        driver.failed.connect(self._engine_failed)
        driver.picture_ready.connect(self.viewport.show_result)
        driver.position_changed.connect(self._show_position)
        driver.state_changed.connect(self._state_changed)
        driver.pace_changed.connect(self.transport.show_pace)
        driver.notice.connect(self.banner.tell)
        self.clip_sound.changed.connect(lambda: driver.set_loop(session.project.loop, session.range_s))

    # ---- from the session ----

    def _project_changed(self, event: Event) -> None:
        project, history = event.project, self.session.history
        if project.audio is not None and (self.session.clip is None or self.session.clip.media != project.audio):
            self.timeline.set_busy(f"Opening {project.audio.name}…")
        self.driver.set_loop(project.loop, self.session.range_s)
        self.actions_["play.loop"].setChecked(project.loop)
        for action_id, verb, label in (
            ("edit.undo", "Undo", history.undo_label),
            ("edit.redo", "Redo", history.redo_label),
        ):
            self.actions_[action_id].setText(f"{verb} {label.replace('&', '&&')}" if label else verb)
            self.actions_[action_id].setEnabled(label is not None or history.gesture is not None)
        self._show_values()

    def _clip_changed(self, clip: Clip | None) -> None:
        self.clip_sound.set_clip(clip)

    def use_output(self, output: AudioOutput) -> None:
        """Sound goes there from now on."""
        self.clip_sound.use_output(output)

    def _avatar_changed(self, ready: AvatarReady) -> None:
        self.viewport.controller.subject = ready.avatar.subject
        self.panel.show_avatar(ready.avatar.info)
        self._view_changed(False)

    def _avatar_failed(self, text: str) -> None:
        self.session.avatar_failed(text)
        if self.session.avatar is None:
            self.viewport.overlay.say("No avatar", "Open one with File › Open avatar, or drop a file here.")

    def _engine_failed(self, text: str) -> None:
        self.banner.tell(text, "error")
        self.status.fail(text)

    def _card_failed(self, reason: str) -> None:
        self.driver.show.direct = False
        self.driver.refresh()
        self.banner.tell(f"The graphics card cannot draw the head ({reason}); the processor goes on.")

    def _failed(self, text: str) -> None:
        self.status.fail(text)
        self.timeline.set_busy("")
        self._dialogs.error(self, text)

    def _show_title(self) -> None:
        state = f" ({self.session.state})" if self.session.state else ""
        self.setWindowTitle(f"{self.session.title}[*]{state} – EmoZone Studio")
        self.setWindowModified(self.session.history.dirty)

    # ---- pictures and time ----

    def _view_changed(self, moving: bool) -> None:
        width, height = self.viewport.device_size()
        self.driver.set_view(self.viewport.controller.camera, width, height, moving=moving)

    def _show_position(self, position_s: float) -> None:
        self.transport.show_position(position_s, self.driver.player.duration_s, self.session.project.fps)
        if not self.driver.player.playing:
            self._show_values()

    def _state_changed(self, state: State) -> None:
        playing = state is State.PLAYING
        self.transport.show_playing(playing)
        if playing:
            self._follow.start()
        else:
            self._follow.stop()

    def _show_values(self) -> None:
        """Sliders show what the performance says at the playhead."""
        performance = self.session.project.performance
        values = performance.sample(np.array([self.driver.player.position_s]))[0]
        keyed = self.timeline.sliders.keyed()
        on_key = frozenset(key for key in keyed if self.timeline.editor.key_at_playhead(key) is not None)
        self.panel.show_values(values.tolist(), self.session.held, keyed, on_key)

    def _find(self) -> None:
        """To the search of the sliders."""
        self.inspector.show_page("Face")
        self.panel.start_search()

    def _stop_or_key(self) -> None:
        """K: stops what runs; when all stands still, makes a key."""
        if self.shuttle.moving:
            self.shuttle.stop()
        else:
            self.timeline.editor.add_at_playhead()

    def _mark(self, end: int) -> None:
        """The range starts (0) or ends (1) at the playhead."""
        first, past = self.session.range_s or (0.0, self.session.duration_s)
        now_s = self.driver.player.position_s
        first, past = (now_s, past) if end == 0 else (first, now_s)
        if past <= first:
            first, past = (now_s, self.session.duration_s) if end == 0 else (0.0, now_s)
        if past > first:
            self.session.set_range((first, past))

    def _volume_changed(self, volume: float) -> None:
        self._last_volume = volume
        self.actions_["play.mute"].setChecked(False)
        self._apply_volume()

    def _apply_volume(self) -> None:
        muted = self.actions_["play.mute"].isChecked()
        self.driver.player.set_volume(0.0 if muted else self._last_volume)
        self.actions_["play.mute"].setIcon(theme.icon("volume-off" if muted else "volume", "dim"))

    # ---- the window ----

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802 - Qt's name
        """Files may be dropped anywhere."""
        paths = _local_files(event)
        if paths:
            self.drop_hint.offer(paths)
            event.acceptProposedAction()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:  # noqa: N802 - Qt's name
        """They went elsewhere."""
        self.drop_hint.hide()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802 - Qt's name
        """Open what was dropped."""
        self.drop_hint.hide()
        self.files.open_all(_local_files(event))
        event.acceptProposedAction()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """Ask about unsaved work, then end every thread."""
        if self._closed:
            return
        asking = (ask for part in self.parts if callable(ask := getattr(part, "may_close", None)))
        if not all(ask() for ask in asking) or not self.files.may_leave():
            event.ignore()
            return
        self._closed = True
        self.layout_.save()
        for part in reversed(self.parts):
            if callable(close := getattr(part, "close", None)):
                close()
        self._follow.stop()
        self.shuttle.stop()
        self.driver.close()
        self.session.close()
        self.clip_sound.close()
        event.accept()


def _local_files(event: QDropEvent) -> list[Path]:
    return [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
