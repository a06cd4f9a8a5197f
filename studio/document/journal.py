"""The journal: every committed gesture is on disk at once, so that a crash loses at most the gesture in progress.

A session writes to a file of its own in the state folder: first the project as it was opened, then for each commit,
undo and redo what it changed (see `patches`, `records`). Saving begins a new file and removes the old one; a clean
exit removes it. What a dead session leaves behind is offered by `recoverable`. A full disk never stops the editing:
the failure is told, and the next record that fits carries everything since the last.
"""

from __future__ import annotations

import logging
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from studio.document.commands import Event, History
from studio.document.decoding import decode
from studio.document.encoding import Encoder
from studio.document.jsontext import Json
from studio.document.model import Project
from studio.document.patches import apply, diff
from studio.document.project import load_project
from studio.document.records import Read, Records, in_use, read_records
from studio.document.storage import explain
from studio.errors import StudioError

FORMAT = "emozone-journal"
VERSION = 1
SUFFIX = ".journal"
LABELS = 10
"""How many of the last labels a recovery shows."""

_STALE_S = 60.0
"""An unlocked journal without edits is removed after this time; a younger one may be just coming into being."""

_LOG = logging.getLogger(__name__)
_RECORDED = ("commit", "undo", "redo", "amend")


def journal_folder() -> Path:
    """Where journals lie on this system: in the user's state folder, not among temporary files."""
    return platformdirs.user_state_path("emozone-studio", appauthor=False) / "journals"


@dataclass(frozen=True)
class Recovery:
    """What a session that did not end cleanly has left: enough to decide, and `load` to have it back."""

    path: Path
    name: str  # of the project
    project_path: Path | None
    started_s: float  # seconds since 1970
    edited_s: float
    edits: int  # since the last save
    labels: tuple[str, ...]  # of the last edits, newest last
    damage: str | None  # why the journal is not believed to its end

    def load(self) -> Project:
        """The project after the last edit that can be believed. Raises StudioError when not even the first can."""
        try:
            return _replay(read_records(self.path), self.path.name)
        except OSError as error:
            raise StudioError(f"{self.path} cannot be read: {explain(error)}.") from error

    def matches_saved(self) -> bool:
        """Whether the project's file already holds all of this (the session died just after saving)."""
        try:
            return self.project_path is not None and load_project(self.project_path) == self.load()
        except StudioError:
            return False

    def discard(self) -> None:
        """Removes the journal and older ones of its session."""
        for path in _session_files(self.path):
            path.unlink(missing_ok=True)


class Journal:
    """The journal of one session, kept for one history; belongs to the history's thread.

    Args:
        project: The project as opened.
        project_path: Its file, None for one never saved.
        folder: Where to write, `journal_folder()` by default.
        recovered: The recovery that the project came from; its edits count on, since they are still unsaved.
        on_failure: Told one sentence when writing fails, once until it succeeds again.

    A journal that cannot even be started reports that the same way and tries again with each edit.
    """

    def __init__(
        self,
        project: Project,
        project_path: Path | None = None,
        *,
        folder: Path | None = None,
        recovered: Recovery | None = None,
        on_failure: Callable[[str], None] | None = None,
    ) -> None:
        self._folder = journal_folder() if folder is None else folder
        self._session = f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}-{secrets.token_hex(3)}"
        self._file_number = 0
        self._on_failure = on_failure
        self._encoder = Encoder()
        self._records: Records | None = None
        self._tree: Json = None
        self._missed: list[str] = []
        self._project_path = project_path
        self._edits = recovered.edits if recovered else 0
        self._labels = list(recovered.labels) if recovered else []
        self.failure: str | None = None
        self._begin(project)

    @property
    def path(self) -> Path | None:
        """The file written to now; None while none could be made."""
        return self._records.path if self._records else None

    def attach(self, history: History) -> Callable[[], None]:
        """Records every commit, undo and redo of a history; the returned function ends that."""
        return history.subscribe(self.listen)

    def record(self, label: str, project: Project) -> None:
        """Appends the project's present state under a label. Never raises for a disk that fails; see `failure`."""
        self._missed.append(label)
        if self._records is None:
            self._begin(project)
            return
        tree = self._encoder.encode(project)
        try:
            self._records.append({"labels": list(self._missed), "at_s": time.time(), "patch": diff(self._tree, tree)})
        except OSError as error:
            self._fail(error)
            return
        self._tree = tree
        self._count()

    def saved(self, project: Project, path: Path) -> None:
        """The project is safe in its file: a new journal begins there, the old one goes."""
        self._project_path = path
        self._edits = 0
        self._labels.clear()
        self._missed.clear()
        old, self._records = self._records, None
        self._begin(project)
        if self._records is not None or old is None:
            if old is not None:
                old.close(remove=True)
        else:
            self._records = old  # better the old journal than none; its patches still lead to the present

    def close(self, *, keep: bool = False) -> None:
        """Clean exit: removes the journal, or keeps it to be recovered (a window closed in a hurry)."""
        if self._records is not None:
            self._records.close(remove=not keep)
            self._records = None

    def listen(self, event: Event) -> None:
        """Records a commit, undo or redo; other events are no business of a journal."""
        if event.cause in _RECORDED:
            prefix = {"undo": "Undo ", "redo": "Redo "}.get(event.cause, "")
            self.record(prefix + event.label, event.project)

    def _begin(self, project: Project) -> None:
        """Starts a file with the whole project in it."""
        tree = self._encoder.encode(project)
        missed = len(self._missed)
        records: Records | None = None
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            records = Records(self._folder / f"{self._session}-{self._file_number:06d}{SUFFIX}")
            self._file_number += 1
            records.append(
                {
                    "format": FORMAT,
                    "version": VERSION,
                    "project_path": None if self._project_path is None else str(self._project_path),
                    "at_s": time.time(),
                    "edits": self._edits + missed,
                    "labels": list[Json]([*self._labels, *self._missed][-LABELS:]),
                    "project": tree,
                }
            )
        except OSError as error:
            if records is not None:
                records.close(remove=True)
            self._fail(error)
            return
        self._records = records
        self._tree = tree
        self._count()

    def _count(self) -> None:
        self._edits += len(self._missed)
        self._labels = [*self._labels, *self._missed][-LABELS:]
        self._missed.clear()
        self.failure = None

    def _fail(self, error: OSError) -> None:
        told = self.failure is not None
        self.failure = f"Recovery data cannot be written to {self._folder} ({explain(error)}); save the project soon."
        _LOG.warning("%s", self.failure)
        if not told and self._on_failure is not None:
            self._on_failure(self.failure)


