"""Every part measures something, with the least that it can be asked for."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from studio.engine.bench import scaling, training, work
from studio.engine.bench.frames import Setting
from studio.engine.training.capture_files import load_capture
from studio.engine.training.recipes import find_recipe
from studio.errors import StudioError

SMALL = replace(
    find_recipe("studio"), initial_gaussians=250, geometry_points=64, geometry_frames=4, plane_resolutions=(8, 16)
)


def test_gaussians_pixels_and_units_give_curves_with_exponents(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scaling, "COUNT_PX", 48)
    monkeypatch.setattr(scaling, "UNITS_PX", 48)
    monkeypatch.setattr(scaling, "LARGE", (600, 64))
    found = scaling.measure_gaussians(setting, (100, 300, 600))
    found.add(scaling.measure_pixels(setting, (32, 48, 64)))
    found.add(scaling.measure_units(setting, (1, 4, 17)))
    assert [(curve.panel, curve.x) for curve in found.curves if curve.name == "deform"] == [
        ("gaussians", (100, 300, 600)), ("pixels", (32**2, 48**2, 64**2)), ("units", (1, 4, 17)),
    ]  # fmt: skip
    assert all(min(curve.y) > 0 for curve in found.curves)
    assert found.figure("pixels.whole_frame.exponent") is not None
    large = found.figure("gaussians.large_ms")
    assert large is not None
    assert large.value > 0
    json.dumps(found.to_json(), allow_nan=False)


def test_length_tells_of_export_speech_and_curves(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scaling, "CLIP_PX", 32)
    found = scaling.measure_length(setting, frames=(2, 4, 8), speech_s=(0.5, 1.0, 2.0), curve_s=(5.0, 20.0, 80.0))
    assert {curve.name for curve in found.curves} == {"export at 128²", "speech encoder", "curves of one frame"}
    keys = [sum(len(lane.curve) for lane in scaling.performance(s).lanes) for s in (10.0, 1800.0)]
    assert keys[1] == pytest.approx(180 * keys[0], rel=0.05)


def test_export_and_encoder_have_their_pace(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "EXPORT_S", 0.2)
    monkeypatch.setattr(work, "SPEECH_S", 1.0)
    found = work.measure_export(setting)
    found.add(work.measure_encoder(setting))
    fps, pace = found.figure("export.fps"), found.figure("export.pace")
    assert fps is not None
    assert pace is not None
    assert fps.value == pytest.approx(25 * pace.value)
    assert found.facts["export_fps"] == pytest.approx(fps.value, abs=0.01)
    assert found.facts["encoder_pace"] > 0
    assert work.spoken(30.0).duration_s == pytest.approx(30.0)


def test_training_is_timed_on_a_small_capture_of_the_avatar(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "SIZE_PX", 48)
    monkeypatch.setattr(training, "BUDGET_S", 0.0)
    monkeypatch.setattr(training, "CYCLE", {"geometry": 1, "coarse": 1, "fine": SMALL.teach_every})
    monkeypatch.setattr(training, "RUNS", 2)
    found = training.measure_training(setting, SMALL)
    told = found.facts["training"]
    assert set(told["steps_per_s"]) == {"geometry", "coarse", "fine"}
    assert min(told["steps_per_s"].values()) > 0
    minutes = sum(SMALL.iterations(stage) / pace for stage, pace in told["steps_per_s"].items()) / 60
    assert told["recipe_minutes"] == pytest.approx(minutes, rel=0.05)


def test_the_small_capture_is_a_capture(setting: Setting, tmp_path: Path) -> None:
    capture = load_capture(training.write_small_capture(setting.avatar, tmp_path / "capture", 48))
    assert capture.surface is not None
    assert len(capture.surface) == 300
    assert len(capture.indices("train")) == training.PICTURES
    picture = capture.target(0)
    assert float(picture.alpha.max()) > 0.9
    assert float(picture.alpha.min()) == 0
    assert float(capture.surface.modes.abs().max()) > 1e-3
    assert capture.surface.normals.norm(dim=1).allclose(capture.surface.normals.new_ones(300), atol=1e-4)


def test_a_capture_without_a_surface_is_refused(setting: Setting, tmp_path: Path) -> None:
    root = training.write_small_capture(setting.avatar, tmp_path / "capture", 32)
    (root / "surface.safetensors").unlink()
    setting.capture = root
    with pytest.raises(StudioError, match="no surface"):
        training.measure_training(setting, SMALL)
