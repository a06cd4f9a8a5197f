"""Transport, waveform and sliders while time passes (virtually)."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from studio.document.curves import Curve
from studio.playback.device import SilentOutput
from studio.playback.pacer import Pace
from studio.playback.player import State
from studio.widgets.timeline.state import RULER_HEIGHT
from studio.widgets.transport import timecode
from tests.playback.fake_audio import FakeAudioDevice
from tests.widgets.conftest import Studio


def at(studio: Studio, time_s: float, *, ruler: bool = False) -> QPoint:
    return QPoint(round(studio.window.timeline.canvas.x_of(time_s)), 8 if ruler else RULER_HEIGHT + 20)


def test_space_plays_and_pauses(studio: Studio) -> None:
    studio.key(Qt.Key.Key_Space)
    assert studio.driver.player.playing
    assert studio.window.actions_["play.toggle"].text() == "Pause"
    studio.advance(1.0)
    studio.key(Qt.Key.Key_Space)
    assert studio.driver.player.position_s == pytest.approx(1.0, abs=0.03)
    assert studio.window.transport.time.text().startswith("0:0")
    assert studio.window.transport.frame.text() == f"Frame {int(studio.driver.player.position_s * 25 + 1e-6)} of 100"


def test_pictures_follow_the_sound(studio: Studio) -> None:
    studio.driver.toggle()
    for _ in range(20):
        studio.advance(0.1)
        studio.settle()
    shown = studio.driver.shown
    assert shown is not None
    assert shown.request.time_s == pytest.approx(2.0, abs=0.6)  # the lead of a real engine in virtual time


def test_moving_a_slider_while_it_plays_changes_the_next_picture(studio: Studio) -> None:
    studio.driver.toggle()
    studio.advance(0.5)
    studio.settle()
    assert studio.red() == 0
    studio.session.hold("AU1", 4.0)
    drawn = len(studio.renderer.drawn)
    studio.settle()
    assert studio.red() == 200
    assert len(studio.renderer.drawn) == drawn + 1
    assert studio.driver.player.playing


def test_sliders_follow_curves_while_it_plays(studio: Studio) -> None:
    curve = Curve().with_key(0.0, 0.0).with_key(4.0, 4.0)
    project = studio.session.project.perform(lambda p: p.with_curve("AU2", curve))
    studio.session.history.apply("keys", project)
    studio.driver.toggle()
    studio.advance(2.0)
    studio.until(lambda: studio.window.panel.rows["AU2"].slider.intensity() > 1.5)
    studio.driver.pause()
    assert studio.window.panel.rows["AU2"].slider.intensity() == pytest.approx(2.0, abs=0.1)


def test_the_end_of_the_clip_pauses(studio: Studio) -> None:
    studio.driver.toggle()
    studio.advance(5.0)
    assert studio.driver.player.state is State.PAUSED
    assert studio.window.actions_["play.toggle"].text() == "Play"
    assert studio.driver.player.position_s == 4.0


def test_a_click_and_a_drag_on_the_waveform_scrub(studio: Studio) -> None:
    waveform = studio.window.timeline.canvas
    QTest.mouseClick(waveform, Qt.MouseButton.LeftButton, pos=at(studio, 1.0))
    assert studio.driver.player.position_s == pytest.approx(1.0, abs=0.01)
    studio.drag(waveform, at(studio, 1.0), at(studio, 3.0))
    assert studio.driver.player.position_s == pytest.approx(3.0, abs=0.01)
    studio.settle()
    assert studio.driver.shown is not None
    assert studio.driver.shown.request.time_s == pytest.approx(3.0, abs=0.01)
    assert len(studio.session.history.commands) == 0


def test_scrubbing_while_it_plays_goes_on_playing_afterwards(studio: Studio) -> None:
    studio.driver.toggle()
    studio.drag(studio.window.timeline.canvas, at(studio, 0.5), at(studio, 2.0), release=False)
    assert not studio.driver.player.playing
    QTest.mouseRelease(
        studio.window.timeline.canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at(studio, 2.0)
    )
    assert studio.driver.player.playing
    assert studio.driver.player.position_s == pytest.approx(2.0, abs=0.01)


def test_a_drag_on_the_ruler_marks_a_range_that_loops(studio: Studio) -> None:
    studio.drag(studio.window.timeline.canvas, at(studio, 1.0, ruler=True), at(studio, 2.0, ruler=True))
    assert studio.session.range_s == pytest.approx((1.0, 2.0), abs=0.01)
    assert len(studio.session.history.commands) == 1
    studio.key(Qt.Key.Key_L, Qt.KeyboardModifier.ShiftModifier)
    assert studio.session.project.loop
    studio.driver.seek(1.0)
    studio.driver.toggle()
    for _ in range(30):
        studio.advance(0.1)
        assert 0.98 <= studio.driver.player.position_s <= 2.01
    assert studio.driver.player.playing
    studio.driver.pause()
    QTest.mouseDClick(studio.window.timeline.canvas, Qt.MouseButton.LeftButton, pos=at(studio, 3.0, ruler=True))
    assert studio.session.range_s is None
    studio.session.undo()
    assert studio.session.range_s is not None


def test_shift_marks_a_range_on_the_waveform_too(studio: Studio) -> None:
    studio.drag(
        studio.window.timeline.canvas, at(studio, 0.5), at(studio, 1.5), modifiers=Qt.KeyboardModifier.ShiftModifier
    )
    assert studio.session.range_s == pytest.approx((0.5, 1.5), abs=0.01)


def test_in_and_out_are_marked_at_the_playhead(studio: Studio) -> None:
    studio.driver.seek(1.0)
    studio.key(Qt.Key.Key_I)
    studio.driver.seek(3.0)
    studio.key(Qt.Key.Key_O)
    assert studio.session.range_s == (1.0, 3.0)
    studio.key(Qt.Key.Key_X, Qt.KeyboardModifier.AltModifier)
    assert studio.session.range_s is None


def test_arrows_step_by_frame_and_second(studio: Studio) -> None:
    for key, modifier, want in (
        (Qt.Key.Key_Right, Qt.KeyboardModifier.NoModifier, 0.04),
        (Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier, 1.04),
        (Qt.Key.Key_Left, Qt.KeyboardModifier.NoModifier, 1.0),
        (Qt.Key.Key_End, Qt.KeyboardModifier.NoModifier, 4.0),
        (Qt.Key.Key_Home, Qt.KeyboardModifier.NoModifier, 0.0),
    ):
        studio.key(key, modifier)
        assert studio.driver.player.position_s == pytest.approx(want)


def test_a_seek_makes_pictures_from_before_stale(studio: Studio) -> None:
    studio.renderer.gate.clear()
    studio.driver.seek(1.0)
    studio.until(studio.renderer.drawing.is_set)
    studio.driver.seek(3.0)
    times: list[float] = []
    studio.driver.picture_ready.connect(lambda result: times.append(result.request.time_s))
    studio.renderer.gate.set()
    studio.settle()
    assert times == [3.0]


def test_volume_and_mute_reach_the_device(studio: Studio) -> None:
    studio.window.transport.volume.setValue(50)
    assert studio.device.volume == pytest.approx(0.25)
    studio.key(Qt.Key.Key_M)
    assert studio.device.volume == 0
    studio.key(Qt.Key.Key_M)
    assert studio.device.volume == pytest.approx(0.25)


def test_a_silent_output_is_said_and_playback_goes_on(studio: Studio) -> None:
    studio.window.use_output(SilentOutput("This computer has no sound output, so playback is silent."))
    studio.until(lambda: studio.window.banner.isVisible())
    assert "no sound output" in studio.window.banner.text
    studio.driver.toggle()
    studio.until(lambda: studio.driver.player.position_s > 0.1)
    assert studio.device.closed


def test_a_device_that_goes_away_is_said(studio: Studio) -> None:
    studio.driver.toggle()
    studio.device.lost = True
    studio.driver._tick()
    assert "went away" in studio.window.banner.text
    assert studio.driver.player.playing


def test_another_output_keeps_the_playhead(studio: Studio) -> None:
    studio.driver.seek(2.0)
    studio.window.use_output(FakeAudioDevice())
    studio.until(lambda: studio.device.closed)
    assert studio.driver.player.position_s == 2.0


def test_an_engine_defect_is_shown_and_survived(studio: Studio) -> None:
    studio.renderer.error = RuntimeError("out of splats")
    studio.session.hold("AU1", 1.0)
    studio.until(lambda: studio.window.banner.isVisible())
    assert "out of splats" in studio.window.banner.text
    studio.renderer.error = None
    studio.session.hold("AU1", 2.0)
    studio.settle()
    assert studio.red() == 100


def test_dropped_frames_are_told(studio: Studio) -> None:
    studio.window.transport.show_pace(Pace(shown=80, dropped=20, fps=20.4))
    assert studio.window.transport.pace.text() == "20 fps  ·  20 dropped"
    studio.window.transport.show_pace(None)
    assert studio.window.transport.pace.text() == ""


@pytest.mark.parametrize(
    ("time_s", "text"), [(0, "0:00.000"), (3.48, "0:03.480"), (59.9996, "1:00.000"), (754.1, "12:34.100")]
)
def test_timecode(time_s: float, text: str) -> None:
    assert timecode(time_s) == text


def test_an_empty_waveform_says_what_to_do(empty_studio: Studio, speech: Path) -> None:
    empty_studio.open(None)
    image = empty_studio.window.timeline.canvas.grab().toImage()
    empty_studio.window.files.open(speech)
    empty_studio.until(lambda: empty_studio.session.clip is not None)
    empty_studio.until(lambda: empty_studio.driver.player.duration_s > 0)
    assert empty_studio.window.timeline.canvas.grab().toImage() != image
