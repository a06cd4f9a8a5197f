"""How the studio tells of trouble: a banner that waits quietly, a dialog for what the user just asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, TypeVar

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QMessageBox,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from studio.widgets import theme


class Banner(QFrame):
    """One line above the viewport, not modal, until it is closed or something newer is said."""

    told = Signal(str)
    """What it said."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("banner")
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.SPACE + 4, 6, 6, 6)
        self._icon, self._text = QLabel(), QLabel()
        self._text.setWordWrap(True)
        self._text.setTextFormat(Qt.TextFormat.PlainText)  # names of files are shown as they are
        self._text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._kind = "warning"
        self._do: Callable[[], object] | None = None
        self.button = QPushButton()
        self.button.clicked.connect(self._clicked)
        self.close_button = QToolButton()
        self.close_button.setIcon(theme.icon("close", "dim"))
        self.close_button.setIconSize(QSize(14, 14))
        self.close_button.setToolTip("Close this message")
        self.close_button.setAccessibleName("Close this message")
        self.close_button.clicked.connect(self.hide)
        row.addWidget(self._icon)
        row.addWidget(self._text, 1)
        row.addWidget(self.button)
        row.addWidget(self.close_button)
        self.hide()

    @property
    def text(self) -> str:
        """What it says."""
        return self._text.text()

    def tell(self, text: str, kind: str = "warning", *, action: tuple[str, Callable[[], object]] | None = None) -> None:
        """Show a sentence.

        Args:
            text: the sentence.
            kind: `hint`, `warning` or `error`.
            action: a button's text and what it does; the banner closes with it.
        """
        self._kind = kind
        self.setProperty("kind", kind)
        self.style().unpolish(self)
        self.style().polish(self)
        self._show_icon()
        self._text.setText(text)
        self.button.setVisible(action is not None)
        self.button.setText("" if action is None else action[0])
        self._do = None if action is None else action[1]
        self.show()
        self.told.emit(text)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """The picture before the text follows the theme."""
        if event.type() == QEvent.Type.PaletteChange:
            self._show_icon()
        super().changeEvent(event)

    def _show_icon(self) -> None:
        name, role = ("hint", "accent") if self._kind == "hint" else ("warning", self._kind)
        self._icon.setPixmap(theme.icon(name, role).pixmap(16, 16))

    def _clicked(self) -> None:
        self.hide()
        if self._do is not None:
            self._do()


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
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setText(text)
    box.setInformativeText(detail)
    box.setIconPixmap(theme.icon("warning", "warning").pixmap(32, 32))
    roles = QMessageBox.ButtonRole
    buttons = {box.addButton(label, roles.AcceptRole): answer for answer, label in answers}
    box.setDefaultButton(next(iter(buttons)))
    box.setEscapeButton(box.addButton(cancel, roles.RejectRole))
    box.exec()
    clicked = box.clickedButton()
    box.deleteLater()
    return next((answer for button, answer in buttons.items() if button is clicked), "cancel")


def show_error(parent: QWidget, text: str) -> None:
    """A dialog with one sentence; does not block the event loop."""
    box = QMessageBox(QMessageBox.Icon.NoIcon, "EmoZone Studio", text, QMessageBox.StandardButton.Ok, parent)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setIconPixmap(theme.icon("warning", "error").pixmap(32, 32))
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.open()
