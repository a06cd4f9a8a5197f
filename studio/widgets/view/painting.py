"""What is painted over the picture: guides of the export's frame, legends, the divider of a comparison, labels."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QLinearGradient, QPainter, QPainterPath, QPen

from studio.engine.aids import Legend, Rgb
from studio.engine.backdrop import frame_size
from studio.widgets import theme

ACTION_SAFE, TITLE_SAFE = 0.93, 0.90
"""Shares of the frame's edges that screens surely show, and in which text is safe (SMPTE ST 2046-1, EBU R 95)."""

RAMP_WIDTH, RAMP_HEIGHT = 168.0, 8.0
HANDLE_RADIUS = 13.0


@dataclass(frozen=True)
class Guides:
    """Lines over the picture.

    Attributes:
        aspect: width / height of the export's frame.
        safe: outline of the frame with its safe areas, what lies outside is dimmed.
        thirds: lines at the thirds of the frame.
    """

    aspect: float = 1.0
    safe: bool = False
    thirds: bool = False


def frame_rect(width: float, height: float, guides: Guides) -> QRectF:
    """The export's frame within a viewport."""
    w, h = frame_size(width, height, guides.aspect, framed=guides.safe)
    return QRectF((width - w) / 2, (height - h) / 2, w, h)


def paint_guides(painter: QPainter, area: QRectF, guides: Guides) -> None:
    """Dim what lies outside the frame, and draw the lines."""
    frame = frame_rect(area.width(), area.height(), guides)
    if guides.safe:
        outside = QPainterPath()
        outside.addRect(area)
        inside = QPainterPath()
        inside.addRect(frame)
        painter.fillPath(outside.subtracted(inside), QColor(0, 0, 0, 130))
        _outline(painter, frame.adjusted(0.5, 0.5, -0.5, -0.5), 0.75)
        for share in (ACTION_SAFE, TITLE_SAFE):
            w, h = frame.width() * share, frame.height() * share
            safe = QRectF(frame.center().x() - w / 2, frame.center().y() - h / 2, w, h)
            _outline(painter, safe, 0.38, dashed=share == TITLE_SAFE)
    if guides.thirds:
        for i in (1, 2):
            x, y = frame.left() + frame.width() * i / 3, frame.top() + frame.height() * i / 3
            for start, end in (
                (QPointF(x, frame.top()), QPointF(x, frame.bottom())),
                (QPointF(frame.left(), y), QPointF(frame.right(), y)),
            ):
                painter.setPen(QPen(QColor(255, 255, 255, 70), 1))
                painter.drawLine(start, end)


def paint_legend(painter: QPainter, area: QRectF, legend: Legend) -> None:
    """How to read the overlay, in the lower right corner."""
    painter.setFont(theme.font(theme.TYPE.small))
    metrics = QFontMetricsF(painter.font())
    line = metrics.height() + 5
    if legend.ramp:
        width, height = RAMP_WIDTH, line + RAMP_HEIGHT + line
    else:
        width = max([metrics.horizontalAdvance(text) + 18 for text in legend.labels], default=0.0)
        height = line * (1 + len(legend.labels))
    width = max(width, metrics.horizontalAdvance(legend.title))
    box = QRectF(
        area.right() - theme.SPACE - width - 20, area.bottom() - theme.SPACE - height - 12, width + 20, height + 12
    )
    _panel(painter, box)
    x, y = box.left() + 10, box.top() + 7
    painter.setPen(theme.colour_on_picture("text"))
    painter.drawText(QPointF(x, y + metrics.ascent()), legend.title)
    y += line
    if legend.ramp:
        _paint_ramp(painter, QRectF(x, y + 1, box.width() - 20, RAMP_HEIGHT), legend)
        return
    for colour, label in zip(legend.colours, legend.labels, strict=True):
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(_colour(colour))
        painter.drawRoundedRect(QRectF(x, y + 2, 10, 10), 2, 2)
        painter.setPen(theme.colour_on_picture("dim"))
        painter.drawText(QPointF(x + 18, y + metrics.ascent()), label)
        y += line


