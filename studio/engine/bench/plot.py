"""How the cost grows, as one picture: a panel for each thing that grows, both axes logarithmic, exponents beside."""

from __future__ import annotations

import html
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
    parts.append(f'<text x="{_LEFT - 6}" y="{_TOP - 6}" text-anchor="end" fill="{MUTED}">ms</text>')
    parts.append(f'<text x="{right}" y="{bottom + 30}" text-anchor="end" fill="{MUTED}">{html.escape(title)}</text>')
    for number, curve in enumerate(curves):
        parts += _drawn(curve, COLOURS[number % len(COLOURS)], across, up)
    return parts + _legend(curves, right, bottom)


def _drawn(curve: Curve, colour: str, across, up) -> list[str]:  # type: ignore[no-untyped-def]
    points = [(across(x), up(y)) for x, y in zip(curve.x, curve.y, strict=True) if x > 0 and y > 0]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    parts = [f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.8"/>']
    return parts + [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.8" fill="{colour}"/>' for x, y in points]


def _legend(curves: Sequence[Curve], right: float, bottom: float) -> list[str]:
    """Names and exponents in the lower right corner, where rising curves leave room."""
    lines = []
    for curve in curves:
        found = curve.exponent
        lines.append(curve.name if found is None else f"{curve.name}: x^{found.value:.2f} ± {found.error:.2f}")
    wide = 6.0 * max(len(line) for line in lines) + 26
    top = bottom - _LINE * len(lines) - 10
    parts = [
        f'<rect x="{right - wide:.0f}" y="{top}" width="{wide - 4:.0f}" height="{_LINE * len(lines) + 6}" '
        'fill="#ffffff" fill-opacity="0.85" rx="3"/>'
    ]
    for number, line in enumerate(lines):
        y = top + 14 + _LINE * number
        colour = COLOURS[number % len(COLOURS)]
        parts.append(f'<circle cx="{right - wide + 10:.0f}" cy="{y - 4}" r="3.2" fill="{colour}"/>')
        parts.append(f'<text x="{right - wide + 18:.0f}" y="{y}" fill="{INK}">{html.escape(line)}</text>')
    return parts


def _span(values: Sequence[float]) -> tuple[float, float]:
    """Logarithms of the ends of an axis, with a little room."""
    logs = [math.log10(value) for value in values if value > 0] or [0.0]
    low, high = min(logs), max(logs)
    room = max(0.05 * (high - low), 0.05)
    return low - room, high + room


def ticks(low: float, high: float) -> list[float]:
    """Round values between two powers of ten; few where there are many decades, 2 and 5 as well where there are few."""
    steps = (1,) if high - low > 3 else (1, 3) if high - low > 2 else (1, 2, 5)
    found = [step * 10.0**power for power in range(math.floor(low), math.ceil(high) + 1) for step in steps]
    return [value for value in found if low <= math.log10(value) <= high]


def _told(value: float) -> str:
    if value >= 1e6:
        return f"{value / 1e6:g}M"
    return f"{value / 1e3:g}k" if value >= 1e3 else f"{value:g}"
