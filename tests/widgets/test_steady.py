"""What is done and undone again leaves nothing behind: the same gestures, many times, and everything is counted."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QObject, QPoint
from PySide6.QtWidgets import QApplication, QDialog

from studio.document.curves import Curve
from studio.widgets.status_line import KEPT, StatusLine
from tests.widgets.conftest import Studio, write_wav

SETTLE, TIMES = 2, 6
"""Rounds after which caches are full, and rounds that are counted."""

FEW = TIMES - 1
"""Objects of one type that may come and go by chance; what stays behind once in every round is more."""


def slide_and_undo(studio: Studio) -> None:
    """A drag of a slider, undone, redone and undone."""
    slider = studio.window.panel.rows["AU12"].slider
    studio.drag(slider, QPoint(slider.width() // 4, slider.height() // 2), QPoint(slider.width() // 2, 8))
    assert studio.held("AU12")
    studio.session.undo()
    studio.session.redo()
    studio.session.undo()
    studio.settle()


def play_and_seek(studio: Studio) -> None:
    """Playing, a jump while it plays, a pause, and a jump back."""
    studio.driver.toggle()
    for _ in range(4):
        studio.advance(0.1)
        studio.settle()
    studio.driver.seek(2.0)
    studio.advance(0.1)
    studio.driver.pause()
    studio.driver.scrub(0.5)
    studio.settle()


def turn(studio: Studio) -> None:
    """An orbit of the view, and the front again."""
    view = studio.window.viewport
    middle = view.rect().center()
    studio.drag(view, middle, middle + QPoint(40, -20))
    view.look("front")
    studio.settle()


def curves_and_undo(studio: Studio) -> None:
    """Keys on the timeline, a marker, a selection, and all of it taken back."""
    before = studio.session.history.position
    for level in (1.0, 2.0, 3.0):
        keys = Curve().with_key(0.0, 0.0).with_key(1.0, level)
        performance = studio.session.project.performance.with_curve("AU2", keys)
        studio.session.change("Keys", studio.session.project.replace(performance=performance))
    studio.settle()
    while studio.session.history.position > before:
        studio.session.undo()
    studio.settle()


def menus(studio: Studio) -> None:
    """Menus are opened and closed."""
    for action in studio.window.menuBar().actions():
        menu = action.menu()
        menu.aboutToShow.emit()
        menu.aboutToHide.emit()
    studio.qtbot.wait(1)


def dialogs(studio: Studio) -> None:
    """Dialogs are opened and closed."""
    for action in ("help.guide", "help.shortcuts", "help.about"):
        studio.window.actions_[action].trigger()
        studio.qtbot.wait(1)
        opened = [dialog for dialog in studio.window.findChildren(QDialog) if dialog.isVisible()]
        assert opened, action
        for dialog in opened:
            dialog.close()
        studio.qtbot.wait(1)


def open_again(studio: Studio) -> None:
    """A project with another speech, and the first speech again."""
    clip = studio.session.clip
    assert clip is not None
    first = Path(clip.media.path)
    for path in (write_wav(first.with_name("other.wav"), 2.0), first):
        studio.session.start_with(path)
        studio.until(lambda path=path: studio.session.clip is not None and Path(studio.session.clip.media.path) == path)
        studio.until(lambda: studio.session.clip is not None and studio.session.clip.features is not None)
    studio.settle()


def census() -> tuple[Counter[str], int]:
    """Python's objects by type, and Qt's objects in windows."""
    QApplication.sendPostedEvents()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    gc.collect()
    kinds = Counter(f"{type(one).__module__}.{type(one).__qualname__}" for one in gc.get_objects())
    return kinds, sum(1 + len(window.findChildren(QObject)) for window in QApplication.topLevelWidgets())


@pytest.mark.parametrize(
    "gesture",
    [slide_and_undo, play_and_seek, turn, curves_and_undo, menus, dialogs, open_again],
    ids=lambda g: g.__name__,
)
def test_what_is_taken_back_leaves_nothing(studio: Studio, gesture: Callable[[Studio], None]) -> None:
    status = studio.window.findChild(StatusLine)
    assert isinstance(status, StatusLine)
    for number in range(KEPT):  # it remembers so many messages and no more
        status._keep(f"Undone: {number}")
    census()  # makes Python's side of every Qt object
    for _ in range(SETTLE):
        gesture(studio)
    studio.renderer.drawn.clear()
    before, children = census()
    for _ in range(TIMES):
        gesture(studio)
    studio.renderer.drawn.clear()
    after, now = census()
    assert {kind: count - before[kind] for kind, count in after.items() if count - before[kind] > FEW} == {}
    assert abs(now - children) <= FEW
