"""How the cost grows: with Gaussians, pixels, action units and the length of the clip."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

import numpy as np

from studio.document.action_units import AU_KEYS
from studio.document.curves import Curve as Keys
from studio.document.lanes import Lane
from studio.document.performance import Performance
from studio.engine.bench.crowds import crowd
from studio.engine.bench.figures import Curve, Figure, Findings
from studio.engine.bench.frames import BusyScene, Lap, Setting, measure_laps
from studio.engine.bench.work import encode_s, hum, spoken
from studio.engine.export import export_clip
from studio.engine.renderer import Renderer
from studio.engine.scene import Scene

COUNTS = (5_000, 10_000, 20_000, 50_000, 100_000, 200_000)
COUNT_PX = 512
LARGE = (200_000, 1024)
"""Gaussians and size that must stay usable."""

SIZES_PX = (256, 512, 1024, 2048)
UNITS = (1, 2, 4, 8, 17)
UNITS_PX = 256
CLIP_FRAMES = (15, 30, 60, 120)
CLIP_PX = 128
SPEECH_S = (5.0, 10.0, 20.0, 40.0, 80.0)
CURVE_S = (10.0, 60.0, 300.0, 1800.0)
KEYS_PER_S, LANES = 0.7, 16
"""A busy performance: with half an hour 20,000 keys."""

RUNS = 3
"""Of whole passes, at most; fewer where fewer are asked for."""

LAP_S = 1.2
"""For each point of a curve."""


def measure_gaussians(setting: Setting, counts: Sequence[int] = COUNTS) -> Findings:
    """Whole frame, deformation and static raster over the number of Gaussians, with the fastest backend."""
    laps = [Lap(Renderer(crowd(setting.avatar, count), backend=setting.backend), COUNT_PX) for count in counts]
    large = None
    if counts and max(counts) >= LARGE[0]:
        large = Lap(laps[-1].renderer, LARGE[1])
    measure_laps([*laps, *([large] if large is not None else [])], setting, "more Gaussians", LAP_S)
    found = _lap_curves("gaussians", counts, laps)
    if large is not None:
        row, runs = large.row(), large.per_run()
        name = f"{LARGE[0] // 1000}k Gaussians at {LARGE[1]}²"
        found.figures.append(
            Figure("gaussians.large_ms", f"{name}, whole frame", "ms", row["frame_ms"], tuple(runs["frame_ms"]))
        )
    return found


def measure_pixels(setting: Setting, sizes_px: Sequence[int] = SIZES_PX) -> Findings:
    """The same over the number of pixels."""
    renderer = Renderer(setting.avatar, backend=setting.backend)
    laps = [Lap(renderer, size) for size in sizes_px]
    measure_laps(laps, setting, "more pixels", LAP_S)
    return _lap_curves("pixels", [size * size for size in sizes_px], laps)


def measure_units(setting: Setting, units: Sequence[int] = UNITS) -> Findings:
    """The same over the number of action units that act, in a silent face that looks straight ahead."""
    renderer = Renderer(setting.avatar, backend=setting.backend)
    laps = [Lap(renderer, UNITS_PX, BusyScene(n, speaks=False)) for n in units]
    measure_laps(laps, setting, "more action units", LAP_S)
    return _lap_curves("units", units, laps)


def measure_length(
    setting: Setting,
    frames: Sequence[int] = CLIP_FRAMES,
    speech_s: Sequence[float] = SPEECH_S,
    curve_s: Sequence[float] = CURVE_S,
) -> Findings:
    """Export, speech and curves over the length of the clip, seconds."""
    found = Findings()
    renderer = Renderer(setting.avatar, backend=setting.backend)
    setting.tell("longer clips", 0.0)
    runs = min(RUNS, setting.runs)
    export_s = [min(_export_s(renderer, count) for _ in range(max(runs - 1, 1))) for count in frames]
    found.curves.append(_curve("length", "export at 128²", [n / 25 for n in frames], [s * 1e3 for s in export_s]))
    setting.yardstick.measure()
    setting.tell("longer clips", 0.5)
    heard = [min(encode_s(spoken(seconds)) for _ in range(runs)) for seconds in speech_s]
    found.curves.append(_curve("length", "speech encoder", speech_s, [s * 1e3 for s in heard]))
    sampled = [_sample_ms(seconds) for seconds in curve_s]
    found.curves.append(_curve("length", "curves of one frame", curve_s, sampled))
    setting.yardstick.measure()
    found.figures += exponents(found.curves)
    return found


def exponents(curves: Sequence[Curve]) -> list[Figure]:
    """The exponents as figures; linear or better is the aim."""
    return [
        Figure(
            f"{curve.panel}.{curve.name.replace(' ', '_')}.exponent", f"{curve.name} grows with {curve.panel} to the",
            "power", found.value, aim=1.1,
        )
        for curve in curves
        if (found := curve.exponent) is not None
    ]  # fmt: skip


def performance(seconds: float) -> Performance:
    """A busy performance of that length: all its lanes full of keys."""
    random = np.random.default_rng(7)
    each = max(2, round(seconds * KEYS_PER_S))
    lanes = []
    for key in AU_KEYS[:LANES]:
        times = np.sort(random.uniform(0, seconds, each)) + np.arange(each) * 1e-4
        lanes.append(Lane(key, Keys.from_samples(times, random.uniform(0, 5, each))))
    return Performance(lanes=tuple(lanes))


def _sample_ms(seconds: float, moments: int = 60) -> float:
    """Controls of one frame of a performance of that length, median."""
    scene = Scene(None, performance(seconds))
    scene.controls(0.0)
    taken = []
    for time_s in np.random.default_rng(3).uniform(0, seconds, moments):
        began = perf_counter()
        scene.controls(float(time_s))
        taken.append((perf_counter() - began) * 1e3)
    return float(np.median(taken))


def _export_s(renderer: Renderer, frames: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.mp4"
        return export_clip(renderer, BusyScene(), hum(frames / 25), path, size=CLIP_PX).elapsed_s


def _lap_curves(panel: str, x: Sequence[float], laps: Sequence[Lap]) -> Findings:
    rows = [lap.row() for lap in laps]
    named = (("whole frame", "frame_ms"), ("static raster", "raster_ms"), ("deform", "deform_ms"))
    curves = [_curve(panel, name, x, [row[key] for row in rows]) for name, key in named]
    return Findings(curves=curves, figures=exponents(curves))


def _curve(panel: str, name: str, x: Sequence[float], y_ms: Sequence[float]) -> Curve:
    return Curve(panel, name, "ms", tuple(float(value) for value in x), tuple(float(value) for value in y_ms))
