"""The jobs of the queue, one card each, in an order that is dragged, typed or clicked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from studio.widgets import theme
from studio.widgets.exports import words
from studio.widgets.exports.jobs import Job, State

BAR_HEIGHT = 6


class JobCard(QFrame):
    """One job: what it is, where it stands, and what can be done with it."""

    asked = Signal(str)
    """start, reveal, command, up, down, or away (cancel or remove)."""

    dragged = Signal(QPoint)
    """The pointer holds the card at this place of the screen."""

    dropped = Signal()
    stepped = Signal(int)
    """The focus shall go to the card above (-1) or below (1)."""

    def __init__(self, job: Job, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.job = job
        self.setObjectName("job")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.OpenHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._press: QPoint | None = None
        self._dragging = False
        self._name, self._state, self._summary, self.note = QLabel(), QLabel(), QLabel(), QLabel()
        self._name.setFont(theme.font(theme.TYPE.body, bold=True))
        self._summary.setObjectName("hint")
        self.note.setWordWrap(True)
        for label in (self._name, self._summary):
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(BAR_HEIGHT)
        self.buttons = {
            "start": self._button("play", "Start"),
            "reveal": self._button("folder", "Show in folder"),
            "command": self._button("command", "Copy the command line that makes the same file"),
            "up": self._button("up", "Move up  (Alt+Up)"),
            "down": self._button("down", "Move down  (Alt+Down)"),
            "away": self._button("close", "Cancel"),
        }
        for action, button in self.buttons.items():
            button.clicked.connect(lambda _checked=False, action=action: self.asked.emit(action))
        head, foot = QHBoxLayout(), QHBoxLayout()
        head.setSpacing(theme.SPACE)
        head.addWidget(self._name, 1)
        head.addWidget(self._state)
        foot.setSpacing(2)
        foot.addWidget(self.note, 1)
        for button in self.buttons.values():
            foot.addWidget(button, 0, Qt.AlignmentFlag.AlignBottom)
        self._column = column = QVBoxLayout(self)
        column.setContentsMargins(theme.SPACE + 4, theme.SPACE, theme.SPACE, theme.SPACE // 2)
        column.setSpacing(theme.SPACE // 2)
        column.addLayout(head)
        column.addWidget(self._summary)
        column.addWidget(self.bar)
        column.addLayout(foot)

    def _button(self, icon: str, tip: str) -> QToolButton:
        button = QToolButton()
        button.setIcon(theme.icon(icon, "dim"))
        button.setIconSize(QSize(16, 16))
        button.setToolTip(tip)
        button.setAccessibleName(tip.split("  (")[0])
        button.setCursor(Qt.CursorShape.ArrowCursor)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return button

    def show_job(self, seconds_left: float | None, *, first: bool, last: bool) -> None:
        """Say what the job is now.

        Args:
            seconds_left: for this job alone; None while unknown.
            first: whether it is the topmost of the list.
            last: whether it is the lowest.
        """
        job = self.job
        self._state.setText(words.standing(job))
        self._state.setObjectName({State.FAILED: "problem", State.RUNNING: "accent"}.get(job.state, "hint"))
        self.note.setText(words.note(job, seconds_left))
        self.note.setObjectName("problem" if job.state is State.FAILED else "hint")
        for label in (self._state, self.note):
            label.style().unpolish(label)
            label.style().polish(label)
        self.bar.setVisible(job.state is State.RUNNING)
        progress = job.progress
        self.bar.setRange(0, 0 if progress is None else progress.total)
        self.bar.setValue(0 if progress is None else progress.frames)
        again = job.finished
        start, away = self.buttons["start"], self.buttons["away"]
        start.setVisible(not job.pending and job.state is not State.DONE)
        start.setIcon(theme.icon("redo" if again else "play", "dim"))
        self._tell(start, "Try again" if again else "Start")
        self.buttons["reveal"].setVisible(job.state is State.DONE)
        self._tell(away, "Cancel" if job.pending else "Remove from the list")
        away.setEnabled(not (job.state is State.RUNNING and job.cancel.is_set()))
        self.buttons["up"].setEnabled(not first)
        self.buttons["down"].setEnabled(not last)
        self.setAccessibleName(f"{job.wish.path.name}, {words.standing(job)}. {self.note.text()}")
        self._elide()

    @staticmethod
    def _tell(button: QToolButton, text: str) -> None:
        button.setToolTip(text)
        button.setAccessibleName(text)

    def _elide(self) -> None:
        middle, right = Qt.TextElideMode.ElideMiddle, Qt.TextElideMode.ElideRight
        name, summary = self.job.wish.path.name, words.summary(self.job)
        for label, text, mode in ((self._name, name, middle), (self._summary, summary, right)):
            label.setText(label.fontMetrics().elidedText(text, mode, max(60, label.width())))
        self._summary.setToolTip(summary)
        self._name.setToolTip(str(self.job.wish.path))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Long names are cut to what fits."""
        super().resizeEvent(event)
        self._column.activate()
        self._elide()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """A drag may begin."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._press = event.globalPosition().toPoint()
            self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Beyond a small distance the card goes with the pointer."""
        if self._press is None:
            return
        at = event.globalPosition().toPoint()
        if not self._dragging and (at - self._press).manhattanLength() >= QApplication.startDragDistance():
            self._dragging = True
            theme.set_state(self, "dragged", True)
        if self._dragging:
            self.dragged.emit(at)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """The card stays where it is now."""
        self._press = None
        self.setCursor(Qt.CursorShape.OpenHandCursor)
        if self._dragging:
            self._dragging = False
            theme.set_state(self, "dragged", False)
            self.dropped.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Alt and arrows move the card, arrows the focus, Delete takes it away, Enter does what is nearest."""
        step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()))
        if step is not None and event.modifiers() & Qt.KeyboardModifier.AltModifier:
            self.asked.emit("up" if step < 0 else "down")
        elif step is not None:
            self.stepped.emit(step)
        elif event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.asked.emit("away")
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if self.job.state is State.DONE:
                self.asked.emit("reveal")
            elif not self.job.pending:
                self.asked.emit("start")
        else:
            super().keyPressEvent(event)


class CardList(QWidget):
    """The cards under each other, in the order of the queue."""

    asked = Signal(object, str)
    """This `Job` shall do that; see `JobCard.asked`."""

    moved = Signal(object, int)
    """This `Job` was dragged to that place of the list."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("scrolled")
        self.cards: list[JobCard] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(theme.SPACE, theme.SPACE, theme.SPACE, theme.SPACE)
        self._column.setSpacing(theme.SPACE)
        self._column.addStretch(1)

    def show_jobs(self, jobs: Sequence[Job], seconds_left: Callable[[Job], float | None]) -> None:
        """Show exactly these jobs in this order; cards that are there already stay themselves."""
        there = {card.job.id: card for card in self.cards}
        for job_id in there.keys() - {job.id for job in jobs}:
            gone = there.pop(job_id)
            self._column.removeWidget(gone)
            gone.hide()
            gone.deleteLater()
        self.cards = [there.get(job.id) or self._made(job) for job in jobs]
        for i, card in enumerate(self.cards):
            if self._column.indexOf(card) != i:
                self._column.insertWidget(i, card)
            card.show_job(seconds_left(card.job), first=i == 0, last=i == len(jobs) - 1)
        stops = [stop for card in self.cards for stop in (card, *card.buttons.values())]
        for one, after in pairwise(stops):
            QWidget.setTabOrder(one, after)

    def show_progress(self, job: Job, seconds_left: float | None) -> None:
        """One job has come further."""
        for i, card in enumerate(self.cards):
            if card.job is job:
                card.show_job(seconds_left, first=i == 0, last=i == len(self.cards) - 1)

    def _made(self, job: Job) -> JobCard:
        card = JobCard(job)
        card.asked.connect(lambda action: self.asked.emit(job, action))
        card.dragged.connect(lambda at: self._dragged(card, at))
        card.stepped.connect(lambda step: self._stepped(card, step))
        return card

    def _dragged(self, card: JobCard, at: QPoint) -> None:
        """The card takes the place of the one whose middle the pointer has passed."""
        y = self.mapFromGlobal(at).y()
        above = sum(1 for other in self.cards if other is not card and y > other.geometry().center().y())
        if self.cards.index(card) != above:
            self.moved.emit(card.job, above)

    def _stepped(self, card: JobCard, step: int) -> None:
        index = self.cards.index(card) + step
        if 0 <= index < len(self.cards):
            self.cards[index].setFocus(Qt.FocusReason.TabFocusReason)
