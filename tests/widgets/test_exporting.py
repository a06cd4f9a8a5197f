"""Exports from the window: what is seen is what is written, and a job's command writes the same."""

from __future__ import annotations

import shlex
import threading
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from studio import cli
from studio.document.curves import Curve
from studio.document.model import Bookmark
from studio.document.performance import CameraView
from studio.engine.avatar import Avatar, save_avatar
from studio.engine.renderer import Renderer
from studio.engine.video import VideoWriter
from studio.widgets.export_dialog import ExportDialog
from studio.widgets.exporting import Exports
from studio.widgets.exports import reveal
from studio.widgets.exports.jobs import Job, State
from tests.widgets.conftest import PATIENCE_MS, Studio


def exports(studio: Studio) -> Exports:
    return next(part for part in studio.window.parts if isinstance(part, Exports))


def asked(studio: Studio, folder: Path, form: str | None = None) -> ExportDialog:
    """The dialog with a small size and a short range, opened by its keys."""
    studio.window.files.folder = folder
    if form is None:
        studio.window.activateWindow()
        with studio.qtbot.waitActive(studio.window, timeout=PATIENCE_MS):
            pass
        studio.key(Qt.Key.Key_E, Qt.KeyboardModifier.ControlModifier)
    else:
        exports(studio).ask(form)
    dialog = exports(studio).dialog
    assert dialog is not None
    assert dialog.isVisible()
    dialog.size_choice.setCurrentIndex(dialog.size_choice.count() - 1)
    dialog.width_px.setValue(64)
    dialog.height_px.setValue(48)
    dialog.end_s.setValue(min(0.4, dialog.end_s.value()))
    return dialog


def done(studio: Studio, job: Job) -> Job:
    studio.qtbot.waitUntil(lambda: job.finished, timeout=PATIENCE_MS)
    assert job.state is State.DONE, job.error
    return job


def frames(path: Path) -> list[NDArray[np.uint8]]:
    with av.open(str(path)) as file:
        return [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]


def test_two_keys_export_what_is_seen(studio: Studio, tmp_path: Path) -> None:
    studio.session.hold("AU26", 4.0)
    studio.session.set_range((1.0, 1.2))
    studio.window.viewport.look("left")
    dialog = asked(studio, tmp_path)
    dialog.start_s.setValue(1.0)
    dialog.end_s.setValue(1.2)
    QTest.keyClick(dialog, Qt.Key.Key_Return)
    queue = exports(studio).queue
    assert exports(studio).window.isVisible()
    job = done(studio, queue.jobs[0])
    assert job.wish.path == tmp_path / "speech.mp4"
    assert len(frames(job.wish.path)) == 5
    assert str(job.wish.path) in studio.window.status.text()
    assert not exports(studio).badge.isVisible()


def test_the_keys_work_in_the_queue_too(studio: Studio) -> None:
    part = exports(studio)
    studio.key(Qt.Key.Key_E, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier)
    assert part.window.isVisible()
    with studio.qtbot.waitActive(part.window, timeout=PATIENCE_MS):
        part.window.activateWindow()
    QTest.keyClick(part.window, Qt.Key.Key_E, Qt.KeyboardModifier.ControlModifier)
    assert part.dialog is not None
    assert part.dialog.isVisible()


def test_names_never_meet(studio: Studio, tmp_path: Path) -> None:
    (tmp_path / "speech.mp4").touch()
    dialog = asked(studio, tmp_path)
    assert dialog.path.text() == str(tmp_path / "speech 2.mp4")
    QTest.mouseClick(dialog.add, Qt.MouseButton.LeftButton)
    dialog = asked(studio, tmp_path)
    assert dialog.path.text() == str(tmp_path / "speech 3.mp4")
    dialog.path.setText(str(tmp_path / "speech 2.mp4"))
    QTest.mouseClick(dialog.export, Qt.MouseButton.LeftButton)
    assert "name of an export in the queue" in dialog.problem.text()
    assert len(exports(studio).queue.jobs) == 1


@pytest.mark.parametrize(
    ("field", "says"),
    [("missing/a.mp4", "does not exist"), ("a.gif", "does not end in"), ("", "does not end in")],
)
def test_impossible_targets_are_told_in_the_dialog(studio: Studio, tmp_path: Path, field: str, says: str) -> None:
    dialog = asked(studio, tmp_path)
    dialog.path.setText(str(tmp_path / field))
    QTest.mouseClick(dialog.export, Qt.MouseButton.LeftButton)
    assert says in dialog.problem.text()
    assert exports(studio).queue.jobs == []


