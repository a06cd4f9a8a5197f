from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from studio.playback.quality import Motion, Quality


def test_a_still_picture_has_the_viewports_pixels_up_to_the_cap() -> None:
    quality = Quality("cpu")
    assert quality.size(800, 600, Motion.STILL) == (800, 600)
    assert quality.size(2560, 1440, Motion.STILL) == (2560, 1440)
    assert quality.size(8000, 4000, Motion.STILL) == (4320, 2160)


def test_a_still_picture_does_not_make_the_hand_wait_for_long() -> None:
    quality = Quality("cpu")
    for _ in range(5):
        quality.learn(1000, 1000, 5.0, 200.0)
    assert quality.size(1600, 1000, Motion.STILL)[1] == 1000
    width, height = quality.size(3840, 2160, Motion.STILL)
    assert 0.2 * width * height / 1000 <= 505
    for _ in range(5):
        quality.learn(500, 500, 5.0, 3000.0)
    assert quality.size(1200, 900, Motion.STILL)[1] == 512


def test_a_slow_engine_draws_fewer_pixels_while_something_moves() -> None:
    quality = Quality("cpu")
    for _ in range(5):
        quality.learn(600, 600, 5.0, 120.0)
    assert quality.size(600, 600, Motion.DRAGGING)[1] <= 256
    assert quality.size(600, 600, Motion.STILL)[1] == 600


def test_one_slow_picture_changes_nothing() -> None:
    quality = Quality("cpu")
    for ms in (8.0, 8.0, 2000.0, 8.0):
        quality.learn(500, 500, 2.0, ms)
    assert quality.size(500, 500, Motion.PLAYING)[1] >= 448


@given(st.integers(1, 4000), st.integers(1, 3000), st.sampled_from(Motion), st.floats(0, 500))
def test_sizes_are_always_drawable(width: int, height: int, motion: Motion, ms: float) -> None:
    quality = Quality("cpu")
    quality.learn(512, 512, 3.0, ms)
    w, h = quality.size(width, height, motion)
    assert w >= 16
    assert h >= 1
