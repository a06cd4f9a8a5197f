"""The timeline as the window holds it: toolbar, canvas and scroll bar, fed by session and playback."""

from __future__ import annotations

from functools import partial
from typing import get_args

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QHBoxLayout, QMenu, QScrollBar, QVBoxLayout, QWidget

from studio.document.commands import Event
from studio.document.curves import Handle, Interpolation
from studio.playback.player import State
from studio.widgets.actions import Actions
from studio.widgets.dialogs import Dialogs
from studio.widgets.driver import PlaybackDriver
from studio.widgets.session import Session
from studio.widgets.slider_row import SliderPanel
from studio.widgets.sound_clip import Clip
from studio.widgets.timeline.amount import TOOLS, AmountPanel
from studio.widgets.timeline.canvas import ZOOM_STEP, Canvas
from studio.widgets.timeline.editor import NOTHING, KeyEditor
from studio.widgets.timeline.edits import selected_keys
from studio.widgets.timeline.numbers import NumbersPanel
from studio.widgets.timeline.recording import Mode
from studio.widgets.timeline.rows import LANE_HEIGHT, rows_of
from studio.widgets.timeline.slider_keys import SliderKeys
from studio.widgets.timeline.sounds import Sounds
from studio.widgets.timeline.spectrum import Spectrum
from studio.widgets.timeline.state import GUTTER, RULER_HEIGHT, TimelineState
from studio.widgets.timeline.toolbar import EDIT_MENU, SHAPE_MENU, TOOL_MENU, TimelineToolbar

EASE_ACTIONS = {
    "keys.ease_in": "ease_in",
    "keys.ease_out": "ease_out",
    "keys.ease_in_out": "ease_in_out",
    "keys.snap_ease": "snap",
    "keys.anticipate": "anticipate",
    "keys.overshoot": "overshoot",
}


