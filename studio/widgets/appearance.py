"""Theme and interface size: chosen in the View menu, remembered, applied before the first window is made.

Colours change at once. The size is Qt's scale factor, which is fixed when a program starts: everything grows alike,
pictures and icons stay sharp, and nothing in the window has to know of it. Another size is offered with a restart.
"""

from __future__ import annotations

import os
from functools import partial

from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QActionGroup, QGuiApplication
from PySide6.QtWidgets import QApplication

from studio.widgets import theme
from studio.widgets.actions import SIZES
from studio.widgets.context import Studio

THEME_KEY, SIZE_KEY = "theme", "interface_size"
THEMES = ("dark", "light", "system")
SCALE_VARIABLE = "QT_SCALE_FACTOR"


def chosen_theme(settings: QSettings | None) -> str:
    """The remembered theme: `dark`, `light` or `system`; dark at first."""
    name = str(settings.value(THEME_KEY, "dark")) if settings is not None else "dark"
    return name if name in THEMES else "dark"


def chosen_size(settings: QSettings | None) -> int:
    """The remembered interface size in percent."""
    size = str(settings.value(SIZE_KEY, SIZES[0])) if settings is not None else ""
    return int(size) if size.isdigit() and int(size) in SIZES else SIZES[0]


def palette_of(name: str) -> theme.Palette:
    """The colours of a theme; `system` is light only where the desktop says so."""
    if name == "system":
        light = QGuiApplication.styleHints().colorScheme() is Qt.ColorScheme.Light
        return theme.LIGHT if light else theme.DARK
    return theme.LIGHT if name == "light" else theme.DARK


def prepare_size(settings: QSettings | None) -> bool:
    """Before the application is made: hand the remembered size to Qt, unless the user's environment says another.

    Returns:
        Whether the environment was changed.
    """
    size = chosen_size(settings)
    if size == SIZES[0] or SCALE_VARIABLE in os.environ:
        return False
    os.environ[SCALE_VARIABLE] = f"{size / 100:g}"
    return True


class Appearance:
    """The menus View › Theme and View › Interface size."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._theme = chosen_theme(studio.settings) if studio.settings is not None else theme.palette().name
        themes, sizes = QActionGroup(studio.window), QActionGroup(studio.window)
        for name in THEMES:
            themes.addAction(studio.actions[f"theme.{name}"])
        for size in SIZES:
            sizes.addAction(studio.actions[f"size.{size}"])
        studio.actions[f"theme.{self._theme}"].setChecked(True)
        studio.actions[f"size.{chosen_size(studio.settings)}"].setChecked(True)
        studio.actions.connect(
            {f"theme.{name}": partial(self.use_theme, name) for name in THEMES}
            | {f"size.{size}": partial(self.use_size, size) for size in SIZES}
        )
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._system_changed)
        if palette_of(self._theme) is not theme.palette():
            self._apply()

    def close(self) -> None:
        """Listen to the desktop no more."""
        QGuiApplication.styleHints().colorSchemeChanged.disconnect(self._system_changed)

    def use_theme(self, name: str) -> None:
        """Show and remember a theme."""
        self._theme = name
        if self._studio.settings is not None:
            self._studio.settings.setValue(THEME_KEY, name)
        self._apply()

    def use_size(self, size: int) -> None:
        """Remember a size, and offer to start anew with it."""
        if self._studio.settings is not None:
            self._studio.settings.setValue(SIZE_KEY, size)
        self._studio.banner.tell(
            f"The interface is shown at {size} % from the next start on.",
            action=("Restart now", self._restart),
        )

    def _restart(self) -> None:
        app = QApplication.instance()
        if self._studio.window.close() and app is not None:
            app.setProperty(RESTART_PROPERTY, str(self._studio.session.path or ""))

    def _system_changed(self) -> None:
        if self._theme == "system":
            self._apply()

    def _apply(self) -> None:
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        theme.apply(app, palette_of(self._theme))


RESTART_PROPERTY = "restart_with"
"""Of the application: what to open after a restart, an empty text for nothing; None without a restart."""

SCALED_PROPERTY = "scaled"
"""Of the application: whether its scale factor is ours."""
