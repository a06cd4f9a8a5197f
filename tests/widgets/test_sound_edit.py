"""Trim and gain of the project's sound reach the ear, the picture and the history."""

from __future__ import annotations

import pytest

from studio.document.model import SoundEdit
from tests.widgets.conftest import Studio, write_wav


def settle_sound(studio: Studio, duration_s: float) -> None:
    studio.until(lambda: studio.driver.player.duration_s == pytest.approx(duration_s, abs=1e-3))
    studio.until(lambda: studio.session.clip is not None and studio.session.clip.features is not None)


def test_a_trim_is_one_entry_and_undo_brings_all_back(studio: Studio) -> None:
    before = studio.session.project
    studio.session.set_sound("Trim the sound", SoundEdit(1.0, 3.0))
    settle_sound(studio, 2.0)
    assert studio.session.duration_s == pytest.approx(2.0)
    after = studio.session.project
    studio.session.undo()
    settle_sound(studio, 4.0)
    assert studio.session.project == before
    studio.session.redo()
    settle_sound(studio, 2.0)
    assert studio.session.project == after


def test_playback_goes_on_through_a_change_of_gain(studio: Studio) -> None:
    studio.driver.toggle()
    studio.advance(1.0)
    loud = abs(studio.device.heard[-1]).max()
    studio.session.set_sound("Gain", SoundEdit(gain_db=-20.0))
    studio.until(lambda: studio.session.clip is not None and studio.session.clip.edit.gain_db == -20.0)
    studio.until(lambda: not studio.window.clip_sound._worker._pool._work_queue.qsize())
    studio.advance(0.2)
    studio.until(lambda: studio.driver.player._sound.samples.max() < 0.1)
    studio.advance(0.2)
    assert studio.driver.player.playing
    assert abs(studio.device.heard[-1]).max() == pytest.approx(loud / 10, rel=0.05)
    assert studio.driver.player.position_s == pytest.approx(1.4, abs=0.05)


def test_another_sound_forgets_the_cuts_and_keeps_the_curves(studio: Studio, tmp_path: object) -> None:
    studio.session.hold("AU12", 2.0)
    studio.session.set_sound("Trim the sound", SoundEdit(1.0, 3.0))
    settle_sound(studio, 2.0)
    before = studio.session.project
    studio.window.files.open(write_wav(tmp_path / "other.wav", 3.0))  # type: ignore[operator]
    settle_sound(studio, 3.0)
    assert studio.session.project.sound == SoundEdit()
    assert studio.session.project.performance == before.performance
    studio.session.undo()
    settle_sound(studio, 2.0)
    assert studio.session.project == before
