"""Drags on ruler and waveform: the playhead is moved, or a range is marked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio.document.commands import History
from studio.widgets.timeline.drags import Modifiers, snapping_of
from studio.widgets.timeline.state import RULER_HEIGHT, TimelineState

if TYPE_CHECKING:
    from studio.widgets.timeline.canvas import Canvas

MIN_RANGE_PX = 4
"""A shorter drag on the ruler is a click."""

EDGE_PX = 5


class Scrub:
    """The playhead follows the pointer."""

    def __init__(self, canvas: Canvas, x: float) -> None:
        self._canvas = canvas
        canvas.scrub_begun.emit()
        canvas.scrubbed.emit(canvas.time_at(x))

    def move(self, x: float, y: float, modifiers: Modifiers) -> None:
        """It goes along."""
        self._canvas.scrubbed.emit(self._canvas.time_at(x))

    def end(self) -> None:
        """And stays."""
        self._canvas.scrub_ended.emit()

    def cancel(self) -> None:
        """There is nothing to take back: time is no part of the project."""
        self._canvas.scrub_ended.emit()


class MarkRange:
    """A range from where the drag began, or from the range's other end; a mere click moves the playhead."""

    def __init__(self, canvas: Canvas, state: TimelineState, history: History, x: float, y: float) -> None:
        self._canvas, self._state, self._history = canvas, state, history
        self._x = x
        self._anchor_s = canvas.time_at(x)
        self._dragged = False
        edge = self._edge(x) if y < RULER_HEIGHT else None
        if edge is not None and state.range_s is not None:
            self._anchor_s = state.range_s[1 - edge]

    def move(self, x: float, y: float, modifiers: Modifiers) -> None:
        """The free end catches on keys and edges unless Alt is held."""
        if not self._dragged:
            if abs(x - self._x) < MIN_RANGE_PX:
                return
            self._dragged = True
            self._canvas.range_begun.emit()
        time_s, self._state.caught_s = self._canvas.time_at(x), None
        if not modifiers & Modifiers.AltModifier:
            caught, self._state.caught_s = snapping_of(self._state, None).snapped(time_s, self._state.view.scale)
            time_s = caught if self._state.caught_s is not None else time_s
        time_s = min(max(time_s, 0.0), self._state.duration_s)
        self._canvas.range_dragged.emit(*sorted((self._anchor_s, time_s)))

    def end(self) -> None:
        """One entry, or none after a click."""
        self._state.caught_s = None
        if self._dragged:
            self._canvas.range_committed.emit()
        else:
            self._canvas.scrubbed.emit(self._anchor_s)

    def cancel(self) -> None:
        """The range as before."""
        self._state.caught_s = None
        if self._dragged and self._history.gesture is not None:
            self._history.gesture.cancel()

    def _edge(self, x: float) -> int | None:
        """Which end of the range is under the pointer on the ruler."""
        if self._state.range_s is None:
            return None
        away = [abs(self._state.view.x_of(edge) - x) for edge in self._state.range_s]
        return away.index(min(away)) if min(away) <= EDGE_PX else None
