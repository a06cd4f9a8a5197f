"""Head, gaze and blinks by mouse and keyboard."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from studio.document.curves import Curve
from studio.document.lanes import Lane
from studio.document.performance import Performance
from studio.document.takes import Blinks
from studio.engine.avatar import Avatar
from studio.engine.rig import Rig
from studio.widgets.au_slider import AuSlider
from studio.widgets.head_page import HeadPanel
from studio.widgets.names import avatar_title
from tests.widgets import pointer
from tests.widgets.conftest import Studio

LEFT = Qt.MouseButton.LeftButton


def panel(studio: Studio) -> HeadPanel:
    studio.window.inspector.show_page("Head")
    page = studio.window.findChild(HeadPanel)
    assert isinstance(page, HeadPanel)
    return page


def spot(slider: AuSlider, value: float) -> QPoint:
    return QPoint(round(slider.x_of(value)), slider.height() // 2)


def pose(studio: Studio, at_s: float = 0.0) -> list[float]:
    return list(studio.session.project.performance.pose(at_s))


def undo_and_redo(studio: Studio, before: object) -> None:
    after = studio.session.project
    studio.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert studio.session.project == before
    studio.key(Qt.Key.Key_Y, Qt.KeyboardModifier.ControlModifier)
    assert studio.session.project == after


def test_a_drag_turns_the_head_as_one_entry(studio: Studio) -> None:
    page, before = panel(studio), studio.session.project
    slider = page.rows["head_yaw"].slider
    studio.drag(slider, spot(slider, 0.0), spot(slider, 20.0))
    assert pose(studio)[0] == pytest.approx(20.0, abs=0.8)
    assert [command.label for command in studio.session.history.commands] == ["Set Head turn"]
    undo_and_redo(studio, before)


def test_the_middle_catches_unless_shift_is_held(studio: Studio) -> None:
    page = panel(studio)
    slider = page.rows["gaze_yaw"].slider
    near = spot(slider, 0.0) + QPoint(2, 0)
    studio.drag(slider, spot(slider, 20.0), near)
    assert pose(studio)[3] == 0.0
    near += QPoint(1, 0)  # elsewhere than before: no double-click
    QTest.mousePress(slider, LEFT, Qt.KeyboardModifier.ShiftModifier, near)
    QTest.mouseRelease(slider, LEFT, Qt.KeyboardModifier.ShiftModifier, near)
    assert 0.0 < pose(studio)[3] < 4.0


def test_double_click_resets_and_fields_take_more_than_the_slider_shows(studio: Studio) -> None:
    page = panel(studio)
    row = page.rows["head_yaw"]
    row.value.setFocus()
    row.value.selectAll()
    QTest.keyClicks(row.value, "70")
    QTest.keyClick(row.value, Qt.Key.Key_Return)
    assert pose(studio)[0] == 70.0
    assert row.slider.value() == row.slider.maximum()
    QTest.mouseDClick(row.slider, LEFT, pos=spot(row.slider, 10.0))
    assert pose(studio)[0] == 0.0
    assert studio.session.project.performance.lane("head_yaw") is None


def test_keys_step_by_degrees(studio: Studio) -> None:
    slider = panel(studio).rows["head_pitch"].slider
    slider.setFocus()
    QTest.keyClick(slider, Qt.Key.Key_Right)
    QTest.keyClick(slider, Qt.Key.Key_PageDown)
    assert pose(studio)[1] == pytest.approx(-4.0)
    QTest.keyClick(slider, Qt.Key.Key_Delete)
    assert pose(studio)[1] == 0.0


def test_the_diamond_and_auto_key_make_keys(studio: Studio) -> None:
    page = panel(studio)
    row = page.rows["head_roll"]
    QTest.mouseClick(row.key, LEFT)
    studio.driver.seek(1.0)
    before = studio.session.project
    studio.drag(row.slider, spot(row.slider, 0.0), spot(row.slider, -10.0))
    lane = studio.session.project.performance.lane("head_roll")
    assert lane is not None
    assert lane.curve.times_s.tolist() == [0.0, 1.0]
    assert lane.curve.values[1] == pytest.approx(-10.0, abs=0.8)  # below zero: not cut off like an intensity
    undo_and_redo(studio, before)


def test_a_movement_while_it_plays_is_recorded_in_degrees(studio: Studio) -> None:
    page = panel(studio)
    studio.session.history.apply(
        "lane", studio.session.project.perform(lambda p: p.with_curve("head_yaw", Curve().with_key(0.0, 0.0)))
    )
    before = studio.session.project
    slider = page.rows["head_yaw"].slider
    studio.driver.toggle()
    studio.press(slider, spot(slider, 0.0))
    for step in range(1, 9):
        pointer.move(slider, spot(slider, 3.0 * step))
        studio.advance(0.1)
    QTest.mouseRelease(slider, LEFT, Qt.KeyboardModifier.NoModifier, spot(slider, 24.0))
    studio.driver.pause()
    lane = studio.session.project.performance.lane("head_yaw")
    assert lane is not None
    assert lane.curve.values.max() > 15.0
    assert studio.session.history.undo_label == "Record Head turn"
    undo_and_redo(studio, before)


def blinks(studio: Studio) -> Blinks | None:
    return studio.session.project.performance.base.blinks


def test_blinks_are_switched_on_and_shaped(studio: Studio) -> None:
    page, before = panel(studio), studio.session.project
    controls = page.blinks
    assert not controls.rate.isEnabled()
    QTest.mouseClick(controls.on, LEFT, pos=QPoint(8, controls.on.height() // 2))
    assert blinks(studio) == Blinks()
    undo_and_redo(studio, before)
    before = studio.session.project
    slider = controls.rate.slider
    studio.drag(slider, spot(slider, 14.0), spot(slider, 40.0))
    made = blinks(studio)
    assert made is not None
    assert made.per_minute == pytest.approx(40.0, abs=1.0)
    assert studio.session.history.undo_label == "Set blink rate"
    undo_and_redo(studio, before)
    controls.seed.setFocus()
    controls.seed.selectAll()
    QTest.keyClicks(controls.seed, "7")
    QTest.keyClick(controls.seed, Qt.Key.Key_Return)
    slider = controls.strength.slider
    studio.drag(slider, spot(slider, 5.0), spot(slider, 3.0))
    made = blinks(studio)
    assert made is not None
    assert (made.seed, made.intensity) == (7, pytest.approx(3.0, abs=0.06))
    QTest.mouseClick(controls.another, LEFT)
    QTest.mouseClick(controls.on, LEFT, pos=QPoint(8, controls.on.height() // 2))
    assert blinks(studio) is None


def test_blinks_become_keys_that_look_the_same(studio: Studio) -> None:
    page = panel(studio)
    base = replace(studio.session.project.performance.base, blinks=Blinks(per_minute=40, seed=3))
    studio.session.history.apply("b", studio.session.project.perform(lambda p: replace(p, base=base)))
    assert page.blinks.count.text().endswith("in this clip")
    before = studio.session.project
    times = np.linspace(0.0, 3.9, 400)
    shown = before.performance.sample(times)
    QTest.mouseClick(page.blinks.to_keys, LEFT)
    assert blinks(studio) is None
    lane = studio.session.project.performance.lane("AU45")
    assert isinstance(lane, Lane)
    assert len(lane.curve) >= 8
    assert np.abs(studio.session.project.performance.sample(times) - shown).max() < 0.15
    undo_and_redo(studio, before)


def test_an_avatar_that_cannot_turn_says_so(qtbot: QtBot, avatar: Avatar) -> None:
    still = torch.zeros_like(avatar.rig.weights)
    still[:, 0] = 1.0
    studio = Studio(qtbot, replace(avatar, rig=Rig(still, avatar.rig.pivots))).open(None)
    page = panel(studio)
    assert not page.rows["head_yaw"].isEnabled()
    assert not page.rows["gaze_yaw"].isEnabled()
    assert "head cannot be moved" in page.head.reason.text()
    assert "eyes cannot be moved" in page.gaze.reason.text()
    assert not page.blinks.to_keys.isEnabled()
    studio.close()


def test_avatars_have_proper_names() -> None:
    assert [avatar_title(name) for name in ("nora", "my_head-2", "")] == ["Nora", "My head 2", "Avatar"]


def test_empty_performances_have_nothing_to_convert() -> None:
    from studio.document.conversions import blinks_to_keys

    assert blinks_to_keys(Performance(), 4.0) == Performance()
