"""The journal of the window, and getting back what a dead session left."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from studio.document import records
from studio.document.commands import History
from studio.document.journal import Journal, journal_folder, recoverable
from studio.document.model import Project
from studio.document.performance import Performance
from studio.document.project import load_project, save_project
from studio.engine.avatar import Avatar
from studio.widgets.safety.journaling import Journaling
from studio.widgets.safety.preview import moment
from studio.widgets.safety.recovery import RecoveryDialog, RecoveryPart
from tests.widgets.conftest import Studio

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def own_journals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", os.fspath(tmp_path / "state"))
    return journal_folder()


def part(studio: Studio, kind: type) -> object:
    return next(part for part in studio.window.parts if isinstance(part, kind))


def journaling(studio: Studio) -> Journaling:
    found = part(studio, Journaling)
    assert isinstance(found, Journaling)
    return found


def recovery_part(studio: Studio) -> RecoveryPart:
    found = part(studio, RecoveryPart)
    assert isinstance(found, RecoveryPart)
    return found


def held(value: float) -> Project:
    return Project(performance=Performance.held({"AU12": value}))


def leave(value: float = 3.0, path: Path | None = None, edits: int = 2) -> Project:
    """A session that edited and died."""
    history = History(held(0.25))
    journal = Journal(history.project, path)
    journal.attach(history)
    for i in range(edits):
        history.apply(f"smile {i}", held(value + i / 10))
    journal.close(keep=True)
    return history.project


def open_dialog(studio: Studio) -> RecoveryDialog:
    studio.window.actions_["project.recover"].trigger()
    studio.until(lambda: recovery_part(studio).dialog is not None and recovery_part(studio).dialog.isVisible())
    dialog = recovery_part(studio).dialog
    assert dialog is not None
    return dialog


def test_every_commit_is_in_the_journal_until_the_window_closes(studio: Studio, own_journals: Path) -> None:
    studio.session.hold("AU12", 2.0)
    studio.session.hold("AU12", 3.0)
    path = journaling(studio).path
    assert path is not None
    assert path.parent == own_journals
    assert len(records.read_records(path).records) == 3
    studio.session.undo()
    assert len(records.read_records(path).records) == 4
    assert recoverable() == ()  # this very session lives
    studio.answers.to_unsaved = "discard"
    assert studio.window.close()
    assert list(own_journals.iterdir()) == []


def test_saving_opening_and_new_begin_a_journal_of_their_own(
    studio: Studio, own_journals: Path, tmp_path: Path
) -> None:
    seen = [journaling(studio).path]
    studio.session.hold("AU12", 2.0)
    studio.answers.to_save = tmp_path / "talk.emozone"
    studio.window.files.save()
    seen.append(journaling(studio).path)
    studio.window.files.new_project()
    seen.append(journaling(studio).path)
    studio.window.files.open(tmp_path / "talk.emozone")
    seen.append(journaling(studio).path)
    assert len(set(seen)) == 4
    assert list(own_journals.iterdir()) == [seen[-1]]
    studio.session.hold("AU12", 4.0)
    assert len(records.read_records(seen[-1] or Path()).records) == 2


def test_a_large_change_is_written_in_the_background_and_in_order(studio: Studio) -> None:
    import numpy as np

    from studio.document.curves import Curve

    curve = Curve.from_samples(np.arange(4000) / 25, np.zeros(4000))
    studio.session.history.apply("many", lambda p: p.perform(lambda f: f.with_curve("AU4", curve)))
    studio.session.hold("AU12", 1.0)
    studio.session.undo()
    studio.session.hold("AU12", 2.0)
    path = journaling(studio).path
    assert path is not None
    written = records.read_records(path).records[1:]
    assert [record["labels"] for record in written if isinstance(record, dict)] == [
        ["many"],
        ["Set AU12 Lip corner puller"],
        ["Undo Set AU12 Lip corner puller"],
        ["Set AU12 Lip corner puller"],
    ]


def test_a_full_disk_is_told_in_the_banner_and_editing_goes_on(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    journaling(studio).wait()
    monkeypatch.setattr(records.os, "write", full)
    studio.session.hold("AU12", 2.0)
    studio.until(lambda: "no space left" in studio.window.banner.text)
    assert studio.held("AU12") == 2.0


def test_nothing_to_recover_is_said_only_when_asked(studio: Studio) -> None:
    studio.window.actions_["project.recover"].trigger()
    studio.until(lambda: "nothing to recover" in studio.window.status.text())
    assert recovery_part(studio).dialog is None


def test_what_a_dead_session_left_is_shown_and_recovered(studio: Studio, tmp_path: Path) -> None:
    path = tmp_path / "My talk.emozone"
    save_project(held(0.25), path)
    left = leave(path=path)
    dialog = open_dialog(studio)
    text = dialog.preview.text
    for expected in ("My talk", "2 unsaved edits", "1 lane", "held at 0.25 → held at 3.10", "smile 1"):
        assert expected in text
    QTest.mouseClick(dialog.primary, Qt.MouseButton.LeftButton)
    assert not dialog.isVisible()
    assert studio.session.project == left
    assert studio.session.path == path
    assert studio.window.isWindowModified()
    assert "recovered" in studio.window.windowTitle()
    assert "not saved yet" in studio.window.banner.text
    journaling(studio).wait()
    assert recoverable() == ()  # the new journal has taken over, and it lives
    assert load_project(path) == held(0.25)
    studio.window.files.save()
    assert load_project(path) == left
    assert "recovered" not in studio.window.windowTitle()
    assert studio.answers.asked == []  # nobody else had changed the file


def test_recovering_asks_for_the_open_work_first(studio: Studio) -> None:
    leave()
    studio.session.hold("AU1", 1.0)
    before = studio.session.project
    dialog = open_dialog(studio)
    QTest.mouseClick(dialog.primary, Qt.MouseButton.LeftButton)
    assert studio.answers.asked == ["unsaved"]
    assert studio.session.project is before
    assert dialog.isVisible()
    dialog.reject()


def test_later_keeps_it_and_discard_removes_it_after_a_question(studio: Studio) -> None:
    leave(1.0)
    leave(2.0)
    dialog = open_dialog(studio)
    assert dialog.list.count() == 2
    QTest.mouseClick(dialog.leave, Qt.MouseButton.LeftButton)
    assert len(recoverable()) == 2
    dialog = open_dialog(studio)
    QTest.mouseClick(dialog.discard, Qt.MouseButton.LeftButton)
    assert studio.answers.asked == ["confirm Discard"]
    assert len(recoverable()) == 2
    studio.answers.to_confirm = True
    QTest.mouseClick(dialog.discard, Qt.MouseButton.LeftButton)
    assert dialog.list.count() == 1
    assert len(recoverable()) == 1
    QTest.mouseClick(dialog.discard, Qt.MouseButton.LeftButton)
    assert not dialog.isVisible()
    assert recoverable() == ()


def test_the_dialog_is_worked_with_the_keyboard(studio: Studio) -> None:
    first = leave(1.0)
    leave(2.0)
    dialog = open_dialog(studio)
    dialog.list.setFocus()
    QTest.keyClick(dialog.list, Qt.Key.Key_Down)
    QTest.keyClick(dialog.list, Qt.Key.Key_Return)
    assert studio.session.project == first
    dialog = open_dialog(studio)
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert len(recoverable()) == 1


def test_a_session_that_died_just_after_saving_is_not_offered(studio: Studio, tmp_path: Path) -> None:
    path = tmp_path / "talk.emozone"
    save_project(leave(path=path), path)
    studio.window.actions_["project.recover"].trigger()
    studio.until(lambda: "nothing to recover" in studio.window.status.text())
    assert recoverable() == ()


def test_a_damaged_journal_is_shown_for_what_it_is(studio: Studio, own_journals: Path) -> None:
    leave(1.0, edits=3)
    (file,) = set(own_journals.iterdir()) - {journaling(studio).path}
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:3]) + b"0" + lines[3][1:])
    dialog = open_dialog(studio)
    assert "ends early" in dialog.preview.text
    QTest.mouseClick(dialog.primary, Qt.MouseButton.LeftButton)
    assert studio.held("AU12") == 1.1


def test_a_file_saved_by_someone_since_the_crash_is_asked_about(studio: Studio, tmp_path: Path) -> None:
    path = tmp_path / "talk.emozone"
    leave(path=path)
    save_project(held(5.0), path)
    os.utime(path, (time.time() + 60, time.time() + 60))
    dialog = open_dialog(studio)
    dialog.primary.click()
    assert not studio.window.files.save()
    assert studio.answers.asked == ["changed talk.emozone"]
    assert load_project(path) == held(5.0)


def test_two_windows_do_not_offer_each_other_their_journals(studio: Studio, qtbot: QtBot, avatar: Avatar) -> None:
    studio.session.hold("AU12", 2.0)
    other = Studio(qtbot, avatar).open(None)
    other.session.hold("AU12", 3.0)
    other.window.actions_["project.recover"].trigger()
    other.until(lambda: "nothing to recover" in other.window.status.text())
    other.close()
    assert journaling(studio).path in journal_folder().iterdir()


def test_moments_are_told_as_people_do() -> None:
    now = time.mktime((2026, 3, 12, 10, 0, 0, 0, 0, -1))
    assert moment(now - 3600, now) == "today 09:00"
    assert moment(now - 12 * 3600, now) == "yesterday 22:00"
    assert moment(now - 3 * 24 * 3600, now) == "9 March 2026, 10:00"


def test_nothing_is_cut_off_in_the_dialog(studio: Studio, tmp_path: Path) -> None:
    leave(path=tmp_path / ("A very long name of a project that goes on and on" + " and on" * 10 + ".emozone"))
    dialog = open_dialog(studio)
    for label in dialog.findChildren(QLabel):
        if label.isVisible():
            assert label.width() <= dialog.width()
    assert dialog.preview.width() <= dialog.width()


# ---- the real window, killed ----

VICTIM = """
import sys
from PySide6.QtCore import QTimer
from studio import app
from studio.playback.device import SilentOutput
from studio.widgets.main_window import MainWindow
from tests.playback.engines import failing_load

