"""The clip as a waveform with ruler, playhead and range; click or drag to scrub."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio.widgets import theme
from studio.widgets.peaks import Peaks

RULER_HEIGHT = 20
MARGIN = 12
"""Room left and right for the playhead's ends, pixels."""

LABEL_WIDTH = 60
"""Room for a time on the ruler, pixels."""

MIN_RANGE_PX = 4
"""A shorter drag on the ruler is a click."""

_TICKS_S = (0.04, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200)


class Waveform(QWidget):
    """Shows a clip; reports where the user points.

    Signals:
        scrubbed(time_s): the playhead shall go there.
        range_dragged(first_s, past_s): a range is being marked on the ruler (or with Shift on the waveform).
        range_committed(): the mouse was released after such a drag.
        range_cleared(): double-click on the ruler.
    """

    scrub_begun = Signal()
    scrubbed = Signal(float)
    scrub_ended = Signal()
    range_begun = Signal()
    range_dragged = Signal(float, float)
    range_committed = Signal()
    range_cleared = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("waveform")
        self.setAccessibleName("Speech waveform; drag to move the playhead, drag on the ruler to mark a range")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMouseTracking(True)
        self.setMinimumHeight(RULER_HEIGHT + 36)
        self._peaks: Peaks | None = None
        self._duration_s = 0.0
        self._position_s = 0.0
        self._range_s: tuple[float, float] | None = None
        self._looping = False
        self._busy = ""
        self._drag: str | None = None
        self._anchor_s = 0.0
        self._anchor_x = 0.0
        self._images: tuple[tuple[int, int, float], QImage, QImage] | None = None

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """A calm height."""
        return QSize(600, 96)

    def set_clip(self, peaks: Peaks | None) -> None:
        """Show another clip, or none."""
        self._peaks = peaks
        self._duration_s = peaks.duration_s if peaks is not None else 0.0
        self._images, self._busy = None, ""
        self.update()

    def set_busy(self, text: str) -> None:
        """Say that a clip is being opened; an empty text ends it."""
        self._busy = text
        self.update()

    def set_position(self, position_s: float) -> None:
        """Move the playhead; repaints only the strip it leaves and the one it enters."""
        for time_s in (self._position_s, position_s):
            self.update(int(self.x_of(time_s)) - 8, 0, 17, self.height())
        left, right = sorted((self.x_of(self._position_s), self.x_of(position_s)))
        self.update(int(left), RULER_HEIGHT, int(right - left) + 2, self.height())
        self._position_s = position_s

    def set_range(self, range_s: tuple[float, float] | None, *, looping: bool) -> None:
        """Show the marked range, brighter while it loops."""
        self._range_s, self._looping = range_s, looping
        self.update()

    def x_of(self, time_s: float) -> float:
        """Pixel of a moment."""
        return MARGIN + time_s / max(self._duration_s, 1e-6) * self._width() if self._duration_s else float(MARGIN)

    def time_at(self, x: float) -> float:
        """Moment under a pixel, within the clip."""
        return min(max((x - MARGIN) / self._width(), 0.0), 1.0) * self._duration_s

    def _width(self) -> float:
        return max(1.0, self.width() - 2.0 * MARGIN)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """On the ruler, or with Shift: mark a range. Elsewhere: scrub."""
        if event.button() != Qt.MouseButton.LeftButton or self._duration_s == 0:
            return
        position = event.position()
        self._anchor_s, self._anchor_x = self.time_at(position.x()), position.x()
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if shift or position.y() < RULER_HEIGHT:
            self._drag = "maybe range"
        else:
            self._drag = "scrub"
            self.scrub_begun.emit()
            self.scrubbed.emit(self._anchor_s)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Scrub or stretch the range."""
        x = event.position().x()
        if self._drag == "scrub":
            self.scrubbed.emit(self.time_at(x))
        elif self._drag == "maybe range" and abs(x - self._anchor_x) >= MIN_RANGE_PX:
            self._drag = "range"
            self.range_begun.emit()
        if self._drag == "range":
            self.range_dragged.emit(*sorted((self._anchor_s, self.time_at(x))))
        over_ruler = event.position().y() < RULER_HEIGHT and self._duration_s > 0
        self.setCursor(Qt.CursorShape.SizeHorCursor if over_ruler else Qt.CursorShape.ArrowCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """End the gesture; a click on the ruler moves the playhead."""
        if event.button() != Qt.MouseButton.LeftButton:
            return
        drag, self._drag = self._drag, None
        if drag == "range":
            self.range_committed.emit()
        elif drag == "maybe range":
            self.scrubbed.emit(self._anchor_s)
        elif drag == "scrub":
            self.scrub_ended.emit()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """On the ruler: clear the range."""
        if event.position().y() < RULER_HEIGHT:
            self.range_cleared.emit()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Range, ruler, waveform, playhead."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.colour("panel"))
        painter.fillRect(QRectF(0, RULER_HEIGHT, self.width(), self.height() - RULER_HEIGHT), theme.colour("window"))
        if self._peaks is None or self._duration_s == 0:
            text = self._busy or "No speech yet: open a sound or video file, or drop one here"
            painter.setPen(theme.colour("dim" if self._busy else "faint"))
            painter.setFont(theme.font(theme.TYPE.body))
            painter.drawText(self.rect().adjusted(0, RULER_HEIGHT, 0, 0), Qt.AlignmentFlag.AlignCenter, text)
            painter.end()
            return
        self._paint_range(painter)
        self._paint_ruler(painter, event.rect())
        self._paint_wave(painter, event.rect())
        self._paint_playhead(painter)
        if self._busy:
            painter.setPen(theme.colour("text"))
            painter.drawText(self.rect().adjusted(0, RULER_HEIGHT, -MARGIN, 0), Qt.AlignmentFlag.AlignRight, self._busy)
        painter.end()

    def _paint_range(self, painter: QPainter) -> None:
        if self._range_s is None:
            return
        first, past = (self.x_of(t) for t in self._range_s)
        strong = 1.0 if self._looping else 0.5
        painter.fillRect(
            QRectF(first, RULER_HEIGHT, past - first, self.height()), theme.colour("accent", 0.10 * strong)
        )
        painter.fillRect(QRectF(first, RULER_HEIGHT - 4, past - first, 4), theme.colour("accent", strong))
        painter.setPen(QPen(theme.colour("accent", 0.6 * strong), 1))
        for x in (first, past):
            painter.drawLine(QPointF(round(x) + 0.5, RULER_HEIGHT), QPointF(round(x) + 0.5, self.height()))

    def _paint_ruler(self, painter: QPainter, dirty: QRect) -> None:
        painter.setFont(theme.font(10))
        step = next((s for s in _TICKS_S if s / self._duration_s * self._width() >= 64), _TICKS_S[-1])
        first, last = (int(self.time_at(x) / step) for x in (dirty.left() - LABEL_WIDTH, dirty.right() + 1))
        for i in range(first, last + 1):
            x = round(self.x_of(i * step)) + 0.5
            painter.setPen(theme.colour("faint", 0.6))
            painter.drawLine(QPointF(x, RULER_HEIGHT - 5), QPointF(x, RULER_HEIGHT - 1))
            if x + LABEL_WIDTH / 2 > self.width():
                continue  # it would be cut off
            painter.setPen(theme.colour("faint"))
            painter.drawText(
                QRectF(x + 4, 0, LABEL_WIDTH, RULER_HEIGHT - 2), Qt.AlignmentFlag.AlignVCenter, _label(i * step, step)
            )

    def _paint_wave(self, painter: QPainter, dirty: QRect) -> None:
        played, ahead = self._wave_images()
        x = self.x_of(self._position_s)
        area = QRectF(MARGIN, RULER_HEIGHT, self._width(), self.height() - RULER_HEIGHT)
        for image, begin, end in ((played, area.left(), x), (ahead, x, area.right())):
            left, right = max(begin, dirty.left() - 1.0), min(end, dirty.right() + 2.0)
            if right > left:
                ratio = image.devicePixelRatio()
                source = QRectF((left - area.left()) * ratio, 0, (right - left) * ratio, image.height())
                painter.drawImage(QRectF(left, area.top(), right - left, area.height()), image, source)

    def _paint_playhead(self, painter: QPainter) -> None:
        x = round(self.x_of(self._position_s)) + 0.5
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.colour("text"), 1))
        painter.drawLine(QPointF(x, RULER_HEIGHT - 4), QPointF(x, self.height()))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("text"))
        top = RULER_HEIGHT - 10.0
        corners = ((-5, 0), (5, 0), (5, 4), (0, 9), (-5, 4))
        painter.drawPolygon(QPolygonF([QPointF(x + right, top + down) for right, down in corners]))

    def _wave_images(self) -> tuple[QImage, QImage]:
        """The waveform in the colours of what was and what will be heard, made once per size."""
        ratio = self.devicePixelRatioF()
        key = (self.width(), self.height(), ratio)
        if self._images is None or self._images[0] != key:
            width = max(1, round(self._width() * ratio))
            height = max(1, round((self.height() - RULER_HEIGHT) * ratio))
            assert self._peaks is not None
            low, high = self._peaks.columns(0.0, self._duration_s, width)
            loudest = max(float(np.abs(low).max()), float(np.abs(high).max()), 0.05)
            images = []
            for role in ("accent", "faint"):
                image = _drawn(low / loudest, high / loudest, height, theme.colour(role))
                image.setDevicePixelRatio(ratio)
                images.append(image)
            self._images = (key, images[0], images[1])
        return self._images[1], self._images[2]


def _drawn(low: np.ndarray, high: np.ndarray, height: int, colour: QColor) -> QImage:
    """Columns from low to high (in [-1, 1]) with soft ends, transparent elsewhere."""
    middle = (height - 1) / 2
    reach = middle * 0.86
    top, bottom = middle - high * reach, middle - low * reach
    rows = np.arange(height, dtype=np.float32)[:, None]
    cover = np.clip(np.minimum(rows - top + 0.75, bottom - rows + 0.75), 0.0, 1.0)
    cover = np.maximum(cover, (np.abs(rows - middle) < 0.5) * 0.6)
    pixels = np.zeros((height, len(low), 4), np.uint8)
    pixels[..., :3] = (colour.red(), colour.green(), colour.blue())
    pixels[..., 3] = np.round(cover * 255)
    return QImage(pixels.data, len(low), height, len(low) * 4, QImage.Format.Format_RGBA8888).copy()


def _label(time_s: float, step_s: float) -> str:
    """Time on the ruler: 2.5, 12, 1:05."""
    if time_s >= 60:
        return f"{int(time_s // 60)}:{int(time_s % 60):02d}"
    return f"{time_s:.2f}" if step_s < 0.1 else f"{time_s:.1f}" if step_s < 1 else f"{time_s:.0f} s"
