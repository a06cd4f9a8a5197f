"""Arithmetic of figures: spreads, exponents, files, comparisons, the drift of memory."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.engine.bench.compare import compare
from studio.engine.bench.drift import drift
from studio.engine.bench.figures import Curve, Figure, Findings, fitted, noise_remark, read_findings
from studio.engine.bench.plot import PANELS, picture, ticks
from studio.errors import StudioError

powers = st.floats(-2, 3)


@given(exponent=powers, factor=st.floats(1e-3, 1e3))
def test_the_exponent_of_a_power_is_found(exponent: float, factor: float) -> None:
    x = [1.0, 3.0, 10.0, 70.0]
    found = fitted(x, [factor * value**exponent for value in x])
    assert found is not None
    assert found.value == pytest.approx(exponent, abs=1e-6)
    assert found.error == pytest.approx(0, abs=1e-6)


def test_a_constant_part_lowers_the_exponent_and_shows_as_error() -> None:
    x = [1.0, 10.0, 100.0, 1000.0]
    found = fitted(x, [5 + 0.1 * value for value in x])
    assert found is not None
    assert 0 < found.value < 1
    assert found.error > 0.05


@pytest.mark.parametrize(("x", "y"), [((), ()), ((1, 2), (1, 2)), ((2, 2, 2), (1, 2, 3)), ((1, 2, 3), (0, 1, 2))])
def test_too_few_points_have_no_exponent(x: tuple[float, ...], y: tuple[float, ...]) -> None:
    assert fitted(x, y) is None


def test_spread_is_half_the_range_of_the_runs() -> None:
    figure = Figure.of("a", "a", "ms", [9.0, 10.0, 13.0])
    assert (figure.value, figure.spread) == (10.0, pytest.approx(0.2))
    assert Figure.of("a", "a", "ms", [9.0, 10.0]).spread is None
    assert Figure.of("a", "a", "ms", [0.0, 0.0, 0.0]).spread is None


def test_an_aim_is_met_on_its_own_side() -> None:
    assert Figure("a", "a", "ms", 40.0, aim=50.0).reached is True
    assert Figure("a", "a", "fps", 40.0, better="higher", aim=50.0).reached is False
    assert Figure("a", "a", "ms", 40.0).reached is None


def test_a_noisy_machine_is_told_of() -> None:
    calm = [Figure.of("a", "a", "ms", [10.0, 10.2, 9.9])]
    assert noise_remark(calm) is None
    assert noise_remark([]) is None
    wild = noise_remark([Figure.of("a", "a", "ms", [10.0, 16.0, 9.0])])
    assert wild is not None
    assert "±35 %" in wild
    assert noise_remark([Figure.of("a", "memory", "MB", [10.0, 16.0, 9.0])]) is None  # is not of the machine's pace


def result(**values: tuple[float, ...]) -> Findings:
    figures = [Figure.of(name, name, "ms", runs) for name, runs in values.items()]
    return Findings({"machine": "toy", "avatar": "nora", "gaussians": 300}, figures)


def test_only_what_is_more_than_noise_is_marked() -> None:
    old = result(a=(10.0, 10.1, 10.2), b=(10.0, 14.0, 8.0), c=(10.0, 10.1, 9.9), d=(4.0, 4.0, 4.0))
    new = result(a=(7.0, 7.1, 7.2), b=(8.0, 11.0, 9.0), c=(10.2, 10.3, 10.1), d=(5.0, 5.1, 5.0))
    found = {change.new.name: change for change in compare(old, new).changes}
    assert {name: change.verdict for name, change in found.items()} == {"a": "better", "b": "", "c": "", "d": "worse"}
    assert found["a"].ratio == pytest.approx(7.1 / 10.1)


def test_a_slower_machine_is_allowed_for_and_higher_may_be_better() -> None:
    old, new = (result(a=(10.0, 10.0, 10.0), yardstick_ms=(20.0,) * 3), result(a=(15.0,) * 3, yardstick_ms=(30.0,) * 3))
    old.figures += [Figure.of("f", "f", "fps", [30.0] * 3, better="higher"), Figure.of("r", "r", "×", [2.0] * 3)]
    new.figures += [Figure.of("f", "f", "fps", [30.0] * 3, better="higher"), Figure.of("r", "r", "×", [1.5] * 3)]
    found = compare(old, new)
    ratios = {change.new.name: change.ratio for change in found.changes}
    assert ratios == {"a": pytest.approx(1.0), "f": pytest.approx(1.5), "r": pytest.approx(0.75)}
    assert {change.new.name: change.verdict for change in found.changes} == {"a": "", "f": "better", "r": "better"}
    assert any("1.50 times slower" in remark for remark in found.remarks)


def test_single_runs_need_a_large_difference() -> None:
    found = compare(result(a=(10.0,), b=(10.0,)), result(a=(8.5,), b=(6.0,)))
    assert [change.verdict for change in found.changes] == ["", "better"]


@pytest.mark.parametrize(("key", "value", "says"), [("avatar", "adam", "adam"), ("gaussians", 400, "400 Gaussians")])
def test_other_avatars_are_not_compared(key: str, value: object, says: str) -> None:
    old, new = result(a=(1.0,)), result(a=(1.0,))
    old.facts[key] = value
    with pytest.raises(StudioError, match=says):
        compare(old, new)


def test_results_without_a_common_figure_are_not_compared() -> None:
    with pytest.raises(StudioError, match="no figure in common"):
        compare(result(a=(1.0,)), result(b=(1.0,)))
    mixed = compare(result(a=(1.0,), c=(2.0,)), result(a=(1.0,), b=(1.0,)))
    assert set(mixed.lacking) == {"b", "c"}


def test_results_survive_their_file(tmp_path: Path) -> None:
    found = result(a=(10.0, 11.0, 12.0))
    found.curves.append(Curve("gaussians", "deform", "ms", (1.0, 2.0, 4.0), (1.0, 2.0, 4.1)))
    found.remarks.append("It rained.")
    path = tmp_path / "a.json"
    path.write_text(json.dumps(found.to_json()))
    again = read_findings(path)
    assert again == found


def test_results_of_the_first_version_are_read(tmp_path: Path) -> None:
    row = {"backend": "cpu", "size_px": 512, "deform_ms": 9.0, "raster_ms": 20.0, "frame_ms": 30.0, "fps": 33.3}
    old = {"machine": "toy", "avatar": "nora", "gaussians": 300, "results": [row | {"frame_p95_ms": 41.0}]}
    old |= {"latency_ms": {"p50": 40.0, "p95": 60.0}, "startup_s": {"window": None, "first_frame": None}}
    old |= {"export_fps": 22.0, "peak_rss_mb": 400.0}
    path = tmp_path / "old.json"
    path.write_text(json.dumps(old))
    found = read_findings(path)
    assert {figure.name: figure.value for figure in found.figures} == {
        "frame.cpu.512.deform_ms": 9.0, "frame.cpu.512.raster_ms": 20.0, "frame.cpu.512.frame_ms": 30.0,
        "frame.cpu.512.frame_p95_ms": 41.0, "frame.cpu.512.fps": 33.3, "latency.p50_ms": 40.0,
        "latency.p95_ms": 60.0, "export.fps": 22.0,
    }  # fmt: skip
    assert "no spread" in found.remarks[0]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no JSON"),
        ("[1, 2]", "no result"),
        ('{"format": "something"}', "no result"),
        ('{"format": "emozone-bench", "version": 9}', "version 9"),
        ('{"format": "emozone-bench", "version": 2}', "damaged"),
        ('{"format": "emozone-bench", "version": 2, "figures": {"a": 1}, "curves": [], "remarks": []}', "damaged"),
        ('{"results": [{"backend": "cpu"}]}', "damaged"),
        ('{"results": [], "export_fps": "fast"}', "damaged"),
        ("[" * 100_000, "no JSON"),
    ],
)
def test_other_files_are_refused_in_one_sentence(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(StudioError, match=says):
        read_findings(path)
    with pytest.raises(StudioError, match="cannot be read"):
        read_findings(tmp_path / "missing.json")


def test_joined_results_take_the_later_figure() -> None:
    found = result(a=(1.0,), b=(2.0,))
    found.add(result(b=(3.0,), c=(4.0,)))
    assert {figure.name: figure.value for figure in found.figures} == {"a": 1.0, "b": 3.0, "c": 4.0}


def test_the_picture_has_a_panel_for_everything_that_grows() -> None:
    found = result()
    for panel in PANELS:
        found.curves.append(Curve(panel, "deform & draw", "ms", (10.0, 100.0, 1000.0), (1.0, 3.2, 10.0)))
    text = picture(found)
    for title, _ in PANELS.values():
        assert title in text
    assert "deform &amp; draw: x^0.50" in text
    assert "nan" not in text
    with pytest.raises(StudioError, match="nothing to draw"):
        picture(result())


@given(low=st.floats(-3, 6), span=st.floats(0.4, 5))
def test_axes_have_round_marks_within_their_span(low: float, span: float) -> None:
    marks = ticks(low, low + span)
    assert marks == sorted(marks)
    assert all(low - 1e-9 <= math.log10(mark) <= low + span + 1e-9 for mark in marks)
    assert 2 <= len(marks) <= 9


@given(slope=st.floats(20, 500), noise=st.floats(0.01, 1.0))
def test_growing_memory_is_found(slope: float, noise: float) -> None:
    times = np.arange(0, 1800, 5.0)
    random = np.random.default_rng(1)
    found = drift(times, 700 + slope * times / 3600 + noise * random.standard_normal(len(times)))
    assert found is not None
    assert found.slope_mb_per_h == pytest.approx(slope, abs=max(3 * found.error_mb_per_h, 1e-6))
    assert not found.flat
    assert "GROWS" in found.sentence()


def test_steady_memory_is_flat_also_where_samples_resemble_each_other() -> None:
    times = np.arange(0, 1800, 5.0)
    random = np.random.default_rng(2)
    flat = 0
    for _ in range(60):
        wander = np.zeros(len(times))
        for i in range(1, len(times)):
            wander[i] = 0.9 * wander[i - 1] + random.standard_normal()
        found = drift(times, 700 + wander)
        assert found is not None
        flat += found.flat
    assert flat >= 50  # with samples taken for independent it would be half of them


def test_what_settles_at_the_start_does_not_count() -> None:
    times = np.arange(0, 1800, 5.0)
    memory = 700 + np.minimum(times, 300) / 3 + np.random.default_rng(3).standard_normal(len(times))
    found = drift(times, memory)
    assert found is not None
    assert found.flat
    assert drift([0.0, 1.0], [700.0, 701.0]) is None
    assert drift([], []) is None
