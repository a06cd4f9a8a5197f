"""Undo and redo. `python -m tests.document.test_commands 2000` tries 2,000 random sequences, the suite fewer."""

from __future__ import annotations

import sys
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings

from studio.document import curve_tools
from studio.document.commands import Event, Gesture, History, Selection
from studio.document.curves import Curve, Key
from studio.document.decoding import decode
from studio.document.encoding import Encoder
from studio.document.expressions import Clip
from studio.document.jsontext import dump, parse
from studio.document.lanes import CHANNELS
from studio.document.model import Marker, Project
from studio.document.performance import Performance
from tests.document.strategies import random_performance, random_project, seeds

SEQUENCES = int(sys.argv[1]) if __name__ == "__main__" and len(sys.argv) > 1 else 150


def held(value: float) -> Project:
    return Project(performance=Performance.held({"AU12": value}))


def selection(index: int) -> Selection:
    return Selection((("AU12", (index,)),), lane="AU12")


def random_change(rng: Random, project: Project) -> Project:
    """One edit of the kinds that a user makes."""
    lane_id = rng.choice(sorted(CHANNELS))
    lane = project.performance.lane(lane_id)
    curve = lane.curve if lane else Curve()
    chosen = [i for i in range(len(curve)) if rng.random() < 0.5]
    kind = rng.randrange(8) if rng.random() < 0.97 else 8
    if kind == 0:
        return project.perform(lambda p: p.with_held(lane_id, rng.choice([None, rng.uniform(0, 5)])))
    if kind == 1:
        return project.perform(lambda p: p.with_curve(lane_id, curve.with_key(rng.uniform(0, 60), rng.uniform(0, 5))))
    if kind == 2:
        return project.perform(
            lambda p: p.with_curve(lane_id, curve_tools.move(curve, chosen, rng.uniform(-2, 2)).curve)
        )
    if kind == 3:
        return project.perform(lambda p: p.with_curve(lane_id, curve.without(chosen)))
    if kind == 4:
        return project.perform(lambda p: p.without_lane(lane_id))
    if kind == 5:
        return project.replace(markers=(*project.markers, Marker(rng.uniform(0, 60), str(rng.random()))))
    if kind == 6:
        return project.replace(in_s=rng.uniform(0, 10), out_s=rng.uniform(11, 20), loop=not project.loop)
    if kind == 7:
        clip = Clip("happy", rng.uniform(0, 10), rng.uniform(11, 20))
        expressions = project.performance.expressions
        clips = (*expressions.clips[-3:], clip)
        return project.perform(lambda p: Performance(p.base, type(expressions)(clips), p.lanes, p.presets, p.extra))
    return project.perform(lambda _: random_performance(rng))


@settings(max_examples=SEQUENCES, deadline=None)
@given(seeds)
def test_undo_all_is_the_start_and_redo_all_the_end(seed: int) -> None:
    rng = Random(seed)
    start = Project() if rng.random() < 0.8 else random_project(rng)
    history = History(start)
    states = [start]
    for i in range(rng.randint(1, 8)):
        gesture = history.begin(f"edit {i}")
        for _ in range(rng.randint(1, 3)):
            gesture.update(random_change(rng, gesture.start), selection(i))
        if rng.random() < 0.15:
            gesture.cancel()
        elif gesture.commit():
            states.append(history.project)
        if rng.random() < 0.2 and history.undo():
            states.pop()
    assert history.project == states[-1]
    end = history.project
    while history.undo():
        pass
    assert history.project == start
    assert not history.dirty
    for state in states[1:]:
        assert history.redo()
        assert history.project == state
        assert history.selection == history.commands[history.position - 1].selection_after
    assert history.project == end
    data = dump(Encoder(Path("/data")).encode(end)).encode()
    assert decode(parse(data, "x"), "x", Path("/data")) == end


@settings(max_examples=SEQUENCES, deadline=None)
@given(seeds)
def test_jumping_anywhere_is_undoing_and_redoing_step_by_step(seed: int) -> None:
    rng = Random(seed)
    jumping, stepping = History(Project()), History(Project())
    for i in range(rng.randint(1, 6)):
        change = random_change(rng, jumping.project)
        assert jumping.apply(str(i), change, selection(i)) == stepping.apply(str(i), change, selection(i))
        jumping.select(selection(10 + i))
        stepping.select(selection(10 + i))
    for _ in range(4):
        target = rng.randint(0, len(jumping.commands))
        jumping.go_to(target)
        while stepping.position > target:
            stepping.undo()
        while stepping.position < target:
            stepping.redo()
        assert jumping.project == stepping.project
        assert jumping.selection == stepping.selection
        assert (jumping.undo_label, jumping.redo_label) == (stepping.undo_label, stepping.redo_label)


def test_a_gesture_is_one_entry_and_its_steps_start_from_its_start() -> None:
    history = History(held(1))
    gesture = history.begin("Drag")
    for _ in range(100):
        gesture.update(lambda project: project.perform(lambda p: p.with_held("AU12", (p.lane("AU12").held or 0) + 1)))  # type: ignore[union-attr]
    assert gesture.commit()
    assert history.project == held(2)
    assert [command.label for command in history.commands] == ["Drag"]
    history.undo()
    assert history.project == held(1)


