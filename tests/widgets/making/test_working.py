"""The work itself in the window: paused, failed, gone on with, in the background."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage

from studio.engine import makings, portrait_report
from studio.engine.portrait_report import REPORT
from studio.widgets.making.child import KILLED
from studio.widgets.making.working import PHASES, phase_of
from tests.widgets.making.conftest import CUTTING, LOOKING, TRAINED, Making, report


def test_a_capture_is_paused_and_gone_on_with(making: Making) -> None:
    window, work = making.window, making.work
    work.capture(LOOKING, waits=True)
    making.chosen()
    window.next_button.click()
    making.until(lambda: making.part.maker.what.startswith("looking"))
    assert "20 %" in window.capture_page.left.text()
    window.pause_button.setFocus()
    window.pause_button.click()
    making.until(lambda: not making.part.maker.running)
    assert window.page is window.capture_page
    assert not window.capture_page.problem.isVisible()
    assert window.next_button.text() == "Go on"
    assert window.focusWidget() is window.next_button, "the keyboard does not fall to Discard"
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
    making.in_training()
    assert making.part.maker.curve[0].psnr_db == 28.0
    assert making.part.maker.curve[0].share == 0.5
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


def test_a_short_training_is_asked_for_and_stays_short_when_gone_on_with(making: Making) -> None:
    window, work = making.window, making.work
    making.captured()
    window.report_page.length.setCurrentIndex(window.report_page.length.findData(20.0))
    work.training(TRAINED, waits=True)
    window.next_button.click()
    making.until(lambda: bool(making.part.maker.curve))
    window.pause_button.click()
    making.until(lambda: not making.part.maker.running)
    window.close()
    window.take_up(makings.unfinished()[0])
    making.until(lambda: len(work.called) == 3)
    assert all("--minutes=20.0" in words for words in work.called[1:])


def test_an_avatar_that_comes_in_the_background_waits_to_be_opened(making: Making) -> None:
    window, work, studio = making.window, making.work, making.studio
    making.in_training()
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


def test_all_that_the_capture_says_is_known_to_the_page() -> None:
    source = (Path(portrait_report.__file__).parent / "capture" / "portrait.py").read_text()
    said = re.findall(r'report\([^"\n]*"([^"]+)"\)', source)
    assert len(said) >= len(PHASES)
    assert all(any(what.startswith(begins) for begins, _, _ in PHASES) for what in said)
    steps = [phase_of(f"{what} 1 of 2") for what in said]
    assert steps == sorted(steps), "what is ticked stays ticked"
    assert set(steps) == set(range(len(PHASES)))


def test_a_head_that_looks_ahead_is_not_turned_by_less_than_nothing() -> None:
    found = report()
    found["pose_deg"]["yaw"] = {"low": -0.3, "high": 0.2}
    head = dict(portrait_report.figures(found))["Head"]
    assert head.startswith("yaw 0° to 0°, pitch -5° to 6°")
