"""Keys, command palette, first steps, messages, about."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import pytest
from PySide6.QtCore import QSettings, Qt, QUrl
from PySide6.QtGui import QKeySequence, QTextDocument
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog

from studio.widgets import help as help_menu
from studio.widgets.actions import ACTIONS
from studio.widgets.command_palette import CommandPalette
from studio.widgets.help import AboutDialog, GuideDialog, Help
from studio.widgets.sample import MARKERS, sample_project
from studio.widgets.shortcuts import Shortcuts, places
from studio.widgets.shortcuts_dialog import ShortcutsDialog
from studio.widgets.welcome import STEPS, StartCard, Welcome, first_start
from tests.widgets.conftest import Studio

Part = TypeVar("Part")
Dialog = TypeVar("Dialog", bound=QDialog)
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
LEFT = Qt.MouseButton.LeftButton


def part(studio: Studio, kind: type[Part]) -> Part:
    return next(p for p in studio.window.parts if isinstance(p, kind))


@pytest.fixture
def shortcuts(studio: Studio) -> Shortcuts:
    return part(studio, Help).shortcuts


@pytest.fixture
def dialog(studio: Studio) -> ShortcutsDialog:
    studio.key(Qt.Key.Key_Slash, CTRL)
    found = studio.window.findChild(ShortcutsDialog)
    assert isinstance(found, ShortcutsDialog)
    with studio.qtbot.waitActive(found):
        pass
    return found


def test_no_key_is_given_twice() -> None:
    keys = [QKeySequence(key).toString() for spec in ACTIONS for key in spec.keys]
    assert sorted(key for key in set(keys) if keys.count(key) > 1) == []


def test_every_action_is_listed_with_where_it_stands(dialog: ShortcutsDialog) -> None:
    assert dialog.tree.topLevelItemCount() == len(ACTIONS)
    assert places()["theme.light"] == "View › Theme"
    assert all(places()[spec.id] for spec in ACTIONS)


def test_a_key_that_is_a_sign_of_html_is_shown(dialog: ShortcutsDialog) -> None:
    dialog.choose("speed.slower")
    document = QTextDocument()
    document.setHtml(dialog.chosen.text())
    assert document.toPlainText().endswith("Slower has <. New keys:")


def test_keys_are_searched_by_command_and_by_key(dialog: ShortcutsDialog) -> None:
    def seen() -> list[str]:
        items = (dialog.tree.topLevelItem(i) for i in range(dialog.tree.topLevelItemCount()))
        return [item.text(0) for item in items if item is not None and not item.isHidden()]

    QTest.keyClicks(dialog.search, "duplicate")
    assert seen() == ["Duplicate keys"]
    dialog.search.setText("ctrl+d")
    assert "Duplicate keys" in seen()
    assert "Undo" not in seen()
    dialog.search.setText("nonsense")
    assert seen() == []
    assert dialog.nothing.isVisible()
    dialog.search.clear()
    dialog.search.setText("front")
    QTest.keyClick(dialog.search, Qt.Key.Key_Return)
    assert "Front" in dialog.chosen.text()


def press(dialog: ShortcutsDialog, key: Qt.Key, modifiers: Qt.KeyboardModifier) -> None:
    dialog.recorder.setFocus()
    QTest.keyClick(dialog.recorder, key, modifiers)


def test_new_keys_work_at_once_and_conflicts_are_said(
    studio: Studio, dialog: ShortcutsDialog, shortcuts: Shortcuts
) -> None:
    dialog.choose("edit.reset_all")
    press(dialog, Qt.Key.Key_D, CTRL)
    assert "Duplicate keys" in dialog.conflict.text()
    QTest.mouseClick(dialog.set, LEFT)
    assert shortcuts.keys("edit.reset_all") == ("Ctrl+D",)
    assert shortcuts.keys("keys.duplicate") == ()
    assert "Ctrl+D" in studio.window.actions_["edit.reset_all"].toolTip()
    press(dialog, Qt.Key.Key_R, CTRL | SHIFT)
    QTest.mouseClick(dialog.add, LEFT)
    assert shortcuts.keys("edit.reset_all") == ("Ctrl+D", "Ctrl+Shift+R")
    dialog.close()
    studio.session.hold("AU1", 3.0)
    studio.window.activateWindow()
    with studio.qtbot.waitActive(studio.window):
        pass
    studio.key(Qt.Key.Key_D, CTRL)
    assert studio.held("AU1") is None


def test_one_or_all_can_be_reset(dialog: ShortcutsDialog, shortcuts: Shortcuts) -> None:
    shortcuts.give("edit.reset_all", ("Ctrl+D",))
    dialog.choose("keys.duplicate")
    assert dialog.reset.isEnabled()
    QTest.mouseClick(dialog.reset, LEFT)
    assert shortcuts.keys("keys.duplicate") == ("Ctrl+D",)
    assert shortcuts.keys("edit.reset_all") == ()
    dialog.choose("edit.undo")
    QTest.mouseClick(dialog.clear, LEFT)
    assert shortcuts.keys("edit.undo") == ()
    QTest.mouseClick(dialog.reset_all, LEFT)
    assert not any(shortcuts.changed(spec.id) for spec in ACTIONS)


def test_keys_are_remembered(studio: Studio, tmp_path: Path) -> None:
    settings = QSettings(str(tmp_path / "keys.ini"), QSettings.Format.IniFormat)
    first = Shortcuts(studio.window.actions_, settings)
    first.give("edit.undo", ("Ctrl+U", "F7"))
    first.give("edit.redo", ())
    first.give("edit.reset_all", ("Ctrl+Backspace",))  # as by default: nothing to remember
    settings.sync()
    first.reset_all()
    assert not settings.allKeys()
    first.give("edit.undo", ("Ctrl+U", "F7"))
    first.give("edit.redo", ())
    settings.sync()
    again = Shortcuts(studio.window.actions_, QSettings(str(tmp_path / "keys.ini"), QSettings.Format.IniFormat))
    assert again.keys("edit.undo") == ("Ctrl+U", "F7")
    assert again.keys("edit.redo") == ()


def test_the_palette_finds_and_runs(studio: Studio) -> None:
    studio.key(Qt.Key.Key_P, CTRL | SHIFT)
    palette = studio.window.findChild(CommandPalette)
    assert isinstance(palette, CommandPalette)
    assert palette.isVisible()
    assert palette.search.hasFocus()
    QTest.keyClicks(palette.search, "loop")
    QTest.keyClick(palette.search, Qt.Key.Key_Return)
    assert not palette.isVisible()
    assert studio.session.project.loop
    studio.key(Qt.Key.Key_P, CTRL | SHIFT)
    QTest.keyClicks(palette.search, "light theme")
    assert palette.list.topLevelItem(0).text(0) == "Theme: Light"
    palette.search.setText("keys")
    QTest.keyClick(palette.search, Qt.Key.Key_Down)
    assert palette.list.indexOfTopLevelItem(palette.list.currentItem()) == 1
    palette.search.setText("no such thing")
    assert palette.nothing.isVisible()
    QTest.keyClick(palette.search, Qt.Key.Key_Return)
    assert palette.isVisible()
    QTest.keyClick(palette.search, Qt.Key.Key_Escape)
    assert not palette.isVisible()
    assert QApplication.focusWidget() is studio.window.viewport  # where it was before


def test_the_palette_closes_when_the_window_is_clicked(studio: Studio) -> None:
    studio.window.actions_["help.palette"].trigger()
    palette = studio.window.findChild(CommandPalette)
    assert isinstance(palette, CommandPalette)
    QTest.mouseClick(studio.window.viewport, LEFT, pos=studio.window.viewport.rect().bottomLeft())
    assert not palette.isVisible()


def test_the_sample_shows_what_editing_is() -> None:
    project = sample_project()
    performance = project.performance
    assert project.audio is not None
    assert Path(project.audio.path).is_file()
    assert {lane.target for lane in performance.lanes} >= {"AU1", "AU2", "AU4", "head_pitch"}
    assert len(performance.expressions.clips) == 1
    assert performance.base.blinks is not None
    smile, frown, brows = (marker.time_s for marker in MARKERS)
    at = performance.sample([smile + 0.3, frown + 0.2, brows + 0.1])
    keys = [lane.target for lane in performance.lanes]
    assert keys
    assert at[0].max() > 2.0
    assert performance.winner("AU4", frown + 0.2).layer == "keys"


def test_the_sample_opens_after_asking_about_unsaved_work(studio: Studio) -> None:
    studio.session.hold("AU1", 2.0)
    before = studio.session.project
    studio.window.actions_["project.sample"].trigger()
    assert "unsaved" in studio.answers.asked
    assert studio.session.project == before
    studio.answers.to_unsaved = "discard"
    studio.window.actions_["project.sample"].trigger()
    assert studio.session.project == sample_project()
    assert studio.session.path is None


def test_first_steps_are_ticked_off_and_then_gone(studio: Studio) -> None:
    card = studio.window.findChild(StartCard)
    assert isinstance(card, StartCard)
    assert not card.isVisible()  # nothing is remembered in tests: it is only shown on request
    studio.window.actions_["help.start_hint"].trigger()
    assert card.isVisible()
    studio.key(Qt.Key.Key_Space)
    studio.driver.pause()
    assert card.done == {"play"}
    studio.session.hold("AU12", 2.0)
    studio.window.timeline.toggle_key("AU4")
    assert card.done == {"play", "slider", "key"}
    card.tick("export")
    assert not card.isVisible()
    assert len(STEPS) == 4


def test_in_little_room_only_the_next_step_is_said(studio: Studio) -> None:
    card = studio.window.findChild(StartCard)
    assert isinstance(card, StartCard)
    studio.window.actions_["help.start_hint"].trigger()
    studio.window.resize(960, 540)
    studio.qtbot.wait(5)
    small = card.height()
    assert card._texts["play"].isVisible()
    assert not card._texts["export"].isVisible()
    card.tick("play")
    assert not card._texts["play"].isVisible()
    assert card._texts["slider"].isVisible()
    studio.window.resize(1500, 1000)
    studio.qtbot.wait(5)
    assert card.height() > small
    assert card._texts["export"].isVisible()


def test_the_start_hint_is_for_the_first_start_and_stays_closed(tmp_path: Path, studio: Studio) -> None:
    settings = QSettings(str(tmp_path / "s.ini"), QSettings.Format.IniFormat)
    assert first_start(settings)
    assert not first_start(settings)
    welcome = part(studio, Welcome)
    welcome._settings = settings
    studio.window.actions_["help.start_hint"].trigger()
    QTest.mouseClick(welcome.card.close_button, LEFT)
    assert not welcome.card.isVisible()
    assert str(settings.value("start_hint_closed")).lower() == "true"


def test_failures_stay_in_sight_until_the_messages_were_looked_at(studio: Studio) -> None:
    status = studio.window.status
    status.setText("Saved")
    studio.window._failed("That did not work; try another file.")
    status.setText("Something later")
    assert status.failures.text() == "1 problem"
    assert "try another file" in status.failures.toolTip()
    QTest.mouseClick(status.failures, LEFT)
    lines = [status.list.list.item(i).text() for i in range(status.list.list.count())]
    assert lines[0].endswith("Something later")
    assert lines[1].endswith("That did not work; try another file.")
    QTest.mouseClick(status.list.copy, LEFT)
    assert "try another file" in QApplication.clipboard().text()
    status.list.close()
    assert status.failures.text() == ""


def test_recent_messages_open_from_the_menu_too(studio: Studio) -> None:
    studio.window.status.setText("Saved")
    studio.window.actions_["help.messages"].trigger()
    messages = studio.window.status.list
    assert messages.isVisible()
    assert messages.list.item(0).text().endswith("Saved")
    messages.close()


def test_what_goes_on_in_the_background_wipes_no_failure(studio: Studio) -> None:
    status = studio.window.status
    status.busy("Opening a.wav…")
    status.fail("a.wav is no sound.")
    status.busy("Listening to the speech…")
    status.busy("")
    status.setText("")
    assert status.text() == "a.wav is no sound."
    status.busy("Opening b.wav…")
    status._hold.stop()
    status._hold.timeout.emit()
    assert status.text() == "Opening b.wav…"
    status.setText("Saved")
    status.busy("")
    assert status.text() == "Saved"


def opened(studio: Studio, action_id: str, kind: type[Dialog]) -> Dialog:
    studio.window.actions_[action_id].trigger()
    found = studio.window.findChild(kind)
    assert isinstance(found, kind)
    return found


def test_about_tells_what_a_report_needs(studio: Studio) -> None:
    about = opened(studio, "help.about", AboutDialog)
    for word in ("Version", "Apache License 2.0", "Toy", "Sound device", "error.log"):
        assert word in about.text
    QTest.mouseClick(about.copy, LEFT)
    assert QApplication.clipboard().text() == about.text


def test_the_guide_opens_and_its_absence_is_said(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    guide = opened(studio, "help.guide", GuideDialog)
    assert "user guide" in guide.page.toPlainText()
    name = QUrl("images/window.png")
    picture = guide.page.loadResource(QTextDocument.ResourceType.ImageResource.value, name)
    assert 0 < picture.width() / picture.devicePixelRatio() <= guide.page.viewport().width()
    guide.close()
    monkeypatch.setattr(help_menu, "docs_dir", lambda: tmp_path)
    studio.window.actions_["help.guide"].trigger()
    assert "missing" in studio.answers.errors[-1]
