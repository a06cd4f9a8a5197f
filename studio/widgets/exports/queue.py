"""The jobs in their order, and the one thread that works through them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal

from studio.document.model import Project
from studio.widgets.bridge import Worker
from studio.widgets.exports.jobs import ExportWish, Job, Runner, State

if TYPE_CHECKING:
    from studio.engine.export import ExportProgress, ExportReport


class ExportQueue(QObject):
    """Runs waiting jobs from the top, one at a time. Lives in the main thread."""

    changed = Signal()
    """Jobs came, went, moved, or stand elsewhere."""

    progressed = Signal(object)
    """This `Job` has come further."""

    finished = Signal(object)
    """This `Job` is done, failed or stopped."""

    _reported = Signal(object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.jobs: list[Job] = []
        self._worker = Worker("export", self)
        self._next_id = 1
        self._began_s = 0.0
        self._pace: float | None = None  # seconds per unit of a job's weight, as measured last
        self._closed = False
        self._reported.connect(self._show_progress, Qt.ConnectionType.QueuedConnection)

    # ---- what is there ----

    @property
    def running(self) -> Job | None:
        """The job in hand."""
        return next((job for job in self.jobs if job.state is State.RUNNING), None)

    @property
    def pending(self) -> int:
        """How many run or will run."""
        return sum(job.pending for job in self.jobs)

    def targets(self) -> frozenset[Path]:
        """Where jobs write to that are not finished."""
        return frozenset(job.wish.path for job in self.jobs if not job.finished)

    def seconds_left(self, job: Job) -> float | None:
        """How long a job that runs or waits will still take by itself; None before the pace is known."""
        if job.state is State.RUNNING and job.progress is not None and job.progress.seconds_left is not None:
            return job.progress.seconds_left
        return None if self._pace is None or not job.pending else self._pace * job.weight

    def all_seconds_left(self) -> float | None:
        """How long all jobs will take that run or wait; None while one of them is not known."""
        parts = [self.seconds_left(job) for job in self.jobs if job.pending]
        known = [part for part in parts if part is not None]
        return sum(known) if known and len(known) == len(parts) else None

    # ---- what can be done ----

    def add(self, wish: ExportWish, project: Project, run: Runner, *, start: bool) -> Job:
        """Append a job; with `start` it runs when its turn comes, otherwise when it is started."""
        job = Job(self._next_id, wish, project, run)
        self._next_id += 1
        self.jobs.append(job)
        if start:
            self.start(job)
        else:
            self.changed.emit()
        return job

    def start(self, job: Job) -> None:
        """Let a job run when its turn comes: a new one, or a finished one again."""
        if job.pending:
            return
        job.state, job.progress, job.report, job.error = State.WAITING, None, None, ""
        job.cancel.clear()
        self._advance()

    def start_all(self) -> None:
        """Start every job that was only added."""
        for job in self.jobs:
            if job.state is State.HELD:
                job.state = State.WAITING
        self._advance()

    def cancel(self, job: Job) -> None:
        """Stop a running job, or let a waiting one wait no more."""
        if job.state is State.RUNNING:
            job.cancel.set()
            self.changed.emit()
        elif job.state is State.WAITING:
            job.state = State.STOPPED
            self.changed.emit()

    def remove(self, job: Job) -> None:
        """Take a job that does not run off the list."""
        if job.state is not State.RUNNING:
            self.jobs.remove(job)
            self.changed.emit()

    def remove_finished(self) -> None:
        """Take off the list all that is done, failed or stopped."""
        self.jobs = [job for job in self.jobs if not job.finished]
        self.changed.emit()

    def move(self, job: Job, index: int) -> None:
        """Put a job at a place of the list, 0 the top."""
        index = min(max(index, 0), len(self.jobs) - 1)
        if self.jobs.index(job) != index:
            self.jobs.remove(job)
            self.jobs.insert(index, job)
            self.changed.emit()

    def close(self) -> None:
        """Cancel everything and wait for the frame in hand."""
        self._closed = True
        for job in self.jobs:
            job.cancel.set()
        self._worker.close()

    # ---- the work ----

    def _advance(self) -> None:
        """Begin the first job that waits, unless one runs."""
        if self.running is None and not self._closed:
            job = next((job for job in self.jobs if job.state is State.WAITING), None)
            if job is not None:
                job.state, job.progress = State.RUNNING, None
                self._began_s = monotonic()
                self._worker.run(self._work(job), lambda report: self._done(job, report), self._failing(job))
        self.changed.emit()

    def _work(self, job: Job) -> Callable[[], ExportReport]:
        def report(progress: ExportProgress) -> None:
            self._reported.emit(job, progress)

        return lambda: job.run(job.wish, report, job.cancel.is_set)

    def _failing(self, job: Job) -> Callable[[str], None]:
        def failed(text: str) -> None:
            stopped = job.cancel.is_set()
            job.state, job.error = (State.STOPPED, "") if stopped else (State.FAILED, text)
            self._ended(job)

        return failed

    def _show_progress(self, job: Job, progress: ExportProgress) -> None:
        if job.state is State.RUNNING and not job.cancel.is_set():
            job.progress = progress
            self.progressed.emit(job)

    def _done(self, job: Job, report: ExportReport) -> None:
        job.state, job.report = State.DONE, report
        self._pace = (monotonic() - self._began_s) / job.weight
        self._ended(job)

    def _ended(self, job: Job) -> None:
        job.progress = None
        self.finished.emit(job)
        self._advance()
