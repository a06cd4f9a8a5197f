from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import av
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from studio.engine.export import ExportCancelledError, ExportProgress, ExportReport
from studio.errors import StudioError
from studio.widgets.export_dialog import ExportDialog, ExportOffer, ExportWish, Progress
from tests.widgets.conftest import Studio

OFFER = ExportOffer(Path("/tmp/clip.mp4"), 512, 512, 25.0, 8.0, None)


def report(wish: ExportWish) -> ExportReport:
    return ExportReport(wish.path, 200, 8.0, 25.0, wish.width, wish.height, 1_500_000, "libx264", "cpu", 10.0)


class Job:
    """An export that goes on when the test says so."""

    def __init__(self, error: StudioError | None = None) -> None:
        self.wishes: list[ExportWish] = []
        self.go = threading.Event()
        self.error = error

    def __call__(self, wish: ExportWish, progress: Progress, cancelled: Callable[[], bool]) -> ExportReport:
        self.wishes.append(wish)
        progress(ExportProgress(50, 200, 75.0))
        while not self.go.wait(0.01):
            if cancelled():
                raise ExportCancelledError("The export was cancelled.")
        if self.error is not None:
            raise self.error
        return report(wish)


@pytest.fixture
def job() -> Job:
    return Job()


@pytest.fixture
def dialog(qtbot: QtBot, job: Job) -> ExportDialog:
    dialog = ExportDialog(OFFER, job, choose_path=lambda _parent, start: start.with_name("chosen.mp4"))
    qtbot.addWidget(dialog, before_close_func=lambda d: (job.go.set(), d.shut_down()))
    dialog.show()
    return dialog


def test_the_fields_say_what_is_exported(dialog: ExportDialog) -> None:
    dialog.size_choice.setCurrentIndex(dialog.size_choice.findText("1920", Qt.MatchFlag.MatchStartsWith))
    dialog.rate.setCurrentIndex(dialog.rate.findData(30.0))
    dialog.start_s.setValue(1.5)
    dialog.end_s.setValue(4.0)
    dialog._choose()
    assert dialog.wish() == ExportWish(Path("/tmp/chosen.mp4"), 1920, 1080, 30.0, 1.5, 4.0)
    dialog._whole()
    assert (dialog.wish().start_s, dialog.wish().end_s) == (0.0, 8.0)


def test_the_end_of_the_clip_is_exact_though_the_field_shows_hundredths(qtbot: QtBot, job: Job) -> None:
    dialog = ExportDialog(ExportOffer(OFFER.path, 640, 360, 25.0, 7.98765, None), job)
    qtbot.addWidget(dialog)
    assert dialog.wish().end_s == 7.98765
    assert (dialog.wish().width, dialog.wish().height) == (640, 360)
    assert dialog.width_px.isEnabled()
    dialog.shut_down()


def test_it_runs_with_progress_and_says_when_it_is_done(qtbot: QtBot, dialog: ExportDialog, job: Job) -> None:
    QTest.mouseClick(dialog.export, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "1 min 15 s left" in dialog.detail.text())
    assert (dialog.bar.value(), dialog.bar.maximum()) == (50, 200)
    with qtbot.waitSignal(dialog.finished_export):
        job.go.set()
    assert dialog.headline.text() == "clip.mp4 is ready"
    assert "200 frames" in dialog.detail.text()
    QTest.mouseClick(dialog.stop, Qt.MouseButton.LeftButton)
    assert not dialog.isVisible()


@pytest.mark.parametrize("how", ["button", "escape"])
def test_cancel_returns_to_the_form(qtbot: QtBot, dialog: ExportDialog, job: Job, how: str) -> None:
    dialog.start()
    qtbot.waitUntil(lambda: bool(job.wishes))
    if how == "button":
        QTest.mouseClick(dialog.stop, Qt.MouseButton.LeftButton)
    else:
        QTest.keyClick(dialog, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not dialog.running)
    assert dialog.isVisible()
    assert dialog.export.isVisible()
    assert not dialog.problem.isVisible()


def test_a_failure_is_said_beside_the_fields(qtbot: QtBot, dialog: ExportDialog, job: Job) -> None:
    job.error = StudioError("/tmp/clip.mp4 cannot be written; the disk is full.")
    job.go.set()
    with qtbot.waitSignal(dialog.failed):
        dialog.start()
    assert dialog.problem.isVisible()
    assert "disk is full" in dialog.problem.text()


def test_the_window_exports_what_is_seen(studio: Studio, tmp_path: Path) -> None:
    studio.session.hold("AU26", 4.0)
    studio.session.set_range((1.0, 1.2))
    studio.window.viewport.look("left")
    studio.window.exports.show(studio.window.files.folder)
    dialog = studio.window.exports.dialog
    assert dialog is not None
    assert (dialog.wish().start_s, dialog.wish().end_s) == (1.0, 1.2)
    path = tmp_path / "seen.mp4"
    dialog.path.setText(str(path))
    dialog.size_choice.setCurrentIndex(dialog.size_choice.count() - 1)
    dialog.width_px.setValue(64)
    dialog.height_px.setValue(48)
    with studio.qtbot.waitSignal(dialog.finished_export, timeout=60_000):
        dialog.start()
    with av.open(str(path)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 5
    assert str(path) in studio.window.status.text()


def test_without_a_clip_there_is_nothing_to_export(empty_studio: Studio) -> None:
    empty_studio.open(None)
    empty_studio.window.exports.show(empty_studio.window.files.folder)
    assert "nothing to export" in empty_studio.answers.errors[0]
