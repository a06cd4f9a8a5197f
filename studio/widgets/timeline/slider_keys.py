"""Sliders that write keys: a key under the playhead when paused, the movement as a curve while playing.

A slider writes keys when its lane has some already, or auto-key is on; otherwise it holds a value. While it plays, a
held slider takes over from the curve (touch, as in audio workstations): from press to release its movement replaces
what the lane had there, and it glides in and out so that the face does not jump.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from PySide6.QtCore import QObject

from studio.document import curve_tools
from studio.document.commands import Gesture
from studio.document.curves import Curve
from studio.document.lanes import POSE_KEYS, Lane
from studio.document.model import Project
from studio.widgets.names import CHANNEL_NAMES
from studio.widgets.session import Session
from studio.widgets.timeline import edits
from studio.widgets.timeline.editor import KeyEditor

TOLERANCE = 0.04
"""A recorded movement is simplified by this much at most: below what is seen in a face (a FACS mark is 1)."""

TOLERANCE_DEG = 0.25
"""The same for a head or eyes: a turn that nobody sees."""

GLIDE_S = 0.16
"""Back from the hand to the curve: four frames, about as long as a fast movement of the face."""

AHEAD_S = 0.4
"""The hand's value holds this far beyond the playhead while recording, because pictures are drawn ahead."""

JUMP_S = 0.05
"""A playhead that goes back by more than this has looped: another pass begins."""


@dataclass
class Recording:
    """One pass of a hand over a lane."""

    base: Curve
    tolerance: float = TOLERANCE
    times_s: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def add(self, time_s: float, value: float) -> None:
        """The hand's value at a moment; after a loop the pass so far becomes the base of the next."""
        if self.times_s and time_s < self.times_s[-1] - JUMP_S:
            self.base = self.finished()
            self.times_s, self.values = [], []
        if self.times_s and time_s - self.times_s[-1] < 1e-3:
            self.values[-1] = value
            return
        self.times_s.append(time_s)
        self.values.append(value)

    def so_far(self) -> Curve:
        """The lane as it is heard and seen while the hand is on the slider."""
        if not self.times_s:
            return self.base
        piece = Curve.from_samples([*self.times_s, self.times_s[-1] + AHEAD_S], [*self.values, self.values[-1]])
        return curve_tools.overwrite(self.base, piece).curve

    def finished(self) -> Curve:
        """The lane with the movement as a simplified curve."""
        from studio.document.curve_fit import curve_from_recording  # scipy: not before the window is on the screen

        if not self.times_s:
            return self.base
        if len(self.times_s) == 1 and not len(self.base):
            return self.base.with_key(self.times_s[0], self.values[0])
        times, values = list(self.times_s), list(self.values)
        if len(self.base):
            before, after = max(0.0, times[0] - GLIDE_S / 2), times[-1] + GLIDE_S
            if before < times[0]:
                times, values = [before, *times], [self.base.value(before), *values]
            times, values = [*times, after], [*values, self.base.value(after)]
        return curve_tools.overwrite(self.base, curve_from_recording(times, values, self.tolerance)).curve


def tolerance_of(key: str) -> float:
    """How much a recorded movement of a channel may be simplified."""
    return TOLERANCE_DEG if key in POSE_KEYS else TOLERANCE


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
        self._key = ""
        self._gesture: Gesture | None = None
        self._recording: Recording | None = None
        self._value: float | None = None

    @property
    def recording(self) -> str:
        """The action unit that a hand writes while it plays, empty when none."""
        return self._key if self._recording is not None else ""

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
        self._key, self._value = key, None
        if not self.writes(key):
            self._session.begin(f"Set {CHANNEL_NAMES[key]}")
            return
        self._editor.added.add(key)
        if self._playing():
            self._gesture = self._session.history.begin(f"Record {CHANNEL_NAMES[key]}")
            self._recording = Recording(self._lane(key).curve, tolerance_of(key))
        else:
            self._gesture = self._session.history.begin(f"Key {CHANNEL_NAMES[key]}")

    def move(self, key: str, value: float) -> None:
        """It is dragged."""
        if self._gesture is None:
            self._session.hold(key, value)
        elif self._gesture.active:
            self._value = value
            if self._recording is not None:
                self.tick()
            else:
                time_s = self._editor.now_s
                self._gesture.update(*self._keyed(self._gesture.start, key, time_s, value))

    def tick(self) -> None:
        """The playhead moved: a hand that rests is recorded too."""
        if self._recording is None or self._value is None or self._gesture is None or not self._gesture.active:
            return
        time_s = self._position_s()
        self._recording.add(time_s, self._own(self._gesture.start, self._key, time_s, self._value))
        self._show(self._recording.so_far())

    def end(self, key: str) -> None:
        """It is released: one entry."""
        gesture, self._gesture = self._gesture, None
        recording, self._recording = self._recording, None
        if gesture is None:
            self._session.commit()
        elif gesture.active:
            if recording is not None and recording.times_s:
                curve = recording.finished()
                selection = edits.select([], key)
                gesture.update(lambda p: p.perform(lambda q: edits.with_lane_curve(q, key, curve)), selection)
            gesture.commit()

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

    def _show(self, curve: Curve) -> None:
        assert self._gesture is not None
        key = self._key
        selection = edits.select([], key)
        self._gesture.update(lambda p: p.perform(lambda q: edits.with_lane_curve(q, key, curve)), selection)
