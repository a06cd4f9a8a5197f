"""Hands for the timeline: where keys are, and what must hold after every gesture."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from studio.document.curves import Curve
from studio.document.model import Project
from tests.widgets import pointer
from tests.widgets.conftest import Studio

NONE = Qt.KeyboardModifier.NoModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
CTRL = Qt.KeyboardModifier.ControlModifier
ALT = Qt.KeyboardModifier.AltModifier
LEFT = Qt.MouseButton.LeftButton


class Hands:
    """Works a window's timeline with mouse and keyboard."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        self.window, self.session = studio.window, studio.session
        self.history = studio.session.history
        self.timeline = studio.window.timeline
        self.canvas, self.state = self.timeline.canvas, self.timeline.state
        self.window.resize(1200, 1000)
        self.studio.qtbot.wait(1)

    def put(self, **curves: Curve) -> None:
        """Lanes with curves, as the project begins."""
        performance = self.session.project.performance
        for key, curve in curves.items():
            performance = performance.with_curve(key, curve)
        self.history.reset(self.session.project.replace(performance=performance))
        self.studio.qtbot.wait(1)

    def curve(self, key: str) -> Curve:
        lane = self.session.project.performance.lane(key)
        return Curve() if lane is None else lane.curve

    def at(self, key: str, time_s: float, value: float) -> QPoint:
        row = self.state.row_of(key)
        assert row is not None
        return QPoint(round(self.canvas.x_of(time_s)), round(self.state.y_of(row, value)))

    def drag(self, start: QPoint, end: QPoint, modifiers: Qt.KeyboardModifier = NONE, *, release: bool = True) -> None:
        """A drag whose moves carry modifiers too."""
        QTest.mousePress(self.canvas, LEFT, NONE, start)
        for i in range(1, 4):
            self.move(start + (end - start) * i / 3, modifiers)
        if release:
            QTest.mouseRelease(self.canvas, LEFT, modifiers, end)

    def move(self, at: QPoint, modifiers: Qt.KeyboardModifier = NONE) -> None:
        pointer.move(self.canvas, at, LEFT, modifiers)

    def click(self, at: QPoint, modifiers: Qt.KeyboardModifier = NONE) -> None:
        QTest.mouseClick(self.canvas, LEFT, modifiers, at)

    def double_click(self, at: QPoint) -> None:
        QTest.mouseDClick(self.canvas, LEFT, NONE, at)

    def wheel(self, at: QPoint, notches: int, modifiers: Qt.KeyboardModifier = NONE) -> None:
        pointer.wheel(self.canvas, notches, at, modifiers)

    def one_entry(self, before: Project) -> None:
        """The gesture was one entry, and undo and redo end in equal documents."""
        assert len(self.history.commands) == 1, [command.label for command in self.history.commands]
        after, selection = self.session.project, self.history.selection
        assert after != before
        self.studio.key(Qt.Key.Key_Z, CTRL)
        assert self.session.project == before
        self.studio.key(Qt.Key.Key_Y, CTRL)
        assert self.session.project == after
        assert self.history.selection == selection


@pytest.fixture
def hands(studio: Studio) -> Hands:
    return Hands(studio)
