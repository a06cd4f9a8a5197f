from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from studio.playback.feeder import Feeder, Order, Sound
from tests.playback.fake_audio import RATE_HZ, ramp


def block(feeder: Feeder, n: int = 160) -> NDArray[np.float32]:
    out = np.full((n, 2), np.nan, np.float32)
    feeder.fill(out, 0.0)
    return out[:, 0]


def test_silence_without_an_order() -> None:
    assert not block(Feeder()).any()


def test_plays_every_sample_once_and_in_order() -> None:
    feeder = Feeder()
    feeder.give(Order(1, True, ramp(1.0), 0))
    heard = np.concatenate([block(feeder) for _ in range(4)])
    np.testing.assert_array_equal(heard[40:], np.arange(41, 641))  # after the fade-in
    assert heard[0] == 0


def test_the_end_is_followed_by_silence() -> None:
    feeder = Feeder()
    feeder.give(Order(1, True, ramp(0.03), 0))
    heard = np.concatenate([block(feeder), block(feeder)])
    assert heard[239] == 240
    assert not heard[240:].any()


def test_a_loop_is_seamless() -> None:
    feeder = Feeder()
    feeder.give(Order(1, True, ramp(1.0), 90, (100, 150)))
    heard = np.concatenate([block(feeder) for _ in range(2)])
    want = (np.arange(90, 90 + 320) - 100) % 50 + 101
    np.testing.assert_array_equal(heard[40:], want[40:])


def test_a_loop_behind_the_clip_does_not_hang() -> None:
    feeder = Feeder()
    feeder.give(Order(1, True, ramp(0.01), 0, (200, 300)))
    assert block(feeder)[79] == 80


def test_a_seek_fades_over_without_a_click() -> None:
    feeder, sound = Feeder(), Sound(np.ones((8000, 2), np.float32), RATE_HZ)
    feeder.give(Order(1, True, sound, 0))
    block(feeder)
    feeder.give(Order(2, True, sound, 4000))
    assert np.abs(np.diff(block(feeder))).max() < 0.07  # a hard cut of ones to ones would dip or jump at the seam


def test_pause_fades_out_and_is_silent_then() -> None:
    feeder, sound = Feeder(), Sound(np.ones((8000, 2), np.float32), RATE_HZ)
    feeder.give(Order(1, True, sound, 0))
    block(feeder)
    feeder.give(Order(2, False, sound, 160))
    out = block(feeder)
    assert out[0] == 1
    assert not out[40:].any()
    assert np.all(np.diff(out) <= 0)


def test_changing_the_loop_goes_on_unbroken() -> None:
    feeder, sound = Feeder(), ramp(1.0)
    feeder.give(Order(1, True, sound, 0))
    block(feeder)
    feeder.give(Order(1, True, sound, None, (0, 200)))
    heard = block(feeder)
    np.testing.assert_array_equal(heard, (np.arange(160, 320)) % 200 + 1)
    assert feeder.anchor is not None
    assert feeder.anchor.previous is not None


def test_volume_is_ramped() -> None:
    feeder, sound = Feeder(), Sound(np.ones((8000, 2), np.float32), RATE_HZ)
    feeder.give(Order(1, True, sound, 0))
    block(feeder)
    feeder.volume = 0.0
    out = block(feeder)
    assert out[0] == 1
    assert out[-1] == 0
    assert not block(feeder).any()


def test_anchors_say_what_is_heard_when() -> None:
    feeder = Feeder()
    feeder.give(Order(7, True, ramp(1.0), 800))
    block(feeder)
    block(feeder)
    anchor = feeder.anchor
    assert anchor is not None
    assert (anchor.running, anchor.delivered, anchor.segment.generation) == (160, 320, 7)
    assert anchor.segment.position(160) == 960
