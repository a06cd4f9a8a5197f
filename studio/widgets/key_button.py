"""The diamond beside a slider: hollow without keys, gold where a curve moves the slider, filled on a key."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QAbstractButton, QWidget

from studio.widgets import theme

KEY_BUTTON_WIDTH = 18
REACH = 4.5


class KeyButton(QAbstractButton):
    """Makes a key under the playhead, or takes it away."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(f"{name}, key")
        self.setFixedSize(KEY_BUTTON_WIDTH, theme.ROW_HEIGHT - 4)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self._keyed = self._on_key = True
        self.show_state(keyed=False, on_key=False)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """As fixed."""
        return QSize(KEY_BUTTON_WIDTH, theme.ROW_HEIGHT - 4)

    def show_state(self, *, keyed: bool, on_key: bool) -> None:
        """Whether the lane has keys, and one under the playhead."""
        if (keyed, on_key) != (self._keyed, self._on_key):
            self._keyed, self._on_key = keyed, on_key
            self.setToolTip("Delete the key under the playhead" if on_key else "Make a key under the playhead")
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """A diamond."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        role = (
            "disabled" if not self.isEnabled() else "key" if self._keyed else "text" if self.underMouse() else "faint"
        )
        painter.setPen(QPen(theme.colour(role), 1.3))
        painter.setBrush(theme.colour("key") if self._on_key else Qt.BrushStyle.NoBrush)
        x, y = self.width() / 2, self.height() / 2
        corners = ((0, -REACH), (REACH, 0), (0, REACH), (-REACH, 0))
        painter.drawPolygon(QPolygonF([QPointF(x + dx, y + dy) for dx, dy in corners]))
        if self.hasFocus():
            painter.setPen(QPen(theme.colour("accent", 0.8), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(self.rect().adjusted(1, 2, -2, -3), 3, 3)
        painter.end()
