"""The whole sound file as a waveform with a handle at either end of the part that is heard."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPolygonF
from PySide6.QtWidgets import QWidget

from studio.widgets import theme
from studio.widgets.part_strip import PartStrip
from studio.widgets.peaks import Peaks

REACH_PX = 8.0
"""How near a press must be to take a handle."""

SHORTEST_S = 0.04
STEP_S, BIG_STEP_S = 0.01, 0.1

End = Literal["in", "out"]


class TrimStrip(PartStrip):
    """Two handles to drag; with the focus, arrows move the one used last.

    Signals:
        begun(), moved(in_s, out_s), ended(): a drag, or a key as a drag of one step.
    """

    MARGIN_PX = 7.0
    SIZE_HINT = QSize(300, 72)

    begun = Signal()
    moved = Signal(float, float)
    cancelled = Signal()
    """Escape: what the drag has changed is not wanted; `ended` follows."""

    ended = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Part of the sound that is heard")
        self.setToolTip("Drag the handles to choose what is heard; the file itself stays as it is")
        self.setMinimumHeight(self.SIZE_HINT.height())
        self._peaks: Peaks | None = None
        self._gain = 1.0
        self._end: End = "in"
        self._dragging = False

    @property
    def duration_s(self) -> float:
        """Length of the file, seconds."""
        return self._peaks.duration_s if self._peaks is not None else 0.0

    def show_sound(self, peaks: Peaks | None, part_s: tuple[float, float], gain: float) -> None:
        """The file's waveform, the part of it that is heard, and the factor of its samples."""
        self._peaks, self._part_s, self._gain = peaks, part_s, gain
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Take the nearer handle."""
        if event.button() != Qt.MouseButton.LeftButton or self._peaks is None:
            return
        x = event.position().x()
        end = self._near(x)
        if end is not None:
            self._end, self._dragging = end, True
            self.begun.emit()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Drag, or show what can be taken."""
        x = event.position().x()
        if self._dragging:
            self._move(self.time_at(x))
        else:
            near = self._peaks is not None and self._near(x) is not None
            self.setCursor(Qt.CursorShape.SizeHorCursor if near else Qt.CursorShape.ArrowCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Let go."""
        if self._dragging:
            self._dragging = False
            self.ended.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Arrows move the handle used last by a hundredth, with Shift by a tenth of a second; Up and Down choose it.

        Escape takes a drag back.
        """
        if event.key() == Qt.Key.Key_Escape and self._dragging:
            self._dragging = False
            self.cancelled.emit()
            self.ended.emit()
            return
        step_s = BIG_STEP_S if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else STEP_S
        direction = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self._end = "in" if event.key() == Qt.Key.Key_Up else "out"
            self.update()
        elif direction is not None and self._peaks is not None:
            self.begun.emit()
            self._move(self._part_s[0 if self._end == "in" else 1] + direction * step_s)
            self.ended.emit()
        else:
            super().keyPressEvent(event)

    def _near(self, x: float) -> End | None:
        distances: dict[End, float] = {
            "in": abs(x - self.x_of(self._part_s[0])),
            "out": abs(x - self.x_of(self._part_s[1])),
        }
        end = min(distances, key=lambda name: distances[name])
        return end if distances[end] <= REACH_PX else None

    def _move(self, time_s: float) -> None:
        first, past = self._part_s
        if self._end == "in":
            first = min(max(time_s, 0.0), past - SHORTEST_S)
        else:
            past = max(min(time_s, self.duration_s), first + SHORTEST_S)
        if (first, past) != self._part_s:
            self._part_s = (first, past)
            self.update()
            self.moved.emit(first, past)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Waveform, what is left out darker, handles."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(theme.colour("accent" if self.hasFocus() else "groove"))
        painter.setBrush(theme.colour("window"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), theme.RADIUS, theme.RADIUS)
        if self._peaks is not None:
            self._paint_wave(painter, self._peaks)
            for end, time_s, way in (("in", self._part_s[0], 1), ("out", self._part_s[1], -1)):
                self._paint_handle(painter, self.x_of(time_s), way, chosen=self.hasFocus() and end == self._end)
        painter.end()

    def _paint_wave(self, painter: QPainter, peaks: Peaks) -> None:
        left, count = int(self.MARGIN_PX), max(1, int(self.width() - 2 * self.MARGIN_PX))
        minima, maxima = peaks.columns(0.0, peaks.duration_s, count)
        middle, reach = self.height() / 2, self.height() / 2 - 8
        first, past = (self.x_of(time_s) for time_s in self._part_s)
        inside, outside, over = theme.colour("dim"), theme.colour("groove"), theme.colour("error")
        lows, highs = (minima * self._gain).tolist(), (maxima * self._gain).tolist()
        for i, (low, high) in enumerate(zip(lows, highs, strict=True)):
            x = left + i + 0.5
            heard = first <= x <= past
            painter.setPen(over if heard and (high > 1.0 or low < -1.0) else inside if heard else outside)
            top, bottom = middle - min(high, 1.0) * reach, middle - max(low, -1.0) * reach
            painter.drawLine(QPointF(x, top), QPointF(x, max(bottom, top + 1.0)))

    def _paint_handle(self, painter: QPainter, x: float, way: int, *, chosen: bool) -> None:
        colour = theme.colour("accent" if chosen or self._dragging else "text")
        painter.setPen(colour)
        painter.drawLine(QPointF(x, 3.0), QPointF(x, self.height() - 3.0))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        low, across = self.height() - 3.0, x + 7.0 * way
        for edge, inner in ((3.0, 12.0), (low, low - 9.0)):
            painter.drawPolygon(QPolygonF([QPointF(x, edge), QPointF(across, edge), QPointF(x, inner)]))
