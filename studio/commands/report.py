"""How commands talk: results on standard output, everything about the way there on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from time import monotonic
from typing import Any, TextIO

REFRESH_S = 0.1
"""On a terminal the line is rewritten at most this often; faster only flickers."""

LINE_EVERY = 0.1
"""In a log there is a line for every tenth of the work …"""

LINE_EVERY_S = 30.0
"""… or for this many seconds, so that a slow job is seen to live."""


class ProgressLine:
    """One line about work under way: rewritten in place on a terminal, a few lines in a log.

    Use it as a context manager, so that the line is ended whatever happens.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._live = self._stream.isatty()
        self._told_s = -float("inf")
        self._told_share = 0.0
        self._width = 0

    def show(self, text: str, share: float) -> None:
        """Tell how far the work is.

        Args:
            text: the whole line.
            share: of the work, 0 to 1; 1 is always shown.
        """
        now = monotonic()
        if self._live:
            if now - self._told_s < REFRESH_S and share < 1:
                return
            self._stream.write("\r" + text.ljust(self._width))
            self._width = len(text)
        else:
            if self._told_s == -float("inf"):
                self._told_s = now
            if share - self._told_share < LINE_EVERY and now - self._told_s < LINE_EVERY_S and share < 1:
                return
            self._stream.write(text + "\n")
            self._told_share = share
        self._stream.flush()
        self._told_s = now

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(self, *_: object) -> None:
        if self._live and self._width:
            self._stream.write("\n")
            self._stream.flush()


def note(text: str) -> None:
    """A remark on standard error."""
    sys.stderr.write(text + "\n")


def tell(text: str) -> None:
    """A line of the result on standard output."""
    sys.stdout.write(text + "\n")


def tell_json(value: Mapping[str, Any]) -> None:
    """The result as one JSON object."""
    tell(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))


def tell_facts(facts: Iterable[tuple[str, object]]) -> None:
    """Names and values in two columns; values that are None are left out."""
    rows = [(name, str(value)) for name, value in facts if value is not None]
    width = max((len(name) for name, _ in rows), default=0)
    for name, value in rows:
        tell(f"{name:<{width}}  {value}")


def clock(seconds: float) -> str:
    """`1:05`, or `12 s` below a minute."""
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60}:{whole % 60:02d} min"
