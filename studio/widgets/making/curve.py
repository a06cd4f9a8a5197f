"""How the training goes: loss and likeness over its iterations, drawn small."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio.widgets import theme
from studio.widgets.making.maker import Point

HEIGHT = 104
LEFT, RIGHT, TOP = 8.0, 8.0, 22.0


class TrainingCurve(QWidget):
    """Two panels beside each other: likeness in decibels, higher is better, and loss, lower is better."""

    def __init__(self) -> None:
        super().__init__()
        self._points: list[Point] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(HEIGHT)
        self.setMinimumWidth(300)

    def show_points(self, points: Sequence[Point]) -> None:
        """Draw these."""
        self._points = list(points)
        last = next((p.psnr_db for p in reversed(self._points) if p.psnr_db is not None), None)
        now = "" if last is None else f"likeness {last:.1f} dB, "
        self.setAccessibleName(
            f"Training: {now}loss {self._points[-1].loss:.4f}" if self._points else "Training begins"
        )
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Both panels."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.font(theme.TYPE.small))
        half = (self.width() - 8) / 2
        likeness = [(p.share, p.psnr_db) for p in self._points if p.psnr_db is not None]
        loss = [(p.share, math.log10(max(p.loss, 1e-9))) for p in self._points]
        now = f"{likeness[-1][1]:.1f} dB" if likeness else "later"
        self._panel(painter, QRectF(0, 0, half, self.height()), "Likeness", now, likeness, "accent")
        now = f"{self._points[-1].loss:.4f}" if self._points else "later"
        self._panel(painter, QRectF(half + 8, 0, half, self.height()), "Loss", now, loss, "key")
        painter.end()

    def _panel(
        self,
        painter: QPainter,
        frame: QRectF,
        name: str,
        now: str,
        points: Sequence[tuple[float, float]],
        colour: str,
    ) -> None:
        frame = frame.adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(theme.colour("groove"))
        painter.setBrush(theme.colour("window"))
        painter.drawRoundedRect(frame, theme.RADIUS, theme.RADIUS)
        title = QRectF(frame.left() + LEFT, frame.top() + 3, frame.width() - LEFT - RIGHT, TOP - 5)
        painter.setPen(theme.colour("dim"))
        painter.drawText(title, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, name)
        painter.setPen(theme.colour(colour if points else "faint"))
        painter.drawText(title, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, now)
        if len(points) < 2:
            return
        field = frame.adjusted(LEFT, TOP, -RIGHT, -8.0)
        values = [value for _, value in points]
        low, high = min(values), max(values)
        high = max(high, low + 1e-6)
        first, last = points[0][0], max(points[-1][0], points[0][0] + 1e-6)
        line = QPolygonF(
            [
                QPointF(
                    field.left() + (i - first) / (last - first) * field.width(),
                    field.bottom() - (value - low) / (high - low) * field.height(),
                )
                for i, value in points
            ]
        )
        painter.setPen(QPen(theme.colour(colour), 1.5))
        painter.drawPolyline(line)
