"""Actions on the selection, by keyboard and toolbar."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from studio.document.curves import Curve, Handle, Interpolation
from tests.widgets.timeline.conftest import ALT, CTRL, LEFT, NONE, Hands

BUMP = Curve().with_key(0.4, 0.0).with_key(1.2, 4.0).with_key(2.4, 1.0)


def select(hands: Hands, *indices: int) -> None:
    hands.history.select(type(hands.history.selection)((("AU1", indices),), lane="AU1"))


def test_k_makes_a_key_under_the_playhead_that_keeps_the_shape(hands: Hands) -> None:
    hands.put(AU1=BUMP)
    hands.timeline.editor.focus_lane("AU1")
    hands.studio.driver.seek(1.0)
    before = hands.session.project
    hands.studio.key(Qt.Key.Key_K)
    assert hands.curve("AU1").at(1.0) == 1
    for time_s in (0.7, 1.1, 1.9):
        assert hands.curve("AU1").value(time_s) == pytest.approx(BUMP.value(time_s), abs=1e-6)
    hands.one_entry(before)


def test_k_stops_what_runs(hands: Hands) -> None:
    hands.studio.key(Qt.Key.Key_L)
    assert hands.studio.driver.player.playing
    hands.studio.key(Qt.Key.Key_K)
    assert not hands.studio.driver.player.playing
    hands.studio.driver.seek(2.0)
    hands.studio.key(Qt.Key.Key_J)
    hands.studio.key(Qt.Key.Key_J)
    assert hands.window.shuttle.speed == -2.0
    hands.window.shuttle.tick()
    assert hands.studio.driver.player.position_s < 2.0
    hands.studio.key(Qt.Key.Key_K)
    assert not hands.window.shuttle.moving
    assert not hands.history.commands


def test_k_without_a_lane_says_what_to_do(hands: Hands) -> None:
    hands.studio.key(Qt.Key.Key_K)
    assert "lane" in hands.window.status.text()


def test_arrows_with_alt_nudge(hands: Hands) -> None:
    hands.put(AU1=BUMP)
    select(hands, 1)
    before = hands.session.project
    hands.studio.key(Qt.Key.Key_Right, ALT)
    assert hands.curve("AU1").times_s[1] == pytest.approx(1.24)
    hands.one_entry(before)
    hands.studio.key(Qt.Key.Key_Down, ALT)
    assert hands.curve("AU1").values[1] == pytest.approx(3.9)


def test_copy_and_paste_into_another_lane(hands: Hands) -> None:
    hands.put(AU1=BUMP, AU4=Curve().with_key(0.0, 1.0))
    select(hands, 1, 2)
    hands.studio.key(Qt.Key.Key_C, CTRL)
    hands.timeline.editor.focus_lane("AU4")
    hands.studio.driver.seek(2.0)
    before = hands.session.project
    hands.studio.key(Qt.Key.Key_V, CTRL)
    assert hands.curve("AU4").times_s.tolist() == pytest.approx([0.0, 2.0, 3.2])
    assert hands.curve("AU4").values.tolist() == pytest.approx([1.0, 4.0, 1.0])
    assert hands.history.selection.keys == (("AU4", (1, 2)),)
    hands.one_entry(before)


def test_cut_and_duplicate(hands: Hands) -> None:
    hands.put(AU1=BUMP)
    select(hands, 0, 1)
    before = hands.session.project
    hands.studio.key(Qt.Key.Key_D, CTRL)
    assert hands.curve("AU1").times_s.tolist() == pytest.approx([0.4, 1.2, 1.24, 2.04, 2.4])
    hands.one_entry(before)
    hands.studio.key(Qt.Key.Key_X, CTRL)
    assert len(hands.curve("AU1")) == 3


def test_interpolation_and_handles_from_the_menu(hands: Hands) -> None:
    hands.put(AU1=BUMP)
    select(hands, 0, 1)
    before = hands.session.project
    hands.window.actions_["keys.linear"].trigger()
    assert hands.curve("AU1").interpolations[:2].tolist() == [Interpolation.LINEAR] * 2
    hands.one_entry(before)
    hands.window.actions_["keys.free"].trigger()
    assert hands.curve("AU1").handles[0] == Handle.FREE


def test_numbers_set_time_and_value(hands: Hands) -> None:
    hands.put(AU1=BUMP)
    select(hands, 1)
    before = hands.session.project
    field = hands.timeline.toolbar.time
    assert field.value() == pytest.approx(1.2)
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "1.5")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert hands.curve("AU1").times_s[1] == pytest.approx(1.5)
    hands.one_entry(before)
    field = hands.timeline.toolbar.value
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "2.25")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert hands.curve("AU1").values[1] == 2.25


def test_numbers_are_empty_while_nothing_is_selected(hands: Hands) -> None:
    fields = (hands.timeline.toolbar.time, hands.timeline.toolbar.value)
    hands.put(AU1=BUMP)
    assert [field.text() for field in fields] == ["", ""]
    select(hands, 1)
    assert [field.text() for field in fields] == ["1.200", f"{BUMP.values[1]:.2f}"]
    hands.timeline.editor.deselect()
    assert [field.text() for field in fields] == ["", ""]
    assert not hands.history.commands


def test_a_text_field_keeps_its_keys(hands: Hands) -> None:
    hands.put(AU1=BUMP)
    select(hands, 1)
    field = hands.timeline.toolbar.time
    field.setFocus()
    field.selectAll()
    QTest.keyClick(field, Qt.Key.Key_Delete)
    QTest.keyClick(field, Qt.Key.Key_2)
    assert not hands.history.commands
    assert len(hands.curve("AU1")) == 3


@pytest.mark.parametrize("action", ["keys.ease_in_out", "keys.mirror", "keys.bake", "keys.overshoot"])
def test_a_tool_is_one_entry(hands: Hands, action: str) -> None:
    hands.put(AU1=BUMP)
    hands.timeline.editor.focus_lane("AU1")  # no keys selected: the whole lane
    before = hands.session.project
    hands.window.actions_[action].trigger()
    hands.one_entry(before)


def test_smooth_with_an_amount_is_live_and_one_entry(hands: Hands) -> None:
    hands.put(AU1=BUMP)
    hands.timeline.editor.focus_lane("AU1")
    before = hands.session.project
    hands.window.actions_["keys.scale_values"].trigger()
    panel = hands.timeline.amount
    panel.field.setValue(50.0)
    assert hands.curve("AU1").values[1] == pytest.approx(2.0)
    assert not hands.history.commands
    panel.field.setValue(25.0)
    QTest.keyClick(panel.field, Qt.Key.Key_Return)
    assert not panel.isVisible()
    assert hands.curve("AU1").values[1] == pytest.approx(1.0)
    hands.one_entry(before)


def test_simplify_tells_how_many_keys_are_left_and_escape_takes_it_back(hands: Hands) -> None:
    dense = Curve.from_samples([i * 0.04 for i in range(60)], [2 + (i % 2) * 0.01 for i in range(60)])
    hands.put(AU1=dense)
    hands.timeline.editor.focus_lane("AU1")
    hands.window.actions_["keys.simplify"].trigger()
    panel = hands.timeline.amount
    assert panel.result.text().startswith("60 →")
    assert len(hands.curve("AU1")) < 10
    QTest.keyClick(panel.field, Qt.Key.Key_Escape)
    assert hands.curve("AU1") == dense
    assert not hands.history.commands


def test_tools_without_keys_say_so(hands: Hands) -> None:
    hands.window.actions_["keys.smooth"].trigger()
    assert "Select keys" in hands.window.status.text()


def test_a_lane_is_added_from_the_menu(hands: Hands) -> None:
    hands.timeline.toolbar.lane_menu.aboutToShow.emit()
    action = next(a for a in hands.timeline.toolbar.lane_menu.actions() if a.text().startswith("AU9 "))
    action.trigger()
    assert hands.state.row_of("AU9") is not None
    assert not hands.history.commands
    hands.double_click(hands.at("AU9", 1.0, 2.0))
    assert len(hands.curve("AU9")) == 1


def test_time_and_value_can_be_typed_in_a_panel(hands: Hands) -> None:
    hands.put(AU1=Curve().with_key(1.0, 2.0).with_key(3.0, 1.0))
    hands.studio.key(Qt.Key.Key_N)
    assert "Select keys" in hands.window.status.text()
    before = hands.session.project
    hands.click(hands.at("AU1", 1.0, 2.0))
    hands.studio.key(Qt.Key.Key_N)
    panel = hands.timeline.numbers
    assert panel.isVisible()
    assert (panel.time.value(), panel.value.value()) == (1.0, 2.0)
    panel.time.setValue(1.5)
    assert hands.curve("AU1").times_s.tolist() == [1.5, 3.0]
    hands.studio.qtbot.keyClick(panel, Qt.Key.Key_Return)
    assert not panel.isVisible()
    hands.one_entry(before)


def test_the_lasso_tool_draws_around_keys_without_a_modifier(hands: Hands) -> None:
    hands.put(AU1=Curve().with_key(1.0, 2.0).with_key(3.0, 1.0))
    hands.studio.key(Qt.Key.Key_Q)
    assert hands.state.lassoing
    QTest.mousePress(hands.canvas, LEFT, NONE, hands.at("AU1", 0.5, 4.5))
    for time_s, value in ((1.6, 4.5), (1.6, 0.5), (0.5, 0.5)):
        hands.move(hands.at("AU1", time_s, value))
    QTest.mouseRelease(hands.canvas, LEFT, NONE, hands.at("AU1", 0.5, 0.5))
    assert hands.history.selection.keys == (("AU1", (0,)),)


def test_escape_takes_a_range_back_that_is_being_marked(hands: Hands) -> None:
    hands.put()
    before = hands.session.project
    start, end = (QPoint(round(hands.canvas.x_of(time_s)), 8) for time_s in (1.0, 2.0))
    hands.drag(start, end, release=False)
    assert hands.session.range_s == pytest.approx((1.0, 2.0))
    hands.canvas.setFocus()
    hands.studio.qtbot.keyClick(hands.canvas, Qt.Key.Key_Escape)
    assert hands.session.project == before
    hands.drag(start, end)
    hands.one_entry(before)
