"""Saving goes wrong in every way, and nothing is lost; files of newer studios; backups."""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from studio.document import project as project_module
from studio.document.encoding import VERSION
from studio.document.model import Project
from studio.document.project import load_project
from studio.document.storage import backups_of
from studio.widgets.safety.backups import BackupsDialog, BackupsPart
from studio.widgets.safety.keeping import Keeping
from tests.widgets.conftest import Studio


@pytest.fixture
def saved(studio: Studio, tmp_path: Path) -> Path:
    """The window's project, saved."""
    path = tmp_path / "work" / "talk.emozone"
    path.parent.mkdir()
    studio.session.hold("AU12", 1.0)
    studio.answers.to_save = path
    assert studio.window.files.save()
    studio.answers.asked.clear()
    return path


def break_writing(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(project_module, "write_atomically", fail)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EIO, errno.ESTALE])
def test_a_disk_that_fails_is_told_in_one_sentence_and_the_work_kept(
    studio: Studio, saved: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    before = saved.read_bytes()
    studio.session.hold("AU12", 4.0)
    break_writing(monkeypatch, number)
    assert not studio.window.files.save()
    (told,) = studio.answers.errors
    assert "talk.emozone was not saved" in told
    assert os.strerror(number).lower() in told.lower()
    assert "\n" not in told
    assert saved.read_bytes() == before
    assert studio.held("AU12") == 4.0
    assert studio.window.isWindowModified()


def test_saving_elsewhere_is_offered_when_saving_fails(studio: Studio, saved: Path, tmp_path: Path) -> None:
    studio.session.hold("AU12", 4.0)
    shutil.rmtree(saved.parent)  # the drive is gone
    studio.answers.to_not_saved = "save_as"
    studio.answers.to_save = tmp_path / "elsewhere.emozone"
    assert studio.window.files.save()
    assert "connect its drive" in studio.answers.errors[0]
    assert studio.answers.asked == ["not saved", "save"]
    assert load_project(tmp_path / "elsewhere.emozone") == studio.session.project
    assert studio.session.path == tmp_path / "elsewhere.emozone"
    assert not studio.window.isWindowModified()


def test_trying_again_saves_once_the_disk_is_well(studio: Studio, saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    studio.session.hold("AU12", 4.0)
    with monkeypatch.context() as patch:  # alone: the fixtures' own patches stay
        break_writing(patch, errno.ENOSPC)

        def mended(parent: object, text: str) -> str:
            patch.undo()
            return "retry"

        studio.answers.not_saved = mended  # type: ignore[method-assign, assignment]
        assert studio.window.files.save()
    assert load_project(saved) == studio.session.project


@pytest.mark.parametrize("answer", ["cancel", "replace", "save_as"])
def test_a_file_changed_by_somebody_else_is_not_saved_over_unasked(
    studio: Studio, saved: Path, tmp_path: Path, answer: str
) -> None:
    theirs = saved.read_bytes().replace(b'"loop": false', b'"loop": true')
    assert theirs != saved.read_bytes()
    saved.write_bytes(theirs)
    studio.session.hold("AU12", 4.0)
    studio.answers.to_changed = answer  # type: ignore[assignment]
    studio.answers.to_save = tmp_path / "mine.emozone"
    assert studio.window.files.save() is (answer != "cancel")
    assert studio.answers.asked[0] == "changed talk.emozone"
    if answer == "replace":
        assert load_project(saved) == studio.session.project
        assert backups_of(saved)[0].read_bytes() == theirs
        studio.session.hold("AU12", 3.0)
        assert studio.window.files.save()
        assert len(studio.answers.asked) == 1
    else:
        assert saved.read_bytes() == theirs
        assert studio.window.isWindowModified() is (answer == "cancel")


def test_a_file_only_touched_or_gone_is_saved_without_a_question(studio: Studio, saved: Path) -> None:
    os.utime(saved, (1, 1))
    studio.session.hold("AU12", 4.0)
    assert studio.window.files.save()
    saved.unlink()
    studio.session.hold("AU12", 3.0)
    assert studio.window.files.save()
    assert studio.answers.asked == []
    assert load_project(saved) == studio.session.project


def newer(saved: Path) -> Path:
    path = saved.with_name("future.emozone")
    path.write_text(json.dumps({**json.loads(saved.read_text()), "version": VERSION + 1}))
    return path


def test_a_newer_file_is_read_only_with_the_reason_and_saved_elsewhere(
    studio: Studio, saved: Path, tmp_path: Path
) -> None:
    path = newer(saved)
    before = path.read_bytes()
    studio.window.files.open(path)
    assert "newer studio" in studio.window.banner.text
    assert studio.window.banner.isVisible()
    assert "(read-only)" in studio.window.windowTitle()
    assert studio.window.actions_["project.save"].text() == "Save…"
    assert studio.answers.errors == []
    studio.session.hold("AU12", 4.0)
    studio.answers.to_save = path
    assert not studio.window.files.save()  # not over itself
    assert path.read_bytes() == before
    studio.answers.to_save = tmp_path / "copy.emozone"
    assert studio.window.files.save()
    assert "(read-only)" not in studio.window.windowTitle()
    assert not studio.window.banner.isVisible()
    assert studio.window.actions_["project.save"].text() == "Save"
    studio.session.undo()
    studio.session.hold("AU12", 2.0)
    assert studio.window.files.save()
    assert load_project(tmp_path / "copy.emozone").read_only is None
    assert studio.answers.asked == ["save", "not saved", "save"]


# ---- backups ----


def backups_dialog(studio: Studio) -> BackupsDialog:
    part = next(part for part in studio.window.parts if isinstance(part, BackupsPart))
    studio.until(lambda: part.dialog is not None and part.dialog.isVisible())
    assert part.dialog is not None
    return part.dialog


def test_a_backup_is_restored_as_one_step_that_can_be_undone(studio: Studio, saved: Path) -> None:
    for value in (2.0, 3.0):
        studio.session.hold("AU12", value)
        studio.window.files.save()
    now = studio.session.project
    studio.window.actions_["project.backups"].trigger()
    dialog = backups_dialog(studio)
    assert dialog.list.count() == 2
    assert "held at 3.00 → held at 2.00" in dialog.preview.text
    QTest.keyClick(dialog.list, Qt.Key.Key_Down)
    assert "held at 3.00 → held at 1.00" in dialog.preview.text
    QTest.mouseClick(dialog.primary, Qt.MouseButton.LeftButton)
    assert studio.held("AU12") == 1.0
    assert studio.window.isWindowModified()
    restored = studio.session.project
    studio.session.undo()
    assert studio.session.project == now
    studio.session.redo()
    assert studio.session.project == restored


def test_a_damaged_project_offers_its_backups(studio: Studio, saved: Path) -> None:
    studio.session.hold("AU12", 2.0)
    studio.window.files.save()
    studio.window.files.new_project()
    saved.write_bytes(saved.read_bytes()[:200])
    studio.answers.to_confirm = True
    studio.window.files.open(saved)
    assert studio.answers.asked == ["confirm Show backups…"]
    dialog = backups_dialog(studio)
    dialog.primary.click()
    assert studio.held("AU12") == 1.0
    assert studio.session.path == saved
    assert studio.window.isWindowModified()
    assert studio.window.files.save()
    assert load_project(saved) == studio.session.project
    assert len(studio.answers.asked) == 1


def test_damaged_backups_cannot_be_restored(studio: Studio, saved: Path) -> None:
    backup = saved.with_name(f"{saved.name}.bak1")
    backup.write_bytes(b"{")
    studio.window.actions_["project.backups"].trigger()
    dialog = backups_dialog(studio)
    assert "damaged" in dialog.preview.text
    assert not dialog.primary.isEnabled()
    dialog.reject()


def test_without_backups_it_is_said(studio: Studio, tmp_path: Path) -> None:
    studio.window.actions_["project.backups"].trigger()
    assert "no backups yet" in studio.window.status.text()
    studio.answers.to_save = tmp_path / "a.emozone"
    studio.window.files.save()
    studio.window.actions_["project.backups"].trigger()
    studio.until(lambda: "no backups of a yet" in studio.window.status.text())


def test_coming_back_to_a_file_changed_meanwhile_is_told_once(studio: Studio, saved: Path) -> None:
    keeping = next(part for part in studio.window.parts if isinstance(part, Keeping))
    keeping.look()
    saved.write_bytes(saved.read_bytes().replace(b'"loop": false', b'"loop": true'))
    keeping._state_changed(Qt.ApplicationState.ApplicationActive)
    studio.until(lambda: "changed by another program" in studio.window.banner.text)
    assert not studio.session.project.loop
    studio.window.banner.button.click()
    studio.until(lambda: studio.session.project.loop)
    saved.write_bytes(saved.read_bytes().replace(b'"loop": true', b'"loop": false'))
    keeping.look()
    studio.until(studio.window.banner.isVisible)
    studio.window.banner.hide()
    keeping.look()
    keeping._worker.run(lambda: None, lambda _none: studio.window.status.setText("looked"), lambda _text: None)
    studio.until(lambda: studio.window.status.text() == "looked")
    assert not studio.window.banner.isVisible()


def test_a_sample_after_a_read_only_project_is_no_longer_read_only(studio: Studio, saved: Path) -> None:
    studio.window.files.open(newer(saved))
    studio.session.open_unsaved(Project())
    assert studio.session.read_only is None
    assert studio.session.path is None
