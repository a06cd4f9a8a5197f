"""Drags on expression clips: sideways moves, up and down changes the intensity, the ends trim, the corners fade."""

from __future__ import annotations

from typing import Literal

from studio.document.commands import Gesture, History, Selection
from studio.widgets.timeline import clip_edits, edits
from studio.widgets.timeline.drags import START_PX, GestureDrag, Modifiers, snapping_of
from studio.widgets.timeline.state import ClipHit, TimelineState

INTENSITY_PX = 80.0
"""Pixels that a clip is dragged up by for one more of intensity."""


class _ClipDrag(GestureDrag):
    """What all of them share: one gesture from the first real movement to the release."""

    label = ""

    def __init__(self, history: History, state: TimelineState, hit: ClipHit, x: float, y: float) -> None:
        self._history, self._state, self._hit = history, state, hit
        self._clips = state.performance.expressions.clips
        self._clip = self._clips[hit.index]
        self._from = (x, y)
        self._gesture: Gesture | None = None
        self._snapping = snapping_of(state, history.selection)

    def _begun(self, x: float, y: float) -> bool:
        if self._gesture is None:
            if max(abs(x - self._from[0]), abs(y - self._from[1])) < START_PX:
                return False
            self._gesture = self._history.begin(self.label)
        return self._gesture.active

    def _show(self, clips: clip_edits.Clips) -> None:
        assert self._gesture is not None
        self._gesture.update(lambda p: p.perform(lambda q: clip_edits.with_clips(q, clips)))

    def _caught(self, time_s: float, modifiers: Modifiers) -> float:
        """A moment caught on frames, edges and keys, unless Alt is held."""
        self._state.caught_s = None
        if modifiers & Modifiers.AltModifier:
            return time_s
        time_s, self._state.caught_s = self._snapping.snapped(time_s, self._state.view.scale)
        return time_s


class MoveClips(_ClipDrag):
    """Moves the selection in time, or changes the intensity: whichever way the drag begins."""

    def __init__(self, history: History, state: TimelineState, hit: ClipHit, x: float, y: float) -> None:
        super().__init__(history, state, hit, x, y)
        self._selection: Selection = history.selection
        self._way: Literal["", "time", "intensity"] = ""

    def move(self, x: float, y: float, modifiers: Modifiers) -> None:
        """Either end of the clip under the pointer catches."""
        right, down = x - self._from[0], y - self._from[1]
        if not self._way:
            self.label = "Move expressions" if abs(right) >= abs(down) else "Set intensity of expressions"
        if not self._begun(x, y):
            return
        assert self._gesture is not None
        self._way = self._way or ("time" if abs(right) >= abs(down) else "intensity")
        if self._way == "intensity":
            self._show(clip_edits.strengthened(self._clips, self._selection.clips, -down / INTENSITY_PX))
            return
        delta_s = self._delta(right / self._state.view.scale, modifiers)
        self._gesture.update(*edits.move_keys(self._gesture.start, self._selection, delta_s, 0.0))

    def _delta(self, delta_s: float, modifiers: Modifiers) -> float:
        clip = self._clip
        by_start = self._caught(clip.start_s + delta_s, modifiers) - clip.start_s
        caught = self._state.caught_s
        if modifiers & Modifiers.AltModifier or caught is not None:
            return by_start
        by_end = self._caught(clip.end_s + delta_s, modifiers) - clip.end_s
        return by_end if self._state.caught_s is not None else by_start


class TrimClip(_ClipDrag):
    """Moves one end of a clip."""

    label = "Trim expression"

    def move(self, x: float, y: float, modifiers: Modifiers) -> None:
        """The end follows the pointer."""
        if self._begun(x, self._from[1]):
            end: clip_edits.End = "start" if self._hit.part == "start" else "end"
            edge_s = self._clip.start_s if end == "start" else self._clip.end_s
            time_s = self._caught(edge_s + (x - self._from[0]) / self._state.view.scale, modifiers)
            self._show(clip_edits.trimmed(self._clips, self._hit.index, end, time_s))


class FadeClip(_ClipDrag):
    """Changes the length of a fade."""

    label = "Fade expression"

    def move(self, x: float, y: float, modifiers: Modifiers) -> None:
        """The corner follows the pointer."""
        if not self._begun(x, self._from[1]):
            return
        time_s = self._state.view.time_at(x)
        if self._hit.part == "fade_in":
            self._show(clip_edits.faded(self._clips, self._hit.index, "start", time_s - self._clip.start_s))
        else:
            self._show(clip_edits.faded(self._clips, self._hit.index, "end", self._clip.end_s - time_s))
