"""The speech clip on its way to the loudspeaker: converted for the output, and stretched to the speed that is wanted.

Both take a while and happen in a worker. Until a stretched form is ready, playback goes on at the speed it has; forms
that were made are kept while there is room.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from studio.playback.device import AudioOutput
from studio.playback.sound import Sound
from studio.playback.stretch import stretched
from studio.widgets.bridge import Worker
from studio.widgets.driver import PlaybackDriver
from studio.widgets.sound_clip import Clip, same_file

KEPT_BYTES = 512 * 2**20
"""Of stretched sounds; the one not used for longest goes first."""


class ClipSound(QObject):
    """Gives the player the sound of the open clip. Lives in the main thread."""

    speed_changed = Signal(float)
    """What is heard from now on."""

    making = Signal(float)
    """The sound for this speed is being made; 0 when nothing is."""

    changed = Signal()
    """The player has another sound."""

    failed = Signal(str)

    def __init__(self, driver: PlaybackDriver, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._driver = driver
        self._worker = Worker("sound", self)
        self._clip: Clip | None = None
        self._plain: Sound | None = None  # of the clip, for the output, at normal speed
        self._made: dict[float, Sound] = {}
        self._wanted = 1.0
        self._stop = threading.Event()

    @property
    def wanted(self) -> float:
        """The speed that was asked for last."""
        return self._wanted

    def set_clip(self, clip: Clip | None) -> None:
        """Another clip, from its start; the same one edited, from where it is."""
        before, self._clip = self._clip, clip
        if clip is not None and before is not None and before.same_sound(clip):
            return
        self._forget()
        if clip is None:
            self._driver.set_sound(None)
            self.changed.emit()
            return
        edited = before is not None and same_file(before.media, clip.media)
        self._prepare(clip, self._driver.player.output, self._driver.change_sound if edited else self._driver.set_sound)

    def use_output(self, output: AudioOutput) -> None:
        """Sound goes there from now on; the clip is converted for it first."""
        clip = self._clip
        if clip is None:
            self._driver.set_output(output, None)
        else:
            self._stop.set()
            self._prepare(clip, output, lambda sound: self._driver.set_output(output, sound))

    def set_speed(self, speed: float) -> None:
        """Play at that speed, as soon as its sound is made; `speed` is one of `stretch.SPEEDS`."""
        self._wanted = speed
        self._stop.set()
        if self._plain is None:
            return
        known = self._plain if speed == 1.0 else self._made.pop(speed, None)
        if known is not None:
            self._use(known)
            return
        self._stop = stop = threading.Event()
        plain = self._plain

        def deliver(sound: Sound | None) -> None:
            if sound is not None and plain is self._plain:
                self._use(sound)

        self.making.emit(speed)
        self._worker.run(lambda: stretched(plain, speed, stop.is_set), deliver, self._failed)

    def close(self) -> None:
        """Stop what is being made and wait for it."""
        self._stop.set()
        self._worker.close()

    def _prepare(self, clip: Clip, output: AudioOutput, hand_over: Callable[[Sound], None]) -> None:
        """Convert a clip for an output in the background."""

        def deliver(sound: Sound) -> None:
            if self._clip is None or not clip.same_sound(self._clip):
                return
            self._forget()
            self._plain = sound
            hand_over(sound)
            self.changed.emit()
            self.set_speed(self._wanted)

        self._worker.run(lambda: output.prepare(clip.samples, clip.rate_hz), deliver, self._failed)

    def _use(self, sound: Sound) -> None:
        self.making.emit(0.0)
        if sound.speed != 1.0:
            self._made[sound.speed] = sound  # the newest is the last
            while len(self._made) > 1 and sum(s.samples.nbytes for s in self._made.values()) > KEPT_BYTES:
                del self._made[next(iter(self._made))]
        if self._driver.player.speed != sound.speed:
            self._driver.change_sound(sound)
        self.speed_changed.emit(sound.speed)

    def _forget(self) -> None:
        self._stop.set()
        self._plain = None
        self._made.clear()

    def _failed(self, text: str) -> None:
        self.making.emit(0.0)
        self._wanted = self._driver.player.speed
        self.speed_changed.emit(self._wanted)
        self.failed.emit(text)
