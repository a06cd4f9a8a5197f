"""The list of a project's media: which are missing or changed, and where they are now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QBrush, QCloseEvent
from PySide6.QtWidgets import (
    QDialog,
    QHeaderView,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QWidget,
)

from studio.document.media import MediaReport, Role, find_media
from studio.document.model import Media
from studio.errors import StudioError
from studio.widgets import theme
from studio.widgets.bridge import Worker
from studio.widgets.dialogs import AVATAR_FILTER, IMAGE_FILTER, SPEECH_FILTER, Dialogs
from studio.widgets.layout import fit
from studio.widgets.pieces import answers, dialog_column, in_row, label

NAMES: dict[Role, str] = {"avatar": "Avatar", "audio": "Speech", "backdrop": "Background"}
FILTERS: dict[Role, str] = {
    "avatar": AVATAR_FILTER,
    "audio": SPEECH_FILTER,
    "backdrop": IMAGE_FILTER,
}
STATES = {
    "ok": ("in place", "dim"),
    "missing": ("missing", "error"),
    "changed": ("changed", "warning"),
    "refused": ("not opened", "warning"),
    "unreadable": ("unreadable", "error"),
}


@dataclass(frozen=True)
class Found:
    """Where a medium is now; `same` says whether its content is what was added."""

    media: Media
    same: bool


def take(media: Media, path: Path) -> Found:
    """A file in the place of a medium. Reads all of it; raises StudioError when it cannot be read."""
    now = Media.file(path)
    return Found(now, media.sha256 is None or now.sha256 == media.sha256)


def search(lost: dict[Role, Media], folder: Path, cancelled: Callable[[], bool]) -> dict[Role, Found]:
    """What of the lost media lies in or below a folder; slow."""
    result: dict[Role, Found] = {}
    for role, media in lost.items():
        path = find_media(media, folder, cancelled)
        if path is None:
            continue
        try:
            result[role] = take(media, path)
        except StudioError:
            continue  # gone again
    return result


class MediaDialog(QDialog):
    """Finds media again. Nothing changes before it is accepted; then `found` says what to relink.

    Args:
        reports: all media of the project.
        folder: where to begin looking.
        dialogs: asks for files and folders.
        parent: the window.
    """

    def __init__(self, reports: tuple[MediaReport, ...], folder: Path, dialogs: Dialogs, parent: QWidget) -> None:
        super().__init__(parent)
        self.setModal(True)
        self.setWindowTitle("Media")
        self.found: dict[Role, Found] = {}
        self._reports, self._folder, self._dialogs = reports, folder, dialogs
        self._cancelled = False
        self._worker = Worker("media", self)
        bad = [report for report in reports if report.state != "ok"]
        heading = "Some media are not where the project expects them" if bad else "All media are in place"
        self._hint = label("", "hint")
        self._hint.setMinimumHeight(4 * theme.SPACE)
        self._hint.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.tree = _table()
        self.locate, self.keep, self.search = (
            QPushButton(text) for text in ("Locate…", "Use as it is", "Search a folder…")
        )
        self.keep.setToolTip("Take the file for the project's as it is now")
        self.search.setToolTip("Looks for everything that is missing, by its content")
        for button in (self.locate, self.keep, self.search):
            button.setAutoDefault(False)
        row, self.relink, self.leave = answers(self, "Relink", "Not now" if bad else "Close")
        column = dialog_column(self)
        column.addWidget(label(heading, size=theme.TYPE.title))
        column.addWidget(self.tree, 1)
        column.addWidget(self._hint)
        column.addLayout(in_row((self.locate, self.keep, self.search)))
        column.addLayout(row)
        fit(self, 720, 380)
        self.tree.currentItemChanged.connect(self._show_row)
        self.tree.itemDoubleClicked.connect(self._locate)
        self.locate.clicked.connect(self._locate)
        self.keep.clicked.connect(self._keep)
        self.search.clicked.connect(self._search)
        self.relink.clicked.connect(self.accept)
        self.finished.connect(self.shut_down)
        self._fill()
        first_bad = next((i for i, report in enumerate(reports) if report.state != "ok"), 0)
        self._choose(first_bad)

    @property
    def text(self) -> str:
        """What it says about the chosen medium."""
        return self._hint.text()

    def state(self, role: Role) -> str:
        """The state that the list shows for a medium."""
        index = next(i for i, report in enumerate(self._reports) if report.role == role)
        item = self.tree.topLevelItem(index)
        return "" if item is None else item.text(2)

    def shut_down(self) -> None:
        """End a search that still runs."""
        self._cancelled = True
        self._worker.close()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """As Not now."""
        self.shut_down()
        super().closeEvent(event)

    @property
    def _chosen(self) -> MediaReport | None:
        index = self.tree.currentIndex().row()
        return self._reports[index] if 0 <= index < len(self._reports) else None

    @property
    def _lost(self) -> dict[Role, Media]:
        """What is not there and was not found yet."""
        away = ("missing", "unreadable", "refused")
        return {r.role: r.media for r in self._reports if r.state in away and r.role not in self.found}

    def _fill(self) -> None:
        chosen = max(self.tree.currentIndex().row(), 0)
        self.tree.clear()
        for report in self._reports:
            found = self.found.get(report.role)
            state, role = STATES[report.state]
            path = report.media.path
            if found is not None:
                state, role = ("found", "accent") if found.same else ("another file", "warning")
                path = found.media.path
            item = QTreeWidgetItem([NAMES[report.role], path, state])
            item.setToolTip(1, path)
            item.setSizeHint(0, QSize(0, theme.ROW_HEIGHT_ROOMY))
            item.setForeground(2, QBrush(theme.colour(role)))
            self.tree.addTopLevelItem(item)
        self._choose(chosen)
        self.relink.setEnabled(bool(self.found))
        self.search.setEnabled(bool(self._lost))

    def _choose(self, row: int) -> None:
        item = self.tree.topLevelItem(row)
        if item is not None:
            self.tree.setCurrentItem(item)

    def _show_row(self) -> None:
        report = self._chosen
        if report is None:
            return
        found = self.found.get(report.role)
        if found is None:
            self._hint.setText(report.sentence or f"{report.media.path} is what was added to the project.")
        elif found.same:
            self._hint.setText(f"Found at {found.media.path}.")
        else:
            self._hint.setText(f"{found.media.name} is another file than the one that was added; it will be used.")
        self.locate.setEnabled(not report.media.shipped)
        self.keep.setEnabled(report.state in ("changed", "refused") and found is None)

    def _locate(self) -> None:
        report = self._chosen
        if report is None or report.media.shipped:
            return
        title = f"Where is {Path(report.media.path).name}?"
        path = self._dialogs.choose_file(self, title, FILTERS[report.role], self._folder)
        if path is not None:
            self._take(report, path, neighbours=True)

    def _keep(self) -> None:
        report = self._chosen
        if report is not None:
            self._take(report, Path(report.media.path), neighbours=False)

    def _take(self, report: MediaReport, path: Path, *, neighbours: bool) -> None:
        self._hint.setText(f"Reading {path.name}…")
        done = partial(self._taken, report, path.parent if neighbours else None)
        self._worker.run(partial(take, report.media, path), done, self._hint.setText)

    def _taken(self, report: MediaReport, folder: Path | None, found: Found) -> None:
        self.found[report.role] = found
        self._fill()
        self._show_row()
        if folder is not None:
            self._folder = folder
            if self._lost:
                self._look_in(folder, quiet=True)

    def _search(self) -> None:
        folder = self._dialogs.choose_folder(self, "Search for the missing media in", self._folder)
        if folder is not None:
            self._look_in(folder, quiet=False)

    def _look_in(self, folder: Path, *, quiet: bool) -> None:
        """Look for everything lost; `quiet` where nobody asked for it."""
        if not quiet:
            self._hint.setText(f"Searching {folder}…")
        job = partial(search, self._lost, folder, lambda: self._cancelled)
        self._worker.run(job, partial(self._searched, folder, quiet), self._hint.setText)

    def _searched(self, folder: Path, quiet: bool, found: dict[Role, Found]) -> None:
        self.found.update(found)
        self._fill()
        self._show_row()
        if not found and not quiet:
            self._hint.setText(f"Nothing of what is missing lies in {folder} or below it.")


def _table() -> QTreeWidget:
    table = QTreeWidget()
    table.setHeaderLabels(["Medium", "File", "State"])
    table.setRootIsDecorated(False)
    table.setAccessibleName("Media of the project")
    table.setTextElideMode(Qt.TextElideMode.ElideMiddle)
    header = table.header()
    header.setStretchLastSection(False)
    header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
    return table
