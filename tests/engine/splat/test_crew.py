"""The helping threads: everything is done once, whoever calls and whatever goes wrong."""

from __future__ import annotations

import threading
from functools import partial

import numba
import numpy as np
import pytest
from numpy.typing import NDArray

from studio.engine.splat._crew import Tickets, work_through
from studio.engine.splat._jit import kernel, take


@kernel()
def _mark(tickets: Tickets, done: NDArray[np.int64]) -> None:
    i = take(tickets)
    while i < done.shape[0]:
        done[i] += 1
        i = take(tickets)


def _mark_all(done: NDArray[np.int64], tickets: Tickets) -> None:
    _mark(tickets, done)


def test_every_piece_is_done_once_also_when_several_threads_call() -> None:
    wrong: list[int] = []

    def call() -> None:
        for size in (0, 1, 7, 5000) * 20:
            done = np.zeros(size, np.int64)
            work_through(partial(_mark_all, done))
            wrong.extend(np.flatnonzero(done != 1))

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_helper_takes_part_when_the_caller_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numba, "get_num_threads", lambda: 2)
    names: set[str] = set()
    both = threading.Barrier(2)

    def work(tickets: Tickets) -> None:
        names.add(threading.current_thread().name)
        both.wait(timeout=60)

    work_through(work)
    assert len(names) == 2


@pytest.mark.parametrize("culprit", ["caller", "helper"])
def test_an_error_reaches_the_caller_and_the_crew_goes_on(culprit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numba, "get_num_threads", lambda: 2)
    caller, both = threading.current_thread(), threading.Barrier(2)

    def work(tickets: Tickets) -> None:
        both.wait(timeout=60)
        if (threading.current_thread() is caller) == (culprit == "caller"):
            raise LookupError(culprit)

    for _ in range(2):
        with pytest.raises(LookupError, match=culprit):
            work_through(work)
    done = np.zeros(100, np.int64)
    work_through(lambda tickets: _mark(tickets, done))
    assert bool((done == 1).all())
