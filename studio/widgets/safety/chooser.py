"""A dialog with a list of versions of projects and a preview of the one that is chosen."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from studio.widgets import theme
from studio.widgets.layout import fit
from studio.widgets.safety.preview import ProjectPreview

LIST_WIDTH = 210


class Chooser(QDialog):
    """Heading, list, preview, and a row of buttons; what they do is decided by who makes it.

    Args:
        heading: what this is about.
        hint: one or two sentences under it.
        accept: text of the primary button.
        leave: text of the button that changes nothing.
        parent: the window.
    """

    def __init__(self, heading: str, hint: str, accept: str, leave: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setModal(True)
        title = QLabel(heading)
        title.setFont(theme.font(theme.TYPE.title))
        title.setTextFormat(Qt.TextFormat.PlainText)
        title.setWordWrap(True)
        below = QLabel(hint)
        below.setObjectName("hint")
        below.setTextFormat(Qt.TextFormat.PlainText)
        below.setWordWrap(True)
        self.list = QListWidget()
        self.list.setFixedWidth(LIST_WIDTH)
        self.preview = ProjectPreview()
        self.preview.setContentsMargins(theme.SPACE, 0, theme.SPACE, 0)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setWidget(self.preview)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.preview.setObjectName("plain")
        scroll.setObjectName("plain")
        middle = QHBoxLayout()
        middle.setSpacing(theme.SPACE)
        middle.addWidget(self.list)
        middle.addWidget(scroll, 1)
        self.primary = QPushButton(accept)
        self.primary.setObjectName("primary")
        self.primary.setDefault(True)
        self.leave = QPushButton(leave)
        self.leave.setAutoDefault(False)
        self.row = QHBoxLayout()
        self.row.addStretch(1)
        self.row.addWidget(self.leave)
        self.row.addWidget(self.primary)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.SPACE * 3, theme.SPACE * 2, theme.SPACE * 3, theme.SPACE * 2)
        column.setSpacing(theme.SPACE)
        column.addWidget(title)
        column.addWidget(below)
        column.addLayout(middle, 1)
        column.addLayout(self.row)
        fit(self, 720, 520)
        self.leave.clicked.connect(self.reject)

    def set_rows(self, rows: Sequence[tuple[str, str]]) -> None:
        """Fill the list with (text, tool tip) and choose the first; a list of one is not shown."""
        self.list.clear()
        for text, tip in rows:
            item = QListWidgetItem(text)
            item.setToolTip(tip)
            self.list.addItem(item)
        self.list.setVisible(len(rows) > 1)
        self.list.setCurrentRow(0)
