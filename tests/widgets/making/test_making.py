"""From a video to an avatar in the window: every gesture, and everything that can go wrong on the way."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from studio.engine import makings, portrait_report
from studio.engine.assets import own_avatars_dir
from studio.engine.avatar import Avatar
from studio.engine.consent import sha256_of
from studio.engine.portrait_report import REPORT
from studio.errors import StudioError
from studio.widgets.making import choose
from studio.widgets.making.avatar_menu import AvatarMenu
from studio.widgets.making.child import KILLED
from studio.widgets.making.working import PHASES, phase_of
from tests.widgets import audit
from tests.widgets.conftest import Studio
from tests.widgets.making.conftest import Making, part_of, report

LOOKING = {"share": 0.2, "what": "looking at picture 100 of 500"}
CUTTING = {"share": 0.6, "what": "cutting out picture 300 of 500"}
TRAINED = {
    "share": 0.5,
    "iteration": 50,
    "iterations": 100,
    "stage": "fine",
    "loss": 0.02,
    "psnr_db": 28.0,
    "left_s": 90,
}


def dropped(making: Making, path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    page, nothing = making.window.choose_page, Qt.KeyboardModifier.NoModifier
    copy, left = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    page.dragEnterEvent(QDragEnterEvent(QPoint(9, 9), copy, data, left, nothing))
    assert page.drop.property("over") is True
    page.dropEvent(QDropEvent(QPointF(9, 9), copy, data, left, nothing))
    assert page.drop.property("over") is False


def test_from_a_video_to_an_avatar_that_opens(making: Making) -> None:
    window, work = making.window, making.work
    assert not window.next_button.isEnabled()
    dropped(making, making.video)
    making.until(lambda: window.choose_page.film is not None)
    assert window.choose_page.name.text() == "mia lang"
    assert "30 s" in window.choose_page.facts.text()
    window.choose_page.name.setText("Mia")
    QTest.mouseClick(window.next_button, Qt.MouseButton.LeftButton)
    assert window.page is window.consent_page
    assert not window.next_button.isEnabled()
    window.consent_page.tick.setChecked(True)
    assert not window.next_button.isEnabled()
    window.consent_page.name.setText("  Mia   Lang ")
    QTest.mouseClick(window.next_button, Qt.MouseButton.LeftButton)
    assert window.page is window.capture_page
    making.until(lambda: window.page is window.report_page)
    assert "--consent=Mia Lang" in work.called[0]
    assert str(making.video) in work.called[0]
    assert not [word for word in work.called[0] if word.startswith("--end")]
    assert window.report_page.title.text() == "Usable with limits"
    work.training(TRAINED, brings=str(work.avatar_file))
    QTest.mouseClick(window.next_button, Qt.MouseButton.LeftButton)
    making.until(lambda: window.page is window.finished_page)
    assert {"--recipe=portrait", "--resume"} <= set(work.called[1])
    path = own_avatars_dir() / "Mia.safetensors"
    assert path.is_file()
    making.until(lambda: making.studio.session.project.avatar is not None)
    avatar = making.studio.session.project.avatar
    assert avatar is not None
    assert avatar.path == str(path)
    menu = next(part for part in making.studio.window.parts if isinstance(part, AvatarMenu))
    menu.refresh()
    assert [action.text() for action in menu.menu.actions() if action.text()][-1] == "Mia"
    assert makings.unfinished() == ()
    window.next_button.click()
    assert not window.isVisible()


def test_a_part_of_the_video_is_chosen_with_mouse_and_keys(making: Making) -> None:
    window, page = making.window, making.window.choose_page
    page.take(making.video)
    making.until(lambda: page.film is not None)
    strip = page.strip
    making.studio.drag(strip, QPoint(round(strip.x_of(0.0)), 20), QPoint(round(strip.x_of(10.0)), 20))
    start_s, end_s = page.part_s()
    assert start_s == pytest.approx(10.0, abs=0.2)
    assert end_s is None
    strip.setFocus()
    QTest.keyClick(strip, Qt.Key.Key_Down)
    QTest.keyClick(strip, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    assert page.part_s()[1] == pytest.approx(28.0)
    middle = round(strip.x_of(20.0))
    making.studio.drag(strip, QPoint(middle, 20), QPoint(0, 20))
    assert page.part_s() == (0.0, pytest.approx(18.0, abs=0.2))
    QTest.keyClick(strip, Qt.Key.Key_Home)
    assert page.part_s()[1] == pytest.approx(4.0)  # the shortest that can be captured
    assert "4 s" in page.part.text()
    window.next_button.click()
    window.consent_page.tick.setChecked(True)
    window.consent_page.name.setText("Mia")
    window.next_button.click()
    making.until(lambda: bool(making.work.called))
    assert {"--start=0.0", "--end=4.0"} <= set(making.work.called[0])


def test_a_bad_file_is_one_sentence_on_the_page(making: Making, monkeypatch: pytest.MonkeyPatch) -> None:
    def bad(path: Path) -> None:
        raise StudioError(f"{path.name} is damaged or not a video file; choose an mp4.")

    monkeypatch.setattr(choose, "look_at", bad)
    page = making.window.choose_page
    making.studio.answers.to_choose = making.video
    page.drop.button.click()
    making.until(lambda: page.problem.isVisible())
    assert page.problem.text() == "mia_lang.mp4 is damaged or not a video file; choose an mp4."
    assert not making.window.next_button.isEnabled()
    assert making.studio.answers.errors == []


def test_names_are_checked_while_they_are_typed(making: Making) -> None:
    page = making.window.choose_page
    page.take(making.video)
    making.until(lambda: page.film is not None)
    for name, says in (("", "needs a name"), ("nora", "already"), ("a/b", "cannot stand")):
        page.name.setText(name)
        assert says in page.problem.text()
        assert not making.window.next_button.isEnabled()
    page.name.setText("Mia")
    assert not page.problem.isVisible()
    assert making.window.next_button.isEnabled()


def test_nothing_goes_on_without_consent(making: Making) -> None:
    making.chosen()
    window = making.window
    window.consent_page.tick.setChecked(False)
    assert not window.next_button.isEnabled()
    QTest.keyClick(window.consent_page.name, Qt.Key.Key_Return)
    assert window.page is window.consent_page
    window.back_button.click()
    assert window.page is window.choose_page
    assert makings.unfinished() == ()
    window.next_button.click()
    assert window.consent_page.who == "Mia Lang"


def test_what_must_be_installed_first_is_one_command(making: Making, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.engine.makings.missing_runtime", lambda: 'pip install "ai-edge-litert"')
    page = making.window.choose_page
    page.take(making.video)
    making.until(lambda: page.film is not None)
    page.check_runtime()
    assert 'pip install "ai-edge-litert"' in page.missing.text()
    assert not making.window.next_button.isEnabled()


def test_a_capture_is_paused_and_gone_on_with(making: Making) -> None:
    window, work = making.window, making.work
    work.capture(LOOKING, waits=True)
    making.chosen()
    window.next_button.click()
    making.until(lambda: making.part.maker.what.startswith("looking"))
    assert "20 %" in window.capture_page.left.text()
    window.pause_button.click()
    making.until(lambda: not making.part.maker.running)
    assert window.page is window.capture_page
    assert not window.capture_page.problem.isVisible()
    assert window.next_button.text() == "Go on"
    assert makings.unfinished()[0].share == pytest.approx(0.2)
    work.capture()
    window.next_button.click()
    making.until(lambda: window.page is window.report_page)


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ({"fails": "The disk is full, me was not written; free some space and try again."}, "The disk is full"),
        ({"dies": True}, KILLED),
        ({"events": (), "fails": "mia_lang.mp4 shows no face."}, "shows no face"),
    ],
)
def test_a_capture_that_fails_says_why_and_can_be_repeated(making: Making, what: dict[str, object], says: str) -> None:
    window, work = making.window, making.work
    work.capture(*(what.pop("events", (CUTTING,))), **what)  # type: ignore[misc]
    making.chosen()
    window.next_button.click()
    making.until(lambda: bool(window.capture_page.problem.text()))
    assert says in window.capture_page.problem.text()
    assert window.next_button.isEnabled()
    assert says in makings.unfinished()[0].problem
    work.capture()
    window.next_button.click()
    making.until(lambda: window.page is window.report_page)


def test_a_video_that_cannot_be_used_stops_with_what_to_do(making: Making) -> None:
    window, work = making.window, making.work
    bad = work.capture_folder / REPORT
    bad.write_text(json.dumps(report("not usable", ("The face is only 40 pixels wide; film it closer.",))))
    making.chosen()
    work.capture(CUTTING, brings=str(work.capture_folder), fails="mia_lang.mp4 cannot be used.")
    real = making.part.maker._ended
    maker = making.part.maker

    def into_work_folder(how: str, sentence: str) -> None:
        assert maker.making is not None
        maker.making.capture.rename(maker.making.work)
        real(how, sentence)

    maker._child.ended.disconnect()
    maker._child.ended.connect(into_work_folder)
    window.next_button.click()
    making.until(lambda: window.page is window.report_page)
    assert window.report_page.title.text() == "Not usable"
    assert "choose another video" in window.report_page.hint.text()
    assert not window.next_button.isVisible()
    window.back_button.click()
    assert window.page is window.choose_page
    assert makings.unfinished() == ()


def test_training_shows_its_picture_and_goes_on_in_the_background(making: Making) -> None:
    window, work, studio = making.window, making.work, making.studio
    making.captured()
    work.training(TRAINED, waits=True)
    window.next_button.click()
    making.until(lambda: bool(making.part.maker.curve))
    assert making.part.maker.curve[0].psnr_db == 28.0
    assert "about 1 min 30 s left" in window.training_page.left.text()
    assert making.part.maker.making is not None
    preview = making.part.maker.making.preview
    picture = QImage(8, 8, QImage.Format.Format_RGB32)
    picture.fill(Qt.GlobalColor.red)
    picture.save(str(preview))
    window.training_page.show_maker()
    assert window.training_page.picture.image is not None
    window.close_button.click()
    assert not window.isVisible()
    assert making.part.maker.running
    assert making.part.badge.isVisible()
    assert "50 %" in making.part.badge.text()
    studio.session.hold("AU12", 2.0)  # the studio is used meanwhile
    making.part.badge.click()
    assert window.isVisible()
    assert window.page is window.training_page
    assert not making.part.badge.isVisible()
    window.pause_button.click()
    making.until(lambda: not making.part.maker.running)
    assert makings.unfinished()[0].step == "training"
    work.training()
    window.next_button.click()
    making.until(lambda: window.page is window.finished_page)


def test_an_avatar_that_comes_in_the_background_waits_to_be_opened(making: Making) -> None:
    window, work, studio = making.window, making.work, making.studio
    making.captured()
    work.training(TRAINED, waits=True)
    window.next_button.click()
    making.until(lambda: bool(making.part.maker.curve))
    window.close()
    maker = making.part.maker
    assert maker.making is not None
    maker.making.avatar.write_bytes(work.avatar_file.read_bytes())
    maker._ended("done", "")
    assert "is ready" in studio.window.banner.text
    assert studio.session.project.avatar is None
    studio.window.banner.button.click()
    making.until(lambda: studio.session.project.avatar is not None)


def test_what_is_cancelled_is_gone_when_that_is_confirmed(making: Making) -> None:
    window, work, answers = making.window, making.work, making.studio.answers
    work.capture(LOOKING, waits=True)
    making.chosen()
    window.next_button.click()
    making.until(lambda: bool(making.part.maker.what))
    window.discard_button.click()
    assert making.part.maker.running
    answers.to_confirm = True
    window.discard_button.click()
    making.until(lambda: making.part.maker.making is None)
    assert makings.unfinished() == ()
    assert window.page is window.choose_page
    assert making.video.exists()


def test_closing_the_studio_asks_and_keeps_what_is_done(making: Making) -> None:
    window, work, studio = making.window, making.work, making.studio
    making.captured()
    work.training(TRAINED, waits=True)
    window.next_button.click()
    making.until(lambda: bool(making.part.maker.curve))
    studio.answers.to_unsaved = "discard"
    studio.window.close()
    assert studio.window.isVisible()
    assert "confirm Stop and close" in studio.answers.asked
    studio.answers.to_confirm = True
    studio.window.close()
    assert not studio.window.isVisible()
    (left,) = makings.unfinished()
    assert left.step == "training"
    assert left.share == pytest.approx(0.5)
    makings.Claim(left).close()  # nobody holds it any more


def test_after_a_restart_it_is_offered_and_gone_on_with(making: Making, qtbot: QtBot, avatar: Avatar) -> None:
    window, work = making.window, making.work
    making.captured()
    work.training(TRAINED, waits=True)
    window.next_button.click()
    making.until(lambda: bool(making.part.maker.curve))
    making.studio.answers.to_confirm = True
    making.studio.window.close()
    again = Studio(qtbot, avatar)
    part = part_of(again)
    again.until(lambda: "50 % done" in again.window.banner.text)
    work.training({**TRAINED, "iteration": 60, "share": 0.6}, waits=True)
    again.window.banner.button.click()
    again.until(lambda: len(part.maker.curve) == 2)  # what it was told before the restart is still drawn
    assert part.window is not None
    assert part.window.page is part.window.training_page
    part.window.close()
    again.answers.to_confirm = True
    again.close()


def test_unfinished_ones_are_listed_and_can_be_discarded(making: Making) -> None:
    window, work, answers = making.window, making.work, making.studio.answers
    making.captured()
    window.close_button.click()
    assert making.part.maker.making is None
    making.studio.window.actions_["avatar.make"].trigger()
    page = window.choose_page
    assert window.page is page
    go_on = next(button for button in page.findChildren(QPushButton) if button.accessibleName() == "Go on mia lang")
    go_on.click()
    assert window.page is window.report_page
    assert work.called[0]
    assert len(work.called) == 1
    window.close_button.click()
    making.studio.window.actions_["avatar.make"].trigger()
    names = [button.accessibleName() for button in page.findChildren(QPushButton) if button.isVisible()]
    assert names.count("Discard mia lang") == 1
    answers.to_confirm = True
    next(b for b in page.findChildren(QPushButton) if b.isVisible() and b.text() == "Discard…").click()
    assert makings.unfinished() == ()


def test_a_video_that_has_moved_is_asked_for(making: Making, tmp_path: Path) -> None:
    window, work, answers = making.window, making.work, making.studio.answers
    work.capture(LOOKING, waits=True)
    making.chosen()
    window.next_button.click()
    making.until(lambda: bool(making.part.maker.what))
    state = making.part.maker.making
    assert state is not None
    state.work.mkdir()
    (state.work / "work.json").write_text(json.dumps({"video": sha256_of(making.video)}))
    window.pause_button.click()
    making.until(lambda: not making.part.maker.running)
    moved, other = tmp_path / "moved.mp4", tmp_path / "other.mp4"
    making.video.rename(moved)
    other.write_bytes(b"another film")
    window.close_button.click()
    making.studio.window.actions_["avatar.make"].trigger()
    window.take_up(makings.unfinished()[0])
    assert "not in" in window.page.problem.text()
    assert window.find_button.isVisible()
    answers.to_choose = other
    window.find_button.click()
    making.until(lambda: "another video" in window.page.problem.text())
    answers.to_choose = moved
    work.capture()
    window.find_button.click()
    making.until(lambda: window.page is window.report_page)
    assert str(moved) in work.called[-1]


def test_another_studio_does_not_work_on_the_same(making: Making) -> None:
    making.captured()
    making.window.close_button.click()
    (left,) = makings.unfinished()
    claim = makings.Claim(left)
    making.window.take_up(left)
    assert "another window" in making.window.page.problem.text()
    assert making.part.maker.making is None
    claim.close()


def test_training_anew_forgets_what_was_learned(making: Making) -> None:
    window, work = making.window, making.work
    making.captured()
    work.training(TRAINED, fails="Training failed: the loss is nan.")
    window.next_button.click()
    making.until(lambda: bool(window.training_page.problem.text()))
    maker = making.part.maker
    assert maker.making is not None
    checkpoint = maker.making.folder / f"{maker.making.avatar.name}.checkpoint"
    checkpoint.touch()
    making.studio.answers.to_confirm = True
    work.training(waits=True)
    window.anew_button.click()
    making.until(lambda: maker.running)
    assert not checkpoint.exists()
    assert maker.curve == []


def test_what_the_capture_says_is_known_to_the_page() -> None:
    source = (Path(portrait_report.__file__).parent / "capture" / "portrait.py").read_text()
    for begins, _, _ in PHASES:
        assert f'"{begins}' in source
    assert [phase_of(f"{begins} picture 1 of 2") for begins, _, _ in PHASES] == list(range(len(PHASES)))


def test_every_page_shows_all_it_says(making: Making) -> None:
    window = making.window
    window.resize(window.minimumSize())

    def look() -> None:
        making.studio.qtbot.wait(10)
        assert audit.cut_off(window) == []
        assert audit.nameless(window) == []

    look()
    making.chosen()
    look()
    window.back_button.click()
    look()
    window.next_button.click()
    making.work.capture(CUTTING, waits=True)
    window.next_button.click()
    making.until(lambda: bool(making.part.maker.what))
    look()
    window.pause_button.click()
    making.until(lambda: not making.part.maker.running)
    making.work.capture()
    window.next_button.click()
    making.until(lambda: window.page is window.report_page)
    look()
    making.work.training(TRAINED, waits=True)
    window.next_button.click()
    making.until(lambda: bool(making.part.maker.curve))
    look()
