"""Recording: microphone, level, countdown, take, and what to do with it.

The panel is a small machine: it rests, opens the microphone, counts down, records, writes the take to the disk, and
rests again. Everything slow happens in a worker.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from functools import partial
from pathlib import Path

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from studio.errors import StudioError
from studio.playback.devices import Device
from studio.playback.recorder import AudioInput, Block, Recorder, Take, take_path
from studio.widgets import theme
from studio.widgets.bridge import Worker
from studio.widgets.transport import timecode
from studio.widgets.voice.meter import LevelMeter, decibels

TICK_MS = 33
COUNT_MS = 1000
COUNT_FROM = 3

OpenMicrophone = Callable[[str | None, Callable[[Block], None]], AudioInput]
ListMicrophones = Callable[[], tuple[Device, ...]]


class State(Enum):
    """What the panel does."""

    RESTING = "resting"
    OPENING = "opening"
    LISTENING = "listening"  # only the meter runs
    COUNTING = "counting"
    RECORDING = "recording"
    WRITING = "writing"


class RecordPanel(QWidget):
    """The upper half of the page.

    Args:
        list_microphones: what there is; runs in the worker.
        open_microphone: opens one; runs in the worker.
        look_again: has newly connected devices looked for; `list_devices` is called when that is done.
    """

    about_to_record = Signal()
    """Playback must be silent now."""

    keep = Signal(object)
    """This `Take` shall be the project's sound."""

    listen = Signal(object)
    """Let this `Take` be heard; None: stop that."""

    failed = Signal(str)
    said = Signal(str)

    def __init__(
        self, list_microphones: ListMicrophones, open_microphone: OpenMicrophone, look_again: Callable[[], None]
    ) -> None:
        super().__init__()
        self.folder: Callable[[], Path] = Path.home
        """Where takes go; asked when one begins."""

        self.count_ms = COUNT_MS
        self.takes: list[Take] = []
        self.state = State.RESTING
        self.recorder: Recorder | None = None
        self._list, self._open, self._look_again = list_microphones, open_microphone, look_again
        self._worker = Worker("microphone", self)
        self._wanted = State.RESTING  # what follows once the microphone is open
        self._count = 0
        self._kept: set[Path] = set()
        self._tick = QTimer(self)
        self._tick.setInterval(TICK_MS)
        self._tick.timeout.connect(self.tick)
        self._second = QTimer(self)
        self._second.setSingleShot(True)
        self._second.timeout.connect(self._next_count)
        self._build()
        self._show()

    # ---- building ----

    def _build(self) -> None:
        self.device = QComboBox()
        self.device.setAccessibleName("Microphone")
        self.device.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.device.setMinimumContentsLength(12)
        self.device.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.device.addItem("The system's microphone", None)
        self.device.activated.connect(lambda _index: self._device_chosen())
        again = QToolButton()
        again.setIcon(theme.icon("reset", "dim"))
        again.setToolTip("Look again for microphones")
        again.setAccessibleName("Look again for microphones")
        again.clicked.connect(self.look_again)
        devices = QHBoxLayout()
        devices.addWidget(self.device, 1)
        devices.addWidget(again)
        self.meter = LevelMeter()
        self.test = QPushButton("Test level")
        self.test.setToolTip("Listen without recording")
        self.test.clicked.connect(self.toggle_test)
        self.record = QPushButton("Record")
        self.record.setObjectName("primary")
        self.record.setIcon(theme.icon("record", "on_accent"))
        self.record.clicked.connect(self.toggle)
        self.status = QLabel()
        self.status.setFont(theme.font(theme.TYPE.large))
        buttons = QHBoxLayout()
        buttons.setSpacing(theme.SPACE)
        buttons.addWidget(self.record)
        buttons.addWidget(self.test)
        buttons.addStretch(1)
        buttons.addWidget(self.status)
        self.problem = QLabel()
        self.problem.setObjectName("problem")
        self.problem.setWordWrap(True)
        self.list = QListWidget()
        self.list.setAccessibleName("Takes")
        self.list.setFixedHeight(84)
        self.list.currentRowChanged.connect(lambda _row: self._show())
        self.listen_button = self._take_button("Listen", "Hear the take", self._listen)
        self.retake = self._take_button("Retake", "Record again; this take stays in the list", self.toggle)
        self.keep_button = self._take_button("Keep", "Make the take the project's sound; all curves stay", self._keep)
        self.delete = self._take_button("Delete", "Delete the take's file", self._delete)
        take_buttons = QHBoxLayout()
        take_buttons.setSpacing(theme.SPACE)
        for button in (self.listen_button, self.retake, self.keep_button, self.delete):
            take_buttons.addWidget(button, 1)
        self.review = QWidget()
        review = QVBoxLayout(self.review)
        review.setContentsMargins(0, 0, 0, 0)
        review.setSpacing(theme.SPACE)
        review.addWidget(self.list)
        review.addLayout(take_buttons)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.SPACE)
        column.addLayout(devices)
        column.addWidget(self.meter)
        column.addLayout(buttons)
        column.addWidget(self.problem)
        column.addWidget(self.review)

    def _take_button(self, text: str, tip: str, slot: Callable[[], object]) -> QPushButton:
        button = QPushButton(text)
        button.setObjectName("narrow")
        button.setToolTip(tip)
        button.clicked.connect(lambda _checked=False: slot())
        return button

    # ---- devices ----

    def list_devices(self) -> None:
        """Fill the list of microphones, in the background."""
        self._worker.run(self._list, self._show_devices, self._failed)

    def look_again(self) -> None:
        """Find what was connected since; ends a test, and waits for a recording."""
        if self.state in (State.COUNTING, State.RECORDING, State.WRITING, State.OPENING):
            self.said.emit("Stop recording before looking for microphones.")
            return
        self._release()
        self._worker.run(lambda: None, lambda _none: self._look_again(), self._failed)  # once the microphone is closed

    def _show_devices(self, devices: tuple[Device, ...]) -> None:
        chosen = self.device.currentData()
        self.device.clear()
        if not devices:
            self.device.addItem("No microphone found", None)
        else:
            standard = next((device.name for device in devices if device.standard), "")
            self.device.addItem(f"The system's: {standard}" if standard else "The system's microphone", None)
        for device in devices:
            self.device.addItem(device.name, device.key)
        self.device.setCurrentIndex(max(0, self.device.findData(chosen)) if chosen is not None else 0)

    def _device_chosen(self) -> None:
        if self.state is State.LISTENING:
            self._release()
            self.toggle_test()

    # ---- the machine ----

    def toggle(self) -> None:
        """Record, or stop."""
        if self.state in (State.RESTING, State.LISTENING):
            self.listen.emit(None)
            self.about_to_record.emit()
            self._begin(State.COUNTING)
        elif self.state is State.COUNTING or (self.state is State.OPENING and self._wanted is State.COUNTING):
            self.cancel()
        elif self.state is State.RECORDING:
            self.stop()

    def toggle_test(self) -> None:
        """Let the meter run, or end that."""
        if self.state is State.RESTING:
            self._begin(State.LISTENING)
        elif self.state in (State.LISTENING, State.OPENING):
            self.cancel()

    def cancel(self) -> None:
        """Back to rest; a countdown or take that runs is forgotten."""
        self._wanted = State.RESTING
        self._second.stop()
        self._release()

    def _begin(self, wanted: State) -> None:
        self.problem.setText("")
        self.meter.reset()
        self._wanted = wanted
        if self.recorder is not None:
            self._opened(self.recorder)
            return
        key = self.device.currentData()
        self._go(State.OPENING)
        self._worker.run(lambda: Recorder(partial(self._open, key)), self._opened, self._failed)

    def _opened(self, recorder: Recorder) -> None:
        if self._wanted is State.RESTING:
            self._worker.run(recorder.close, lambda _none: None, self._failed)
            return
        self.recorder = recorder
        self._tick.start()
        if self._wanted is State.LISTENING:
            self._go(State.LISTENING)
            return
        self._count = COUNT_FROM + 1
        self._go(State.COUNTING)
        self._next_count()

    def _next_count(self) -> None:
        self._count -= 1
        if self._count > 0:
            self._second.start(self.count_ms)
            self._show()
            return
        assert self.recorder is not None
        try:
            self.recorder.start(take_path(self.folder()))
        except StudioError as error:
            self._failed(str(error))
            return
        self.meter.clipped = False
        self._go(State.RECORDING)

    def stop(self) -> None:
        """End the take; it appears in the list when it is on the disk."""
        recorder = self.recorder
        if recorder is None or self.state is not State.RECORDING:
            return
        self._go(State.WRITING)
        self._worker.run(recorder.stop, self._taken, self._failed)

    def _taken(self, take: Take) -> None:
        self._release()
        self.takes.append(take)
        loud = "  ·  too loud" if take.clipped else ""
        peak = f"peak {decibels(take.peak):.1f} dB" if take.peak > 0 else "silence"
        item = QListWidgetItem(f"Take {len(self.takes)}  ·  {timecode(take.duration_s)}  ·  {peak}{loud}")
        item.setToolTip(str(take.path))
        self.list.addItem(item)
        self.list.setCurrentItem(item)
        if take.clipped:
            self.problem.setText("The loudest moments were cut off: turn the microphone down or step back, and retake.")
        elif take.peak == 0.0:
            self.problem.setText("The take is silent: check that the microphone is switched on and chosen here.")
        self._show()

    def tick(self) -> None:
        """Meter, time, and whether the microphone is still there."""
        recorder = self.recorder
        if recorder is None:
            return
        peak, clipped = recorder.loudest()
        self.meter.show_peak(peak, clipped, TICK_MS / 1000)
        if self.state is State.RECORDING:
            self.status.setText(timecode(recorder.elapsed_s)[:-2])
        if not (recorder.lost or recorder.full or recorder.failed):
            return
        if recorder.lost:
            text = f"The microphone “{recorder.name}” went away"
            self.problem.setText(f"{text}; the take ends there." if self.state is State.RECORDING else f"{text}.")
        if self.state is State.RECORDING:
            self.stop()
        elif self.state is not State.WRITING:
            self.cancel()

    def _release(self) -> None:
        recorder, self.recorder = self.recorder, None
        self._tick.stop()
        if recorder is not None:
            self._worker.run(recorder.close, lambda _none: None, self.failed.emit)
        self.meter.reset()
        self._go(State.RESTING)

    def _failed(self, text: str) -> None:
        self.cancel()
        self.problem.setText(text)
        self._show()
        self.said.emit(text)

    def _go(self, state: State) -> None:
        self.state = state
        self._show()

    # ---- takes ----

    @property
    def chosen(self) -> Take | None:
        """The take that is selected in the list."""
        row = self.list.currentRow()
        return self.takes[row] if 0 <= row < len(self.takes) else None

    def show_listening(self, on: bool) -> None:
        """Whether a take is being heard."""
        self.listen_button.setText("Stop" if on else "Listen")

    def _listen(self) -> None:
        self.listen.emit(self.chosen if self.listen_button.text() == "Listen" else None)

    def _keep(self) -> None:
        take = self.chosen
        if take is not None:
            self._kept.add(take.path)
            self.keep.emit(take)
            self._show()

    def _delete(self) -> None:
        take, row = self.chosen, self.list.currentRow()
        if take is None or take.path in self._kept:
            return
        self.listen.emit(None)
        try:
            take.path.unlink(missing_ok=True)
        except OSError as error:
            reason = error.strerror or error
            self.problem.setText(f"{take.path.name} could not be deleted ({reason}); close what uses it and try again.")
            return
        del self.takes[row]
        self.list.takeItem(row)
        self.said.emit(f"Deleted {take.path.name}")
        self._show()

    def _show(self) -> None:
        state = self.state
        resting = state in (State.RESTING, State.LISTENING)
        self.record.setText({State.RECORDING: "Stop", State.COUNTING: "Cancel"}.get(state, "Record"))
        self.record.setIcon(theme.icon("stop" if state is State.RECORDING else "record", "on_accent"))
        self.record.setEnabled(state is not State.WRITING)
        self.test.setText("End test" if state is State.LISTENING else "Test level")
        self.test.setEnabled(state in (State.RESTING, State.LISTENING))
        self.device.setEnabled(resting)
        texts = {State.OPENING: "Opening…", State.COUNTING: f"{self._count}", State.WRITING: "Writing…"}
        if state is not State.RECORDING:
            self.status.setText(texts.get(state, ""))
        take = self.chosen
        self.problem.setVisible(bool(self.problem.text()))
        self.review.setVisible(bool(self.takes))
        for button in (self.listen_button, self.retake, self.keep_button):
            button.setEnabled(take is not None and resting)
        self.delete.setEnabled(take is not None and resting and take.path not in self._kept)

    def close_down(self) -> None:
        """Let go of the microphone and wait for the worker; a take that runs is discarded."""
        self._second.stop()
        self._tick.stop()
        recorder, self.recorder = self.recorder, None
        self._wanted = State.RESTING
        self._worker.close()
        if recorder is not None:
            recorder.close()
