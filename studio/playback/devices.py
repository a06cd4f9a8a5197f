"""Which loudspeakers and microphones there are, and opening one of them.

Devices are told apart by name and sound system, because PortAudio's numbers change whenever something is plugged in.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Literal

from studio.errors import StudioError
from studio.playback.recorder import AudioInput, Block, SoundDeviceInput

log = logging.getLogger(__name__)

Direction = Literal["input", "output"]


@dataclass(frozen=True)
class Device:
    """A loudspeaker or microphone of this computer."""

    name: str
    system: str  # ALSA, JACK, Core Audio, …
    index: int  # PortAudio's number, valid until devices are looked for again
    standard: bool = False  # the system's own choice

    @property
    def key(self) -> str:
        """What is remembered of it."""
        return f"{self.system}: {self.name}"


def portaudio() -> ModuleType:
    """The sounddevice module; the first call takes a moment.

    Raises:
        StudioError: PortAudio is not installed.
    """
    os.environ.setdefault("JACK_NO_START_SERVER", "1")  # asking for devices must not start a sound server
    try:
        import sounddevice
    except (OSError, ImportError) as error:  # the library, or the module itself
        raise StudioError("PortAudio is not installed, so there is no sound: install libportaudio2.") from error
    module: ModuleType = sounddevice
    return module


def find_devices(direction: Direction) -> tuple[Device, ...]:
    """All loudspeakers or microphones; none without PortAudio. For a worker thread."""
    try:
        sounddevice = portaudio()
    except StudioError as error:
        log.info("%s", error)
        return ()
    systems = [str(api["name"]) for api in sounddevice.query_hostapis()]
    standard = standard_index(sounddevice, direction)
    return tuple(
        Device(str(info["name"]), systems[int(info["hostapi"])], index, index == standard)
        for index, info in enumerate(sounddevice.query_devices())
        if info[f"max_{direction}_channels"] > 0
    )


def look_again() -> None:
    """Let PortAudio find what was plugged in since; no stream may be open. For a worker thread.

    Raises:
        StudioError: PortAudio is not installed, or gave up.
    """
    sounddevice = portaudio()
    try:
        sounddevice._terminate()
        sounddevice._initialize()
    except sounddevice.PortAudioError as error:
        raise StudioError("The computer's sound devices could not be found; start the studio again.") from error


def standard_index(sounddevice: ModuleType, direction: Direction) -> int | None:
    """Number of the system's own choice, else of the first sound system that has one; None without any."""
    default = sounddevice.default.device[0 if direction == "input" else 1]
    for index in (default, *(api[f"default_{direction}_device"] for api in sounddevice.query_hostapis())):
        if index >= 0 and sounddevice.query_devices(index)[f"max_{direction}_channels"] > 0:
            return int(index)
    return None


def find(sounddevice: ModuleType, direction: Direction, key: str | None) -> int | None:
    """Number of the device remembered as `key`; the standard one for None; None when it is not there."""
    if key is None:
        return standard_index(sounddevice, direction)
    return next((device.index for device in find_devices(direction) if device.key == key), None)


def open_microphone(key: str | None, heard: Callable[[Block], None]) -> AudioInput:
    """Open a microphone; takes up to a second.

    Args:
        key: `Device.key`, None for the system's own choice.
        heard: called with every block (n, channels) in the device's thread.

    Raises:
        StudioError: there is none, or it cannot be opened; one sentence.
    """
    sounddevice = portaudio()
    index = find(sounddevice, "input", key)
    if index is None:
        if key is None:
            raise StudioError("This computer has no microphone; connect one and choose Look again.")
        raise StudioError(f"The microphone “{key}” is not connected; choose another one.")
    try:
        return SoundDeviceInput(sounddevice, index, heard)
    except (sounddevice.PortAudioError, OSError, ValueError) as error:
        log.info("no microphone: %s", error)
        name = sounddevice.query_devices(index)["name"]
        raise StudioError(
            f"The microphone “{name}” could not be opened; another program may be using it, or the system forbids it."
        ) from error
