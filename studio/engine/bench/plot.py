"""How the cost grows, as one picture: a panel for each thing that grows, both axes logarithmic, exponents beside."""

from __future__ import annotations

import html
import itertools
import math
from collections.abc import Sequence

from studio.engine.bench.figures import Curve, Findings
from studio.errors import StudioError

PANELS: dict[str, tuple[str, str]] = {
    "gaussians": ("Gaussians", "at 512²"),
    "pixels": ("pixels", "256² to 2048²"),
    "units": ("action units that act", "at 256², silent"),
    "length": ("seconds of the clip", "whole passes; curves per frame"),
}
"""Title of the axis, and a remark, by what grows."""

COLOURS = ("#1f5fbf", "#98a2ad", "#bf4116", "#2c7a4b")
INK, MUTED, GRID = "#1b222b", "#66707c", "#e4e8ec"

_WIDTH, _HEIGHT, _LEFT, _TOP, _RIGHT, _BOTTOM = 400, 300, 52, 44, 14, 40
_LINE = 15

Point = tuple[float, float]


def picture(found: Findings) -> str:
    """The curves of a result as SVG.

    Raises:
        StudioError: if it has none.
    """
    panels = [panel for panel in PANELS if any(curve.panel == panel for curve in found.curves)]
    if not panels:
        raise StudioError("There is nothing to draw: the result has no curves; measure with --parts scaling.")
    across = min(2, len(panels))
    rows = -(-len(panels) // across)
    width, height = across * _WIDTH, rows * _HEIGHT + 24
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'font-family="Inter, Helvetica, Arial, sans-serif" font-size="11">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    for number, name in enumerate(panels):
        x, y = number % across * _WIDTH, number // across * _HEIGHT
        curves = [curve for curve in found.curves if curve.panel == name]
        parts += [f'<g transform="translate({x} {y})">', *_panel(name, curves), "</g>"]
    facts = found.facts
    foot = f"{facts.get('avatar', '')}, {facts.get('gaussians', 0):,} Gaussians; {facts.get('machine', '')}"
    parts.append(f'<text x="{_LEFT}" y="{height - 9}" font-size="10" fill="{MUTED}">{html.escape(foot)}</text>')
    return "\n".join([*parts, "</svg>"])


def _panel(name: str, curves: Sequence[Curve]) -> list[str]:
    title, remark = PANELS[name]
    xs = _span([value for curve in curves for value in curve.x])
    ys = _span([value for curve in curves for value in curve.y])
    right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM

    def across(value: float) -> float:
        return _LEFT + (math.log10(value) - xs[0]) / (xs[1] - xs[0]) * (right - _LEFT)

    def up(value: float) -> float:
        return bottom - (math.log10(value) - ys[0]) / (ys[1] - ys[0]) * (bottom - _TOP)

    parts = [
        f'<text x="{_LEFT}" y="18" font-size="13" fill="{INK}">Cost over {html.escape(title)}</text>',
        f'<text x="{_LEFT}" y="33" fill="{MUTED}">{html.escape(remark)}</text>',
    ]
    for value in ticks(*ys):
        y = up(value)
        parts.append(f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}" stroke="{GRID}"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end" fill="{MUTED}">{_told(value)}</text>')
    for value in ticks(*xs):
        x = across(value)
        parts.append(f'<line x1="{x:.1f}" y1="{_TOP}" x2="{x:.1f}" y2="{bottom}" stroke="{GRID}"/>')
        words = f'<text x="{x:.1f}" y="{bottom + 15}" text-anchor="middle" fill="{MUTED}">'
        parts.append(f"{words}{_told(value)}</text>")
    parts.append(f'<text x="{_LEFT - 6}" y="33" text-anchor="end" fill="{MUTED}">ms</text>')
    parts.append(f'<text x="{right}" y="{bottom + 30}" text-anchor="end" fill="{MUTED}">{html.escape(title)}</text>')
    lines = [[(across(x), up(y)) for x, y in zip(curve.x, curve.y, strict=True) if x > 0 and y > 0] for curve in curves]
    for line, colour in zip(lines, COLOURS, strict=False):
        parts += _drawn(line, colour)
    return parts + _legend(curves, lines, right, bottom)


def _drawn(line: Sequence[Point], colour: str) -> list[str]:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in line)
    parts = [f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.8"/>']
    return parts + [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.8" fill="{colour}"/>' for x, y in line]


def _legend(curves: Sequence[Curve], lines: Sequence[Sequence[Point]], right: float, bottom: float) -> list[str]:
    """Names and exponents, where they hide least."""
    told = []
    for curve in curves:
        found = curve.exponent
        told.append(curve.name if found is None else f"{curve.name}: x^{found.value:.2f} ± {found.error:.2f}")
    wide, tall = 6.0 * max(len(words) for words in told) + 24, _LINE * len(told) + 6.0
    corners = [
        (x, y)
        for y in (bottom - tall - 4, _TOP + 2.0, *(_TOP + share * (bottom - tall - _TOP) for share in (0.5, 0.3, 0.7)))
        for x in (right - wide - 2, _LEFT + 4.0)
    ]
    left, top = min(corners, key=lambda corner: _hidden(lines, corner, wide, tall))
    parts = [
        f'<rect x="{left:.0f}" y="{top:.0f}" width="{wide:.0f}" height="{tall:.0f}" fill="#ffffff" '
        'fill-opacity="0.85" rx="3"/>'
    ]
    for number, (words, colour) in enumerate(zip(told, COLOURS, strict=False)):
        y = top + 14 + _LINE * number
        parts.append(f'<circle cx="{left + 9:.0f}" cy="{y - 4:.0f}" r="3.2" fill="{colour}"/>')
        parts.append(f'<text x="{left + 17:.0f}" y="{y:.0f}" fill="{INK}">{html.escape(words)}</text>')
    return parts


def _hidden(lines: Sequence[Sequence[Point]], corner: Point, wide: float, tall: float) -> int:
    """How much of the lines lies under a rectangle with that upper left corner, in twentieths of their pieces."""
    (left, top), found = corner, 0
    for line in lines:
        for (x0, y0), (x1, y1) in itertools.pairwise(line):
            for part in range(21):
                x, y = x0 + (x1 - x0) * part / 20, y0 + (y1 - y0) * part / 20
                found += left <= x <= left + wide and top <= y <= top + tall
    return found


def _span(values: Sequence[float]) -> tuple[float, float]:
    """Logarithms of the ends of an axis, with a little room."""
    logs = [math.log10(value) for value in values if value > 0] or [0.0]
    low, high = min(logs), max(logs)
    room = max(0.05 * (high - low), 0.05)
    return low - room, high + room


def ticks(low: float, high: float) -> list[float]:
    """Round values between two powers of ten; few where there are many decades, more where there is less than one."""
    span = high - low
    steps = (1,) if span > 3 else (1, 3) if span > 2 else (1, 2, 5) if span > 0.7 else (1, 1.5, 2, 3, 4, 6, 8)
    found = [step * 10.0**power for power in range(math.floor(low), math.ceil(high) + 1) for step in steps]
    return [value for value in found if low <= math.log10(value) <= high]


def _told(value: float) -> str:
    if value >= 1e6:
        return f"{value / 1e6:g}M"
    return f"{value / 1e3:g}k" if value >= 1e3 else f"{value:g}"
