"""The questions that the window asks, behind one interface so that tests can answer them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal, Protocol

from PySide6.QtGui import QColor
from PySide6.QtWidgets import QColorDialog, QFileDialog, QInputDialog, QWidget

from studio.document.project import SUFFIX
from studio.widgets import messages
from studio.widgets.routing import IMAGE_SUFFIXES, SOUND_SUFFIXES, SUFFIX_AVATAR, VIDEO_SUFFIXES


def _files(name: str, suffixes: Iterable[str]) -> str:
    """A filter of the file dialog that shows what can be dropped on the window too, or everything."""
    return f"{name} ({' '.join(f'*{suffix}' for suffix in suffixes)});;All files (*)"


SPEECH_FILTER = _files("Sound or video", SOUND_SUFFIXES)
VIDEO_FILTER = _files("Video", VIDEO_SUFFIXES)
IMAGE_FILTER = _files("Image", IMAGE_SUFFIXES)
AVATAR_FILTER = f"Avatar (*{SUFFIX_AVATAR})"
PROJECT_FILTER = f"EmoZone project (*{SUFFIX})"

Kind = Literal["speech", "avatar", "project", "image"]
Rgb = tuple[float, float, float]
Unsaved = Literal["save", "discard", "cancel"]
Changed = Literal["replace", "save_as", "cancel"]
NotSaved = Literal["retry", "save_as", "cancel"]

_OPEN: dict[Kind, tuple[str, str]] = {
    "speech": ("Open speech", SPEECH_FILTER),
    "avatar": ("Open avatar", AVATAR_FILTER),
    "project": ("Open project", PROJECT_FILTER),
    "image": ("Open image", IMAGE_FILTER),
}


class Dialogs(Protocol):
    """What the window needs to ask."""

    def open_file(self, parent: QWidget, kind: Kind, folder: Path) -> Path | None:
        """A file to open, None when the user thinks better of it."""

    def save_project(self, parent: QWidget, start: Path) -> Path | None:
        """Where to save."""

    def choose_colour(self, parent: QWidget, title: str, start: Rgb, preview: Callable[[Rgb], None]) -> Rgb | None:
        """A colour in display sRGB, None when the user thinks better of it; `preview` shows it meanwhile."""

    def ask_text(self, parent: QWidget, title: str, label: str, start: str) -> str | None:
        """A line of text, None when the user thinks better of it."""

    def unsaved(self, parent: QWidget, title: str) -> Unsaved:
        """What to do with unsaved changes."""

    def changed_on_disk(self, parent: QWidget, name: str) -> Changed:
        """What to do when the file was changed by somebody else since it was opened."""

    def not_saved(self, parent: QWidget, text: str) -> NotSaved:
        """What to do when saving has failed."""

    def confirm(self, parent: QWidget, text: str, detail: str, accept: str) -> bool:
        """Whether to do what the button `accept` says."""

    def choose_file(self, parent: QWidget, title: str, name_filter: str, folder: Path) -> Path | None:
        """A file of a kind that only one place asks for."""

    def choose_folder(self, parent: QWidget, title: str, folder: Path) -> Path | None:
        """A folder."""

    def save_file(self, parent: QWidget, title: str, name_filter: str, start: Path) -> Path | None:
        """Where to write a file of a kind that only one place asks for."""

    def error(self, parent: QWidget, text: str) -> None:
        """Tell what went wrong."""


class SystemDialogs:
    """The real ones."""

    def open_file(self, parent: QWidget, kind: Kind, folder: Path) -> Path | None:
        """The system's file dialog."""
        title, name_filter = _OPEN[kind]
        name, _ = QFileDialog.getOpenFileName(parent, title, str(folder), name_filter)
        return Path(name) if name else None

    def save_project(self, parent: QWidget, start: Path) -> Path | None:
        """The system's file dialog."""
        name, _ = QFileDialog.getSaveFileName(parent, "Save project", str(start), PROJECT_FILTER)
        return Path(name) if name else None

    def choose_colour(self, parent: QWidget, title: str, start: Rgb, preview: Callable[[Rgb], None]) -> Rgb | None:
        """The system's colour dialog."""
        dialog = QColorDialog(QColor.fromRgbF(*start), parent)
        dialog.setWindowTitle(title)
        dialog.currentColorChanged.connect(lambda colour: preview(_rgb(colour)))
        accepted = dialog.exec()
        dialog.deleteLater()
        return _rgb(dialog.selectedColor()) if accepted else None

    def ask_text(self, parent: QWidget, title: str, label: str, start: str) -> str | None:
        """A small dialog with one line."""
        text, accepted = QInputDialog.getText(parent, title, label, text=start)
        return text if accepted else None

    def unsaved(self, parent: QWidget, title: str) -> Unsaved:
        """Save, discard or stay."""
        answers: tuple[tuple[Unsaved, str], ...] = (("save", "Save"), ("discard", "Discard"))
        return messages.ask(parent, f"Save the changes to {title}?", "Without saving they are lost.", answers)

    def changed_on_disk(self, parent: QWidget, name: str) -> Changed:
        """Replace, save elsewhere, or leave all as it is."""
        answers: tuple[tuple[Changed, str], ...] = (("save_as", "Save as…"), ("replace", "Replace"))
        detail = "Replacing keeps the other version as the newest backup beside the project."
        return messages.ask(parent, f"{name} was changed by another program since you opened it.", detail, answers)

    def not_saved(self, parent: QWidget, text: str) -> NotSaved:
        """Try again, save elsewhere, or go on without."""
        answers: tuple[tuple[NotSaved, str], ...] = (("save_as", "Save as…"), ("retry", "Try again"))
        return messages.ask(parent, text, "Your work is still open, and its journal is kept.", answers)

    def confirm(self, parent: QWidget, text: str, detail: str, accept: str) -> bool:
        """A question with one answer and a way out."""
        answers: tuple[tuple[Literal["accept", "cancel"], str], ...] = (("accept", accept),)
        return messages.ask(parent, text, detail, answers) == "accept"

    def choose_file(self, parent: QWidget, title: str, name_filter: str, folder: Path) -> Path | None:
        """The system's file dialog."""
        name, _ = QFileDialog.getOpenFileName(parent, title, str(folder), name_filter)
        return Path(name) if name else None

    def choose_folder(self, parent: QWidget, title: str, folder: Path) -> Path | None:
        """The system's folder dialog."""
        name = QFileDialog.getExistingDirectory(parent, title, str(folder))
        return Path(name) if name else None

    def save_file(self, parent: QWidget, title: str, name_filter: str, start: Path) -> Path | None:
        """The system's file dialog."""
        name, _ = QFileDialog.getSaveFileName(parent, title, str(start), name_filter)
        return Path(name) if name else None

    def error(self, parent: QWidget, text: str) -> None:
        """A dialog that does not block."""
        messages.show_error(parent, text)


def _rgb(colour: QColor) -> Rgb:
    return (colour.redF(), colour.greenF(), colour.blueF())
