"""Speeds, scrubbing and playing around, worked with real keys and mouse while time passes virtually."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from studio.document.commands import Selection
from studio.document.curves import Curve
from studio.playback.stretch import SPEEDS
from studio.widgets.timeline.state import RULER_HEIGHT
from tests.widgets import pointer
from tests.widgets.conftest import Studio


def at(studio: Studio, time_s: float) -> QPoint:
    return QPoint(round(studio.window.timeline.canvas.x_of(time_s)), RULER_HEIGHT + 20)


def heard(studio: Studio, blocks: int) -> float:
    """Loudest sample of the last blocks."""
    return float(np.abs(np.concatenate(studio.device.heard[-blocks:])).max())


def choose_speed(studio: Studio, speed: float) -> None:
    studio.window.actions_[f"speed.{round(speed * 100)}"].trigger()
    studio.until(lambda: studio.driver.player.speed == speed)


@pytest.mark.parametrize("speed", SPEEDS)
def test_a_speed_of_the_menu_changes_how_fast_the_clip_passes(studio: Studio, speed: float) -> None:
    choose_speed(studio, speed)
    assert studio.window.transport.speed.text() == f"{speed:g}×"
    assert studio.driver.player.duration_s == 4.0
    studio.key(Qt.Key.Key_Space)
    studio.advance(1.0)
    assert studio.driver.player.position_s == pytest.approx(speed, abs=0.06)


def test_keys_make_it_slower_and_faster(studio: Studio) -> None:
    studio.key(Qt.Key.Key_Less)
    studio.until(lambda: studio.driver.player.speed == 0.75)
    studio.key(Qt.Key.Key_Greater)
    studio.key(Qt.Key.Key_Greater)
    studio.until(lambda: studio.driver.player.speed == 1.25)
    for _ in range(5):
        studio.key(Qt.Key.Key_Greater)
    studio.until(lambda: studio.driver.player.speed == 2.0)
    assert studio.window.actions_["speed.200"].isChecked()


def test_while_a_speed_is_made_it_plays_on_and_says_so(studio: Studio) -> None:
    studio.driver.toggle()
    studio.advance(0.5)
    studio.window.actions_["speed.50"].trigger()
    assert studio.driver.player.speed == 1.0
    assert "0.5×" in studio.window.status.text()
    assert studio.window.transport.speed.text() == "0.5× …"
    before = studio.driver.player.position_s
    studio.until(lambda: studio.driver.player.speed == 0.5)
    assert studio.driver.player.position_s == pytest.approx(before, abs=1e-6)
    assert studio.driver.player.playing
    assert studio.window.transport.speed.text() == "0.5×"


def test_a_speed_once_made_comes_back_at_once(studio: Studio) -> None:
    choose_speed(studio, 0.5)
    choose_speed(studio, 1.0)
    studio.window.actions_["speed.50"].trigger()
    assert studio.driver.player.speed == 0.5


def test_another_clip_is_heard_at_the_speed_that_was_chosen(studio: Studio, speech: object) -> None:
    choose_speed(studio, 0.5)
    studio.session.start_with(None)
    studio.until(lambda: studio.driver.player.duration_s == 0)
    studio.session.start_with(speech)  # type: ignore[arg-type]
    studio.until(lambda: studio.driver.player.duration_s > 0 and studio.driver.player.speed == 0.5)


def test_pictures_keep_in_step_at_another_speed(studio: Studio) -> None:
    choose_speed(studio, 2.0)
    studio.driver.toggle()
    for _ in range(15):
        studio.advance(0.1)
        studio.settle()
    assert studio.driver.shown is not None
    assert studio.driver.shown.request.time_s == pytest.approx(3.0, abs=1.01)


def test_a_scrub_is_heard_and_can_be_silenced(studio: Studio) -> None:
    canvas = studio.window.timeline.canvas
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at(studio, 1.0))
    studio.device.advance(0.1)
    assert heard(studio, 5) > 0.2
    studio.device.advance(0.2)
    assert heard(studio, 3) == 0
    pointer.move(canvas, at(studio, 2.0))
    studio.device.advance(0.06)
    assert heard(studio, 3) > 0.2
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at(studio, 2.0))
    studio.window.actions_["play.scrub_sound"].trigger()
    studio.device.advance(0.2)
    QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=at(studio, 3.0))
    studio.device.advance(0.1)
    assert heard(studio, 5) == 0
    assert studio.driver.player.position_s == pytest.approx(3.0, abs=0.01)


@pytest.mark.parametrize("modifier", [Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier])
def test_stepping_is_heard(studio: Studio, modifier: Qt.KeyboardModifier) -> None:
    studio.driver.seek(1.0)
    studio.key(Qt.Key.Key_Right, modifier)
    studio.device.advance(0.1)
    assert heard(studio, 5) > 0.2
    assert not studio.driver.player.playing


def test_a_hand_that_keeps_moving_sees_pictures(studio: Studio) -> None:
    studio.renderer.gate.clear()
    studio.driver.scrub(1.0)
    studio.until(studio.renderer.drawing.is_set)
    studio.driver.scrub(1.5)
    times: list[float] = []
    studio.driver.picture_ready.connect(lambda result: times.append(result.request.time_s))
    studio.renderer.gate.set()
    studio.settle()
    assert times[-1] == 1.5


def test_play_around_returns_to_the_playhead(studio: Studio) -> None:
    studio.driver.seek(2.0)
    studio.key(Qt.Key.Key_Slash)
    assert studio.driver.player.playing
    assert studio.driver.player.position_s == 0.5
    studio.advance(1.0)
    assert studio.driver.player.position_s == pytest.approx(1.5, abs=0.03)
    for _ in range(25):
        studio.advance(0.1)
    assert not studio.driver.player.playing
    assert studio.driver.player.position_s == 2.0


def test_loop_around_repeats_the_selected_keys_until_it_is_stopped(studio: Studio) -> None:
    curve = Curve().with_key(1.5, 1.0).with_key(2.0, 2.0)
    project = studio.session.project.perform(lambda p: p.with_curve("AU2", curve))
    studio.session.history.apply("keys", project, selection=Selection((("AU2", (0, 1)),)))
    entries = len(studio.session.history.commands)
    studio.key(Qt.Key.Key_Slash, Qt.KeyboardModifier.AltModifier)
    studio.session.hold("AU1", 2.0)  # an edit does not end it
    for _ in range(30):
        studio.advance(0.1)
        assert 0.98 <= studio.driver.player.position_s <= 2.51
    assert studio.driver.player.playing
    studio.key(Qt.Key.Key_Space)
    assert len(studio.session.history.commands) == entries + 1
    assert not studio.driver.player.looping
    studio.driver.seek(3.9)
    studio.driver.toggle()
    studio.advance(0.5)
    assert studio.driver.player.position_s == 4.0


def test_a_shuttle_is_heard(studio: Studio) -> None:
    studio.driver.seek(2.0)
    studio.key(Qt.Key.Key_J)
    studio.window.shuttle.tick()
    studio.device.advance(0.1)
    assert heard(studio, 5) > 0.2
    assert studio.driver.player.position_s < 2.0
    studio.key(Qt.Key.Key_J)
    assert studio.window.shuttle.speed == -2.0
    studio.key(Qt.Key.Key_K)
    assert studio.window.shuttle.speed == 0.0


def test_volume_keys(studio: Studio) -> None:
    studio.key(Qt.Key.Key_Down, Qt.KeyboardModifier.ControlModifier)
    assert studio.window.transport.volume.value() == 90
    assert studio.device.volume == pytest.approx(0.81)
    studio.key(Qt.Key.Key_VolumeUp)
    assert studio.device.volume == 1.0
    studio.key(Qt.Key.Key_VolumeMute)
    assert studio.device.volume == 0.0
