"""Movements recorded while it plays: what a hand does to lanes from the first touch to the end of a pass.

A lane that is recorded shows the hand's value at once; at the end the movement becomes a simplified curve, and all
lanes of the pass are one entry of the history.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from studio.document import curve_tools
from studio.document.commands import Gesture, History
from studio.document.curves import Curve
from studio.document.lanes import POSE_KEYS, Lane
from studio.document.model import Project
from studio.widgets.timeline import edits

Mode = Literal["read", "touch", "latch"]
"""What a slider does to the curve while it plays: nothing; writes while it is held; writes until playback stops."""

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


class Recorder:
    """One pass over any number of lanes.

    Args:
        history: gets one entry for the pass.
        position_s: of the playhead.
        own: the value that a lane must have so that its channel shows a hand's value: project, key, moment, value.
    """

    def __init__(
        self,
        history: History,
        position_s: Callable[[], float],
        own: Callable[[Project, str, float, float], float],
    ) -> None:
        self._history, self._position_s, self._own = history, position_s, own
        self._gesture: Gesture | None = None
        self._passes: dict[str, Recording] = {}
        self._values: dict[str, float] = {}

    @property
    def keys(self) -> tuple[str, ...]:
        """Lanes that are being recorded."""
        return tuple(self._passes)

    def begin(self, key: str, label: str) -> None:
        """A lane joins the pass, or begins one."""
        if self._gesture is None or not self._gesture.active:
            self.finish()
            self._gesture = self._history.begin(label)
        if key not in self._passes:
            lane = self._gesture.start.performance.lane(key) or Lane(key)
            self._passes[key] = Recording(lane.curve, tolerance_of(key))

    def move(self, key: str, value: float) -> None:
        """A hand's value."""
        self._values[key] = value
        self.tick()

    def tick(self) -> None:
        """The playhead moved: hands that rest are recorded too."""
        gesture = self._gesture
        if gesture is None or not self._values:
            return
        if not gesture.active:
            self.finish()
            return
        time_s = self._position_s()
        for key, value in self._values.items():
            self._passes[key].add(time_s, self._own(gesture.start, key, time_s, value))
        self._show(gesture, {key: self._passes[key].so_far() for key in self._values})

    def finish(self) -> None:
        """The end of the pass: one entry with simplified curves.

        A pass that something else has ended (another gesture, an undo) is over; what that has left of it stays.
        """
        gesture, self._gesture = self._gesture, None
        curves = {key: self._passes[key].finished() for key in self._values}
        shown = {key: self._passes[key].so_far() for key in self._values}
        self._passes, self._values = {}, {}
        if gesture is None:
            return
        if gesture.active:
            if curves:
                self._show(gesture, curves)
            gesture.commit()
        elif curves and all(self._curve(key) == curve for key, curve in shown.items()):
            self._history.apply("Simplify recording", lambda p: _with_curves(p, curves))

    def _curve(self, key: str) -> Curve | None:
        lane = self._history.project.performance.lane(key)
        return None if lane is None else lane.curve

    @staticmethod
    def _show(gesture: Gesture, curves: dict[str, Curve]) -> None:
        last = next(reversed(curves))
        gesture.update(lambda p: _with_curves(p, curves), edits.select([], last))


def _with_curves(project: Project, curves: dict[str, Curve]) -> Project:
    performance = project.performance
    for key, curve in curves.items():
        performance = edits.with_lane_curve(performance, key, curve)
    return project.replace(performance=performance)
