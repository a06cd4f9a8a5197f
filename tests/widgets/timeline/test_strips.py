from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtGui import QColor

from studio.widgets.timeline.strips import curve_strip, wave_strip


@pytest.mark.parametrize(("level", "row"), [(0.0, 33), (0.5, 20), (1.0, 7)])
def test_a_curve_is_drawn_at_its_level(level: float, row: int) -> None:
    image = curve_strip(np.full(8, level, np.float32), 40, 7.0, 1.6, QColor("#ffffff"))
    alphas = [image.pixelColor(4, y).alpha() for y in range(40)]
    assert abs(int(np.argmax(alphas)) - row) <= 1
    assert max(alphas) > 200
    assert alphas[max(0, row - 4)] == 0


def test_a_steep_step_has_no_gap() -> None:
    levels = np.array([0, 0, 0, 1, 1, 1], np.float32)
    image = curve_strip(levels, 40, 7.0, 1.6, QColor("#ffffff"))
    for y in range(8, 33):
        assert max(image.pixelColor(x, y).alpha() for x in (2, 3)) > 200


def test_silence_is_a_line() -> None:
    image = wave_strip(np.zeros(5, np.float32), np.zeros(5, np.float32), 21, QColor("#ffffff"))
    assert image.pixelColor(2, 10).alpha() > 100
    assert image.pixelColor(2, 2).alpha() == 0
