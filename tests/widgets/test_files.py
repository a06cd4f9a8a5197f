"""Opening, saving, dropping and closing."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import QApplication

from studio.document.project import load_project
from tests.widgets.conftest import Studio, write_wav


def drop(studio: Studio, *paths: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    buttons, keys, copy = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, Qt.DropAction.CopyAction
    enter = QDragEnterEvent(QPoint(50, 50), copy, data, buttons, keys)
    QApplication.sendEvent(studio.window, enter)
    assert enter.isAccepted()
    hint = studio.window.drop_hint
    assert hint.isVisible()
    assert hint.geometry() == studio.window.rect()
    assert hint.text.startswith(paths[0].name)
    QApplication.sendEvent(studio.window, QDragLeaveEvent())
    assert not hint.isVisible()
    QApplication.sendEvent(studio.window, QDragEnterEvent(QPoint(50, 50), copy, data, buttons, keys))
    QApplication.sendEvent(studio.window, QDropEvent(QPointF(50, 50), copy, data, buttons, keys))
    assert not hint.isVisible()


def test_dropped_speech_is_opened_and_can_be_undone(studio: Studio, tmp_path: Path, speech: Path) -> None:
    other = write_wav(tmp_path / "other.wav", 2.0)
    drop(studio, other)
    studio.until(lambda: studio.driver.player.duration_s == 2.0)
    assert studio.session.project.audio is not None
    assert studio.session.project.audio.name == "other.wav"
    studio.session.undo()
    studio.until(lambda: studio.driver.player.duration_s == 4.0)
    assert studio.session.project.audio is not None
    assert studio.session.project.audio.name == "speech.wav"


def test_a_dropped_avatar_is_opened(studio: Studio, tmp_path: Path) -> None:
    wanted: list[Path | None] = []
    before = studio.load
    studio.load = lambda path: (wanted.append(path), before(path))[1]
    path = tmp_path / "head.safetensors"
    drop(studio, path)
    studio.until(lambda: studio.session.project.avatar is not None)
    assert wanted == [path]
    studio.session.undo()
    studio.until(lambda: len(wanted) == 2)
    assert wanted[1] is None


@pytest.mark.parametrize("name", ["broken.wav", "missing.wav"])
def test_bad_speech_is_refused_in_one_sentence_and_nothing_changes(studio: Studio, tmp_path: Path, name: str) -> None:
    (tmp_path / "broken.wav").write_bytes(b"RIFF nonsense")
    before = studio.session.project
    studio.window.files.open(tmp_path / name)
    studio.until(lambda: bool(studio.answers.errors))
    assert name in studio.answers.errors[0]
    assert studio.session.project == before
    assert studio.driver.player.duration_s == 4.0


def test_files_are_opened_through_dialogs(studio: Studio, tmp_path: Path) -> None:
    studio.answers.to_open = write_wav(tmp_path / "other.wav", 1.0)
    studio.window.actions_["speech.open"].trigger()
    studio.until(lambda: studio.driver.player.duration_s == 1.0)
    studio.answers.to_open = None
    studio.window.actions_["avatar.open"].trigger()
    assert studio.answers.asked == ["open speech", "open avatar"]


def test_a_project_is_saved_and_opened_again(studio: Studio, tmp_path: Path) -> None:
    studio.session.hold("AU12", 3.5)
    assert studio.window.isWindowModified()
    studio.answers.to_save = tmp_path / "smile"
    studio.window.actions_["project.save"].trigger()
    path = tmp_path / "smile.emozone"
    assert studio.session.path == path
    assert not studio.window.isWindowModified()
    assert "smile" in studio.window.windowTitle()
    saved = load_project(path)
    assert saved.performance == studio.session.project.performance
    studio.window.actions_["project.new"].trigger()
    assert studio.session.held == frozenset()
    assert studio.session.path is None
    studio.window.files.open(path)
    studio.until(lambda: studio.driver.player.duration_s == 4.0)
    assert studio.held("AU12") == 3.5
    assert studio.window.panel.rows["AU12"].slider.intensity() == 3.5


def test_saving_again_does_not_ask(studio: Studio, tmp_path: Path) -> None:
    studio.answers.to_save = tmp_path / "a.emozone"
    studio.window.files.save()
    studio.session.hold("AU1", 1.0)
    studio.window.files.save()
    assert studio.answers.asked == ["save"]
    assert load_project(tmp_path / "a.emozone").performance == studio.session.project.performance


def test_a_save_that_fails_is_said_and_nothing_is_lost(studio: Studio, tmp_path: Path) -> None:
    studio.session.hold("AU1", 1.0)
    studio.answers.to_save = tmp_path / "no" / "such" / "folder" / "a.emozone"
    assert not studio.window.files.save()
    assert "a.emozone" in studio.answers.errors[0]
    assert studio.window.isWindowModified()


def test_a_damaged_project_leaves_everything_as_it_is(studio: Studio, tmp_path: Path) -> None:
    (tmp_path / "bad.emozone").write_text("{")
    before = studio.session.project
    studio.window.files.open(tmp_path / "bad.emozone")
    assert "bad.emozone" in studio.answers.errors[0]
    assert studio.session.project is before


@pytest.mark.parametrize(("answer", "closes"), [("cancel", False), ("discard", True), ("save", True)])
def test_closing_with_unsaved_work_asks(studio: Studio, tmp_path: Path, answer: str, closes: bool) -> None:
    studio.session.hold("AU1", 1.0)
    studio.answers.to_unsaved = answer  # type: ignore[assignment]
    studio.answers.to_save = tmp_path / "kept.emozone"
    assert studio.window.close() is closes
    assert studio.answers.asked[0] == "unsaved"
    assert (tmp_path / "kept.emozone").exists() is (answer == "save")


def test_closing_clean_does_not_ask(studio: Studio) -> None:
    event = QCloseEvent()
    studio.window.closeEvent(event)
    assert event.isAccepted()
    assert studio.answers.asked == []


def test_undo_and_redo_say_what_they_do(studio: Studio) -> None:
    undo = studio.window.actions_["edit.undo"]
    studio.session.hold("AU12", 1.0)
    assert undo.text() == "Undo Set AU12 Lip corner puller"
    assert undo.isEnabled()
    studio.session.undo()
    assert not undo.isEnabled()
    assert studio.window.actions_["edit.redo"].text() == "Redo Set AU12 Lip corner puller"


def test_every_action_has_its_own_keys(studio: Studio) -> None:
    keys = [key.toString() for action in studio.window.actions_.all() for key in action.shortcuts()]
    assert len(keys) == len(set(keys))
