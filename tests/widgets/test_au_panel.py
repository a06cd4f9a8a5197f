from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from studio.document.action_units import AU_KEYS
from studio.widgets.au_help import LOOK_ALIKES, tool_tip
from studio.widgets.au_slider import MARGIN, AuSlider
from tests.widgets import pointer
from tests.widgets.conftest import Studio


def spot(slider: AuSlider, intensity: float) -> QPoint:
    """Where the handle is at that intensity."""
    return QPoint(round(MARGIN + (slider.width() - 2 * MARGIN) * intensity / 5), slider.height() // 2)


def test_a_drag_is_one_entry_and_shows_at_every_step(studio: Studio) -> None:
    slider = studio.window.panel.rows["AU1"].slider
    studio.drag(slider, spot(slider, 0), spot(slider, 4), release=False)
    assert studio.held("AU1") == pytest.approx(4.0, abs=0.06)
    assert len(studio.session.history.commands) == 0  # the hand has not let go
    studio.settle()
    assert studio.red() == pytest.approx(200, abs=3)
    QTest.mouseRelease(slider, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, spot(slider, 4))
    assert len(studio.session.history.commands) == 1
    studio.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert studio.held("AU1") is None
    assert slider.intensity() == 0
    studio.settle()
    assert studio.red() == 0
    studio.key(Qt.Key.Key_Y, Qt.KeyboardModifier.ControlModifier)
    assert slider.intensity() == pytest.approx(4.0, abs=0.06)


def test_a_drag_that_returns_leaves_no_entry(studio: Studio) -> None:
    studio.session.hold("AU4", 2.0)
    slider = studio.window.panel.rows["AU4"].slider
    entries = len(studio.session.history.commands)
    studio.press(slider, spot(slider, 4.0))
    pointer.move(slider, spot(slider, 2.0))
    studio.qtbot.wait(1)
    QTest.mouseRelease(slider, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, spot(slider, 2.0))
    if studio.held("AU4") == 2.0:
        assert len(studio.session.history.commands) == entries


def test_double_click_resets(studio: Studio) -> None:
    studio.session.hold("AU12", 3.0)
    row = studio.window.panel.rows["AU12"]
    QTest.mouseDClick(row.slider, Qt.MouseButton.LeftButton, pos=spot(row.slider, 1))
    assert studio.held("AU12") is None
    assert row.slider.intensity() == 0
    studio.session.hold("AU12", 3.0)
    QTest.mouseDClick(row, Qt.MouseButton.LeftButton, pos=QPoint(60, 10))  # the name
    assert studio.held("AU12") is None


def test_keys_step_the_focused_slider_and_stay_out_of_the_transport(studio: Studio) -> None:
    slider = studio.window.panel.rows["AU1"].slider
    slider.setFocus()
    for key, want in (
        (Qt.Key.Key_Right, 0.1),
        (Qt.Key.Key_PageUp, 0.6),
        (Qt.Key.Key_Left, 0.5),
        (Qt.Key.Key_End, 5.0),
    ):
        QTest.keyClick(slider, key)
        assert studio.held("AU1") == pytest.approx(want)
    assert studio.driver.player.position_s == 0
    QTest.keyClick(slider, Qt.Key.Key_Delete)
    assert studio.held("AU1") is None


def test_the_wheel_edits_only_what_has_the_focus(studio: Studio) -> None:
    slider = studio.window.panel.rows["AU1"].slider
    pointer.wheel(slider, 3)
    assert studio.held("AU1") is None
    slider.setFocus()
    pointer.wheel(slider, 3)
    assert studio.held("AU1") == pytest.approx(0.3)


def test_a_typed_value_is_taken_with_return(studio: Studio) -> None:
    field = studio.window.panel.rows["AU26"].value
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "2.75")
    assert studio.held("AU26") is None
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert studio.held("AU26") == 2.75
    QTest.keyClick(field, Qt.Key.Key_Space)
    assert not studio.driver.player.playing  # a field keeps its keys


def test_reset_all_is_one_entry(studio: Studio) -> None:
    for key in ("AU1", "AU12", "AU45"):
        studio.session.hold(key, 2.0)
    entries = len(studio.session.history.commands)
    studio.window.actions_["edit.reset_all"].trigger()
    assert studio.session.held == frozenset()
    assert len(studio.session.history.commands) == entries + 1
    studio.session.undo()
    assert studio.session.held == {"AU1", "AU12", "AU45"}


