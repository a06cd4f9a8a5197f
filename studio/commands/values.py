"""Values typed on the command line; argparse types that raise `ArgumentTypeError` in one sentence."""

from __future__ import annotations

import argparse
import math
import re
from fractions import Fraction

from studio.document.action_units import AU_INDEX, AU_KEYS, MAX_INTENSITY

Wrong = argparse.ArgumentTypeError


def au_value(text: str) -> tuple[str, float]:
    """`AU12=3`: an action unit held at an intensity of 0 to 5."""
    name, equals, number = text.partition("=")
    key = name.strip().upper()
    if key not in AU_INDEX:
        raise Wrong(f"{name or text!r} is no action unit of the studio, choose from {', '.join(AU_KEYS)}")
    if not equals:
        raise Wrong(f"{text!r} has no intensity, write {key}=3")
    value = _number(number, text)
    if not 0 <= value <= MAX_INTENSITY:
        raise Wrong(f"{text!r} lies outside 0 to {MAX_INTENSITY:g}")
    return key, value


def camera_view(text: str) -> tuple[float, float, float | None, tuple[float, float, float]]:
    """`YAW,PITCH,DISTANCE,X,Y,Z` in degrees, head heights and metres; without the distance the head is framed."""
    parts = text.split(",")
    if len(parts) not in (2, 3, 6):
        raise Wrong(f"{text!r} is no camera, write YAW,PITCH or YAW,PITCH,DISTANCE such as 30,10,3")
    framed = len(parts) > 2 and parts[2].strip() == "auto"
    yaw, pitch, *rest = (_number("1" if framed and i == 2 else part, text) for i, part in enumerate(parts))
    if not -360 <= yaw <= 360 or not -89 <= pitch <= 89:
        raise Wrong(f"{text!r} turns too far, yaw goes from -360 to 360 and pitch from -89 to 89 degrees")
    if rest and not 0.5 <= rest[0] <= 100:
        raise Wrong(f"{text!r} is {rest[0]:g} head heights away, choose 0.5 to 100")
    x, y, z = rest[1:] or (0.0, 0.0, 0.0)
    if max(abs(x), abs(y), abs(z)) > 10:
        raise Wrong(f"{text!r} looks past the head, X, Y and Z go from -10 to 10 metres")
    return yaw, pitch, rest[0] if rest and not framed else None, (x, y, z)


def size(text: str) -> tuple[int, int]:
    """`512` for a square or `1280x720`, pixels."""
    match = re.fullmatch(r"(\d{1,5})(?:[x×](\d{1,5}))?", text.strip().lower())
    if match is None:
        raise Wrong(f"{text!r} is no size, write 512 or 1280x720")
    width = int(match[1])
    return width, int(match[2] or width)


def sizes(text: str) -> tuple[int, ...]:
    """`256,512`: edges of squares, pixels."""
    edges = tuple(positive_int(part) for part in text.split(","))
    if not all(16 <= edge <= 8192 for edge in edges):
        raise Wrong(f"{text!r} holds a size outside 16 to 8192 pixels")
    return edges


def rate(text: str) -> Fraction:
    """Frames per second, `25`, `29.97` or `30000/1001`."""
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise Wrong(f"{text!r} is no frame rate, write 25, 29.97 or 30000/1001") from None


def seconds(text: str) -> float:
    """A moment or length, not negative; `75.5` or `1:15.5`."""
    minutes, colon, rest = text.rpartition(":")
    value = _number(rest, text) + (60 * _number(minutes, text) if colon else 0)
    if value < 0:
        raise Wrong(f"{text!r} lies before the start")
    return value


def colour(text: str) -> tuple[float, float, float]:
    """`#5c5e61`, display sRGB."""
    match = re.fullmatch(r"#?([0-9a-fA-F]{6})", text.strip())
    if match is None:
        raise Wrong(f"{text!r} is no colour, write six hexadecimal digits such as #5c5e61")
    red, green, blue = (int(match[1][i : i + 2], 16) / 255 for i in (0, 2, 4))
    return red, green, blue


def positive_int(text: str) -> int:
    """A whole number of at least 1."""
    if not re.fullmatch(r"\d{1,12}", text.strip()) or int(text) < 1:
        raise Wrong(f"{text!r} is no whole number above 0")
    return int(text)


def positive(text: str) -> float:
    """A number above 0."""
    value = _number(text, text)
    if value <= 0:
        raise Wrong(f"{text!r} is not above 0")
    return value


def share(text: str) -> float:
    """A share of a whole, 0 to 1."""
    value = _number(text, text)
    if not 0 <= value <= 1:
        raise Wrong(f"{text!r} lies outside 0 to 1")
    return value


def names(text: str) -> tuple[str, ...]:
    """`au,citae`: names separated by commas."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _number(text: str, whole: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise Wrong(f"{whole!r} is no number" if text == whole else f"{text!r} in {whole!r} is no number") from None
    if not math.isfinite(value):
        raise Wrong(f"{whole!r} is not finite")
    return value
