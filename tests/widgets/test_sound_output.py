"""The menu of sound outputs, and an output that goes away while it plays."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QSettings

from studio.errors import StudioError
from studio.playback import devices
from studio.playback.device import SilentOutput
from studio.playback.devices import Device
from studio.widgets import sound_output
from studio.widgets.sound_output import SETTING, SoundOutput, remembered_output
from tests.playback.fake_audio import FakeAudioDevice
from tests.widgets.conftest import Studio

SPEAKERS = Device("Speakers & more", "ALSA", 0, True)
HEADPHONES = Device("Headphones", "ALSA", 5)
SAME_NAME = Device("Headphones", "JACK", 7)


class Outputs:
    """What the computer has, and what was opened."""

    def __init__(self) -> None:
        self.devices: tuple[Device, ...] = (SPEAKERS, HEADPHONES, SAME_NAME)
        self.opened: list[str | None] = []
        self.looked = 0
        self.silent = False
        self.newest: FakeAudioDevice | SilentOutput | None = None

    def open(self, key: str | None) -> FakeAudioDevice | SilentOutput:
        self.opened.append(key)
        self.newest = (
            SilentOutput("This computer has no sound output.") if self.silent else FakeAudioDevice(latency=0.0)
        )
        return self.newest

    def look(self) -> None:
        self.looked += 1


@pytest.fixture
def outputs(monkeypatch: pytest.MonkeyPatch) -> Outputs:
    found = Outputs()
    monkeypatch.setattr(sound_output, "open_output", found.open)
    monkeypatch.setattr(devices, "look_again", found.look)
    monkeypatch.setattr(devices, "find_devices", lambda _direction: found.devices)
    return found


def listed(studio: Studio) -> list[str]:
    menu = studio.window.findChild(SoundOutput)._menu  # type: ignore[union-attr]
    return [action.text() for action in menu.actions() if not action.isSeparator()]


def open_menu(studio: Studio) -> None:
    studio.window.findChild(SoundOutput)._menu.aboutToShow.emit()  # type: ignore[union-attr]
    studio.until(lambda: len(listed(studio)) == 5)


def choose(studio: Studio, outputs: Outputs, index: int) -> None:
    menu = studio.window.findChild(SoundOutput)._menu  # type: ignore[union-attr]
    menu.actions()[index].trigger()
    studio.until(lambda: studio.driver.player.output is outputs.newest)


def test_the_menu_lists_outputs_and_a_chosen_one_goes_on_playing(outputs: Outputs, studio: Studio) -> None:
    open_menu(studio)
    assert listed(studio) == [
        "The system's choice", "Speakers && more", "Headphones (ALSA)", "Headphones (JACK)", "Look again for devices",
    ]  # fmt: skip
    assert studio.window.actions_["output.system"].isChecked()
    studio.driver.toggle()
    studio.advance(1.0)
    choose(studio, outputs, 2)
    assert outputs.opened == ["ALSA: Headphones"]
    assert studio.device.closed
    assert studio.driver.player.playing
    assert studio.driver.player.position_s == pytest.approx(1.0, abs=0.03)
    assert isinstance(outputs.newest, FakeAudioDevice)
    outputs.newest.advance(0.5)
    assert studio.driver.player.position_s == pytest.approx(1.5, abs=0.05)
    open_menu(studio)
    studio.until(lambda: not studio.window.actions_["output.system"].isChecked())


def test_look_again_finds_what_was_connected(outputs: Outputs, studio: Studio) -> None:
    outputs.devices = (SPEAKERS,)
    studio.window.actions_["output.look_again"].trigger()
    assert studio.device.closed  # devices are found only while none is open
    studio.until(lambda: studio.driver.player.output is outputs.newest)
    assert outputs.looked == 1
    assert len(listed(studio)) == 3


def test_an_output_that_goes_away_is_replaced_by_the_next(outputs: Outputs, studio: Studio) -> None:
    studio.driver.toggle()
    studio.advance(1.0)
    studio.device.lost = True
    studio.driver._tick()
    assert "went away" in studio.window.banner.text
    studio.until(lambda: studio.driver.player.output is outputs.newest)
    assert studio.driver.player.playing
    assert "goes on through" in studio.window.banner.text
    assert studio.driver.player.position_s == pytest.approx(1.0, abs=1.0)


def test_without_another_output_it_plays_on_silently(outputs: Outputs, studio: Studio) -> None:
    outputs.silent = True
    studio.driver.toggle()
    studio.device.lost = True
    studio.driver._tick()
    studio.until(lambda: outputs.looked == 1 and outputs.newest is not None)
    assert "goes on silently" in studio.window.banner.text
    assert studio.driver.player.playing
    at_s = studio.driver.player.position_s
    studio.until(lambda: studio.driver.player.position_s > at_s)


def test_devices_are_not_looked_for_while_something_records(outputs: Outputs, studio: Studio) -> None:
    part = studio.window.findChild(SoundOutput)
    assert isinstance(part, SoundOutput)
    part.in_use.append(lambda: True)
    studio.window.actions_["output.look_again"].trigger()
    assert outputs.looked == 0
    assert not studio.device.closed


def test_failing_to_look_is_one_sentence(outputs: Outputs, studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> None:
        raise StudioError("The computer's sound devices could not be found; start the studio again.")

    monkeypatch.setattr(devices, "look_again", gone)
    studio.window.actions_["output.look_again"].trigger()
    studio.until(lambda: bool(studio.answers.errors))
    assert "start the studio again" in studio.answers.errors[0]


def test_the_choice_is_remembered(tmp_path: Path) -> None:
    settings = QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)
    assert remembered_output(settings) is None
    settings.setValue(SETTING, HEADPHONES.key)
    assert remembered_output(settings) == "ALSA: Headphones"
    settings.setValue(SETTING, "")
    assert remembered_output(settings) is None
    assert remembered_output(None) is None
