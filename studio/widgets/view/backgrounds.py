"""The background as a part of the window: a colour, an image, or transparency; chosen, undone and loaded."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QAction, QColor, QIcon, QPixmap
from PySide6.QtWidgets import QMenu

from studio.document.commands import Event
from studio.document.model import Media, Project
from studio.engine.aids import Rgb
from studio.widgets.bridge import Worker
from studio.widgets.context import Studio
from studio.widgets.view.staging import Staging

SWATCHES: tuple[tuple[str, Rgb], ...] = (
    ("Night", (0.1, 0.1, 0.12)),
    ("Studio grey", (0.36, 0.37, 0.38)),
    ("White", (1.0, 1.0, 1.0)),
    ("Black", (0.0, 0.0, 0.0)),
    ("Green screen", (0.0, 0.69, 0.25)),
)


class Backgrounds:
    """Puts what the user chooses into the project, and the project's image in front of the engine."""

    def __init__(self, studio: Studio, staging: Staging, menu: QMenu) -> None:
        self._studio, self._staging = studio, staging
        self._worker = Worker("background", studio.window)
        self._wanted: Media | None = None
        self._known: dict[Media, NDArray[np.uint8]] = {}  # the newest image alone
        self._marks: list[tuple[QAction, Rgb]] = []
        for name, colour in SWATCHES:
            action = menu.addAction(_swatch(colour), name, partial(self.set_colour, colour))
            action.setCheckable(True)
            self._marks.append((action, colour))
        menu.addSeparator()
        for name in ("colour", "image", "transparent"):
            menu.addAction(studio.actions[f"background.{name}"])
        studio.actions.connect(
            {
                "background.colour": self._ask_colour,
                "background.image": self._ask_image,
                "background.transparent": partial(self.set_colour, None),
            }
        )
        studio.session.changed.connect(self._follow)
        studio.files.image_wanted.connect(self.use_image)
        menu.aboutToShow.connect(self._mark)

    def close(self) -> None:
        """Wait for an image that is being read."""
        self._worker.close()

    def set_colour(self, colour: Rgb | None) -> None:
        """A colour in display sRGB, None for transparency, in place of any image."""
        label = "Transparent background" if colour is None else "Background colour"
        self._studio.session.history.apply(label, partial(_coloured, colour))

    def _ask_colour(self) -> None:
        start = self._studio.session.project.export.background or SWATCHES[0][1]
        gesture = self._studio.session.history.begin("Background colour")

        def preview(colour: Rgb) -> None:
            if gesture.active:
                gesture.update(partial(_coloured, colour))

        colour = self._studio.dialogs.choose_colour(self._studio.window, "Background colour", start, preview)
        if gesture.active:
            gesture.cancel()
        if colour is not None:
            self.set_colour(colour)

    def _ask_image(self) -> None:
        path = self._studio.dialogs.open_file(self._studio.window, "image", self._studio.files.folder)
        if path is not None:
            self.use_image(path)

    def use_image(self, path: Path) -> None:
        """An image file behind the head, once it has proved to be one."""
        self._studio.say(f"Reading {path.name}…")

        def read() -> tuple[Media, NDArray[np.uint8]]:
            from studio.engine.backdrop import load_image

            return Media.file(path), load_image(path)

        self._worker.run(read, self._chosen, self._studio.fail)

    def _chosen(self, found: tuple[Media, NDArray[np.uint8]]) -> None:
        media, pixels = found
        self._known = {media: pixels}
        self._studio.say("")
        self._studio.session.history.apply(f"Background {media.name}", lambda project: project.replace(backdrop=media))

    def _follow(self, event: Event) -> None:
        """Load the image that the project names, also after undo and opening."""
        media = event.project.backdrop
        if media == self._wanted:
            return
        self._wanted = media
        if media is None or media in self._known:
            self._staging.set_image(None if media is None else self._known[media])
            return
        self._staging.set_image(None)

        def read() -> NDArray[np.uint8]:
            from studio.engine.backdrop import load_image

            return load_image(media.location())

        failed = partial(self._studio.session.media_failed, media)
        self._worker.run(read, partial(self._loaded, media), failed)

    def _mark(self) -> None:
        """Tick what is in use."""
        project = self._studio.session.project
        used = None if project.backdrop is not None else project.export.background
        for action, colour in self._marks:
            action.setChecked(colour == used)
        actions = self._studio.actions
        actions["background.transparent"].setChecked(project.backdrop is None and used is None)
        actions["background.image"].setChecked(project.backdrop is not None)
        actions["background.colour"].setChecked(used is not None and used not in [c for _, c in self._marks])

    def _loaded(self, media: Media, pixels: NDArray[np.uint8]) -> None:
        if media == self._wanted:
            self._known = {media: pixels}
            self._staging.set_image(pixels)


def _coloured(colour: Rgb | None, project: Project) -> Project:
    return project.replace(export=replace(project.export, background=colour), backdrop=None)


def _swatch(colour: Rgb) -> QIcon:
    pixmap = QPixmap(16, 16)
    pixmap.fill(QColor.fromRgbF(*colour))
    return QIcon(pixmap)
