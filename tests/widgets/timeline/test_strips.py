from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtGui import QColor

from studio.widgets.timeline.ink import shades_of
from studio.widgets.timeline.strips import Strip, curve_covers, painted, stamp, wave_cover


@pytest.mark.parametrize(("level", "row"), [(0.0, 33), (0.5, 20), (1.0, 7)])
def test_a_curve_is_drawn_at_its_level(level: float, row: int) -> None:
    cover = curve_covers(np.full((1, 10), level), 40, 7.0, 1.6)[0]
    assert cover.shape == (40, 8)
    column = cover[:, 4]
    assert abs(int(np.argmax(column)) - row) <= 1
    assert column.max() > 200
    assert column[max(0, row - 4)] == 0


def test_a_steep_step_has_no_gap() -> None:
    cover = curve_covers(np.array([[0, 0, 0, 0, 1, 1, 1, 1.0]]), 40, 7.0, 1.6)[0]
    assert cover[8:33, 2:4].max(axis=1).min() > 200


@given(st.lists(st.floats(0, 1), min_size=3, max_size=30))
def test_a_curve_is_one_line_from_edge_to_edge(levels: list[float]) -> None:
    cover = curve_covers(np.array([levels]), 40, 7.0, 1.6)[0]
    assert (cover.max(axis=0) > 150).all()
    for left, right in zip(cover.T[:-1], cover.T[1:], strict=True):
        first, second = np.flatnonzero(left > 60), np.flatnonzero(right > 60)
        assert first.min() <= second.max() + 1
        assert second.min() <= first.max() + 1


def test_silence_is_a_line() -> None:
    cover = wave_cover(np.zeros(5), np.zeros(5), 21)
    assert (cover[10] > 100).all()
    assert (cover[2] == 0).all()


def test_a_picture_has_the_colour_where_it_is_covered() -> None:
    cover = np.zeros((4, 6), np.uint8)
    cover[1, 2], cover[2, 3] = 255, 128
    wide = np.zeros((4, 10), np.uint32)
    wide[:, 2:8] = painted(cover, shades_of(QColor("#ff8000")))
    image = Strip(wide[:, 2:8]).image
    assert (image.width(), image.height()) == (6, 4)
    assert image.pixelColor(2, 1) == QColor("#ff8000")
    assert abs(image.pixelColor(3, 2).alpha() - 128) <= 1
    assert image.pixelColor(0, 0).alpha() == 0


def test_a_diamond_stands_where_it_is_stamped() -> None:
    pixels = np.zeros((21, 31), np.uint32)
    stamp(pixels, np.array([15]), np.array([10]), np.uint32(1), np.uint32(2), 4)
    assert pixels[10, 15] == pixels[10, 18] == 2
    assert pixels[10, 19] == pixels[6, 15] == 1
    assert pixels[6, 16] == pixels[10, 20] == 0
