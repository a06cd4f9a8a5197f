"""Drags on the canvas, each from press to release: one object, one gesture, one entry of the history."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from PySide6.QtCore import Qt

from studio.document import curve_tools
from studio.document.commands import Gesture, History, Selection
from studio.document.model import Project
from studio.widgets.timeline import edits
from studio.widgets.timeline.rows import range_of
from studio.widgets.timeline.snapping import Snapping
from studio.widgets.timeline.state import INSET, HandleHit, KeyHit, TimelineState

START_PX = 3
"""A shorter movement is a click: keys do not jump when they are only selected."""

Modifiers = Qt.KeyboardModifier


class Drag(Protocol):
    """What the canvas tells a drag; positions are pixels of the canvas."""

    def move(self, x: float, y: float, modifiers: Modifiers) -> None:
        """The pointer moved."""

    def end(self) -> None:
        """The button was released."""

    def cancel(self) -> None:
        """Escape was pressed."""


def snapping_of(state: TimelineState, selection: Selection | None) -> Snapping:
    """Snapping to frames, edges of phonemes, the playhead, and keys that are in sight and not dragged along."""
    keys = [state.sounds.edges_s]
    for row in state.rows:
        if row.lane is not None:
            curve = row.lane.curve
            seen = curve.between(state.view.start_s, state.view.end_s)
            along = () if selection is None else selection.keys_of(row.lane.id)
            keys.append(curve.times_s[seen[~np.isin(seen, np.asarray(along, np.int64))]])
    mine = () if selection is None else selection.clips
    clips = state.performance.expressions.clips
    ends = [end for i, clip in enumerate(clips) if i not in mine for end in (clip.start_s, clip.end_s)]
    return Snapping.of(state.fps, np.concatenate(keys), ends, (state.position_s,))


class GestureDrag:
    """How a drag that changes the project ends: as one entry of the history, or not at all."""

    _state: TimelineState
    _gesture: Gesture | None

    def end(self) -> None:
        """One entry, or none after a mere click."""
        self._state.caught_s = None
        if self._gesture is not None and self._gesture.active:
            self._gesture.commit()

    def cancel(self) -> None:
        """Everything as before."""
        self._state.caught_s = None
        if self._gesture is not None and self._gesture.active:
            self._gesture.cancel()


class MoveKeys(GestureDrag):
    """Moves the selected keys; the one under the pointer catches on frames, edges and keys."""

    def __init__(self, history: History, state: TimelineState, hit: KeyHit, x: float, y: float) -> None:
        self._history, self._state, self._hit = history, state, hit
        assert hit.row.lane is not None
        self._time_s = float(hit.row.lane.curve.times_s[hit.index])
        self._selection = history.selection
        self._from = (x, y)
        self._gesture: Gesture | None = None
        self._snapping = snapping_of(state, self._selection)

    def move(self, x: float, y: float, modifiers: Modifiers) -> None:
        """Shift keeps to the axis that was moved along more, Alt switches catching off."""
        right, down = x - self._from[0], y - self._from[1]
        if self._gesture is None:
            if max(abs(right), abs(down)) < START_PX:
                return
            self._gesture = self._history.begin("Move keys")
        if not self._gesture.active:
            return
        if modifiers & Modifiers.ShiftModifier:
            right, down = (right, 0.0) if abs(right) >= abs(down) else (0.0, down)
        state = self._state
        delta_s, state.caught_s = right / state.view.scale, None
        if right and not modifiers & Modifiers.AltModifier:
            goal_s, state.caught_s = self._snapping.snapped(self._time_s + delta_s, state.view.scale)
            delta_s = goal_s - self._time_s
        share = -down / (self._hit.row.height - 2 * INSET)
        project, selection = edits.move_keys(self._gesture.start, self._selection, delta_s, share)
        self._gesture.update(project, selection)


class MoveHandle(GestureDrag):
    """Turns and stretches one Bezier handle."""

    def __init__(self, history: History, state: TimelineState, hit: HandleHit) -> None:
        self._history, self._state, self._hit = history, state, hit
        self._gesture: Gesture | None = None

    def move(self, x: float, y: float, modifiers: Modifiers) -> None:
        """The handle follows the pointer."""
        lane = self._hit.row.lane
        assert lane is not None
        if self._gesture is None:
            self._gesture = self._history.begin("Move handle")
        if not self._gesture.active:
            return
        index, side, state = self._hit.index, self._hit.side, self._state
        low, high = range_of(lane)
        per_value = (self._hit.row.height - 2 * INSET) / (high - low)
        value_y = state.y_of(self._hit.row, float(lane.curve.values[index]))
        time_s = state.view.time_at(x) - float(lane.curve.times_s[index])
        value = 0.0 if modifiers & Modifiers.ShiftModifier else (value_y - y) / per_value
        curve = curve_tools.drag_handle(lane.curve, index, side, time_s, value).curve
        self._gesture.update(lambda p: p.perform(lambda q: edits.with_lane_curve(q, lane.id, curve)))


class BoxSelect:
    """Selects keys and clips in a rectangle; a click on nothing selects nothing and brings the lane into focus."""

    def __init__(
        self, history: History, state: TimelineState, x: float, y: float, *, adding: bool, lane: str | None
    ) -> None:
        self._history, self._state = history, state
        self._from = (x, y)
        self._before = history.selection
        self._kept = dict(history.selection.keys) if adding else {}
        self._kept_clips = history.selection.clips if adding else ()
        self._adding, self._lane = adding, lane

    def move(self, x: float, y: float, modifiers: Modifiers) -> None:
        """Stretch the rectangle."""
        if self._state.box is None and max(abs(x - self._from[0]), abs(y - self._from[1])) < START_PX:
            return
        self._state.box = (*self._from, x, y)
        self._choose(self._state.keys_in(self._state.box), self._state.clips_in(self._state.box))

    def end(self) -> None:
        """The selection stands."""
        clicked, self._state.box = self._state.box is None, None
        if clicked:
            keys = self._before.keys if self._adding else ()
            self._history.select(Selection(keys, self._kept_clips, lane=self._lane))

    def cancel(self) -> None:
        """The selection as before."""
        self._state.box = None
        self._history.select(self._before)

    def _choose(self, keys: list[tuple[str, list[int]]], clips: tuple[int, ...]) -> None:
        """Select what was caught, and what was selected before it where that is kept."""
        chosen = {lane: set(kept) for lane, kept in self._kept.items()}
        for lane_id, caught in keys:
            chosen.setdefault(lane_id, set()).update(caught)
        self._history.select(edits.select(chosen.items(), self._lane, (*self._kept_clips, *clips)))


class LassoSelect(BoxSelect):
    """Selects keys and clips inside a line drawn around them."""

    def move(self, x: float, y: float, modifiers: Modifiers) -> None:
        """Draw on."""
        if not self._state.lasso and max(abs(x - self._from[0]), abs(y - self._from[1])) < START_PX:
            return
        self._state.lasso = (*(self._state.lasso or (self._from,)), (x, y))
        self._choose(self._state.keys_within(self._state.lasso), self._state.clips_within(self._state.lasso))

    def end(self) -> None:
        """The selection stands."""
        clicked, self._state.lasso = not self._state.lasso, ()
        if clicked:
            super().end()

    def cancel(self) -> None:
        """The selection as before."""
        self._state.lasso = ()
        super().cancel()


class MoveMarker(GestureDrag):
    """Moves a marker on the ruler."""

    def __init__(self, history: History, state: TimelineState, index: int, x: float) -> None:
        self._history, self._state, self._index, self._x = history, state, index, x
        self._gesture: Gesture | None = None
        self._snapping = snapping_of(state, None)

    def move(self, x: float, y: float, modifiers: Modifiers) -> None:
        """The marker follows, catching as keys do."""
        if self._gesture is None:
            if abs(x - self._x) < START_PX:
                return
            self._gesture = self._history.begin("Move marker")
        if not self._gesture.active:
            return
        time_s = max(0.0, self._state.view.time_at(x))
        if not modifiers & Modifiers.AltModifier:
            time_s, self._state.caught_s = self._snapping.snapped(time_s, self._state.view.scale)
        index = self._index

        def moved(project: Project) -> Project:
            marker = project.markers[index]
            changed = type(marker)(time_s, marker.name, marker.colour, marker.extra)
            return project.replace(markers=(*project.markers[:index], changed, *project.markers[index + 1 :]))

        self._gesture.update(moved)
