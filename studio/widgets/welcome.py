"""The first start: a sample to play with, and a card that says the first steps until they have been done."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, QPoint, QSettings, QSize, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from studio.document.commands import Event
from studio.playback.player import State
from studio.widgets import theme
from studio.widgets.context import Studio
from studio.widgets.sample import sample_project

STARTED_KEY, HINT_KEY = "started", "start_hint_closed"

WIDTH, MARGIN = 264, 12
ROOM = QSize(640, 366)
"""In a smaller viewport the whole card would hide the face: it says only the next step there, and offers the sample."""


@dataclass(frozen=True)
class Step:
    """One of the first things to do."""

    id: str
    text: str


STEPS = (
    Step("play", "Press <b>Space</b>: the avatar speaks. Drag in the picture to look from elsewhere."),
    Step("slider", "Drag a slider, such as <b>12 Lip corner puller</b>. It works during playback, too."),
    Step("key", "Click the <b>◇</b> beside a slider: it keeps this value here. Another one later makes a movement."),
    Step("export", "<b>Export</b> writes a video of what you see and hear."),
)


class StartCard(QFrame):
    """The first steps, ticked off as they are done. Lies in a corner of the viewport."""

    closed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self.setFixedWidth(WIDTH)
        self._done: set[str] = set()
        self._ticks: dict[str, QLabel] = {}
        self._texts: dict[str, QLabel] = {}
        self._small = False
        title = QLabel("First steps")
        title.setFont(theme.font(theme.TYPE.body, bold=True))
        self.close_button = QToolButton()
        self.close_button.setIcon(theme.icon("close", "dim"))
        self.close_button.setIconSize(QSize(14, 14))
        self.close_button.setToolTip("Close; Help › Show the start hint brings it back")
        self.close_button.setAccessibleName("Close the start hint")
        self.close_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.close_button.clicked.connect(self.closed)
        head = QHBoxLayout()
        head.addWidget(title)
        head.addStretch(1)
        head.addWidget(self.close_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.SPACE + 4, theme.SPACE, theme.SPACE, theme.SPACE + 4)
        column.setSpacing(theme.SPACE)
        column.addLayout(head)
        for i, step in enumerate(STEPS, 1):
            tick, text = QLabel(str(i)), QLabel(step.text)
            tick.setObjectName("step")
            tick.setFixedSize(18, 18)
            tick.setAlignment(Qt.AlignmentFlag.AlignCenter)
            text.setWordWrap(True)
            text.setTextFormat(Qt.TextFormat.RichText)
            text.setFixedWidth(WIDTH - 18 - 3 * theme.SPACE - 4)
            text.setFixedHeight(text.heightForWidth(text.width()))
            row = QHBoxLayout()
            row.setSpacing(theme.SPACE)
            row.addWidget(tick, 0, Qt.AlignmentFlag.AlignTop)
            row.addWidget(text, 1)
            column.addLayout(row)
            self._ticks[step.id], self._texts[step.id] = tick, text
        self.sample = QPushButton("Open the sample")
        self.sample.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.make = QPushButton("Make an avatar from a video…")
        self.make.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        column.addWidget(self.sample)
        column.addWidget(self.make)
        self.adjustSize()

    @property
    def done(self) -> frozenset[str]:
        """Steps that have been done."""
        return frozenset(self._done)

    def tick(self, step_id: str) -> None:
        """A step has been done; with the last one the card goes."""
        if step_id in self._done:
            return
        self._done.add(step_id)
        theme.set_state(self._ticks[step_id], "done", True)
        self._ticks[step_id].setText("✓")
        self.fit(small=self._small)
        if len(self._done) == len(STEPS):
            self.closed.emit()

    def fit(self, *, small: bool) -> None:
        """Show all steps, or in little room only the next."""
        self._small = small
        following = next((step.id for step in STEPS if step.id not in self._done), "")
        for step in STEPS:
            for label in (self._ticks[step.id], self._texts[step.id]):
                label.setVisible(not small or step.id == following)
        self.make.setVisible(not small)
        self.adjustSize()

    def restart(self) -> None:
        """Nothing is done yet."""
        self._done.clear()
        for i, step in enumerate(STEPS, 1):
            theme.set_state(self._ticks[step.id], "done", False)
            self._ticks[step.id].setText(str(i))
        self.fit(small=self._small)


class Welcome(QObject):
    """Opens the sample, and shows the card on the first start."""

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio.window)
        self._studio, self._settings = studio, studio.settings
        self.card = StartCard(studio.viewport)
        self.card.hide()
        self._wanted = self._settings is not None and not _flag(self._settings, HINT_KEY)
        self.card.closed.connect(self._closed)
        self.card.sample.clicked.connect(self.open_sample)
        self.card.make.clicked.connect(studio.actions["avatar.make"].trigger)
        studio.actions.connect({"project.sample": self.open_sample, "help.start_hint": self.show_hint})
        studio.actions["export.video"].triggered.connect(lambda: self.card.tick("export"))
        studio.driver.state_changed.connect(self._state_changed)
        studio.session.changed.connect(self._project_changed)
        studio.viewport.installEventFilter(self)
        self._place()

    def open_sample(self) -> None:
        """Open the sample in place of the project; asks about unsaved work."""
        if self._studio.files.may_leave():
            self._studio.session.open_unsaved(sample_project())
            self._studio.say("The sample is open. Space plays it; what you change can be saved as a project of yours.")

    def show_hint(self) -> None:
        """Bring the card back."""
        self._wanted = True
        self.card.restart()
        self._remember(closed=False)
        self._place()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Keep the card in its corner."""
        if event.type() == QEvent.Type.Resize:
            self._place()
        return False

    def _place(self) -> None:
        viewport = self._studio.viewport
        self.card.fit(small=viewport.width() < ROOM.width() or viewport.height() < ROOM.height())
        self.card.setVisible(self._wanted)
        self.card.move(QPoint(viewport.width() - WIDTH - MARGIN, MARGIN))
        self.card.raise_()

    def _closed(self) -> None:
        self._wanted = False
        self._remember(closed=True)
        self._place()

    def _remember(self, *, closed: bool) -> None:
        if self._settings is not None:
            self._settings.setValue(HINT_KEY, closed)

    def _state_changed(self, state: State) -> None:
        if state is State.PLAYING:
            self.card.tick("play")

    def _project_changed(self, event: Event) -> None:
        if event.cause != "commit":
            return
        if event.label.startswith("Set "):
            self.card.tick("slider")
        before, after = (sum(len(lane.curve) for lane in p.performance.lanes) for p in (event.previous, event.project))
        if after > before:
            self.card.tick("key")


def first_start(settings: QSettings) -> bool:
    """Whether this is the first start on this machine; only once true."""
    first = not _flag(settings, STARTED_KEY)
    settings.setValue(STARTED_KEY, True)
    return first


def _flag(settings: QSettings, key: str) -> bool:
    return str(settings.value(key, "false")).lower() == "true"
