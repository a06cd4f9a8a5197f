"""The sound of the project: which part of the file is heard, from when on, and how loud."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from studio.document.model import SoundEdit
from studio.widgets import theme
from studio.widgets.pieces import in_row, label
from studio.widgets.sound_clip import Source
from studio.widgets.transport import timecode
from studio.widgets.voice.trim_strip import SHORTEST_S, TrimStrip

NORMAL_DB = -1.0
"""Where Normalise puts the loudest sample: as loud as it gets, with room for what compression of an export adds."""

SLIDER_DB = (-24, 24)
"""Reach of the slider; the field takes more."""


class SoundPanel(QWidget):
    """The lower half of the page. Shows what it is told and asks for edits.

    Signals:
        gesture_begun(label), edited(label, SoundEdit), gesture_ended(), gesture_cancelled().
    """

    gesture_begun = Signal(str)
    edited = Signal(str, object)
    gesture_ended = Signal()
    gesture_cancelled = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._source: Source | None = None
        self._edit = SoundEdit()
        self._build()
        self.show_sound(None, SoundEdit())

    def _build(self) -> None:
        self.about = label("", "hint")
        self.strip = TrimStrip()
        self.strip.begun.connect(lambda: self.gesture_begun.emit("Trim the sound"))
        self.strip.moved.connect(self._trimmed)
        self.strip.ended.connect(self.gesture_ended)
        self.strip.cancelled.connect(self.gesture_cancelled)
        self.warning = label("", "problem")
        self.reset = self._button("Reset", "The whole file, as loud as it is", self.set_whole)
        last = QHBoxLayout()
        last.addStretch(1)
        last.addWidget(self.reset)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.SPACE)
        column.addWidget(self.about)
        column.addWidget(self.strip)
        column.addLayout(self._moments())
        column.addLayout(self._level())
        column.addWidget(self.warning)
        column.addLayout(last)

    def _moments(self) -> QGridLayout:
        """Fields of what is heard, and when."""
        self.in_s = self._seconds("First second that is heard", lambda value: self._trimmed(value, self._out()))
        self.out_s = self._seconds("Second at which it ends", lambda value: self._trimmed(self._edit.in_s, value))
        self.start_s = self._seconds("Moment of the project at which it starts", self._placed)
        self.to_start = self._button(
            "To the start",
            "Let what is heard begin at 0:00; curves stay where they are",
            lambda: self._ask("Move the sound to the start", start_s=0.0),
        )
        grid = QGridLayout()
        grid.setHorizontalSpacing(theme.SPACE)
        grid.setVerticalSpacing(theme.SPACE)
        for column, (name, field) in enumerate((("From", self.in_s), ("To", self.out_s), ("Starts at", self.start_s))):
            title = QLabel(name)
            title.setObjectName("hint")
            grid.addWidget(title, 0, column)
            grid.addWidget(field, 1, column)
        grid.addWidget(self.to_start, 1, 3)
        grid.setColumnStretch(4, 1)
        return grid

    def _level(self) -> QHBoxLayout:
        """A slider and a field of the gain."""
        self.gain = QSlider(Qt.Orientation.Horizontal)
        self.gain.setAccessibleName("Gain")
        self.gain.setRange(SLIDER_DB[0] * 10, SLIDER_DB[1] * 10)
        self.gain.setSingleStep(5)
        self.gain.setPageStep(30)
        self.gain.sliderPressed.connect(lambda: self.gesture_begun.emit("Gain"))
        self.gain.sliderReleased.connect(self.gesture_ended)
        self.gain.valueChanged.connect(lambda tenths: self._ask("Gain", gain_db=tenths / 10))
        self.gain_db = QDoubleSpinBox()
        self.gain_db.setAccessibleName("Gain in decibels")
        self.gain_db.setRange(SoundEdit.MIN_GAIN_DB, SoundEdit.MAX_GAIN_DB)
        self.gain_db.setDecimals(1)
        self.gain_db.setSingleStep(0.5)
        self.gain_db.setSuffix(" dB")
        self._finish(self.gain_db)
        self.gain_db.valueChanged.connect(lambda value: self._ask("Gain", gain_db=value))
        tip = f"The gain that puts the loudest moment at {NORMAL_DB:g} dB"
        self.normalise = self._button("Normalise", tip, self.set_normal)
        title = QLabel("Gain")
        title.setObjectName("hint")
        return in_row((title, self.gain, self.gain_db, self.normalise), stretch=1)

    @staticmethod
    def _button(text: str, tip: str, slot: Callable[[], object]) -> QPushButton:
        button = QPushButton(text)
        button.setObjectName("narrow")
        button.setToolTip(tip)
        button.clicked.connect(slot)
        return button

    def _seconds(self, name: str, slot: object) -> QDoubleSpinBox:
        field = QDoubleSpinBox()
        field.setAccessibleName(name)
        field.setToolTip(name)
        field.setDecimals(2)
        field.setSingleStep(0.04)
        field.setRange(0.0, 7200.0)
        field.setSuffix(" s")
        self._finish(field)
        field.valueChanged.connect(slot)
        return field

    @staticmethod
    def _finish(field: QDoubleSpinBox) -> None:
        field.setKeyboardTracking(False)
        field.setFixedWidth(82)
        theme.pad(field, 4)

    # ---- showing ----

    def show_sound(self, source: Source | None, edit: SoundEdit) -> None:
        """Show the project's file and what is made of it."""
        self._source, self._edit = source, edit
        for widget in (
            self.strip, self.in_s, self.out_s, self.start_s, self.to_start, self.gain, self.gain_db, self.normalise,
            self.reset,
        ):  # fmt: skip
            widget.setEnabled(source is not None)
        if source is None:
            self.about.setText("No sound yet: record one above, or open a speech file.")
            self.strip.show_sound(None, (0.0, 0.0), 1.0)
            self.warning.hide()
            return
        peak = f"peak {source.peak_db:.1f} dB" if math.isfinite(source.peak_db) else "silent"
        self.about.setText(f"{source.media.name}  ·  {timecode(source.audio.duration_s)}  ·  {peak}")
        self.strip.show_sound(source.peaks, (edit.in_s, self._out()), edit.gain)
        for field, value in (
            (self.in_s, edit.in_s),
            (self.out_s, self._out()),
            (self.start_s, edit.start_s),
            (self.gain_db, edit.gain_db),
        ):
            with QSignalBlocker(field):
                field.setValue(value)
        with QSignalBlocker(self.gain):
            self.gain.setValue(round(edit.gain_db * 10))
        self.to_start.setEnabled(edit.start_s > 0)
        self.reset.setEnabled(edit != SoundEdit(extra=edit.extra))
        over = source.peak_db + edit.gain_db
        self.warning.setText(
            f"The loudest moments are {over:.1f} dB too loud and are cut off: choose Normalise or less gain."
        )
        self.warning.setVisible(edit.gain_db > 0 and over > 0.05)

    def _out(self) -> float:
        if self._source is None:
            return 0.0
        duration_s = self._source.audio.duration_s
        return duration_s if self._edit.out_s is None else min(self._edit.out_s, duration_s)

    # ---- asking ----

    def set_normal(self) -> None:
        """As loud as it gets without being cut off; silence stays silent."""
        if self._source is not None and math.isfinite(self._source.peak_db):
            gain_db = round(NORMAL_DB - self._source.peak_db, 2)
            self._ask("Normalise", gain_db=min(max(gain_db, SoundEdit.MIN_GAIN_DB), SoundEdit.MAX_GAIN_DB))

    def set_whole(self) -> None:
        """The file as it is."""
        self._ask("Reset the sound", in_s=0.0, out_s=None, start_s=0.0, gain_db=0.0)

    def _trimmed(self, in_s: float, out_s: float) -> None:
        """Another part of the file; what is heard stays in place, so that curves still fit."""
        if self._source is None:
            return
        duration_s, edit = self._source.audio.duration_s, self._edit
        in_s = min(max(in_s, 0.0), duration_s - SHORTEST_S)
        out_s = max(out_s, in_s + SHORTEST_S)
        start_s = max(0.0, edit.start_s + in_s - edit.in_s)
        self._ask("Trim the sound", in_s=in_s, out_s=None if out_s >= duration_s - 0.005 else out_s, start_s=start_s)

    def _placed(self, start_s: float) -> None:
        self._ask("Move the sound", start_s=start_s)

    def _ask(self, label: str, **changes: float | None) -> None:
        edit = replace(self._edit, **changes)  # type: ignore[arg-type]
        if edit != self._edit and self._source is not None:
            self._edit = edit
            self.edited.emit(label, edit)
