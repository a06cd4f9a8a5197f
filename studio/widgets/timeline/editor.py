"""What the timeline's actions do: the meeting point of selection, playhead, clipboard and project."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from PySide6.QtCore import QObject, Signal

from studio.document import curve_tools
from studio.document.commands import History, Selection
from studio.document.curves import Curve, Handle, Indices, Interpolation
from studio.document.lanes import Lane
from studio.document.model import Marker, Project
from studio.widgets.timeline import edits
from studio.widgets.timeline.clip_editor import ClipEditor
from studio.widgets.timeline.edits import Tool
from studio.widgets.timeline.rows import GROUP_OF

NUDGE_VALUE = 0.02
"""Share of a channel's range that an arrow moves a key by: 0.1 of an action unit."""

NUDGE_INTENSITY = 0.05

NOTHING = "Select keys first, or click the name of a lane that has some"

Amount = Callable[[Project, Selection, float], edits.Change]


class KeyEditor(QObject):
    """Changes keys through the history, one entry for each call."""

    message = Signal(str)
    """One sentence about an action that had nothing to act on."""

    lanes_changed = Signal()
    """Other empty lanes are shown, or other groups folded."""

    def __init__(self, history: History, position_s: Callable[[], float], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.history = history
        self.added: set[str] = set()
        """Lanes shown although they have no keys."""

        self.folded: set[str] = set()
        self.clips = ClipEditor(history, position_s, self)
        self.clips.message.connect(self.message)
        self._position_s = position_s
        self._clipping: edits.Clipping | None = None

    # ---- what is there ----

    @property
    def now_s(self) -> float:
        """The frame under the playhead, where keys are made."""
        return self.history.project.frame_time(self._position_s())

    @property
    def target(self) -> Selection:
        """The selected keys; without any, all keys of the lane in focus."""
        performance, selection = self.history.project.performance, self.history.selection
        if edits.selected_keys(performance, selection) or self.clips.chosen:
            return selection
        lane = performance.lane(selection.lane) if selection.lane else None
        return selection if lane is None else edits.select([(lane.id, range(len(lane.curve)))], lane.id)

    def key_at_playhead(self, lane_id: str) -> int | None:
        """Index of a lane's key under the playhead."""
        lane = self.history.project.performance.lane(lane_id)
        return None if lane is None else lane.curve.at(self.now_s)

    # ---- lanes ----

    def show_lane(self, lane_id: str) -> None:
        """Show a lane, unfold its group and bring it into focus."""
        self.added.add(lane_id)
        lane = self.history.project.performance.lane(lane_id)
        self.folded.discard(GROUP_OF.get(lane.target if lane else lane_id, ""))
        self.history.select(replace(self.history.selection, lane=lane_id))
        self.lanes_changed.emit()

    def hide_lane(self, lane_id: str) -> None:
        """Put an empty lane away."""
        self.added.discard(lane_id)
        if self.history.selection.lane == lane_id:
            self.history.select(replace(self.history.selection, lane=None))
        self.lanes_changed.emit()

    def fold(self, group: str) -> None:
        """Fold a group, or unfold it."""
        self.folded ^= {group}
        self.lanes_changed.emit()

    def focus_lane(self, lane_id: str) -> None:
        """Actions without selected keys act on this lane."""
        self.history.select(Selection(lane=lane_id))

    def mute(self, lane_id: str) -> None:
        """Switch a lane off, or on."""
        self._change_lane(lane_id, "Mute", lambda lane: replace(lane, mute=not lane.mute))

    def solo(self, lane_id: str) -> None:
        """Let this lane act alone, or no more."""
        self._change_lane(lane_id, "Solo", lambda lane: replace(lane, solo=not lane.solo))

    def _change_lane(self, lane_id: str, label: str, change: Callable[[Lane], Lane]) -> None:
        lane = change(self.history.project.performance.lane(lane_id) or Lane(lane_id))
        if lane == Lane(lane.target):
            self.history.apply(label, lambda p: p.perform(lambda q: q.without_lane(lane_id)))
        else:
            self.history.apply(f"{label} {lane_id}", lambda p: p.perform(lambda q: q.with_lane(lane)))

    # ---- keys ----

    def add_key(self, lane_id: str, time_s: float, value: float) -> None:
        """A key where it was double-clicked."""
        self.added.add(lane_id)
        project, selection = edits.add_key(self.history.project, lane_id, time_s, value)
        self.history.apply("Add key", project, selection)

    def key_here(self, lane_id: str) -> None:
        """A key under the playhead that changes nothing yet."""
        self.added.add(lane_id)
        project, selection = edits.key_here(self.history.project, lane_id, self.now_s)
        self.history.apply("Add key", project, selection)

    def toggle_key(self, lane_id: str) -> None:
        """The diamond beside a slider: makes a key under the playhead, or takes away the one that is there."""
        index = self.key_at_playhead(lane_id)
        if index is None:
            self.key_here(lane_id)
            return
        self.added.add(lane_id)
        project, selection = edits.delete_keys(self.history.project, edits.select([(lane_id, [index])], lane_id))
        self.history.apply("Delete key", project, selection)

    def add_at_playhead(self) -> None:
        """A key in the lane in focus, or in all lanes with selected keys."""
        selection = self.history.selection
        lanes = [lane.id for lane, _ in edits.selected_keys(self.history.project.performance, selection)]
        lanes = lanes or ([selection.lane] if selection.lane else [])
        if not lanes:
            self.message.emit("Click the name of a lane first; the key is made there")
            return
        project, chosen = self.history.project, []
        for lane_id in lanes:
            project, made = edits.key_here(project, lane_id, self.now_s)
            chosen += list(made.keys)
        self.added.update(lanes)
        self.history.apply("Add key", project, edits.select(chosen, selection.lane))

    def delete(self) -> None:
        """The selected keys are gone."""
        selection = self.history.selection
        self.added.update(lane for lane, _ in selection.keys)
        if selection.keys or selection.clips:
            project, after = edits.delete_keys(self.history.project, selection)
            self.history.apply("Delete keys" if selection.keys else "Delete expressions", project, after)
        elif selection.markers:
            self.delete_marker(selection.markers[0])

    def select_all(self) -> None:
        """All keys of the lane in focus; of all lanes when they are selected already, or none is in focus."""
        performance, lane_id = self.history.project.performance, self.history.selection.lane
        lane = performance.lane(lane_id) if lane_id else None
        if lane is not None and lane.keyed:
            own = edits.select([(lane.id, range(len(lane.curve)))], lane_id)
            if own != self.history.selection:
                self.history.select(own)
                return
        every = [(lane.id, range(len(lane.curve))) for lane in performance.lanes]
        clips = range(len(performance.expressions.clips))
        self.history.select(edits.select(every, lane_id, clips))

    def deselect(self) -> None:
        """No key is selected; the lane in focus stays."""
        self.history.select(Selection(lane=self.history.selection.lane))

    def copy(self) -> None:
        """Remember the selected keys."""
        clipping = edits.copied(self.history.project.performance, self.target)
        if clipping is None:
            self.message.emit(NOTHING)
        else:
            self._clipping = clipping

    def cut(self) -> None:
        """Remember the selected keys and take them away."""
        if self.history.selection.keys or self.history.selection.clips:
            self.copy()
            self.delete()

    def paste(self) -> None:
        """Copied keys from the playhead on; those of one lane go into the lane in focus."""
        if self._clipping is None:
            self.message.emit("Nothing has been copied yet")
            return
        lane_id = self.history.selection.lane
        project, selection = edits.pasted(self.history.project, self._clipping, self.now_s, lane_id)
        self.added.update(lane for lane, _ in selection.keys)
        self.history.apply("Paste keys", project, selection)

    def duplicate(self) -> None:
        """The selected keys once more behind themselves."""
        self._apply("Duplicate keys", edits.duplicated)

    def nudge(self, frames: int, steps: int) -> None:
        """Move the selected keys by whole frames and steps of value."""
        fps, selection = self.history.project.fps, self.history.selection
        if selection.clips and steps and not selection.keys:
            clips = self.history.project.performance.expressions.clips
            self.clips.set_intensity(clips[selection.clips[0]].intensity + steps * NUDGE_INTENSITY)
        elif selection.keys or selection.clips:
            self._apply("Nudge keys", lambda p, s: edits.move_keys(p, s, frames / fps, steps * NUDGE_VALUE))

    def set_time(self, time_s: float) -> None:
        """The first selected key comes to a moment, the others with it."""
        span = edits.span_of(self.history.project.performance, self.history.selection)
        if span is not None and abs(span[0] - time_s) > 1e-9:
            self._apply("Set time of keys", lambda p, s: edits.move_keys(p, s, time_s - span[0], 0.0))

    def set_value(self, value: float) -> None:
        """All selected keys get one value; clips, when only these are selected, an intensity."""
        if self.history.selection.clips and not self.history.selection.keys:
            self.clips.set_intensity(value)
            return
        self.use("Set value of keys", lambda curve, keys: curve_tools.set_values(curve, keys, value))

    # ---- shapes ----

    def use(self, label: str, tool: Tool) -> None:
        """A tool on the selected keys."""
        self._apply(label, lambda p, s: edits.edit_keys(p, s, tool))

    def interpolate(self, kind: Interpolation) -> None:
        """How the curve goes on from the selected keys."""
        self.use(f"{kind.name.capitalize()} keys", lambda c, keys: curve_tools.set_interpolation(c, keys, kind))

    def set_handles(self, kind: Handle) -> None:
        """How handles of the selected keys behave."""
        self.use(f"{kind.name.capitalize()} handles", lambda c, keys: curve_tools.set_handles(c, keys, kind))

    def ease(self, preset: str) -> None:
        """Shape the segments between selected keys."""
        self.use("Ease keys", lambda c, keys: curve_tools.ease(c, keys, preset))

    def mirror(self) -> None:
        """Selected keys in reverse."""
        self.use("Mirror keys in time", curve_tools.mirror_time)

    def snap(self) -> None:
        """Selected keys onto their nearest frames."""
        fps = self.history.project.fps
        self.use("Snap keys to frames", lambda c, keys: curve_tools.snap_to_frames(c, keys, fps))

    def bake(self) -> None:
        """One key per frame between the selected keys."""
        self._apply("Bake keys", baked)

    def _apply(self, label: str, change: Callable[[Project, Selection], edits.Change]) -> None:
        target = self.target
        if not edits.selected_keys(self.history.project.performance, target) and not self.clips.chosen:
            self.message.emit(NOTHING)
            return
        project, selection = change(self.history.project, target)
        self.history.apply(label, project, selection)

    # ---- markers ----

    def add_marker(self, time_s: float | None = None) -> None:
        """A marker under the playhead, or at a moment."""
        at_s = self.now_s if time_s is None else time_s
        marker = Marker(at_s, str(len(self.history.project.markers) + 1))
        self.history.apply("Add marker", lambda p: p.replace(markers=(*p.markers, marker)))

    def rename_marker(self, index: int, name: str) -> None:
        """Another name for a marker."""
        self.history.apply(
            "Rename marker",
            lambda p: p.replace(
                markers=tuple(replace(m, name=name) if i == index else m for i, m in enumerate(p.markers))
            ),
        )

    def delete_marker(self, index: int) -> None:
        """The project without that marker."""
        self.history.apply(
            "Delete marker", lambda p: p.replace(markers=tuple(m for i, m in enumerate(p.markers) if i != index))
        )


def smoothed(project: Project, selection: Selection, width_s: float) -> edits.Change:
    """Selected keys smoothed over a width in seconds."""
    return edits.edit_keys(project, selection, lambda c, keys: curve_tools.smooth(c, keys, width_s))


def simplified(project: Project, selection: Selection, tolerance: float) -> edits.Change:
    """Selected keys thinned out, nowhere further than the tolerance from the curve as it was."""
    from studio.document import curve_fit  # scipy: not before the window is on the screen

    return edits.edit_keys(project, selection, lambda c, keys: curve_fit.simplify(c, tolerance, keys))


def offset(project: Project, selection: Selection, value: float) -> edits.Change:
    """Selected keys raised by a value."""
    return edits.edit_keys(project, selection, lambda c, keys: curve_tools.move(c, keys, 0.0, value))


def scaled_values(project: Project, selection: Selection, percent: float) -> edits.Change:
    """Values of selected keys as a percentage of themselves."""
    return edits.edit_keys(project, selection, lambda c, keys: curve_tools.scale_values(c, keys, percent / 100))


def scaled_times(project: Project, selection: Selection, percent: float) -> edits.Change:
    """Times of selected keys stretched from the first of them on."""
    span = edits.span_of(project.performance, selection)
    pivot_s = span[0] if span else 0.0
    return edits.edit_keys(
        project, selection, lambda c, keys: curve_tools.scale_time(c, keys, max(percent, 1.0) / 100, pivot_s)
    )


def blended(project: Project, selection: Selection, percent: float) -> edits.Change:
    """Selected keys moved towards neutral by a percentage."""
    return edits.blended_to_neutral(project, selection, percent / 100)


def baked(project: Project, selection: Selection) -> edits.Change:
    """One key per frame between the first and the last selected key of each lane."""
    fps = project.fps

    def tool(curve: Curve, keys: Indices) -> curve_tools.Edited:
        times = curve.times_s[np.asarray(keys)]
        return curve_tools.bake(curve, float(times[0]), float(times[-1]), fps)

    return edits.edit_keys(project, selection, tool)
