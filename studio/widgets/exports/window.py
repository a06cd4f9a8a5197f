"""The window of the export queue: open beside the editor for as long as one likes."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from studio.widgets import theme
from studio.widgets.exports import words
from studio.widgets.exports.cards import CardList
from studio.widgets.exports.jobs import Job, State
from studio.widgets.exports.queue import ExportQueue
from studio.widgets.layout import fit

EMPTY = "Nothing to export yet"
EMPTY_HINT = "Ctrl+E exports what you see and hear; several exports wait here for each other."


class QueueWindow(QDialog):
    """Shows the queue and what can be done with it. Closing it stops nothing."""

    asked = Signal(object, str)
    """What only the window's owner can do with a `Job`: reveal or command."""

    wanted = Signal()
    """A new export."""

    def __init__(self, queue: ExportQueue, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Export queue")
        self.setMinimumSize(420, 260)
        fit(self, 560, 440)
        self._queue = queue
        self.cards = CardList()
        scroll = QScrollArea()
        scroll.setWidget(self.cards)
        scroll.setWidgetResizable(True)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll = scroll
        self._pages = QStackedWidget()
        self._pages.addWidget(scroll)
        self._pages.addWidget(_empty())
        self.status = QLabel()
        self.status.setObjectName("hint")
        self.add_button = QPushButton("New export…")
        self.start_button = QPushButton("Start all")
        self.start_button.setToolTip("Start the exports that were only added")
        self.clear_button = QPushButton("Remove finished")
        for button in (self.add_button, self.start_button, self.clear_button):
            button.setAutoDefault(False)
        self.add_button.clicked.connect(self.wanted)
        self.start_button.clicked.connect(queue.start_all)
        self.clear_button.clicked.connect(queue.remove_finished)
        foot = QHBoxLayout()
        foot.setContentsMargins(theme.SPACE * 2, theme.SPACE, theme.SPACE * 2, theme.SPACE * 2)
        foot.setSpacing(theme.SPACE)
        foot.addWidget(self.status, 1)
        for button in (self.clear_button, self.start_button, self.add_button):
            foot.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._pages, 1)
        column.addLayout(foot)
        self.cards.asked.connect(self._do)
        self.cards.moved.connect(queue.move)
        queue.changed.connect(self._show)
        queue.progressed.connect(self._show_progress)
        self._show()

    def _do(self, job: Job, action: str) -> None:
        queue = self._queue
        if action == "start":
            queue.start(job)
        elif action in ("up", "down"):
            queue.move(job, queue.jobs.index(job) + (1 if action == "down" else -1))
        elif action == "away":
            (queue.cancel if job.pending else queue.remove)(job)
        else:
            self.asked.emit(job, action)

    def _show(self) -> None:
        queue = self._queue
        self.cards.show_jobs(queue.jobs, queue.seconds_left)
        self._pages.setCurrentIndex(0 if queue.jobs else 1)
        self.start_button.setEnabled(any(job.state is State.HELD for job in queue.jobs))
        self.clear_button.setEnabled(any(job.finished for job in queue.jobs))
        self._show_status()

    def _show_progress(self, job: Job) -> None:
        self.cards.show_progress(job, self._queue.seconds_left(job))
        self._show_status()

    def _show_status(self) -> None:
        self.status.setText(queue_status(self._queue))


def queue_status(queue: ExportQueue) -> str:
    """How much is to be done, and how long it takes; empty when nothing is."""
    if not queue.pending:
        return ""
    left = queue.all_seconds_left()
    count = "1 export" if queue.pending == 1 else f"{queue.pending} exports"
    return count if left is None else f"{count}  ·  {words.duration(left)} left"


def _empty() -> QWidget:
    page = QWidget()
    page.setObjectName("scrolled")
    column = QVBoxLayout(page)
    title, hint = QLabel(EMPTY), QLabel(EMPTY_HINT)
    title.setFont(theme.font(theme.TYPE.large))
    hint.setObjectName("hint")
    hint.setWordWrap(True)
    column.addStretch(1)
    for label in (title, hint):
        label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column.addWidget(label)
    column.addStretch(1)
    return page
