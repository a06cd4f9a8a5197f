"""Projects opened or saved lately: a list that outlives the window, pictures of them, and File › Recent."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import platformdirs
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QSettings, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QIcon, QImage, QPainter, QPixmap

from studio.widgets import theme
from studio.widgets.bridge import Worker
from studio.widgets.context import Studio
from studio.widgets.safety.preview import moment

MOST = 12
"""Projects remembered; more than fit a menu are no help."""

PICTURE = QSize(192, 144)
ICON = QSize(48, 36)
SETTLE_MS = 2500
"""After opening: time for the avatar to appear before a first picture of the project is taken."""

_KEY = "recent_projects"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RecentProject:
    """One entry; `picture` is None where none was taken yet."""

    path: Path
    used_s: float  # seconds since 1970
    picture: Path | None
    missing: bool


def picture_folder() -> Path:
    """Where pictures of projects lie: in the user's cache folder."""
    return platformdirs.user_cache_path("emozone-studio", appauthor=False) / "pictures"


def picture_of(path: Path) -> Path:
    """Where the picture of a project lies, or will."""
    return picture_folder() / f"{hashlib.sha256(str(path).encode(errors='replace')).hexdigest()[:32]}.png"


def take_picture(rgba: NDArray[np.uint8], path: Path) -> None:
    """Keep a small picture of a project.

    Args:
        rgba: (H, W, 4) as the viewport shows it.
        path: the project's file.
    """
    height, width = rgba.shape[:2]
    image = QImage(np.ascontiguousarray(rgba).data, width, height, 4 * width, QImage.Format.Format_RGBA8888)
    expand, smooth = Qt.AspectRatioMode.KeepAspectRatioByExpanding, Qt.TransformationMode.SmoothTransformation
    scaled = image.scaled(PICTURE, expand, smooth)
    left, top = (scaled.width() - PICTURE.width()) // 2, (scaled.height() - PICTURE.height()) // 2
    target = picture_of(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        log.info("%s cannot be made: %s", target.parent, error)
        return
    if not scaled.copy(left, top, PICTURE.width(), PICTURE.height()).save(str(target)):
        log.info("%s was not written", target)


class RecentList:
    """The remembered paths, newest first; without settings only as long as the window."""

    def __init__(self, settings: QSettings | None) -> None:
        self._settings = settings
        self._own: list[tuple[str, float]] = []

    def entries(self) -> tuple[tuple[Path, float], ...]:
        """(path, moment of the last use), newest first; what is no such list is taken for an empty one."""
        return tuple((Path(path), used_s) for path, used_s in self._read())

    def use(self, path: Path, now_s: float) -> None:
        """A project was opened or saved."""
        name = str(path.absolute())
        self._write([(name, now_s), *(entry for entry in self._read() if entry[0] != name)][:MOST])

    def forget(self, path: Path) -> None:
        """Take one off the list."""
        self._write([entry for entry in self._read() if entry[0] != str(path)])

    def clear(self) -> None:
        """Take all off."""
        self._write([])

    def _read(self) -> list[tuple[str, float]]:
        if self._settings is None:
            return list(self._own)
        try:
            rows = json.loads(str(self._settings.value(_KEY, "[]")))
            return [(str(path), float(used_s)) for path, used_s in rows][:MOST]
        except (ValueError, TypeError):
            return []

    def _write(self, entries: list[tuple[str, float]]) -> None:
        self._own = entries
        if self._settings is not None:
            self._settings.setValue(_KEY, json.dumps(entries))


class Recent(QObject):
    """File › Recent, and the data of a start page.

    Attributes:
        entries: the projects, newest first, as they were when last looked at.
    """

    changed = Signal()
    """`entries` are others now."""

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio.window)
        self._studio = studio
        self._list = RecentList(studio.settings)
        self._worker = Worker("recent projects", self)
        self.entries: tuple[RecentProject, ...] = ()
        self.menu = studio.menus["File/Recent"]
        self.menu.setStyleSheet(f"QMenu {{ icon-size: {ICON.width()}px; }}")
        self._clear = studio.actions["project.clear_recent"]
        self._shown: list[QAction] = []
        self._picture_for: Path | None = None
        self._picture_timer = QTimer(self)
        self._picture_timer.setSingleShot(True)
        self._picture_timer.setInterval(SETTLE_MS)
        self._picture_timer.timeout.connect(self._take_first_picture)
        studio.actions.connect({"project.clear_recent": self.clear})
        studio.session.opened.connect(self._opened)
        studio.session.saved.connect(self._saved)
        self.menu.aboutToShow.connect(self.refresh)
        self._fill()
        QTimer.singleShot(0, self, self.refresh)

    def refresh(self) -> None:
        """Look which projects are still there; drives may be slow, so it is done in the background."""
        entries = self._list.entries()
        self._worker.run(lambda: tuple(_look(path, used_s) for path, used_s in entries), self._show, log.warning)

    def open(self, entry: RecentProject) -> None:
        """Open one, or offer to forget it where it is gone."""
        if entry.path.exists():
            self._studio.files.open(entry.path)
            return
        text = f"{entry.path.name} is not there any more."
        detail = f"It was in {entry.path.parent}; its drive may be disconnected."
        if self._studio.dialogs.confirm(self._studio.window, text, detail, "Remove from the list"):
            self._list.forget(entry.path)
        self.refresh()

    def clear(self) -> None:
        """Forget all."""
        self._list.clear()
        self._show(())

    def close(self) -> None:
        """End what runs."""
        self._picture_timer.stop()
        self._worker.close()

    def _opened(self, path: Path) -> None:
        self._list.use(path, time.time())
        self.refresh()
        self._picture_for = path
        self._picture_timer.start()

    def _saved(self, path: Path) -> None:
        self._list.use(path, time.time())
        self._take_picture(path)

    def _take_first_picture(self) -> None:
        path = self._picture_for
        if path is not None and path == self._studio.session.path and not self._studio.session.history.dirty:
            self._take_picture(path)

    def _take_picture(self, path: Path) -> None:
        pixels = self._studio.viewport.presenter.pixels()
        if pixels is None:
            self.refresh()
        else:
            self._worker.run(partial(take_picture, pixels, path), lambda _none: self.refresh(), log.warning)

    def _show(self, entries: tuple[RecentProject, ...]) -> None:
        self.entries = entries
        self._fill()
        self.changed.emit()

    def _fill(self) -> None:
        for action in self._shown:
            self.menu.removeAction(action)
            action.deleteLater()
        self._shown.clear()
        for entry in self.entries:
            name = entry.path.stem.replace("&", "&&")
            action = QAction(f"{name}  –  {'missing' if entry.missing else moment(entry.used_s)}", self.menu)
            action.setIcon(_icon(entry))
            action.setToolTip(str(entry.path))
            action.triggered.connect(_opener(self.open, entry))
            self.menu.insertAction(self._clear, action)
            self._shown.append(action)
        if self.entries:
            self._shown.append(self.menu.insertSeparator(self._clear))
        self._clear.setEnabled(bool(self.entries))
        self.menu.menuAction().setEnabled(bool(self.entries))


def _opener(open_entry: Callable[[RecentProject], None], entry: RecentProject) -> Callable[[], None]:
    return lambda: open_entry(entry)


def _look(path: Path, used_s: float) -> RecentProject:
    """Runs in the worker."""
    picture = picture_of(path)
    return RecentProject(path, used_s, picture if picture.is_file() else None, not path.is_file())


def _icon(entry: RecentProject) -> QIcon:
    """The picture, dimmed where the project is gone; a plain ground without one."""
    pixmap = QPixmap(ICON * 2)
    pixmap.fill(theme.colour("window"))
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.setOpacity(0.35 if entry.missing else 1.0)
    source = QPixmap() if entry.picture is None else QPixmap(str(entry.picture))
    if not source.isNull():
        painter.drawPixmap(pixmap.rect(), source)
    else:
        side = ICON.height()
        theme.icon("head", "faint").paint(painter, (pixmap.width() - side) // 2, side // 2, side, side)
    painter.end()
    return QIcon(pixmap)
