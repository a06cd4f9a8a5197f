"""File › Import and File › Export take; also takes that were dropped on the window."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QObject

from studio.document.interchange.detect import TITLES, TakeKind, import_take
from studio.document.interchange.live_link import export_live_link
from studio.document.interchange.openface import export_openface
from studio.document.interchange.tables import Imported
from studio.document.model import Project
from studio.document.summary import end_of
from studio.widgets.bridge import Worker
from studio.widgets.context import Studio
from studio.widgets.interchange.import_dialog import ImportDialog, with_take

CSV_FILTER = "Table (*.csv *.txt);;All files (*)"
JSON_FILTER = "Audio2Face (*.json);;All files (*)"
IMPORTS: tuple[tuple[str, TakeKind, str], ...] = (
    ("import.openface", "openface", CSV_FILTER),
    ("import.live_link", "live_link", CSV_FILTER),
    ("import.audio2face", "audio2face", JSON_FILTER),
)
ExportKind = Literal["openface", "live_link"]


class InterchangePart(QObject):
    """Reads and writes takes in its worker.

    Attributes:
        dialog: the newest import dialog, None before the first.
    """

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio.window)
        self._studio = studio
        self._worker = Worker("interchange", self)
        self.dialog: ImportDialog | None = None
        studio.actions.connect(
            {action: partial(self._ask, kind, name_filter) for action, kind, name_filter in IMPORTS}
            | {
                "take.export_openface": partial(self._export, "openface"),
                "take.export_live_link": partial(self._export, "live_link"),
            }
        )
        studio.files.take_wanted.connect(self.read)

    def close(self) -> None:
        """Wait for the file in hand."""
        self._worker.close()

    # ---- import ----

    def _ask(self, kind: TakeKind, name_filter: str) -> None:
        studio = self._studio
        title = f"Import a take from {TITLES[kind]}"
        path = studio.dialogs.choose_file(studio.window, title, name_filter, studio.files.folder)
        if path is not None:
            studio.files.folder = path.parent
            self.read(path, kind)

    def read(self, path: Path, kind: TakeKind | None = None) -> None:
        """Read a take in the background, then ask where it shall go."""
        self._studio.say(f"Reading {path.name}…")
        self._worker.run(partial(import_take, path, kind), partial(self._show, path), self._failed)

    def _show(self, path: Path, found: tuple[TakeKind, Imported]) -> None:
        self._studio.say("")
        if self.dialog is not None:
            self.dialog.close()
            self.dialog.deleteLater()
        kind, imported = found
        playhead_s = self._studio.driver.player.position_s
        self.dialog = ImportDialog(path, kind, imported, playhead_s, self._studio.window)
        self.dialog.accepted.connect(partial(self._import, path, self.dialog))
        self.dialog.open()

    def _import(self, path: Path, dialog: ImportDialog) -> None:
        """Keys are fitted in the background; should the project change meanwhile, they go on top of that."""
        take, wish = dialog.imported.take, dialog.wish
        label = f"Import {path.name}{' as keys' if wish.as_keys else ''}"
        if not wish.as_keys:
            self._apply(label, with_take(self._studio.session.project, take, wish))
            return
        self._studio.say(f"Making keys of {path.name}…")
        blank = Project()

        def done(keys: Project) -> None:
            def merged(project: Project) -> Project:
                performance = project.performance
                for lane in keys.performance.lanes:
                    performance = performance.with_curve(lane.id, lane.curve)
                return project.replace(performance=performance)

            self._apply(label, merged(self._studio.session.project))

        self._worker.run(partial(with_take, blank, take, wish), done, self._failed)

    def _apply(self, label: str, project: Project) -> None:
        changed = self._studio.session.history.apply(label, project)
        self._studio.say(f"{label}: done" if changed else "Nothing moves in this take, so nothing has changed.")

    # ---- export ----

    def _export(self, kind: ExportKind) -> None:
        studio, session = self._studio, self._studio.session
        start_s, end_s = session.range_s or (0.0, session.duration_s or end_of(session.project))
        if end_s <= start_s:
            studio.fail("There is nothing to export yet; open a speech clip or make keys first.")
            return
        start = studio.files.folder / f"{session.title} {kind.replace('_', ' ')}.csv"
        title = f"Export the action units for {TITLES[kind]}"
        path = studio.dialogs.save_file(studio.window, title, CSV_FILTER, start)
        if path is None:
            return
        if not path.suffix:
            path = path.with_name(f"{path.name}.csv")
        studio.say(f"Writing {path.name}…")
        job = partial(_write, session.project, start_s, end_s, path, kind)
        self._worker.run(job, partial(self._written, path), self._failed)

    def _written(self, path: Path, losses: tuple[str, ...]) -> None:
        self._studio.say(f"Exported {path}")
        if losses:
            self._studio.banner.tell(f"Exported {path.name}. {' '.join(losses)}", "hint")

    def _failed(self, text: str) -> None:
        self._studio.say("")
        self._studio.fail(text)


def _write(project: Project, start_s: float, end_s: float, path: Path, kind: ExportKind) -> tuple[str, ...]:
    """Runs in the worker; returns what the file cannot say."""
    from studio.document.conversions import take_of

    take = take_of(project.performance, start_s, end_s, project.fps, path.stem)
    if kind == "live_link":
        return export_live_link(take, path)
    export_openface(take, path)
    return ()
