from __future__ import annotations

import pytest

from studio.playback.pacer import MAX_LEAD_S, FramePacer


def run(draw_s: float, seconds: float = 4.0, tick_s: float = 0.008) -> tuple[FramePacer, list[float]]:
    """Plays against an engine that takes `draw_s` for each picture; returns offsets picture minus sound."""
    pacer, offsets, now = FramePacer(25.0), [], 0.0
    busy_until, drawing, asked = 0.0, None, 0.0
    waiting: list[float] = []
    while now < seconds:
        if drawing is not None and now >= busy_until:
            pacer.ready(asked, busy_until)
            waiting.append(drawing)
            drawing = None
        while waiting and waiting[0] <= now + tick_s / 2:
            pacer.shown(waiting[0], now, now)
            offsets.append(waiting.pop(0) - now)
        if drawing is None and (due := pacer.due(now + pacer.lead_s)) is not None:
            drawing, asked, busy_until = due, now, now + draw_s
        now += tick_s
    return pacer, offsets[12:]


@pytest.mark.parametrize("draw_ms", [2, 15, 30, 39, 60, 125, 300])
def test_pictures_show_what_is_heard_however_slow_the_engine(draw_ms: int) -> None:
    _, offsets = run(draw_ms / 1000, seconds=10.0)
    offsets.sort()
    assert abs(offsets[len(offsets) // 2]) < 0.010
    assert abs(offsets[0]) < 0.045
    assert abs(offsets[-1]) < 0.045


def test_an_engine_that_keeps_up_draws_each_frame_of_the_project_once() -> None:
    pacer, _ = run(0.01)
    pace = pacer.pace(4.0)
    assert pace.dropped == 0
    assert 97 <= pace.shown <= 101
    assert pace.fps == pytest.approx(25, abs=1)


def test_a_slow_engine_drops_frames_and_counts_them() -> None:
    pacer, _ = run(0.125)
    pace = pacer.pace(4.0)
    assert pace.shown + pace.dropped == pytest.approx(100, abs=5)
    assert pace.fps == pytest.approx(8, abs=1)


def test_the_lead_is_bounded() -> None:
    pacer = FramePacer(25.0)
    for i in range(20):
        pacer.ready(float(i), float(i) + 3.0)
    assert pacer.lead_s == MAX_LEAD_S


def test_a_restart_asks_again_for_the_same_frame() -> None:
    pacer = FramePacer(25.0)
    first = pacer.due(1.0)
    assert pacer.due(1.0) is None
    pacer.restart()
    assert pacer.due(1.0) == first
