"""What pages and dialogs are put together from: texts that wrap, rows, and the frame of a dialog with its answers."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from studio.widgets import theme


def label(text: str, name: str = "", *, size: int = 0, bold: bool = False) -> QLabel:
    """A plain text that wraps.

    Args:
        text: shown as it is, whatever it holds.
        name: of the style: "hint", "problem" or none.
        size: of `theme.TYPE`; 0 for the usual one.
        bold: whether it stands out.
    """
    made = QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setWordWrap(True)
    made.setObjectName(name)
    if size or bold:
        made.setFont(theme.font(size or theme.TYPE.body, bold=bold))
    return made


def in_row(widgets: Sequence[QWidget], *, stretch: int = -1) -> QHBoxLayout:
    """Widgets beside each other; the one at `stretch` takes the room, at the end an empty one does."""
    row = QHBoxLayout()
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(theme.SPACE)
    for i, widget in enumerate(widgets):
        row.addWidget(widget, 1 if i == stretch else 0)
    if stretch < 0:
        row.addStretch(1)
    return row


def dialog_column(dialog: QDialog) -> QVBoxLayout:
    """The layout of a dialog that asks one question."""
    column = QVBoxLayout(dialog)
    column.setContentsMargins(theme.SPACE * 3, theme.SPACE * 2, theme.SPACE * 3, theme.SPACE * 2)
    column.setSpacing(theme.SPACE)
    return column


def answers(dialog: QDialog, primary: str, leave: str) -> tuple[QHBoxLayout, QPushButton, QPushButton]:
    """The last row of a dialog, with its button for Return at the right and beside it the one that changes nothing.

    Returns:
        The row, the primary button, which does nothing yet, and the other one, which rejects the dialog.
    """
    yes, no = QPushButton(primary), QPushButton(leave)
    yes.setObjectName("primary")
    yes.setDefault(True)
    no.setAutoDefault(False)
    no.clicked.connect(dialog.reject)
    row = QHBoxLayout()
    row.addStretch(1)
    row.addWidget(no)
    row.addWidget(yes)
    return row, yes, no
