"""`--progress json`: work that a program follows, with a line of JSON for every step and a way to stop it.

Each line on standard error that begins with a brace is one object with the key `event`; other lines are remarks. The
line `stop` on standard input, or its end, asks the work to stop: what watches it may die, and nothing is lost.
"""

from __future__ import annotations

import json
import math
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

EVERY_S = 0.1
"""Progress comes at most this often; the last step of something always."""

NICENESS = 5
_STDIN = 0


class Lines:
    """Writes events; use `following` to make one."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self._told_s = -math.inf

    def tell(self, event: str, *, always: bool = False, **values: object) -> None:
        """Write one line; progress that comes too quickly is left out unless `always`."""
        now = monotonic()
        if event == "progress" and not always and now - self._told_s < EVERY_S:
            return
        self._told_s = now
        sys.stderr.write(json.dumps({"event": event, **values}, ensure_ascii=False) + "\n")
        sys.stderr.flush()

    def _listen(self) -> None:
        """Reads past Python's buffers: a thread that waits in them keeps the interpreter from ending."""
        heard = b""
        while b"stop" not in heard:
            try:
                got = os.read(_STDIN, 4096)
            except OSError:
                break
            if not got:
                break
            heard = heard[-16:] + got
        self.stop.set()


@contextmanager
def following() -> Iterator[Lines]:
    """Events until the end of the block, and a thread that waits for the wish to stop.

    The process steps behind others from here on: somebody works beside it, in a window that shall stay smooth.
    """
    lines = Lines()
    if sys.platform != "win32":
        os.nice(NICENESS)
    threading.Thread(target=lines._listen, name="stop", daemon=True).start()
    yield lines
