"""Reading untrusted JSON objects field by field, with errors that say where and what was expected."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn, TypeVar

from studio.document.extra import Extra
from studio.document.jsontext import Json, compact
from studio.errors import StudioError

Made = TypeVar("Made")
MAX_TEXT = 100_000
TIME_LIMIT_S = 1e6
"""No moment of a project lies further out: eleven days."""


class Fields:
    """A JSON object being read; the keys that nobody asked for are the `extra` ones."""

    def __init__(self, value: Json, file: str, where: str = "") -> None:
        self.file = file
        self.where = where
        if not isinstance(value, dict):
            self._fail("", value, "an object")
        self._items = value
        self._read: set[str] = set()

    def __contains__(self, key: str) -> bool:
        return self._items.get(key) is not None

    def extra(self) -> Extra:
        """The keys that were not read."""
        return tuple((key, compact(value)) for key, value in self._items.items() if key not in self._read)

    def skip(self, *keys: str) -> None:
        """Keys that are known, but of no use now."""
        self._read.update(keys)

    def number(self, key: str, default: float, low: float = -math.inf, high: float = math.inf) -> float:
        """A finite number from low to high."""
        value = self._get(key)
        return default if value is None else self._number(key, value, low, high)

    def optional_number(self, key: str, low: float = -math.inf, high: float = math.inf) -> float | None:
        """A finite number from low to high, or None where there is none."""
        value = self._get(key)
        return None if value is None else self._number(key, value, low, high)

    def time(self, key: str, default: float) -> float:
        """Seconds within `TIME_LIMIT_S`."""
        return self.number(key, default, -TIME_LIMIT_S, TIME_LIMIT_S)

    def integer(self, key: str, default: int, low: int, high: int) -> int:
        """A whole number from low to high."""
        value = self._get(key)
        if value is None:
            return default
        if (
            isinstance(value, bool)
            or not isinstance(value, (int, float))
            or value != int(value)
            or not low <= value <= high
        ):
            self._fail(key, value, f"a whole number from {low} to {high}")
        return int(value)

    def boolean(self, key: str, default: bool = False) -> bool:
        """True or false."""
        value = self._get(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            self._fail(key, value, "true or false")
        return value

    def text(self, key: str, default: str | None = None) -> str:
        """A text; without a default it must be there."""
        value = self._get(key)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or len(value) > MAX_TEXT or any(0xD800 <= ord(c) < 0xE000 for c in value):
            self._fail(key, value, "a text")
        return value

    def choice(self, key: str, choices: tuple[str, ...], default: str) -> str:
        """One of some words."""
        value = self._get(key)
        if value is None:
            return default
        if not isinstance(value, str) or value not in choices:
            self._fail(key, value, "one of " + ", ".join(choices))
        return value

    def numbers(self, key: str, count: int, default: tuple[float, ...]) -> tuple[float, ...]:
        """A list of `count` finite numbers."""
        value = self._get(key)
        if value is None:
            return default
        if not isinstance(value, list) or len(value) != count:
            self._fail(key, value, f"a list of {count} numbers")
        return tuple(self._number(f"{key}[{i}]", item, -math.inf, math.inf) for i, item in enumerate(value))

    def items(self, key: str, limit: int) -> list[Json]:
        """A list of at most `limit` things; empty where there is none."""
        value = self._get(key)
        if value is None:
            return []
        if not isinstance(value, list) or len(value) > limit:
            self._fail(key, value, f"a list of at most {limit} entries")
        return value

    def child(self, key: str) -> Fields | None:
        """The object under `key`, or None where there is none."""
        value = self._get(key)
        return None if value is None else Fields(value, self.file, self._path(key))

    def children(self, key: str, limit: int) -> Iterator[Fields]:
        """The objects in the list under `key`."""
        for i, value in enumerate(self.items(key, limit)):
            yield Fields(value, self.file, self._path(f"{key}[{i}]"))

    @contextmanager
    def sensible(self) -> Iterator[None]:
        """Turns a ValueError of a document's class, raised within, into a StudioError that names file and place."""
        try:
            yield
        except ValueError as error:
            place = f" at {self.where}" if self.where else ""
            raise StudioError(f"{self.file} is damaged{place}: {error}.") from error

    @property
    def keys(self) -> tuple[str, ...]:
        """All keys of the object."""
        return tuple(self._items)

    def refuse(self, key: str, expected: str) -> NoReturn:
        """Raises the StudioError for something under `key` that is not what was expected."""
        self._fail(key, self._items.get(key), expected)

    def make(self, maker: Callable[[Fields], Made]) -> Made:
        """What `maker` reads from these fields, with ValueErrors explained."""
        with self.sensible():
            return maker(self)

    def _get(self, key: str) -> Json:
        self._read.add(key)
        return self._items.get(key)

    def _path(self, key: str) -> str:
        return f"{self.where}.{key}" if self.where and key else self.where or key

    def _number(self, key: str, value: Json, low: float, high: float) -> float:
        number = math.nan
        if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e300:
            number = float(value)
        if not low <= number <= high:
            bounded = math.isfinite(low) or math.isfinite(high)
            self._fail(key, value, f"a number from {low:g} to {high:g}" if bounded else "a number")
        return number

    def _fail(self, key: str, value: Json, expected: str) -> NoReturn:
        raise StudioError(
            f"{self.file} is damaged at {self._path(key) or 'its root'}: expected {expected}, found {_shown(value)}."
        )


def _shown(value: Json) -> str:
    text = "nothing" if value is None else compact(value)
    return text if len(text) <= 40 else text[:37] + "…"
