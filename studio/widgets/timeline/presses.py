"""What a press, a double-click or the pointer at rest means at a place of the lanes and their gutter."""

from __future__ import annotations

from PySide6.QtCore import Qt

from studio.document.lanes import CHANNELS
from studio.widgets.timeline import edits
from studio.widgets.timeline.clip_drags import FadeClip, MoveClips, TrimClip
from studio.widgets.timeline.drags import BoxSelect, Drag, LassoSelect, MoveHandle, MoveKeys, snapping_of
from studio.widgets.timeline.editor import KeyEditor
from studio.widgets.timeline.gutter import switch_at
from studio.widgets.timeline.rows import Row
from studio.widgets.timeline.state import GUTTER, RULER_HEIGHT, ClipHit, KeyHit, TimelineState

ON_CURVE_PX = 6.0
"""A double-click this near to the curve makes a key on it, without changing its shape."""

Modifiers = Qt.KeyboardModifier
ADDING = Modifiers.ShiftModifier | Modifiers.ControlModifier


class Presses:
    """Turns places into drags and edits."""

    def __init__(self, state: TimelineState, editor: KeyEditor) -> None:
        self._state, self._editor = state, editor

    def gutter(self, x: float, y: float) -> bool:
        """A click beside the lanes; True when it asks for expressions to choose from."""
        hit = switch_at(self._state, x, y)
        if hit is None:
            return False
        row, switch = hit
        editor = self._editor
        if switch == "add":
            return True
        if switch == "fold":
            editor.fold(row.group)
        elif row.lane is None:
            {"mute": editor.clips.mute, "solo": editor.clips.solo}.get(switch, editor.deselect)()
        else:
            {"mute": editor.mute, "solo": editor.solo, "close": editor.hide_lane, "name": editor.focus_lane}[switch](
                row.lane_id
            )
        return False

    def lanes(self, x: float, y: float, modifiers: Modifiers) -> Drag | None:
        """The drag that begins at a place of the lanes."""
        state, history = self._state, self._editor.history
        adding = bool(modifiers & ADDING)
        hit, clip = state.key_at(x, y), state.clip_at(x, y)
        if hit is not None:
            return self._key(hit, x, y, adding=adding)
        if clip is not None:
            return self._clip(clip, x, y, adding=adding)
        handle = state.handle_at(x, y)
        if handle is not None:
            return MoveHandle(history, state, handle)
        row = state.row_at(y)
        lane = row.lane_id if row is not None and row.lane is not None else state.selection.lane
        select = LassoSelect if modifiers & Modifiers.AltModifier or state.lassoing else BoxSelect
        return select(history, state, x, y, adding=adding, lane=lane)

    def add_key(self, row: Row, x: float, y: float, modifiers: Modifiers) -> None:
        """A double-click into a lane."""
        lane, state = row.lane, self._state
        assert lane is not None
        time_s = self.moment(x, modifiers)
        if lane.curve.at(time_s) is not None:  # it caught on a key of the same lane
            time_s = round(state.view.time_at(x) * state.fps) / state.fps
        value = state.value_at(row, y)
        if lane.keyed and abs(state.y_of(row, lane.curve.value(time_s)) - y) <= ON_CURVE_PX:
            value = lane.curve.value(time_s)
        channel = CHANNELS[lane.target]
        self._editor.add_key(lane.id, time_s, min(max(value, channel.low), channel.high))

    def moment(self, x: float, modifiers: Modifiers = Modifiers.NoModifier) -> float:
        """The moment under a pixel, caught on frames, edges and keys unless Alt is held."""
        state = self._state
        time_s = max(0.0, state.view.time_at(x))
        if modifiers & Modifiers.AltModifier:
            return time_s
        return snapping_of(state, None).snapped(time_s, state.view.scale)[0]

    def cursor(self, x: float, y: float) -> Qt.CursorShape:
        """What the pointer looks like at a place."""
        state, shapes = self._state, Qt.CursorShape
        if x < GUTTER:
            return shapes.PointingHandCursor if switch_at(state, x, y) is not None else shapes.ArrowCursor
        if y < RULER_HEIGHT:
            return shapes.SizeHorCursor if state.duration_s > 0 else shapes.ArrowCursor
        if y < state.top:
            return shapes.ArrowCursor
        if state.key_at(x, y) is not None:
            return shapes.SizeAllCursor
        clip = state.clip_at(x, y)
        if clip is not None:
            return shapes.SizeAllCursor if clip.part == "body" else shapes.SizeHorCursor
        if state.handle_at(x, y) is not None:
            return shapes.PointingHandCursor
        return shapes.CrossCursor if state.lassoing else shapes.ArrowCursor

    def _key(self, hit: KeyHit, x: float, y: float, *, adding: bool) -> Drag | None:
        history, lane_id = self._editor.history, hit.row.lane_id
        chosen = dict(history.selection.keys)
        mine = set(chosen.get(lane_id, ()))
        if adding:
            chosen[lane_id] = tuple(mine ^ {hit.index})
            history.select(edits.select(chosen.items(), lane_id, history.selection.clips))
            if hit.index in mine:
                return None
        elif hit.index not in mine:
            history.select(edits.select([(lane_id, [hit.index])], lane_id))
        return MoveKeys(history, self._state, hit, x, y)

    def _clip(self, hit: ClipHit, x: float, y: float, *, adding: bool) -> Drag | None:
        history = self._editor.history
        selection = history.selection
        if adding:
            clips = set(selection.clips) ^ {hit.index}
            history.select(edits.select(selection.keys, selection.lane, clips))
            if hit.index not in clips:
                return None
        elif hit.index not in selection.clips:
            history.select(edits.select([], selection.lane, [hit.index]))
        if hit.part == "body":
            return MoveClips(history, self._state, hit, x, y)
        make = TrimClip if hit.part in ("start", "end") else FadeClip
        return make(history, self._state, hit, x, y)
