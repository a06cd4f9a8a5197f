"""The layers' part of the window: the page, the expressions' menus and panel, and who decides, wherever it is shown."""

from __future__ import annotations

from functools import partial
from html import escape

from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, Qt
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import QMenu, QToolTip

from studio.document.commands import Event, Gesture
from studio.document.lanes import CAMERA_KEYS, Mode
from studio.document.performance import Performance
from studio.widgets.context import Studio
from studio.widgets.layers import edits, explain
from studio.widgets.layers.clip_panel import ClipPanel
from studio.widgets.layers.page import LayersPage
from studio.widgets.layers.presets import fill_presets, presets_of
from studio.widgets.names import CHANNEL_NAMES
from studio.widgets.slider_row import SliderRow

FOLLOW_S = 0.1
"""While it plays, what decides is told anew after so much of the clip."""

USUAL_CHANNEL = "AU12"
"""What the page speaks of until something is in focus."""

CLIP_MENU = ("keys.cut", "keys.copy", "keys.paste", "keys.duplicate", "keys.delete")


class Layers(QObject):
    """Connects page, menus and timeline."""

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio.window)
        self._studio, self._history, self._timeline = studio, studio.session.history, studio.timeline
        self._clips = studio.timeline.editor.clips
        self._gesture: Gesture | None = None
        self._hovered = ""
        self._shown_s = 0.0
        self.page = LayersPage()
        self.panel = ClipPanel(self._history, self._clips, studio.window)
        studio.inspector.add_page("Layers", self.page, tip="What lies over what, and which layer decides")
        studio.actions.connect({"expression.save_face": self.save_face})
        self._connect_page()
        canvas = studio.timeline.canvas
        canvas.presets_wanted.connect(self._open_presets)
        canvas.preset_dropped.connect(self._clips.add)
        canvas.clip_menu_wanted.connect(self._open_clip_menu)
        canvas.clip_wanted.connect(lambda at: self.panel.open(at.toPoint()))
        canvas.lane_hovered.connect(self._hover)
        studio.timeline.toolbar.expression_menu.aboutToShow.connect(self._fill_toolbar_menu)
        for row in studio.window.findChildren(SliderRow):
            row.installEventFilter(self)
        studio.session.changed.connect(self._changed)
        studio.driver.position_changed.connect(self._follow)
        studio.inspector.page_changed.connect(lambda _title: self._changed())
        self._changed()

    @property
    def target(self) -> str:
        """The channel that is spoken of: under the pointer, else in focus."""
        lane_id = self._hovered or self._history.selection.lane or USUAL_CHANNEL
        lane = self._performance.lane(lane_id)
        target = lane.target if lane is not None else lane_id
        return target if target in CHANNEL_NAMES else USUAL_CHANNEL

    @property
    def _performance(self) -> Performance:
        return self._history.project.performance

    def close(self) -> None:
        """Put the panel away."""
        self.panel.close()

    # ---- showing ----

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """The tool tip of a slider begins with what decides its value."""
        if event.type() == QEvent.Type.ToolTip and isinstance(watched, SliderRow) and isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), self.tip_of(watched), watched)
            return True
        return False

    def tip_of(self, row: SliderRow) -> str:
        """Rich text of a slider's tool tip at this moment."""
        said = explain.winner_text(self._performance, row.channel, self._studio.driver.player.position_s)
        return f"<p style='white-space:pre'>{escape(said)}</p>{row.toolTip()}"

    def _changed(self, _event: Event | None = None) -> None:
        self._timeline.canvas.explain = self._explain
        if self.panel.isVisible():
            self.panel.follow()
        self._show_verdict()
        if self.page.isVisible():
            self._show_layers()

    def _show_layers(self) -> None:
        performance = self._performance
        decides = ""
        if self.target not in CAMERA_KEYS:
            winner = performance.winner(self.target, self._studio.driver.player.position_s)
            layer = {"take": edits.BASE, "blinks": edits.BASE, "neutral": "", "expressions": edits.EXPRESSIONS}
            decides = layer.get(winner.layer, winner.label)
        self.page.show_performance(performance, self._history.selection.lane, decides)

    def _follow(self, position_s: float) -> None:
        """While it plays, as often as words can be read."""
        if not self._studio.driver.player.playing or abs(position_s - self._shown_s) >= FOLLOW_S:
            self._shown_s = position_s
            self._show_verdict()

    def _show_verdict(self) -> None:
        target, time_s = self.target, self._studio.driver.player.position_s
        self._timeline.show_winner(explain.winner_text(self._performance, target, time_s))
        if self.page.isVisible():
            self.page.show_verdict(self._performance, target, time_s)

    def _explain(self, lane_id: str) -> str:
        lane = self._performance.lane(lane_id)
        target = lane.target if lane is not None else lane_id
        return explain.winner_text(self._performance, target, self._studio.driver.player.position_s)

    def _hover(self, lane_id: str) -> None:
        if lane_id != self._hovered:
            self._hovered = lane_id
            self._show_verdict()

    # ---- the page ----

    def _connect_page(self) -> None:
        page = self.page
        page.mute_wanted.connect(self._mute)
        page.solo_wanted.connect(self._solo)
        page.mode_wanted.connect(self._set_mode)
        page.weight_begun.connect(self._begin_weight)
        page.weight_moved.connect(self._weigh)
        page.weight_ended.connect(self._end_weight)
        page.weight_cancelled.connect(self._studio.session.cancel)
        page.layer_chosen.connect(self._choose)
        page.layer_menu_wanted.connect(self._open_layer_menu)
        page.preset_chosen.connect(self._clips.add)
        page.preset_menu_wanted.connect(self._open_preset_menu)
        page.save_wanted.connect(self.save_face)

    def _apply(self, verb: str, layer: str, change: edits.Change) -> None:
        self._history.apply(f"{verb} {layer}", lambda p: p.perform(change))

    def _mute(self, layer: str, on: bool) -> None:
        self._apply("Mute", layer, lambda q: edits.switched(q, layer, mute=on))

    def _solo(self, layer: str, on: bool) -> None:
        self._apply("Solo", layer, lambda q: edits.switched(q, layer, solo=on))

    def _set_mode(self, layer: str, mode: str) -> None:
        wanted: Mode = "add" if mode == "add" else "replace"
        self._apply("Let add" if wanted == "add" else "Let replace", layer, lambda q: edits.with_mode(q, layer, wanted))

    def _begin_weight(self, layer: str) -> None:
        self._gesture = self._history.begin(f"Weight of {layer}")

    def _weigh(self, layer: str, weight: float) -> None:
        def change(q: Performance) -> Performance:
            return edits.weighted(q, layer, weight)

        if self._gesture is not None and self._gesture.active:
            self._gesture.update(lambda p: p.perform(change))
        else:
            self._apply("Weight of", layer, change)

    def _end_weight(self, _layer: str) -> None:
        gesture, self._gesture = self._gesture, None
        if gesture is not None and gesture.active:
            gesture.commit()

    def _choose(self, layer: str) -> None:
        if self._performance.lane(layer) is not None:
            self._timeline.show_lane(layer)

    def _open_layer_menu(self, layer: str, at: QPoint) -> None:
        menu = self._menu()
        lane = self._performance.lane(layer)
        if lane is not None:
            for text, up in (("Move up", True), ("Move down", False)):
                action = menu.addAction(text)
                action.setEnabled(edits.moved(self._performance, layer, up) is not self._performance)
                action.triggered.connect(partial(self.move_lane, layer, up))
            menu.addSeparator()
            menu.addAction(f"One more lane on {lane.target}").triggered.connect(partial(self.new_lane, lane.target))
            menu.addAction("Delete lane").triggered.connect(partial(self.delete_lane, layer))
        elif layer == edits.BASE:
            action = menu.addAction("Remove the take")
            action.setEnabled(self._performance.base.take is not None)
            action.triggered.connect(self._remove_take)
            menu.addAction("Blinks…").triggered.connect(lambda: self._studio.inspector.show_page("Head"))
        else:
            fill_presets(menu.addMenu("Add expression"), self._performance, self._clips.add)
        menu.popup(at)

    def move_lane(self, lane_id: str, up: bool) -> None:
        """Above or below the next lane of its channel."""
        self._apply("Move", lane_id, lambda q: edits.moved(q, lane_id, up))

    def new_lane(self, target: str) -> None:
        """One more lane on a channel."""
        performance, lane_id = edits.with_new_lane(self._performance, target)
        self._history.apply(f"Add {lane_id}", lambda p: p.perform(lambda _q: performance))
        self._timeline.show_lane(lane_id)

    def delete_lane(self, lane_id: str) -> None:
        """A lane with all that it holds."""
        self._apply("Delete", lane_id, lambda q: q.without_lane(lane_id))

    def _remove_take(self) -> None:
        self._apply("Remove take from", edits.BASE, edits.without_take)

    # ---- expressions ----

    def save_face(self) -> None:
        """Ask for a name and keep the face at the playhead."""
        name = self._studio.dialogs.ask_text(self._studio.window, "Save face as an expression", "Name", "")
        if name is not None:
            self._clips.save_face(name.strip())

    def rename_preset(self, name: str) -> None:
        """Ask for another name."""
        to = self._studio.dialogs.ask_text(self._studio.window, "Rename expression", "Name", name)
        if to is not None:
            self._clips.rename_preset(name, to.strip())

    def _menu(self) -> QMenu:
        menu = QMenu(self._studio.window)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        return menu

    def _fill_toolbar_menu(self) -> None:
        menu = self._timeline.toolbar.expression_menu
        menu.clear()
        fill_presets(menu, self._performance, self._clips.add)
        menu.addSeparator()
        menu.addAction(self._studio.actions["expression.save_face"])
        for preset in presets_of(self._performance)[1]:
            self._fill_preset_menu(menu.addMenu(f"Edit {preset.name.replace('&', '&&')}"), preset.name, own=True)

    def _open_presets(self, time_s: float, at: QPointF) -> None:
        menu = self._menu()
        fill_presets(menu, self._performance, lambda name: self._clips.add(name, time_s))
        menu.popup(at.toPoint())

    def _open_preset_menu(self, name: str, at: QPoint) -> None:
        menu = self._menu()
        self._fill_preset_menu(menu, name, own=name in {preset.name for preset in presets_of(self._performance)[1]})
        menu.popup(at)

    def _fill_preset_menu(self, menu: QMenu, name: str, *, own: bool) -> None:
        menu.addAction("Add at the playhead").triggered.connect(lambda: self._clips.add(name))
        menu.addAction("Set the sliders to it").triggered.connect(lambda: self._clips.hold_preset(name))
        if own:
            menu.addSeparator()
            menu.addAction("Rename…").triggered.connect(lambda: self.rename_preset(name))
            menu.addAction("Delete").triggered.connect(lambda: self._clips.delete_preset(name))

    def _open_clip_menu(self, at: QPointF) -> None:
        menu = self._menu()
        self._studio.actions.fill(menu, CLIP_MENU)
        menu.addSeparator()
        menu.addAction("Intensity and fades…").triggered.connect(lambda: self.panel.open(at.toPoint()))
        fill_presets(menu.addMenu("Change to"), self._performance, self._clips.set_preset)
        menu.popup(at.toPoint())
