"""What a measurement found: figures with the spread of their runs, curves with their exponents, and their file.

A figure's value is a median or a percentile over everything that was measured; its runs are the same statistic of each
run alone and say how far to trust it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from studio.errors import StudioError

FORMAT, VERSION = "emozone-bench", 2

NOISY = 0.15
"""Runs that lie further than this share from their median tell of a machine that did something else as well."""

LEAST_RUNS = 3
"""Fewer runs say nothing about their spread."""

Better = Literal["lower", "higher"]

PACED = frozenset({"ms", "s", "min", "fps", "/s", "× real time"})
"""Units that follow the pace of the machine; others (ratios, shares, memory) do not."""


@dataclass(frozen=True)
class Figure:
    """One number, how it scattered, and what it should be."""

    name: str  # stable, for comparing: frame.cpu.512.frame_ms
    title: str  # for people
    unit: str
    value: float
    runs: tuple[float, ...] = ()
    better: Better = "lower"
    aim: float | None = None  # on two cores, with the shipped avatar

    @classmethod
    def of(
        cls,
        name: str,
        title: str,
        unit: str,
        runs: Sequence[float],
        *,
        better: Better = "lower",
        aim: float | None = None,
    ) -> Figure:
        """The median of `runs`."""
        kept = tuple(float(run) for run in runs)
        return cls(name, title, unit, float(np.median(kept)), kept, better, aim)

    @property
    def spread(self) -> float | None:
        """Half the range of the runs as a share of the value; None where too few runs tell."""
        if len(self.runs) < LEAST_RUNS or not self.value:
            return None
        return (max(self.runs) - min(self.runs)) / 2 / abs(self.value)

    @property
    def reached(self) -> bool | None:
        """Whether the aim is met; None without one."""
        if self.aim is None:
            return None
        return self.value <= self.aim if self.better == "lower" else self.value >= self.aim

    @property
    def paced(self) -> bool:
        """Whether a slower moment of the machine makes it worse."""
        return self.unit in PACED

    def to_json(self) -> dict[str, Any]:
        """For a file."""
        told: dict[str, Any] = {"title": self.title, "unit": self.unit, "value": rounded(self.value)}
        told |= {"runs": [rounded(run) for run in self.runs], "better": self.better}
        return told | ({} if self.aim is None else {"aim": self.aim, "reached": self.reached})

    @classmethod
    def from_json(cls, name: str, told: Mapping[str, Any]) -> Figure:
        """Of a file. Raises KeyError, TypeError or ValueError when it is none."""
        better: Better = "higher" if told["better"] == "higher" else "lower"
        aim = told.get("aim")
        runs = tuple(_number(run) for run in told["runs"])
        return cls(
            name, str(told["title"]), str(told["unit"]), _number(told["value"]), runs, better,
            None if aim is None else _number(aim),
        )  # fmt: skip


@dataclass(frozen=True)
class Exponent:
    """y grows as x to the power of `value`."""

    value: float
    error: float  # standard error of the straight line through the logarithms


@dataclass(frozen=True)
class Curve:
    """How a cost grows with something."""

    panel: str  # what grows: gaussians, pixels, units, length
    name: str  # what it costs
    unit: str
    x: tuple[float, ...]
    y: tuple[float, ...]

    @property
    def exponent(self) -> Exponent | None:
        """Over the whole range; None for fewer than three points above 0."""
        return fitted(self.x, self.y)

    def to_json(self) -> dict[str, Any]:
        """For a file."""
        found = self.exponent
        return {
            "panel": self.panel,
            "name": self.name,
            "unit": self.unit,
            "x": [rounded(value) for value in self.x],
            "y": [rounded(value) for value in self.y],
            "exponent": None if found is None else round(found.value, 3),
            "exponent_error": None if found is None else round(found.error, 3),
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Curve:
        """Of a file. Raises KeyError, TypeError or ValueError when it is none."""
        x, y = (tuple(_number(value) for value in told[axis]) for axis in ("x", "y"))
        if len(x) != len(y):
            raise ValueError(f"a curve has {len(x)} places and {len(y)} values")
        return cls(str(told["panel"]), str(told["name"]), str(told["unit"]), x, y)


def fitted(x: Sequence[float], y: Sequence[float]) -> Exponent | None:
    """The exponent of y = c·x^e by least squares on the logarithms; None for fewer than three points above 0."""
    points = [(math.log(a), math.log(b)) for a, b in zip(x, y, strict=True) if a > 0 and b > 0]
    if len({a for a, _ in points}) < 3:
        return None
    across, up = np.array(points).T
    centred = across - across.mean()
    slope = float(centred @ up / (centred @ centred))
    rest = up - up.mean() - slope * centred
    return Exponent(slope, float(np.sqrt(rest @ rest / max(1, len(points) - 2) / (centred @ centred))))


@dataclass
class Findings:
    """What one part, or several, found."""

    facts: dict[str, Any] = field(default_factory=dict)  # the keys of the JSON object that scripts read
    figures: list[Figure] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)  # sentences

    def add(self, other: Findings) -> None:
        """Another part's findings; what both have measured is taken from the later one."""
        new = {figure.name for figure in other.figures}
        drawn = {(curve.panel, curve.name) for curve in other.curves}
        self.facts |= other.facts
        self.figures = [figure for figure in self.figures if figure.name not in new] + other.figures
        self.curves = [curve for curve in self.curves if (curve.panel, curve.name) not in drawn] + other.curves
        self.remarks += [remark for remark in other.remarks if remark not in self.remarks]

    def figure(self, name: str) -> Figure | None:
        """A figure by its name."""
        return next((figure for figure in self.figures if figure.name == name), None)

    def to_json(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return {
            "format": FORMAT,
            "version": VERSION,
            **self.facts,
            "figures": {figure.name: figure.to_json() for figure in self.figures},
            "curves": [curve.to_json() for curve in self.curves],
            "remarks": self.remarks,
        }


def noise(figures: Sequence[Figure]) -> float:
    """The median spread of the figures that follow the machine's pace; 0 where none tells."""
    spreads = [figure.spread for figure in figures if figure.paced and figure.spread is not None]
    return float(np.median(spreads)) if spreads else 0.0


def noise_remark(figures: Sequence[Figure]) -> str | None:
    """An honest sentence about a machine that was not quiet; None when it was."""
    found = noise(figures)
    if found <= NOISY:
        return None
    return (
        f"The machine was noisy: runs of one figure lie ±{100 * found:.0f} % around their median. "
        "Compare ratios rather than times, or measure again when nothing else runs."
    )


def read_findings(path: Path) -> Findings:
    """What `emozone bench --json` wrote, of this version or the first.

    Raises:
        StudioError: if the file cannot be read, is no such result, or is of a newer version.
    """
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise StudioError(
            f"{path} cannot be read ({error.strerror}); give a file that emozone bench --json wrote."
        ) from error
    except (ValueError, RecursionError) as error:
        raise StudioError(f"{path} holds no JSON; give a file that emozone bench --json wrote.") from error
    if not isinstance(told, dict) or ("results" not in told and told.get("format") != FORMAT):
        raise StudioError(f"{path} is no result of emozone bench; give a file that emozone bench --json wrote.")
    version = told.get("version", 1)
    if version not in (1, VERSION):
        raise StudioError(f"{path} has version {version!r}, this program reads up to {VERSION}; update the program.")
    try:
        return _first(told) if version == 1 else _second(told)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StudioError(f"{path} is damaged ({type(error).__name__}: {error}); measure again.") from error


def _second(told: Mapping[str, Any]) -> Findings:
    own = {"format", "version", "figures", "curves", "remarks"}
    return Findings(
        {key: value for key, value in told.items() if key not in own},
        [Figure.from_json(name, one) for name, one in told["figures"].items()],
        [Curve.from_json(one) for one in told["curves"]],
        [str(remark) for remark in told["remarks"]],
    )


def _first(told: Mapping[str, Any]) -> Findings:
    """The first version had single figures and neither runs, curves nor a yardstick."""
    found = Findings(dict(told))
    for one in told["results"]:
        found.figures += frame_figures(one)
    latency, startup = told.get("latency_ms") or {}, told.get("startup_s") or {}
    for name, title, unit, value in (
        ("latency.p50_ms", "slider to pixels, median", "ms", latency.get("p50")),
        ("latency.p95_ms", "slider to pixels, 95th percentile", "ms", latency.get("p95")),
        ("startup.window_s", "window visible, warm", "s", startup.get("window")),
        ("startup.first_frame_s", "first avatar frame, warm", "s", startup.get("first_frame")),
    ):
        if value is not None:
            found.figures.append(Figure(name, title, unit, _number(value)))
    if told.get("export_fps") is not None:
        found.figures.append(Figure("export.fps", "export", "fps", float(told["export_fps"]), better="higher"))
    found.remarks.append("The older result is of the first version: it has no spread, no yardstick and no curves.")
    return found


def frame_figures(row: Mapping[str, Any], runs: Mapping[str, Sequence[float]] | None = None) -> list[Figure]:
    """The figures of one row of `results`, with runs by the row's keys."""
    backend, size = row["backend"], row["size_px"]
    where, told = f"{backend} {size}²", runs or {}
    aims = {(512, "fps"): 30.0, (256, "fps"): 60.0, (512, "ratio"): 2.0, (256, "ratio"): 2.0}
    rows: tuple[tuple[str, str, str, Better], ...] = (
        ("deform_ms", "deform", "ms", "lower"),
        ("raster_ms", "raster, static", "ms", "lower"),
        ("frame_ms", "whole frame", "ms", "lower"),
        ("frame_p95_ms", "whole frame, 95th percentile", "ms", "lower"),
        ("fps", "whole frames", "fps", "higher"),
        ("ratio", "whole frame / static raster", "×", "lower"),
    )
    return [
        Figure(
            f"frame.{backend}.{size}.{key}", f"{where} {title}", unit, float(row[key]), tuple(told.get(key, ())),
            better, aims.get((size, key)) if backend == "cpu" else None,
        )
        for key, title, unit, better in rows
        if row.get(key) is not None
    ]  # fmt: skip


def rounded(value: float) -> float:
    """Four digits: no clock of a busy machine tells more."""
    return float(f"{value:.4g}")


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"{value!r} is no number")
    return float(value)
