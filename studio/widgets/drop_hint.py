"""What the window shows while a file is dragged over it: a frame, and that it can be dropped."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from studio.widgets import theme

TITLE = "Drop to open"
FRAME_PX = 2
CARD_MIN_PX, CARD_MAX_PX, CARD_HEIGHT_PX = 220, 460, 76
RADIUS = 8.0


class DropHint(QWidget):
    """Lies over the whole window and lets everything through; not there as a rule."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAccessibleName(TITLE)
        self.text = ""
        self.hide()

    def offer(self, paths: Sequence[Path]) -> None:
        """Say that these can be dropped."""
        more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        self.text = f"{paths[0].name}{more}"
        self.setGeometry(self._window.rect())
        self.raise_()
        self.show()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """A frame around the window and a card in its middle."""
        title, small = theme.font(theme.TYPE.large, bold=True), theme.font(theme.TYPE.body)
        room = CARD_MAX_PX - 4 * theme.SPACE
        name = QFontMetrics(small).elidedText(self.text, Qt.TextElideMode.ElideMiddle, room)
        width = max(CARD_MIN_PX, QFontMetrics(small).horizontalAdvance(name) + 4 * theme.SPACE)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), theme.colour("window", 0.35))
        inset = FRAME_PX / 2 + 1
        painter.setPen(QPen(theme.colour("accent"), FRAME_PX))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(inset, inset, -inset, -inset), RADIUS, RADIUS)
        card = QRectF(0, 0, width, CARD_HEIGHT_PX)
        card.moveCenter(QRectF(self.rect()).center())
        painter.setBrush(theme.colour("raised"))
        painter.setPen(QPen(theme.colour("accent"), 1))
        painter.drawRoundedRect(card, RADIUS, RADIUS)
        painter.setFont(title)
        painter.setPen(theme.colour("text"))
        painter.drawText(card.adjusted(0, 14, 0, -34), Qt.AlignmentFlag.AlignCenter, TITLE)
        painter.setFont(small)
        painter.setPen(theme.colour("dim"))
        painter.drawText(card.adjusted(0, 40, 0, -12), Qt.AlignmentFlag.AlignCenter, name)
        painter.end()
