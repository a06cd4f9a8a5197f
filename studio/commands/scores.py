"""The figures of `emozone evaluate` for people."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from studio.engine.measures.goals import FIGURES, OF_THE_HEAD, Figure

WIDTH = 100
"""Columns that sentences are wrapped to."""


def scores_table(found: Mapping[str, Any]) -> list[str]:
    """Rows of text: figures by driver of the mouth, then conflicts, noise, views and action units where measured.

    Args:
        found: what `studio.engine.evaluate.evaluate` returns.
    """
    drivers = {found["speech"]: found} | ({"truth": found["truth"]} if found.get("truth") else {})
    rows = [f"{'speech from':<26}" + "".join(f"{name:>12}" for name in drivers)]
    for figure in FIGURES:
        told = [figure.text(driver) for driver in drivers.values()]
        if any(figure.value(driver) is not None for driver in drivers.values()):
            rows.append(_row(figure, told, figure.value(found)))
    for group in ("conflict_per_kind", "emotion_per_kind"):
        for kind in found.get(group) or {}:
            values = [(driver[group] or {}).get(kind) for driver in drivers.values()]
            name = f"  {group.partition('_')[0]}: {kind.replace('_', ' ')}"
            rows.append(f"{name:<26}" + "".join(f"{_number(value):>12}" for value in values))
    head = [
        _row(figure, [figure.text(found)], figure.value(found))
        for figure in OF_THE_HEAD
        if figure.value(found) is not None
    ]
    return rows + (["", *head] if head else []) + _views(found) + _units(found) + _missing(found)


def _row(figure: Figure, told: list[str], value: float | None) -> str:
    """A figure, its values and its aim with a sign of whether it is reached."""
    words = f"{figure.title:<26}" + "".join(f"{one:>12}" for one in told) + f" {figure.unit:<3}"
    if figure.reached is None or value is None:
        return words.rstrip()
    return f"{words} aim: {figure.goal}, {'reached' if figure.reached(value) else 'missed'}"


def _views(found: Mapping[str, Any]) -> list[str]:
    if not found.get("views"):
        return []
    columns = {"psnr_db": "PSNR dB", "drop_db": "drop dB", "head_psnr_db": "head dB", "mouth_psnr_db": "mouth dB"}
    rows = ["", f"{'turned away by':<18}{'pictures':>10}" + "".join(f"{title:>10}" for title in columns.values())]
    for angle, view in found["views"].items():
        told = "".join(f"{_number(view[key]):>10}" for key in columns)
        rows.append(f"{angle + '°':<18}{view['pictures']:>10}" + told)
    return rows


def _units(found: Mapping[str, Any]) -> list[str]:
    if not found.get("per_au"):
        return []
    rows = ["", f"{'unit':<8}{'1':>8}{'2':>8}{'3':>8}{'4':>8}{'5':>8}   {'rises':<7}{'bend':>8}{'leakage':>9}"]
    for key, unit in found["per_au"].items():
        levels = "".join(f"{_percent(value):>8}" for value in unit["response"][2::2])
        rises = "yes" if unit["monotonic"] else "no"
        rows.append(f"{key:<8}{levels}   {rises:<7}{_percent(unit['nonlinearity']):>8}{_percent(unit['leakage']):>9}")
    rows.append("(share of the true displacement at level E that each intensity yields, alone and held)")
    return rows


def _missing(found: Mapping[str, Any]) -> list[str]:
    """Why figures are missing: one sentence each, with the figures that it holds for."""
    reasons: dict[str, list[str]] = {}
    for name, reason in (found.get("not_measured") or {}).items():
        reasons.setdefault(reason, []).append(name)
    rows = [f"not measured: {', '.join(names)}. {reason}" for reason, names in reasons.items()]
    return ["", *(line for row in rows for line in textwrap.wrap(row, WIDTH, subsequent_indent="  "))] if rows else []


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"
