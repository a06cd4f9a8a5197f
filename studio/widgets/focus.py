"""What has the focus keeps the keys it works with: Space presses a button instead of starting playback."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QApplication,
    QComboBox,
    QTabBar,
    QWidget,
)

from studio.widgets.context import Studio

_ARROWS = frozenset({Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down})
_ENDS = frozenset({Qt.Key.Key_Home, Qt.Key.Key_End})
_PAGES = frozenset({Qt.Key.Key_PageUp, Qt.Key.Key_PageDown})
_PRESS = frozenset({Qt.Key.Key_Space, Qt.Key.Key_Select})

KEPT: tuple[tuple[type[QWidget], frozenset[Qt.Key]], ...] = (
    (QAbstractButton, _PRESS),
    (QTabBar, frozenset({Qt.Key.Key_Left, Qt.Key.Key_Right}) | _ENDS),
    (QAbstractSlider, _ARROWS | _ENDS | _PAGES),
    (QComboBox, _ARROWS | _ENDS | _PRESS),
    (QAbstractItemView, _ARROWS | _ENDS | _PAGES | _PRESS),
)
"""Keys without Ctrl or Alt that a control keeps from the window's shortcuts while it has the focus.

Buttons get the focus by Tab, not by a click: after a click Space still plays.
"""

_PLAIN = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier


class KeepKeys(QObject):
    """Watches whatever has the focus, and nothing else."""

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio.window)
        self._application = QApplication.instance()
        assert isinstance(self._application, QApplication)
        self._application.focusChanged.connect(self._focus_changed)

    def close(self) -> None:
        """Watch no more."""
        assert isinstance(self._application, QApplication)
        self._application.focusChanged.disconnect(self._focus_changed)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Tell Qt that a key is the control's own."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            mine = next((keys for kind, keys in KEPT if isinstance(watched, kind)), frozenset())
            if event.modifiers() in _PLAIN and event.key() in mine:
                event.accept()
                return True
        return False

    def _focus_changed(self, old: QWidget | None, new: QWidget | None) -> None:
        if old is not None:
            old.removeEventFilter(self)
        if new is not None and isinstance(new, tuple(kind for kind, _ in KEPT)):
            new.installEventFilter(self)
