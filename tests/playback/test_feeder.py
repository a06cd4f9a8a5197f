from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from studio.playback.feeder import Feeder, Order
from studio.playback.sound import Sound
from tests.playback.fake_audio import RATE_HZ, ramp

FADE = 32  # 4 ms


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
    place = (np.arange(90, 90 + 320) - 100) % 50
    plain = place < 50 - FADE
    np.testing.assert_array_equal(heard[40:][plain[40:]], (place + 101)[40:][plain[40:]])


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
    place = np.arange(160, 320) % 200
    plain = place < 200 - FADE
    np.testing.assert_array_equal(heard[plain], place[plain] + 1)
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


def test_a_loop_does_not_click() -> None:
    time = np.arange(8000) / RATE_HZ
    sound = Sound(np.sin(2 * np.pi * 220 * time).astype(np.float32)[:, None], RATE_HZ)
    feeder = Feeder()
    feeder.give(Order(1, True, sound, 1000, (1000, 2009)))  # cuts the tone at its crest
    heard = np.concatenate([block(feeder) for _ in range(30)])
    assert np.abs(np.diff(heard)).max() < 1.5 * 2 * np.pi * 220 / RATE_HZ


def test_a_loop_from_the_clips_first_sample_fades_instead_of_wrapping() -> None:
    feeder = Feeder()
    feeder.give(Order(1, True, Sound(np.ones((400, 1), np.float32), RATE_HZ), 0, (0, 400)))
    heard = np.concatenate([block(feeder) for _ in range(3)])
    assert heard[399] == 0
    assert heard[400] == 1
    assert np.all(np.diff(heard[368:400]) <= 0)


def test_an_early_end_fades_out() -> None:
    feeder = Feeder()
    feeder.give(Order(1, True, Sound(np.ones((8000, 1), np.float32), RATE_HZ), 0, until=200))
    heard = np.concatenate([block(feeder), block(feeder)])
    assert heard[160] == 1
    assert np.abs(np.diff(heard[150:])).max() < 0.05
    assert not heard[200:].any()
    assert feeder.anchor is not None
    assert feeder.anchor.segment.end == 200


def grains(starts: list[int | None], sound: Sound) -> NDArray[np.float32]:
    """What is heard of scrubs, one chance per block of 20 ms."""
    feeder = Feeder()
    heard = []
    for i, start in enumerate(starts):
        if start is not None:
            feeder.give(Order(i, False, sound, start, grain=True))
        heard.append(block(feeder))
    return np.concatenate(heard)


def test_one_scrub_is_one_windowed_grain() -> None:
    heard = grains([4000, None, None, None, None], Sound(np.ones((8000, 1), np.float32), RATE_HZ))
    assert heard[0] < 0.01
    assert heard[280] == pytest.approx(1.0, abs=0.01)
    assert not heard[560:].any()
    assert np.abs(np.diff(heard)).max() < 0.01


def test_a_moving_hand_is_heard_evenly_however_often_it_moves() -> None:
    sound = Sound(np.ones((8000, 1), np.float32), RATE_HZ)
    heard = grains([4000 + 50 * i for i in range(20)], sound)
    assert np.ptp(heard[560:2800]) < 0.01  # windows half a length apart add up to one
    assert heard[560] == pytest.approx(1.0, abs=0.01)


def test_a_grain_at_either_end_of_the_clip_has_silence_beyond() -> None:
    sound = Sound(np.ones((8000, 1), np.float32), RATE_HZ)
    first = grains([0, None, None, None], sound)
    assert not first[:280].any()
    assert first[280] > 0.9
    last = grains([8000, None, None, None], sound)
    assert last[279] > 0.9
    assert not last[280:].any()


def test_playing_ends_the_grains_that_wait() -> None:
    feeder, sound = Feeder(), Sound(np.ones((8000, 1), np.float32), RATE_HZ)
    feeder.give(Order(1, False, sound, 100, grain=True))
    block(feeder)
    feeder.give(Order(2, False, sound, 200, grain=True))
    feeder.give(Order(3, True, sound, 300))
    heard = np.concatenate([block(feeder) for _ in range(5)])
    assert heard[-1] == 1


def test_one_channel_is_heard_on_both() -> None:
    feeder = Feeder()
    feeder.give(Order(1, True, Sound(np.ones((8000, 1), np.float32), RATE_HZ), 0))
    out = np.zeros((160, 2), np.float32)
    feeder.fill(out, 0.0)
    assert out[100].tolist() == [1, 1]
