from __future__ import annotations

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QToolButton
from pytestqt.qtbot import QtBot

from studio.widgets import theme
from studio.widgets.fitting import Fitting


class Row(QFrame):
    def __init__(self) -> None:
        super().__init__()
        row = QHBoxLayout(self)
        self.button = QToolButton()
        self.button.setIcon(theme.icon("loop"))
        self.button.setText("A rather long text")
        self.button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.label = QLabel("What can be done without")
        self.label.setObjectName("faint")
        self.stays, self.goes = QPushButton("Stays"), QPushButton("Goes at last")
        for widget in (self.button, self.label, self.stays, self.goes):
            row.addWidget(widget)
        Fitting(self, (self.goes,))

    def state(self) -> tuple[bool, bool, bool]:
        text = self.button.toolButtonStyle() is Qt.ToolButtonStyle.ToolButtonTextBesideIcon
        return text, not self.label.isHidden(), not self.goes.isHidden()


@pytest.fixture
def row(qtbot: QtBot) -> Row:
    row = Row()
    qtbot.addWidget(row)
    row.resize(900, 40)
    row.show()
    qtbot.wait(1)
    return row


def test_a_row_gives_up_texts_then_labels_then_the_rest_and_takes_them_back(row: Row, qtbot: QtBot) -> None:
    seen = []
    for width in range(900, row.minimumWidth() - 1, -4):
        row.resize(width, 40)
        if not seen or seen[-1] != row.state():
            seen.append(row.state())
        assert row.layout().minimumSize().width() <= width
    assert seen == [(True, True, True), (False, True, True), (False, False, True), (False, False, False)]
    row.resize(900, 40)
    assert row.state() == (True, True, True)


def test_longer_texts_are_made_room_for(row: Row, qtbot: QtBot) -> None:
    row.resize(row.layout().minimumSize().width(), 40)
    assert row.state() == (True, True, True)
    row.label.setText(row.label.text() * 2)
    qtbot.waitUntil(lambda: not row.state()[0])
    assert row.layout().minimumSize().width() <= row.width()


def test_a_row_at_rest_asks_for_nothing(row: Row, qtbot: QtBot) -> None:
    class Counter(QObject):
        requests = 0

        def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
            self.requests += event.type() == QEvent.Type.LayoutRequest
            return False

    counter = Counter()
    row.installEventFilter(counter)
    row.label.setText(row.label.text() + "!")
    for _ in range(20):
        QCoreApplication.processEvents()
    assert 1 <= counter.requests <= 4
