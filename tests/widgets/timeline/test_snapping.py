from __future__ import annotations

import pytest

from studio.widgets.timeline.snapping import Snapping


def test_a_near_key_wins_over_a_frame_and_a_far_one_does_not() -> None:
    snapping = Snapping.of(25.0, [1.013], [2.0])
    assert snapping.snapped(1.02, 100.0) == (1.013, 1.013)
    assert snapping.snapped(1.21, 100.0) == (pytest.approx(1.2), None)
    assert snapping.snapped(1.03, 10_000.0) == (pytest.approx(1.04), None)


def test_without_moments_there_are_frames() -> None:
    assert Snapping(10.0).snapped(0.27, 50.0) == (pytest.approx(0.3), None)
