"""Undo: every change of the project goes through a `History`, and every gesture is one entry of it.

A project is immutable and shares what did not change, so an entry simply holds the project before and after; undoing
cannot fail and there is no limit. A gesture (a drag from press to release) shows its steps at once and becomes one
entry when it is committed; steps of different gestures are never merged or reordered. Nothing here knows of Qt; the
history belongs to one thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Literal

from studio.document.model import Project

Change = Callable[[Project], Project]
Cause = Literal["step", "commit", "cancel", "undo", "redo", "select", "saved", "reset", "amend"]


@dataclass(frozen=True)
class Selection:
    """What is selected: keys by lane, clips and markers by index, and the lane in focus."""

    keys: tuple[tuple[str, tuple[int, ...]], ...] = ()
    clips: tuple[int, ...] = ()
    markers: tuple[int, ...] = ()
    lane: str | None = None

    def keys_of(self, lane_id: str) -> tuple[int, ...]:
        """Indices of the selected keys of one lane."""
        return dict(self.keys).get(lane_id, ())


@dataclass(frozen=True)
class Command:
    """One undoable change, as the history panel lists it."""

    label: str
    before: Project = field(repr=False)
    after: Project = field(repr=False)
    selection_before: Selection
    selection_after: Selection
    at_s: float  # wall clock, seconds since 1970


@dataclass(frozen=True)
class Event:
    """What listeners are told: why the history changed, and the label of the gesture or command concerned.

    `step` is a change in the middle of a gesture: draw it, but do not record it. `commit`, `undo`, `redo` and
    `amend` are what a journal records.
    """

    cause: Cause
    label: str
    project: Project
    previous: Project


Listener = Callable[[Event], None]


class Gesture:
    """A change in progress, made by `History.begin`. As a context manager it commits, or cancels on an exception."""

    def __init__(self, history: History, label: str) -> None:
        self._history = history
        self.label = label
        self.start = history.project
        self.start_selection = history.selection

    @property
    def active(self) -> bool:
        """Whether it has been neither committed nor cancelled."""
        return self._history.gesture is self

    def update(self, change: Change | Project, selection: Selection | None = None) -> None:
        """Shows a step: a project, or a function of the project *at the start of the gesture*.

        Steps do not add up, so that a drag that returns to where it began changes nothing, free of rounding.
        """
        self._require_active()
        project = change if isinstance(change, Project) else change(self.start)
        self._history._show(project, selection, "step", self.label)

    def commit(self) -> bool:
        """Ends the gesture as one entry; without any effect on the project there is no entry and False is returned."""
        self._require_active()
        return self._history._commit(self)

    def cancel(self) -> None:
        """Ends the gesture and restores project and selection from before it."""
        self._require_active()
        self._history._cancel(self)

    def _require_active(self) -> None:
        if not self.active:
            raise RuntimeError(f"the gesture {self.label!r} has ended")

    def __enter__(self) -> Gesture:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.active:
            if kind is None:
                self.commit()
            else:
                self.cancel()


class History:
    """The present project and how it came about: the only door through which it changes."""

    def __init__(self, project: Project | None = None, *, saved: bool = True) -> None:
        self._project = Project() if project is None else project
        self._selection = Selection()
        self._commands: list[Command] = []
        self._position = 0
        self._gesture: Gesture | None = None
        self._saved: Project | None = self._project if saved else None
        self._listeners: list[Listener] = []

    # ---- looking ----

    @property
    def project(self) -> Project:
        """The project as it is now, the step of a running gesture included."""
        return self._project

    @property
    def selection(self) -> Selection:
        """What is selected now."""
        return self._selection

    @property
    def gesture(self) -> Gesture | None:
        """The gesture in progress."""
        return self._gesture

    @property
    def commands(self) -> tuple[Command, ...]:
        """All entries, oldest first, those that can be redone included."""
        return tuple(self._commands)

    @property
    def position(self) -> int:
        """How many of `commands` are in effect."""
        return self._position

    @property
    def undo_label(self) -> str | None:
        """Label of what `undo` would take back, None when there is nothing."""
        return self._commands[self._position - 1].label if self._position else None

    @property
    def redo_label(self) -> str | None:
        """Label of what `redo` would do again, None when there is nothing."""
        return self._commands[self._position].label if self._position < len(self._commands) else None

    @property
    def saved(self) -> Project | None:
        """The project as it is on disk, None when it is not."""
        return self._saved

    @property
    def dirty(self) -> bool:
        """Whether the project differs from the saved one; undoing back to that makes it clean again."""
        return self._saved is not self._project and self._saved != self._project

    # ---- changing ----

    def apply(self, label: str, change: Change | Project, selection: Selection | None = None) -> bool:
        """One change as one entry, False where it has no effect; commits a gesture still in progress first."""
        gesture = self.begin(label)
        try:
            gesture.update(change, selection)
        except BaseException:
            gesture.cancel()
            raise
        return gesture.commit()

    def begin(self, label: str) -> Gesture:
        """Starts a gesture. One still in progress (its release was lost) is committed first."""
        if self._gesture is not None:
            self._gesture.commit()
        self._gesture = Gesture(self, label)
        return self._gesture

    def select(self, selection: Selection) -> None:
        """Changes the selection, which is no entry by itself but is restored by undo and redo."""
        if selection != self._selection:
            self._selection = selection
            self._tell("select", "", self._project)

    def undo(self) -> bool:
        """Takes back the last entry; during a gesture it cancels that instead. False when there is nothing."""
        if self._gesture is not None:
            self._gesture.cancel()
            return True
        if not self._position:
            return False
        self._position -= 1
        command = self._commands[self._position]
        self._show(command.before, command.selection_before, "undo", command.label)
        return True

    def redo(self) -> bool:
        """Does the next entry again. False when there is nothing or a gesture is in progress."""
        if self._gesture is not None or self._position == len(self._commands):
            return False
        command = self._commands[self._position]
        self._position += 1
        self._show(command.after, command.selection_after, "redo", command.label)
        return True

    def go_to(self, position: int) -> None:
        """Undoes or redoes until `position` entries are in effect: a click into the history panel.

        Listeners hear of one undo or redo, however far it goes.
        """
        if not 0 <= position <= len(self._commands):
            raise ValueError(f"the history has {len(self._commands)} entries, cannot go to {position}")
        if self._gesture is not None:
            self._gesture.cancel()
        if position < self._position:
            self._position = position
            command = self._commands[position]
            self._show(command.before, command.selection_before, "undo", command.label)
        elif position > self._position:
            self._position = position
            command = self._commands[position - 1]
            self._show(command.after, command.selection_after, "redo", command.label)

    def amend(self, label: str, change: Change) -> None:
        """Changes what a project only remembers, such as the size of its last export: no entry, and no undo of it.

        The change is made in every state of the history, so that undo and redo neither take it back nor are lost. It
        counts as unsaved. Commits a gesture still in progress first.
        """
        if self._gesture is not None:
            self._gesture.commit()
        previous = self._project
        if change(previous) == previous:
            return
        known = {id(previous): change(previous)}  # neighbours share their states, also afterwards

        def amended(project: Project) -> Project:
            if id(project) not in known:
                known[id(project)] = change(project)
            return known[id(project)]

        old = self._commands  # keeps the states alive whose ids are in use
        self._commands = [replace(c, before=amended(c.before), after=amended(c.after)) for c in old]
        self._project = amended(previous)
        self._tell("amend", label, previous)

    def mark_saved(self) -> None:
        """Remembers the present project as the one on disk."""
        self._saved = self._project
        self._tell("saved", "", self._project)

    def reset(self, project: Project, *, saved: bool = True) -> None:
        """Begins anew with another project; the entries are gone."""
        previous = self._project
        self._gesture = None
        self._commands.clear()
        self._position = 0
        self._project = project
        self._selection = Selection()
        self._saved = project if saved else None
        self._tell("reset", "", previous)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Calls `listener` after every change; the returned function ends it."""
        self._listeners.append(listener)

        def unsubscribe() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return unsubscribe

    # ---- for gestures ----

    def _show(self, project: Project, selection: Selection | None, cause: Cause, label: str) -> None:
        previous = self._project
        self._project = project
        if selection is not None:
            self._selection = selection
        self._tell(cause, label, previous)

    def _commit(self, gesture: Gesture) -> bool:
        self._gesture = None
        if self._project is gesture.start or self._project == gesture.start:
            previous, self._project = self._project, gesture.start
            self._tell("cancel", gesture.label, previous)
            return False
        del self._commands[self._position :]
        self._commands.append(
            Command(gesture.label, gesture.start, self._project, gesture.start_selection, self._selection, time.time())
        )
        self._position += 1
        self._tell("commit", gesture.label, gesture.start)
        return True

    def _cancel(self, gesture: Gesture) -> None:
        self._gesture = None
        self._show(gesture.start, gesture.start_selection, "cancel", gesture.label)

    def _tell(self, cause: Cause, label: str, previous: Project) -> None:
        event = Event(cause, label, self._project, previous)
        for listener in tuple(self._listeners):
            listener(event)
