"""Giving up a picture halfway, because somebody waits for another one.

A renderer draws in one thread and is told to stop by another. What it draws with need not know: compiled kernels share
out their work by tickets (splat/_crew.py), and there are none left once it is told.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

NO_TICKETS = 1 << 60
"""Beyond the number of any piece of work."""

_here = threading.local()


class Interrupted(Exception):  # noqa: N818 - nothing went wrong
    """The work was given up; what it had made so far is worth nothing."""


class Halt:
    """Stops what one thread works on. `stop` may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stopped = False
        self._running: list[NDArray[np.int64]] = []

    @contextmanager
    def heeded(self) -> Iterator[None]:
        """From here on, in this thread, kernels end when they are told to; what was told before does not count."""
        with self._lock:
            self._stopped = False
        outer = getattr(_here, "halt", None)
        _here.halt = self
        try:
            yield
        finally:
            _here.halt = outer

    def stop(self) -> None:
        """Let kernels that run end at once, and those that follow not begin."""
        with self._lock:
            self._stopped = True
            for tickets in self._running:
                tickets[0] = NO_TICKETS

    @contextmanager
    def over(self, tickets: NDArray[np.int64]) -> Iterator[None]:
        """Around a kernel that takes these tickets.

        Raises:
            Interrupted: before or after it, if it was told to stop.
        """
        with self._lock:
            if self._stopped:
                raise Interrupted
            self._running.append(tickets)
        try:
            yield
        finally:
            with self._lock:
                self._running = [other for other in self._running if other is not tickets]
        if self._stopped:
            raise Interrupted


def present() -> Halt | None:
    """What this thread heeds."""
    found: Any = getattr(_here, "halt", None)
    return found if isinstance(found, Halt) else None
