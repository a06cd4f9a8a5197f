"""Opens the real studio, notes when it appears and when the head does, uses it as a hand would, prints JSON.

Run by `emozone bench` as a process of its own: `python -m studio.commands.window_probe REQUEST`, where REQUEST is a
JSON object with `avatar` (null: the shipped one), `acts` (of latency, playback, present, soak) and what these need.
The studio starts as it always does, on the sample, but without a sound device: time passes as if there were one.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QEvent, QEventLoop, QObject, QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication, QWidget

from studio.app import after_first_paint, load_renderer, make_application, make_ready, start
from studio.engine.bench.memory import Holding, holding, peak_rss_mb, rss_mb
from studio.engine.scene import Scene
from studio.errors import StudioError
from studio.playback.device import SilentOutput
from studio.playback.engine_thread import FrameResult
from studio.widgets.bridge import Worker
from studio.widgets.dialogs import SystemDialogs, Unsaved
from studio.widgets.main_window import MainWindow
from studio.widgets.presenters import Kind, fitting_kind, make_presenter
from studio.widgets.sample import sample_project, sample_speech

START_S, CHANGE_S = 300.0, 10.0
"""Longest waits: for the first picture with everything compiled anew, and for one change to be seen."""

REST_MS = 500
"""Let what start-up left behind come to rest."""

PAUSE_MS = 20
POLL_MS = 10
CHANNEL = "AU12"
LEVELS = 20
PRESENTS = 40
MEMORY_EVERY_MS = 500


class Silent(SystemDialogs):
    """Nobody is there to answer."""

    def unsaved(self, parent: QWidget, title: str) -> Unsaved:
        """Changes made by the probe are worth nothing."""
        return "discard"

    def error(self, parent: QWidget, text: str) -> None:
        """Tell the caller instead."""
        sys.stderr.write(text + "\n")


class Watch(QObject):
    """Watches one window: when things appear, and what went wrong."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.window = window
        self.window_at: float | None = None  # time.time()
        self.first_frame_at: float | None = None
        self.failure: str | None = None
        self.on_presented: Callable[[FrameResult, float], None] | None = None
        window.viewport.overlay.installEventFilter(self)
        window.viewport.presented.connect(self._presented)
        window.session.failed.connect(self._failed)
        window.driver.failed.connect(self._failed)
        window.driver.avatar_failed.connect(self._failed)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """The first paint event over the viewport: the window is on the screen."""
        if event.type() == QEvent.Type.Paint and self.window_at is None:
            self.window_at = time.time()
        return False

    def until(self, done: Callable[[], bool], timeout_s: float, what: str) -> None:
        """Let the window live until `done`.

        Raises:
            StudioError: if the studio fails meanwhile, or `what` does not happen in time.
        """
        loop, poll = QEventLoop(), QTimer()
        ends = time.monotonic() + timeout_s
        poll.setInterval(POLL_MS)
        poll.timeout.connect(lambda: loop.quit() if done() or self.failure or time.monotonic() > ends else None)
        poll.start()
        loop.exec()
        poll.stop()
        if self.failure:
            raise StudioError(self.failure)
        if not done():
            raise StudioError(f"Within {timeout_s:g} s {what}.")

    def live(self, seconds: float) -> None:
        """Let the window live for so long."""
        ends = time.monotonic() + seconds
        self.until(lambda: time.monotonic() >= ends, seconds + CHANGE_S, "the window stood still")

    def _presented(self, at_s: float) -> None:
        shown = self.window.driver.shown
        if shown is None:
            return
        if self.first_frame_at is None:
            self.first_frame_at = time.time()
        if self.on_presented is not None:
            self.on_presented(shown, at_s)

    def _failed(self, text: str) -> None:
        self.failure = text


def mouse(widget: QWidget, kind: QEvent.Type, at: QPoint, button: Qt.MouseButton = Qt.MouseButton.LeftButton) -> None:
    """A mouse event as the window system would send it."""
    held = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseButtonRelease else button
    cause = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseMove else button
    place = QPointF(at)
    none = Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(widget, QMouseEvent(kind, place, QPointF(widget.mapToGlobal(at)), cause, held, none))


