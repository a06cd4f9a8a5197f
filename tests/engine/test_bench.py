"""The bench measures what it says: every key is there and the figures agree with each other."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from studio.commands.examine import bench_table
from studio.commands.latency import engine_latencies_ms, percentiles
from studio.engine.avatar import save_avatar
from studio.engine.bench import BusyScene, bench, machine, peak_rss_mb
from studio.errors import StudioError
from tests.support import toy_avatar


@pytest.fixture(scope="module")
def avatar(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("avatar") / "toy.safetensors"
    save_avatar(toy_avatar(300), path)
    return path


def test_every_figure_is_there(avatar: Path) -> None:
    heard: list[float] = []
    found = bench(avatar, sizes_px=(48, 64), backends=("cpu",), frames=6, progress=lambda _, share: heard.append(share))
    json.dumps(found, allow_nan=False)
    assert (found["avatar"], found["gaussians"]) == ("Toy", 300)
    assert [(one["backend"], one["size_px"]) for one in found["results"]] == [("cpu", 48), ("cpu", 64)]
    for one in found["results"]:
        assert 0 < one["deform_ms"] < one["frame_ms"] <= one["frame_p95_ms"]
        assert one["raster_ms"] > 0
        assert one["fps"] == pytest.approx(1000 / one["frame_ms"], rel=0.01)
    assert found["export_fps"] > 0
    assert found["peak_rss_mb"] > 50
    assert heard == sorted(heard)
    assert heard[-1] == 1.0
    told = "\n".join(
        bench_table(
            found | {"latency_ms": {"p50": 1, "p95": 2}, "latency_path": "engine", "startup_s": {"window": None}}
        )
    )
    assert "Toy" in told
    assert "64²" in told


def test_a_named_backend_must_work(avatar: Path) -> None:
    with pytest.raises(StudioError, match="magic"):
        bench(avatar, backends=("magic",))


def test_the_busy_scene_never_rests() -> None:
    scene = BusyScene()
    before, after = scene.controls(1.0), scene.controls(1.04)
    assert np.all(before.au != after.au)
    assert np.all(before.speech != after.speech)
    assert before.pose != after.pose
    assert before.au.min() >= 0
    assert before.au.max() <= 5


def test_the_machine_is_named() -> None:
    assert "core" in machine()
    assert peak_rss_mb() is None or peak_rss_mb() > 10  # type: ignore[operator]


def test_latency_of_the_engine_is_counted_per_change(avatar: Path) -> None:
    latencies = engine_latencies_ms(avatar, changes=5, size_px=32)
    assert len(latencies) == 5
    assert min(latencies) > 0
    assert percentiles([1.0, 2.0, 3.0]) == {"p50": 2.0, "p95": 2.9}
