from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.playback.player import Player, State, silent_sound
from tests.playback.fake_audio import FakeAudioDevice, ramp


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
    notices: list[str] = []
    player.on_notice = notices.append
    device.advance(1.0)
    at = player.position_s
    device.lost = True
    player.tick()
    assert player.playing
    assert device.closed
    assert player.position_s == pytest.approx(at, abs=0.2)
    assert "fake" in notices[0]


def test_volume_reaches_the_next_output_too() -> None:
    player = playing(FakeAudioDevice())
    player.set_volume(0.25)
    other = FakeAudioDevice()
    player.set_output(other)
    assert other.volume == 0.25


@settings(max_examples=60)
@given(
    st.lists(st.sampled_from(["play", "pause", "seek", "loop", "region", "advance", "stop"]), max_size=25), st.randoms()
)
def test_any_order_of_orders_keeps_the_position_in_the_clip(orders: list[str], random: np.random.Generator) -> None:
    device = FakeAudioDevice()
    player = Player(device)
    player.load(ramp(2.0))
    for order in orders:
        if order == "seek":
            player.seek(random.uniform(-1, 3))
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
