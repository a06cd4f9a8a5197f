"""Media that moved, changed, or come from elsewhere; and collecting them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton

from studio.document.media import check_media
from studio.document.model import Media, Project
from studio.document.project import load_project, save_project
from studio.engine.avatar import Avatar, save_avatar
from studio.widgets.safety.media_dialog import MediaDialog
from studio.widgets.safety.media_part import MediaPart
from tests.widgets.conftest import Studio, write_wav


@pytest.fixture
def talk(tmp_path: Path, avatar: Avatar) -> Path:
    """A project with a sound and an avatar of its own."""
    media = tmp_path / "media"
    media.mkdir()
    save_avatar(avatar, media / "head.safetensors")
    write_wav(media / "voice.wav", 1.5)
    project = Project(avatar=Media.file(media / "head.safetensors"), audio=Media.file(media / "voice.wav"))
    save_project(project, tmp_path / "talk.emozone")
    return tmp_path / "talk.emozone"


def media_part(studio: Studio) -> MediaPart:
    return next(part for part in studio.window.parts if isinstance(part, MediaPart))


def dialog_of(studio: Studio) -> MediaDialog:
    part = media_part(studio)
    studio.until(lambda: part.dialog is not None and part.dialog.isVisible())
    assert part.dialog is not None
    return part.dialog


def click(button: QPushButton) -> None:
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def test_a_project_whose_media_are_in_place_opens_without_a_word(studio: Studio, talk: Path) -> None:
    studio.window.files.open(talk)
    studio.until(lambda: studio.driver.player.duration_s == 1.5)
    studio.window.actions_["project.media"].trigger()
    dialog = dialog_of(studio)
    assert (dialog.state("avatar"), dialog.state("audio")) == ("in place", "in place")
    assert not dialog.relink.isEnabled()
    assert not dialog.search.isEnabled()
    click(dialog.leave)
    assert studio.answers.errors == []


def test_moved_media_are_found_again_and_one_finds_its_neighbour(studio: Studio, talk: Path, tmp_path: Path) -> None:
    (tmp_path / "media").rename(tmp_path / "elsewhere")
    studio.window.files.open(talk)
    dialog = dialog_of(studio)
    assert (dialog.state("avatar"), dialog.state("audio")) == ("missing", "missing")
    assert "missing" in dialog.text
    opened = studio.session.project
    studio.answers.to_choose = tmp_path / "elsewhere" / "head.safetensors"
    click(dialog.locate)
    studio.until(lambda: dialog.state("audio") == "found")
    assert studio.answers.asked == ["Where is head.safetensors?"]
    assert studio.session.project is opened  # nothing yet
    click(dialog.relink)
    assert studio.session.history.undo_label == "Relink avatar and speech"
    assert len(studio.session.history.commands) == 1
    assert {report.state for report in check_media(studio.session.project)} == {"ok"}
    studio.until(lambda: studio.driver.player.duration_s == 1.5)
    relinked = studio.session.project
    studio.session.undo()
    assert studio.session.project == opened
    studio.session.redo()
    assert studio.session.project == relinked
    assert studio.answers.errors == []


def test_a_folder_is_searched_for_everything(studio: Studio, talk: Path, tmp_path: Path) -> None:
    (tmp_path / "archive" / "2026").mkdir(parents=True)
    shutil.move(tmp_path / "media" / "voice.wav", tmp_path / "archive" / "2026" / "renamed.wav")
    studio.window.files.open(talk)
    dialog = dialog_of(studio)
    assert (dialog.state("avatar"), dialog.state("audio")) == ("in place", "missing")
    studio.answers.to_choose = tmp_path / "media"
    click(dialog.search)
    studio.until(lambda: "Nothing of what is missing" in dialog.text)
    studio.answers.to_choose = tmp_path / "archive"
    click(dialog.search)
    studio.until(lambda: dialog.state("audio") == "found")
    assert "renamed.wav" in dialog.text
    click(dialog.relink)
    studio.until(lambda: studio.driver.player.duration_s == 1.5)


def test_another_file_is_taken_but_said(studio: Studio, talk: Path, tmp_path: Path) -> None:
    (tmp_path / "media" / "voice.wav").unlink()
    studio.window.files.open(talk)
    dialog = dialog_of(studio)
    studio.answers.to_choose = write_wav(tmp_path / "other.wav", 2.5)
    click(dialog.locate)
    studio.until(lambda: dialog.state("audio") == "another file")
    assert "another file than the one that was added" in dialog.text
    click(dialog.relink)
    studio.until(lambda: studio.driver.player.duration_s == 2.5)


@pytest.mark.parametrize("wrong", ["missing.wav", "folder"])
def test_a_file_that_cannot_be_read_is_told_in_the_dialog(
    studio: Studio, talk: Path, tmp_path: Path, wrong: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "media" / "voice.wav").unlink()
    studio.window.files.open(talk)
    dialog = dialog_of(studio)
    studio.answers.to_choose = tmp_path / wrong
    click(dialog.locate)
    studio.until(lambda: "does not exist or is no file" in dialog.text)
    assert not dialog.relink.isEnabled()
    click(dialog.leave)


def test_changed_media_are_used_and_mentioned_until_confirmed(studio: Studio, talk: Path, tmp_path: Path) -> None:
    write_wav(tmp_path / "media" / "voice.wav", 3.5)
    studio.window.files.open(talk)
    studio.until(lambda: "voice.wav has changed" in studio.window.banner.text)
    studio.until(lambda: studio.driver.player.duration_s == 3.5)
    click(studio.window.banner.button)
    dialog = dialog_of(studio)
    assert dialog.state("audio") == "changed"
    click(dialog.keep)
    studio.until(lambda: dialog.relink.isEnabled())
    click(dialog.relink)
    assert {report.state for report in check_media(studio.session.project)} == {"ok"}
    assert studio.session.history.undo_label == "Relink speech"


def test_an_absolute_path_from_elsewhere_is_not_opened_unasked(studio: Studio, talk: Path, tmp_path: Path) -> None:
    secret = write_wav(tmp_path / "secret.wav", 0.5)
    tree = json.loads(talk.read_text())
    tree["audio"] = {"path": str(secret)}
    talk.write_text(json.dumps(tree))
    studio.window.files.open(talk)
    dialog = dialog_of(studio)
    assert dialog.state("audio") == "not opened"
    assert "absolute path" in dialog.text
    assert studio.session.clip is None or studio.session.clip.media.path != str(secret)
    click(dialog.keep)
    studio.until(lambda: dialog.state("audio") == "found")
    click(dialog.relink)
    studio.until(lambda: studio.driver.player.duration_s == 0.5)


def test_a_project_is_collected_with_its_media(studio: Studio, talk: Path, tmp_path: Path) -> None:
    studio.window.files.open(talk)
    studio.until(lambda: studio.driver.player.duration_s == 1.5)
    studio.session.hold("AU12", 2.0)
    target = tmp_path / "handover"
    target.mkdir()
    studio.answers.to_choose = target
    studio.window.actions_["project.collect"].trigger()
    studio.until(lambda: "Collected into" in studio.window.status.text())
    shutil.rmtree(tmp_path / "media")
    collected = load_project(target / "talk.emozone")
    assert {report.state for report in check_media(collected)} == {"ok"}
    assert collected.performance == studio.session.project.performance
    assert studio.session.path == talk  # the open one stays where it is
    studio.window.actions_["project.collect"].trigger()  # the folder is not empty now, and the media are gone
    studio.until(lambda: bool(studio.answers.errors))
    assert "is missing; relink" in studio.answers.errors[0]
    assert sorted(path.name for path in target.iterdir()) == ["media", "talk.emozone"]


def test_collecting_twice_makes_a_second_folder(studio: Studio, talk: Path, tmp_path: Path) -> None:
    studio.window.files.open(talk)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "something").touch()
    studio.answers.to_choose = tmp_path / "out"
    for name in ("talk", "talk 2"):
        studio.window.actions_["project.collect"].trigger()
        studio.until(lambda name=name: (tmp_path / "out" / name / "talk.emozone").is_file())  # type: ignore[misc]


def test_without_media_it_is_said(empty_studio: Studio) -> None:
    empty_studio.session.new()
    empty_studio.until(lambda: empty_studio.session.avatar is not None)
    empty_studio.window.actions_["project.media"].trigger()
    empty_studio.until(lambda: "no media of its own" in empty_studio.window.status.text())


def test_a_shipped_avatar_is_started_with_by_its_name(empty_studio: Studio) -> None:
    wanted: list[Path | None] = []
    before = empty_studio.load
    empty_studio.load = lambda path: (wanted.append(path), before(path))[1]
    empty_studio.session.start_with(None, Path("nora"))
    empty_studio.until(lambda: empty_studio.session.avatar is not None)
    assert wanted == [Path("nora")]
    assert empty_studio.session.project.avatar == Media.named("nora")


def test_a_file_given_at_the_start_that_is_not_there_is_an_error(empty_studio: Studio, tmp_path: Path) -> None:
    empty_studio.session.start_with(tmp_path / "typo.wav")
    empty_studio.until(lambda: bool(empty_studio.answers.errors))
    assert "typo.wav" in empty_studio.answers.errors[0]
    assert media_part(empty_studio).dialog is None


def test_a_background_that_is_gone_is_asked_for_and_not_an_error(studio: Studio, tmp_path: Path) -> None:
    image = QImage(8, 8, QImage.Format.Format_RGB32)
    image.fill(0xFF336699)
    assert image.save(str(tmp_path / "back.png"))
    save_project(Project(backdrop=Media.file(tmp_path / "back.png")), tmp_path / "talk.emozone")
    (tmp_path / "back.png").rename(tmp_path / "front.png")
    studio.window.files.open(tmp_path / "talk.emozone")
    dialog = dialog_of(studio)
    assert dialog.state("backdrop") == "missing"
    studio.answers.to_choose = tmp_path / "front.png"
    click(dialog.locate)
    studio.until(lambda: dialog.state("backdrop") == "found")
    click(dialog.relink)
    assert studio.session.history.undo_label == "Relink background"
    assert studio.answers.errors == []
