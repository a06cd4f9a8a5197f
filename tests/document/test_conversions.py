from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from studio.document.action_units import AU_INDEX
from studio.document.conversions import lanes_of, take_of
from studio.document.lanes import POSE_KEYS
from studio.document.performance import Performance
from studio.document.takes import Base, Take
from tests.document.strategies import performances, takes


@given(performances)
def test_a_performance_written_out_is_the_same_at_its_frames(performance: Performance) -> None:
    take = take_of(performance, 1.0, 3.0, 25.0, "out")
    assert take.frames == 50
    times = 1.0 + np.arange(50) / 25
    played = Performance(Base(take, start_s=1.0))
    np.testing.assert_allclose(played.sample(times), performance.sample(times), atol=1e-4)
    np.testing.assert_allclose(played.poses(times), performance.poses(times), atol=1e-3)


@given(takes)
def test_lanes_of_a_take_stay_within_the_tolerance(take: Take) -> None:
    lanes = lanes_of(take, 2.0, 0.2, 1.0)
    performance = Performance(lanes=lanes)
    times = 2.0 + np.linspace(0, (take.frames - 1) / take.fps, 101)
    played = Performance(Base(take, start_s=2.0))
    assert np.abs(performance.sample(times) - played.sample(times)).max() <= 0.2 + 1e-4
    assert np.abs(performance.poses(times) - played.poses(times)).max() <= 1.0 + 1e-3


def test_channels_at_rest_get_no_lane() -> None:
    au = np.zeros((100, 17), np.float32)
    au[:, AU_INDEX["AU12"]] = 2 + 2 * np.sin(np.arange(100) / 15)
    pose = np.zeros((100, 5), np.float32)
    pose[:, 0] = np.linspace(0, 20, 100)
    lanes = lanes_of(Take("t", 25, au, pose))
    assert [lane.target for lane in lanes] == ["AU12", POSE_KEYS[0]]
    assert len(lanes[0].curve) < 15
    assert len(lanes[1].curve) == 2


def test_a_range_that_runs_backwards_is_refused_and_an_empty_one_is_a_frame() -> None:
    assert take_of(Performance(), 1.0, 1.0, 25.0).frames == 1
    with pytest.raises(ValueError, match="range"):
        take_of(Performance(), 2.0, 1.0, 25.0)
