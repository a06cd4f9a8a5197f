"""A window on controlled parts: virtual sound time, a plain renderer, dialogs that answer by themselves."""

from __future__ import annotations

import os
import sys
import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

if sys.platform.startswith("linux") and not os.environ.get("DISPLAY") and not os.environ.get("WAYLAND_DISPLAY"):
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")  # no screen: everything but OpenGL can be tested

from studio.engine.avatar import Avatar
from studio.engine.speech import features
from studio.engine.speech.audio import Audio
from studio.errors import StudioError
from studio.playback import devices
from studio.widgets import theme
from studio.widgets.dialogs import Changed, Kind, NotSaved, Unsaved
from studio.widgets.main_window import MainWindow
from studio.widgets.presenters import Kind as PresenterKind
from tests.playback.engines import PlainRenderer
from tests.playback.fake_audio import RATE_HZ, FakeAudioDevice
from tests.support import toy_avatar
from tests.widgets import pointer

PATIENCE_MS = 120_000
"""What never comes fails after this; a machine that is busy with something else may take long."""


@pytest.fixture(scope="session")
def avatar() -> Avatar:
    return toy_avatar(300)


@pytest.fixture(autouse=True)
def quick_features(monkeypatch: pytest.MonkeyPatch) -> None:
    """The speech pass has its own tests."""

    def silent(audio: Audio) -> features.SpeechFeatures:
        return features.silence(audio.duration_s)

    monkeypatch.setattr(features, "extract_features", silent)


