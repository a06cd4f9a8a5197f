from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.widgets.timeline.view import MIN_SPAN_S, TimeView


def view(total_s: float = 10.0) -> TimeView:
    result = TimeView()
    result.resize(100, 800)
    result.set_total(total_s)
    return result


@given(st.floats(0.5, 3600), st.floats(0.2, 40), st.floats(100, 900))
def test_zoom_keeps_what_is_under_the_pointer_and_stays_inside(total_s: float, factor: float, x: float) -> None:
    shown = view(total_s)
    shown.zoom(8.0, 500)
    before = shown.time_at(x)
    shown.zoom(factor, x)
    inside = 0 < shown.start_s < total_s - shown.span_s
    assert MIN_SPAN_S <= shown.span_s <= max(total_s, MIN_SPAN_S)
    assert -1e-9 <= shown.start_s <= max(0.0, total_s - shown.span_s) + 1e-9
    if inside:
        assert shown.time_at(x) == pytest.approx(before, abs=1e-6)
    assert shown.x_of(shown.time_at(x)) == pytest.approx(x)


def test_what_was_seen_whole_stays_whole_and_what_was_not_stays_put() -> None:
    shown = view()
    shown.set_total(20.0)
    assert shown.whole
    shown.fit(4.0, 6.0)
    shown.set_total(30.0)
    assert (shown.start_s, shown.span_s) == (4.0, 2.0)


def test_following_turns_the_page_only_when_needed() -> None:
    shown = view()
    assert not shown.follow(9.0)
    shown.fit(0.0, 2.0)
    assert not shown.follow(1.5)
    assert shown.follow(2.5)
    assert shown.start_s <= 2.5 <= shown.end_s
