"""Playback in the window: keeps transport, clock and engine together and asks for the frame that is due.

While playing, a timer asks the clock what is heard, the pacer which moment is due, and the engine for that picture.
While paused, a picture is asked for whenever something changed. Only the newest request is ever drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from studio.engine.camera import Camera
from studio.playback.device import AudioOutput
from studio.playback.engine_thread import AvatarReady, FrameRequest, FrameResult, Renderer, Scene
from studio.playback.feeder import Sound
from studio.playback.pacer import FramePacer, Pace
from studio.playback.player import Player, State, silent_sound
from studio.playback.quality import Motion, Quality
from studio.widgets.bridge import EngineBridge

TICK_MS = 8
"""Twice per refresh of a usual screen, so that a frame is asked for within half a refresh of its being due."""

SETTLE_MS = 180
"""After the last camera movement: time to see that the hand rests, before a full-size picture is drawn."""

CameraMaker = Callable[[int, int], Camera]


@dataclass(frozen=True)
class Stage:
    """What is looked at: set by the window when the project, its media or its rate change."""

    scene: Scene
    background: tuple[float, float, float]
    fps: float
    revision: int = 0


class PlaybackDriver(QObject):
    """Owns player and engine; lives in the main thread."""

    position_changed = Signal(float)
    state_changed = Signal(State)
    pace_changed = Signal(object)  # Pace, None when paused
    notice = Signal(str)
    avatar_ready = Signal(AvatarReady)
    avatar_failed = Signal(str)
    failed = Signal(str)
    picture_ready = Signal(FrameResult)

    def __init__(
        self, output: AudioOutput, load: Callable[[Path | None], Renderer], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.player = Player(output)
        self.player.on_notice = self.notice.emit
        self.bridge = EngineBridge(load, self)
        self.quality = Quality()
        self.pacer = FramePacer(25.0)
        self._stage: Stage | None = None
        self._camera: CameraMaker | None = None
        self._size_px = (512, 512)
        self._dragging = False
        self._generation = 0
        self._time_asked_s = 0.0
        self._shown: FrameResult | None = None
        self._last_state = State.EMPTY
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._tick)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._ask_now)
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
        return self.pacer.pace(self.player.output.now_s())

    @property
    def shown(self) -> FrameResult | None:
        """The newest picture that reached the screen."""
        return self._shown

    # ---- what is looked at ----

    def set_stage(self, stage: Stage) -> None:
        """Another performance or speech; the very next picture shows it."""
        self._stage = stage
        self.pacer.fps = stage.fps
        self.refresh()

    def set_view(self, camera: CameraMaker, width_px: int, height_px: int, *, moving: bool) -> None:
        """Another camera or size of the viewport, in device pixels."""
        self._camera, self._size_px = camera, (max(1, width_px), max(1, height_px))
        if moving:
            self._dragging = True
            self._settle.start()
        self.refresh()

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

    def to_start(self) -> None:
        """Pause at the start."""
        self.player.stop()
        self._moved()

    def step(self, frames: int) -> None:
        """Pause and move by whole frames of the project."""
        self.player.pause()
        fps = self.pacer.fps
        self.player.seek((round(self.player.position_s * fps) + frames) / fps)
        self._moved()

    def set_loop(self, looping: bool, region_s: tuple[float, float] | None) -> None:
        """What repeats."""
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
        """After an order to the player: pictures of before are stale."""
        player = self.player
        self._generation = player.generation
        self.bridge.engine.drop_before(self._generation)
        self.pacer.restart()
        if player.playing != self._timer.isActive():
            if player.playing:
                self.pacer.reset_counts()
                self._timer.start()
            else:
                self._timer.stop()
        if player.state is not self._last_state:
            self._last_state = player.state
            self.state_changed.emit(player.state)
        if not player.playing:
            self.pace_changed.emit(None)
        self.position_changed.emit(player.position_s)
        self.refresh()

    def _tick(self) -> None:
        self.player.tick()
        if not self.player.playing:
            self._moved()
            return
        if self.player.generation != self._generation:
            self._generation = self.player.generation
            self.pacer.restart()
        heard_s = self.player.position_s
        due_s = self.pacer.due(heard_s, busy=self.bridge.engine.busy)
        if due_s is not None:
            self._ask(self._in_clip(due_s))
        self.position_changed.emit(heard_s)

    def _ask_now(self) -> None:
        """Draw the present moment again, because what it shows has changed."""
        player = self.player
        self._ask(self._in_clip(player.position_s + self.pacer.lead_s) if player.playing else player.position_s)

    def _in_clip(self, time_s: float) -> float:
        """A moment ahead of the sound: round the loop, or at most the end."""
        player = self.player
        if player.looping:
            first, past = player.loop_region_s or (0.0, player.duration_s)
            if past > first and player.position_s < past <= time_s:
                return first + (time_s - past) % (past - first)
        return min(time_s, player.duration_s)

    def _ask(self, time_s: float) -> None:
        stage, camera = self._stage, self._camera
        if stage is None or camera is None:
            return
        motion = Motion.DRAGGING if self._dragging else Motion.PLAYING if self.player.playing else Motion.STILL
        width, height = self.quality.size(*self._size_px, motion)
        self._time_asked_s = time_s
        self.bridge.engine.request(
            FrameRequest(time_s, stage.scene, camera(width, height), stage.background, self._generation, stage.revision)
        )

    def _picture(self, result: FrameResult) -> None:
        camera = result.request.camera
        self.quality.learn(camera.width, camera.height, result.deform_ms, result.raster_ms)
        self._shown = result
        self.picture_ready.emit(result)
        if self.player.playing:
            self._tick()

    def presented(self, at_s: float) -> None:
        """The newest picture was handed to the window at perf_counter time `at_s`."""
        result = self._shown
        if result is None or not self.player.playing or result.request.generation != self._generation:
            return
        self.pacer.shown(result.request.time_s, result.started_s, at_s)
        self.pace_changed.emit(self.pace)

    def _settled(self) -> None:
        self._dragging = False
        self.refresh()

    def _avatar(self, ready: AvatarReady) -> None:
        self.quality.set_backend(ready.backend)
        self.avatar_ready.emit(ready)
        self.refresh()
