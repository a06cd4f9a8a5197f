"""The painted part of the timeline: mouse and keyboard on ruler, waveform, phonemes and lanes.

One widget draws everything, so that one playhead goes through every lane. It changes keys through the editor and the
history, and reports everything about time by signals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import cast

from PySide6.QtCore import QEvent, QPointF, QRect, QSize, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QFocusEvent,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from studio.widgets import theme
from studio.widgets.timeline import edits
from studio.widgets.timeline.drags import Drag, MoveMarker
from studio.widgets.timeline.editor import KeyEditor
from studio.widgets.timeline.gutter import TIPS, switch_at
from studio.widgets.timeline.painting import TimelinePainter
from studio.widgets.timeline.presses import Presses
from studio.widgets.timeline.rows import LANE_HEIGHT
from studio.widgets.timeline.state import GUTTER, MARGIN, RULER_HEIGHT, TOP, WAVE_HEIGHT, TimelineState
from studio.widgets.timeline.time_drags import MarkRange, Scrub

ZOOM_STEP = 1.25

PLAYHEAD_PX = 8
"""What the playhead covers on either side."""

VALUES_S = 0.1
"""While it plays, the lanes' values are shown anew after so much of the clip; quicker ones cannot be read."""

PRESET_MIME = "application/x-emozone-expression"


