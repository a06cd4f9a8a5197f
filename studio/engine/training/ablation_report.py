"""The ablation for people: a table in Markdown and bars in SVG."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from studio.engine.training.ablation import FIGURES

SHARES = ("noise_removed", "noise_peak", "response_e", "leakage")
"""Figures that are told in percent."""

PANELS: tuple[tuple[str, str], ...] = (
    ("conflict_aue_u", "AUE-U, conflict (lower is better)"),
    ("conflict_aue_l", "AUE-L, conflict (lower is better)"),
    ("conflict_error", "conflict error (lower is better)"),
    ("noise_removed", "jitter removed (higher is better)"),
)
"""What the figure shows."""

_WIDTH, _HEIGHT, _LEFT, _TOP, _BAR = 230, 190, 40, 34, 22


def write_report(found: Mapping[str, Any], folder: Path) -> None:
    """Write ablation.json, ablation.md and ablation.svg into `folder`."""
    texts = {"json": json.dumps(found, indent=1) + "\n", "md": markdown(found) + "\n", "svg": picture(found) + "\n"}
    for suffix, text in texts.items():
        part = folder / f"ablation.{suffix}.part"
        part.write_text(text, encoding="utf-8")
        part.replace(folder / f"ablation.{suffix}")


def markdown(found: Mapping[str, Any]) -> str:
    """Rows are figures, columns configurations: mean over seeds, and half the spread where there are several."""
    table = found["table"]
    rows = ["| | " + " | ".join(table) + " |", "| --- |" + " --- |" * len(table)]
    for key, title, (kind, *_) in FIGURES:
        cells = [_cell(row.get(key), share=key in SHARES) for row in table.values()]
        if any(cell != "–" for cell in cells):
            where = "" if kind in title else f" ({kind})"
            rows.append(f"| {title}{where} | " + " | ".join(cells) + " |")
    for zone in ("upper", "synergy", "mouth"):
        for name, title in (("au6", "AU6"), ("au12", "AU12"), ("au6_au12", "AU6 + AU12")):
            cells = [_cell(row.get(f"{name}_{zone}"), share=True) for row in table.values()]
            if any(cell != "–" for cell in cells):
                rows.append(f"| {title}, error in the {zone} zone | " + " | ".join(cells) + " |")
    rows += ["", *gates(table)]
    return "\n".join(rows)


def gates(table: Mapping[str, Any]) -> list[str]:
    """One line per effect that the paper claims: by how much, where both sides were run."""
    lines = []
    for before, after in (("B", "C"), ("D", "full")):
        low, high = (_mean(table.get(name), "conflict_aue_u") for name in (after, before))
        if low is not None and high:
            lines.append(f"- SZ-PAB, {before} → {after}: AUE-U in conflict changes by {100 * (low / high - 1):+.0f} %")
    for before, after in (("B", "D"), ("C", "full")):
        without, with_ = (_mean(table.get(name), "noise_removed") for name in (before, after))
        if without is not None and with_ is not None:
            lines.append(f"- CIT-AE, {before} → {after}: jitter removed {100 * without:.0f} % → {100 * with_:.0f} %")
    return lines


def picture(found: Mapping[str, Any]) -> str:
    """Bars of the means, with a line from the lowest to the highest seed, as SVG."""
    table = found["table"]
    width, height = 2 * _WIDTH + 20, 2 * _HEIGHT + 10
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'font-family="sans-serif" font-size="10">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    for number, (key, title) in enumerate(PANELS):
        x, y = (number % 2) * (_WIDTH + 20), (number // 2) * (_HEIGHT + 10)
        parts += [f'<g transform="translate({x} {y})">', *_panel(table, key, title), "</g>"]
    return "\n".join([*parts, "</svg>"])


def _panel(table: Mapping[str, Any], key: str, title: str) -> list[str]:
    base = _HEIGHT - 24
    parts = [f'<text x="4" y="16" font-size="11" fill="#222">{html.escape(title)}</text>']
    known = {name: row[key] for name, row in table.items() if row.get(key)}
    top = max((max(0.0, value["high"]) for value in known.values()), default=0.0) or 1.0

    def at(value: float) -> float:
        return base - max(0.0, value) / top * (base - _TOP)

    parts.append(f'<line x1="{_LEFT - 6}" y1="{base}" x2="{_WIDTH}" y2="{base}" stroke="#888"/>')
    for tick in (0.5, 1.0):
        y = at(tick * top)
        parts.append(f'<line x1="{_LEFT - 6}" y1="{y:.1f}" x2="{_WIDTH}" y2="{y:.1f}" stroke="#e4e4e4"/>')
        parts.append(f'<text x="{_LEFT - 10}" y="{y + 3:.1f}" text-anchor="end" fill="#666">{tick * top:.3g}</text>')
    for place, name in enumerate(table):
        x = _LEFT + place * (_BAR + 9)
        parts.append(f'<text x="{x + _BAR / 2}" y="{base + 14}" text-anchor="middle" fill="#222">{name}</text>')
        if name not in known:
            continue
        mean, low, high = (known[name][which] for which in ("mean", "low", "high"))
        colour = "#2a6f97" if name == "full" else "#a9bccb"
        middle = x + _BAR / 2
        parts.append(
            f'<rect x="{x}" y="{at(mean):.1f}" width="{_BAR}" height="{base - at(mean):.1f}" fill="{colour}"/>'
        )
        parts.append(f'<line x1="{middle}" y1="{at(low):.1f}" x2="{middle}" y2="{at(high):.1f}" stroke="#222"/>')
    return parts


def _cell(value: Mapping[str, float] | None, *, share: bool) -> str:
    if value is None:
        return "–"
    mean, half, unit = value["mean"], (value["high"] - value["low"]) / 2, ""
    if share:
        mean, half, unit = 100 * mean, 100 * half, " %"
    digits = 1 if share or mean >= 10 else 2 if mean >= 1 else 3
    spread = f" ± {half:.{digits}f}" if half > 0 else ""
    return f"{mean:.{digits}f}{spread}{unit}"


def _mean(row: Mapping[str, Any] | None, key: str) -> float | None:
    value = None if row is None else row.get(key)
    return None if value is None else float(value["mean"])
