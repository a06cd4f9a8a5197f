"""The journal of the open project: every committed gesture is on disk before the next one begins.

Small changes are written at once, in the gesture's own moment. What takes long to write (a new project, an imported
take) goes through a thread, and so does everything that comes while that still writes, so that the order stays.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal

from studio.document.commands import Event
from studio.document.journal import Journal, Recovery
from studio.document.model import Project
from studio.widgets.context import Studio

log = logging.getLogger(__name__)

SMALL = 1500
"""Keys and frames that are encoded and written in a few milliseconds."""


class Journaling(QObject):
    """Keeps one journal for the session's history, anew for every project that is opened, made or saved."""

    _failed = Signal(str)

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio.window)
        self._session = studio.session
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")
        self._pending: Future[None] | None = None
        self._journal: Journal | None = None
        self._failed.connect(partial(studio.banner.tell, kind="error"), Qt.ConnectionType.QueuedConnection)
        self._unsubscribe = self._session.history.subscribe(self._listen)

    @property
    def path(self) -> Path | None:
        """The file that is written to now, once all that was committed is in it."""
        self.wait()
        return None if self._journal is None else self._journal.path

    def wait(self) -> None:
        """Until everything committed so far is written."""
        if self._pending is not None:
            self._pending.result()

    def close(self) -> None:
        """A clean exit: the journal goes."""
        self._unsubscribe()
        self._writer.shutdown(wait=True)
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def _listen(self, event: Event) -> None:
        session = self._session
        if event.cause == "reset":
            self._do(partial(self._begin, event.project, session.path, session.recovered), small=False)
        elif event.cause in ("commit", "undo", "redo", "amend"):
            if self._journal is None and self._pending is None:
                self._begin(event.previous, session.path, None)
            self._do(partial(self._record, event), small=_size(event) <= SMALL)
        elif event.cause == "saved" and session.path is not None:
            self._do(partial(self._saved, event.project, session.path), small=False)

    def _do(self, job: Callable[[], None], *, small: bool) -> None:
        """Run a job now, or in the thread where it is long or others still wait there."""
        if small and (self._pending is None or self._pending.done()):
            job()
        else:
            self._pending = self._writer.submit(job)
            self._pending.add_done_callback(_report)

    def _begin(self, project: Project, path: Path | None, recovered: Recovery | None) -> None:
        old = self._journal
        self._journal = Journal(project, path, recovered=recovered, on_failure=self._failed.emit)
        if old is not None:
            old.close()
        if recovered is not None and self._journal.path is not None:
            recovered.discard()  # the new journal holds all of it

    def _record(self, event: Event) -> None:
        if self._journal is not None:
            self._journal.listen(event)

    def _saved(self, project: Project, path: Path) -> None:
        if self._journal is None:
            self._begin(project, path, None)
        else:
            self._journal.saved(project, path)


def _size(event: Event) -> int:
    """Keys and frames that a change brings along."""
    old, new = event.previous.performance, event.project.performance
    known = {id(lane.curve) for lane in old.lanes}
    size = sum(len(lane.curve) for lane in new.lanes if id(lane.curve) not in known)
    if new.base.take is not None and new.base.take is not old.base.take:
        size += new.base.take.frames
    return size


def _report(future: Future[None]) -> None:
    error = None if future.cancelled() else future.exception()
    if error is not None:
        log.error("the journal was not written", exc_info=error)
