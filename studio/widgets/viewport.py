"""The viewport: shows the head, takes orbit, pan and dolly, and says quietly how fast it draws."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt, QTimer, Signal
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

from studio.engine.aids import Legend
from studio.playback.engine_thread import FrameResult
from studio.widgets import theme
from studio.widgets.camera_controller import CameraController
from studio.widgets.presenters import GlPresenter, Kind, RasterPresenter, make_presenter
from studio.widgets.view import painting
from studio.widgets.view.painting import Guides

WHEEL_STEP = 120.0
"""Qt's unit of one notch; touch pads send fractions."""

DOLLY_STEPS_PER_HEIGHT = 12.0
"""Wheel steps of a right-button drag across the viewport's height."""

DIVIDER_REACH_PX = 8
"""How near the pointer must be to take the divider of a comparison."""

NEARER = {Qt.Key.Key_Plus: 1.0, Qt.Key.Key_Equal: 1.0, Qt.Key.Key_Minus: -1.0}
"""Keys that come nearer or go away, in steps of the wheel."""

STEPS_END_MS = 350
"""Steps of wheel and keys that follow each other this quickly are one movement of the camera."""


class Overlay(QWidget):
    """What is painted over the picture: read-out, guides, legend, a state. Lets the mouse through."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.readout = ""
        self.headline = ""
        self.detail = ""
        self.focused = False
        self.guides = Guides()
        self.legend: Legend | None = None
        self.label = ""  # in the middle at the top
        self.divider: float | None = None
        self.divider_labels = ("", "")

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

    def show_legend(self, legend: Legend | None) -> None:
        """Show how to read the overlay."""
        if legend != self.legend:
            self.legend = legend
            self.update()

    def show_label(self, text: str) -> None:
        """Show a word about what is seen."""
        if text != self.label:
            self.label = text
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Paint what there is to say."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect())
        if not self.headline:
            painting.paint_guides(painter, area, self.guides)
            if self.divider is not None:
                painting.paint_divider(painter, area, self.divider, self.divider_labels)
            if self.legend is not None:
                painting.paint_legend(painter, area, self.legend)
            if self.label:
                painting.paint_label(painter, QPointF(area.center().x(), 52), self.label, Qt.AlignmentFlag.AlignHCenter)
        if self.readout:
            painting.paint_readout(painter, area, self.readout)
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

    grabbed = Signal()
    """The hand is about to move the camera."""

    released = Signal()
    """The hand let go of the camera."""

    divider_moved = Signal(float)
    """The hand moved the comparison's divider; share of the width."""

    presented = Signal(float)

    card_drawn = Signal(float)
    """Milliseconds per megapixel that the graphics card takes for drawings."""

    card_failed = Signal(str)
    """The graphics card cannot draw; one sentence. Pictures are painted in memory from now on."""

    def __init__(self, presenter: Kind = "auto", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("viewport")
        self.setAccessibleName("Viewport: drag to orbit, Shift and drag to pan, wheel to come nearer")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(320, 240)
        self.controller = CameraController()
        self.presenter = make_presenter(presenter, self)
        self._connect_presenter()
        self.overlay = Overlay(self)
        self.overlay.raise_()
        self._drag: str | None = None
        self._last = QPointF()
        self._steps_end = QTimer(self)
        self._steps_end.setSingleShot(True)
        self._steps_end.setInterval(STEPS_END_MS)
        self._steps_end.timeout.connect(self.released)
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.OpenHandCursor)

    def _connect_presenter(self) -> None:
        presenter = self.presenter
        presenter.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        presenter.presented.connect(self.presented)
        if isinstance(presenter, GlPresenter):
            presenter.drawn.connect(self.card_drawn)
            presenter.failed.connect(self._paint_in_memory)

    def _paint_in_memory(self, reason: str) -> None:
        """Go on without the graphics card."""
        broken, self.presenter = self.presenter, RasterPresenter(self)
        self._connect_presenter()
        self.presenter.set_divider(self.overlay.divider)
        self.presenter.setGeometry(self.rect())
        self.presenter.stackUnder(self.overlay)
        self.presenter.show()
        if isinstance(broken, GlPresenter):
            broken.release()
        broken.hide()
        broken.deleteLater()
        self.card_failed.emit(reason)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """As much as there is."""
        return QSize(900, 640)

    def device_size(self) -> tuple[int, int]:
        """Width and height in device pixels."""
        ratio = self.devicePixelRatioF()
        return max(1, round(self.width() * ratio)), max(1, round(self.height() * ratio))

    def show_result(self, result: FrameResult) -> None:
        """Show a picture."""
        if result.rgba is not None:
            transparent = result.request.background is None
            self.presenter.show_pixels(result.rgba, result.compared, transparent=transparent)
        elif result.drawing is not None and isinstance(self.presenter, GlPresenter) and self.presenter.direct:
            self.presenter.show_drawing(result.drawing, result.compared_drawing)
        else:
            return  # a drawing that was on its way when the card gave up; pixels follow
        self.overlay.show_legend(result.legend)
        self.overlay.say("")

    def set_divider(self, share: float | None, labels: tuple[str, str] = ("", "")) -> None:
        """Where the compared picture ends and what is left and right of it; None for no comparison."""
        self.overlay.divider, self.overlay.divider_labels = share, labels
        self.presenter.set_divider(share)
        self.overlay.update()

    def set_guides(self, guides: Guides) -> None:
        """Lines over the picture; with safe frames the export's whole frame fits into the viewport."""
        aspect = guides.aspect if guides.safe else None
        if guides != self.overlay.guides:
            self.overlay.guides = guides
            self.overlay.update()
        if aspect != self.controller.frame_aspect:
            self.controller.frame_aspect = aspect
            self.view_changed.emit(False)

    def add_bar(self, bar: QWidget) -> None:
        """Lay a bar of buttons over the upper left corner."""
        bar.setParent(self)
        bar.move(theme.SPACE, theme.SPACE)
        bar.raise_()
        bar.show()

    def go(self, change: Callable[[CameraController], None]) -> None:
        """Move the camera at once, as a movement of the hand by itself."""
        self._steps_end.stop()
        self.grabbed.emit()
        change(self.controller)
        self.view_changed.emit(False)
        self.released.emit()

    def look(self, name: str) -> None:
        """Go to a standard view."""
        self.go(lambda controller: controller.look(name))

    def reframe(self) -> None:
        """Frame the head."""
        self.go(lambda controller: controller.reframe())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Picture and overlay fill the widget; a picture of the new shape is asked for."""
        self.presenter.setGeometry(self.rect())
        self.overlay.setGeometry(self.rect())
        self.view_changed.emit(True)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Begin to orbit, pan or dolly, or take the divider."""
        self._end_steps()
        if self._drag in ("orbit", "pan", "dolly"):
            self.released.emit()  # another button takes over
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if event.button() == Qt.MouseButton.LeftButton and self._at_divider(event.position()):
            self._drag = "divider"
            return
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
            self.grabbed.emit()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Move the camera by what the pointer moved, or the divider."""
        if self._drag is None:
            near = self._at_divider(event.position())
            self.setCursor(Qt.CursorShape.SplitHCursor if near else Qt.CursorShape.OpenHandCursor)
            return
        if self._drag == "divider":
            self.divider_moved.emit(min(max(event.position().x() / max(1, self.width()), 0.02), 0.98))
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
        if self._drag in ("orbit", "pan", "dolly"):
            self.released.emit()
        self._drag = None
        near = self._at_divider(event.position())
        self.setCursor(Qt.CursorShape.SplitHCursor if near else Qt.CursorShape.OpenHandCursor)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Frame the head."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.reframe()

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        """Come nearer or go away."""
        self._step(event.angleDelta().y() / WHEEL_STEP)
        event.accept()

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        """A frame shows that the keyboard has come here; a click needs none."""
        self.overlay.focused = event.reason() in theme.BY_KEYBOARD
        self.overlay.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        """Without the frame again."""
        self.overlay.focused = False
        self.overlay.update()

    def event(self, event: QEvent) -> bool:
        """Plus and minus are the viewport's own while it has the focus; elsewhere they zoom the timeline."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and _steps_of(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Plus and minus come nearer and go away."""
        steps = _steps_of(event)
        if steps:
            self._step(steps)
        else:
            event.ignore()

    def _step(self, steps: float) -> None:
        """One of several steps nearer; together they are one movement."""
        if self._drag is None and not self._steps_end.isActive():
            self.grabbed.emit()
        self.controller.dolly(steps)
        self.view_changed.emit(True)
        if self._drag is None:
            self._steps_end.start()

    def _end_steps(self) -> None:
        if self._steps_end.isActive():
            self._steps_end.stop()
            self.released.emit()

    def _at_divider(self, at: QPointF) -> bool:
        share = self.overlay.divider
        return share is not None and abs(at.x() - self.width() * share) <= DIVIDER_REACH_PX


def _steps_of(event: QKeyEvent) -> float:
    """How far a key comes nearer; 0 for every other one, and with Ctrl, Alt or Meta."""
    others = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.MetaModifier
    return 0.0 if event.modifiers() & others else NEARER.get(Qt.Key(event.key()), 0.0)
