"""Sliders that write keys, and that record while it plays."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from studio.document.curves import Curve
from studio.widgets.au_slider import MARGIN, AuSlider
from studio.widgets.timeline.recording import TOLERANCE, Recording
from tests.widgets import pointer
from tests.widgets.timeline.conftest import CTRL, LEFT, NONE, Hands

RAMP = Curve().with_key(0.0, 0.0).with_key(4.0, 4.0)


def spot(slider: AuSlider, intensity: float) -> QPoint:
    return QPoint(round(MARGIN + (slider.width() - 2 * MARGIN) * intensity / 5), slider.height() // 2)


def test_a_slider_of_a_lane_with_keys_writes_a_key(hands: Hands) -> None:
    hands.put(AU1=RAMP)
    hands.studio.driver.seek(2.0)
    before = hands.session.project
    slider = hands.window.panel.rows["AU1"].slider
    hands.studio.drag(slider, spot(slider, 2.0), spot(slider, 4.0))
    curve = hands.curve("AU1")
    assert curve.times_s.tolist() == pytest.approx([0.0, 2.0, 4.0])
    assert curve.values[1] == pytest.approx(4.0, abs=0.06)
    hands.one_entry(before)


def test_a_slider_without_keys_holds_unless_auto_key_is_on(hands: Hands) -> None:
    hands.studio.driver.seek(1.0)
    hands.put()
    slider = hands.window.panel.rows["AU4"].slider
    hands.studio.drag(slider, spot(slider, 0.0), spot(slider, 3.0))
    assert hands.studio.held("AU4") == pytest.approx(3.0, abs=0.06)
    assert not hands.curve("AU4").times_s.size
    held = slider.grab().toImage()
    hands.studio.key(Qt.Key.Key_K, CTRL)
    hands.history.reset(hands.session.project)
    before = hands.session.project
    hands.studio.drag(slider, spot(slider, 3.0), spot(slider, 2.0))
    assert hands.curve("AU4").times_s.tolist() == [1.0]
    assert hands.studio.held("AU4") is None
    hands.one_entry(before)
    hands.history.undo()
    assert slider.grab().toImage() == held


@pytest.mark.parametrize("curve", [RAMP, Curve()], ids=["keys", "held"])
def test_escape_takes_a_drag_of_a_slider_back(hands: Hands, curve: Curve) -> None:
    hands.put(AU1=curve)
    hands.studio.driver.seek(2.0)
    before = hands.session.project
    slider = hands.window.panel.rows["AU1"].slider
    shown = slider.value()
    hands.studio.drag(slider, spot(slider, 2.0), spot(slider, 4.0), release=False)
    assert hands.session.project != before
    QTest.keyClick(slider, Qt.Key.Key_Escape)
    assert hands.session.project == before
    assert slider.value() == shown
    pointer.move(slider, spot(slider, 5.0))
    QTest.mouseRelease(slider, LEFT, NONE, spot(slider, 5.0))
    assert hands.session.project == before
    assert not hands.history.commands


def test_a_drag_that_an_undo_has_ended_changes_nothing_more(hands: Hands) -> None:
    hands.put()
    before = hands.session.project
    slider = hands.window.panel.rows["AU1"].slider
    hands.studio.drag(slider, spot(slider, 0.0), spot(slider, 4.0), release=False)
    hands.session.undo()
    hands.studio.qtbot.wait(1)
    pointer.move(slider, spot(slider, 5.0))
    QTest.mouseRelease(slider, LEFT, NONE, spot(slider, 5.0))
    assert hands.session.project == before
    assert not hands.history.commands


def test_the_diamond_makes_and_deletes_a_key(hands: Hands) -> None:
    hands.put(AU1=RAMP)
    hands.studio.driver.seek(3.0)
    before = hands.session.project
    diamond = hands.window.panel.rows["AU1"].key
    empty = diamond.grab().toImage()
    QTest.mouseClick(diamond, LEFT, NONE, diamond.rect().center())
    assert hands.curve("AU1").at(3.0) == 1
    assert diamond.grab().toImage() != empty
    hands.one_entry(before)
    QTest.mouseClick(diamond, LEFT, NONE, diamond.rect().center())
    assert hands.curve("AU1").at(3.0) is None


def test_a_movement_while_it_plays_is_recorded_as_one_simple_curve(hands: Hands) -> None:
    hands.put(AU1=RAMP)
    before = hands.session.project
    slider = hands.window.panel.rows["AU1"].slider
    hands.studio.driver.toggle()
    hands.studio.advance(1.0)
    hands.studio.press(slider, spot(slider, 1.0))
    for i in range(20):
        pointer.move(slider, spot(slider, 1.0 + i * 0.15))
        hands.studio.qtbot.wait(1)
        hands.studio.advance(0.04)
    assert hands.studio.driver.player.playing
    assert not hands.history.commands
    QTest.mouseRelease(slider, LEFT, NONE, spot(slider, 3.85))
    hands.studio.driver.pause()
    curve = hands.curve("AU1")
    assert curve.value(1.75) == pytest.approx(3.85, abs=0.5)
    assert curve.value(0.5) == pytest.approx(RAMP.value(0.5), abs=1e-3)
    assert curve.value(3.0) == pytest.approx(RAMP.value(3.0), abs=1e-3)
    assert len(curve) < 14
    hands.one_entry(before)


def test_a_recording_keeps_within_its_tolerance_and_starts_again_after_a_loop() -> None:
    recording = Recording(Curve())
    times = np.arange(1.0, 2.0, 0.04)
    for time_s in times:
        recording.add(float(time_s), float(2 + np.sin(time_s * 6)))
    first = recording.finished()
    assert np.abs(first.sample(times) - (2 + np.sin(times * 6))).max() <= TOLERANCE + 1e-6
    assert len(first) < len(times)
    for time_s in (0.96, 1.0, 1.04):
        recording.add(time_s, 0.5)
    second = recording.finished()
    assert second.value(1.0) == pytest.approx(0.5, abs=TOLERANCE + 1e-6)
    assert second.value(1.6) == pytest.approx(first.value(1.6), abs=1e-6)


def test_a_step_writes_a_key_and_a_reset_takes_it_away(hands: Hands) -> None:
    hands.put(AU1=RAMP)
    hands.studio.driver.seek(2.0)
    hands.timeline.sliders.step("AU1", 4.5)
    assert hands.curve("AU1").value(2.0) == 4.5
    hands.timeline.sliders.reset("AU1")
    assert hands.curve("AU1") == RAMP


def choose_mode(hands: Hands, mode: str) -> None:
    hands.window.actions_[f"record.{mode}"].trigger()
    assert hands.timeline.toolbar.mode.text() == mode.capitalize()


def test_latch_writes_until_playback_stops_over_several_sliders_as_one_entry(hands: Hands) -> None:
    hands.put(AU1=RAMP, AU2=RAMP)
    before = hands.session.project
    choose_mode(hands, "latch")
    hands.studio.driver.seek(0.5)
    hands.studio.driver.toggle()
    first, second = (hands.window.panel.rows[key].slider for key in ("AU1", "AU2"))
    hands.studio.advance(0.1)
    hands.studio.drag(first, spot(first, 0.5), spot(first, 5.0))
    for _ in range(10):
        hands.studio.advance(0.1)
    assert hands.timeline.sliders.recording == ("AU1",)
    hands.studio.drag(second, spot(second, 1.5), spot(second, 0.0))
    for _ in range(5):
        hands.studio.advance(0.1)
    assert not hands.history.commands
    hands.studio.key(Qt.Key.Key_Space)
    assert hands.timeline.sliders.recording == ()
    curve = hands.curve("AU1")
    assert [curve.value(1.0), curve.value(2.0)] == pytest.approx([5.0, 5.0], abs=0.06)
    assert curve.value(0.2) == pytest.approx(RAMP.value(0.2), abs=0.05)
    assert curve.value(3.0) == pytest.approx(RAMP.value(3.0), abs=0.05)
    assert hands.curve("AU2").value(1.95) == pytest.approx(0.0, abs=0.06)
    assert len(curve) < 12
    hands.one_entry(before)


def drag_while_it_plays(hands: Hands, mode: str) -> AuSlider:
    """AU1, which has a curve, is taken to its end a moment after playback began."""
    hands.put(AU1=RAMP)
    choose_mode(hands, mode)
    hands.studio.driver.toggle()
    slider = hands.window.panel.rows["AU1"].slider
    hands.studio.advance(0.1)
    hands.studio.drag(slider, spot(slider, 0.5), spot(slider, 5.0))
    return slider


def test_read_leaves_the_curves_alone_while_it_plays(hands: Hands) -> None:
    slider = drag_while_it_plays(hands, "read")
    hands.studio.advance(0.2)
    assert hands.curve("AU1") == RAMP
    assert not hands.history.commands
    assert "Touch or Latch" in hands.window.status.text()
    hands.studio.key(Qt.Key.Key_Space)
    hands.studio.drag(slider, spot(slider, 0.5), spot(slider, 4.0))
    assert len(hands.curve("AU1")) == 3


def test_a_latched_pass_that_an_undo_ends_leaves_nothing(hands: Hands) -> None:
    hands.put(AU1=RAMP)
    before = hands.session.project
    drag_while_it_plays(hands, "latch")
    hands.studio.advance(0.3)
    hands.studio.key(Qt.Key.Key_Z, CTRL)
    hands.studio.advance(0.3)
    assert hands.session.project == before
    hands.studio.key(Qt.Key.Key_Space)
    assert not hands.history.commands


def test_a_latched_pass_that_another_gesture_ends_is_kept_and_simplified(hands: Hands) -> None:
    drag_while_it_plays(hands, "latch")
    for _ in range(8):
        hands.studio.advance(0.1)
    hands.timeline.editor.add_marker(1.0)
    for _ in range(3):
        hands.studio.advance(0.1)
    assert hands.timeline.sliders.recording == ()
    assert len(hands.session.project.markers) == 1
    assert hands.curve("AU1").value(0.6) == pytest.approx(5.0, abs=0.06)
    assert len(hands.curve("AU1")) < 10
    hands.studio.key(Qt.Key.Key_Space)
