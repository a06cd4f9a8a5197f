"""What a project holds, to look at before opening it: its movements as small curves, counts, and what differs."""

from __future__ import annotations

import time
from datetime import datetime

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QLabel, QSizePolicy, QVBoxLayout, QWidget

from studio.document.action_units import MAX_INTENSITY
from studio.document.model import Project
from studio.document.summary import Floats, summarise, traces
from studio.widgets import theme

POINTS = 160
COLOURS = ("accent", "key", "error", "dim", "clip")
"""Of the traces, in their order."""


def moment(seconds: float, now_s: float | None = None) -> str:
    """A wall-clock moment in words: "today 14:03", "yesterday 09:12", "12 March 2026, 10:00"."""
    when, now = datetime.fromtimestamp(seconds), datetime.fromtimestamp(time.time() if now_s is None else now_s)
    days = (now.date() - when.date()).days
    if days in (0, 1):
        return f"{('today', 'yesterday')[days]} {when:%H:%M}"
    return f"{when.day} {when:%B %Y, %H:%M}"


class Traces(QWidget):
    """A small picture of the action units that move most."""

    HEIGHT = 84

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._lines: tuple[tuple[str, Floats], ...] = ()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """As wide as there is room."""
        return QSize(320, self.HEIGHT)

    def show_project(self, project: Project | None) -> None:
        """Draw another project; None for nothing."""
        self._lines = () if project is None else traces(project, POINTS, len(COLOURS))
        keys = ", ".join(key for key, _ in self._lines)
        self.setAccessibleName(f"Movements of {keys}" if keys else "No movement")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Curves over a dark ground, their names at the right."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(theme.colour("groove"))
        painter.setBrush(theme.colour("window"))
        painter.drawRoundedRect(frame, theme.RADIUS, theme.RADIUS)
        painter.setFont(theme.font(theme.TYPE.small))
        if not self._lines:
            painter.setPen(theme.colour("faint"))
            painter.drawText(frame, Qt.AlignmentFlag.AlignCenter, "A neutral face")
            return
        names = 46.0
        field = frame.adjusted(theme.SPACE, theme.SPACE, -names - theme.SPACE, -theme.SPACE)
        for i, (key, values) in enumerate(self._lines):
            colour = theme.colour(COLOURS[i])
            painter.setPen(QPen(colour, 1.5))
            steps = field.width() / (len(values) - 1)
            painter.drawPolyline(
                QPolygonF(
                    [
                        QPointF(field.left() + j * steps, field.bottom() - value / MAX_INTENSITY * field.height())
                        for j, value in enumerate(values.tolist())
                    ]
                )
            )
            row = QRectF(frame.right() - names, frame.top() + 5 + i * 15, names - 4, 15)
            painter.drawText(row, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, key)


class ProjectPreview(QWidget):
    """Title, moment, movements and lists of lines."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title, self._when, self._counts, self._media = QLabel(), QLabel(), QLabel(), QLabel()
        self._title.setFont(theme.font(theme.TYPE.large, bold=True))
        for label in (self._when, self._media):
            label.setObjectName("hint")
        self.traces = Traces()
        self._sections = QVBoxLayout()
        self._sections.setSpacing(2)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.SPACE // 2)
        for widget in (self._title, self._when, self.traces, self._counts, self._media):
            column.addWidget(widget)
            if isinstance(widget, QLabel):
                widget.setWordWrap(True)
                widget.setTextFormat(Qt.TextFormat.PlainText)
        column.addLayout(self._sections)
        column.addStretch(1)

    @property
    def text(self) -> str:
        """Everything it says."""
        return "\n".join(label.text() for label in self.findChildren(QLabel) if label.text())

    def show_project(
        self, title: str, when: str, project: Project | None, sections: tuple[tuple[str, tuple[str, ...]], ...]
    ) -> None:
        """Show another project.

        Args:
            title: its name.
            when: a line under the name.
            project: what is drawn and counted; None where it cannot be read.
            sections: headings with lines under them; empty ones are left out.
        """
        self._title.setText(title)
        self._when.setText(when)
        self.traces.setVisible(project is not None)
        self.traces.show_project(project)
        summary = None if project is None else summarise(project)
        self._counts.setText("" if summary is None else summary.sentence)
        self._media.setText("" if summary is None else summary.media)
        self._media.setVisible(bool(self._media.text()))
        while (item := self._sections.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.setParent(None)
                widget.deleteLater()
        for heading, lines in sections:
            if lines:
                self._add(heading, bold=True)
                self._add("\n".join(lines))

    def _add(self, text: str, *, bold: bool = False) -> None:
        label = QLabel(text)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setWordWrap(True)
        if bold:
            label.setFont(theme.font(theme.TYPE.body, bold=True))
            label.setContentsMargins(0, theme.SPACE, 0, 0)
        else:
            label.setObjectName("hint")
        self._sections.addWidget(label)
