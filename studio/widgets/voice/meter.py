"""A level meter in decibels: the peak now, the highest of the last moments, and a light for what was cut off."""

from __future__ import annotations

import math

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from studio.widgets import theme

FLOOR_DB = -60.0
"""Left end of the meter: quieter than a quiet room."""

GOOD_DB, HIGH_DB = -18.0, -6.0
"""Speech that peaks between these has room above it and no hiss below."""

HOLD_S = 1.5
FALL_DB_PER_S = 26.0
"""How long the highest peak stays, and how fast the bar falls: as meters of sound studios do."""


def decibels(peak: float) -> float:
    """A sample's size in decibels below full scale, no less than `FLOOR_DB`."""
    return max(20.0 * math.log10(peak), FLOOR_DB) if peak > 0.0 else FLOOR_DB


class LevelMeter(QWidget):
    """Shows what it is told by `show_peak`; a click resets the light."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Input level")
        self.setToolTip("Speak so that the bar reaches the brighter part; the light at its end means too loud")
        self.setMinimumHeight(26)
        self.now_db = FLOOR_DB
        self.held_db = FLOOR_DB
        self.clipped = False
        self._held_for_s = 0.0

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Wide."""
        return QSize(240, 26)

    def show_peak(self, peak: float, clipped: bool, passed_s: float) -> None:
        """The loudest sample since the last call, `passed_s` seconds ago."""
        level = decibels(peak)
        self.now_db = max(level, self.now_db - FALL_DB_PER_S * passed_s)
        self._held_for_s += passed_s
        if level >= self.held_db or self._held_for_s > HOLD_S:
            self.held_db, self._held_for_s = max(level, self.now_db), 0.0
        self.clipped = self.clipped or clipped
        self.update()

    def reset(self) -> None:
        """Nothing is heard."""
        self.now_db = self.held_db = FLOOR_DB
        self._held_for_s, self.clipped = 0.0, False
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Put the light out."""
        self.clipped = False
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Groove, bar, held peak, scale and light."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        light, height, top = 10.0, 8.0, 2.0
        width = self.width() - light - 6.0
        painter.setBrush(theme.colour("groove"))
        painter.drawRoundedRect(QRectF(0, top, width, height), 2, 2)
        for low, high, role in (
            (FLOOR_DB, GOOD_DB, "accent_dim"),
            (GOOD_DB, HIGH_DB, "accent"),
            (HIGH_DB, 0.0, "warning"),
        ):
            if self.now_db > low:
                x, past = self._x(low, width), self._x(min(self.now_db, high), width)
                painter.setBrush(theme.colour(role))
                painter.drawRect(QRectF(x, top, past - x, height))
        if self.held_db > FLOOR_DB:
            painter.setBrush(theme.colour("warning" if self.held_db > HIGH_DB else "text"))
            painter.drawRect(QRectF(self._x(self.held_db, width) - 1.0, top - 1.0, 2.0, height + 2.0))
        painter.setBrush(theme.colour("error" if self.clipped else "groove"))
        painter.drawEllipse(QRectF(self.width() - light, top - 1.0, light, light))
        painter.setPen(theme.colour("faint"))
        painter.setFont(theme.font(theme.TYPE.small - 1))
        for mark in (-48, -36, -24, -12, -6, 0):
            text = QRectF(self._x(mark, width) - 16, top + height + 2, 32, 13)
            painter.drawText(text, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop, f"{mark}")
        painter.end()

    @staticmethod
    def _x(level_db: float, width: float) -> float:
        return (level_db - FLOOR_DB) / -FLOOR_DB * width
