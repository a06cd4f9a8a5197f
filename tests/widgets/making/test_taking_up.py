"""What is not finished: kept, offered, found again, and never worked on by two."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from studio.engine import makings
from studio.engine.avatar import Avatar
from studio.engine.consent import sha256_of
from tests.widgets.conftest import Studio
from tests.widgets.making.conftest import LOOKING, TRAINED, Making, part_of


def test_closing_the_studio_asks_and_keeps_what_is_done(making: Making) -> None:
    studio = making.studio
    making.in_training()
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
    work = making.work
    making.in_training()
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
