"""Jobs that go on when the test says so."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from studio.document.model import Project
from studio.engine.export import ExportCancelledError, ExportProgress, ExportReport
from studio.errors import StudioError
from studio.widgets.exports.jobs import ExportWish, Job, Progress
from studio.widgets.exports.queue import ExportQueue
from tests.widgets.conftest import PATIENCE_MS

WISH = ExportWish(Path("/tmp/clip.mp4"), 512, 512, 25.0, 0.0, 8.0, camera_name="front")


def report(wish: ExportWish) -> ExportReport:
    return ExportReport(wish.path, 200, 8.0, 25.0, wish.width, wish.height, 1_500_000, "libx264", "cpu", 10.0)


class Work:
    """An export that reports a quarter, then waits."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.go = threading.Semaphore(0)
        self.error: StudioError | None = None

    def __call__(self, wish: ExportWish, progress: Progress, cancelled: Callable[[], bool]) -> ExportReport:
        self.begun.append(wish.path.name)
        progress(ExportProgress(50, 200, 75.0))
        while not self.go.acquire(timeout=0.01):
            if cancelled():
                raise ExportCancelledError("The export was cancelled.")
        if self.error is not None:
            raise self.error
        return report(wish)


class Hands:
    """A queue and a way to fill it."""

    def __init__(self, queue: ExportQueue, work: Work, qtbot: QtBot) -> None:
        self.queue, self.work, self.qtbot = queue, work, qtbot

    def add(self, name: str, *, start: bool = True) -> Job:
        return self.queue.add(replace(WISH, path=Path("/tmp") / name), Project(), self.work, start=start)

    def until(self, condition: Callable[[], bool]) -> None:
        self.qtbot.waitUntil(condition, timeout=PATIENCE_MS)

    def names(self) -> list[str]:
        return [job.wish.path.stem for job in self.queue.jobs]

    def states(self) -> list[str]:
        return [job.state.name for job in self.queue.jobs]


@pytest.fixture
def hands(qtbot: QtBot) -> Iterator[Hands]:
    queue = ExportQueue()
    yield Hands(queue, Work(), qtbot)
    queue.close()
