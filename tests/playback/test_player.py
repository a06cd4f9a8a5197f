from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.playback.feeder import Feeder, Order
from studio.playback.player import Player, State, silent_sound
from studio.playback.sound import Sound
from tests.playback.fake_audio import RATE_HZ, FakeAudioDevice, ramp


def playing(device: FakeAudioDevice, seconds: float = 4.0) -> Player:
    player = Player(device)
    player.load(ramp(seconds))
    player.play()
    return player


def test_nothing_to_play() -> None:
    player = Player(FakeAudioDevice())
    player.play()
    assert player.state is State.EMPTY
    player.load(silent_sound(1.0, 8000))
    assert player.state is State.PAUSED


def test_the_position_is_what_is_heard_not_what_was_delivered() -> None:
    device = FakeAudioDevice(latency=0.1)
    player = playing(device)
    device.advance(1.0)
    assert player.position_s == pytest.approx(0.9, abs=0.001)


def test_pause_resumes_where_the_listener_was() -> None:
    device = FakeAudioDevice()
    player = playing(device)
    device.advance(1.0)
    player.pause()
    at = player.position_s
    device.advance(3.0)
    assert player.position_s == at
    player.play()
    device.advance(0.5)
    assert player.position_s == pytest.approx(at + 0.45, abs=0.021)


def test_a_seek_while_playing_stands_there_until_it_is_heard() -> None:
    device = FakeAudioDevice(latency=0.1)
    player = playing(device)
    device.advance(1.0)
    before = player.generation
    player.seek(2.0)
    assert player.generation == before + 1
    device.advance(0.05)
    assert player.position_s == 2.0
    device.advance(0.5)
    assert player.position_s == pytest.approx(2.43, abs=0.021)


def test_the_end_pauses_and_play_starts_over() -> None:
    device = FakeAudioDevice()
    player = playing(device, 1.0)
    device.advance(2.0)
    player.tick()
    assert (player.state, player.position_s) == (State.PAUSED, 1.0)
    player.play()
    assert player.position_s == 0.0


def test_a_loop_goes_round_without_a_new_generation() -> None:
    device = FakeAudioDevice(latency=0.0)
    player = playing(device)
    player.set_loop_region((1.0, 1.5))
    player.set_looping(True)
    generation = player.generation
    device.advance(3.2)
    assert player.generation == generation
    assert 1.0 <= player.position_s < 1.5
    player.tick()
    assert player.playing


def test_a_loop_set_behind_the_playhead_jumps_into_it() -> None:
    device = FakeAudioDevice()
    player = playing(device)
    device.advance(2.0)
    player.set_loop_region((0.5, 1.0))
    player.set_looping(True)
    assert player.position_s == 0.5


def test_a_tiny_loop_region_is_a_slip() -> None:
    player = playing(FakeAudioDevice())
    player.set_loop_region((1.0, 1.01))
    assert player.loop_region_s is None
    player.set_loop_region((2.0, 1.0))
    assert player.loop_region_s == (1.0, 2.0)


def test_stop_returns_to_the_start_of_what_repeats() -> None:
    player = playing(FakeAudioDevice())
    player.set_loop_region((1.0, 2.0))
    player.set_looping(True)
    player.stop()
    assert (player.state, player.position_s) == (State.PAUSED, 1.0)


@pytest.mark.parametrize(
    "device",
    [
        FakeAudioDevice(speed=1.002),
        FakeAudioDevice(speed=0.998, latency=0.2),
        FakeAudioDevice(broken_delay=True),
        FakeAudioDevice(stall=1.65),
    ],
    ids=["fast card", "slow card", "lying clock", "stall"],
)
def test_what_the_clock_says_is_what_the_loudspeaker_plays(device: FakeAudioDevice) -> None:
    player = playing(device, 6.0)
    for _ in range(300):
        device.advance(0.01)
        blocks = len(device.heard)
        assert player.position_s * 8000 <= blocks * 160 + 1e-6  # never past what was delivered
    delivered_s = len(device.heard) * 160 / 8000
    assert delivered_s - player.position_s == pytest.approx(device._latency, abs=0.025)


def test_a_lost_device_goes_on_silently_and_says_so() -> None:
    device = FakeAudioDevice()
    player = playing(device)
    lost: list[str] = []
    player.on_lost = lost.append
    device.advance(1.0)
    at = player.position_s
    device.lost = True
    player.tick()
    assert player.playing
    assert device.closed
    assert player.position_s == pytest.approx(at, abs=0.2)
    player.tick()
    assert lost == ["fake"]
    assert "fake" in (player.output.notice or "")


def test_volume_reaches_the_next_output_too() -> None:
    player = playing(FakeAudioDevice())
    player.set_volume(0.25)
    other = FakeAudioDevice()
    player.set_output(other)
    assert other.volume == 0.25


def stretched_ramp(seconds: float, speed: float) -> Sound:
    """A clip whose samples say which thousandth of the clip they are, at another speed."""
    n = math.ceil(seconds * RATE_HZ / speed)
    samples = (np.arange(n, dtype=np.float32) * speed / RATE_HZ * 1000)[:, None]
    return Sound(samples, RATE_HZ, speed, seconds)


@pytest.mark.parametrize("speed", [0.25, 0.5, 0.75, 1.25, 1.5, 2.0])
def test_at_another_speed_the_clock_says_the_moment_of_the_clip_that_is_heard(speed: float) -> None:
    device = FakeAudioDevice(latency=0.0)
    player = Player(device)
    player.load(stretched_ramp(8.0, speed))
    assert player.duration_s == 8.0
    player.seek(1.0)
    player.play()
    device.advance(1.0)
    assert player.position_s == pytest.approx(1.0 + speed, abs=0.021 * speed)
    assert device.heard[-1][-1, 0] / 1000 == pytest.approx(player.position_s, abs=0.021 * speed)