def slider_latencies(watch: Watch, changes: int) -> tuple[list[float], list[int]]:
    """Drag a slider step by step, and wait for each step to be seen: milliseconds, and the pictures' size."""
    window = watch.window
    slider = window.panel.rows[CHANNEL].slider
    places = [
        QPoint(round(slider.x_of(slider.scale.high * (i + 1) / (LEVELS + 1))), slider.height() // 2)
        for i in range(LEVELS)
    ]
    latencies: list[float] = []
    wanted: list[object] = [None]
    asked_s = 0.0
    size_px: list[int] = []

    def presented(shown: FrameResult, _: float) -> None:
        scene = shown.request.scene
        if wanted[0] is not None and isinstance(scene, Scene) and scene.performance is wanted[0]:
            latencies.append((time.perf_counter() - asked_s) * 1e3)
            wanted[0] = None
            size_px[:] = [shown.request.camera.width, shown.request.camera.height]

    watch.on_presented = presented
    mouse(slider, QEvent.Type.MouseButtonPress, places[-1])
    for i in range(changes):
        watch.live(PAUSE_MS / 1000)
        before = window.session.project.performance
        asked_s = time.perf_counter()
        mouse(slider, QEvent.Type.MouseMove, places[i % LEVELS])
        if window.session.project.performance is before:
            raise StudioError(f"The slider of {CHANNEL} does not answer to the mouse.")
        wanted[0] = window.session.project.performance
        watch.until(lambda: wanted[0] is None, CHANGE_S, "no movement of the slider reached the screen")
    mouse(slider, QEvent.Type.MouseButtonRelease, places[0])
    watch.on_presented = None
    return latencies, size_px


def playback(watch: Watch, seconds: float) -> dict[str, Any]:
    """Play the project from its start, repeating it where it is too short, and watch every picture."""
    window, driver = watch.window, watch.window.driver
    fps = window.session.project.fps
    lateness_ms: list[float] = []
    heights: list[tuple[int, int]] = []
    memory = Memory()

    def presented(shown: FrameResult, at_s: float) -> None:
        request = shown.request
        if request.generation == driver.player.generation and request.due_s > request.asked_s:
            lateness_ms.append((at_s - request.due_s) * 1e3)
            heights.append((request.camera.width, request.camera.height))

    window.session.set_loop(True)
    driver.to_start()
    watch.live(REST_MS / 1000)
    watch.on_presented = presented
    driver.toggle()
    watch.live(seconds)
    pace = driver.pace
    driver.pause()
    watch.on_presented = None
    memory.close()
    if not lateness_ms:
        raise StudioError(f"In {seconds:g} s of playback no picture was shown.")
    width, height = np.median(np.array(heights), 0)
    return {
        "seconds": seconds,
        "shown": pace.shown,
        "dropped": pace.dropped,
        "late": sum(late > 1000 / fps for late in lateness_ms),
        "lateness_ms": lateness_ms,
        "viewport_px": list(window.viewport.device_size()),
        "picture_px": [round(float(width)), round(float(height))],
        "memory_mb": memory.found_mb,
    }


class Memory(QObject):
    """Samples the memory of this process until it is closed."""

    def __init__(self, every_ms: int = MEMORY_EVERY_MS) -> None:
        super().__init__()
        self.times_s: list[float] = []
        self.held: list[Holding] = []
        self._began = time.monotonic()
        self._timer = QTimer(self)
        self._timer.setInterval(every_ms)
        self._timer.timeout.connect(self._take)
        self._timer.start()

    @property
    def found_mb(self) -> list[float]:
        """What was resident at `times_s`."""
        return [held.rss_mb for held in self.held]

    def close(self) -> None:
        """No more samples."""
        self._timer.stop()

    def _take(self) -> None:
        held = holding()
        if held is not None:
            self.times_s.append(time.monotonic() - self._began)
            self.held.append(held)


def presents(sizes_px: list[int], count: int = PRESENTS) -> list[dict[str, Any]]:
    """How long finished pixels take to the screen, per presenter and size of a window without anything else."""
    kinds: tuple[Kind, ...] = ("opengl", "raster") if fitting_kind() == "opengl" else ("raster",)
    return [
        {"kind": kind, "size_px": size, "times_ms": _present_ms(kind, size, count)}
        for kind in kinds
        for size in sizes_px
    ]


def _present_ms(kind: Kind, size_px: int, count: int) -> list[float]:
    presenter = make_presenter(kind)
    presenter.resize(size_px, size_px)
    random = np.random.default_rng(5)
    pictures = [random.integers(0, 256, (size_px, size_px, 4), np.uint8) for _ in range(2)]
    loop = QEventLoop()
    taken: list[float] = []
    presenter.presented.connect(loop.quit)
    presenter.show()
    for i in range(count + 2):
        began = time.perf_counter()
        presenter.show_pixels(pictures[i % 2])
        QTimer.singleShot(round(CHANGE_S * 1000), loop.quit)
        loop.exec()
        taken.append((time.perf_counter() - began) * 1e3)
    presenter.close()
    return taken[2:]


def run(watch: Watch, request: dict[str, Any]) -> dict[str, Any]:
    """Everything that is asked for, in the order in which it disturbs least."""
    window, acts = watch.window, request["acts"]
    watch.until(lambda: watch.first_frame_at is not None, START_S, "no picture appeared")
    session = window.session
    speaks = sample_speech() is not None

    def heard() -> bool:
        return session.clip is not None and session.clip.features is not None

    watch.until(lambda: heard() or not speaks, START_S, "the speech was not opened")
    found: dict[str, Any] = {"ready_at": time.time() if speaks else None}
    if request["avatar"] is not None:
        session.change("Open the sample", session.project.replace(performance=sample_project().performance))
    watch.live(REST_MS / 1000)
    found["at_rest_mb"] = rss_mb()
    if "latency" in acts:
        found["latencies_ms"], found["size_px"] = slider_latencies(watch, request["changes"])
        window.session.undo()
        window.driver.toggle()
        watch.live(REST_MS / 1000)
        found["latencies_playing_ms"], _ = slider_latencies(watch, request["changes"])
        window.driver.pause()
        window.session.undo()
    if "playback" in acts:
        found["playback"] = playback(watch, request["play_s"])
    if "present" in acts:
        found["present"] = presents(request["sizes_px"])
    if "soak" in acts:
        from studio.commands.window_soak import soak

        found["soak"] = soak(watch, request["soak_s"])
    found["peak_mb"] = peak_rss_mb()
    return found | {"window_at": watch.window_at, "first_frame_at": watch.first_frame_at}


def main() -> int:
    """Run the probe."""
    request = json.loads(sys.argv[1])
    make_ready()
    app = make_application(sys.argv[:1])
    kind = fitting_kind()
    load = partial(load_renderer, direct=kind == "opengl")
    window = MainWindow(SilentOutput(), load, dialogs=Silent(), presenter=kind, settings=None)
    watch = Watch(window)
    window.show()
    avatar = None if request["avatar"] is None else Path(request["avatar"])
    workers: list[Worker] = []
    after_first_paint(window, lambda: workers.append(start(window, avatar, first=avatar is None, sound=False)))
    try:
        found = run(watch, request)
    except StudioError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    finally:
        window.close()
        for worker in workers:
            worker.close()
        app.processEvents()
    sys.stdout.write(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
