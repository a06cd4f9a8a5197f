"""What the pages have in common, and the row above them that says which one this is."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from studio.widgets import theme
from studio.widgets.pieces import label

STEPS = ("Video", "Consent", "Capture", "Report", "Training")


class Page(QWidget):
    """A title, a sentence under it, the page's own widgets in `body`, and room for one sentence about a problem.

    Attributes:
        next_text: of the primary button; empty hides it.
        ready: whether that button can be pressed.
        body: takes the page's widgets.
    """

    changed = Signal()
    """`ready`, `next_text` or what the buttons below do is another."""

    step = 0
    """Index in `STEPS`."""

    def __init__(self, title: str, hint: str) -> None:
        super().__init__()
        self.next_text = "Continue"
        self.ready = False
        self.title, self.hint, self.problem = label(title, size=theme.TYPE.title), label(hint, "hint"), label("")
        self.problem.setObjectName("problem")
        self.problem.hide()
        self.body = QVBoxLayout()
        self.body.setSpacing(theme.SPACE)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.SPACE * 3, theme.SPACE, theme.SPACE * 3, 0)
        column.setSpacing(theme.SPACE // 2)
        column.addWidget(self.title)
        column.addWidget(self.hint)
        column.addSpacing(theme.SPACE)
        column.addLayout(self.body, 1)
        column.addWidget(self.problem)

    def say_problem(self, sentence: str) -> None:
        """Show what is wrong, or nothing."""
        self.problem.setText(sentence)
        self.problem.setVisible(bool(sentence))

    def set_ready(self, ready: bool) -> None:
        """The primary button can be pressed, or not."""
        if ready != self.ready:
            self.ready = ready
            self.changed.emit()

    def take_focus(self) -> None:
        """The page has come to the front: the keyboard begins where one begins."""
        self.setFocus()


class StepRow(QWidget):
    """The steps with their numbers; those behind are ticked."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.SPACE * 3, theme.SPACE * 2, theme.SPACE * 3, theme.SPACE)
        row.setSpacing(theme.SPACE)
        self._ticks: list[QLabel] = []
        self._names: list[QLabel] = []
        for i, name in enumerate(STEPS):
            tick, text = QLabel(str(i + 1)), QLabel(name)
            tick.setObjectName("step")
            tick.setFixedSize(18, 18)
            tick.setAlignment(Qt.AlignmentFlag.AlignCenter)
            row.addWidget(tick)
            row.addWidget(text)
            if i < len(STEPS) - 1:
                row.addSpacing(theme.SPACE * 2)
            self._ticks.append(tick)
            self._names.append(text)
        row.addStretch(1)

    def show_step(self, step: int) -> None:
        """This one is in hand; `len(STEPS)` when all are done."""
        for i, (tick, name) in enumerate(zip(self._ticks, self._names, strict=True)):
            theme.set_state(tick, "done", i < step)
            theme.set_state(tick, "now", i == step)
            tick.setText("✓" if i < step else str(i + 1))
            name.setObjectName("" if i == step else "faint" if i > step else "hint")
            name.style().unpolish(name)
            name.style().polish(name)
            name.setFont(theme.font(theme.TYPE.body, bold=i == step))
        where = STEPS[step] if step < len(STEPS) else "finished"
        self.setAccessibleName(f"Step {min(step + 1, len(STEPS))} of {len(STEPS)}: {where}")
