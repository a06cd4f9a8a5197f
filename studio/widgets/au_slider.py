"""One slider of an action unit: 0 to 5 with the FACS marks A to E, keyboard, wheel when focused, gestures."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QSlider, QWidget

from studio.document.action_units import MAX_INTENSITY
from studio.widgets import theme
from studio.widgets.au_help import LETTERS

STEPS = 100
"""Slider steps per unit of intensity; finer than a pixel of any panel."""

KEY_STEP, PAGE_STEP = 10, 50
"""An arrow moves by 0.1, Page Up by half a mark."""

MARGIN = 7
"""Room for half the handle at both ends, pixels."""

_OWN_KEYS = (
    Qt.Key.Key_Left,
    Qt.Key.Key_Right,
    Qt.Key.Key_Up,
    Qt.Key.Key_Down,
    Qt.Key.Key_Home,
    Qt.Key.Key_End,
    Qt.Key.Key_PageUp,
    Qt.Key.Key_PageDown,
    Qt.Key.Key_Delete,
    Qt.Key.Key_Backspace,
)


class AuSlider(QSlider):
    """Intensity 0–5. It shows what it is told (`show_intensity`) and reports what the user does; it decides nothing.

    A drag is a gesture: `pressed`, any number of `moved`, `released`. Keys and wheel steps report `stepped` alone.
    """

    pressed = Signal()
    moved = Signal(float)
    released = Signal()
    stepped = Signal(float)
    reset = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setRange(0, round(MAX_INTENSITY * STEPS))
        self.setSingleStep(KEY_STEP)
        self.setPageStep(PAGE_STEP)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self._dragging = False
        self._changed = self._keyed = False

    @property
    def dragging(self) -> bool:
        """Whether the user holds the handle."""
        return self._dragging

    def intensity(self) -> float:
        """What is shown, 0–5."""
        return self.value() / STEPS

    def show_intensity(self, intensity: float, *, changed: bool, keyed: bool = False) -> None:
        """Show an intensity; `changed` marks one that the user holds, `keyed` one that keys move."""
        if not self._dragging:
            self.setValue(round(intensity * STEPS))
        if (changed, keyed) != (self._changed, self._keyed):
            self._changed, self._keyed = changed, keyed
            self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Wide enough to set tenths with the mouse."""
        return QSize(150, theme.ROW_HEIGHT - 4)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Still usable in a narrow panel."""
        return QSize(90, theme.ROW_HEIGHT - 4)

    def event(self, event: QEvent) -> bool:
        """Keep the keys that move the slider from the window's shortcuts while it has the focus."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            plain = event.modifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)
            if plain and event.key() in _OWN_KEYS:
                event.accept()
                return True
        return super().event(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """The handle jumps under the pointer and follows it."""
        if event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
            return
        self._dragging = True
        self.pressed.emit()
        self._follow(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Follow the pointer."""
        if self._dragging:
            self._follow(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """End the gesture."""
        if self._dragging and event.button() == Qt.MouseButton.LeftButton:
            self._dragging = False
            self.released.emit()
            self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Reset."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.reset.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        """Step when focused; otherwise the panel scrolls, so that scrolling never edits."""
        if not self.hasFocus() or self._dragging:
            event.ignore()
            return
        self._step(round(event.angleDelta().y() / 120 * KEY_STEP))
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Arrows, Page, Home and End step; Delete resets."""
        steps = {
            Qt.Key.Key_Left: -KEY_STEP,
            Qt.Key.Key_Down: -KEY_STEP,
            Qt.Key.Key_Right: KEY_STEP,
            Qt.Key.Key_Up: KEY_STEP,
            Qt.Key.Key_PageDown: -PAGE_STEP,
            Qt.Key.Key_PageUp: PAGE_STEP,
            Qt.Key.Key_Home: -self.maximum(),
            Qt.Key.Key_End: self.maximum(),
        }
        key = Qt.Key(event.key())
        if key in steps:
            self._step(steps[key])
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.reset.emit()
        else:
            event.ignore()

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        """A drag whose release was lost to another window ends here."""
        if self._dragging:
            self._dragging = False
            self.released.emit()
        super().focusOutEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Groove, marks, filled part and handle."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle, left, right = self.height() / 2, float(MARGIN), self.width() - float(MARGIN)
        x = left + (right - left) * self.value() / self.maximum()
        live = self._changed or self._dragging or self._keyed
        role = "key" if self._keyed else "accent"
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("groove"))
        painter.drawRoundedRect(QRectF(left, middle - 1.5, right - left, 3), 1.5, 1.5)
        marks = QPen(theme.colour("faint", 0.7), 1)
        painter.setPen(marks)
        for i in range(1, int(MAX_INTENSITY) + 1):
            tick = round(left + (right - left) * i / MAX_INTENSITY) + 0.5
            painter.drawLine(QPointF(tick, middle + 4), QPointF(tick, middle + 7))
        painter.setPen(Qt.PenStyle.NoPen)
        if self.value() > 0:
            painter.setBrush(theme.colour(role if live else "dim"))
            painter.drawRoundedRect(QRectF(left, middle - 1.5, x - left, 3), 1.5, 1.5)
        if self._dragging:
            self._paint_letters(painter, left, right, middle)
        painter.setPen(QPen(theme.colour("panel"), 2))
        painter.setBrush(theme.colour(role if live else "text" if self.underMouse() else "dim"))
        radius = 6.0 if self._dragging or self.underMouse() else 5.0
        painter.drawEllipse(QPointF(x, middle), radius, radius)
        if self.hasFocus():
            painter.setPen(QPen(theme.colour("accent", 0.8), 1.2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(QPointF(x, middle), radius + 2, radius + 2)
        painter.end()

    def _paint_letters(self, painter: QPainter, left: float, right: float, middle: float) -> None:
        """The marks' letters over the groove while the handle is held."""
        painter.setFont(theme.font(9))
        for i, letter in enumerate(LETTERS, 1):
            tick = left + (right - left) * i / MAX_INTENSITY
            painter.setPen(theme.colour("accent" if round(self.intensity()) == i else "faint"))
            painter.drawText(QRectF(tick - 6, 0, 12, middle - 2), Qt.AlignmentFlag.AlignCenter, letter)
        painter.setPen(Qt.PenStyle.NoPen)

    def _follow(self, event: QMouseEvent) -> None:
        share = (event.position().x() - MARGIN) / max(1, self.width() - 2 * MARGIN)
        value = round(min(max(share, 0.0), 1.0) * self.maximum())
        if not event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            value = round(value / 5) * 5  # steps of 0.05; Shift sets hundredths
        self.setValue(value)
        self.moved.emit(self.intensity())
        self.update()

    def _step(self, steps: int) -> None:
        value = min(max(self.value() + steps, 0), self.maximum())
        if value != self.value():
            self.stepped.emit(value / STEPS)