def test_a_job_keeps_the_project_as_it_was(studio: Studio, tmp_path: Path) -> None:
    """What is edited after an export was added is not in it."""
    studio.session.hold("AU26", 5.0)
    QTest.mouseClick(asked(studio, tmp_path).export, Qt.MouseButton.LeftButton)
    QTest.mouseClick(asked(studio, tmp_path).add, Qt.MouseButton.LeftButton)
    studio.session.hold("AU26", 0.0)
    studio.window.viewport.look("back")
    first, second = exports(studio).queue.jobs
    done(studio, first)
    exports(studio).queue.start(second)
    done(studio, second)
    assert all(np.array_equal(a, b) for a, b in zip(*(frames(j.wish.path) for j in (first, second)), strict=True))
    QTest.mouseClick(asked(studio, tmp_path).export, Qt.MouseButton.LeftButton)
    third = done(studio, exports(studio).queue.jobs[2])
    assert not np.array_equal(frames(first.wish.path)[0], frames(third.wish.path)[0])


def test_editing_goes_on_while_an_export_runs(studio: Studio, tmp_path: Path) -> None:
    part, gate = exports(studio), threading.Event()
    QTest.mouseClick(asked(studio, tmp_path).add, Qt.MouseButton.LeftButton)
    job = part.queue.jobs[0]
    run = job.run
    job.run = lambda wish, progress, cancelled: (gate.wait(60), run(wish, progress, cancelled))[1]
    part.queue.start(job)
    before, red = studio.session.project, studio.red()
    studio.session.hold("AU1", 5.0)
    studio.until(lambda: studio.red() != red)
    after = studio.session.project
    studio.session.undo()
    assert studio.session.project == before
    studio.session.redo()
    assert studio.session.project == after
    assert job.state is State.RUNNING
    gate.set()
    done(studio, job)


