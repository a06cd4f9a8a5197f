"""A video as a strip of film with a handle at either end of the part that is used."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from studio.engine.footage import MAX_DURATION_S, MIN_DURATION_S
from studio.widgets import theme
from studio.widgets.making.film import STRIP_PX, Film, to_image
from studio.widgets.part_strip import PartStrip

REACH_PX = 10.0
HANDLE_PX = 9.0
STEP_S, BIG_STEP_S = 0.2, 2.0

End = Literal["start", "end"]


class FilmStrip(PartStrip):
    """Two handles to drag, or the whole part between them; with the focus, arrows move the handle used last."""

    MARGIN_PX = HANDLE_PX
    KEYS = (*PartStrip.KEYS, Qt.Key.Key_Home, Qt.Key.Key_End)
    SIZE_HINT = QSize(560, STRIP_PX + 8)

    moved = Signal(float)
    """The part was changed; this moment of the video is looked at, seconds."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Part of the video that is used")
        self.setToolTip(
            "Drag the handles, or the part between them. With the keyboard: Up and Down choose a handle, "
            "Left and Right move it, with Shift further."
        )
        self.setFixedHeight(self.SIZE_HINT.height())
        self._images: list[QImage] = []
        self._duration_s = 0.0
        self._end: End = "start"
        self._grip: tuple[str, float] | None = None  # what is dragged, and where it was taken
        self._before_s = (0.0, 0.0)  # the part when that began

    @property
    def duration_s(self) -> float:
        """Length of the video, seconds."""
        return self._duration_s

    def show_film(self, film: Film) -> None:
        """Another video; as much of it is used as can be."""
        self._images = [to_image(picture) for picture in film.pictures]
        self._duration_s = film.duration_s
        self._part_s = (0.0, min(film.duration_s, MAX_DURATION_S))
        self.update()

    def set_part(self, start_s: float, end_s: float, looked_s: float) -> None:
        """Use another part, as far as it can be used."""
        length_s = min(max(end_s - start_s, MIN_DURATION_S), MAX_DURATION_S, self._duration_s)
        start_s = min(max(start_s, 0.0), self._duration_s - length_s)
        part = (start_s, start_s + length_s)
        if part != self._part_s:
            self._part_s = part
            self.update()
            self.moved.emit(min(max(looked_s, part[0]), part[1]))

    # ---- gestures ----

    def _under(self, x: float) -> str:
        start, end = (self.x_of(time_s) for time_s in self._part_s)
        nearest: End = "start" if abs(x - start) <= abs(x - end) else "end"
        if abs(x - (start if nearest == "start" else end)) <= REACH_PX:
            return nearest
        return "part" if start < x < end else ""

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Take a handle or the part."""
        if event.button() == Qt.MouseButton.LeftButton:
            x = event.position().x()
            under = self._under(x)
            if under == "start" or under == "end":
                self._end = "start" if under == "start" else "end"
            self._grip = (under, self.time_at(x) - self._part_s[0]) if under else None
            self._before_s = self._part_s
            self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Drag, or show what can be taken."""
        x = event.position().x()
        if self._grip is None:
            shapes = {"part": Qt.CursorShape.OpenHandCursor, "": Qt.CursorShape.ArrowCursor}
            self.setCursor(shapes.get(self._under(x), Qt.CursorShape.SizeHorCursor))
            return
        what, offset_s = self._grip
        if what == "part":
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
            start_s = self.time_at(x) - offset_s
            self.set_part(start_s, start_s + self._part_s[1] - self._part_s[0], start_s)
        else:
            self._move(self.time_at(x))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Let go."""
        self._grip = None
        self.setCursor(Qt.CursorShape.ArrowCursor)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Up and Down choose a handle; Left and Right move it, with Shift further; Home and End as far as it goes.

        Escape takes a drag back.
        """
        step_s = BIG_STEP_S if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else STEP_S
        key = Qt.Key(event.key())
        now_s = self._part_s[0 if self._end == "start" else 1]
        if key == Qt.Key.Key_Escape and self._grip is not None:
            self._grip = None
            self.setCursor(Qt.CursorShape.ArrowCursor)
            self.set_part(*self._before_s, self._before_s[0])
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self._end = "start" if key == Qt.Key.Key_Up else "end"
            self.update()
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self._move(now_s + (step_s if key == Qt.Key.Key_Right else -step_s))
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End):
            self._move(0.0 if key == Qt.Key.Key_Home else self._duration_s)
        else:
            super().keyPressEvent(event)

    def _move(self, time_s: float) -> None:
        """The handle used last goes there; the other stays, and keeps it from making the part too short or too long."""
        start_s, end_s = self._part_s
        shortest = min(MIN_DURATION_S, self._duration_s)
        if self._end == "start":
            start_s = min(max(time_s, end_s - MAX_DURATION_S, 0.0), end_s - shortest)
        else:
            end_s = max(min(time_s, start_s + MAX_DURATION_S, self._duration_s), start_s + shortest)
        self.set_part(start_s, end_s, start_s if self._end == "start" else end_s)

    # ---- painting ----

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Pictures side by side, what is left out dimmed, a frame with two handles."""
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        film = QRectF(HANDLE_PX, 4, self.width() - 2 * HANDLE_PX, self.height() - 8)
        painter.fillRect(film, theme.colour("window"))
        if self._images:
            self._paint_film(painter, film)
            self._paint_part(painter, film)
        painter.end()

    def _paint_film(self, painter: QPainter, film: QRectF) -> None:
        cell = film.width() / len(self._images)
        for i, image in enumerate(self._images):
            place = QRectF(film.left() + i * cell, film.top(), cell, film.height())
            scale = max(place.width() / image.width(), place.height() / image.height())
            width, height = place.width() / scale, place.height() / scale
            source = QRectF((image.width() - width) / 2, (image.height() - height) / 2, width, height)
            painter.drawImage(place, image, source)

    def _paint_part(self, painter: QPainter, film: QRectF) -> None:
        start, end = (self.x_of(time_s) for time_s in self._part_s)
        shade = theme.colour("window", 0.72)
        painter.fillRect(QRectF(film.left(), film.top(), start - film.left(), film.height()), shade)
        painter.fillRect(QRectF(end, film.top(), film.right() - end, film.height()), shade)
        accent = theme.colour("accent")
        painter.setPen(QPen(accent, 2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(QRectF(start, film.top() - 2, end - start, film.height() + 4))
        for end_name, x, way in (("start", start, -1), ("end", end, 1)):
            chosen = self.hasFocus() and end_name == self._end
            self._paint_handle(painter, x, way, chosen=chosen)

    def _paint_handle(self, painter: QPainter, x: float, way: int, *, chosen: bool) -> None:
        box = QRectF(min(x, x + way * HANDLE_PX), 1, HANDLE_PX, self.height() - 2)
        path = QPainterPath()
        path.addRoundedRect(box, 3, 3)
        painter.fillPath(path, theme.colour("text" if chosen else "accent"))
        painter.setPen(QPen(theme.colour("on_accent" if not chosen else "panel"), 1.4))
        middle = box.center()
        painter.drawLine(QPointF(middle.x(), middle.y() - 7), QPointF(middle.x(), middle.y() + 7))
