"""Transport, clock, pacer and engine working together, without Qt: what is asked for when.

While playing, `tick` asks the clock what is heard, the pacer which moment is due, and the engine for that picture.
While paused, `ask_now` asks again whenever something changed. The newest request is the only one that is drawn.
The studio's window and the sync probe both run this; one thread calls it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from studio.engine.aids import Inspection
from studio.engine.camera import Camera
from studio.playback.engine_thread import EngineThread, FrameRequest, FrameResult, Scene
from studio.playback.pacer import TICK_S, FramePacer, Pace
from studio.playback.player import Player
from studio.playback.quality import Motion, Quality

if TYPE_CHECKING:
    from studio.engine.backdrop import Background

CameraMaker = Callable[[int, int], Camera]
"""The camera for a picture of that many pixels."""


@dataclass(frozen=True)
class Stage:
    """What is looked at, and how; replaced whenever any of it changes."""

    scene: Scene
    background: Background
    fps: float
    camera: Callable[[float, int, int], Camera] | None = None  # of a moment and a size; None: the viewer's own
    compared: Scene | None = None  # drawn as well, for a wipe
    onion: Callable[[float], float | None] | None = None  # which moment's ghost is seen at a moment
    inspection: Inspection | None = None


class Show:
    """Keeps player and engine together.

    Attributes:
        moving: whether the hand drags the camera or a value, so that fewer pixels are drawn.
        direct: whether who shows the pictures has a graphics card that draws them.
        shown: the newest picture that was handed out to be shown.
    """

    def __init__(self, player: Player, engine: EngineThread) -> None:
        self.player = player
        self.engine = engine
        self.quality = Quality()
        self.pacer = FramePacer(25.0)
        self.moving = False
        self.direct = False
        self.shown: FrameResult | None = None
        self._waiting: deque[FrameResult] = deque()
        self._handed_s = 0.0
        self._stage: Stage | None = None
        self._camera: CameraMaker | None = None
        self._size_px = (512, 512)
        self._generation = 0

    @property
    def pace(self) -> Pace:
        """How playback goes."""
        return self.pacer.pace(self.player.output.now_s())

    @property
    def keyed_camera(self) -> bool:
        """Whether keys dictate the camera of what is looked at."""
        return self._stage is not None and self._stage.camera is not None

    def set_stage(self, stage: Stage) -> None:
        """Another performance, speech or rate; the next picture that is asked for shows it."""
        self._stage = stage
        self.pacer.fps = stage.fps

    def set_view(self, camera: CameraMaker, width_px: int, height_px: int) -> None:
        """Another camera, or size of the viewport in device pixels."""
        self._camera, self._size_px = camera, (max(1, width_px), max(1, height_px))

    def restarted(self) -> None:
        """After a play, pause or seek: pictures from before are stale."""
        self._generation = self.player.generation
        self.engine.drop_before(self._generation)
        self._waiting.clear()
        self.pacer.restart()

    def scrub(self, position_s: float, *, audible: bool) -> None:
        """Move the playhead of a paused clip; pictures on their way are still shown, or a steady hand would see none.

        Args:
            position_s: seconds of the clip.
            audible: let a grain of the sound there be heard.
        """
        if audible:
            self.player.scrub(position_s)
        else:
            self.player.seek(position_s)
        self._generation = self.player.generation
        self.pacer.restart()

    def step(self, frames: int, *, audible: bool = False) -> None:
        """Pause and move by whole frames of the project."""
        if self.player.playing:
            self.player.pause()
            self.restarted()
        fps = self.pacer.fps
        self.scrub((round(self.player.position_s * fps) + frames) / fps, audible=audible)

    def tick(self) -> None:
        """While playing: ask for the picture that is due. Call it every few milliseconds and after each picture."""
        self.player.tick()
        if self.player.generation != self._generation:
            self.restarted()
        if not self.player.playing:
            return
        if self.engine.busy:
            return  # its picture calls again
        self.pacer.speed = self.player.speed
        lead_s = self.pacer.lead_s
        moment_s = self.player.heard_in(lead_s)
        due_s = self.pacer.due(moment_s)
        if due_s is not None:
            self._ask(due_s, lead_s + (due_s - moment_s) / self.player.speed)

    def ask_now(self) -> None:
        """Ask for the present moment, because what it shows has changed."""
        # Shown as soon as it is ready: somebody waits for it.
        self._ask(self.player.heard_in(self.pacer.lead_s), 0.0, urgent=self.moving)

    def taken(self, result: FrameResult) -> None:
        """A picture came from the engine; `next_picture` says when it is to be shown."""
        request, camera = result.request, result.request.camera
        if result.backend and result.backend != self.quality.backend:
            self.quality.set_backend(result.backend)  # a viewport's card began to draw, or gave up
        if result.drawing is None:
            self.quality.learn(camera.width, camera.height, result.deform_ms, result.raster_ms)
        if self.player.playing and request.generation == self._generation:
            self.pacer.ready(request.asked_s, self.player.output.now_s())
        self._waiting.append(result)

    def next_picture(self) -> FrameResult | None:
        """The newest picture whose moment has come, once; older ones that waited are left out."""
        now_s = self.player.output.now_s()
        ahead_s = self.pacer.display_s + TICK_S / 2 if self.player.playing else float("inf")
        found = None
        while any(result.request.due_s <= now_s + ahead_s for result in self._waiting):
            found = self._waiting.popleft()
        if found is not None:
            self.shown, self._handed_s = found, now_s
        return found

    def drawn(self, card_ms: float) -> None:
        """The viewport's graphics card took so long for the last `next_picture`."""
        result = self.shown
        if result is not None and result.drawing is not None:
            camera = result.request.camera
            self.quality.learn(camera.width, camera.height, result.deform_ms, result.raster_ms + card_ms)

    def presented(self, at_s: float) -> None:
        """The last `next_picture` reached the screen at that time of the player's clock."""
        result = self.shown
        if result is not None and self.player.playing and result.request.generation == self._generation:
            self.pacer.shown(result.request.time_s, self._handed_s, at_s)

    def _ask(self, time_s: float, wait_s: float, *, urgent: bool = False) -> None:
        """Ask for a moment of the clip, not to be shown before `wait_s` from now."""
        stage, camera = self._stage, self._camera
        if stage is None or camera is None:
            return
        motion = Motion.DRAGGING if self.moving else Motion.PLAYING if self.player.playing else Motion.STILL
        width, height = self.quality.size(*self._size_px, motion)
        time_s, now_s = self._in_clip(time_s), self.player.output.now_s()
        view = camera(width, height) if stage.camera is None else stage.camera(time_s, width, height)
        self.engine.request(
            FrameRequest(
                time_s,
                stage.scene,
                view,
                stage.background,
                self._generation,
                asked_s=now_s,
                due_s=now_s + wait_s,
                compared=stage.compared,
                ghost_s=None if stage.onion is None else stage.onion(time_s),
                inspection=stage.inspection,
                direct=self.direct,
                urgent=urgent,
            )
        )

    def _in_clip(self, time_s: float) -> float:
        """A moment ahead of the sound: round the loop, or at most the end."""
        player = self.player
        if player.playing and player.repeats_s is not None:
            first, past = player.repeats_s
            if past > first and player.position_s < past <= time_s:
                return first + (time_s - past) % (past - first)
        return min(max(time_s, 0.0), player.duration_s)