def test_a_gesture_back_to_its_start_leaves_no_entry_and_keeps_redo() -> None:
    history = History(held(1))
    history.apply("a", held(2))
    history.undo()
    gesture = history.begin("Drag")
    gesture.update(held(3))
    gesture.update(held(1))
    assert not gesture.commit()
    assert history.position == 0
    assert history.redo_label == "a"
    assert history.project == held(1)


def test_cancelling_restores_project_and_selection() -> None:
    history = History(held(1))
    history.select(selection(1))
    gesture = history.begin("Drag")
    gesture.update(held(2), selection(2))
    gesture.cancel()
    assert history.project == held(1)
    assert history.selection == selection(1)
    assert history.commands == ()
    with pytest.raises(RuntimeError, match="ended"):
        gesture.update(held(3))


def test_a_lost_release_is_committed_by_the_next_gesture() -> None:
    history = History(held(1))
    history.begin("first").update(held(2))
    history.apply("second", held(3))
    assert [command.label for command in history.commands] == ["first", "second"]


def test_undo_restores_the_selection_of_its_moment() -> None:
    history = History(held(1))
    history.select(selection(1))
    history.apply("a", held(2), selection(2))
    history.select(selection(3))
    history.apply("b", held(3))
    history.undo()
    assert history.selection == selection(3)
    history.undo()
    assert history.selection == selection(1)
    history.redo()
    assert history.selection == selection(2)
    assert history.selection.keys_of("AU12") == (2,)
    assert history.selection.keys_of("AU4") == ()


def test_undo_during_a_gesture_cancels_it() -> None:
    history = History(held(1))
    history.apply("a", held(2))
    history.begin("Drag").update(held(3))
    assert not history.redo()
    assert history.undo()
    assert history.project == held(2)
    assert history.gesture is None


def test_a_change_after_undo_drops_what_could_be_redone() -> None:
    history = History(held(1))
    history.apply("a", held(2))
    history.apply("b", held(3))
    history.undo()
    history.apply("c", held(4))
    assert [command.label for command in history.commands] == ["a", "c"]
    assert history.undo_label == "c"
    assert history.redo_label is None
    assert not history.redo()


def test_dirty_means_different_from_what_was_saved() -> None:
    history = History(held(1))
    assert not history.dirty
    history.apply("a", held(2))
    assert history.dirty
    history.mark_saved()
    assert not history.dirty
    history.undo()
    assert history.dirty
    history.apply("b", held(2))
    assert not history.dirty
    assert History(held(1), saved=False).dirty


def test_the_history_panel_goes_anywhere() -> None:
    history = History(held(0))
    for i in range(1, 6):
        history.apply(str(i), held(i))
    history.go_to(2)
    assert history.project == held(2)
    history.begin("Drag").update(held(4.5))
    history.go_to(5)
    assert history.project == held(5)
    history.go_to(0)
    assert history.project == held(0)
    with pytest.raises(ValueError, match="5 entries"):
        history.go_to(6)


def test_listeners_hear_every_change_and_why() -> None:
    history = History(held(1))
    heard: list[Event] = []
    unsubscribe = history.subscribe(heard.append)
    with history.begin("Drag") as gesture:
        gesture.update(held(2))
    history.undo()
    history.redo()
    history.select(selection(1))
    history.select(selection(1))
    history.mark_saved()
    history.reset(held(5))
    assert [event.cause for event in heard] == ["step", "commit", "undo", "redo", "select", "saved", "reset"]
    assert heard[1].previous == held(1)
    assert heard[1].project == heard[0].project == held(2)
    assert heard[1].label == "Drag"
    unsubscribe()
    unsubscribe()
    history.apply("a", held(2))
    assert len(heard) == 7


def test_an_exception_in_a_gesture_cancels_it() -> None:
    history = History(held(1))

    def drag(gesture: Gesture) -> None:
        with gesture:
            gesture.update(held(2))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        drag(history.begin("Drag"))
    assert history.project == held(1)
    with pytest.raises(ZeroDivisionError):
        history.apply("bad", lambda project: project.replace(fps=1 / 0))
    assert history.gesture is None
    assert history.project == held(1)


def test_undo_keeps_no_copies_of_what_did_not_change() -> None:
    curve = Curve.from_samples(np.arange(20_000) / 25, np.zeros(20_000))
    history = History(Project(performance=Performance().with_curve("AU4", curve)))
    for i in range(100):
        history.apply("slider", lambda p, i=i: p.perform(lambda f: f.with_held("AU12", i / 25)))
    shared = {id(lane.curve) for c in history.commands for lane in c.after.performance.lanes if lane.target == "AU4"}
    assert shared == {id(curve)}


def test_keys_made_from_key_objects_share_in_entries() -> None:
    history = History(Project())
    history.apply("key", lambda p: p.perform(lambda f: f.with_curve("AU4", Curve.from_keys([Key(0, 1)]))))
    assert history.commands[0].before == Project()
    assert "Project" not in repr(history.commands[0])


if __name__ == "__main__":
    test_undo_all_is_the_start_and_redo_all_the_end()
    test_jumping_anywhere_is_undoing_and_redoing_step_by_step()