class Canvas(QWidget):
    """Shows a `TimelineState`; the wheel pans, with Ctrl it zooms about the pointer; F fits."""

    scrub_begun = Signal()
    scrubbed = Signal(float)
    scrub_ended = Signal()
    range_begun = Signal()
    range_dragged = Signal(float, float)
    range_committed = Signal()
    range_cleared = Signal()
    view_changed = Signal()
    """Zoomed, panned, scrolled or resized."""

    menu_wanted = Signal(QPointF)
    """A context menu for what is selected, at a place of the screen."""

    marker_menu_wanted = Signal(int, QPointF)
    clip_menu_wanted = Signal(QPointF)
    clip_wanted = Signal(QPointF)
    """The numbers of the selected expression, at a place of the screen."""

    presets_wanted = Signal(float, QPointF)
    """An expression to choose for a moment, at a place of the screen."""

    preset_dropped = Signal(str, float)
    header_clicked = Signal()
    """The fold of the speech's rows."""

    lane_hovered = Signal(str)
    """Id of the lane under the pointer, empty when there is none."""

    def __init__(self, state: TimelineState, editor: KeyEditor, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("timeline_canvas")
        self.setAccessibleName("Timeline: drag on the ruler to mark a range, on the waveform to move the playhead")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumHeight(TOP + 20)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self._state, self._editor = state, editor
        self._painter, self._presses = TimelinePainter(state), Presses(state, editor)
        self.setAcceptDrops(True)
        self._drag: Drag | None = None
        self._pan_from: QPointF | None = None
        self._framed = False
        self._values_of_s = 0.0
        self.explain: Callable[[str], str] = lambda _lane: ""
        """What a lane's tool tip says: which layer decides its channel."""

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Room for two lanes."""
        return QSize(700, TOP + 2 * LANE_HEIGHT + 20)

    def x_of(self, time_s: float) -> float:
        """Pixel of a moment."""
        return self._state.view.x_of(time_s)

    def time_at(self, x: float) -> float:
        """Moment under a pixel, within the clip."""
        return min(max(self._state.view.time_at(x), 0.0), self._state.duration_s)

    def move_playhead(self, position_s: float, *, playing: bool = False) -> None:
        """Repaint only the strip that the playhead leaves and the one it enters.

        Args:
            position_s: seconds of the clip.
            playing: whether it moves by itself: the values at it are then shown as often as they can be read.
        """
        state, lanes_px = self._state, self.height() - self._state.top
        before, state.position_s = state.position_s, position_s
        left, right = sorted((state.view.x_of(before), state.view.x_of(position_s)))
        self.update(int(left) - 60, 0, int(right - left) + 120, state.top)
        if right - left < 2 * PLAYHEAD_PX:
            self.update(int(left) - PLAYHEAD_PX, state.top, int(right - left) + 2 * PLAYHEAD_PX + 1, lanes_px)
        else:
            for x in (left, right):
                self.update(int(x) - PLAYHEAD_PX, state.top, 2 * PLAYHEAD_PX + 1, lanes_px)
        if not playing or abs(position_s - self._values_of_s) >= VALUES_S:
            self._values_of_s = position_s
            self.update(GUTTER - 60, state.top, 60, lanes_px)

    # ---- the view ----

    @property
    def scroll_limit(self) -> int:
        """How far the lanes can be scrolled, pixels."""
        return max(0, self._state.rows_height - max(0, self.height() - self._state.top))

    def scroll_to(self, pixels: int) -> None:
        """Show the lanes from there on."""
        pixels = min(max(pixels, 0), self.scroll_limit)
        if pixels != self._state.scroll_px:
            self._state.scroll_px = pixels
            self._view_moved()

    def reveal(self, lane_id: str) -> None:
        """Scroll a lane into sight."""
        row = self._state.row_of(lane_id)
        room = self.height() - self._state.top
        if row is not None and not self._state.scroll_px <= row.top <= self._state.scroll_px + room - row.height:
            self.scroll_to(row.top if row.top < self._state.scroll_px else row.top + row.height - room)

    def zoom(self, factor: float, x: float | None = None) -> None:
        """Closer about a pixel; about the playhead without one, if it is seen."""
        view = self._state.view
        if x is None:
            x = view.x_of(self._state.position_s)
            x = x if view.left <= x <= view.left + view.width else view.left + view.width / 2
        view.zoom(factor, x)
        self._view_moved()

    def fit(self) -> None:
        """Show the selected keys; the whole clip when there are not several, or they fill the view already."""
        view = self._state.view
        span = edits.span_of(self._state.performance, self._state.selection)
        before = (view.start_s, view.span_s)
        if span is not None and span[1] - span[0] > 2 / self._state.fps:
            room = (span[1] - span[0]) * 0.1
            view.fit(span[0] - room, span[1] + room)
        if span is None or (view.start_s, view.span_s) == before:
            view.fit()
        self._view_moved()

    def _view_moved(self) -> None:
        self.update()
        self.view_changed.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """The same stretch of time in other pixels."""
        self._state.view.resize(GUTTER + MARGIN, self.width() - GUTTER - 2 * MARGIN)
        self._state.scroll_px = min(self._state.scroll_px, self.scroll_limit)
        self.view_changed.emit()
        super().resizeEvent(event)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Other colours: nothing painted before is of use."""
        if event.type() == QEvent.Type.PaletteChange:
            self._painter.forget()
        super().changeEvent(event)

    # ---- keyboard ----

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        """A frame shows that the keyboard has come here; a click needs none."""
        self._framed = event.reason() in theme.BY_KEYBOARD
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        """Without the frame again."""
        self._framed = False
        self.update()

    def event(self, event: QEvent) -> bool:
        """F fits the timeline while it has the focus; the window's own F is kept from it."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and _plain_f(event):
            event.accept()
            return True
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            self._show_tip(event)
            return True
        if event.type() == QEvent.Type.Leave:
            self.lane_hovered.emit("")
        return super().event(event)

    def _show_tip(self, event: QHelpEvent) -> None:
        row, x = self._state.row_at(event.pos().y()), event.pos().x()
        switch = switch_at(self._state, x, event.pos().y())
        if x < GUTTER and event.pos().y() < RULER_HEIGHT:
            QToolTip.showText(event.globalPos(), f"What decides at the playhead\n{self._state.winner}", self)
        elif switch is not None and switch[1] in TIPS:
            QToolTip.showText(event.globalPos(), TIPS[switch[1]], self)
        elif row is not None and row.lane is not None and x < GUTTER:
            QToolTip.showText(event.globalPos(), f"{row.title}\n{self.explain(row.lane_id)}", self)
        else:
            QToolTip.hideText()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Escape ends a drag without effect, or deselects."""
        if _plain_f(event):
            self.fit()
        elif event.key() == Qt.Key.Key_Escape:
            if self._drag is not None:
                drag, self._drag = self._drag, None
                drag.cancel()
            else:
                self._editor.deselect()
            self.update()
        else:
            event.ignore()

    # ---- mouse ----

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Begin what the place under the pointer is for."""
        x, y = event.position().x(), event.position().y()
        if event.button() == Qt.MouseButton.MiddleButton:
            self._pan_from = event.position()
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
            return
        if event.button() != Qt.MouseButton.LeftButton or self._drag is not None:
            return
        if x < GUTTER:
            self._press_gutter(event)
        elif self._state.part_at(y) == "lanes":
            self._drag = self._presses.lanes(x, y, event.modifiers())
        else:
            self._press_time(x, y, event.modifiers())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Go on with it."""
        x, y = event.position().x(), event.position().y()
        if self._pan_from is not None:
            moved, self._pan_from = self._pan_from - event.position(), event.position()
            self._state.view.pan(moved.x())
            self.scroll_to(self._state.scroll_px + round(moved.y()))
            self._view_moved()
        elif self._drag is not None:
            self._drag.move(x, y, event.modifiers())
            self.update()
        else:
            row = self._state.row_at(y)
            self.lane_hovered.emit("" if row is None else row.lane_id)
            shape = self._presses.cursor(x, y)
            if self.cursor().shape() != shape:
                self.setCursor(shape)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """End it."""
        if event.button() == Qt.MouseButton.MiddleButton:
            self._pan_from = None
            self.unsetCursor()
        if event.button() != Qt.MouseButton.LeftButton:
            return
        drag, self._drag = self._drag, None
        if drag is not None:
            drag.end()
            self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """On the ruler: clear the range. In a lane: make a key."""
        x, y = event.position().x(), event.position().y()
        if event.button() != Qt.MouseButton.LeftButton:
            return
        if x < GUTTER:
            self._press_gutter(event)
        elif y < RULER_HEIGHT:
            self.range_cleared.emit()
        else:
            row, clip = self._state.row_at(y), self._state.clip_at(x, y)
            if clip is not None:
                self.clip_wanted.emit(event.globalPosition())
            elif row is not None and row.kind == "clips":
                self.presets_wanted.emit(self._presses.moment(x, event.modifiers()), event.globalPosition())
            elif row is not None and row.lane is not None and self._state.key_at(x, y) is None:
                self._presses.add_key(row, x, y, event.modifiers())

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802 - Qt's name
        """What can be done with the keys, or with the marker under the pointer."""
        x, y = float(event.pos().x()), float(event.pos().y())
        marker = self._state.marker_at(x, y)
        if marker is not None:
            self.marker_menu_wanted.emit(marker, QPointF(event.globalPos()))
            return
        hit = self._state.key_at(x, y) if x >= GUTTER else None
        clip = self._state.clip_at(x, y) if x >= GUTTER else None
        if clip is not None:
            if clip.index not in self._state.selection.clips:
                self._editor.history.select(edits.select([], self._state.selection.lane, [clip.index]))
            self.clip_menu_wanted.emit(QPointF(event.globalPos()))
            return
        if hit is not None and hit.index not in self._state.selection.keys_of(hit.row.lane_id):
            self._editor.history.select(edits.select([(hit.row.lane_id, [hit.index])], hit.row.lane_id))
        elif hit is None and (row := self._state.row_at(y)) is not None and row.lane is not None and x < GUTTER:
            self._editor.focus_lane(row.lane_id)
        self.menu_wanted.emit(QPointF(event.globalPos()))

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        """Ctrl zooms about the pointer; otherwise lanes scroll where they do not fit, and time pans."""
        turned = event.angleDelta()
        x, y = event.position().x(), event.position().y()
        modifiers = event.modifiers()
        if modifiers & Qt.KeyboardModifier.ControlModifier:
            self.zoom(ZOOM_STEP ** (turned.y() / 120), x)
        elif (
            turned.x()
            or modifiers & Qt.KeyboardModifier.ShiftModifier
            or not (self.scroll_limit and y >= self._state.top)
        ):
            self._state.view.pan(-(turned.x() or turned.y()) / 120 * self._state.view.width / 12)
            self._view_moved()
        else:
            self.scroll_to(self._state.scroll_px - round(turned.y() / 120 * LANE_HEIGHT * 0.75))
        event.accept()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802 - Qt's name
        """An expression can be dropped here; files are the window's business."""
        event.setAccepted(event.mimeData().hasFormat(PRESET_MIME))

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:  # noqa: N802 - Qt's name
        """Show where it would begin."""
        fits = event.mimeData().hasFormat(PRESET_MIME) and event.position().x() >= GUTTER
        event.setAccepted(fits)
        self._state.caught_s = self._presses.moment(event.position().x()) if fits else None
        self.update()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:  # noqa: N802 - Qt's name
        """It went elsewhere."""
        self._state.caught_s = None
        self.update()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802 - Qt's name
        """The expression begins where it was dropped."""
        self._state.caught_s = None
        if event.mimeData().hasFormat(PRESET_MIME):
            name = event.mimeData().data(PRESET_MIME).toStdString()
            self.preset_dropped.emit(name, self._presses.moment(event.position().x()))
            event.acceptProposedAction()
        self.update()

    # ---- what a press begins ----

    def _press_gutter(self, event: QMouseEvent) -> None:
        if RULER_HEIGHT <= event.position().y() < RULER_HEIGHT + WAVE_HEIGHT:
            self.header_clicked.emit()
        elif self._presses.gutter(event.position().x(), event.position().y()):
            self.presets_wanted.emit(self._state.position_s, event.globalPosition())

    def _press_time(self, x: float, y: float, modifiers: Qt.KeyboardModifier) -> None:
        marker = self._state.marker_at(x, y)
        if marker is not None:
            self._drag = MoveMarker(self._editor.history, self._state, marker, x)
            self.scrubbed.emit(self._state.markers[marker].time_s)
            return
        if self._state.duration_s == 0:
            return
        if y < RULER_HEIGHT or modifiers & Qt.KeyboardModifier.ShiftModifier:
            self._drag = MarkRange(self, self._state, self._editor.history, x, y)
        else:
            self._drag = Scrub(self, x)

    # ---- painting ----

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw the state, region by region: the rectangle around all of them may be the whole widget."""
        painter = QPainter(self)
        try:
            for rect in cast(Iterable[QRect], event.region()):
                painter.save()
                painter.setClipRect(rect)
                self._painter.paint(painter, rect, self.width(), self.height(), self.devicePixelRatioF())
                painter.restore()
            if self._framed:
                painter.setPen(theme.colour("accent", 0.8))
                painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        finally:
            painter.end()  # an open painter on a widget ends the process


def _plain_f(event: QKeyEvent) -> bool:
    return event.key() == Qt.Key.Key_F and event.modifiers() == Qt.KeyboardModifier.NoModifier
