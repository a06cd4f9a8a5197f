"""Whole frames and what is drawn by turns with them: every figure is there, and they agree with each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from studio.engine.bench.crowds import crowd
from studio.engine.bench.frames import BusyScene, Lap, Setting, measure_frames
from studio.engine.bench.machine import Yardstick, machine
from studio.engine.bench.memory import peak_rss_mb, rss_mb
from studio.engine.controls import Controls
from studio.engine.renderer import Frame, Renderer
from studio.errors import StudioError
from tests.support import toy_avatar


def test_every_row_is_there_and_agrees_with_itself(setting: Setting) -> None:
    found = measure_frames(setting)
    rows = found.facts["results"]
    assert [(one["backend"], one["size_px"], one["frames"]) for one in rows] == [("cpu", 48, 6), ("cpu", 64, 6)]
    for one in rows:
        assert 0 < one["deform_ms"] < one["frame_ms"] <= one["frame_p95_ms"]
        assert 0 < one["raster_ms"] <= one["raster_p95_ms"]
        assert one["fps"] == pytest.approx(1000 / one["frame_ms"], rel=0.01)
        whole = found.figure(f"frame.cpu.{one['size_px']}.frame_ms")
        assert whole is not None
        assert whole.value == one["frame_ms"]
        assert len(whole.runs) == 3
    assert len(setting.yardstick.runs) == 6  # once before every run of every size


def test_a_slow_avatar_is_measured_with_fewer_frames(setting: Setting) -> None:
    lap = Lap(Renderer(setting.avatar, backend="cpu"), 48)
    lap.warm_up(runs=3, frames=50, budget_s=1e-6)
    lap.run()
    assert lap.row()["frames"] == 1


def test_laps_of_one_renderer_never_find_a_face_deformed_already(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    renderer = Renderer(setting.avatar, backend="cpu")
    seen: list[bytes] = []
    frame = renderer.frame

    def watched(controls: Controls, *args: Any, **others: Any) -> Frame:
        seen.append(controls.au.tobytes())
        return frame(controls, *args, **others)

    monkeypatch.setattr(renderer, "frame", watched)
    laps = [Lap(renderer, 48), Lap(renderer, 64)]
    for _ in range(3):  # a single frame each, as on a slow machine
        for lap in laps:
            lap.draw()
    assert len(set(seen)) == 6


def test_a_named_backend_must_work(avatar: Path) -> None:
    with pytest.raises(StudioError, match="magic"):
        measure_frames(Setting(avatar, backends=("magic",)))


def test_the_busy_scene_never_rests() -> None:
    scene = BusyScene()
    before, after = scene.controls(1.0), scene.controls(1.04)
    assert np.all(before.au != after.au)
    assert np.all(before.speech != after.speech)
    assert before.pose != after.pose
    assert before.au.min() >= 0
    assert before.au.max() <= 5


def test_a_face_of_few_action_units_is_silent_and_looks_ahead() -> None:
    found = BusyScene(4, speaks=False).controls(0.7)
    assert np.all(found.au[:, 4:] == 0)
    assert np.all(found.au[:, :4].max(0) > 0)
    assert not found.speech.any()
    assert found.pose.yaw_deg == found.pose.pitch_deg == 0


def test_subsets_are_nested_and_copies_stay_near() -> None:
    avatar = toy_avatar(300)
    small, middle, large = (crowd(avatar, n) for n in (50, 120, 700))
    assert crowd(avatar, 300) is avatar
    assert torch.equal(middle.gaussians.means[:50], small.gaussians.means)
    assert torch.equal(large.gaussians.means[:300], crowd(avatar, 301).gaussians.means[:300])
    assert torch.equal(large.zones[300:600], large.zones[:300])
    reach = avatar.gaussians.log_scales.exp().max() * 5
    assert (large.gaussians.means[300:600] - large.gaussians.means[:300]).abs().max() < reach
    assert not torch.equal(large.gaussians.means[300:600], large.gaussians.means[:300])
    with pytest.raises(ValueError, match="0 Gaussians"):
        crowd(avatar, 0)


@pytest.mark.parametrize("count", [60, 299, 1000])
def test_a_crowd_covers_as_much_and_still_moves(count: int) -> None:
    avatar = toy_avatar(300)
    other = crowd(avatar, count)
    assert len(other.gaussians) == other.deformer.count == len(other.zones) == count

    def covered(gaussians: torch.Tensor) -> float:
        return float((2 * gaussians[:, :2].mean(1)).exp().sum())

    assert covered(other.gaussians.log_scales) == pytest.approx(covered(avatar.gaussians.log_scales), rel=0.2)
    moved = Renderer(other, backend="cpu").deformed(BusyScene().controls(0.5))
    assert (moved.means - other.gaussians.means).abs().max() > 1e-4


def test_the_machine_is_named_and_its_pace_taken() -> None:
    stick = Yardstick()
    stick.measure()
    stick.measure()
    assert len(stick.runs) == 2
    assert min(stick.runs) > 0
    assert "core" in machine()
    held, peak = rss_mb(), peak_rss_mb()
    assert held is None or held > 10
    assert peak is None or held is None or peak > 0.5 * held
