"""What is said of a captured head's steadiness is so: tremor, lag and amplitude are told apart."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from studio.engine.capture.pose import angles_deg
from studio.engine.capture.steadiness import TURN_DEG, compare, true_turns


def test_a_constant_difference_of_axes_is_no_tremor() -> None:
    for motion in ("still", "turning"):
        truth = true_turns(motion, 150)
        before, after = (Rotation.from_euler("YXZ", angles, degrees=True) for angles in ([4, -6, 2], [3, 5, -2]))
        yaw, pitch, roll = truth.T
        turns = Rotation.from_euler("YXZ", np.stack([yaw, -pitch, -roll], 1), degrees=True)
        found = compare(angles_deg((before * turns * after).as_matrix()), truth)
        assert found.rms_deg < 0.01
        assert found.worst_deg < 0.02


def test_tremor_is_told_by_axis() -> None:
    truth = true_turns("still", 200)
    tremor = np.random.default_rng(0).normal(size=(200, 3)) * [0.1, 0.3, 0.0]
    found = compare(truth + tremor, truth)
    assert found.rms_deg == pytest.approx(0.316, rel=0.15)
    assert found.axes_deg == pytest.approx((0.3, 0.1, 0.0), abs=0.04)
    assert found.step_deg == pytest.approx(2**0.5 * 0.316, rel=0.15)
    assert found.lag_ms is None


def test_a_smoother_that_lags_or_flattens_is_found_out() -> None:
    frames = np.arange(250)
    truth = true_turns("turning", 250)
    late = truth.copy()
    late[:, 0] = 0.9 * TURN_DEG * np.sin(2 * np.pi * 0.3 * (frames - 2) / 25)
    found = compare(late, truth)
    assert found.lag_ms == pytest.approx(72, abs=4)  # two pictures, of nine tenths of the turn
    assert found.amplitude == pytest.approx(0.9, abs=0.02)
    assert found.rms_deg > 0.5
