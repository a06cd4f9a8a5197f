"""The real questions, answered as people do."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import QEvent, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from studio.widgets import messages
from studio.widgets.dialogs import IMAGE_FILTER, SPEECH_FILTER, VIDEO_FILTER, SystemDialogs
from studio.widgets.routing import IMAGE_SUFFIXES, SOUND_SUFFIXES, VIDEO_SUFFIXES


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    window = QWidget()
    qtbot.addWidget(window)
    window.show()
    return window


def answered(hand: Callable[[QMessageBox], object], question: Callable[[], object]) -> object:
    """What a question gives whose dialog is worked by `hand`."""

    def work() -> None:
        box = QApplication.activeModalWidget()
        assert isinstance(box, QMessageBox)
        hand(box)

    QTimer.singleShot(0, work)
    return question()


def press(text: str) -> Callable[[QMessageBox], None]:
    def click(box: QMessageBox) -> None:
        button = next(button for button in box.buttons() if button.text().replace("&", "") == text)
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)

    return click


@pytest.mark.parametrize(
    ("hand", "answer"),
    [
        (press("Save"), "save"),
        (press("Discard"), "discard"),
        (press("Cancel"), "cancel"),
        (lambda box: QTest.keyClick(box, Qt.Key.Key_Return), "save"),
        (lambda box: QTest.keyClick(box, Qt.Key.Key_Escape), "cancel"),
    ],
    ids=["save", "discard", "cancel", "return", "escape"],
)
def test_unsaved_work_is_saved_given_up_or_kept_open(
    window: QWidget, hand: Callable[[QMessageBox], object], answer: str
) -> None:
    assert answered(hand, lambda: SystemDialogs().unsaved(window, "My talk")) == answer


def test_a_question_that_was_answered_is_gone(window: QWidget) -> None:
    assert answered(press("Delete"), lambda: SystemDialogs().confirm(window, "Sure?", "It is lost.", "Delete"))
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert window.findChildren(QMessageBox) == []


def test_names_are_shown_as_they_are(window: QWidget) -> None:
    name = "<b>take</b> & <i>more</i>.wav"
    messages.show_error(window, f"{name} is no sound; choose another file.")
    (box,) = window.findChildren(QMessageBox)
    shown = [label for label in box.findChildren(QLabel) if name in label.text()]
    assert [label.textFormat() for label in shown] == [Qt.TextFormat.PlainText]
    box.close()
    banner = messages.Banner(window)
    banner.tell(name)
    (text,) = (label for label in banner.findChildren(QLabel) if label.text() == name)
    assert text.textFormat() is Qt.TextFormat.PlainText


@pytest.mark.parametrize(
    ("shown", "taken"),
    [(SPEECH_FILTER, SOUND_SUFFIXES), (IMAGE_FILTER, IMAGE_SUFFIXES), (VIDEO_FILTER, VIDEO_SUFFIXES)],
)
def test_file_dialogs_show_whatever_can_be_dropped(shown: str, taken: tuple[str, ...]) -> None:
    assert all(f"*{suffix}" in shown for suffix in taken)
    assert shown.endswith("All files (*)")
