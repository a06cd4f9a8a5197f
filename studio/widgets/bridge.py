"""From the engine's thread to Qt: wakes the main thread once, however much there is to fetch."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal

from studio.errors import StudioError
from studio.playback.engine_thread import AvatarReady, EngineThread, FrameResult, Renderer

log = logging.getLogger(__name__)


class EngineBridge(QObject):
    """The engine's thread with signals; every slot runs in the main thread."""

    frame_ready = Signal(FrameResult)
    avatar_ready = Signal(AvatarReady)
    failed = Signal(str)
    avatar_failed = Signal(str)
    _woken = Signal()

    def __init__(self, load: Callable[[Path | None], Renderer], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._flagged = False
        self._woken.connect(self._fetch, Qt.ConnectionType.QueuedConnection)
        self.engine = EngineThread(load, self._wake)

    def close(self) -> None:
        """End the engine's thread; its job in hand is finished first."""
        self.engine.close()
        self._woken.disconnect(self._fetch)

    def _wake(self) -> None:
        """Runs in the engine's thread. The flag is lowered before fetching, so nothing is ever missed."""
        if not self._flagged:
            self._flagged = True
            self._woken.emit()

    def _fetch(self) -> None:
        self._flagged = False
        for message in self.engine.take_messages():
            if isinstance(message, AvatarReady):
                self.avatar_ready.emit(message)
            elif message.while_loading:
                self.avatar_failed.emit(message.text)
            else:
                self.failed.emit(message.text)
        result = self.engine.take_result()
        if result is not None:
            self.frame_ready.emit(result)


class Worker(QObject):
    """One background thread for slow work (opening speech, export); results arrive in the main thread.

    A job's `StudioError` arrives as its sentence; any other exception is logged with its traceback and arrives as a
    sentence that names it.
    """

    _finished = Signal(object, object, object)

    def __init__(self, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._closed = False
        self._finished.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    def run(self, job: Callable[[], Any], done: Callable[[Any], None], failed: Callable[[str], None]) -> None:
        """Run `job` in the thread, then `done(result)` or `failed(sentence)` in the main thread, unless closed."""
        if self._closed:
            return
        self._pool.submit(job).add_done_callback(lambda future: self._finished.emit(future, done, failed))

    def close(self) -> None:
        """Wait for the job in hand; later ones are forgotten."""
        if self._closed:
            return
        self._closed = True
        self._finished.disconnect(self._deliver)
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _deliver(self, future: Future[Any], done: Callable[[Any], None], failed: Callable[[str], None]) -> None:
        if self._closed:
            return  # it was on its way when the window closed
        try:
            error = future.exception()
        except CancelledError:
            return
        if error is None:
            done(future.result())
            return
        if not isinstance(error, StudioError):
            log.error("background work failed", exc_info=error)
        failed(str(error) if isinstance(error, StudioError) else f"Something went wrong: {error!r}.")