def test_a_change_of_speed_goes_on_from_what_is_heard() -> None:
    device = FakeAudioDevice(latency=0.1)
    player = Player(device)
    player.load(stretched_ramp(8.0, 1.0))
    player.play()
    device.advance(2.0)
    at = player.position_s
    player.swap_sound(stretched_ramp(8.0, 0.5))
    assert player.position_s == pytest.approx(at)
    assert player.playing
    device.advance(2.0)
    assert player.position_s == pytest.approx(at + 0.95, abs=0.02)
    player.swap_sound(stretched_ramp(8.0, 2.0))
    device.advance(20.0)
    player.tick()
    assert (player.state, player.position_s) == (State.PAUSED, 8.0)


def test_a_loop_at_another_speed_stays_in_its_region() -> None:
    device = FakeAudioDevice(latency=0.0)
    player = Player(device)
    player.load(stretched_ramp(4.0, 0.75))
    player.set_loop_region((1.0, 1.5))
    player.set_looping(True)
    player.seek(1.0)
    player.play()
    for _ in range(60):
        device.advance(0.05)
        assert 1.0 <= player.position_s <= 1.5
    heard = np.concatenate(device.heard)[400:, 0]
    assert heard.max() < 1500


def test_play_around_plays_both_sides_and_returns() -> None:
    device = FakeAudioDevice(latency=0.0)
    player = Player(device)
    player.load(ramp(4.0))
    player.set_looping(True)  # does not count
    player.seek(2.0)
    player.play_around(0.5, 0.25)
    assert player.position_s == 1.5
    device.advance(0.6)
    assert player.position_s == pytest.approx(2.08, abs=0.021)
    for _ in range(20):
        device.advance(0.02)
        player.tick()
    assert (player.state, player.position_s) == (State.PAUSED, 2.0)
    heard = np.concatenate(device.heard)[:, 0]
    assert heard.max() <= 2.25 * RATE_HZ + 1
    assert heard[heard > 0][40] == pytest.approx(1.5 * RATE_HZ, rel=0.01)


def test_play_around_again_is_around_the_same_place() -> None:
    device = FakeAudioDevice(latency=0.0)
    player = Player(device)
    player.load(ramp(4.0))
    player.seek(2.0)
    player.play_around(0.5, 0.5)
    device.advance(0.2)
    player.play_around(0.5, 0.5)
    assert player.position_s == 1.5
    device.advance(0.3)
    player.pause()  # stays where the listener is
    assert player.position_s == pytest.approx(1.78, abs=0.021)
    player.play()
    device.advance(1.5)
    player.tick()
    assert player.playing


def test_a_scrub_is_heard_and_leaves_the_playhead_where_it_was_put() -> None:
    device = FakeAudioDevice(latency=0.0)
    player = Player(device)
    player.load(ramp(4.0))
    player.scrub(2.0)
    device.advance(0.5)
    assert (player.state, player.position_s) == (State.PAUSED, 2.0)
    heard = np.concatenate(device.heard)[:, 0]
    assert heard.max() == pytest.approx(2.0 * RATE_HZ, rel=0.01)  # the window's middle is the place
    assert np.count_nonzero(heard) == pytest.approx(0.07 * RATE_HZ, abs=2)


ORDERS = ["play", "pause", "seek", "loop", "region", "advance", "stop", "scrub", "around", "speed"]


@settings(max_examples=60)
@given(
    st.lists(
        st.sampled_from(ORDERS),
        max_size=25,
    ),
    st.randoms(),
)
def test_any_order_of_orders_keeps_the_position_in_the_clip(orders: list[str], random: np.random.Generator) -> None:
    device = FakeAudioDevice()
    player = Player(device)
    player.load(ramp(2.0))
    for order in orders:
        if order == "seek":
            player.seek(random.uniform(-1, 3))
        elif order == "scrub":
            player.scrub(random.uniform(-1, 3))
        elif order == "around":
            player.play_around(random.uniform(0, 1), random.uniform(0.1, 1))
        elif order == "speed":
            player.swap_sound(stretched_ramp(2.0, random.choice([0.25, 0.75, 1.0, 1.25, 2.0])))
        elif order == "region":
            player.set_loop_region((random.uniform(0, 2), random.uniform(0, 2)))
        elif order == "loop":
            player.set_looping(not player.looping)
        elif order == "advance":
            device.advance(random.uniform(0, 1))
        else:
            getattr(player, order)()
        player.tick()
        assert 0.0 <= player.position_s <= 2.0


def test_two_hours_play_in_bounded_memory() -> None:
    hours = Sound(np.broadcast_to(np.float32(0.25), (round(7200 * RATE_HZ), 1)), RATE_HZ)
    feeder, out = Feeder(), np.empty((round(RATE_HZ / 2), 2), np.float32)
    feeder.give(Order(1, True, hours, 0, (0, hours.length)))
    feeder.fill(out, 0.0)
    tracemalloc.start()
    try:
        for block in range(1, 14_400):
            feeder.fill(out, block / 2)
            if block % 100 == 0:
                feeder.give(Order(block, False, hours, block * 4000, grain=True))
            elif block % 100 == 1:
                feeder.give(Order(block, True, hours, block * 4000))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert feeder.anchor is not None
    assert feeder.anchor.segment.time_s(feeder.anchor.running, RATE_HZ) == pytest.approx(7199.5, abs=1.0)
    assert peak < 2e6
