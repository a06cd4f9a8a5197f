"""The figures of `emozone evaluate` for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NAMES: tuple[tuple[str, str], ...] = (
    ("psnr_db", "picture, PSNR dB"),
    ("ssim", "picture, SSIM"),
    ("head_psnr_db", "head, PSNR dB"),
    ("mouth_psnr_db", "mouth, PSNR dB"),
    ("motion_error", "motion, relative error"),
    ("motion_error_mm", "motion, error mm"),
    ("aue_u", "AUE-U"),
    ("aue_l", "AUE-L"),
    ("au_jerk", "AU-Jerk"),
    ("au_jerk_truth", "AU-Jerk of the truth"),
    ("conflict_error", "conflict, relative error"),
)
"""What is told of every driver of the mouth, in this order."""


def scores_table(found: Mapping[str, Any]) -> list[str]:
    """Rows of text: figures by driver of the mouth, then conflicts, noise, views and action units where measured.

    Args:
        found: what `studio.engine.evaluate.evaluate` returns.
    """
    drivers = {found["speech"]: found} | ({"truth": found["truth"]} if found.get("truth") else {})
    rows = [f"{'speech from':<26}" + "".join(f"{name:>12}" for name in drivers)]
    for key, title in NAMES:
        values = [driver.get(key) for driver in drivers.values()]
        if any(value is not None for value in values):
            rows.append(f"{title:<26}" + "".join(f"{_number(value):>12}" for value in values))
    for kind in found.get("conflict_per_kind") or {}:
        values = [driver["conflict_per_kind"][kind] for driver in drivers.values()]
        rows.append(f"{'  ' + kind.replace('_', ' '):<26}" + "".join(f"{_number(value):>12}" for value in values))
    noise = found.get("noise")
    if noise is not None:
        rows += ["", f"jitter taken away {_percent(noise['removed'])}, peaks kept at {_percent(noise['peak'])}"]
    if found.get("views"):
        rows += ["", f"{'turned away by':<18}{'pictures':>10}{'PSNR dB':>10}{'head dB':>10}{'mouth dB':>10}"]
        for angle, view in found["views"].items():
            told = (view[key] for key in ("psnr_db", "head_psnr_db", "mouth_psnr_db"))
            rows.append(f"{angle + '°':<18}{view['pictures']:>10}" + "".join(f"{_number(value):>10}" for value in told))
    if found.get("per_au"):
        rows += ["", f"{'unit':<8}{'1':>8}{'2':>8}{'3':>8}{'4':>8}{'5':>8}   {'rises':<7}{'bend':>8}{'leakage':>9}"]
        for key, unit in found["per_au"].items():
            levels = "".join(f"{_percent(value):>8}" for value in unit["response"][2::2])
            rises = "yes" if unit["monotonic"] else "no"
            rows.append(
                f"{key:<8}{levels}   {rises:<7}{_percent(unit['nonlinearity']):>8}{_percent(unit['leakage']):>9}"
            )
        rows.append("(share of the true displacement at level E that each intensity yields, alone and held)")
    return rows


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"
