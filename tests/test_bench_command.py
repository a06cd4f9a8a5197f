"""`emozone bench`: which parts are measured, results of before are compared and drawn, the real window is used."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from studio import cli
from studio.commands.bench import PARTS, QUICK, SCALING, chosen
from studio.commands.bench_report import bench_table, compare_table
from studio.commands.bench_window import engine_latencies_ms, measure_window, percentiles, probe, soak
from studio.engine.bench.compare import compare
from studio.engine.bench.figures import Curve, Figure, Findings
from studio.engine.bench.frames import Setting, measure_frames


@pytest.fixture(scope="module")
def avatar(avatar_file: Path) -> Path:
    """The toy's file."""
    return avatar_file


def result(pace: float = 1.0, **facts: object) -> Findings:
    told = {"machine": "toy", "avatar": "Toy", "gaussians": 300} | facts
    figures = [
        Figure.of("latency.p95_ms", "slider to pixels", "ms", [60.0 * pace, 61.0 * pace, 62.0 * pace], aim=50.0),
        Figure.of("yardstick_ms", "yardstick", "ms", [20.0, 20.0, 20.0]),
    ]
    curves = [Curve("gaussians", "deform", "ms", (10.0, 100.0, 1000.0), (1.0, 5.0, 30.0))]
    return Findings(told, figures, curves)


def write(found: Findings, path: Path) -> Path:
    path.write_text(json.dumps(found.to_json()))
    return path


def test_parts_are_chosen_in_their_order() -> None:
    assert chosen(None, full=False, plot=False) == QUICK
    assert chosen(None, full=True, plot=False) == tuple(PARTS)
    assert chosen(("encoder", "frame"), full=False, plot=False) == ("frame", "encoder")
    assert chosen(("frame",), full=False, plot=True) == ("frame", *SCALING)
    assert chosen(("units",), full=False, plot=True) == ("units",)
    assert cli.parser().parse_args(["bench", "--parts", "scaling,frame"]).parts == (*SCALING, "frame")


def test_the_engine_without_the_window_is_measured_and_told(avatar: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    setting = Setting(avatar, (48,), ("cpu",), runs=3, frames=3)
    found = measure_window(setting, ("startup", "latency", "playback"))
    assert found.facts["startup_s"] == {"window": None, "first_frame": None}
    assert found.facts["latency_path"] == "engine"
    found.add(measure_frames(setting))
    found.facts |= {"avatar": "Toy", "gaussians": 300, "machine": "toy"}
    told = "\n".join(bench_table(found))
    assert "Toy, 300 Gaussians" in told
    assert "48²" in told
    assert "no screen" in told


def test_latency_of_the_engine_is_counted_per_change(avatar: Path) -> None:
    latencies = engine_latencies_ms(avatar, changes=5, size_px=32)
    assert len(latencies) == 5
    assert min(latencies) > 0
    assert percentiles([1.0, 2.0, 3.0]) == {"p50": 2.0, "p95": 2.9}


def test_the_real_window_is_used_as_a_hand_would(avatar: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    acts = ["latency", "playback", "present", "soak"]
    request = {"acts": acts, "changes": 6, "play_s": 1.0, "sizes_px": [64], "soak_s": 0.1}
    found = probe(avatar, request)
    assert 0 < found["window_s"] < found["first_frame_s"]
    assert len(found["latencies_ms"]) == len(found["latencies_playing_ms"]) == 6
    assert found["size_px"][1] >= 16
    assert found["playback"]["shown"] > 0
    assert found["playback"]["picture_px"][0] > 0
    assert found["present"][0]["size_px"] == 64
    assert len(found["present"][0]["times_ms"]) > 10
    assert found["soak"]["edits"] == 2
    assert found["soak"]["seeks"] == 1
    assert min(found["soak"]["objects_alive"]) > 10_000


def test_results_are_compared_without_measuring(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = write(result(), tmp_path / "old.json"), write(result(0.5), tmp_path / "new.json")
    assert cli.main(["bench", "--read", str(new), "--compare", str(old)]) == 0
    told = capsys.readouterr().out
    assert "0.50×" in told
    assert "better" in told
    assert "1 of 1 figures" in told
    assert cli.main(["bench", "--read", str(new), "--compare", str(old), "--json"]) == 0
    told, aside = capsys.readouterr()
    assert json.loads(told)["figures"]["latency.p95_ms"]["value"] == 30.5
    assert "better" in aside


def test_an_older_result_of_another_avatar_is_refused_before_measuring(
    tmp_path: Path, avatar: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = write(result(avatar="nora"), tmp_path / "old.json")
    assert cli.main(["bench", "--avatar", str(avatar), "--parts", "frame", "--compare", str(old)]) == 1
    assert "nora" in capsys.readouterr().err
    (tmp_path / "bad.json").write_text("{}")
    assert cli.main(["bench", "--compare", str(tmp_path / "bad.json")]) == 1
    assert "no result of emozone bench" in capsys.readouterr().err


def test_results_of_different_avatars_are_not_joined(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, other = write(result(), tmp_path / "a.json"), write(result(gaussians=400), tmp_path / "b.json")
    assert cli.main(["bench", "--read", str(one), str(other)]) == 1
    assert "b.json measured 400" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["cost.svg", "cost.png"])
def test_curves_are_drawn(qapp: object, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    found, path = write(result(), tmp_path / "a.json"), tmp_path / name
    assert cli.main(["bench", "--read", str(found), "--plot", str(path)]) == 0
    assert path.read_bytes().startswith(b"<svg" if name.endswith("svg") else b"\x89PNG")
    assert path.stat().st_size > 500
    assert cli.main(["bench", "--read", str(found), "--plot", str(tmp_path / "none" / name)]) == 1
    assert "is not a folder" in capsys.readouterr().err
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(["a.json", name])


def test_the_table_of_a_comparison_names_what_only_one_has() -> None:
    old, new = result(), result(1.5)
    old.figures.append(Figure("export.fps", "export", "fps", 20.0, better="higher"))
    told = "\n".join(compare_table(compare(old, new)))
    assert "WORSE" in told
    assert "Only in one of them: export." in told


def test_a_soak_tells_what_is_in_use_and_what_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.commands.bench_window.need_display", lambda: None)
    times = [float(second) for second in range(0, 600, 5)]
    told = {
        "times_s": times, "memory_mb": [700.0 + time / 100 for time in times], "edits": 9, "seeks": 4,
        "used_mb": [200.0 for _ in times], "spare_mb": [10.0 + time / 100 for time in times],
        "objects": [1_000_000 for _ in times], "objects_alive": [900_000, 900_100],
    }  # fmt: skip
    monkeypatch.setattr("studio.commands.bench_window.probe", lambda *_: {"soak": told})
    found, slope = soak(Path("toy"), 10.0)
    assert slope is not None
    assert not slope.flat
    assert found.facts["soak"]["used_slope_mb_per_h"] == [0.0, 0.0]
    assert "use 200 MB" in found.remarks[0]
    assert "16 MB are free" in found.remarks[0]
    assert "900.0 to 900.1 thousand" in found.remarks[0]
    told["used_mb"] = told["spare_mb"] = [None for _ in times]  # not every C library tells
    assert "Python's blocks" in soak(Path("toy"), 10.0)[0].remarks[0]
