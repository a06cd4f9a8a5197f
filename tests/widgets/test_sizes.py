"""Nothing is cut off, at any size that people have; everything can be reached and named without a mouse."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QRect, QSettings, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from studio.widgets import layout
from studio.widgets.layout import LARGEST, first_size
from studio.widgets.main_window import MainWindow
from studio.widgets.shortcuts_dialog import ShortcutsDialog
from tests.playback.fake_audio import FakeAudioDevice
from tests.widgets import audit
from tests.widgets.conftest import Studio

ROOT = Path(__file__).resolve().parents[2]
SIZES = ((1366, 768), (1920, 1080), (960, 540))
"""Two common screens, and what is left of the second at an interface size of 200 %."""


def at_every_page(studio: Studio, look: object) -> dict[str, list[str]]:
    found = {}
    for title in studio.window.inspector.titles:
        studio.window.inspector.show_page(title)
        studio.qtbot.wait(5)
        wrong = look(studio.window)  # type: ignore[operator]
        if wrong:
            found[title] = wrong
    return found


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_nothing_is_cut_off(studio: Studio, size: tuple[int, int]) -> None:
    studio.window.resize(*size)
    studio.session.hold("AU12", 2.0)
    studio.window.timeline.toggle_key("AU4")
    studio.window.banner.tell("A sentence that is long enough to need the room that a banner has, and a bit more.")
    studio.window.status.fail("Something failed, and this says what, in a sentence that may be rather long.")
    studio.qtbot.wait(20)
    assert (studio.window.width(), studio.window.height()) == size
    assert at_every_page(studio, audit.cut_off) == {}


def test_dialogs_show_all_they_say(studio: Studio) -> None:
    for action_id in ("help.shortcuts", "help.about", "help.guide", "export.video", "export.queue", "project.media"):
        before = set(QApplication.topLevelWidgets())
        studio.window.actions_[action_id].trigger()
        studio.qtbot.wait(10)
        for dialog in set(QApplication.topLevelWidgets()) - before:
            dialog.resize(dialog.minimumSize().expandedTo(dialog.minimumSizeHint()))
            studio.qtbot.wait(5)
            assert audit.cut_off(dialog) == [], action_id
            assert audit.nameless(dialog) == [], action_id
            dialog.close()


TWICE = """
import sys
from PySide6.QtWidgets import QApplication
from studio import app
from studio.playback.device import SilentOutput
from studio.widgets.main_window import MainWindow
from tests.playback.fake_audio import FakeAudioDevice
from tests.widgets import audit
application = app.make_application(["test"])
window = MainWindow(SilentOutput(), app.load_renderer, presenter="raster")
window.resize(960, 540)
window.show()
for title in window.inspector.titles:
    window.inspector.show_page(title)
    for _ in range(3):
        application.processEvents()
    for line in audit.cut_off(window):
        print(title, line)
print("ratio", window.devicePixelRatioF(), window.grab().width())
window.close()
"""


def test_nothing_is_cut_off_at_twice_the_size(tmp_path: Path) -> None:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "QT_SCALE_FACTOR": "2"}
    done = subprocess.run(
        [sys.executable, "-c", TWICE], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.stdout.splitlines() == ["ratio 2.0 1920"], done.stdout + done.stderr


def test_every_control_has_a_name(studio: Studio) -> None:
    assert at_every_page(studio, audit.nameless) == {}


def test_the_focus_can_be_seen_everywhere(studio: Studio) -> None:
    studio.window.banner.hide()
    assert at_every_page(studio, audit.not_seen_in_focus) == {}


def test_tab_reaches_everything_and_comes_back(studio: Studio) -> None:
    window = studio.window
    wanted = set(audit.focusable(window))
    first = window.panel.search
    first.setFocus()
    reached = {first}
    for _ in range(3 * len(wanted)):
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        now = QApplication.focusWidget()
        assert now is not None
        reached.add(now)
        if now is first:
            break
    assert QApplication.focusWidget() is first, "Tab is caught somewhere"
    assert {audit.called(widget) for widget in wanted - reached} == set()


def test_space_presses_the_button_that_has_the_focus(studio: Studio) -> None:
    loop = studio.window.transport.loop
    loop.setFocus(Qt.FocusReason.TabFocusReason)
    QTest.keyClick(loop, Qt.Key.Key_Space)
    assert studio.session.project.loop
    assert not studio.driver.player.playing
    studio.window.inspector.tabs.setFocus()
    QTest.keyClick(studio.window.inspector.tabs, Qt.Key.Key_Right)
    assert studio.window.inspector.tabs.currentIndex() == 1
    assert studio.driver.player.position_s == 0.0


def test_the_first_window_uses_the_screen() -> None:
    assert first_size(QRect(0, 0, 1366, 728)).size().width() >= 1250
    assert first_size(QRect(0, 0, 3840, 2160)).size().width() == LARGEST[0]


def test_switches_stay_as_they_were_left(studio: Studio, tmp_path: Path) -> None:
    settings = QSettings(str(tmp_path / "switches.ini"), QSettings.Format.IniFormat)
    settings.setValue("start_hint_closed", True)

    def window() -> MainWindow:
        return MainWindow(
            FakeAudioDevice(latency=0.0), studio.load, dialogs=studio.answers, presenter="raster", settings=settings
        )

    first = window()
    actions = first.actions_
    assert actions["record.touch"].isChecked()
    assert actions["timeline.follow"].isChecked()
    for action_id in ("record.latch", "timeline.follow", "timeline.spectrogram"):
        actions[action_id].trigger()
    first.close()
    second = window()
    assert second.actions_["record.latch"].isChecked()
    assert second.timeline.sliders.mode == "latch"
    assert second.timeline.toolbar.mode.text() == "Latch"
    assert not second.actions_["timeline.follow"].isChecked()
    assert second.actions_["timeline.spectrogram"].isChecked()
    assert second.timeline.state.spectrum_shown
    second.close()


def test_a_small_screen_is_filled_and_the_layout_is_remembered(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layout, "SMALL_SCREEN_PX", 4000)
    settings = QSettings(str(tmp_path / "layout.ini"), QSettings.Format.IniFormat)
    settings.setValue("start_hint_closed", True)

    def window() -> MainWindow:
        made = MainWindow(
            FakeAudioDevice(latency=0.0), studio.load, dialogs=studio.answers, presenter="raster", settings=settings
        )
        made.show()
        studio.qtbot.wait(5)
        return made

    first = window()
    assert first.isMaximized()  # this screen counts as small
    first.showNormal()
    first.resize(1200, 700)
    studio.qtbot.wait(5)
    first._top.setSizes([600, 600])
    share = first._top.sizes()[1] / sum(first._top.sizes())
    assert share == pytest.approx(0.5, abs=0.02)
    first.close()
    second = window()
    assert not second.isMaximized()
    assert second._top.sizes()[1] / sum(second._top.sizes()) == pytest.approx(share, abs=0.02)
    second.showNormal()
    second.resize(1200, 700)
    before = second._top.sizes()[1]
    second.actions_["view.reset_layout"].trigger()
    studio.qtbot.wait(5)
    assert second._top.sizes()[1] < before - 50
    second.close()


def test_the_keys_dialog_is_worked_without_a_mouse(studio: Studio) -> None:
    studio.window.actions_["help.shortcuts"].trigger()
    dialog = studio.window.findChild(ShortcutsDialog)
    assert isinstance(dialog, ShortcutsDialog)
    with studio.qtbot.waitActive(dialog):
        pass
    assert audit.not_seen_in_focus(dialog) == []
