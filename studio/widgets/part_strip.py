"""What strips share on which a part of a sound or a video is chosen: moments across their width, and the keyboard."""

from __future__ import annotations

from typing import ClassVar

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget


class PartStrip(QWidget):
    """Shows `duration_s` seconds from end to end, and takes the keyboard."""

    MARGIN_PX: ClassVar[float]
    """Room left and right for the handle of either end."""

    KEYS: ClassVar[tuple[Qt.Key, ...]] = (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down)
    """Keys that are the strip's own while it has the focus, whatever they are shortcuts of elsewhere."""

    SIZE_HINT: ClassVar[QSize]

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self._part_s = (0.0, 0.0)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Wide."""
        return self.SIZE_HINT

    @property
    def duration_s(self) -> float:
        """Seconds from end to end; 0 while there is nothing to show."""
        raise NotImplementedError

    @property
    def part_s(self) -> tuple[float, float]:
        """Start and end of what is used, seconds."""
        return self._part_s

    def x_of(self, time_s: float) -> float:
        """Pixel of a moment."""
        return self.MARGIN_PX + time_s / max(self.duration_s, 1e-9) * (self.width() - 2 * self.MARGIN_PX)

    def time_at(self, x: float) -> float:
        """Moment at a pixel."""
        share = (x - self.MARGIN_PX) / max(self.width() - 2 * self.MARGIN_PX, 1.0)
        return min(max(share, 0.0), 1.0) * self.duration_s

    def event(self, event: QEvent) -> bool:
        """Its keys are not shortcuts here."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and event.key() in self.KEYS:
            event.accept()
            return True
        return super().event(event)
