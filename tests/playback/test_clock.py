from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.playback.clock import Anchor, AnchorMaker, AudioClock, Segment

RATE = 1000.0


def anchor(heard_at_s: float, running: int, delivered: int, segment: Segment) -> Anchor:
    return Anchor(heard_at_s, running, delivered, RATE, segment)


def test_a_segment_plays_on_to_its_end_and_stays() -> None:
    segment = Segment(1, running=500, start=100, end=1000)
    assert segment.position(500) == 100
    assert segment.position(700) == 300
    assert segment.position(9000) == 1000
    assert segment.position(0) == 100


@given(st.integers(0, 999), st.integers(0, 5000), st.integers(0, 800), st.integers(1, 199))
def test_a_loop_never_leaves_its_region_once_inside(start: int, played: int, first: int, length: int) -> None:
    segment = Segment(1, 0, start, 1000, (first, first + length))
    place = segment.position(played)
    if start >= first + length:
        assert place == min(start + played, 1000)
    elif start + played >= first + length:
        assert first <= place < first + length
        assert segment.position(played + length) == pytest.approx(place)
    else:
        assert place == start + played


def test_the_clock_extrapolates_between_anchors() -> None:
    clock = AudioClock()
    clock.hold(1, 0.0)
    a = anchor(10.0, 0, 1000, Segment(1, 0, 0, 10_000))
    assert clock.position_s(a, 10.25) == pytest.approx(0.25)


def test_the_clock_never_passes_what_was_delivered() -> None:
    clock = AudioClock()
    clock.hold(1, 0.0)
    a = anchor(10.0, 0, 100, Segment(1, 0, 0, 10_000))
    assert clock.position_s(a, 12.0) == pytest.approx(0.1)


def test_the_clock_waits_at_a_new_order_until_it_is_heard() -> None:
    clock = AudioClock()
    clock.hold(2, 3.0)
    assert clock.position_s(anchor(10.0, 0, 100, Segment(1, 0, 0, 10_000)), 10.05) == 3.0
    new = anchor(10.1, 100, 200, Segment(2, 150, 3000, 10_000))
    assert clock.position_s(new, 10.12) == pytest.approx(3.0)
    assert clock.position_s(new, 10.18) == pytest.approx(3.03)


@given(st.lists(st.tuples(st.floats(0, 0.05), st.floats(-0.02, 0.02)), min_size=2, max_size=40))
def test_the_clock_never_runs_backwards_however_anchors_jitter(steps: list[tuple[float, float]]) -> None:
    clock, now, last = AudioClock(), 10.0, 0.0
    clock.hold(1, 0.0)
    segment = Segment(1, 0, 0, 10**9)
    for i, (step, jitter) in enumerate(steps):
        now += step
        position = clock.position_s(anchor(10.0 + i * 0.02 + jitter, i * 20, i * 20 + 100, segment), now)
        assert position >= last
        last = position


def test_a_loop_changed_without_a_seek_maps_what_is_still_heard_by_the_old_segment() -> None:
    clock = AudioClock()
    clock.hold(1, 0.0)
    old, new = Segment(1, 0, 0, 10_000), Segment(1, 500, 500, 10_000, (400, 600))
    a = Anchor(10.0, 450, 700, RATE, new, previous=old)
    assert clock.position_s(a, 10.0) == pytest.approx(0.45)
    assert clock.position_s(a, 10.2) == pytest.approx(0.45)  # 650 is 450 again


@pytest.mark.parametrize(
    ("device_now", "device_dac"),
    [(0.0, 0.0), (5.0, 5.0), (5.0, 4.0), (5.0, 5000.0)],
    ids=["zeros", "dac is now", "dac is past", "another epoch"],
)
def test_an_implausible_delay_falls_back_to_the_latency(device_now: float, device_dac: float) -> None:
    maker = AnchorMaker(0.08)
    assert maker.heard_at(100.0, device_now, device_dac, 0, RATE) == pytest.approx(100.08)
    assert not maker.trusted


def test_a_device_clock_that_stands_still_is_not_believed() -> None:
    maker = AnchorMaker(0.08)
    maker.heard_at(100.0, 5.0, 5.01, 0, RATE)
    assert maker.trusted
    maker.heard_at(100.02, 5.0, 5.01, 20, RATE)
    assert not maker.trusted


def test_jitter_is_smoothed_and_a_stall_is_believed() -> None:
    maker = AnchorMaker(0.0)
    maker.heard_at(100.0, 1.0, 1.05, 0, RATE)
    assert maker.heard_at(100.03, 1.03, 1.08, 20, RATE) == pytest.approx(100.071)  # 10 ms late: a tenth believed
    assert maker.heard_at(101.5, 2.5, 2.55, 40, RATE) == pytest.approx(101.55)
