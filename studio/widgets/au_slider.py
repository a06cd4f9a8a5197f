"""One slider of a channel: an action unit with the FACS marks A to E, or degrees about a centre; keyboard, gestures."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QSlider, QWidget

from studio.document.action_units import FACS_MARKS, MAX_INTENSITY
from studio.widgets import theme


@dataclass(frozen=True)
class Scale:
    """What a slider's length stands for."""

    low: float
    high: float
    steps: int  # per unit; finer than a pixel of any panel
    key_step: int  # steps of an arrow key and a wheel's notch
    page_step: int  # steps of Page Up and Page Down
    drag_step: int  # steps at which the mouse stops; with Shift every one
    marks: tuple[float, ...]
    letters: tuple[str, ...] = ()  # over the marks while the handle is held

    @property
    def detent(self) -> bool:
        """Whether the handle catches on 0 in the middle."""
        return self.low < 0


AU_SCALE = Scale(0.0, MAX_INTENSITY, 100, 10, 50, 5, (1.0, 2.0, 3.0, 4.0, 5.0), tuple(FACS_MARKS))
"""Intensities; an arrow moves by 0.1, Page Up by half a mark, the mouse by 0.05."""

DETENT_PX = 4.0
"""A handle this near to the centre stands in it, unless Shift is held."""

MARGIN = 7
"""Room for half the handle at both ends, pixels."""

