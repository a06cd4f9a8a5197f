"""What the landmarker's figures are made of."""

import numpy as np
import pytest

from studio.engine.capture.meter import _jerk, _spread


def test_a_common_shift_is_no_distance_between_landmarks() -> None:
    apart = np.random.default_rng(0).normal(size=(5, 20, 2))
    assert _spread(np.full((3, 8, 2), 7.5)) == pytest.approx(0)
    assert _spread(apart) == pytest.approx(_spread(apart + np.array([3.0, -2.0])))
    assert _spread(2 * apart) == pytest.approx(2 * _spread(apart))


def test_steady_changes_do_not_jerk() -> None:
    ramp = np.linspace(0, 5, 30)[:, None] * np.ones((1, 17))
    assert _jerk(ramp) == pytest.approx(0, abs=1e-12)
    assert _jerk(ramp + 0.1 * (np.arange(30) % 2)[:, None]) == pytest.approx(0.2)
