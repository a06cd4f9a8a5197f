"""A new user's first two minutes, by mouse and keyboard alone: sample, brow raise, smooth, compare, save, export."""

from __future__ import annotations

import math
from pathlib import Path

import av
import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QWidget
from pytestqt.qtbot import QtBot

from studio.document.curves import Curve
from studio.engine.avatar import Avatar
from studio.widgets import sample
from studio.widgets.command_palette import CommandPalette
from studio.widgets.exporting import Exports
from studio.widgets.exports.jobs import State
from studio.widgets.sample import sample_project
from tests.widgets.conftest import PATIENCE_MS, Studio, write_wav
from tests.widgets.timeline.conftest import CTRL, LEFT, NONE, SHIFT, Hands

WORD = (6.15, 6.45, 6.85)
"""Where “word” is said: before it, in it, after it, seconds."""


def choose(studio: Studio, title: str, action_id: str) -> None:
    """Open a menu of the bar and click an entry."""
    bar = studio.window.menuBar()
    entry = next(action for action in bar.actions() if action.text() == title)
    QTest.mouseClick(bar, LEFT, NONE, bar.actionGeometry(entry).center())
    menu = entry.menu()
    assert isinstance(menu, QMenu)
    studio.until(menu.isVisible)
    action = studio.window.actions_[action_id]
    QTest.mouseClick(menu, LEFT, NONE, menu.actionGeometry(action).center())
    studio.until(lambda: not menu.isVisible())
    activate(studio, studio.window)


def run(studio: Studio, words: str) -> None:
    """Run a command from the palette."""
    activate(studio, studio.window)
    studio.key(Qt.Key.Key_P, CTRL | SHIFT)
    palette = studio.window.findChild(CommandPalette)
    assert isinstance(palette, CommandPalette)
    QTest.keyClicks(palette.search, words)
    QTest.keyClick(palette.search, Qt.Key.Key_Return)


def activate(studio: Studio, widget: QWidget) -> None:
    with studio.qtbot.waitActive(widget, timeout=PATIENCE_MS):
        widget.activateWindow()


@pytest.fixture
def fresh(qtbot: QtBot, avatar: Avatar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Studio:
    clip = write_wav(tmp_path / "welcome.wav", 14.76)  # in the rate of the sound device of the tests
    monkeypatch.setattr(sample, "sample_speech", lambda: clip)
    return Studio(qtbot, avatar)


def test_the_first_two_minutes(fresh: Studio, tmp_path: Path) -> None:
    studio, hands = fresh, Hands(fresh)
    window, session = studio.window, studio.session

    # open the sample, and hear it
    choose(studio, "File", "project.sample")
    studio.until(lambda: session.clip is not None and session.clip.features is not None)
    studio.until(lambda: studio.driver.player.duration_s > 14)
    assert session.project == sample_project()
    studio.key(Qt.Key.Key_Space)
    studio.advance(0.5)
    assert studio.driver.player.playing
    studio.key(Qt.Key.Key_Space)
    assert not studio.driver.player.playing

    # a brow raise on one word: the playhead by a click on the waveform, a key by the diamond, then by the slider
    row = window.panel.rows["AU1"]
    for moment, value in zip(WORD, (0.0, 4.0, 0.0), strict=True):
        hands.click(QPoint(round(hands.canvas.x_of(moment)), 40))
        assert studio.driver.player.position_s == pytest.approx(moment, abs=0.02)
        if value:
            slider = row.slider
            spot = [QPoint(round(slider.x_of(v)), slider.height() // 2) for v in (0.0, value)]
            studio.drag(slider, spot[0], spot[1])
        else:
            QTest.mouseClick(row.key, LEFT)
    curve = hands.curve("AU1")
    made = curve.between(WORD[0] - 0.1, WORD[2] + 0.1)
    assert len(made) == 3
    assert curve.value(WORD[1]) == pytest.approx(4.0, abs=0.1)
    assert window.panel.rows["AU1"].key.isVisible()

    # smooth it: select its keys with the rubber band, then the command, taken as offered
    row_of = hands.state.row_of("AU1")
    assert row_of is not None
    top = round(hands.state.top_of(row_of))
    hands.drag(
        QPoint(round(hands.canvas.x_of(WORD[0] - 0.15)), top + 2),
        QPoint(round(hands.canvas.x_of(WORD[2] + 0.15)), top + row_of.height - 2),
    )
    assert len(session.history.selection.keys_of("AU1")) == 3
    before = session.project
    run(studio, "smooth")
    panel = window.timeline.amount
    assert panel.isVisible()
    QTest.keyClick(panel.field, Qt.Key.Key_Return)
    assert not panel.isVisible()
    activate(studio, window)
    smoothed = hands.curve("AU1")
    assert smoothed != curve
    assert smoothed.value(WORD[1]) > 1.0
    studio.key(Qt.Key.Key_Z, CTRL)
    assert session.project == before
    studio.key(Qt.Key.Key_Y, CTRL)
    assert hands.curve("AU1") == smoothed

    # compare with the original
    hands.click(QPoint(round(hands.canvas.x_of(WORD[1])), 40))
    studio.settle()
    studio.until(lambda: studio.red() > 50)
    window.viewport.setFocus()
    studio.key(Qt.Key.Key_B)
    studio.until(lambda: studio.red() == 0)
    studio.key(Qt.Key.Key_B)
    studio.until(lambda: studio.red() > 50)
    assert session.project.performance.lane("AU1") is not None

    # save, go elsewhere, and come back
    studio.answers.to_save = tmp_path / "mine.emozone"
    studio.key(Qt.Key.Key_S, CTRL)
    assert (tmp_path / "mine.emozone").is_file()
    saved = session.project
    assert not session.history.dirty
    choose(studio, "File", "project.new")
    assert hands.curve("AU1") == Curve()
    studio.answers.to_open = tmp_path / "mine.emozone"
    studio.key(Qt.Key.Key_O, CTRL)
    assert session.project.performance == saved.performance
    studio.until(lambda: session.clip is not None and session.clip.features is not None)
    studio.until(lambda: studio.driver.player.duration_s > 14)

    # export the word
    studio.settle()
    window.files.folder = tmp_path
    QTest.mouseClick(window.export_button, LEFT)
    part = next(part for part in window.parts if isinstance(part, Exports))
    dialog = part.dialog
    assert dialog is not None
    activate(studio, dialog)
    dialog.size_choice.setCurrentIndex(dialog.size_choice.count() - 1)
    dialog.width_px.setValue(96)
    dialog.height_px.setValue(96)
    dialog.start_s.setValue(WORD[0])
    dialog.end_s.setValue(WORD[2])
    QTest.keyClick(dialog, Qt.Key.Key_Return)
    job = part.queue.jobs[0]
    studio.qtbot.waitUntil(lambda: job.finished, timeout=PATIENCE_MS)
    assert job.state is State.DONE, job.error
    with av.open(str(job.wish.path)) as file:
        frames = [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]
    assert len(frames) == math.ceil((WORD[2] - WORD[0]) * 25)
    moved = np.abs(frames[len(frames) // 2].astype(int) - frames[0]).max()
    assert moved > 8  # the brows are up in the middle
    assert QApplication.activeModalWidget() is None
    studio.close()
