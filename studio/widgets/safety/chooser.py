"""A dialog with a list of versions of projects and a preview of the one that is chosen."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QScrollArea,
    QWidget,
)

from studio.widgets import theme
from studio.widgets.layout import fit
from studio.widgets.pieces import answers, dialog_column, label
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
        self.row, self.primary, self.leave = answers(self, accept, leave)
        column = dialog_column(self)
        column.addWidget(label(heading, size=theme.TYPE.title))
        column.addWidget(label(hint, "hint"))
        column.addLayout(middle, 1)
        column.addLayout(self.row)
        fit(self, 720, 520)

    def set_rows(self, rows: Sequence[tuple[str, str]]) -> None:
        """Fill the list with (text, tool tip) and choose the first; a list of one is not shown."""
        self.list.clear()
        for text, tip in rows:
            item = QListWidgetItem(text)
            item.setToolTip(tip)
            self.list.addItem(item)
        self.list.setVisible(len(rows) > 1)
        self.list.setCurrentRow(0)
