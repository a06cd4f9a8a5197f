"""The pointer of the tests.

`QTest.mouseMove` moves the screen's real pointer and returns; an X server tells of it some time later, or never when it
was there already. These moves are handed to Qt at once and arrive before the call returns, and the real pointer
rests in a corner where no window is.
"""

from __future__ import annotations

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QCursor, QGuiApplication, QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


def rest() -> None:
    """Lay the real pointer aside."""
    QCursor.setPos(QGuiApplication.primaryScreen().geometry().bottomRight())
    QCursor.pos()  # the screen answers when it has done so
    QApplication.processEvents()


def hover(widget: QWidget, at: QPoint) -> None:
    """Move without a button: what lies there is entered, what was left is left."""
    window = widget.window()
    place = widget.mapTo(window, at)
    for step in (QPoint(1, 1), QPoint()):  # a pointer that stays where it was says nothing
        QTest.mouseMove(window.windowHandle(), place + step)


def move(widget: QWidget, at: QPoint, button: Qt.MouseButton = LEFT, modifiers: Qt.KeyboardModifier = NONE) -> None:
    """Move with a button held on the widget, which hears of it wherever the pointer is."""
    place = QPointF(at)
    event = QMouseEvent(
        QMouseEvent.Type.MouseMove, place, widget.mapToGlobal(place), Qt.MouseButton.NoButton, button, modifiers
    )
    QApplication.sendEvent(widget, event)


def wheel(widget: QWidget, notches: int, at: QPoint | None = None, modifiers: Qt.KeyboardModifier = NONE) -> None:
    """Turn the wheel away from the user (or towards them, if negative); over the middle unless told where."""
    place = QPointF(widget.rect().center() if at is None else at)
    event = QWheelEvent(
        place, widget.mapToGlobal(place), QPoint(), QPoint(0, 120 * notches), Qt.MouseButton.NoButton,
        modifiers, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(widget, event)
