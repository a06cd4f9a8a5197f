from __future__ import annotations

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QColor, QIcon
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from studio.widgets import appearance, palette, theme
from tests.widgets.conftest import Studio


@pytest.mark.parametrize("colours", [theme.DARK, theme.LIGHT], ids=lambda p: p.name)
def test_all_text_can_be_read(colours: theme.Palette) -> None:
    weak = {
        (text, surface): round(contrast, 2)
        for text, surfaces in palette.TEXT_ON
        for surface in surfaces
        if (contrast := palette.contrast(getattr(colours, text), getattr(colours, surface))) < 4.5
    }
    assert weak == {}


def test_what_is_written_over_the_picture_can_be_read_in_every_theme() -> None:
    for role in ("text", "dim", "faint", "accent"):
        assert palette.contrast(theme.colour_on_picture(role).name(), theme.LIGHT.backdrop) >= 4.5


def test_contrast_is_that_of_the_guidelines() -> None:
    assert palette.contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert palette.contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)  # a known border case


def shade(icon: QIcon) -> float:
    """Mean brightness of what an icon paints, 0–1."""
    image = icon.pixmap(24, 24).toImage()
    points = [image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height())]
    painted = [c.lightnessF() for c in points if c.alpha() > 128]
    return sum(painted) / len(painted)


def test_the_theme_changes_while_the_window_is_open(studio: Studio) -> None:
    window = studio.window
    actions = window.actions_
    try:
        dark = window.panel.grab().toImage().pixelColor(3, 3)
        play = shade(actions["play.toggle"].icon())
        actions["theme.light"].trigger()
        assert actions["theme.light"].isChecked()
        assert not actions["theme.dark"].isChecked()
        light = window.panel.grab().toImage().pixelColor(3, 3)
        assert light == QColor(theme.LIGHT.panel)
        assert dark == QColor(theme.DARK.panel)
        assert shade(actions["play.toggle"].icon()) < play - 0.3
        assert shade(window.panel.only_used.icon()) < 0.5
        canvas = window.timeline.canvas
        corner = canvas.grab().toImage().pixelColor(canvas.width() - 20, canvas.height() - 5)
        assert corner == QColor(theme.LIGHT.window)
    finally:
        actions["theme.dark"].trigger()
    assert window.panel.grab().toImage().pixelColor(3, 3) == QColor(theme.DARK.panel)


def test_as_the_system_follows_the_desktop(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    class Hints:
        def colorScheme(self) -> Qt.ColorScheme:  # noqa: N802
            return Qt.ColorScheme.Light

    with monkeypatch.context() as patch:  # alone: the fixtures' own patches stay
        patch.setattr(appearance.QGuiApplication, "styleHints", lambda: Hints())
        assert appearance.palette_of("system") is theme.LIGHT
    studio.window.actions_["theme.system"].trigger()
    assert theme.palette() is appearance.palette_of("system")
    studio.window.actions_["theme.dark"].trigger()


def test_theme_and_size_are_remembered(tmp_path: object, qapp: QApplication, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = QSettings(f"{tmp_path}/settings.ini", QSettings.Format.IniFormat)
    assert appearance.chosen_theme(settings) == "dark"
    assert appearance.chosen_size(settings) == 100
    settings.setValue(appearance.THEME_KEY, "light")
    settings.setValue(appearance.SIZE_KEY, 150)
    assert appearance.chosen_theme(settings) == "light"
    monkeypatch.setenv(appearance.SCALE_VARIABLE, "2")
    assert not appearance.prepare_size(settings)  # the user's own environment decides
    monkeypatch.delenv(appearance.SCALE_VARIABLE)
    assert appearance.prepare_size(settings)
    assert appearance.os.environ[appearance.SCALE_VARIABLE] == "1.5"
    for nonsense in ("huge", 130, -1):
        settings.setValue(appearance.SIZE_KEY, nonsense)
        assert appearance.chosen_size(settings) == 100


def test_another_size_offers_a_restart(studio: Studio) -> None:
    studio.window.actions_["size.150"].trigger()
    banner = studio.window.banner
    assert "150 %" in banner.text
    assert banner.button.isVisible()
    studio.session.hold("AU1", 2.0)
    studio.answers.to_unsaved = "cancel"
    banner.button.click()
    assert studio.window.isVisible()  # the user thought better of it
    assert QApplication.instance().property(appearance.RESTART_PROPERTY) is None


def test_a_menu_shows_that_an_action_with_an_icon_is_checked(qtbot: QtBot) -> None:
    menu = QMenu()
    qtbot.addWidget(menu)
    action = menu.addAction(theme.icon("loop", "dim"), "Loop")
    action.setCheckable(True)
    menu.ensurePolished()
    menu.resize(menu.sizeHint())
    plain = menu.grab().toImage()
    action.setChecked(True)
    assert menu.grab().toImage() != plain
