"""From a video to an avatar in the window: every page and its gestures."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest

from studio.engine import makings
from studio.engine.assets import own_avatars_dir
from studio.errors import StudioError
from studio.widgets.making import choose
from studio.widgets.making.avatar_menu import AvatarMenu
from tests.widgets import audit
from tests.widgets.making.conftest import CUTTING, TRAINED, Making


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
    assert window.report_page.minutes is None
    work.training(TRAINED, brings=str(work.avatar_file))
    QTest.mouseClick(window.next_button, Qt.MouseButton.LeftButton)
    making.until(lambda: window.page is window.finished_page)
    assert {"--recipe=portrait", "--resume"} <= set(work.called[1])
    assert not [word for word in work.called[1] if word.startswith("--minutes")]
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
    middle = round(strip.x_of(9.0))
    making.studio.drag(strip, QPoint(middle, 20), QPoint(middle + 90, 20), release=False)
    assert page.part_s()[0] > 1.0
    QTest.keyClick(strip, Qt.Key.Key_Escape)
    assert page.part_s() == (0.0, pytest.approx(18.0, abs=0.2))
    assert window.isVisible()
    QTest.mouseRelease(strip, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(middle + 90, 20))
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