def test_a_held_value_looks_different_from_a_followed_one(studio: Studio) -> None:
    row = studio.window.panel.rows["AU2"]
    before = row.slider.grab().toImage()
    studio.session.hold("AU2", 0.0)
    assert row.slider.grab().toImage() != before


def test_every_action_unit_is_explained(studio: Studio) -> None:
    assert set(studio.window.panel.rows) == set(AU_KEYS)
    for row in studio.window.panel.rows.values():
        assert row.au.effect in row.toolTip()
        assert row.au.muscles in tool_tip(row.au)


def shown(studio: Studio) -> list[str]:
    return [key for key, row in studio.window.panel.rows.items() if row.isVisible()]


def test_the_search_finds_by_number_name_and_muscle_and_leads_to_the_slider(studio: Studio) -> None:
    panel = studio.window.panel
    studio.key(Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    assert panel.search.hasFocus()
    for text, want in (
        ("12", ["AU12"]),
        ("au2", ["AU2", "AU20", "AU23", "AU25", "AU26"]),
        ("zygomatic", ["AU12"]),
        ("brow rais", ["AU1", "AU2"]),
        ("smile", ["AU6", "AU12"]),
    ):
        panel.search.clear()
        QTest.keyClicks(panel.search, text)
        assert sorted(shown(studio)) == sorted(want), text
    QTest.keyClick(panel.search, Qt.Key.Key_Return)
    assert panel.rows["AU6"].slider.hasFocus()
    panel.start_search()
    panel.search.setText("no such thing")
    assert shown(studio) == []
    assert "no such thing" in panel.nothing.text()
    QTest.keyClick(panel.search, Qt.Key.Key_Escape)
    assert len(shown(studio)) == 17
    assert not panel.nothing.isVisible()


def test_groups_fold_and_a_search_still_finds_in_them(studio: Studio) -> None:
    panel = studio.window.panel
    QTest.mouseClick(panel.headers["brows"].button, Qt.MouseButton.LeftButton)
    assert len(shown(studio)) == 14
    panel.search.setText("brow lowerer")
    assert shown(studio) == ["AU4"]
    panel.search.clear()
    panel.headers["brows"].button.setFocus()
    QTest.keyClick(panel.headers["brows"].button, Qt.Key.Key_Space)
    assert len(shown(studio)) == 17


def test_only_what_is_used_can_be_shown(studio: Studio) -> None:
    panel = studio.window.panel
    QTest.mouseClick(panel.only_used, Qt.MouseButton.LeftButton)
    assert shown(studio) == []
    assert "Move a slider" in panel.nothing.text()
    studio.session.hold("AU12", 2.0)
    studio.window.timeline.toggle_key("AU4")
    assert sorted(shown(studio)) == ["AU12", "AU4"]
    studio.session.undo()
    assert shown(studio) == ["AU12"]


def test_tool_tips_teach(studio: Studio) -> None:
    tip = studio.window.panel.rows["AU12"].toolTip()
    for word in ("AU12", "Zygomaticus major", "AU14", "AU15 lip corner depressor", "AU6 cheek raiser", "maximum"):
        assert word in tip
    assert set(LOOK_ALIKES) == set(AU_KEYS)


def test_what_an_avatar_never_saw_is_hatched_and_told(studio: Studio) -> None:
    panel = studio.window.panel
    ready = studio.window.session.avatar
    assert ready is not None
    assert panel.rows["AU4"].slider.seen == 5.0
    assert "Hatched" not in panel.rows["AU4"].toolTip()
    info = replace(ready.avatar.info, extra={"prior": "nora", "seen": {"AU4": 0.4, "AU1": 0.02, "AU12": 0.97}})
    panel.show_avatar(info)
    assert panel.rows["AU4"].slider.seen == pytest.approx(2.0)
    assert "up to 2.0" in panel.rows["AU4"].toolTip()
    assert "hardly shows" in panel.rows["AU1"].toolTip()
    assert panel.rows["AU12"].slider.seen == 5.0
    panel.show_avatar(ready.avatar.info)
    assert panel.rows["AU4"].slider.seen == 5.0
    assert "Hatched" not in panel.rows["AU4"].toolTip()
