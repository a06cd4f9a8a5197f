"""The queue runs its jobs from the top, one at a time, and says where each stands."""

from __future__ import annotations

from studio.errors import StudioError
from studio.widgets.exports.jobs import State
from tests.widgets.exports.conftest import Hands


def test_jobs_run_one_after_the_other(hands: Hands) -> None:
    for name in ("a.mp4", "b.mp4"):
        hands.add(name)
    hands.until(lambda: hands.work.begun == ["a.mp4"])
    assert hands.states() == ["RUNNING", "WAITING"]
    assert hands.queue.pending == 2
    hands.work.go.release()
    hands.until(lambda: hands.work.begun == ["a.mp4", "b.mp4"])
    hands.work.go.release()
    hands.until(lambda: hands.queue.pending == 0)
    assert hands.states() == ["DONE", "DONE"]
    assert hands.queue.jobs[1].report is not None


def test_what_is_only_added_waits_to_be_started(hands: Hands) -> None:
    first, second = hands.add("a.mp4", start=False), hands.add("b.mp4", start=False)
    assert hands.states() == ["HELD", "HELD"]
    hands.queue.start(second)
    hands.until(lambda: hands.work.begun == ["b.mp4"])
    hands.work.go.release()
    hands.until(lambda: second.state is State.DONE)
    assert first.state is State.HELD
    hands.queue.start_all()
    hands.until(lambda: hands.work.begun == ["b.mp4", "a.mp4"])
    hands.work.go.release()
    hands.until(lambda: first.state is State.DONE)


def test_progress_and_time_left(hands: Hands) -> None:
    running, waiting = hands.add("a.mp4"), hands.add("b.mp4")
    hands.until(lambda: running.progress is not None)
    assert hands.queue.seconds_left(running) == 75.0
    assert hands.queue.seconds_left(waiting) is None
    assert hands.queue.all_seconds_left() is None, "a sum with an unknown part would promise too little"
    hands.work.go.release()
    hands.until(lambda: waiting.progress is not None)
    third = hands.add("c.mp4")
    left = hands.queue.seconds_left(third)
    assert left is not None
    assert hands.queue.all_seconds_left() == 75.0 + left


def test_cancelling_what_runs_lets_the_next_begin(hands: Hands) -> None:
    first, second = hands.add("a.mp4"), hands.add("b.mp4")
    hands.until(lambda: bool(hands.work.begun))
    hands.queue.cancel(first)
    hands.until(lambda: second.state is State.RUNNING)
    assert (first.state, first.error) == (State.STOPPED, "")


def test_cancelling_what_waits_never_begins_it(hands: Hands) -> None:
    first, second = hands.add("a.mp4"), hands.add("b.mp4")
    hands.queue.cancel(second)
    hands.work.go.release()
    hands.until(lambda: first.state is State.DONE)
    assert hands.states() == ["DONE", "STOPPED"]
    assert hands.work.begun == ["a.mp4"]


def test_a_failure_keeps_its_sentence_and_can_be_tried_again(hands: Hands) -> None:
    hands.work.error = StudioError("The disk is full.")
    job, other = hands.add("a.mp4"), hands.add("b.mp4")
    hands.work.go.release(2)
    hands.until(lambda: hands.queue.pending == 0)
    assert [(j.state, j.error) for j in (job, other)] == [(State.FAILED, "The disk is full.")] * 2
    hands.work.error = None
    hands.queue.start(job)
    hands.work.go.release()
    hands.until(lambda: job.state is State.DONE)
    assert job.error == ""
    assert other.state is State.FAILED


def test_a_stopped_job_runs_again_from_its_beginning(hands: Hands) -> None:
    job = hands.add("a.mp4")
    hands.until(lambda: bool(hands.work.begun))
    hands.queue.cancel(job)
    hands.until(lambda: job.state is State.STOPPED)
    hands.queue.start(job)
    hands.work.go.release()
    hands.until(lambda: job.state is State.DONE)
    assert hands.work.begun == ["a.mp4"] * 2


def test_the_order_of_what_waits_can_change_while_one_runs(hands: Hands) -> None:
    for name in ("a.mp4", "b.mp4", "c.mp4"):
        hands.add(name)
    hands.until(lambda: hands.work.begun == ["a.mp4"])
    hands.queue.move(hands.queue.jobs[2], 0)
    assert hands.names() == ["c", "a", "b"]
    hands.queue.move(hands.queue.jobs[2], 99)
    assert hands.names() == ["c", "a", "b"]
    hands.work.go.release(3)
    hands.until(lambda: hands.queue.pending == 0)
    assert hands.work.begun == ["a.mp4", "c.mp4", "b.mp4"]


def test_removing(hands: Hands) -> None:
    first, held = hands.add("a.mp4"), hands.add("b.mp4", start=False)
    hands.until(lambda: bool(hands.work.begun))
    hands.queue.remove(first)
    assert hands.names() == ["a", "b"], "what runs is cancelled first"
    hands.work.go.release()
    hands.until(lambda: first.state is State.DONE)
    hands.queue.remove_finished()
    assert hands.names() == ["b"]
    hands.queue.remove(held)
    assert hands.names() == []


def test_targets_are_those_of_unfinished_jobs(hands: Hands) -> None:
    job = hands.add("a.mp4")
    assert hands.queue.targets() == {job.wish.path}
    hands.work.go.release()
    hands.until(lambda: job.state is State.DONE)
    assert hands.queue.targets() == frozenset()


def test_closing_stops_what_runs(hands: Hands) -> None:
    hands.add("a.mp4")
    hands.add("b.mp4")
    hands.until(lambda: bool(hands.work.begun))
    hands.queue.close()
    assert hands.work.begun == ["a.mp4"]
