"""Which frame is due: turns the clock's time and the engine's pace into moments worth drawing.

A picture is asked for the moment at which it will be seen. Between asking and seeing lie the drawing itself and the
way to the screen; what nine of ten recent pictures needed is the *lead*. A picture that is ready sooner waits for its
moment, so that an engine whose pictures take now 20 and now 50 ms still shows all of them in time. An engine that
keeps up draws the project's own frames, each once; one that does not gets the very moment that its picture will show,
and the frames between are dropped.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from statistics import median

LEAD_FRAMES = 20
"""Pictures the lead is estimated from: the third slowest of twenty ignores a hiccup, and follows within a second."""

MAX_DISPLAY_S = 0.1
"""A longer way from the window to the screen than this was no way but a pause, and is not learned from."""

TICK_S = 0.008
"""How often `due` is asked: twice per refresh of a usual screen. A frame is due half a tick early, so that frames are
on average asked for when they are due and not half a tick after."""

LATE_S = 0.012
"""A frame asked for later than this after it was due (a tick and a half) would trail the sound visibly: the engine does
not keep up, or has just woken, and draws the very moment instead."""

MAX_LEAD_S = 0.5
"""An engine slower than two frames a second is not predictable; asking further ahead would show the future."""


@dataclass(frozen=True)
class Pace:
    """How playback went so far, for read-outs."""

    shown: int = 0
    dropped: int = 0  # project frames that passed without a picture
    fps: float = 0.0  # pictures per second over the last second
    latency_s: float = 0.0  # from asking until the picture is ready, median


class FramePacer:
    """Decides when to ask the engine and for which moment.

    Args:
        fps: frames per second of the project.
        display_latency_s: from handing a picture to the window until it is seen.
    """

    def __init__(self, fps: float, display_latency_s: float = 0.0) -> None:
        self.fps = fps
        self.speed = 1.0
        """Seconds of the clip per second of playback; leads are seconds of playback."""
        self._displays: deque[float] = deque([display_latency_s], maxlen=LEAD_FRAMES)
        self._leads: deque[float] = deque(maxlen=LEAD_FRAMES)
        self._shown_at: deque[float] = deque(maxlen=240)
        self._asked: int | None = None
        self._last_shown: int | None = None
        self._shown = 0
        self._dropped = 0

    @property
    def lead_s(self) -> float:
        """How far ahead of the sound to ask."""
        slow = sorted(self._leads)
        drawing = slow[-1 - len(slow) // 10] if slow else 1.0 / self.fps
        return min(max(drawing, 0.0) + self.display_s, MAX_LEAD_S)

    @property
    def display_s(self) -> float:
        """From handing a picture to the window until it is seen, median."""
        return median(self._displays)

    def restart(self) -> None:
        """After a play or seek: nothing asked, nothing dropped; the lead stays."""
        self._asked = self._last_shown = None

    def reset_counts(self) -> None:
        """Begin counting shown and dropped frames anew."""
        self._shown = self._dropped = 0
        self._shown_at.clear()

    def due(self, moment_s: float) -> float | None:
        """The moment to ask an idle engine for, seconds of the clip, or None when nothing new is due.

        An engine that still draws is not asked: a request that waits would be stale when its turn comes.

        Args:
            moment_s: clip time that will be heard `lead_s` from now.
        """
        frame = math.floor((moment_s + TICK_S / 2 * self.speed) * self.fps + 1e-6)
        if frame == self._asked:
            return None
        self._asked = frame
        late_s = (moment_s - frame / self.fps) / self.speed
        return moment_s if late_s > LATE_S else frame / self.fps

    def ready(self, asked_s: float, ready_s: float) -> None:
        """A picture that was asked for at clock time `asked_s` could be shown at `ready_s`."""
        self._leads.append(ready_s - asked_s)

    def shown(self, time_s: float, handed_s: float, shown_s: float) -> None:
        """A picture reached the screen.

        Args:
            time_s: clip time of the picture.
            handed_s: clock time at which it was handed to the window.
            shown_s: clock time at which it was presented.
        """
        if 0.0 <= shown_s - handed_s <= MAX_DISPLAY_S:
            self._displays.append(shown_s - handed_s)
        self._shown_at.append(shown_s)
        self._shown += 1
        frame = math.floor(time_s * self.fps + 1e-6)
        if self._last_shown is not None and frame > self._last_shown + 1:
            self._dropped += frame - self._last_shown - 1
        self._last_shown = frame

    def pace(self, now_s: float) -> Pace:
        """Read-outs at clock time `now_s`."""
        recent = [t for t in self._shown_at if now_s - t <= 1.0]
        latency_s = median(self._leads) if self._leads else 0.0
        return Pace(self._shown, self._dropped, float(len(recent)), latency_s)
