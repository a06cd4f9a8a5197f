"""How the studio tells of trouble: a banner that waits quietly, a dialog for what the user just asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeVar

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QMessageBox, QSizePolicy, QToolButton, QWidget

from studio.widgets import theme


class Banner(QFrame):
    """One line above the viewport, not modal, until it is closed or something newer is said."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("banner")
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.SPACE + 4, 6, 6, 6)
        self._icon, self._text = QLabel(), QLabel()
        self._text.setWordWrap(True)
        self._text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        close = QToolButton()
        close.setIcon(theme.icon("close", "dim"))
        close.setIconSize(QSize(14, 14))
        close.setToolTip("Close this message")
        close.setAccessibleName("Close this message")
        close.clicked.connect(self.hide)
        row.addWidget(self._icon)
        row.addWidget(self._text, 1)
        row.addWidget(close)
        self.hide()

    @property
    def text(self) -> str:
        """What it says."""
        return self._text.text()

    def tell(self, text: str, kind: str = "warning") -> None:
        """Show a sentence; `kind` is `warning` or `error`."""
        self.setProperty("kind", kind)
        self.style().unpolish(self)
        self.style().polish(self)
        self._icon.setPixmap(theme.icon("warning", kind).pixmap(16, 16))
        self._text.setText(text)
        self.show()


Answer = TypeVar("Answer", bound=str)


def ask(
    parent: QWidget, text: str, detail: str, answers: Sequence[tuple[Answer, str]], cancel: str = "Cancel"
) -> Answer | Literal["cancel"]:
    """A question with answers of its own, the first one by default, and a way out.

    Args:
        parent: The window.
        text: What has happened, one sentence.
        detail: What to know before answering, smaller.
        answers: (what is returned, text of its button).
        cancel: Text of the way out.
    """
    box = QMessageBox(parent)
    box.setWindowTitle("EmoZone Studio")
    box.setText(text)
    box.setInformativeText(detail)
    box.setIconPixmap(theme.icon("warning", "warning").pixmap(32, 32))
    roles = QMessageBox.ButtonRole
    buttons = {box.addButton(label, roles.AcceptRole): answer for answer, label in answers}
    box.setDefaultButton(next(iter(buttons)))
    box.setEscapeButton(box.addButton(cancel, roles.RejectRole))
    box.exec()
    clicked = box.clickedButton()
    return next((answer for button, answer in buttons.items() if button is clicked), "cancel")


def show_error(parent: QWidget, text: str) -> None:
    """A dialog with one sentence; does not block the event loop."""
    box = QMessageBox(QMessageBox.Icon.NoIcon, "EmoZone Studio", text, QMessageBox.StandardButton.Ok, parent)
    box.setIconPixmap(theme.icon("warning", "error").pixmap(32, 32))
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.open()