def test_this_frame_as_a_picture(studio: Studio, tmp_path: Path) -> None:
    studio.driver.seek(1.4)
    studio.window.files.folder = tmp_path
    studio.key(Qt.Key.Key_E, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    dialog = exports(studio).dialog
    assert dialog is not None
    assert dialog.wish().form == "png"
    assert dialog.wish().start_s == pytest.approx(1.4)
    QTest.keyClick(dialog, Qt.Key.Key_Return)
    done(studio, exports(studio).queue.jobs[0])
    assert [path.name for path in tmp_path.glob("*.png")] == ["speech.png"]


def test_cameras_of_the_project_are_offered(studio: Studio, tmp_path: Path) -> None:
    dialog = asked(studio, tmp_path)
    assert [dialog.camera.itemText(i) for i in range(dialog.camera.count())] == [
        "Current view",
        "Yaw and pitch",
    ]
    dialog.reject()
    project = studio.session.project.perform(lambda p: p.with_camera_key(0.0, CameraView(20.0, 0.0, 3.0)))
    studio.session.history.apply("Key the camera", project)
    view = CameraView(-20.0, 5.0, 2.5)
    studio.session.history.apply("Keep the view", project.replace(bookmarks=(Bookmark("Close", view),)))
    dialog = asked(studio, tmp_path)
    names = [dialog.camera.itemText(i) for i in range(dialog.camera.count())]
    assert names == ["Keyed camera", "Current view", "Close", "Yaw and pitch"]
    assert (dialog.wish().view, dialog.wish().camera_name) == (None, "keyed camera")
    dialog.camera.setCurrentIndex(2)
    assert (dialog.wish().view, dialog.wish().camera_name) == (view, "Close")
    keyed = studio.session.project.camera(studio.driver.player.position_s)
    assert dialog.camera.itemData(1).view == keyed
    dialog.reject()
    viewport = studio.window.viewport
    studio.drag(viewport, viewport.rect().center(), viewport.rect().center() + QPoint(60, 0))
    dialog = asked(studio, tmp_path, "mp4")
    assert [dialog.camera.itemText(i) for i in range(2)] == ["Current view", "Keyed camera"]
    assert dialog.wish().view == viewport.controller.view != keyed


def test_the_project_remembers_its_export_beside_the_history(studio: Studio, tmp_path: Path) -> None:
    session, history = studio.session, studio.session.history
    session.hold("AU26", 2.0)
    session.set_range((1.0, 2.0))
    session.hold("AU26", 4.0)
    history.mark_saved()
    studio.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    labels, position = [command.label for command in history.commands], history.position
    told: list[str] = []
    history.subscribe(lambda event: told.append(event.cause))
    dialog = asked(studio, tmp_path)
    dialog.rate.setCurrentIndex(dialog.rate.findData(30.0))
    dialog.start_s.setValue(0.0)
    dialog.end_s.setValue(4.0)
    QTest.mouseClick(dialog.add, Qt.MouseButton.LeftButton)

    def settings() -> tuple[int, int, float | None, bool]:
        export = session.project.export
        return export.width_px, export.height_px, export.fps, export.only_range

    assert told == ["amend"]
    assert settings() == (64, 48, 30.0, False)
    assert ([command.label for command in history.commands], history.position) == (labels, position)
    assert history.dirty
    last = history.commands[-1]
    assert last.before == session.project
    studio.session.redo()
    assert session.project == last.after
    assert (studio.held("AU26"), settings()) == (4.0, (64, 48, 30.0, False))
    for _ in labels:
        studio.session.undo()
    assert (studio.held("AU26"), settings()) == (None, (64, 48, 30.0, False))
    assert not history.undo()
    dialog = asked(studio, tmp_path, "png")
    QTest.mouseClick(dialog.add, Qt.MouseButton.LeftButton)
    assert told.count("amend") == 1


def test_a_failure_is_told_without_stopping_work(studio: Studio, tmp_path: Path) -> None:
    folder = tmp_path / "drive"
    folder.mkdir()
    QTest.mouseClick(asked(studio, folder).add, Qt.MouseButton.LeftButton)
    folder.rmdir()
    job = exports(studio).queue.jobs[0]
    exports(studio).queue.start(job)
    studio.qtbot.waitUntil(lambda: job.state is State.FAILED, timeout=PATIENCE_MS)
    assert "does not exist" in job.error
    assert studio.window.banner.text == job.error
    assert studio.answers.errors == [], "no dialog stands in the way"
    folder.mkdir()
    exports(studio).queue.start(job)
    done(studio, job)


def test_finished_ones_are_shown_in_their_folder(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[Path] = []
    monkeypatch.setattr(reveal, "show_in_folder", lambda path: shown.append(path) or path.exists())
    QTest.mouseClick(asked(studio, tmp_path).export, Qt.MouseButton.LeftButton)
    job = done(studio, exports(studio).queue.jobs[0])
    button = exports(studio).window.cards.cards[0].buttons["reveal"]
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert shown == [job.wish.path]
    job.wish.path.unlink()
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert "no longer there" in studio.answers.errors[0]


def test_closing_the_studio_asks_while_exports_run(studio: Studio, tmp_path: Path) -> None:
    gate = threading.Event()

    def work(_wish: object, _progress: object, cancelled: object) -> object:
        gate.wait(60)
        raise AssertionError(cancelled)

    part = exports(studio)
    QTest.mouseClick(asked(studio, tmp_path).add, Qt.MouseButton.LeftButton)
    job = part.queue.jobs[0]
    assert part.may_close(), "what was only added does not keep the window open"
    job.run = work  # type: ignore[assignment]
    part.queue.start(job)
    studio.answers.to_unsaved = "discard"
    studio.window.close()
    assert studio.window.isVisible()
    assert studio.answers.asked[-1] == "confirm Stop and close"
    assert part.badge.isVisible()
    studio.answers.to_confirm = True
    gate.set()


def test_the_badge_opens_the_queue(studio: Studio, tmp_path: Path) -> None:
    part = exports(studio)
    before = studio.window.statusBar().height()
    gate = threading.Event()
    QTest.mouseClick(asked(studio, tmp_path).add, Qt.MouseButton.LeftButton)
    job = part.queue.jobs[0]
    run = job.run
    job.run = lambda wish, progress, cancelled: (gate.wait(60), run(wish, progress, cancelled))[1]
    part.queue.start(job)
    part.window.hide()
    studio.qtbot.wait(10)
    assert part.badge.text() == "Exporting  ·  1 export"
    assert studio.window.statusBar().height() == before, "nothing in the window moves"
    QTest.mouseClick(part.badge, Qt.MouseButton.LeftButton)
    assert part.window.isVisible()
    gate.set()
    done(studio, job)


# ---- the proof: viewport, encoder and command line show the same ----


@pytest.fixture
def real(qtbot: QtBot, speech: Path, tmp_path: Path, avatar: Avatar) -> Studio:
    """A window that draws with the real renderer, on an avatar's file."""
    path = tmp_path / "toy.safetensors"
    save_avatar(avatar, path)
    from studio.engine.avatar import load_avatar

    studio = Studio(qtbot, avatar)
    studio.load = lambda _path: Renderer(load_avatar(path), backend="cpu")  # type: ignore[assignment, return-value]
    studio.session.start_with(speech, path)
    studio.until(lambda: studio.driver.shown is not None)
    studio.until(lambda: studio.session.clip is not None and studio.session.clip.features is not None)
    studio.until(lambda: studio.driver.player.duration_s > 0)
    studio.settle()
    return studio


@pytest.mark.parametrize("keyed", [False, True], ids=["still camera", "keyed camera"])
def test_frames_given_to_the_encoder_are_those_of_the_viewport(
    real: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keyed: bool
) -> None:
    curve = Curve().with_key(0.0, 0.0).with_key(0.4, 5.0)
    project = real.session.project.perform(lambda p: p.with_curve("AU26", curve))
    if keyed:
        project = project.perform(lambda p: p.with_camera_key(0.0, CameraView(0.0, 0.0, 3.0)))
        project = project.perform(lambda p: p.with_camera_key(0.4, CameraView(40.0, 10.0, 3.5)))
    real.session.history.apply("Open the mouth", project)
    if not keyed:
        real.window.viewport.look("left")
    real.window.viewport.setFixedSize(480, 320)  # even, as videos must be
    real.until(lambda: real.window.viewport.device_size() == (480, 320))
    width, height = 480, 320
    seen: list[NDArray[np.uint8]] = []
    for i in range(10):
        real.driver.seek(i / 25)
        real.until(lambda i=i: _stands(real, i / 25, (width, height)))  # type: ignore[misc]
        assert real.driver.shown is not None
        seen.append(real.driver.shown.rgba[..., :3].copy())
    encoded: list[NDArray[np.uint8]] = []
    write = VideoWriter.write

    def spy(self: VideoWriter, picture: NDArray[np.uint8]) -> None:
        encoded.append(picture.copy())
        write(self, picture)

    monkeypatch.setattr(VideoWriter, "write", spy)
    dialog = asked(real, tmp_path)
    dialog.width_px.setValue(width)
    dialog.height_px.setValue(height)
    QTest.keyClick(dialog, Qt.Key.Key_Return)
    done(real, exports(real).queue.jobs[0])
    assert len(encoded) == 10
    assert all(np.array_equal(a, b) for a, b in zip(seen, encoded, strict=True))
    assert not np.array_equal(encoded[0], encoded[9])
    real.close()


def _stands(studio: Studio, time_s: float, size: tuple[int, int]) -> bool:
    """Whether the viewport shows that moment with all its pixels, not the smaller picture of a moving hand."""
    shown = studio.driver.shown
    if shown is None:
        return False
    camera = shown.request.camera
    return shown.request.time_s == time_s and (camera.width, camera.height) == size


@pytest.mark.parametrize("form", ["mp4", "png-frames", "ply"])
def test_the_copied_command_makes_the_same_file(
    real: Studio, tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    real.session.hold("AU26", 3.0)
    real.window.viewport.look("left")
    real.driver.seek(0.36)
    real.settle()
    dialog = asked(real, tmp_path, form)
    QTest.mouseClick(dialog.export, Qt.MouseButton.LeftButton)
    job = done(real, exports(real).queue.jobs[0])
    real.session.hold("AU26", 0.0)  # the job's state of the project is in no file now
    button = exports(real).window.cards.cards[0].buttons["command"]
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert real.answers.asked[-1] == "confirm Save and copy"
    assert list(tmp_path.glob("*.emozone")) == [], "nothing is saved without being asked for"
    real.answers.to_confirm = True
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    words = shlex.split(QGuiApplication.clipboard().text())
    assert words[:2] == ["emozone", "export"]
    assert Path(words[2]).is_file()
    moved = job.wish.path.with_name(f"window-{job.wish.path.name}")
    job.wish.path.rename(moved)
    assert cli.main(words[1:]) == 0, capsys.readouterr().err
    capsys.readouterr()
    if form == "mp4":
        first, second = frames(moved), frames(job.wish.path)
        assert len(first) == 10
        assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    elif form == "ply":
        assert moved.read_bytes() == job.wish.path.read_bytes()
    else:
        names = sorted(path.name for path in moved.iterdir())
        assert names == sorted(path.name for path in job.wish.path.iterdir())
        assert all((moved / name).read_bytes() == (job.wish.path / name).read_bytes() for name in names)
    real.close()


def test_a_saved_project_is_named_as_it_is(real: Studio, tmp_path: Path) -> None:
    real.answers.to_save = tmp_path / "film.emozone"
    assert real.window.files.save()
    QTest.mouseClick(asked(real, tmp_path).add, Qt.MouseButton.LeftButton)
    part = exports(real)
    part.copy_command(part.queue.jobs[0])
    assert shlex.split(QGuiApplication.clipboard().text())[2] == str(tmp_path / "film.emozone")
    assert real.answers.asked == ["save"]
    real.close()


def test_without_a_clip_there_is_nothing_to_export(empty_studio: Studio) -> None:
    empty_studio.open(None)
    empty_studio.key(Qt.Key.Key_E, Qt.KeyboardModifier.ControlModifier)
    assert "nothing to export" in empty_studio.answers.errors[0]
