"""The line at the window's lower edge: what was said last, the last failure, and behind it what was said before."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime

from PySide6.QtCore import QPoint, QSize, Qt, QTimer
from PySide6.QtGui import QFontMetrics, QGuiApplication, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from studio.widgets import theme

KEPT = 100
"""Messages remembered."""

LIST_SIZE = QSize(560, 280)

HOLD_MS = 8_000
"""A failure keeps the line this long against what merely goes on in the background."""


@dataclass(frozen=True)
class Message:
    """Something that was said."""

    text: str
    failure: bool
    at: datetime

    @property
    def line(self) -> str:
        """With the time of day."""
        return f"{self.at:%H:%M:%S}  {self.text}"


class ElidedLabel(QWidget):
    """One line of text that ends in … where there is no room, with the whole of it as a tool tip."""

    def __init__(self) -> None:
        super().__init__()
        self._text = ""
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.setMinimumHeight(QFontMetrics(theme.font(theme.TYPE.body)).height() + 4)

    def text(self) -> str:
        """The whole text."""
        return self._text

    def setText(self, text: str) -> None:  # noqa: N802 - as a QLabel
        """Show a text."""
        self._text = text
        self.setAccessibleName(text)
        self.setToolTip(text)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """As much of the text as there is room for."""
        painter = QPainter(self)
        font = theme.font(theme.TYPE.body)
        painter.setFont(font)
        painter.setPen(theme.colour("dim"))
        shown = QFontMetrics(font).elidedText(self._text, Qt.TextElideMode.ElideRight, self.width())
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignVCenter, shown)
        painter.end()


class MessageList(QFrame):
    """What was said, newest first; failures are marked."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("amount_panel")
        self.resize(LIST_SIZE)
        self.list = QListWidget()
        self.list.setWordWrap(True)
        self.list.setResizeMode(QListWidget.ResizeMode.Adjust)  # otherwise lines break where the list once ended
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setAccessibleName("Recent messages, newest first")
        self.copy = QPushButton("Copy all")
        self.copy.clicked.connect(self._copy)
        head = QHBoxLayout()
        title = QLabel("Recent messages")
        title.setFont(theme.font(theme.TYPE.body, bold=True))
        head.addWidget(title)
        head.addStretch(1)
        head.addWidget(self.copy)
        column = QVBoxLayout(self)
        column.addLayout(head)
        column.addWidget(self.list)

    def fill(self, messages: list[Message]) -> None:
        """Show these, oldest first in the argument."""
        self.list.clear()
        for message in reversed(messages):
            item = QListWidgetItem(message.line)
            if message.failure:
                item.setIcon(theme.icon("warning", "error"))
            self.list.addItem(item)
        if not messages:
            self.list.addItem("Nothing has been said yet.")
        self.copy.setEnabled(bool(messages))

    def _copy(self) -> None:
        lines = [self.list.item(i).text() for i in range(self.list.count())]
        QGuiApplication.clipboard().setText("\n".join(lines))


class StatusLine(QWidget):
    """Says one sentence at a time and keeps them; a failure stays in sight until the list has been looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: deque[Message] = deque(maxlen=KEPT)
        self._unseen = 0
        self._busy = ""
        self._failed = False  # whether the line shows a failure
        self._hold = QTimer(self)
        self._hold.setSingleShot(True)
        self._hold.setInterval(HOLD_MS)
        self._hold.timeout.connect(self._held_long_enough)
        self._label = ElidedLabel()
        self.failures = QToolButton()
        self.failures.setObjectName("failures")
        self.failures.setIconSize(QSize(14, 14))
        self.failures.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.failures.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.failures.setAutoRaise(True)
        self.failures.setIcon(theme.icon("warning", "error"))
        self.failures.setText("Messages")
        self.failures.clicked.connect(self.open_list)
        self.list = MessageList(self)
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.SPACE, 0, theme.SPACE, 2)
        row.addWidget(self._label, 1)
        row.addWidget(self.failures)
        self._show_failures()

    def text(self) -> str:
        """What is said now."""
        return self._label.text()

    def setText(self, text: str) -> None:  # noqa: N802 - as a QLabel
        """Say something; an empty text clears the line, but not of a failure."""
        if not text and self._failed:
            return
        self._failed = False
        self._label.setText(text)
        self._keep(text)

    def busy(self, text: str) -> None:
        """Say what goes on in the background, or with an empty text that nothing does; a failure is not wiped away."""
        before, self._busy = self._busy, text
        self._keep(text)
        if not self._failed and (text or self._label.text() == before):
            self._label.setText(text)
        elif text and not self._hold.isActive():
            self._held_long_enough()

    def _held_long_enough(self) -> None:
        if self._failed and self._busy:
            self._failed = False
            self._label.setText(self._busy)

    def _keep(self, text: str) -> None:
        if text and not (self.messages and self.messages[-1].text == text):
            self.messages.append(Message(text, failure=False, at=datetime.now().astimezone()))

    def fail(self, text: str) -> None:
        """Say what did not work."""
        self._failed = True
        self._hold.start()
        self._label.setText(text)
        self.messages.append(Message(text, failure=True, at=datetime.now().astimezone()))
        self._unseen += 1
        self._show_failures()

    def open_list(self) -> None:
        """Show what was said, above the line's right end."""
        self._unseen = 0
        self._show_failures()
        self.list.fill(list(self.messages))
        corner = self.mapToGlobal(QPoint(self.width() - self.list.width() - theme.SPACE, -self.list.height()))
        self.list.move(corner)
        self.list.show()
        self.list.list.setFocus()

    def _show_failures(self) -> None:
        last = next((message.text for message in reversed(self.messages) if message.failure), "")
        self.failures.setText(f"{self._unseen} problem{'s' if self._unseen > 1 else ''}" if self._unseen else "")
        self.failures.setIcon(theme.icon("warning", "error") if self._unseen else theme.icon("messages", "dim"))
        name = f"Last problem: {last}" if self._unseen else "Recent messages"
        self.failures.setToolTip(name)
        self.failures.setAccessibleName(name)
