"""Takes come in and go out through menus and drops; every kind of file can be dropped."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest

from studio.document.action_units import AU_INDEX
from studio.document.interchange.arkit import ARKIT
from studio.document.interchange.live_link import export_live_link, import_live_link
from studio.document.interchange.openface import export_openface, import_openface
from studio.document.model import Media, Project
from studio.document.project import save_project
from studio.document.takes import Take
from studio.engine.avatar import Avatar, save_avatar
from studio.errors import StudioError
from studio.widgets.interchange.import_dialog import ImportDialog
from studio.widgets.interchange.part import InterchangePart
from studio.widgets.routing import kind_of
from tests.widgets.conftest import Studio, write_wav
from tests.widgets.test_files import drop


def smile(frames: int = 50, fps: float = 25.0) -> Take:
    au = np.zeros((frames, len(AU_INDEX)), np.float32)
    au[:, AU_INDEX["AU12"]] = 2.5 - 2.5 * np.cos(np.arange(frames) / fps * np.pi)
    return Take("smile", fps, au)


def audio2face(path: Path) -> Path:
    weights = [[0.0] * len(ARKIT) for _ in range(30)]
    for i, row in enumerate(weights):
        row[ARKIT.index("MouthSmileLeft")] = row[ARKIT.index("MouthSmileRight")] = i / 30
        row[ARKIT.index("JawForward")] = 0.5
    path.write_text(json.dumps({"exportFps": 30, "numFrames": 30, "facsNames": list(ARKIT), "weightMat": weights}))
    return path


@pytest.fixture
def openface(tmp_path: Path) -> Path:
    export_openface(smile(), tmp_path / "smile.csv")
    return tmp_path / "smile.csv"


def part(studio: Studio) -> InterchangePart:
    return next(part for part in studio.window.parts if isinstance(part, InterchangePart))


def dialog_of(studio: Studio) -> ImportDialog:
    studio.until(lambda: part(studio).dialog is not None and part(studio).dialog.isVisible())  # type: ignore[union-attr]
    dialog = part(studio).dialog
    assert dialog is not None
    return dialog


def accept(dialog: ImportDialog) -> None:
    QTest.mouseClick(dialog.primary, Qt.MouseButton.LeftButton)


def undo_and_redo(studio: Studio, before: Project) -> None:
    """One entry leads there and back."""
    after = studio.session.project
    assert after != before
    assert len(studio.session.history.commands) == 1
    studio.session.undo()
    assert studio.session.project == before
    studio.session.redo()
    assert studio.session.project == after


def test_a_take_becomes_the_base_below_what_is_there(studio: Studio, openface: Path) -> None:
    studio.session.history.reset(studio.session.project.perform(lambda p: p.with_held("AU4", 1.0)))
    before = studio.session.project
    studio.answers.to_choose = openface
    studio.window.actions_["import.openface"].trigger()
    dialog = dialog_of(studio)
    assert not dialog.report.isVisible()
    accept(dialog)
    take = studio.session.project.performance.base.take
    assert take is not None
    assert take.duration_s == 2.0
    assert studio.held("AU4") == 1.0
    assert studio.session.history.undo_label == "Import smile.csv"
    undo_and_redo(studio, before)
    studio.driver.seek(1.0)
    studio.until(lambda: studio.window.panel.rows["AU12"].slider.intensity() > 4.9)


def test_a_take_becomes_keys_at_the_playhead(studio: Studio, openface: Path) -> None:
    before = studio.session.project
    studio.driver.seek(1.0)
    studio.answers.to_choose = openface
    studio.window.actions_["import.openface"].trigger()
    dialog = dialog_of(studio)
    QTest.mouseClick(dialog.as_keys, Qt.MouseButton.LeftButton)
    dialog.at_playhead.click()
    dialog.tolerance.setValue(0.2)
    accept(dialog)
    studio.until(lambda: studio.session.history.undo_label == "Import smile.csv as keys")
    lane = studio.session.project.performance.lane("AU12")
    assert lane is not None
    assert 2 <= len(lane.curve) < 20
    assert lane.curve.times_s[0] == 1.0
    times = 1 + np.arange(50) / 25
    assert np.abs(lane.curve.sample(times) - smile().au[:, AU_INDEX["AU12"]]).max() <= 0.2 + 1e-6
    assert studio.session.project.performance.base.take is None
    undo_and_redo(studio, before)


def test_cancelling_changes_nothing(studio: Studio, openface: Path) -> None:
    before = studio.session.project
    drop(studio, openface)
    QTest.keyClick(dialog_of(studio), Qt.Key.Key_Escape)
    assert studio.session.project is before


def test_what_does_not_map_is_listed(studio: Studio, tmp_path: Path) -> None:
    studio.answers.to_choose = audio2face(tmp_path / "speech.json")
    studio.window.actions_["import.audio2face"].trigger()
    dialog = dialog_of(studio)
    lines = [dialog.report.item(i).text() for i in range(dialog.report.count())]
    assert any(line.startswith("JawForward") and "no action unit" in line for line in lines)
    accept(dialog)
    assert studio.session.project.performance.base.take is not None


def test_a_live_link_file_is_known_by_its_content(studio: Studio, tmp_path: Path) -> None:
    export_live_link(smile(), tmp_path / "recording.dat")
    drop(studio, tmp_path / "recording.dat")
    dialog = dialog_of(studio)
    accept(dialog)
    take = studio.session.project.performance.base.take
    assert take is not None
    assert take.au[:, AU_INDEX["AU12"]].max() > 4.9


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("cut.csv", b"frame, timestamp, AU12_r\n1, 0.0, x\n2, 0.04, 1\n", "instead of a sensible number"),
        ("other.csv", b"name,age\nAnn,7\n", "nothing that the studio opens"),
        ("deep.json", b'{"facsNames": ' + b"[" * 5000, "nested deeper"),
        ("other.json", b'{"a": 1}', "nothing that the studio opens"),
        ("empty.csv", b"", "is empty"),
        ("picture.png", b"not a picture", "picture.png"),
        ("notes.docx", b"PK\x03\x04\0\0", "nothing that the studio opens"),
    ],
)
def test_bad_files_are_one_sentence_and_nothing_changes(
    studio: Studio, tmp_path: Path, name: str, content: bytes, sentence: str
) -> None:
    (tmp_path / name).write_bytes(content)
    before = studio.session.project
    drop(studio, tmp_path / name)
    studio.until(lambda: bool(studio.answers.errors))
    assert sentence in studio.answers.errors[0]
    assert "\n" not in studio.answers.errors[0]
    assert len(studio.answers.errors) == 1
    assert studio.session.project is before


def test_a_file_chosen_for_one_kind_but_of_another_is_explained(studio: Studio, openface: Path) -> None:
    studio.answers.to_choose = openface
    studio.window.actions_["import.live_link"].trigger()
    studio.until(lambda: bool(studio.answers.errors))
    assert "no ARKit channels" in studio.answers.errors[0]


def test_the_performance_is_exported_for_openface_and_imported_again(studio: Studio, tmp_path: Path) -> None:
    studio.session.hold("AU12", 3.0)
    studio.session.set_range((1.0, 3.0))
    studio.answers.to_choose = tmp_path / "out"
    studio.window.actions_["take.export_openface"].trigger()
    studio.until(lambda: (tmp_path / "out.csv").is_file())
    take = import_openface(tmp_path / "out.csv").take
    assert (take.frames, take.fps) == (50, 25.0)
    assert np.allclose(take.au[:, AU_INDEX["AU12"]], 3.0)


def test_the_live_link_export_says_what_it_cannot(studio: Studio, tmp_path: Path) -> None:
    studio.session.hold("AU12", 2.0)
    studio.answers.to_choose = tmp_path / "out.csv"
    studio.window.actions_["take.export_live_link"].trigger()
    studio.until(lambda: "MouthPress" in studio.window.banner.text)
    assert import_live_link(tmp_path / "out.csv").take.frames == 100


def test_an_export_that_cannot_be_written_is_told(studio: Studio, tmp_path: Path) -> None:
    studio.answers.to_choose = tmp_path / "no" / "folder" / "out.csv"
    studio.window.actions_["take.export_openface"].trigger()
    studio.until(lambda: bool(studio.answers.errors))
    assert "was not written" in studio.answers.errors[0]


def test_with_nothing_to_export_it_is_said(empty_studio: Studio, tmp_path: Path) -> None:
    empty_studio.session.new()
    empty_studio.window.actions_["take.export_openface"].trigger()
    assert "nothing to export" in empty_studio.answers.errors[0]


# ---- dropping anything ----


def test_everything_can_be_dropped_at_once(studio: Studio, tmp_path: Path, avatar: Avatar, openface: Path) -> None:
    save_project(Project(loop=True), tmp_path / "talk.emozone")
    save_avatar(avatar, tmp_path / "head.safetensors")
    image = QImage(8, 8, QImage.Format.Format_RGB32)
    image.fill(0xFF336699)
    assert image.save(str(tmp_path / "back.png"))
    (tmp_path / "readme.txt").write_text("nothing")
    drop(
        studio,
        write_wav(tmp_path / "other.wav", 1.0),
        openface,
        tmp_path / "back.png",
        tmp_path / "readme.txt",
        tmp_path / "head.safetensors",
        tmp_path / "talk.emozone",
    )
    accept(dialog_of(studio))
    studio.until(lambda: studio.session.project.backdrop is not None)
    studio.until(lambda: studio.session.project.audio is not None and studio.session.project.avatar is not None)
    project = studio.session.project
    assert project.loop
    assert project.audio is not None
    assert project.audio.name == "other.wav"
    assert project.performance.base.take is not None
    assert studio.session.path == tmp_path / "talk.emozone"
    assert len(studio.answers.errors) == 1
    assert "readme.txt" in studio.answers.errors[0]


def test_staying_with_the_open_project_leaves_out_the_rest_of_a_drop(studio: Studio, tmp_path: Path) -> None:
    studio.session.hold("AU1", 1.0)
    before = studio.session.project
    save_project(Project(), tmp_path / "talk.emozone")
    drop(studio, write_wav(tmp_path / "other.wav", 1.0), tmp_path / "talk.emozone")
    assert studio.answers.asked == ["unsaved"]
    assert studio.session.project is before
    assert studio.window.timeline is not None


def test_an_image_is_the_background_and_can_be_undone(studio: Studio, tmp_path: Path) -> None:
    image = QImage(8, 8, QImage.Format.Format_RGB32)
    image.fill(0xFF336699)
    assert image.save(str(tmp_path / "back.png"))
    before = studio.session.project
    drop(studio, tmp_path / "back.png")
    studio.until(lambda: studio.session.project.backdrop == Media.file(tmp_path / "back.png"))
    undo_and_redo(studio, before)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"RIFF\0\0\0\0WAVEfmt ", "sound"),
        (b"\0\0\0\x18ftypmp42", "sound"),
        (b"\x1aE\xdf\xa3", "sound"),
        (b"\x89PNG\r\n", "image"),
        (b"RIFF\0\0\0\0WEBP", "image"),
        (b'{"format": "emozone-project", "version": 1}', "project"),
        (b'\x10\0\0\0\0\0\0\0{"a": 1}        ', "avatar"),
        (b"frame, timestamp, AU01_r\n", "take"),
    ],
)
def test_files_without_an_ending_are_known_by_their_first_bytes(tmp_path: Path, content: bytes, kind: str) -> None:
    (tmp_path / "file").write_bytes(content)
    assert kind_of(tmp_path / "file") == kind


def test_folders_and_missing_files_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(StudioError, match="is a folder"):
        kind_of(tmp_path)
    with pytest.raises(StudioError, match="does not exist"):
        kind_of(tmp_path / "nothing.xyz")