class Timeline(QWidget):
    """Shows the project over time and edits its keys."""

    message = Signal(str)
    """One sentence for the status line."""

    def __init__(self, session: Session, driver: PlaybackDriver, actions: Actions, dialogs: Dialogs) -> None:
        super().__init__()
        self.setObjectName("timeline")
        self._session, self._driver, self._actions, self._dialogs = session, driver, actions, dialogs
        self.state = TimelineState()
        self.editor = KeyEditor(session.history, lambda: driver.player.position_s, self)
        self.sliders = SliderKeys(
            session, self.editor, lambda: driver.player.position_s, lambda: driver.player.playing, self
        )
        self.canvas = Canvas(self.state, self.editor)
        self.toolbar = TimelineToolbar(actions)
        self.amount = AmountPanel(session.history, self)
        self.numbers = NumbersPanel(self.editor, self)
        self._bar = QScrollBar(Qt.Orientation.Vertical)
        self._resume_after_scrub = False
        self._spoken: object = None
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.toolbar)
        body = QHBoxLayout()
        body.setSpacing(0)
        body.addWidget(self.canvas, 1)
        body.addWidget(self._bar)
        column.addLayout(body, 1)
        actions["timeline.follow"].setChecked(True)
        modes = QActionGroup(self)
        for mode in get_args(Mode):
            modes.addAction(actions[f"record.{mode}"])
        actions["record.touch"].setChecked(True)
        self._connect()
        self._show_project()

    def _connect(self) -> None:
        session, driver, canvas, editor, actions = (
            self._session, self._driver, self.canvas, self.editor, self._actions,
        )  # fmt: skip
        actions.connect(
            {
                "keys.auto_key": self._set_auto_key,
                "keys.delete": editor.delete,
                "keys.cut": editor.cut,
                "keys.copy": editor.copy,
                "keys.paste": editor.paste,
                "keys.duplicate": editor.duplicate,
                "keys.select_all": editor.select_all,
                "keys.nudge_left": lambda: editor.nudge(-1, 0),
                "keys.nudge_right": lambda: editor.nudge(1, 0),
                "keys.nudge_up": lambda: editor.nudge(0, 1),
                "keys.nudge_down": lambda: editor.nudge(0, -1),
                "keys.mirror": editor.mirror,
                "keys.to_frames": editor.snap,
                "keys.bake": editor.bake,
                **{f"keys.{kind.name.lower()}": partial(editor.interpolate, kind) for kind in Interpolation},
                **{f"keys.{kind.name.lower()}": partial(editor.set_handles, kind) for kind in Handle},
                **{action: partial(editor.ease, preset) for action, preset in EASE_ACTIONS.items()},
                **{action: partial(self._open_amount, action) for action in TOOLS},
                **{f"record.{mode}": partial(self._set_mode, mode) for mode in get_args(Mode)},
                "keys.numbers": self._open_numbers,
                "timeline.lasso": self._set_lasso,
                "timeline.fit": canvas.fit,
                "timeline.zoom_in": lambda: canvas.zoom(ZOOM_STEP),
                "timeline.zoom_out": lambda: canvas.zoom(1 / ZOOM_STEP),
                "marker.add": editor.add_marker,
            }
        )
        self.toolbar.lane_menu.aboutToShow.connect(self._fill_lanes)
        self.toolbar.lane_wanted.connect(self.show_lane)
        self.toolbar.time_entered.connect(editor.set_time)
        self.toolbar.value_entered.connect(editor.set_value)
        editor.message.connect(self.message)
        editor.lanes_changed.connect(self._show_project)
        canvas.scrub_begun.connect(self._scrub_begun)
        canvas.scrubbed.connect(driver.scrub)
        canvas.scrub_ended.connect(self._scrub_ended)
        canvas.range_begun.connect(lambda: session.begin("Mark range"))
        canvas.range_dragged.connect(lambda first, past: session.set_range((first, past)))
        canvas.range_committed.connect(session.commit)
        canvas.range_cleared.connect(lambda: session.set_range(None))
        canvas.view_changed.connect(self._show_bar)
        canvas.menu_wanted.connect(self._open_menu)
        canvas.marker_menu_wanted.connect(self._open_marker_menu)
        self._bar.valueChanged.connect(canvas.scroll_to)
        session.changed.connect(self._project_changed)
        session.clip_changed.connect(self._clip_changed)
        driver.position_changed.connect(self._position_changed)
        driver.state_changed.connect(self._state_changed)

    # ---- what the window asks for ----

    def set_busy(self, text: str) -> None:
        """Say that a clip is being opened; an empty text ends it."""
        self.state.busy = text
        self.canvas.update()

    def show_spectrum(self, shown: bool) -> None:
        """Unfold the spectrogram, or fold it."""
        if shown != self.state.spectrum_shown:
            self.state.spectrum_shown = shown
            self.state.scroll_px = min(self.state.scroll_px, self.canvas.scroll_limit)
            self._show_bar()
            self.canvas.update()

    def set_spectrum(self, spectrum: Spectrum | None) -> None:
        """The spectrogram of the clip; None while there is none yet."""
        self.state.spectrum = spectrum
        self.canvas.update()

    def show_winner(self, text: str) -> None:
        """Say which layer decides the channel in focus."""
        if text != self.state.winner:
            self.state.winner = text
            self.canvas.update(0, 0, GUTTER, RULER_HEIGHT)

    def show_lane(self, lane_id: str) -> None:
        """Show a lane and bring it into focus."""
        self.editor.show_lane(lane_id)
        self.canvas.reveal(lane_id)

    def serve(self, panel: SliderPanel) -> None:
        """What the panel's sliders and diamonds do becomes values, keys and recordings."""
        sliders = self.sliders
        panel.gesture_begun.connect(sliders.begin)
        panel.gesture_moved.connect(sliders.move)
        panel.gesture_ended.connect(sliders.end)
        panel.gesture_cancelled.connect(self._session.cancel)
        panel.value_set.connect(sliders.step)
        panel.value_reset.connect(sliders.reset)
        panel.key_clicked.connect(self.toggle_key)

    def toggle_key(self, lane_id: str) -> None:
        """A key under the playhead, or none any more: the diamond beside a slider."""
        self.editor.toggle_key(lane_id)
        self.canvas.reveal(lane_id)

    # ---- following ----

    def _project_changed(self, event: Event) -> None:
        if event.cause == "reset":
            self.editor.added.clear()
            self.editor.folded.clear()
        self._show_project()

    def _show_project(self) -> None:
        state, project, history = self.state, self._session.project, self._session.history
        state.performance, state.selection = project.performance, history.selection
        state.fps, state.markers, state.looping = project.fps, project.markers, project.loop
        state.range_s = self._session.range_s
        before = state.rows_height
        state.rows = rows_of(project.performance, self.editor.added, self.editor.folded)
        ends = [lane.curve.times_s[-1] for lane in project.performance.lanes if lane.keyed]
        state.view.set_total(max(state.duration_s, *ends) if ends and state.duration_s else state.duration_s)
        state.scroll_px = min(state.scroll_px, self.canvas.scroll_limit)
        self.toolbar.show_selection(project.performance, history.selection)
        if state.rows_height != before:
            self._show_bar()
        self.canvas.update()

    def _clip_changed(self, clip: Clip | None) -> None:
        state = self.state
        state.busy = ""
        state.peaks = clip.peaks if clip is not None else None
        state.duration_s = clip.duration_s if clip is not None else 0.0
        spoken = clip.features.phonemes if clip is not None and clip.features is not None else ()
        if spoken is not self._spoken:
            self._spoken, state.sounds = spoken, Sounds.of(spoken)
        self._show_project()

    def _position_changed(self, position_s: float) -> None:
        playing = self._driver.player.playing
        if playing and self._actions["timeline.follow"].isChecked() and self.state.view.follow(position_s):
            self.canvas.update()
        self.canvas.move_playhead(position_s, playing=playing)
        self.sliders.tick()

    def _state_changed(self, state: State) -> None:
        if state is not State.PLAYING:
            self.sliders.stopped()
            self.canvas.update()

    def _show_bar(self) -> None:
        limit = self.canvas.scroll_limit
        self._bar.setRange(0, limit)
        self._bar.setPageStep(max(1, self.canvas.height() - self.state.top))
        self._bar.setSingleStep(LANE_HEIGHT // 2)
        self._bar.setValue(self.state.scroll_px)
        self._bar.setVisible(limit > 0)

    # ---- actions ----

    def _set_auto_key(self) -> None:
        self.sliders.auto_key = self._actions["keys.auto_key"].isChecked()

    def _set_mode(self, mode: Mode) -> None:
        self.sliders.set_mode(mode)
        self.toolbar.show_mode(mode)

    def _set_lasso(self) -> None:
        self.state.lassoing = self._actions["timeline.lasso"].isChecked()

    def _fill_lanes(self) -> None:
        self.toolbar.fill_lanes({row.lane_id for row in self.state.rows})

    def _open_amount(self, action_id: str) -> None:
        target = self.editor.target
        if not selected_keys(self._session.project.performance, target):
            self.message.emit(NOTHING)
            return
        corner = self.toolbar.tools.mapToGlobal(self.toolbar.tools.rect().topLeft())
        corner.setY(corner.y() - self.amount.sizeHint().height() - 6)
        self.amount.open(TOOLS[action_id], target, corner)

    def _open_numbers(self) -> None:
        selection = self._session.history.selection
        if not selection.keys and not self.editor.clips.chosen:
            self.message.emit("Select keys or an expression first")
            return
        self.numbers.open(self.toolbar, self.toolbar.tools.mapToGlobal(self.toolbar.tools.rect().topLeft()))

    def _open_menu(self, at: QPointF) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._actions.fill(menu, EDIT_MENU)
        for title, ids in (("Interpolation", SHAPE_MENU), ("Tools", TOOL_MENU)):
            self._actions.fill(menu.addMenu(title), ids)
        menu.popup(at.toPoint())

    def _open_marker_menu(self, index: int, at: QPointF) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Rename marker…").triggered.connect(lambda: self._rename_marker(index))
        menu.addAction("Delete marker").triggered.connect(lambda: self.editor.delete_marker(index))
        menu.popup(at.toPoint())

    def _rename_marker(self, index: int) -> None:
        old = self._session.project.markers[index].name
        name = self._dialogs.ask_text(self, "Rename marker", "Name", old)
        if name is not None:
            self.editor.rename_marker(index, name.strip())

    def _scrub_begun(self) -> None:
        self._resume_after_scrub = self._driver.player.playing
        self._driver.pause()

    def _scrub_ended(self) -> None:
        if self._resume_after_scrub:
            self._driver.toggle()