application = app.make_application(["victim"])
window = MainWindow(SilentOutput(), failing_load, presenter="raster")
window.show()
window.session.new()
step = 0

def edit():
    global step
    step += 1
    window.panel.gesture_begun.emit("AU12")
    for part in (0.3, 0.6, 1.0):
        window.panel.gesture_moved.emit("AU12", (step - 1 + part) % 50 / 10)
    window.panel.gesture_ended.emit("AU12")
    print(step, window.session.project.performance.lane("AU12").held, flush=True)

timer = QTimer()
timer.timeout.connect(edit)
timer.start(1)
application.exec()
"""


@pytest.fixture
def killed() -> list[bytes]:
    """What a real studio printed of its edits until it was killed in the middle of them."""
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    victim = subprocess.Popen([sys.executable, "-c", VICTIM], cwd=ROOT, env=environment, stdout=subprocess.PIPE)
    assert victim.stdout is not None
    try:
        lines = [victim.stdout.readline() for _ in range(40)]
    finally:
        os.kill(victim.pid, signal.SIGKILL)
        lines += victim.stdout.read().splitlines()
        victim.wait()
        victim.stdout.close()
    return [line for line in lines if line.strip()]


def test_killing_the_studio_itself_loses_nothing_committed(studio: Studio, killed: list[bytes]) -> None:
    step, value = killed[-1].split()
    dialog = open_dialog(studio)
    assert int(step) <= dialog.offers[0].recovery.edits <= int(step) + 1
    QTest.mouseClick(dialog.primary, Qt.MouseButton.LeftButton)
    recovered = studio.held("AU12")
    assert recovered is not None
    assert recovered in (float(value), pytest.approx((int(step) + 1) % 50 / 10))
