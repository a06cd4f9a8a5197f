"""Playback in the window: timers and signals around `studio.playback.show`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from studio.playback.device import AudioOutput
from studio.playback.engine_thread import AvatarReady, FrameResult, Renderer
from studio.playback.pacer import TICK_S, Pace
from studio.playback.player import Player, State, silent_sound
from studio.playback.show import CameraMaker, Show, Stage
from studio.playback.sound import Sound
from studio.widgets.bridge import EngineBridge

POSITION_TICKS = 4
"""Ticks from one `position_changed` to the next while it plays: 31 times a second. Whoever hears it repaints something,
in the one thread that also shows the pictures."""

POSITION_S = 0.05
"""A busy thread ticks rarely: after so much of the clip it is told in any case, because recorded sliders live by it."""

SETTLE_MS = 180
"""After the last camera movement: time to see that the hand rests, before a full-size picture is drawn."""


class PlaybackDriver(QObject):
    """Owns player and engine; lives in the main thread."""

    position_changed = Signal(float)
    state_changed = Signal(State)
    pace_changed = Signal(object)
    """A `Pace` while playing, None when paused."""

    notice = Signal(str)
    output_lost = Signal(str)
    """Name of the sound output that went away; playback goes on silently."""

    avatar_ready = Signal(AvatarReady)
    avatar_failed = Signal(str)
    failed = Signal(str)
    picture_ready = Signal(FrameResult)

    def __init__(
        self, output: AudioOutput, load: Callable[[Path | None], Renderer], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.player = Player(output)
        self.player.on_lost = self._lost
        self.bridge = EngineBridge(load, self)
        self.show = Show(self.player, self.bridge.engine)
        self._state = State.EMPTY
        self._ticks, self._told_s = 0, 0.0
        self._loop: tuple[bool, tuple[float, float] | None] = (False, None)
        self._around: tuple[float, float] | None = None
        self.scrub_sound = True
        """Whether a scrub is heard."""

        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(round(TICK_S * 1000))
        self._timer.timeout.connect(self._tick)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self.show.ask_now)
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(SETTLE_MS)
        self._settle.timeout.connect(self._settled)
        self.bridge.frame_ready.connect(self._picture)
        self.bridge.avatar_ready.connect(self._avatar)
        self.bridge.avatar_failed.connect(self.avatar_failed)
        self.bridge.failed.connect(self.failed)

    @property
    def pace(self) -> Pace:
        """How playback goes."""
        return self.show.pace

    @property
    def shown(self) -> FrameResult | None:
        """The newest picture."""
        return self.show.shown

    # ---- what is looked at ----

    def set_stage(self, stage: Stage, *, at_once: bool = False) -> None:
        """Another performance or speech; the very next picture shows it, asked for `at_once` while a hand waits."""
        self.show.set_stage(stage)
        if at_once:
            self._soon.stop()
            self.show.ask_now()
        else:
            self.refresh()

    def set_view(self, camera: CameraMaker, width_px: int, height_px: int, *, moving: bool) -> None:
        """Another camera or size of the viewport, in device pixels; `moving` while the hand moves it."""
        self.show.set_view(camera, width_px, height_px)
        if moving:
            self.hurry()
        self.refresh()

    def hurry(self) -> None:
        """The hand moves something: pictures are drawn quickly until it rests, then with all pixels."""
        self.show.moving = True
        self._settle.start()

    def refresh(self) -> None:
        """Something changed: ask for a picture, once per pass of the event loop."""
        if not self._soon.isActive():
            self._soon.start(0)

    def load_avatar(self, path: Path | None) -> None:
        """Load an avatar in the engine's thread."""
        self.bridge.engine.load_avatar(path)

    # ---- transport ----

    def set_output(self, output: AudioOutput, sound: Sound | None) -> None:
        """Sound goes elsewhere from now on."""
        self.player.set_output(output, sound)
        if output.notice:
            self.notice.emit(output.notice)

    def set_sound(self, sound: Sound | None) -> None:
        """Another clip, at its start; None for no clip."""
        self.player.load(sound if sound is not None else silent_sound(0.0))
        self._moved()

    def toggle(self) -> None:
        """Play or pause."""
        self.player.toggle()
        self._moved()

    def pause(self) -> None:
        """Pause."""
        self.player.pause()
        self._moved()

    def seek(self, position_s: float) -> None:
        """Move the playhead."""
        self.player.seek(position_s)
        self._moved()

    def scrub(self, position_s: float) -> None:
        """Move the playhead by hand: what is there is heard for a moment, unless `scrub_sound` is off."""
        if self.player.playing:
            self.seek(position_s)
            return
        self.show.scrub(position_s, audible=self.scrub_sound)
        self._followed()

    def to_start(self) -> None:
        """Pause at the start."""
        self.player.stop()
        self._moved()

    def step(self, frames: int) -> None:
        """Pause and move by whole frames of the project."""
        self.show.step(frames, audible=self.scrub_sound)
        self._followed()

    def change_sound(self, sound: Sound) -> None:
        """The same clip in another form (speed, gain, length); goes on where it is."""
        self.player.swap_sound(sound)
        self._moved()

    def audition(self, sound: Sound) -> None:
        """Let another sound be heard once."""
        self.player.audition(sound)
        self._moved()

    def end_audition(self) -> None:
        """Silence, unless the clip plays."""
        self.player.end_audition()
        self._moved()

    def play_around(self, before_s: float, after_s: float) -> None:
        """Play what surrounds the playhead once, and return to it."""
        self.player.play_around(before_s, after_s)
        self._moved()

    def loop_around(self, region_s: tuple[float, float]) -> None:
        """Repeat a region until playback is stopped, whatever the project's loop is."""
        base, self._around = self._loop, None
        self.set_loop(True, region_s)
        self._loop, self._around = base, region_s
        self.player.seek(region_s[0])
        self.player.play()
        self._moved()

    def set_loop(self, looping: bool, region_s: tuple[float, float] | None) -> None:
        """What repeats; heard of after `loop_around` is over."""
        self._loop = (looping, region_s)
        if self._around is not None:
            return
        if region_s != self.player.loop_region_s:
            self.player.set_loop_region(region_s)
        if looping != self.player.looping:
            self.player.set_looping(looping)

    def close(self) -> None:
        """Stop everything; waits for the picture in hand."""
        for timer in (self._timer, self._soon, self._settle):
            timer.stop()
        self.bridge.close()
        self.player.close()

    # ---- inside ----

    def _moved(self) -> None:
        """After an order to the player."""
        self.show.restarted()
        self._followed()

    def _followed(self) -> None:
        """Timers and signals for what the player does now."""
        player = self.player
        if player.playing != self._timer.isActive():
            if player.playing:
                self.show.pacer.reset_counts()
                self._timer.start()
            else:
                self._timer.stop()
        if player.state is not self._state:
            self._state = player.state
            self.state_changed.emit(player.state)
        if not player.playing:
            if self._around is not None:
                self._around = None
                self.set_loop(*self._loop)
            self.pace_changed.emit(None)
        self.position_changed.emit(player.position_s)
        self.refresh()

    def _tick(self) -> None:
        self._show_next()
        self.show.tick()
        self._ticks += 1
        position_s = self.player.position_s
        if not self.player.playing:
            self._moved()  # the end was reached
        elif self._ticks >= POSITION_TICKS or abs(position_s - self._told_s) >= POSITION_S:
            self._ticks, self._told_s = 0, position_s
            self.position_changed.emit(position_s)

    def _picture(self, result: FrameResult) -> None:
        self.show.taken(result)
        if self.player.playing:
            self._tick()
        else:
            self._show_next()

    def _show_next(self) -> None:
        result = self.show.next_picture()
        if result is not None:
            self.picture_ready.emit(result)

    def presented(self, at_s: float) -> None:
        """The newest picture was handed to the window at perf_counter time `at_s`."""
        self.show.presented(at_s)
        if self.player.playing:
            self.pace_changed.emit(self.pace)

    def _lost(self, name: str) -> None:
        self.notice.emit(self.player.output.notice or "")
        self.output_lost.emit(name)

    def _settled(self) -> None:
        self.show.moving = False
        self.refresh()

    def _avatar(self, ready: AvatarReady) -> None:
        self.show.quality.set_backend(ready.backend)
        self.avatar_ready.emit(ready)
        self.refresh()