def paint_divider(painter: QPainter, area: QRectF, share: float, labels: tuple[str, str]) -> None:
    """The line between two pictures with a handle, and what is left and right of it."""
    x = round(area.width() * share) + 0.5
    painter.setPen(QPen(QColor(0, 0, 0, 90), 3))
    painter.drawLine(QPointF(x, 0), QPointF(x, area.height()))
    painter.setPen(QPen(QColor(255, 255, 255, 220), 1))
    painter.drawLine(QPointF(x, 0), QPointF(x, area.height()))
    middle = QPointF(x, area.height() / 2)
    painter.setBrush(theme.colour_on_picture("raised", 0.92))
    painter.setPen(QPen(QColor(255, 255, 255, 220), 1.2))
    painter.drawEllipse(middle, HANDLE_RADIUS, HANDLE_RADIUS)
    for side in (-1, 1):
        painter.drawPolyline(
            [middle + QPointF(side * 3.5, -4), middle + QPointF(side * 7.5, 0), middle + QPointF(side * 3.5, 4)]
        )
    bottom = area.bottom() - 56
    painter.setClipRect(QRectF(0, 0, x, area.height()))
    paint_label(painter, QPointF(x - 10, bottom), labels[0], Qt.AlignmentFlag.AlignRight)
    painter.setClipRect(QRectF(x, 0, area.width() - x, area.height()))
    paint_label(painter, QPointF(x + 10, bottom), labels[1], Qt.AlignmentFlag.AlignLeft)
    painter.setClipping(False)


def paint_label(painter: QPainter, at: QPointF, text: str, align: Qt.AlignmentFlag) -> QRectF:
    """A word on a small panel, to the left of, around or to the right of `at`; returns its place."""
    painter.setFont(theme.font(theme.TYPE.small))
    width = QFontMetricsF(painter.font()).horizontalAdvance(text) + 16
    left = {Qt.AlignmentFlag.AlignRight: width, Qt.AlignmentFlag.AlignHCenter: width / 2}.get(align, 0.0)
    box = QRectF(at.x() - left, at.y(), width, 22)
    _panel(painter, box)
    painter.setPen(theme.colour_on_picture("text"))
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
    return box


def paint_readout(painter: QPainter, area: QRectF, text: str) -> None:
    """The figures in the lower left corner, legible over any background."""
    painter.setFont(theme.font(theme.TYPE.small))
    width = QFontMetricsF(painter.font()).horizontalAdvance(text) + 16
    box = QRectF(theme.SPACE, area.bottom() - theme.SPACE - 22, min(width, area.width() - 2 * theme.SPACE), 22)
    _panel(painter, box, 0.5)
    painter.setPen(theme.colour_on_picture("dim"))
    painter.drawText(box.adjusted(8, 0, -8, 0), Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)


def _paint_ramp(painter: QPainter, bar: QRectF, legend: Legend) -> None:
    gradient = QLinearGradient(bar.topLeft(), bar.topRight())
    for i, colour in enumerate(legend.colours):
        gradient.setColorAt(i / (len(legend.colours) - 1), _colour(colour))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(gradient)
    painter.drawRoundedRect(bar, 2, 2)
    painter.setPen(theme.colour_on_picture("dim"))
    words = QRectF(bar.left(), bar.bottom() + 3, bar.width(), 18)
    flags = (Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignHCenter, Qt.AlignmentFlag.AlignRight)
    ends = (flags[0], flags[2])
    for flag, label in zip(flags if len(legend.labels) == 3 else ends, legend.labels, strict=True):
        painter.drawText(words, flag | Qt.AlignmentFlag.AlignTop, label)


def _panel(painter: QPainter, box: QRectF, alpha: float = 0.72) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.colour_on_picture("window", alpha))
    painter.drawRoundedRect(box, theme.RADIUS, theme.RADIUS)


def _outline(painter: QPainter, rect: QRectF, alpha: float, *, dashed: bool = False) -> None:
    colour = QColor(255, 255, 255)
    colour.setAlphaF(alpha)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(colour, 1, Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine))
    painter.drawRect(rect)


def _colour(rgb: Rgb) -> QColor:
    return QColor.fromRgbF(*rgb)
