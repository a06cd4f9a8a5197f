"""Helping threads for compiled kernels that share out their work themselves.

Numba's own parallel loops cost a fifth of a frame: its portable threading layer wakes every thread anew for each loop
while the caller sleeps, shares the work out beforehand, and must never be entered from two threads at once. Here the
caller starts at once, and whichever helpers wake up in time take the next tickets, so that a thread which the system
runs late, or not at all because another program wants the core, holds nobody up. Any number of threads may call at
once; they share the helpers.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack

import numba
import numpy as np
from numpy.typing import NDArray

from studio.engine import halt as halting

Tickets = NDArray[np.int64]
"""(1,) the number of the next piece of work, see `_jit.take`."""

_HELPERS = ThreadPoolExecutor(max(1, numba.config.NUMBA_NUM_THREADS - 1), thread_name_prefix="splat")
"""The helpers of this process, started when they are first needed: with the caller, as many threads as cores."""


def work_through(work: Callable[[Tickets], object]) -> None:
    """Run a kernel on several threads, and return when all of its work is done.

    How many threads take part follows numba (`NUMBA_NUM_THREADS`, `numba.set_num_threads`).

    Args:
        work: calls a kernel that releases the GIL, takes tickets with `take` until there are no more, and does one
            piece of work for each. Pieces must not depend on each other.

    Raises:
        Interrupted: if the calling thread heeds a `Halt` that was told to stop.
    """
    tickets, halt = np.zeros(1, np.int64), halting.present()
    with ExitStack() as stack:
        if halt is not None:
            stack.enter_context(halt.over(tickets))  # ends last: by then the helpers are done
        for _ in range(numba.get_num_threads() - 1):
            helper = _HELPERS.submit(work, tickets)
            stack.callback(_settle, helper)
        work(tickets)


def _settle(helper: Future[object]) -> None:
    """Call off a helper that has not begun, now that nothing is left; wait for one that has, and raise its error."""
    if not helper.cancel():
        helper.result()
