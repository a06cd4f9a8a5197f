"""The viewport: shows the head, takes orbit, pan and dolly, and says quietly how fast it draws."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QFontMetrics,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from studio.playback.engine_thread import FrameResult
from studio.widgets import theme
from studio.widgets.camera_controller import CameraController
from studio.widgets.presenters import Kind, make_presenter

WHEEL_STEP = 120.0
"""Qt's unit of one notch; touch pads send fractions."""

DOLLY_STEPS_PER_HEIGHT = 12.0
"""Wheel steps of a right-button drag across the viewport's height."""


class Overlay(QWidget):
    """Text over the picture: read-out in a corner, a state in the centre. Lets the mouse through."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.readout = ""
        self.headline = ""
        self.detail = ""
        self.focused = False

    def say(self, headline: str, detail: str = "") -> None:
        """Show a state in the centre; empty texts clear it."""
        if (headline, detail) != (self.headline, self.detail):
            self.headline, self.detail = headline, detail
            self.update()

    def show_readout(self, text: str) -> None:
        """Show the figures."""
        if text != self.readout:
            self.readout = text
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Paint what there is to say."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.readout:
            painter.setFont(theme.font(theme.TYPE.small))
            painter.setPen(theme.colour_on_picture("faint"))
            area = self.rect().adjusted(14, 10, -14, -10)
            painter.drawText(area, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom, self.readout)
        if self.headline:
            self._paint_state(painter)
        if self.focused:
            painter.setPen(QPen(theme.colour_on_picture("accent", 0.7), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5))
        painter.end()

    def _paint_state(self, painter: QPainter) -> None:
        """A drawn head's outline with two lines under it."""
        centre = QPointF(self.width() / 2, self.height() / 2 - 40)
        outline = QPainterPath()
        outline.moveTo(centre + QPointF(0, -62))
        outline.cubicTo(centre + QPointF(62, -62), centre + QPointF(46, 62), centre + QPointF(0, 62))
        outline.cubicTo(centre + QPointF(-46, 62), centre + QPointF(-62, -62), centre + QPointF(0, -62))
        painter.setPen(QPen(theme.colour_on_picture("groove"), 2))
        painter.setBrush(theme.colour_on_picture("panel", 0.6))
        painter.drawPath(outline)
        painter.setPen(theme.colour_on_picture("text"))
        painter.setFont(theme.font(theme.TYPE.large))
        top = round(centre.y()) + 84
        width = self.width() - 48
        painter.drawText(QRect(24, top, width, 26), Qt.AlignmentFlag.AlignHCenter, self.headline)
        painter.setPen(theme.colour_on_picture("dim"))
        painter.setFont(theme.font(theme.TYPE.body))
        metrics = QFontMetrics(painter.font())
        flags = Qt.AlignmentFlag.AlignHCenter | Qt.TextFlag.TextWordWrap
        painter.drawText(QRect(24, top + 32, width, metrics.height() * 3), flags, self.detail)


class Viewport(QWidget):
    """The picture and the mouse over it. Drags with the left button orbit, with the middle one (or Shift) pan."""

    view_changed = Signal(bool)
    """The camera or the size changed; true while the hand moves it."""

    presented = Signal(float)

    def __init__(self, presenter: Kind = "auto", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("viewport")
        self.setAccessibleName("Viewport: drag to orbit, Shift and drag to pan, wheel to come nearer")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(320, 240)
        self.controller = CameraController()
        self.presenter = make_presenter(presenter, self)
        self.presenter.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.presenter.presented.connect(self.presented)
        self.overlay = Overlay(self)
        self.overlay.raise_()
        self._drag: str | None = None
        self._last = QPointF()
        self.setCursor(Qt.CursorShape.OpenHandCursor)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """As much as there is."""
        return QSize(900, 640)

    def device_size(self) -> tuple[int, int]:
        """Width and height in device pixels."""
        ratio = self.devicePixelRatioF()
        return max(1, round(self.width() * ratio)), max(1, round(self.height() * ratio))

    def show_result(self, result: FrameResult) -> None:
        """Show a picture."""
        self.presenter.show_pixels(result.rgba)
        self.overlay.say("")

    def look(self, name: str) -> None:
        """Go to a standard view."""
        self.controller.look(name)
        self.view_changed.emit(False)

    def reframe(self) -> None:
        """Frame the head."""
        self.controller.reframe()
        self.view_changed.emit(False)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Picture and overlay fill the widget; a picture of the new shape is asked for."""
        self.presenter.setGeometry(self.rect())
        self.overlay.setGeometry(self.rect())
        self.view_changed.emit(True)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Begin to orbit, pan or dolly."""
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        self._drag = {
            Qt.MouseButton.LeftButton: "pan" if shift else "orbit",
            Qt.MouseButton.MiddleButton: "pan",
            Qt.MouseButton.RightButton: "dolly",
        }.get(event.button())
        self._last = event.position()
        shapes = {
            "orbit": Qt.CursorShape.ClosedHandCursor,
            "pan": Qt.CursorShape.SizeAllCursor,
            "dolly": Qt.CursorShape.SizeVerCursor,
        }
        if self._drag is not None:
            self.setCursor(shapes[self._drag])

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Move the camera by what the pointer moved."""
        if self._drag is None:
            return
        moved = (event.position() - self._last) / max(1, self.height())
        self._last = event.position()
        if self._drag == "orbit":
            self.controller.orbit(moved.x(), moved.y())
        elif self._drag == "pan":
            self.controller.pan(moved.x(), moved.y())
        else:
            self.controller.dolly(-moved.y() * DOLLY_STEPS_PER_HEIGHT)
        self.view_changed.emit(True)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """End the gesture."""
        self._drag = None
        self.setCursor(Qt.CursorShape.OpenHandCursor)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Frame the head."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.reframe()

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        """Come nearer or go away."""
        self.controller.dolly(event.angleDelta().y() / WHEEL_STEP)
        self.view_changed.emit(True)
        event.accept()

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        """A frame shows that the keyboard has come here; a click needs none."""
        self.overlay.focused = event.reason() in theme.BY_KEYBOARD
        self.overlay.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        """Without the frame again."""
        self.overlay.focused = False
        self.overlay.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Plus and minus come nearer and go away."""
        steps = {Qt.Key.Key_Plus: 1.0, Qt.Key.Key_Equal: 1.0, Qt.Key.Key_Minus: -1.0}.get(Qt.Key(event.key()))
        if steps is None:
            event.ignore()
            return
        self.controller.dolly(steps)
        self.view_changed.emit(True)
