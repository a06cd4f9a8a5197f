from __future__ import annotations

import builtins
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from studio.playback.device import SilentOutput, open_output
from studio.playback.feeder import Order
from tests.playback.fake_audio import ramp


class PortAudioError(Exception):
    pass


class FakePortAudio(SimpleNamespace):
    """The part of the sounddevice module that is used."""

    def __init__(self, devices: list[dict[str, Any]], default: int = 0, *, fails: bool = False) -> None:
        super().__init__(PortAudioError=PortAudioError, default=SimpleNamespace(device=(-1, default)))
        self.devices, self.fails = devices, fails
        self.stream: Any = None

    def query_hostapis(self) -> list[dict[str, Any]]:
        return [{"default_output_device": -1}, {"default_output_device": len(self.devices) - 1}]

    def query_devices(self, index: int) -> dict[str, Any]:
        return self.devices[index]

    def OutputStream(self, **settings: Any) -> Any:  # noqa: N802 - the library's name
        if self.fails:
            raise PortAudioError("busy")
        self.stream = SimpleNamespace(**settings, start=lambda: None, close=lambda: settings["finished_callback"]())
        self.stream.samplerate, self.stream.latency = settings["samplerate"], 0.05
        return self.stream


SPEAKER = {"name": "Speaker", "max_output_channels": 2, "default_samplerate": 48000.0}


def use(monkeypatch: pytest.MonkeyPatch, module: Any) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", module)


def test_without_portaudio_playback_is_silent_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    real = builtins.__import__

    def missing(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "sounddevice":
            raise OSError("PortAudio library not found")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", missing)
    output = open_output()
    assert isinstance(output, SilentOutput)
    assert output.notice is not None
    assert "libportaudio2" in output.notice


@pytest.mark.parametrize(
    "module", [FakePortAudio([{**SPEAKER, "max_output_channels": 0}]), FakePortAudio([SPEAKER], fails=True)]
)
def test_without_a_device_playback_is_silent_and_says_so(monkeypatch: pytest.MonkeyPatch, module: Any) -> None:
    use(monkeypatch, module)
    output = open_output()
    assert isinstance(output, SilentOutput)
    assert output.notice is not None
    assert "silent" in output.notice


def test_an_output_of_another_system_is_found_when_there_is_no_default(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, FakePortAudio([SPEAKER], default=-1))
    output = open_output()
    assert (output.name, output.notice) == ("Speaker", None)


def test_sound_is_brought_to_the_devices_rate_and_channels(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, FakePortAudio([SPEAKER]))
    output = open_output()
    time = np.arange(16000) / 16000
    sound = output.prepare(np.sin(2 * np.pi * 440 * time)[:, None].astype(np.float32), 16000)
    assert sound.samples.shape == (48000, 1)
    assert sound.rate_hz == 48000
    want = np.sin(2 * np.pi * 440 * np.arange(48000) / 48000)
    assert np.abs(sound.samples[2000:-2000, 0] - want[2000:-2000]).max() < 0.01


def test_the_callback_plays_and_anchors(monkeypatch: pytest.MonkeyPatch) -> None:
    module = FakePortAudio([SPEAKER])
    use(monkeypatch, module)
    output = open_output()
    output.give(Order(1, True, ramp(1.0), 0))
    out = np.empty((256, 2), np.float32)
    timing = SimpleNamespace(currentTime=1.0, outputBufferDacTime=1.03)
    before = output.now_s()
    module.stream.callback(out, 256, timing, SimpleNamespace(output_underflow=False))
    assert out[255, 0] == 256
    assert output.anchor is not None
    assert 0.03 <= output.anchor.heard_at_s - before < 0.5


def test_a_stream_that_ends_by_itself_is_lost_and_one_that_is_closed_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    module = FakePortAudio([SPEAKER])
    use(monkeypatch, module)
    output = open_output()
    module.stream.finished_callback()
    assert output.lost
    other = open_output()
    other.close()
    assert not other.lost


def test_silence_keeps_time() -> None:
    now = [50.0]
    output = SilentOutput(now=lambda: now[0])
    output.give(Order(1, True, ramp(10.0), 8000))
    now[0] = 51.5
    anchor = output.anchor
    assert anchor is not None
    assert anchor.segment.position(anchor.running + 1.5 * 8000) == 20_000
