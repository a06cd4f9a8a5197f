"""The second page: whose face it is, and who says that it may be used."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QFrame, QHBoxLayout, QLabel, QLineEdit, QVBoxLayout

from studio.engine.consent import MAX_NAME, STATEMENT
from studio.widgets import theme
from studio.widgets.making.page import Page
from studio.widgets.pieces import label

KEPT = (
    "Your name, today's date and the video's fingerprint (SHA-256) are kept in the avatar's file. Whoever has the "
    "file can read them; emozone info shows them.",
    "Everything exported of this avatar says, in a way that machines read, that it was made with AI.",
    "The video stays on this computer, and so does the avatar, until you pass it on.",
)


class ConsentPage(Page):
    """Cannot be passed without a tick and a name."""

    step = 1

    def __init__(self) -> None:
        super().__init__("Whose face is it?", "An avatar can be made to say anything, so the person must agree to it.")
        self.next_text = "Capture"
        self.tick = QCheckBox(STATEMENT)
        self.name = QLineEdit()
        self.name.setMaxLength(MAX_NAME)
        self.name.setMaximumWidth(360)
        self.name.setAccessibleName("Your name")
        self.tick.toggled.connect(self._check)
        self.name.textChanged.connect(self._check)
        self.name.setPlaceholderText("First and last name")
        name = QLabel("Your name")
        name.setBuddy(self.name)
        card = QFrame()
        card.setObjectName("card")
        column = QVBoxLayout(card)
        column.setContentsMargins(theme.SPACE * 2, theme.SPACE * 2, theme.SPACE * 2, theme.SPACE * 2)
        column.setSpacing(theme.SPACE * 2)
        row = QHBoxLayout()
        row.setSpacing(theme.SPACE * 2)
        row.addWidget(name)
        row.addWidget(self.name, 1)
        row.addStretch(1)
        column.addWidget(self.tick)
        column.addLayout(row)
        self.body.addWidget(card)
        self.body.addSpacing(theme.SPACE)
        self.body.addWidget(label("What becomes of this", "heading"))
        for text in KEPT:
            line, dot = QHBoxLayout(), QLabel("•")
            dot.setObjectName("hint")
            line.addWidget(dot, 0, Qt.AlignmentFlag.AlignTop)
            line.addWidget(label(text, "hint"), 1)
            line.setSpacing(theme.SPACE)
            self.body.addLayout(line)
        self.body.addStretch(1)

    @property
    def who(self) -> str:
        """Who has confirmed."""
        return " ".join(self.name.text().split())

    def clear(self) -> None:
        """Another video, another consent; the name stays."""
        self.tick.setChecked(False)

    def take_focus(self) -> None:
        """To the tick."""
        self.tick.setFocus()

    def _check(self) -> None:
        self.set_ready(self.tick.isChecked() and bool(self.who))
