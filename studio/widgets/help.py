"""The Help menu: the guide, the keys, the command palette, and what this studio is made of and runs on."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSize, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication, QImage, QTextBlockFormat, QTextCursor, QTextDocument
from PySide6.QtWidgets import QDialog, QFormLayout, QHBoxLayout, QLabel, QPushButton, QTextBrowser, QVBoxLayout, QWidget

from studio import __version__
from studio.engine.assets import assets_dir, docs_dir
from studio.errors import StudioError
from studio.widgets import theme
from studio.widgets.command_palette import CommandPalette
from studio.widgets.context import Studio
from studio.widgets.layout import fit
from studio.widgets.names import avatar_title
from studio.widgets.shortcuts import Shortcuts
from studio.widgets.shortcuts_dialog import ShortcutsDialog
from studio.widgets.status_line import StatusLine

GUIDE = "guide.md"
FACTS_WIDTH = 360
PAGE_MARGIN = 24


def log_path() -> Path:
    """Where a defect leaves its traceback."""
    from platformdirs import user_log_path

    return user_log_path("emozone-studio") / "error.log"


class GuidePage(QTextBrowser):
    """Markdown with pictures no wider than the page, and room between paragraphs."""

    def loadResource(self, kind: int, name: QUrl | str) -> Any:  # noqa: N802 - Qt's name
        """Pictures are scaled down to the page."""
        found = super().loadResource(kind, name)
        if kind != QTextDocument.ResourceType.ImageResource.value:
            return found
        image = QImage(found) if isinstance(found, QImage) else QImage.fromData(found or b"")
        width = self.viewport().width() - 2 * PAGE_MARGIN - 8
        if image.isNull() or image.width() <= width:
            return image
        ratio = self.devicePixelRatioF()
        scaled = image.scaledToWidth(round(width * ratio), Qt.TransformationMode.SmoothTransformation)
        scaled.setDevicePixelRatio(ratio)
        return scaled

    def show_markdown(self, text: str) -> None:
        """Show a text."""
        self.setMarkdown(text)
        block = self.document().begin()
        while block.isValid():
            cursor, layout = QTextCursor(block), QTextBlockFormat()
            layout.setBottomMargin(theme.SPACE)
            layout.setTopMargin(theme.SPACE * 2 if block.blockFormat().headingLevel() else 0)
            cursor.mergeBlockFormat(layout)
            block = block.next()
        self.moveCursor(QTextCursor.MoveOperation.Start)


class GuideDialog(QDialog):
    """The user guide, in the colours of the studio."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("User guide")
        fit(self, 780, 680)
        self.page = GuidePage()
        self.page.setAccessibleName("User guide")
        self.page.setOpenExternalLinks(True)
        self.page.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.page.document().setDocumentMargin(PAGE_MARGIN)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.page)

    def load(self) -> None:
        """Read it. Raises StudioError when it is not there."""
        folder = docs_dir()
        try:
            text = (folder / GUIDE).read_text(encoding="utf-8")
        except OSError as error:
            raise StudioError(f"The user guide is missing ({folder / GUIDE}); install EmoZone Studio again.") from error
        self.page.setSearchPaths([str(folder)])
        self.page.document().setBaseUrl(QUrl.fromLocalFile(f"{folder}/"))
        self.page.show_markdown(text)


class AboutDialog(QDialog):
    """Version, licences, and what this machine uses."""

    def __init__(self, facts: list[tuple[str, str]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("About EmoZone Studio")
        self._facts = facts
        picture = QLabel()
        picture.setPixmap(theme.icon("studio", "accent").pixmap(48, 48))
        title = QLabel("EmoZone Studio")
        title.setFont(theme.font(theme.TYPE.title, bold=True))
        subtitle = QLabel("An editor for audio-driven 3D Gaussian talking heads")
        subtitle.setObjectName("hint")
        head = QHBoxLayout()
        words = QVBoxLayout()
        words.addWidget(title)
        words.addWidget(subtitle)
        head.addWidget(picture, 0, Qt.AlignmentFlag.AlignTop)
        head.addSpacing(theme.SPACE)
        head.addLayout(words, 1)
        form = QFormLayout()
        form.setHorizontalSpacing(theme.SPACE * 2)
        form.setVerticalSpacing(theme.SPACE)
        for name, value in facts:
            label, text = QLabel(name), QLabel(value)
            label.setObjectName("hint")
            text.setWordWrap(True)
            text.setFixedWidth(FACTS_WIDTH)
            text.setMinimumHeight(text.heightForWidth(FACTS_WIDTH))
            text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            form.addRow(label, text)
        self.copy = QPushButton("Copy")
        self.copy.setToolTip("Copy all of this, for a report")
        self.copy.clicked.connect(self._copy)
        licences = QPushButton("Licences")
        licences.setToolTip("Where everything that ships with the studio came from")
        licences.clicked.connect(
            lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(assets_dir() / "LICENSES.md")))
        )
        close = QPushButton("Close")
        close.setDefault(True)
        close.setFocus()
        close.clicked.connect(self.accept)
        buttons = QHBoxLayout()
        buttons.addWidget(self.copy)
        buttons.addWidget(licences)
        buttons.addStretch(1)
        buttons.addWidget(close)
        column = QVBoxLayout(self)
        column.setContentsMargins(*[theme.SPACE * 3] * 4)
        column.setSpacing(theme.SPACE * 2)
        column.addLayout(head)
        column.addLayout(form)
        column.addLayout(buttons)

    @property
    def text(self) -> str:
        """All facts, a line each."""
        return "\n".join(f"{name}: {value}" for name, value in self._facts)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.text)


class Help:
    """Connects the Help menu."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self.shortcuts = Shortcuts(studio.actions, studio.settings)
        self.palette = CommandPalette(studio.actions, self.shortcuts, studio.window)
        status = studio.window.findChild(StatusLine)
        assert isinstance(status, StatusLine)
        studio.actions.connect(
            {
                "help.guide": self.show_guide,
                "help.shortcuts": self.show_shortcuts,
                "help.palette": self.palette.open,
                "help.messages": status.open_list,
                "help.about": self.show_about,
            }
        )

    def show_guide(self) -> None:
        """The guide, beside the window."""
        dialog = GuideDialog(self._studio.window)
        try:
            dialog.load()
        except StudioError as error:
            dialog.deleteLater()
            self._studio.fail(str(error))
            return
        _show(dialog)

    def show_shortcuts(self) -> None:
        """The keys, to look up and to change."""
        _show(ShortcutsDialog(self.shortcuts, self._studio.window))

    def show_about(self) -> None:
        """What the studio is made of and runs on."""
        _show(AboutDialog(self.facts(), self._studio.window))

    def facts(self) -> list[tuple[str, str]]:
        """What belongs into a report of trouble."""
        session, driver = self._studio.session, self._studio.driver
        ready = session.avatar
        avatar = "none" if ready is None else f"{avatar_title(ready.avatar.info.name)}, {ready.avatar.info.licence}"
        return [
            ("Version", __version__),
            ("Licence", "Apache License 2.0"),
            ("Avatar", avatar),
            ("Drawing with", "nothing yet" if ready is None else ready.backend),
            ("Sound device", driver.player.output.name),
            ("System", f"{platform.system()} {platform.release()}, Python {platform.python_version()}"),
            ("Error log", str(log_path())),
        ]


def _show(dialog: QDialog) -> None:
    """A dialog that does not block and cleans up after itself."""
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setMinimumSize(dialog.minimumSizeHint().expandedTo(QSize(320, 200)))
    dialog.show()
