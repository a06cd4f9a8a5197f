"""The queue's window, worked with mouse and keys."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from studio.errors import StudioError
from studio.widgets.exports.cards import JobCard
from studio.widgets.exports.jobs import State
from studio.widgets.exports.window import QueueWindow
from tests.widgets import pointer
from tests.widgets.conftest import PATIENCE_MS
from tests.widgets.exports.conftest import Hands


@pytest.fixture
def window(qtbot: QtBot, hands: Hands) -> QueueWindow:
    window = QueueWindow(hands.queue)
    qtbot.addWidget(window)
    window.resize(560, 700)
    window.show()
    with qtbot.waitActive(window, timeout=PATIENCE_MS):
        window.activateWindow()
    return window


def card(window: QueueWindow, name: str) -> JobCard:
    return next(card for card in window.cards.cards if card.job.wish.path.stem == name)


def click(window: QueueWindow, name: str, action: str) -> None:
    button = card(window, name).buttons[action]
    assert button.isVisible()
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def drag(window: QueueWindow, name: str, to: str, *, below: bool) -> None:
    """Hold a card and move past the middle of another one."""
    held, other = card(window, name), card(window, to)
    start = QPoint(30, 12)
    middle = other.mapTo(window.cards, other.rect().center()).y() + (4 if below else -4)
    QTest.mousePress(held, Qt.MouseButton.LeftButton, pos=start)
    for share in (0.3, 0.7, 1.0):
        first = held.mapTo(window.cards, start).y()
        y = round(first + (middle - first) * share)
        pointer.move(held, held.mapFrom(window.cards, QPoint(60, y)))
        QApplication.processEvents()
    QTest.mouseRelease(held, Qt.MouseButton.LeftButton, pos=start)


def test_an_empty_queue_says_what_to_do(window: QueueWindow, hands: Hands, qtbot: QtBot) -> None:
    assert window._pages.currentIndex() == 1
    assert not window.start_button.isEnabled()
    with qtbot.waitSignal(window.wanted):
        QTest.mouseClick(window.add_button, Qt.MouseButton.LeftButton)
    hands.add("a.mp4", start=False)
    assert window._pages.currentIndex() == 0


def test_a_running_job_shows_how_far_it_is(window: QueueWindow, hands: Hands) -> None:
    hands.add("a.mp4")
    hands.until(lambda: card(window, "a").bar.maximum() == 200)
    shown = card(window, "a")
    assert (shown.bar.value(), shown.bar.isVisible()) == (50, True)
    assert shown.note.text() == "Frame 50 of 200  ·  1 min 15 s left"
    assert window.status.text() == "1 export  ·  1 min 15 s left"
    hands.work.go.release()
    hands.until(lambda: not shown.bar.isVisible())
    assert shown.note.text() == "200 frames, 1.5 MB in 10 s"
    assert window.status.text() == ""


def test_buttons_start_cancel_retry_and_remove(window: QueueWindow, hands: Hands) -> None:
    job = hands.add("a.mp4", start=False)
    click(window, "a", "start")
    hands.until(lambda: bool(hands.work.begun))
    assert not card(window, "a").buttons["start"].isVisible()
    click(window, "a", "away")
    hands.until(lambda: job.state is State.STOPPED)
    hands.work.error = StudioError("The disk is full.")
    hands.work.go.release()
    click(window, "a", "start")
    hands.until(lambda: job.state is State.FAILED)
    assert card(window, "a").note.text() == "The disk is full."
    click(window, "a", "away")
    assert hands.queue.jobs == []


def test_start_all_and_remove_finished(window: QueueWindow, hands: Hands) -> None:
    for name in ("a.mp4", "b.mp4"):
        hands.add(name, start=False)
    hands.work.go.release(2)
    QTest.mouseClick(window.start_button, Qt.MouseButton.LeftButton)
    assert not window.start_button.isEnabled()
    hands.until(lambda: hands.states() == ["DONE", "DONE"])
    QTest.mouseClick(window.clear_button, Qt.MouseButton.LeftButton)
    assert hands.queue.jobs == []
    assert not window.clear_button.isEnabled()


@pytest.mark.parametrize(
    ("name", "to", "below", "order"),
    [
        ("a", "c", True, ["b", "c", "a"]),
        ("c", "a", False, ["c", "a", "b"]),
        ("a", "b", True, ["b", "a", "c"]),
        ("b", "b", True, ["a", "b", "c"]),
    ],
)
def test_cards_are_dragged(
    window: QueueWindow, hands: Hands, name: str, to: str, below: bool, order: list[str]
) -> None:
    for added in ("a.mp4", "b.mp4", "c.mp4"):
        hands.add(added, start=False)
    QApplication.processEvents()
    drag(window, name, to, below=below)
    assert hands.names() == order
    QApplication.processEvents()
    heights = [card(window, shown).y() for shown in order]
    assert heights == sorted(heights)
    assert not card(window, name).property("dragged")


def test_buttons_move_cards(window: QueueWindow, hands: Hands) -> None:
    for added in ("a.mp4", "b.mp4"):
        hands.add(added, start=False)
    assert not card(window, "a").buttons["up"].isEnabled()
    click(window, "a", "down")
    assert hands.names() == ["b", "a"]
    assert not card(window, "a").buttons["down"].isEnabled()
    click(window, "a", "up")
    assert hands.names() == ["a", "b"]


def test_keys_move_the_focus_and_the_card_and_take_it_away(window: QueueWindow, hands: Hands) -> None:
    for added in ("a.mp4", "b.mp4"):
        hands.add(added, start=False)
    QApplication.processEvents()
    card(window, "a").setFocus()
    QTest.keyClick(card(window, "a"), Qt.Key.Key_Down)
    assert card(window, "b").hasFocus()
    QTest.keyClick(card(window, "b"), Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    assert hands.names() == ["b", "a"]
    assert card(window, "b").hasFocus()
    QTest.keyClick(card(window, "b"), Qt.Key.Key_Delete)
    assert hands.names() == ["a"]
    QTest.keyClick(card(window, "a"), Qt.Key.Key_Return)
    hands.until(lambda: hands.work.begun == ["a.mp4"])


def test_what_only_the_studio_can_do_is_passed_on(window: QueueWindow, hands: Hands, qtbot: QtBot) -> None:
    job = hands.add("a.mp4")
    with qtbot.waitSignal(window.asked) as asked:
        click(window, "a", "command")
    assert asked.args == [job, "command"]
    hands.work.go.release()
    hands.until(lambda: job.state is State.DONE)
    with qtbot.waitSignal(window.asked) as asked:
        click(window, "a", "reveal")
    assert asked.args == [job, "reveal"]


def test_closing_the_window_stops_nothing(window: QueueWindow, hands: Hands) -> None:
    job = hands.add("a.mp4")
    hands.until(lambda: bool(hands.work.begun))
    QTest.keyClick(window, Qt.Key.Key_Escape)
    assert not window.isVisible()
    hands.work.go.release()
    hands.until(lambda: job.state is State.DONE)


def test_long_names_are_cut_and_told_in_full(window: QueueWindow, hands: Hands) -> None:
    hands.add(f"{'very ' * 40}long.mp4", start=False)
    QApplication.processEvents()
    shown = window.cards.cards[0]
    assert "…" in shown._name.text()
    assert shown._name.toolTip().endswith("long.mp4")
    assert shown.width() <= window.width()
