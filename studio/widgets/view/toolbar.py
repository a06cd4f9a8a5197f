"""The quiet row of buttons in the viewport's corner; each opens a menu of the window's actions."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QEnterEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QToolButton, QWidget

from studio.widgets import theme

ICON_PX = 18


class ViewportBar(QFrame):
    """Menu buttons over the picture; the panel behind them is seen only under the pointer or with the focus."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("viewport_bar")
        self.setCursor(Qt.CursorShape.ArrowCursor)
        self.buttons: dict[str, QToolButton] = {}
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(3, 3, 3, 3)
        self._row.setSpacing(1)

    def add(self, name: str, icon: str, tip: str) -> QMenu:
        """A button that opens the returned menu."""
        button = QToolButton(self)
        button.setIcon(theme.icon(icon, "text"))
        button.setIconSize(QSize(ICON_PX, ICON_PX))
        button.setToolTip(tip)
        button.setAccessibleName(name)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setAutoRaise(True)
        menu = QMenu(button)
        menu.setToolTipsVisible(True)
        button.setMenu(menu)
        self.buttons[name] = button
        self._row.addWidget(button)
        self.adjustSize()
        return menu

    def show_active(self, name: str, active: bool) -> None:
        """Whether something of that menu is at work: its icon takes the accent."""
        button = self.buttons[name]
        if button.property("active") != active:
            button.setProperty("active", active)
            icon = next(i for n, i in ICONS if n == name)
            button.setIcon(theme.icon(icon, "accent" if active else "text"))

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Beside the buttons nothing happens, to the camera behind the bar neither."""
        event.accept()

    def enterEvent(self, event: QEnterEvent) -> None:  # noqa: N802 - Qt's name
        """Show the panel."""
        self.update()
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Hide the panel."""
        self.update()
        super().leaveEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """A panel that keeps the icons legible over any background."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("raised", 0.96 if self.underMouse() else 0.72))
        painter.drawRoundedRect(self.rect(), theme.RADIUS + 1, theme.RADIUS + 1)
        painter.end()


ICONS: tuple[tuple[str, str], ...] = (
    ("View", "eye"),
    ("Overlay", "layers"),
    ("Compare", "compare"),
    ("Guides", "guides"),
    ("Background", "backdrop"),
    ("Camera", "camera"),
)
"""The buttons, left to right, with their icons."""
