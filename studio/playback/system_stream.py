"""What loudspeaker and microphone have in common: a stream of the system's sound that may end by itself."""

from __future__ import annotations

import logging
from types import ModuleType
from typing import Any

log = logging.getLogger(__name__)


class SystemStream:
    """A stream through PortAudio; whoever derives from it opens one with `_finished` as its finished callback.

    Args:
        sounddevice: the module.
        index: PortAudio's number of the device.

    Attributes:
        name: of the device.
        rate_hz: samples a second, once it is open.
    """

    def __init__(self, sounddevice: ModuleType, index: int) -> None:
        self._info = sounddevice.query_devices(index)
        self.name = str(self._info["name"])
        self.rate_hz = 0.0
        self._error: type[Exception] = sounddevice.PortAudioError
        self._stream: Any = None
        self._lost = self._closing = False

    @property
    def lost(self) -> bool:
        """True once the system ended the stream by itself (unplugged, server gone)."""
        return self._lost

    def close(self) -> None:
        """Stop and release the stream; a device that is already gone is no error."""
        self._closing = True
        try:
            self._stream.close()
        except self._error as error:
            log.info("the stream of %s could not be closed: %s", self.name, error)

    def _opened(self, stream: Any) -> None:
        """This is the stream; it is started by who opened it."""
        self._stream, self.rate_hz = stream, float(stream.samplerate)

    def _finished(self) -> None:
        self._lost = not self._closing