@pytest.fixture(autouse=True)
def no_hardware(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test looks for the computer's own loudspeakers and microphones."""

    def without() -> None:
        raise StudioError("Sound hardware is not looked for in tests.")

    monkeypatch.setattr(devices, "portaudio", without)


@dataclass
class Answers:
    """`Dialogs` that answer what the test says and remember what they were asked."""

    to_open: Path | None = None
    to_save: Path | None = None
    to_unsaved: Unsaved = "cancel"
    to_changed: Changed = "cancel"
    to_not_saved: NotSaved = "cancel"
    to_confirm: bool = False
    to_choose: Path | None = None
    to_colour: tuple[float, float, float] | None = None
    to_text: str | None = None
    asked: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def open_file(self, parent: QWidget, kind: Kind, folder: Path) -> Path | None:
        self.asked.append(f"open {kind}")
        return self.to_open

    def save_project(self, parent: QWidget, start: Path) -> Path | None:
        self.asked.append("save")
        return self.to_save

    def choose_colour(
        self,
        parent: QWidget,
        title: str,
        start: tuple[float, float, float],
        preview: Callable[[tuple[float, float, float]], None],
    ) -> tuple[float, float, float] | None:
        self.asked.append(title)
        preview((1.0, 0.0, 1.0))
        return self.to_colour

    def ask_text(self, parent: QWidget, title: str, label: str, start: str) -> str | None:
        self.asked.append(f"{title}: {start}")
        return self.to_text

    def unsaved(self, parent: QWidget, title: str) -> Unsaved:
        self.asked.append("unsaved")
        return self.to_unsaved

    def changed_on_disk(self, parent: QWidget, name: str) -> Changed:
        self.asked.append(f"changed {name}")
        return self.to_changed

    def not_saved(self, parent: QWidget, text: str) -> NotSaved:
        self.asked.append("not saved")
        self.errors.append(text)
        return self.to_not_saved

    def confirm(self, parent: QWidget, text: str, detail: str, accept: str) -> bool:
        self.asked.append(f"confirm {accept}")
        return self.to_confirm

    def choose_file(self, parent: QWidget, title: str, name_filter: str, folder: Path) -> Path | None:
        self.asked.append(title)
        return self.to_choose

    def choose_folder(self, parent: QWidget, title: str, folder: Path) -> Path | None:
        self.asked.append(title)
        return self.to_choose

    def save_file(self, parent: QWidget, title: str, name_filter: str, start: Path) -> Path | None:
        self.asked.append(title)
        return self.to_choose

    def error(self, parent: QWidget, text: str) -> None:
        self.errors.append(text)


def write_wav(path: Path, seconds: float) -> Path:
    time = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(int(RATE_HZ))
        file.writeframes((np.sin(time * 900) * 12000).astype("<i2").tobytes())
    return path


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    return write_wav(tmp_path / "speech.wav", 4.0)


class Studio:
    """A window with a clip and an avatar, and hands to work it with."""

    def __init__(self, qtbot: QtBot, avatar: Avatar, presenter: PresenterKind = "raster") -> None:
        self.qtbot = qtbot
        self.device = FakeAudioDevice(latency=0.0)
        self.renderer = PlainRenderer(avatar)
        self.load: Callable[[Path | None], PlainRenderer] = lambda _path: self.renderer
        self.answers = Answers()
        self.window = MainWindow(self.device, lambda path: self.load(path), dialogs=self.answers, presenter=presenter)
        self.window.resize(1100, 700)
        self.window.show()
        self.window.activateWindow()
        with qtbot.waitActive(self.window, timeout=PATIENCE_MS):
            pass
        self.session, self.driver = self.window.session, self.window.driver

    def open(self, speech: Path | None) -> Studio:
        self.session.start_with(speech)
        self.until(lambda: self.driver.shown is not None)
        if speech is not None:
            self.until(lambda: self.session.clip is not None and self.session.clip.features is not None)
            self.until(lambda: self.driver.player.duration_s > 0)
        self.settle()
        return self

    def until(self, condition: Callable[[], bool]) -> None:
        self.qtbot.waitUntil(condition, timeout=PATIENCE_MS)

    def settle(self) -> None:
        """Until the newest picture is on the screen."""
        self.until(lambda: not self.driver.bridge.engine.busy and not self.driver._soon.isActive())
        self.qtbot.wait(1)

    def red(self) -> int:
        """What the picture on the screen says of AU1, in tenths of its intensity times five."""
        assert self.driver.shown is not None
        return int(self.driver.shown.rgba[0, 0, 0])

    def held(self, key: str) -> float | None:
        lane = self.session.project.performance.lane(key)
        return None if lane is None else lane.held

    def drag(
        self,
        widget: QWidget,
        start: QPoint,
        end: QPoint,
        button: Qt.MouseButton = Qt.MouseButton.LeftButton,
        modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
        *,
        release: bool = True,
    ) -> None:
        """A real drag in five moves."""
        self.press(widget, start, button, modifiers)
        for i in range(1, 6):
            pointer.move(widget, start + (end - start) * i / 5, button, modifiers)
            self.qtbot.wait(1)
        if release:
            QTest.mouseRelease(widget, button, modifiers, end)

    def press(
        self,
        widget: QWidget,
        at: QPoint,
        button: Qt.MouseButton = Qt.MouseButton.LeftButton,
        modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
    ) -> None:
        pointer.hover(widget, at)
        QTest.mousePress(widget, button, modifiers, at)

    def key(self, key: Qt.Key, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        QTest.keyClick(self.window, key, modifiers)

    def advance(self, seconds: float) -> None:
        """Let the sound go on and the window notice."""
        self.device.advance(seconds)
        self.driver._tick()

    def close(self) -> None:
        self.renderer.gate.set()
        self.renderer.error = None
        self.answers.to_unsaved = "discard"
        self.window.close()
        self.window.deleteLater()
        self.qtbot.wait(0)


@pytest.fixture(scope="session", autouse=True)
def style(qapp: QApplication) -> None:
    theme.apply(qapp)
    pointer.rest()


@pytest.fixture
def studio(qtbot: QtBot, avatar: Avatar, speech: Path) -> Iterator[Studio]:
    studio = Studio(qtbot, avatar).open(speech)
    yield studio
    studio.close()


@pytest.fixture
def empty_studio(qtbot: QtBot, avatar: Avatar) -> Iterator[Studio]:
    """A window in which nothing has been opened yet."""
    studio = Studio(qtbot, avatar)
    yield studio
    studio.close()
