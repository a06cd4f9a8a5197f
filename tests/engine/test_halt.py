"""Giving up a picture: at once, completely, and only the one that is being drawn."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from studio.engine.halt import NO_TICKETS, Halt, Interrupted, present
from studio.engine.renderer import Renderer
from studio.engine.splat import _crew
from studio.engine.splat._crew import work_through
from tests.support import controls, toy_avatar


def test_work_ends_when_it_is_told_to() -> None:
    halt, begun = Halt(), threading.Event()

    def stop() -> None:
        assert begun.wait(20)
        halt.stop()

    other = threading.Thread(target=stop)
    other.start()
    tickets = np.zeros(1, np.int64)

    def endless() -> None:
        with halt.over(tickets):
            while tickets[0] < NO_TICKETS:  # as a kernel does whose work never ends
                begun.set()

    with halt.heeded(), pytest.raises(Interrupted):
        endless()
    other.join()
    assert present() is None


def test_what_follows_does_not_begin_and_what_comes_after_does() -> None:
    halt, done = Halt(), []
    with halt.heeded():
        halt.stop()
        with pytest.raises(Interrupted):
            work_through(lambda _tickets: done.append(1))
    assert not done
    with halt.heeded():  # told before: it does not count
        work_through(lambda tickets: done.append(int(tickets[0])))
    work_through(lambda _tickets: done.append(2))
    assert done


def test_other_threads_are_not_stopped() -> None:
    halt, done = Halt(), []
    with halt.heeded():
        halt.stop()
        other = threading.Thread(target=lambda: work_through(lambda _tickets: done.append(1)))
        other.start()
        other.join()
    assert done


def test_a_picture_is_given_up_and_the_next_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    avatar = toy_avatar(400)
    renderer, camera = Renderer(avatar, backend="cpu"), avatar.camera(width=64, height=64)
    smile = controls({"AU12": 5.0})
    expected = Renderer(avatar, backend="cpu").frame(smile, camera).rgba
    calls: list[int] = []
    usual = _crew.work_through

    def told_at_the_second(work):  # type: ignore[no-untyped-def]
        calls.append(1)
        if len(calls) == 2:
            renderer.interrupt()
        usual(work)

    monkeypatch.setattr("studio.engine.splat.cpu.work_through", told_at_the_second)
    with pytest.raises(Interrupted):
        renderer.frame(smile, camera)
    assert len(calls) == 2
    assert np.array_equal(renderer.frame(smile, camera).rgba, expected)
    renderer.interrupt()  # there is nothing to give up
    assert np.array_equal(renderer.frame(smile, camera).rgba, expected)
