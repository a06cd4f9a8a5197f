"""JSON as documents need it: strict and bounded when reading, canonical and readable when writing."""

from __future__ import annotations

import json
import re
from typing import NoReturn, TypeAlias

import numpy as np

from studio.errors import StudioError

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"

MAX_BYTES = 256 * 2**20
"""A 30-minute project with 800,000 keys has about 20 MB; a hostile file must not fill the memory."""

MAX_DEPTH = 64
"""Documents of the studio nest about ten deep; far more is an attack on the parser."""

_LINE = 118
_NUMBER_TYPES = frozenset((int, float))
_SCALAR_TYPES = frozenset((int, float, bool, str, type(None)))
_PLAIN = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
"""A string, or an unfinished one to the end of the text: so matching takes linear time whatever the text."""


def parse(data: bytes, name: str) -> Json:
    """The value of JSON text from outside.

    Args:
        data: UTF-8 text, at most `MAX_BYTES`.
        name: The file, for the error.

    Raises:
        StudioError: Too large, too deep, not UTF-8, not JSON, or with a NaN or infinity.
    """
    if len(data) > MAX_BYTES:
        raise StudioError(
            f"{name} has {len(data) / 2**20:.0f} MB, more than the {MAX_BYTES // 2**20} MB that are read; "
            "choose another file."
        )
    if _depth(data) > MAX_DEPTH:
        raise StudioError(
            f"{name} is nested deeper than {MAX_DEPTH} levels, which the studio never writes; choose another file."
        )
    try:
        value: Json = json.loads(data.decode("utf-8-sig"), parse_constant=_refuse, parse_float=_finite)
    except UnicodeDecodeError as error:
        raise StudioError(
            f"{name} is not UTF-8 text (byte {error.start}); choose another file, or a backup of it."
        ) from error
    except json.JSONDecodeError as error:
        raise StudioError(
            f"{name} is damaged or not JSON ({error.msg} in line {error.lineno}, column {error.colno}); choose another "
            "file, or a backup of it."
        ) from error
    except (ValueError, RecursionError) as error:
        raise StudioError(
            f"{name} is damaged or not JSON ({error}); choose another file, or a backup of it."
        ) from error
    return value


def dump(value: Json) -> str:
    """Canonical text: keys in the order given; short objects and lists of numbers on one line, others indented."""
    return _lines(value, 0) + "\n"


def compact(value: Json) -> str:
    """The value on one line, ASCII only."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"it holds {constant}, which is no number")


def _finite(digits: str) -> float:
    number = float(digits)
    if not np.isfinite(number):
        raise ValueError(f"it holds {digits[:20]}, which is too large a number")
    return number


def _depth(data: bytes) -> int:
    """Deepest nesting of brackets outside strings."""
    text = np.frombuffer(_STRING.sub(b"", data), np.uint8)
    opened = np.isin(text, np.frombuffer(b"[{", np.uint8))
    closed = np.isin(text, np.frombuffer(b"]}", np.uint8))
    steps = opened.astype(np.int8) - closed.astype(np.int8)
    steps = steps[steps != 0]
    return int(np.cumsum(steps, dtype=np.int64).max(initial=0))


def _lines(value: Json, indent: int) -> str:
    numbers = _numbers(value)
    if numbers is not None:
        return numbers
    short = _inline(value, _LINE - indent)
    if short is not None:
        return short
    pad = " " * (indent + 2)
    if isinstance(value, dict):
        rows = [f"{pad}{_string(key)}: {_lines(item, indent + 2)}" for key, item in value.items()]
        return "{\n" + ",\n".join(rows) + "\n" + " " * indent + "}"
    if isinstance(value, list):
        rows = [pad + _lines(item, indent + 2) for item in value]
        return "[\n" + ",\n".join(rows) + "\n" + " " * indent + "]"
    return _scalar(value)


def _inline(value: Json, room: int) -> str | None:
    """The value on one line of at most `room` characters, or None."""
    if isinstance(value, (dict, list)) and 3 * len(value) > room + 2:
        return None
    numbers = _numbers(value)
    if numbers is not None:
        return numbers if len(numbers) <= room else None
    if type(value) is list and set(map(type, value)) <= _SCALAR_TYPES and (flat := _PLAIN(value)).isprintable():
        return flat if len(flat) <= room else None
    if isinstance(value, dict):
        parts, used = [], 2
        for key, item in value.items():
            name = _string(key)
            shown = _inline(item, room - used - len(name) - 2)
            if shown is None:
                return None
            used += len(name) + len(shown) + 4
            parts.append(f"{name}: {shown}")
        return "{" + ", ".join(parts) + "}" if used <= room + 2 else None
    if isinstance(value, list):
        parts, used = [], 2
        for item in value:
            shown = _inline(item, room - used)
            if shown is None:
                return None
            used += len(shown) + 2
            parts.append(shown)
        return "[" + ", ".join(parts) + "]" if used <= room + 2 else None
    text = _scalar(value)
    return text if len(text) <= room else None


def _numbers(value: Json) -> str | None:
    """A list of numbers alone, or None for anything else; there may be a million of them, so this is quick."""
    if type(value) is not list or not set(map(type, value)) <= _NUMBER_TYPES:
        return None
    text = f"[{', '.join(map(repr, value))}]"
    return _PLAIN(value) if "n" in text else text  # which refuses nan and inf


def _scalar(value: str | float | bool | None) -> str:
    return _string(value) if isinstance(value, str) else _PLAIN(value)


def _string(text: str) -> str:
    """JSON string; a lone surrogate, which UTF-8 cannot hold, forces the escaped form."""
    plain = _PLAIN(text)
    return plain if plain.isprintable() else json.dumps(text)
