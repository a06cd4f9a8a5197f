"""Every gesture on the canvas with real events; undo and redo after each."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QRect, Qt

from studio.document.curves import Curve, Interpolation
from studio.widgets.timeline.state import GUTTER, RULER_HEIGHT
from tests.widgets.timeline.conftest import ALT, CTRL, SHIFT, Hands

BUMP = Curve().with_key(0.4, 0.0).with_key(1.2, 4.0).with_key(2.4, 1.0)


def test_a_double_click_adds_a_key_on_a_frame(hands: Hands) -> None:
    hands.put(AU1=BUMP)
    before = hands.session.project
    hands.double_click(hands.at("AU1", 3.013, 3.0))
    assert hands.curve("AU1").times_s[-1] == pytest.approx(3.0)
    assert hands.curve("AU1").values[-1] == pytest.approx(3.0, abs=0.12)
    assert hands.history.selection.keys == (("AU1", (3,)),)
    hands.one_entry(before)


def test_a_drag_moves_a_key_in_time_and_value(hands: Hands) -> None:
    hands.put(AU1=BUMP)
    before = hands.session.project
    hands.drag(hands.at("AU1", 1.2, 4.0), hands.at("AU1", 1.803, 2.0))
    assert hands.curve("AU1").times_s[1] == pytest.approx(1.8)
    assert hands.curve("AU1").values[1] == pytest.approx(2.0, abs=0.12)
    hands.one_entry(before)


def test_a_click_selects_without_moving(hands: Hands) -> None:
    hands.put(AU1=BUMP)
    hands.click(hands.at("AU1", 1.2, 4.0))
    assert hands.history.selection.keys == (("AU1", (1,)),)
    assert not hands.history.commands
    hands.click(hands.at("AU1", 2.4, 1.0), CTRL)
    assert hands.history.selection.keys == (("AU1", (1, 2)),)
    hands.click(hands.at("AU1", 3.4, 4.0))
    assert hands.history.selection.keys == ()
    assert hands.history.selection.lane == "AU1"


def test_shift_keeps_to_an_axis_and_alt_leaves_the_frames(hands: Hands) -> None:
    hands.put(AU1=BUMP)
    hands.drag(hands.at("AU1", 1.2, 4.0), hands.at("AU1", 1.8, 3.0), SHIFT)
    assert hands.curve("AU1").values[1] == 4.0
    assert hands.curve("AU1").times_s[1] == pytest.approx(1.8)
    hands.drag(hands.at("AU1", 1.8, 4.0), hands.at("AU1", 2.013, 3.0), ALT)
    time_s = float(hands.curve("AU1").times_s[1])
    assert time_s != pytest.approx(2.0, abs=1e-6)
    assert time_s == pytest.approx(2.013, abs=0.01)


def test_a_drag_catches_on_a_key_of_another_lane(hands: Hands) -> None:
    odd_s = 2.0137
    hands.put(AU1=BUMP, AU4=Curve().with_key(odd_s, 2.0))
    hands.drag(hands.at("AU1", 1.2, 4.0), hands.at("AU1", 2.005, 4.0), release=False)
    assert hands.state.caught_s == odd_s
    assert hands.curve("AU1").times_s[1] == pytest.approx(odd_s)
    hands.studio.qtbot.keyClick(hands.canvas, Qt.Key.Key_Escape)
    assert hands.curve("AU1") == BUMP
    assert not hands.history.commands


def test_a_box_selects_over_lanes_and_delete_takes_away(hands: Hands) -> None:
    hands.put(AU1=BUMP, AU2=BUMP)
    before = hands.session.project
    start, end = hands.at("AU1", 0.8, 5.0), hands.at("AU2", 3.0, 0.2)
    hands.drag(start, end)
    assert hands.history.selection.keys == (("AU1", (1, 2)), ("AU2", (1, 2)))
    assert not hands.history.commands
    hands.studio.key(Qt.Key.Key_Delete)
    assert len(hands.curve("AU1")) == len(hands.curve("AU2")) == 1
    hands.one_entry(before)


def test_a_group_moves_together(hands: Hands) -> None:
    hands.put(AU1=BUMP, AU2=BUMP)
    before = hands.session.project
    hands.studio.key(Qt.Key.Key_A, CTRL)
    hands.drag(hands.at("AU2", 1.2, 4.0), hands.at("AU2", 1.6, 4.0), SHIFT)
    for key in ("AU1", "AU2"):
        assert hands.curve(key).times_s.tolist() == pytest.approx([0.8, 1.6, 2.8])
    hands.one_entry(before)


def test_nothing_moves_before_the_start(hands: Hands) -> None:
    hands.put(AU1=BUMP)
    hands.studio.key(Qt.Key.Key_A, CTRL)
    hands.drag(hands.at("AU1", 1.2, 4.0), hands.at("AU1", 0.1, 4.0), SHIFT)
    assert hands.curve("AU1").times_s[0] == 0.0


def test_a_handle_turns(hands: Hands) -> None:
    hands.put(AU1=BUMP)
    hands.click(hands.at("AU1", 1.2, 4.0))
    before = hands.session.project
    row = hands.state.row_of("AU1")
    assert row is not None
    index, side, x, y = hands.state.handles_of(row)[1]
    assert (index, side) == (1, "right")
    hands.drag(QPoint(round(x), round(y)), QPoint(round(x) + 8, round(y) + 14))
    assert hands.curve("AU1").key(1).right[1] < -0.5
    hands.one_entry(before)


def test_ctrl_wheel_zooms_about_the_pointer_and_f_fits(hands: Hands) -> None:
    hands.put(AU1=BUMP)
    at = hands.at("AU1", 1.5, 2.0)
    held_s = hands.state.view.time_at(at.x())
    hands.wheel(at, 4, CTRL)
    assert hands.state.view.span_s < 2.0
    assert hands.state.view.time_at(at.x()) == pytest.approx(held_s)
    start_s = hands.state.view.start_s
    hands.wheel(QPoint(at.x(), RULER_HEIGHT + 5), -2)
    assert hands.state.view.start_s > start_s
    hands.canvas.setFocus()
    hands.studio.qtbot.keyClick(hands.canvas, Qt.Key.Key_F)
    assert hands.state.view.whole


def test_keys_zoom_and_show_what_is_selected(hands: Hands) -> None:
    hands.put(AU1=BUMP)
    hands.canvas.setFocus()
    whole_s = hands.state.view.span_s
    hands.studio.key(Qt.Key.Key_Plus)
    assert hands.state.view.span_s < whole_s
    hands.studio.key(Qt.Key.Key_Minus)
    assert hands.state.view.span_s == pytest.approx(whole_s)
    hands.studio.key(Qt.Key.Key_A, CTRL)
    hands.studio.key(Qt.Key.Key_F, SHIFT)
    view = hands.state.view
    assert 0.0 < view.start_s < 0.4
    assert 2.4 < view.end_s < whole_s


def test_the_middle_button_pans(hands: Hands) -> None:
    hands.put(AU1=BUMP)
    hands.canvas.zoom(4.0)
    start_s = hands.state.view.start_s
    at = QPoint(600, RULER_HEIGHT + 20)
    hands.studio.drag(hands.canvas, at, at - QPoint(60, 0), Qt.MouseButton.MiddleButton)
    assert hands.state.view.start_s > start_s
    assert not hands.history.commands


def test_markers_are_made_dragged_and_deleted(hands: Hands) -> None:
    hands.studio.driver.seek(1.0)
    hands.put()
    hands.studio.key(Qt.Key.Key_M, CTRL)
    assert [m.time_s for m in hands.session.project.markers] == [1.0]
    hands.history.reset(hands.session.project)
    before = hands.session.project
    x = round(hands.canvas.x_of(1.0))
    hands.drag(QPoint(x, 6), QPoint(round(hands.canvas.x_of(2.0)), 6))
    assert [m.time_s for m in hands.session.project.markers] == [2.0]
    hands.one_entry(before)
    hands.timeline.editor.delete_marker(0)
    assert not hands.session.project.markers


def test_the_gutter_folds_mutes_and_focuses(hands: Hands) -> None:
    hands.put(AU1=BUMP, AU12=BUMP)
    row = hands.state.row_of("AU12")
    assert row is not None
    before = hands.session.project
    hands.click(QPoint(17, round(hands.state.top_of(row)) + 38))
    lane = hands.session.project.performance.lane("AU12")
    assert lane is not None
    assert lane.mute
    hands.one_entry(before)
    hands.click(QPoint(60, round(hands.state.top_of(row)) + 12))
    assert hands.history.selection.lane == "AU12"
    group = next(row for row in hands.state.rows if row.kind == "group" and row.group == "brows")
    at = QPoint(20, round(hands.state.top_of(group)) + 8)
    hands.click(at)
    assert hands.state.row_of("AU1") is None
    hands.click(at)
    assert hands.state.row_of("AU1") is not None


def test_twenty_thousand_keys_are_drawn(hands: Hands) -> None:
    many = Curve.from_samples([i * 0.0002 for i in range(20_000)], [i % 5 for i in range(20_000)], Interpolation.LINEAR)
    hands.put(AU1=many)
    image = hands.canvas.grab().toImage()
    hands.put(AU1=BUMP)
    assert hands.canvas.grab().toImage() != image


def test_the_playhead_repaints_where_it_was_and_is_and_the_values_as_often_as_they_can_be_read(
    hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    hands.put(AU1=BUMP)
    canvas, rects = hands.canvas, []
    monkeypatch.setattr(canvas, "update", lambda *rect: rects.append(QRect(*rect)))
    middle = (hands.state.top + canvas.height()) // 2
    value = QPoint(GUTTER - 30, middle)

    def moved(position_s: float, *, playing: bool) -> list[QRect]:
        rects.clear()
        before_s = hands.state.position_s
        canvas.move_playhead(position_s, playing=playing)
        for time_s in (before_s, position_s):
            for y in (RULER_HEIGHT - 4, hands.state.top - 1, middle, canvas.height() - 1):
                assert any(rect.contains(QPoint(round(canvas.x_of(time_s)), y)) for rect in rects)
        return rects

    moved(1.0, playing=False)
    assert any(rect.contains(value) for rect in rects)
    repainted = [any(rect.contains(value) for rect in moved(1.0 + 0.03 * i, playing=True)) for i in range(1, 11)]
    assert 2 <= sum(repainted) <= 3
    assert all(rect.width() < 200 for rect in moved(1.34, playing=True))
    assert sum(rect.width() for rect in moved(3.0, playing=True) if rect.contains(rect.left(), middle)) < 120
    moved(3.001, playing=False)
    assert any(rect.contains(value) for rect in rects)
