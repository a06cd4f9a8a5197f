"""Small charts of an evaluation's page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from studio.engine.measures.goals import FIGURES, OF_THE_HEAD, Figure
from studio.engine.measures.sheet import BAD, FAINT, GOOD, HAIRLINE, INK, MAIN, MUTED, TRUE, Sheet

SMALL, PLAIN, TITLE = 5.6, 6.8, 9.0
"""Sizes of type in points."""


def title(sheet: Sheet, x: float, y: float, words: str, remark: str = "") -> None:
    """The heading of a part of the page, with its base line at `y`."""
    sheet.text(x, y, words, TITLE)
    sheet.text(x + sheet.width(words, TITLE) + 2.5, y, remark, SMALL, MUTED)


def figures(sheet: Sheet, x: float, y: float, width: float, found: Mapping[str, Any]) -> float:
    """The table of figures beside their goals; returns where it ends."""
    drivers = {f"{found['speech']}": found} | ({"truth": found["truth"]} if found.get("truth") else {})
    columns = [x + width - 25.0 - 11.5 * (len(drivers) - 1 - i) for i in range(len(drivers))]
    step = 3.35
    sheet.text(x, y, "mouth driven by", SMALL, MUTED)
    for at, name in zip(columns, drivers, strict=True):
        sheet.text(at, y, name, SMALL, MUTED, "rs")
    sheet.text(x + width - 18.5, y, "aim", SMALL, MUTED)
    y += 1.2
    rows: list[tuple[Figure, list[Mapping[str, Any]]]] = [(figure, list(drivers.values())) for figure in FIGURES]
    rows += [(figure, [found]) for figure in OF_THE_HEAD]
    for figure, told in rows:
        values = [figure.value(one) for one in told]
        if all(value is None for value in values):
            continue
        sheet.line([(x, y), (x + width, y)], HAIRLINE, 0.1)
        y += step
        sheet.text(x, y - 0.9, figure.title, PLAIN)
        for at, one in zip(columns, told, strict=False):
            sheet.text(at, y - 0.9, figure.text(one), PLAIN, INK, "rs")
        sheet.text(columns[-1] + 1.0, y - 0.9, figure.unit, SMALL, MUTED)
        sheet.text(x + width - 18.5, y - 0.9, figure.goal, SMALL, MUTED)
        if figure.reached is not None and values[0] is not None:
            reached = figure.reached(values[0])
            sheet.dot(x + width - 1.0, y - 1.75, 0.85, GOOD if reached else BAD, filled=reached)
    return y


def responses(sheet: Sheet, x: float, y: float, width: float, per_au: Mapping[str, Any], across: int = 4) -> float:
    """How each action unit answers to 0–5 beside the truth; returns where the last row ends."""
    gap = 3.4
    edge = (width - gap * (across - 1)) / across
    tall = 0.53 * edge
    top = max([1.15, *(value for unit in per_au.values() for value in (*unit["response"], *unit["truth"]))])
    for i, (key, unit) in enumerate(per_au.items()):
        left, upper = x + (i % across) * (edge + gap), y + (i // across) * (tall + 6.0)
        good = unit["response_e"] >= 0.8 and unit["monotonic"] and (unit["leakage"] or 0.0) <= 0.05
        colour = MUTED if good else BAD
        _response(sheet, left, upper + 3.0, edge, tall, unit, top)
        sheet.text(left, upper + 2.0, key, PLAIN)
        sheet.text(left + edge, upper + 2.0, f"{100 * unit['response_e']:.0f} %", PLAIN, colour, "rs")
        if unit["leakage"] is not None:
            words = f"leaks {100 * unit['leakage']:.1f} %"
            sheet.text(left + edge - 0.8, upper + 3.0 + tall - 1.0, words, SMALL, colour, "rs")
    return y + -(-len(per_au) // across) * (tall + 6.0)


def _response(
    sheet: Sheet, x: float, y: float, width: float, height: float, unit: Mapping[str, Any], top: float
) -> None:
    bottom = y + height
    sheet.box(x, y, width, height, FAINT)
    for level in (0.8, 1.0):
        at = bottom - height * level / top
        sheet.line([(x, at), (x + width, at)], HAIRLINE, 0.12)
    for values, colour, thick in ((unit["truth"], TRUE, 0.55), (unit["response"], MAIN, 0.35)):
        last = max(len(values) - 1, 1)
        points = [(x + width * i / last, bottom - height * max(v, 0.0) / top) for i, v in enumerate(values)]
        sheet.line(points, colour, thick)
    sheet.line([(x, bottom), (x + width, bottom)], MUTED, 0.15)


def bars(
    sheet: Sheet,
    x: float,
    y: float,
    width: float,
    height: float,
    named: Sequence[tuple[str, float, str]],
    *,
    base: float = 0.0,
    places: int = 1,
) -> None:
    """Upright bars above their names; `named` holds name, value and a remark under the name."""
    if not named:
        return
    top = max(max(value for _, value, _ in named), base + 1e-6)
    step = width / len(named)
    thick = min(0.62 * step, 9.0)
    foot = y + height - 5.5
    room = height - 9.0
    for i, (name, value, remark) in enumerate(named):
        middle = x + (i + 0.5) * step
        tall = room * max(value - base, 0.0) / (top - base)
        sheet.box(middle - thick / 2, foot - tall, thick, tall, MAIN)
        sheet.text(middle, foot - tall - 0.8, f"{value:.{places}f}", SMALL, INK, "ms")
        sheet.text(middle, foot + 2.4, name, SMALL, INK, "ms")
        sheet.text(middle, foot + 4.7, remark, SMALL, MUTED, "ms")
    sheet.line([(x, foot), (x + width, foot)], MUTED, 0.15)
