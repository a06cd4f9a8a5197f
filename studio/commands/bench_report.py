"""The figures of `emozone bench` for people: tables of what was measured, and of what has changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from studio.engine.bench.compare import Comparison
from studio.engine.bench.figures import Figure, Findings, noise_remark

NOT_LISTED = ("frame.", "yardstick_ms")
"""Figures that have a table of their own, or none."""


def bench_table(found: Findings) -> list[str]:
    """Lines that tell what was measured."""
    facts = found.facts
    rows = [f"{facts.get('avatar', '?')}, {facts.get('gaussians', 0):,} Gaussians, on {facts.get('machine', '?')}"]
    if facts.get("results"):
        rows += ["", *frame_rows(facts["results"])]
    listed = [figure for figure in found.figures if not figure.name.startswith(NOT_LISTED)]
    if listed:
        width = max(len(figure.title) for figure in listed)
        rows += ["", *(_line(figure, width) for figure in listed)]
    rows += _frame_aims(found.figures)
    peak = facts.get("peak_rss_mb")
    if peak is not None:
        rows += ["", f"this process held {peak:.0f} MB at most"]
    remarks = list(found.remarks)
    noisy = noise_remark(found.figures)
    if noisy:
        remarks.append(noisy)
    if "latency_ms" in facts and facts.get("latency_path") == "engine":
        remarks.append("Latency is that of the engine alone: there is no screen here.")
    return rows + ([""] if remarks else []) + remarks


def frame_rows(results: Sequence[dict[str, Any]]) -> list[str]:
    """A line per backend and size."""
    rows = ["backend   size    deform  static raster  whole frame       p95     fps  whole / static"]
    for one in results:
        ratio = f"{one['ratio']:>5.2f}×" if one.get("ratio") is not None else "     –"
        rows.append(
            f"{one['backend']:<9} {one['size_px']:>4}² {one['deform_ms']:>6.1f} ms {one['raster_ms']:>11.1f} ms "
            f"{one['frame_ms']:>9.1f} ms {one['frame_p95_ms']:>6.1f} ms {one['fps']:>7.1f} {ratio:>15}"
        )
    return rows


def compare_table(found: Comparison) -> list[str]:
    """Lines that tell what has changed; what is more than noise is marked."""
    width = max(len(change.new.title) for change in found.changes)
    unit = max(len(change.new.unit) for change in found.changes)
    head = "ratio at equal pace" if found.pace is not None else "ratio"
    rows = [f"{'':<{width}}  {'old':>9}  {'new':>9}  {'':<{unit}}  {head}"]
    for change in found.changes:
        ratio = "–" if change.ratio is None else f"{change.ratio:.2f}×"
        mark = {"better": "  better", "worse": "  WORSE", "": ""}[change.verdict]
        noise = f"(±{100 * change.noise:.0f} %)" if change.ratio is not None else ""
        rows.append(
            f"{change.new.title:<{width}}  {_told(change.old.value):>9}  {_told(change.new.value):>9}  "
            f"{change.new.unit:<{unit}}  {ratio:>6} {noise:<8}{mark}".rstrip()
        )
    meant = sum(change.verdict != "" for change in found.changes)
    rows += ["", f"{meant} of {len(found.changes)} figures differ by more than the noise of their runs."]
    if found.lacking:
        rows.append(f"Only in one of them: {'; '.join(found.lacking)}.")
    return rows + list(found.remarks)


def _line(figure: Figure, width: int) -> str:
    spread = "" if figure.spread is None else f"±{100 * figure.spread:.0f} %"
    return f"{figure.title:<{width}}  {_told(figure.value):>9} {figure.unit:<11} {spread:<7} {_aim(figure)}".rstrip()


def _frame_aims(figures: Sequence[Figure]) -> list[str]:
    aimed = [figure for figure in figures if figure.name.startswith("frame.") and figure.aim is not None]
    if not aimed:
        return []
    width = max(len(figure.title) for figure in aimed)
    return ["", *(_line(figure, width) for figure in aimed)]


def _aim(figure: Figure) -> str:
    if figure.aim is None:
        return ""
    side = "at most" if figure.better == "lower" else "at least"
    return f"aim: {side} {figure.aim:g}, {'reached' if figure.reached else 'NOT reached'}"


def _told(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"
