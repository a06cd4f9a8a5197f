"""The page "Voice": recording from a microphone that the tests speak into, trim and gain by mouse and keys."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDoubleSpinBox, QPushButton

from studio.document.model import SoundEdit
from studio.playback.devices import Device
from studio.widgets.voice import part as part_module
from studio.widgets.voice import takes
from studio.widgets.voice.meter import FLOOR_DB, HOLD_S, LevelMeter
from studio.widgets.voice.part import VoicePart
from studio.widgets.voice.record_panel import RecordPanel, State
from tests.playback.fake_input import Microphones, tone
from tests.widgets.conftest import Studio

MICROPHONES = (Device("Headset", "ALSA", 3, True), Device("Webcam", "ALSA", 4))


@pytest.fixture
def microphones(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Microphones:
    found = Microphones()
    monkeypatch.setattr(part_module, "open_microphone", found.open)
    monkeypatch.setattr(part_module, "find_devices", lambda _direction: MICROPHONES)
    monkeypatch.setattr(takes.platformdirs, "user_data_path", lambda *_a, **_k: tmp_path / "data")
    return found


class Voice:
    """The page and hands for it."""

    def __init__(self, studio: Studio, microphones: Microphones) -> None:
        self.studio, self.microphones = studio, microphones
        part = studio.window.findChild(VoicePart)
        assert isinstance(part, VoicePart)
        self.part, self.record, self.sound = part, part.record, part.sound
        self.record.count_ms = 1
        studio.window.inspector.show_page("Voice")
        studio.until(lambda: self.record.device.count() == 3)

    def click(self, button: QPushButton) -> None:
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)

    def is_(self, state: State) -> None:
        self.studio.until(lambda: self.record.state is state)

    def take(self, seconds: float = 1.0, peak: float = 0.5) -> Path:
        count = len(self.record.takes)
        self.click(self.record.record)
        self.is_(State.RECORDING)
        self.microphones.newest.hear(tone(seconds, peak))
        self.click(self.record.record)
        self.studio.until(lambda: len(self.record.takes) == count + 1)
        return self.record.takes[-1].path

    def heard(self, duration_s: float) -> None:
        self.studio.until(lambda: abs(self.studio.driver.player.duration_s - duration_s) < 1e-3)
        clip = self.studio.session
        self.studio.until(lambda: clip.clip is not None and clip.clip.features is not None)


@pytest.fixture
def voice(microphones: Microphones, studio: Studio) -> Voice:
    return Voice(studio, microphones)


def both_ways(studio: Studio, before: object) -> None:
    """Undo to what was before, redo to what is now."""
    after = studio.session.project
    assert after != before
    studio.session.undo()
    assert studio.session.project == before
    studio.session.redo()
    assert studio.session.project == after


# ---- recording ----


def test_a_take_is_recorded_and_kept_and_all_curves_stay(voice: Voice) -> None:
    studio = voice.studio
    studio.session.hold("AU12", 2.0)
    before = studio.session.project
    studio.driver.toggle()
    path = voice.take(1.25)
    assert not studio.driver.player.playing
    assert voice.microphones.newest.closed  # nothing listens any more
    assert studio.session.project == before  # until it is kept
    voice.click(voice.record.keep_button)
    voice.heard(1.25)
    project = studio.session.project
    assert project.audio is not None
    assert project.audio.path == str(path)
    assert project.performance == before.performance
    assert not voice.record.delete.isEnabled()
    both_ways(studio, before)


def test_a_countdown_comes_first_and_can_be_cancelled(voice: Voice) -> None:
    voice.record.count_ms = 60_000
    voice.click(voice.record.record)
    voice.is_(State.COUNTING)
    seen = [voice.record.status.text()]
    for _ in range(2):
        voice.record._second.stop()
        voice.record._next_count()
        seen.append(voice.record.status.text())
    assert seen == ["3", "2", "1"]
    assert not voice.microphones.newest.closed
    voice.click(voice.record.record)
    voice.is_(State.RESTING)
    assert voice.record.takes == []
    voice.studio.until(lambda: voice.microphones.newest.closed)


def test_the_key_records_and_stops(voice: Voice) -> None:
    voice.studio.window.inspector.show_page("Face")
    voice.studio.key(Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    assert voice.record.isVisible()
    voice.is_(State.RECORDING)
    voice.microphones.newest.hear(tone(0.5))
    voice.studio.key(Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    voice.studio.until(lambda: len(voice.record.takes) == 1)


def test_a_retake_stays_beside_the_first_and_a_bad_one_is_deleted(voice: Voice) -> None:
    first, second = voice.take(1.0), None
    voice.click(voice.record.retake)
    voice.is_(State.RECORDING)
    voice.microphones.newest.hear(tone(0.5, 1.0))
    voice.click(voice.record.record)
    voice.studio.until(lambda: len(voice.record.takes) == 2)
    second = voice.record.takes[1].path
    assert first != second
    assert "too loud" in voice.record.list.item(1).text()
    assert "cut off" in voice.record.problem.text()
    voice.click(voice.record.delete)
    assert not second.exists()
    assert first.exists()
    assert voice.record.chosen is not None
    assert voice.record.chosen.path == first


def test_listening_to_a_take_moves_nothing(voice: Voice) -> None:
    studio = voice.studio
    studio.driver.seek(2.0)
    voice.take(0.5, 0.9)
    voice.click(voice.record.listen_button)
    studio.until(lambda: studio.driver.player._output._feeder._order.playing)  # type: ignore[attr-defined]
    assert voice.record.listen_button.text() == "Stop"
    studio.device.advance(0.2)
    assert float(np.abs(studio.device.heard[-1]).max()) == pytest.approx(0.9, abs=0.05)
    assert studio.driver.player.position_s == 2.0
    voice.click(voice.record.listen_button)
    studio.device.advance(0.1)
    assert not studio.device.heard[-1].any()
    assert voice.record.listen_button.text() == "Listen"
    voice.click(voice.record.listen_button)
    studio.until(lambda: studio.driver.player._output._feeder._order.playing)  # type: ignore[attr-defined]
    studio.driver.toggle()  # the clip plays: the take is over
    assert voice.record.listen_button.text() == "Listen"
    assert studio.driver.player.playing


def test_a_missing_microphone_is_said_in_one_sentence(voice: Voice) -> None:
    voice.microphones.missing = "This computer has no microphone; connect one and choose Look again."
    voice.click(voice.record.record)
    voice.studio.until(lambda: bool(voice.record.problem.text()))
    assert "no microphone" in voice.record.problem.text()
    assert voice.record.state is State.RESTING
    voice.microphones.missing = ""
    voice.take(0.5)
    assert not voice.record.problem.isVisible()


def test_a_microphone_that_goes_away_ends_the_take_and_keeps_it(voice: Voice) -> None:
    voice.click(voice.record.record)
    voice.is_(State.RECORDING)
    voice.microphones.newest.hear(tone(0.75))
    voice.microphones.newest.lost = True
    voice.record.tick()
    voice.studio.until(lambda: len(voice.record.takes) == 1)
    assert "went away" in voice.record.problem.text()
    assert voice.record.takes[0].duration_s == 0.75


def test_the_chosen_microphone_is_opened(voice: Voice) -> None:
    assert voice.record.device.itemText(0) == "The system's: Headset"
    voice.record.device.setCurrentIndex(2)
    voice.take(0.2)
    assert voice.microphones.keys == ["ALSA: Webcam"]


def test_the_level_can_be_tried_without_recording(voice: Voice) -> None:
    voice.click(voice.record.test)
    voice.is_(State.LISTENING)
    voice.microphones.newest.hear(tone(0.1, 0.5))
    voice.record.tick()
    assert voice.record.meter.now_db == pytest.approx(-6.0, abs=0.2)
    voice.studio.window.inspector.show_page("Face")  # nobody looks any more
    voice.is_(State.RESTING)
    voice.studio.until(lambda: voice.microphones.newest.closed)
    assert voice.record.takes == []


def test_takes_lie_beside_the_project_once_it_is_saved(voice: Voice, tmp_path: Path) -> None:
    studio = voice.studio
    path = voice.take(0.5)
    assert path.parent == tmp_path / "data" / "takes"
    voice.click(voice.record.keep_button)
    voice.heard(0.5)
    studio.driver.seek(0.25)
    saved = tmp_path / "here" / "film.emozone"
    saved.parent.mkdir()
    studio.session.write(saved)
    project = studio.session.project
    assert project.audio is not None
    assert project.audio.path == str(saved.parent / "film takes" / path.name)
    assert not studio.session.history.dirty
    assert f'"path": "film takes/{path.name}"' in saved.read_text()
    studio.until(lambda: studio.session.clip is not None and studio.session.clip.media == project.audio)
    assert studio.driver.player.position_s == 0.25  # the same sound: playback was not touched
    assert voice.take(0.5).parent == saved.parent / "film takes"


def test_closing_while_it_records_leaves_nothing_open(voice: Voice, tmp_path: Path) -> None:
    voice.click(voice.record.record)
    voice.is_(State.RECORDING)
    voice.microphones.newest.hear(tone(0.5))
    voice.studio.close()
    assert voice.microphones.newest.closed
    assert list((tmp_path / "data" / "takes").iterdir()) == []


def test_the_meter_holds_its_peak_and_falls() -> None:
    meter = LevelMeter()
    meter.show_peak(0.5, False, 0.03)
    meter.show_peak(0.05, False, 0.1)
    assert meter.held_db == pytest.approx(-6.0, abs=0.1)
    assert meter.now_db == pytest.approx(-8.6, abs=0.1)
    meter.show_peak(0.0, True, HOLD_S)
    assert meter.held_db == pytest.approx(meter.now_db)
    assert meter.clipped
    for _ in range(30):
        meter.show_peak(0.0, False, 0.1)
    assert meter.now_db == FLOOR_DB
    assert meter.clipped
    QTest.mouseClick(meter, Qt.MouseButton.LeftButton)
    assert not meter.clipped


# ---- the project's sound ----


def strip_point(voice: Voice, time_s: float) -> QPoint:
    return QPoint(round(voice.sound.strip.x_of(time_s)), 30)


def test_dragging_a_handle_trims_in_place_as_one_entry(voice: Voice) -> None:
    studio = voice.studio
    before, entries = studio.session.project, len(studio.session.history.commands)
    studio.drag(voice.sound.strip, strip_point(voice, 0.0), strip_point(voice, 1.0))
    sound = studio.session.project.sound
    assert sound.in_s == pytest.approx(1.0, abs=0.03)
    assert sound.start_s == pytest.approx(sound.in_s)  # what is heard stays under its curves
    assert len(studio.session.history.commands) == entries + 1
    studio.until(lambda: studio.session.clip is not None and studio.session.clip.edit == sound)
    clip = studio.session.clip
    assert clip is not None
    assert clip.duration_s == pytest.approx(4.0)
    assert not clip.samples[: round((sound.in_s - 0.01) * clip.rate_hz)].any()
    both_ways(studio, before)
    before = studio.session.project
    studio.drag(voice.sound.strip, strip_point(voice, 4.0), strip_point(voice, 3.0))
    voice.heard(studio.session.project.sound.out_s or 0.0)
    both_ways(studio, before)
    voice.click(voice.sound.to_start)
    assert studio.session.project.sound.start_s == 0.0
    voice.heard((studio.session.project.sound.out_s or 0.0) - sound.in_s)


def test_arrows_move_the_handle_that_was_used_last(voice: Voice) -> None:
    studio, strip = voice.studio, voice.sound.strip
    strip.setFocus()
    before = studio.session.project
    QTest.keyClick(strip, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert studio.session.project.sound.in_s == pytest.approx(0.1)
    both_ways(studio, before)
    QTest.keyClick(strip, Qt.Key.Key_Down)
    QTest.keyClick(strip, Qt.Key.Key_Left)
    assert studio.session.project.sound.out_s == pytest.approx(3.99)


def type_into(field: QDoubleSpinBox, text: str) -> None:
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, text)
    QTest.keyClick(field, Qt.Key.Key_Return)


@pytest.mark.parametrize(
    ("name", "text", "want"),
    [
        ("in_s", "1.5", SoundEdit(1.5, None, 1.5)),
        ("out_s", "3", SoundEdit(0.0, 3.0)),
        ("start_s", "0.5", SoundEdit(start_s=0.5)),
        ("gain_db", "-6", SoundEdit(gain_db=-6.0)),
    ],
)
def test_numbers_are_one_entry_each(voice: Voice, name: str, text: str, want: SoundEdit) -> None:
    before = voice.studio.session.project
    type_into(getattr(voice.sound, name), text)
    assert voice.studio.session.project.sound == want
    both_ways(voice.studio, before)
    assert getattr(voice.sound, name).value() == float(text)


def test_dragging_the_gain_is_one_entry(voice: Voice) -> None:
    studio, slider = voice.studio, voice.sound.gain
    before, entries = studio.session.project, len(studio.session.history.commands)
    middle = slider.rect().center()
    studio.drag(slider, middle, middle + QPoint(30, 0))
    assert studio.session.project.sound.gain_db > 1.0
    assert len(studio.session.history.commands) == entries + 1
    both_ways(studio, before)


def test_too_much_gain_is_said_and_normalise_puts_it_right(voice: Voice) -> None:
    studio = voice.studio
    type_into(voice.sound.gain_db, "20")
    assert voice.sound.warning.isVisible()
    assert "11.3 dB too loud" in voice.sound.warning.text()
    before = studio.session.project
    voice.click(voice.sound.normalise)
    assert studio.session.project.sound.gain_db == pytest.approx(20 * np.log10(32768 / 12000) - 1.0, abs=0.02)
    assert not voice.sound.warning.isVisible()
    both_ways(studio, before)
    clip = studio.session.clip
    studio.until(lambda: studio.session.clip is not clip)
    voice.click(voice.sound.reset)
    assert studio.session.project.sound == SoundEdit()


def test_without_a_sound_the_page_says_what_to_do(voice: Voice) -> None:
    voice.studio.session.start_with(None)
    voice.studio.until(lambda: voice.studio.session.clip is None)
    assert "record one above" in voice.sound.about.text()
    assert not voice.sound.strip.isEnabled()
    assert not voice.sound.gain_db.isEnabled()


def test_a_panel_without_microphones_says_so(qtbot: object) -> None:
    panel = RecordPanel(lambda: (), Microphones().open, lambda: None)
    panel._show_devices(())
    assert panel.device.currentText() == "No microphone found"
    panel.close_down()
