"""The window's size and panels: as they were last time, on the first run most of the screen."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSettings, Qt
from PySide6.QtWidgets import QDialog, QMainWindow, QSplitter

LAYOUT_VERSION = 2
"""Of the remembered window layout; another number forgets it."""

SMALL_SCREEN_PX = 1440
"""A screen no wider than this is filled; on a larger one the window leaves room around it."""

SHARE = 0.92
LARGEST = (1760, 1100)
INSPECTOR_PX = 384
TIMELINE_SHARE = 0.44
DIALOG_MARGIN = 32
"""Around a dialog on a small screen; twice of it above and below together, for its title bar."""


class Layout:
    """Remembers and restores one window with its splitters: stage | inspector, and stage over timeline."""

    def __init__(self, window: QMainWindow, across: QSplitter, down: QSplitter, settings: QSettings | None) -> None:
        self._window, self._across, self._down, self._settings = window, across, down, settings

    def save(self) -> None:
        """Remember it."""
        if self._settings is not None:
            self._settings.setValue("geometry", self._window.saveGeometry())
            self._settings.setValue("layout", [LAYOUT_VERSION, self._across.saveState(), self._down.saveState()])

    def restore(self) -> None:
        """As it was; as at first where nothing is remembered."""
        self.reset()
        if self._settings is None:
            return
        geometry, layout = self._settings.value("geometry"), self._settings.value("layout")
        if geometry is not None:
            self._window.restoreGeometry(geometry)
        elif self._window.screen().availableGeometry().width() <= SMALL_SCREEN_PX:
            self._window.setWindowState(Qt.WindowState.WindowMaximized)
        if isinstance(layout, list) and len(layout) == 3 and int(layout[0]) == LAYOUT_VERSION:
            self._across.restoreState(layout[1])
            self._down.restoreState(layout[2])

    def reset(self) -> None:
        """Size and panels as on the first run."""
        window, screen = self._window, self._window.screen().availableGeometry()
        size = first_size(screen)
        if window.isVisible() and screen.width() <= SMALL_SCREEN_PX:
            window.showMaximized()
        elif not window.isMaximized():
            window.resize(size.width(), size.height())
        width, height = window.width(), max(window.height(), 400)
        self._across.setSizes([width - INSPECTOR_PX, INSPECTOR_PX])
        self._down.setSizes([round(height * (1 - TIMELINE_SHARE)), round(height * TIMELINE_SHARE)])


def fit(dialog: QDialog, width: int, height: int) -> None:
    """Give a dialog its size, or less where the screen is smaller."""
    screen = dialog.screen().availableGeometry()
    dialog.resize(min(width, screen.width() - DIALOG_MARGIN), min(height, screen.height() - 2 * DIALOG_MARGIN))


def first_size(screen: QRect) -> QRect:
    """Size of the window on a screen of which `screen` is free."""
    width = min(LARGEST[0], round(screen.width() * SHARE))
    height = min(LARGEST[1], round(screen.height() * SHARE))
    return QRect(0, 0, width, height)