HATCH_PX = 5.0
"""Distance of the lines that mark guessed intensities."""

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
    """A value on a scale, by default an intensity 0–5.

    It shows what it is told (`show_intensity`) and reports what the user does; it decides nothing.

    A drag is a gesture: `pressed`, any number of `moved`, `released`; Escape says `cancelled` before that.
    Keys and wheel steps report `stepped` alone.
    """

    pressed = Signal()
    moved = Signal(float)
    cancelled = Signal()
    released = Signal()
    stepped = Signal(float)
    reset = Signal()

    def __init__(self, parent: QWidget | None = None, scale: Scale = AU_SCALE) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.scale = scale
        self.setRange(round(scale.low * scale.steps), round(scale.high * scale.steps))
        self.setSingleStep(scale.key_step)
        self.setPageStep(scale.page_step)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self._dragging = False
        self._changed = self._keyed = False
        self._seen = scale.high

    @property
    def dragging(self) -> bool:
        """Whether the user holds the handle."""
        return self._dragging

    def intensity(self) -> float:
        """What is shown, on the scale."""
        return self.value() / self.scale.steps

    def show_intensity(self, intensity: float, *, changed: bool, keyed: bool = False) -> None:
        """Show a value; `changed` marks one that the user holds, `keyed` one that keys move."""
        if not self._dragging:
            self.setValue(round(intensity * self.scale.steps))
        if (changed, keyed) != (self._changed, self._keyed):
            self._changed, self._keyed = changed, keyed
            self.update()

    def show_seen(self, value: float) -> None:
        """Hatch the scale beyond `value`: what the avatar does there was never seen but guessed."""
        if value != self._seen:
            self._seen = value
            self.update()

    @property
    def seen(self) -> float:
        """The value beyond which the avatar's motion is a guess."""
        return self._seen

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
        self._step(round(event.angleDelta().y() / 120 * self.scale.key_step))
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Arrows, Page, Home and End step; Delete resets; Escape takes a drag back."""
        small, large, whole = self.scale.key_step, self.scale.page_step, self.maximum() - self.minimum()
        steps = {
            Qt.Key.Key_Left: -small,
            Qt.Key.Key_Down: -small,
            Qt.Key.Key_Right: small,
            Qt.Key.Key_Up: small,
            Qt.Key.Key_PageDown: -large,
            Qt.Key.Key_PageUp: large,
            Qt.Key.Key_Home: -whole,
            Qt.Key.Key_End: whole,
        }
        key = Qt.Key(event.key())
        if key in steps:
            self._step(steps[key])
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.reset.emit()
        elif key == Qt.Key.Key_Escape and self._dragging:
            self._dragging = False
            self.cancelled.emit()
            self.released.emit()
            self.update()
        else:
            event.ignore()

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        """A drag whose release was lost to another window ends here."""
        if self._dragging:
            self._dragging = False
            self.released.emit()
        super().focusOutEvent(event)

    def x_of(self, value: float) -> float:
        """Where a value of the scale stands, pixels."""
        share = (value - self.scale.low) / (self.scale.high - self.scale.low)
        return MARGIN + (self.width() - 2 * MARGIN) * share

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Groove, marks, filled part and handle."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle, left, right = self.height() / 2, float(MARGIN), self.width() - float(MARGIN)
        enabled = self.isEnabled()
        x, origin = self.x_of(self.intensity()), self.x_of(max(0.0, self.scale.low))
        live = enabled and (self._changed or self._dragging or self._keyed)
        role = "key" if self._keyed else "accent"
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("groove", 1.0 if enabled else 0.5))
        painter.drawRoundedRect(QRectF(left, middle - 1.5, right - left, 3), 1.5, 1.5)
        if self._seen < self.scale.high:
            self._paint_guessed(painter, middle, enabled)
        painter.setPen(QPen(theme.colour("faint", 0.7 if enabled else 0.3), 1))
        for mark in self.scale.marks:
            tick = round(self.x_of(mark)) + 0.5
            painter.drawLine(QPointF(tick, middle + 4), QPointF(tick, middle + (9 if mark == 0 else 7)))
        painter.setPen(Qt.PenStyle.NoPen)
        if self.value() != 0 and enabled:
            painter.setBrush(theme.colour(role if live else "dim"))
            painter.drawRoundedRect(QRectF(min(origin, x), middle - 1.5, abs(x - origin), 3), 1.5, 1.5)
        if self._dragging:
            self._paint_letters(painter, middle)
        painter.setPen(QPen(theme.colour("panel"), 2))
        hovered = self.underMouse() and enabled
        painter.setBrush(theme.colour(role if live else "disabled" if not enabled else "text" if hovered else "dim"))
        radius = 6.0 if self._dragging or hovered else 5.0
        painter.drawEllipse(QPointF(x, middle), radius, radius)
        if self.hasFocus():
            painter.setPen(QPen(theme.colour("accent", 0.8), 1.2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(QPointF(x, middle), radius + 2, radius + 2)
        painter.end()

    def _paint_guessed(self, painter: QPainter, middle: float, enabled: bool) -> None:
        """Slanting lines over the part of the groove that is guessed."""
        left, right = self.x_of(self._seen), self.x_of(self.scale.high)
        painter.save()
        painter.setClipRect(QRectF(left, middle - 3, right - left, 6))
        painter.setPen(QPen(theme.colour("dim", 0.55 if enabled else 0.3), 1))
        for i in range(int((right - left) / HATCH_PX) + 3):
            x = left + i * HATCH_PX
            painter.drawLine(QPointF(x - 3, middle + 3), QPointF(x + 3, middle - 3))
        painter.restore()

    def _paint_letters(self, painter: QPainter, middle: float) -> None:
        """The marks' letters over the groove while the handle is held."""
        painter.setFont(theme.font(9))
        for mark, letter in zip(self.scale.marks, self.scale.letters, strict=False):
            tick = self.x_of(mark)
            painter.setPen(theme.colour("accent" if round(self.intensity()) == mark else "faint"))
            painter.drawText(QRectF(tick - 6, 0, 12, middle - 2), Qt.AlignmentFlag.AlignCenter, letter)
        painter.setPen(Qt.PenStyle.NoPen)

    def _follow(self, event: QMouseEvent) -> None:
        at, scale = event.position().x(), self.scale
        share = min(max((at - MARGIN) / max(1, self.width() - 2 * MARGIN), 0.0), 1.0)
        value = self.minimum() + round(share * (self.maximum() - self.minimum()))
        if not event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            value = round(value / scale.drag_step) * scale.drag_step
            if scale.detent and abs(at - self.x_of(0.0)) <= DETENT_PX:
                value = 0
        self.setValue(value)
        self.moved.emit(self.intensity())
        self.update()

    def _step(self, steps: int) -> None:
        value = min(max(self.value() + steps, self.minimum()), self.maximum())
        if value != self.value():
            self.stepped.emit(value / self.scale.steps)