def recoverable(folder: Path | None = None) -> tuple[Recovery, ...]:
    """What dead sessions have left unsaved, newest first. Journals that hold no edit are removed on the way."""
    folder = journal_folder() if folder is None else folder
    newest: dict[str, Path] = {}
    try:
        files = sorted(folder.glob(f"*{SUFFIX}"))
    except OSError as error:
        _LOG.warning("%s cannot be searched for recovery data: %s", folder, error)
        return ()
    found = []
    for path in files:
        if in_use(path):
            newest.pop(_session(path), None)
            continue
        recovery = _examine(path)
        if recovery is not None:
            newest[_session(path)] = path
            found.append(recovery)
    return tuple(
        sorted((r for r in found if newest.get(_session(r.path)) == r.path), key=lambda r: r.edited_s, reverse=True)
    )


def _examine(path: Path) -> Recovery | None:
    try:
        read = read_records(path)
        stale = time.time() - path.stat().st_mtime > _STALE_S
        if not read.records and (read.cut or read.damage is None):
            if stale:
                path.unlink(missing_ok=True)  # the session died while it made this file; the one before still counts
            return None
        start = _start(read, path.name)
        edits = [_entry(record) for record in read.records[1:]]
        labels = [*_labels(start.get("labels")), *(label for entry, _ in edits for label in entry)]
        count = int(_number(start.get("edits"))) + sum(len(entry) for entry, _ in edits)
        if not count:
            if stale:
                path.unlink(missing_ok=True)
            return None
    except OSError as error:
        _LOG.warning("%s cannot be read: %s", path, error)
        return None
    except StudioError as error:
        _LOG.warning("%s", error)
        return None
    started = _number(start.get("at_s"))
    project_path = start.get("project_path")
    where = Path(project_path) if isinstance(project_path, str) else None
    return Recovery(
        path,
        where.stem if where else "Untitled",
        where,
        started,
        edits[-1][1] if edits else started,
        count,
        tuple(labels[-LABELS:]),
        read.damage,
    )


def _replay(read: Read, name: str) -> Project:
    """The project after the last record whose patch fits."""
    tree = _start(read, name).get("project")
    project = decode(tree, name, None)
    good = tree
    for record in read.records[1:]:
        try:
            good = apply(good, record["patch"] if isinstance(record, dict) else None)
        except (ValueError, KeyError) as error:
            _LOG.warning("%s: stopped at a record that does not fit: %s", name, error)
            break
    return project if good is tree else decode(good, name, None)


def _start(read: Read, name: str) -> dict[str, Json]:
    start = read.records[0] if read.records else None
    if not isinstance(start, dict) or start.get("format") != FORMAT or start.get("version") != VERSION:
        raise StudioError(f"{name} holds no recovery data that this version can read; remove it if it is not needed.")
    return start


def _entry(record: Json) -> tuple[list[str], float]:
    if not isinstance(record, dict):
        return [], 0.0
    return _labels(record.get("labels")), _number(record.get("at_s"))


def _labels(value: Json) -> list[str]:
    return [label for label in value if isinstance(label, str)] if isinstance(value, list) else []


def _number(value: Json) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0


def _session(path: Path) -> str:
    return path.stem.rsplit("-", 1)[0]


def _session_files(path: Path) -> list[Path]:
    return [other for other in path.parent.glob(f"*{SUFFIX}") if _session(other) == _session(path)]
