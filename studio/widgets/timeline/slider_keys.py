"""Sliders that write keys: a key under the playhead when paused, the movement as a curve while playing.

A slider writes keys when its lane has some already, or auto-key is on; otherwise it holds a value. While it plays,
what a held slider does depends on the mode, as in audio workstations: nothing (read); it replaces the lane from
press to release and glides out so that the face does not jump (touch); it goes on until playback stops (latch).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from PySide6.QtCore import QObject

from studio.document.commands import Gesture
from studio.document.lanes import Lane
from studio.document.model import Project
from studio.widgets.names import CHANNEL_NAMES
from studio.widgets.session import Session
from studio.widgets.timeline import edits
from studio.widgets.timeline.editor import KeyEditor
from studio.widgets.timeline.recording import Mode, Recorder

READ_ONLY = "Curves are only read while it plays; choose Touch or Latch to record movements"

Hand = Literal["", "hold", "key", "record", "ignored"]
"""What the slider that is held does."""


class SliderKeys(QObject):
    """Between the panel's sliders and the project."""

    def __init__(
        self,
        session: Session,
        editor: KeyEditor,
        position_s: Callable[[], float],
        playing: Callable[[], bool],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.auto_key = False
        self._session, self._editor = session, editor
        self._position_s, self._playing = position_s, playing
        self.mode: Mode = "touch"
        self._hand: Hand = ""
        self._gesture: Gesture | None = None
        self._recorder = Recorder(session.history, position_s, self._own)

    @property
    def recording(self) -> tuple[str, ...]:
        """Channels that are being recorded."""
        return self._recorder.keys

    def set_mode(self, mode: Mode) -> None:
        """Another mode; a latched pass ends."""
        self.mode = mode
        self.stopped()

    def writes(self, key: str) -> bool:
        """Whether a slider writes keys."""
        lane = self._lane(key)
        return lane.keyed or (self.auto_key and not self._session.read_only)

    def keyed(self) -> frozenset[str]:
        """Action units whose lane has keys."""
        return frozenset(lane.target for lane in self._session.project.performance.lanes if lane.keyed)

    # ---- from the panel ----

    def begin(self, key: str) -> None:
        """A slider is pressed."""
        self._hand = "hold"
        if not self.writes(key):
            self._session.begin(f"Set {CHANNEL_NAMES[key]}")
            return
        self._editor.added.add(key)
        if not self._playing():
            self._hand = "key"
            self._gesture = self._session.history.begin(f"Key {CHANNEL_NAMES[key]}")
        elif self.mode == "read":
            self._hand = "ignored"
            self._editor.message.emit(READ_ONLY)
        else:
            self._hand = "record"
            self._recorder.begin(key, f"Record {CHANNEL_NAMES[key]}")

    def move(self, key: str, value: float) -> None:
        """It is dragged."""
        if self._hand == "hold":
            if self._session.history.gesture is not None:  # not when an undo has ended it
                self._session.hold(key, value)
        elif self._hand == "record":
            self._recorder.move(key, value)
        elif self._hand == "key" and self._gesture is not None and self._gesture.active:
            self._gesture.update(*self._keyed(self._gesture.start, key, self._editor.now_s, value))

    def tick(self) -> None:
        """The playhead moved: a hand that rests is recorded too."""
        self._recorder.tick()

    def end(self, key: str) -> None:
        """It is released: one entry, unless a latched pass goes on until playback stops."""
        hand, self._hand = self._hand, ""
        gesture, self._gesture = self._gesture, None
        if hand == "hold":
            self._session.commit()
        elif hand == "record" and not (self.mode == "latch" and self._playing()):
            self._recorder.finish()
        elif gesture is not None and gesture.active:
            gesture.commit()

    def stopped(self) -> None:
        """Playback has stopped, and a latched pass with it; a hand that is still down goes on until it lets go."""
        if self._hand != "record":
            self._recorder.finish()

    def step(self, key: str, value: float) -> None:
        """One step of keyboard, wheel or field."""
        if self.writes(key):
            self._editor.added.add(key)
            project, selection = self._keyed(self._session.project, key, self._editor.now_s, value)
            self._session.history.apply(f"Key {CHANNEL_NAMES[key]}", project, selection)
        else:
            self._session.hold(key, value)

    def reset(self, key: str) -> None:
        """Double-click: lets go of a held value; in a lane with keys, takes away the one under the playhead."""
        if not self._lane(key).keyed:
            self._session.hold(key, None)
        elif self._editor.key_at_playhead(key) is not None:
            self._editor.toggle_key(key)

    # ---- inside ----

    def _lane(self, key: str) -> Lane:
        return self._session.project.performance.lane(key) or Lane(key)

    def _keyed(self, project: Project, key: str, time_s: float, value: float) -> edits.Change:
        return edits.add_key(project, key, time_s, self._own(project, key, time_s, value))

    @staticmethod
    def _own(project: Project, key: str, time_s: float, value: float) -> float:
        lane = project.performance.lane(key) or Lane(key)
        channel = lane.channel
        return float(np.clip(edits.own_value(project.performance, lane, time_s, value), channel.low, channel.high))
