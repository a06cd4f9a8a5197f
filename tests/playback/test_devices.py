from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from studio.errors import StudioError
from studio.playback.device import SilentOutput, SoundDeviceOutput, open_output
from studio.playback.devices import find_devices, look_again, open_microphone
from tests.playback.test_device import FakePortAudio, PortAudioError

SPEAKER = {"name": "Speaker", "hostapi": 1, "max_output_channels": 2, "max_input_channels": 0}
HEADSET = {"name": "Headset", "hostapi": 1, "max_output_channels": 2, "max_input_channels": 1}
RATE = {"default_samplerate": 48000.0}


class Computer(FakePortAudio):
    """With microphones."""

    def __init__(self, *devices: dict[str, Any], default: tuple[int, int] = (-1, 0), fails: bool = False) -> None:
        super().__init__([{**device, **RATE} for device in devices], fails=fails)
        self.default = SimpleNamespace(device=default)
        self.ended = 0

    def query_hostapis(self) -> list[dict[str, Any]]:
        return [
            {"name": "OSS", "default_output_device": -1, "default_input_device": -1},
            {"name": "ALSA", "default_output_device": 0, "default_input_device": len(self.devices) - 1},
        ]

    def query_devices(self, index: int | None = None) -> Any:
        return self.devices if index is None else self.devices[index]

    def InputStream(self, **settings: Any) -> Any:  # noqa: N802 - the library's name
        return self.OutputStream(**settings)

    def _terminate(self) -> None:
        self.ended += 1

    def _initialize(self) -> None:
        if self.fails:
            raise PortAudioError("gone")


def use(monkeypatch: pytest.MonkeyPatch, computer: Computer) -> Computer:
    monkeypatch.setitem(sys.modules, "sounddevice", computer)
    return computer


def test_devices_are_listed_with_the_systems_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, Computer(SPEAKER, HEADSET))
    assert [(d.key, d.index, d.standard) for d in find_devices("output")] == [
        ("ALSA: Speaker", 0, True),
        ("ALSA: Headset", 1, False),
    ]
    assert [(d.key, d.standard) for d in find_devices("input")] == [("ALSA: Headset", True)]


def test_a_chosen_output_is_opened_and_a_missing_one_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, Computer(SPEAKER, HEADSET))
    assert open_output("ALSA: Headset").name == "Headset"
    assert open_output("ALSA: Long gone").name == "Speaker"
    assert open_output().name == "Speaker"


def test_an_output_that_ends_by_itself_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    computer = use(monkeypatch, Computer(SPEAKER))
    output = open_output()
    assert isinstance(output, SoundDeviceOutput)
    assert not output.lost
    computer.stream.finished_callback()
    assert output.lost


def test_blocks_of_a_microphone_are_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    computer = use(monkeypatch, Computer(SPEAKER, HEADSET))
    heard: list[Any] = []
    microphone = open_microphone(None, heard.append)
    assert (microphone.name, microphone.channels, microphone.rate_hz) == ("Headset", 1, 48000)
    block = np.ones((4, 1), np.float32)
    computer.stream.callback(block, 4, None, None)
    block[:] = 0  # PortAudio reuses its buffer
    assert heard[0].tolist() == [[1], [1], [1], [1]]
    microphone.close()
    assert not microphone.lost
    other = open_microphone("ALSA: Headset", heard.append)
    computer.stream.finished_callback()
    assert other.lost


def test_no_microphone_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, Computer(SPEAKER))
    assert find_devices("input") == ()
    with pytest.raises(StudioError, match="no microphone; connect one"):
        open_microphone(None, lambda _block: None)
    with pytest.raises(StudioError, match="is not connected; choose another"):
        open_microphone("ALSA: Headset", lambda _block: None)
    use(monkeypatch, Computer(SPEAKER, HEADSET, fails=True))
    with pytest.raises(StudioError, match="Headset” could not be opened"):
        open_microphone(None, lambda _block: None)


def test_looking_again_starts_portaudio_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    computer = use(monkeypatch, Computer(SPEAKER))
    look_again()
    assert computer.ended == 1
    computer.fails = True
    with pytest.raises(StudioError, match="start the studio again"):
        look_again()


def test_without_portaudio_there_are_no_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    assert find_devices("output") == ()
    assert isinstance(open_output(), SilentOutput)
    with pytest.raises(StudioError, match="PortAudio is not installed"):
        open_microphone(None, lambda _block: None)
