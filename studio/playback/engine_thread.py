"""The engine's own thread: loads avatars, draws the newest frame asked for, and never dies silently.

Both ways are mailboxes in which the newest wins: a request replaces the one that waits, a result the one not yet
taken, so that nothing ever queues up. Messages (an avatar is ready, something failed) are kept until they are taken.
Only frozen dataclasses cross. The thread is a pool of one worker, so that a defect in one job is delivered as that
job's exception and the next job runs as if nothing had happened.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from studio.engine.aids import NO_AIDS, Aids, Inspection, Legend
from studio.engine.camera import Camera
from studio.engine.halt import Interrupted
from studio.errors import StudioError

if TYPE_CHECKING:
    from studio.engine.avatar import Avatar
    from studio.engine.backdrop import Background
    from studio.engine.controls import Controls
    from studio.engine.renderer import DirectFrame, Frame
    from studio.engine.splat.drawing import Drawing

log = logging.getLogger(__name__)


class Scene(Protocol):
    """What gives the controls of a moment; `studio.engine.scene.Scene` is one. Must be immutable."""

    def controls(self, time_s: float) -> Controls:
        """Everything that drives the frame at `time_s`."""


class Renderer(Protocol):
    """What draws; `studio.engine.renderer.Renderer` is one."""

    avatar: Avatar

    @property
    def backend(self) -> str:
        """Name of the rasterizer."""

    def frame(
        self, controls: Controls, camera: Camera, *, background: Background = None, aids: Aids = NO_AIDS
    ) -> Frame:
        """One finished picture."""


@runtime_checkable
class DirectRenderer(Renderer, Protocol):
    """A renderer that can leave the drawing to a viewport with a graphics card."""

    @property
    def direct(self) -> bool:
        """Whether that is the best way on this machine."""

    def direct_frame(
        self, controls: Controls, camera: Camera, *, background: Background = None, aids: Aids = NO_AIDS
    ) -> DirectFrame:
        """What the card is to draw."""


@runtime_checkable
class InterruptibleRenderer(Renderer, Protocol):
    """A renderer whose `frame` can be given up halfway."""

    def interrupt(self) -> None:
        """Called in any thread: a `frame` that is being drawn raises `Interrupted`."""


@dataclass(frozen=True)
class FrameRequest:
    """A picture somebody wants."""

    time_s: float
    scene: Scene
    camera: Camera
    background: Background
    generation: int = 0  # results of older generations are never handed out
    asked_s: float = 0.0  # perf_counter
    due_s: float = 0.0  # perf_counter time at which its moment is heard; ready sooner, it waits
    compared: Scene | None = None  # drawn as well, as `FrameResult.compared`
    ghost_s: float | None = None  # another moment, mixed into the picture
    inspection: Inspection | None = None
    direct: bool = False  # the asker's graphics card can draw a `Drawing`
    urgent: bool = False  # a hand waits for it: a picture in the making that no hand waits for is given up


@dataclass(frozen=True)
class FrameResult:
    """A picture and how long it took: pixels, or a drawing where the request allowed it."""

    request: FrameRequest
    rgba: NDArray[np.uint8] | None  # (H, W, 4); None where there is a drawing
    deform_ms: float
    raster_ms: float
    compared: NDArray[np.uint8] | None = None  # (H, W, 4) the other scene at the same moment
    legend: Legend | None = None
    drawing: Drawing | None = None
    compared_drawing: Drawing | None = None
    backend: str = ""  # what draws; of a drawing, `raster_ms` is only the engine's share


@dataclass(frozen=True)
class AvatarReady:
    """An avatar was loaded and will draw all later frames."""

    path: Path | None  # None: the shipped one
    avatar: Avatar
    backend: str


@dataclass(frozen=True)
class EngineFailure:
    """Something went wrong; the thread goes on."""

    text: str  # one sentence for people
    while_loading: bool = False  # an avatar could not be loaded; the one before goes on


Message = AvatarReady | EngineFailure


class EngineThread:
    """Owner of the renderer. All methods may be called from any thread and return at once, `close` excepted.

    Args:
        load: makes the renderer of an avatar file, None for the shipped one; runs in the engine's thread (it may
            import torch there).
        notify: called in the engine's thread after a result or message was stored; must only wake somebody.
    """

    def __init__(self, load: Callable[[Path | None], Renderer], notify: Callable[[], None]) -> None:
        self._load = load
        self._notify = notify
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="engine")
        self._scheduled = False
        self._closed = False
        self._wanted_avatar: tuple[Path | None] | None = None
        self._wanted_frame: FrameRequest | None = None
        self._result: FrameResult | None = None
        self._messages: deque[Message] = deque()
        self._oldest_generation = 0
        self._renderer: Renderer | None = None
        self._drawing: FrameRequest | None = None
        self._last_failure: str | None = None
        self._replaced = 0

    @property
    def busy(self) -> bool:
        """Whether a job runs or waits."""
        with self._lock:
            return self._scheduled

    @property
    def replaced(self) -> int:
        """Requests that a newer one replaced before they were drawn."""
        return self._replaced

    def load_avatar(self, path: Path | None) -> None:
        """Load an avatar (None: the shipped one); a newer wish replaces one that waits."""
        with self._lock:
            self._wanted_avatar = (path,)
            self._schedule()

    def request(self, request: FrameRequest) -> None:
        """Ask for a picture; replaces a request that waits. Without an avatar it waits for one."""
        with self._lock:
            waiting, drawing = self._wanted_frame, self._drawing
            if waiting is not None:
                self._replaced += 1
                request = replace(request, urgent=request.urgent or waiting.urgent)
            self._wanted_frame = request
            in_the_way = request.urgent and drawing is not None and not drawing.urgent
            if in_the_way and isinstance(self._renderer, InterruptibleRenderer):
                self._renderer.interrupt()
            self._schedule()

    def drop_before(self, generation: int) -> None:
        """Forget requests and results of older generations; a picture being drawn is dropped when it is done."""
        with self._lock:
            self._oldest_generation = generation
            if self._wanted_frame is not None and self._wanted_frame.generation < generation:
                self._wanted_frame = None
            if self._result is not None and self._result.request.generation < generation:
                self._result = None

    def take_result(self) -> FrameResult | None:
        """The newest picture, once."""
        with self._lock:
            result, self._result = self._result, None
            return result

    def take_messages(self) -> list[Message]:
        """All messages since the last call, oldest first."""
        with self._lock:
            messages = list(self._messages)
            self._messages.clear()
            return messages

    def close(self) -> None:
        """Finish the job that runs, forget the rest, and end the thread."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._wanted_avatar = self._wanted_frame = None
            self._pool.submit(self._release)
        self._pool.shutdown(wait=True)

    def _schedule(self) -> None:
        """Start a job unless one runs; the lock is held."""
        ready = self._wanted_avatar is not None or (self._wanted_frame is not None and self._renderer is not None)
        if ready and not self._scheduled and not self._closed:
            self._scheduled = True
            # The job takes the lock first, so it cannot be done (and call back into this thread) before we let go.
            self._pool.submit(self._work).add_done_callback(self._done)

    def _work(self) -> None:
        """One job: the avatar first, then the newest frame."""
        with self._lock:
            wanted, self._wanted_avatar = self._wanted_avatar, None
            request = None
            if wanted is None:
                request, self._wanted_frame = self._wanted_frame, None
                self._drawing = request
        if wanted is not None:
            self._load_now(*wanted)
        elif request is not None and self._renderer is not None:
            try:
                self._draw(request, self._renderer)
            except Interrupted:
                log.debug("the picture of %.3f s was given up for one that a hand waits for", request.time_s)
            finally:
                with self._lock:
                    self._drawing = None

    def _load_now(self, path: Path | None) -> None:
        try:
            renderer = self._load(path)
        except StudioError as error:
            self._post(EngineFailure(str(error), while_loading=True))
            return
        except (ImportError, OSError, ValueError, RuntimeError) as error:
            log.exception("avatar %s could not be loaded", path)
            name = path.name if path is not None else "The shipped avatar"
            self._post(
                EngineFailure(f"{name} could not be loaded ({error}); choose another avatar.", while_loading=True)
            )
            return
        self._renderer, self._last_failure = renderer, None
        self._post(AvatarReady(path, renderer.avatar, renderer.backend))

    def _draw(self, request: FrameRequest, renderer: Renderer) -> None:
        ghost = None if request.ghost_s is None else request.scene.controls(request.ghost_s)
        aids = [Aids(request.inspection, ghost)]
        scenes = [request.scene]
        if request.compared is not None:
            scenes, aids = [*scenes, request.compared], [*aids, Aids(request.inspection)]
        if request.direct and isinstance(renderer, DirectRenderer) and renderer.direct:
            result = self._left_to_the_asker(request, renderer, scenes, aids)
        else:
            result = self._drawn(request, renderer, scenes, aids)
        self._last_failure = None
        with self._lock:
            if request.generation >= self._oldest_generation:
                self._result = result

    @staticmethod
    def _drawn(request: FrameRequest, renderer: Renderer, scenes: Sequence[Scene], aids: Sequence[Aids]) -> FrameResult:
        """Pixels of the scene and of the one that it is compared with."""
        frames = [
            renderer.frame(scene.controls(request.time_s), request.camera, background=request.background, aids=aid)
            for scene, aid in zip(scenes, aids, strict=True)
        ]
        return FrameResult(
            request,
            frames[0].rgba,
            sum(frame.deform_ms for frame in frames),
            sum(frame.raster_ms for frame in frames),
            compared=frames[1].rgba if len(frames) > 1 else None,
            legend=frames[0].legend,
            backend=renderer.backend,
        )

    @staticmethod
    def _left_to_the_asker(
        request: FrameRequest, renderer: DirectRenderer, scenes: Sequence[Scene], aids: Sequence[Aids]
    ) -> FrameResult:
        """The same without pixels."""
        frames = [
            renderer.direct_frame(
                scene.controls(request.time_s), request.camera, background=request.background, aids=aid
            )
            for scene, aid in zip(scenes, aids, strict=True)
        ]
        return FrameResult(
            request,
            None,
            sum(frame.deform_ms for frame in frames),
            sum(frame.sort_ms for frame in frames),
            legend=frames[0].legend,
            drawing=frames[0].drawing,
            compared_drawing=frames[1].drawing if len(frames) > 1 else None,
            backend=renderer.backend,
        )

    def _release(self) -> None:
        """Let go of the renderer in the thread that made it, because an OpenGL context belongs to its thread."""
        self._renderer = None

    def _done(self, future: Future[None]) -> None:
        """After every job, in the engine's thread: tell of a failure, go on with what waits."""
        try:
            error = future.exception()
        except CancelledError:
            return
        if error is not None:
            log.error("the engine failed", exc_info=error)
            text = str(error) if isinstance(error, StudioError) else f"This frame could not be drawn: {error!r}."
            if text != self._last_failure:  # a defect that repeats with every frame is told once
                self._last_failure = text
                self._post(EngineFailure(text))
        with self._lock:
            self._scheduled = False
            self._schedule()
        if not self._closed:
            self._notify()

    def _post(self, message: Message) -> None:
        with self._lock:
            self._messages.append(message)
