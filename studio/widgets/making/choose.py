"""The first page: the video, the part of it that is used, and what the avatar is called; or going on with another."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QSettings, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from studio.engine import makings
from studio.engine.makings import Making
from studio.errors import StudioError
from studio.widgets import theme
from studio.widgets.bridge import Worker
from studio.widgets.exports.words import duration
from studio.widgets.making.film import Film, look_at, picture_at
from studio.widgets.making.page import Page
from studio.widgets.making.strip import FilmStrip
from studio.widgets.pieces import in_row, label
from studio.widgets.safety.preview import moment

RECENT_KEY, RECENT = "recent_portraits", 4
PICTURE_PX = 208
"""Height of the picture of the moment that is looked at."""

LOOK_AFTER_MS = 60
HINT = (
    "One person, head and shoulders, looking at the camera; a minute of speech is good. Turn the head a little, and at "
    "the end raise the brows, frown, smile and close the eyes."
)


class Picture(QWidget):
    """An image that fills its height, centred, on the window's ground."""

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self._image: QImage | None = None
        self._text = text
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(QSize(160, 120))

    def show_image(self, image: QImage | None) -> None:
        """Show another; None shows the text."""
        self._image = image
        self.update()

    @property
    def image(self) -> QImage | None:
        """What is shown."""
        return self._image

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """The image as large as it fits."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.fillRect(self.rect(), theme.colour("window"))
        if self._image is None:
            painter.setPen(theme.colour("faint"))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self._text)
        else:
            size = self._image.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
            sharp = self._image.scaled(
                size * self.devicePixelRatioF(),
                Qt.AspectRatioMode.IgnoreAspectRatio,
                Qt.TransformationMode.SmoothTransformation,
            )
            sharp.setDevicePixelRatio(self.devicePixelRatioF())
            painter.drawImage((self.width() - size.width()) // 2, (self.height() - size.height()) // 2, sharp)
        painter.end()


class DropField(QFrame):
    """Where a video is dropped, or asked for."""

    def __init__(self, choose: Callable[[], object]) -> None:
        super().__init__()
        self.setObjectName("drop")
        self.setMinimumHeight(132)
        icon, title = QLabel(), label("Drop a video here", size=theme.TYPE.large)
        icon.setPixmap(theme.icon("film", "faint").pixmap(36, 36))
        self.button = QPushButton("Choose a video…")
        self.button.clicked.connect(choose)
        column = QVBoxLayout(self)
        column.setSpacing(theme.SPACE)
        column.addStretch(1)
        for widget in (icon, title, self.button):
            if isinstance(widget, QLabel):
                widget.setAlignment(Qt.AlignmentFlag.AlignCenter)
            column.addWidget(widget, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(1)


class ChoosePage(Page):
    """Choose, drop or take up again."""

    go_on_wanted = Signal(object)
    """This `Making` shall be gone on with."""

    discard_wanted = Signal(object)
    """This `Making` shall be thrown away."""

    step = 0

    def __init__(self, settings: QSettings | None, choose_file: Callable[[Path], Path | None]) -> None:
        super().__init__("New avatar from a video", HINT)
        self.setAcceptDrops(True)
        self._settings, self._choose_file = settings, choose_file
        self._worker = Worker("video")
        self._wanted: Path | None = None
        self._look_s: float | None = None
        self._looking = False
        self.film: Film | None = None
        self.folder = Path.home()
        self._stack = QStackedWidget()
        self._stack.addWidget(self._make_empty())
        self._stack.addWidget(self._make_chosen())
        self.missing = label("", "warning_text")
        self.missing.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.body.addWidget(self._stack, 1)
        self.body.addWidget(self.missing)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(LOOK_AFTER_MS)
        self._soon.timeout.connect(self._look)
        self.check_runtime()

    # ---- building ----

    def _make_empty(self) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.SPACE)
        self.drop = DropField(self.choose)
        self._recent, self._unfinished = QVBoxLayout(), QVBoxLayout()
        self._recent.setSpacing(2)
        self._unfinished.setSpacing(theme.SPACE // 2)
        column.addWidget(self.drop, 1)
        column.addLayout(self._recent)
        column.addLayout(self._unfinished)
        return page

    def _make_chosen(self) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.SPACE)
        self.picture = Picture()
        self.picture.setMinimumHeight(140)
        self.picture.setAccessibleName("Picture of the video at the handle moved last")
        self.strip = FilmStrip()
        self.strip.moved.connect(self._moved)
        self.facts, self.part = label("", "hint"), label("")
        other = QPushButton("Another video…")
        other.clicked.connect(self.choose)
        self.other = other
        self.name = QLineEdit()
        self.name.setMaxLength(makings.MAX_NAME)
        self.name.setAccessibleName("Name of the avatar")
        self.name.textChanged.connect(self._check)
        name = QLabel("Name of the avatar")
        name.setBuddy(self.name)
        form = QGridLayout()
        form.setHorizontalSpacing(theme.SPACE * 2)
        form.addWidget(name, 0, 0)
        form.addWidget(self.name, 0, 1)
        column.addLayout(in_row((self.facts, other), stretch=0))
        column.addWidget(self.picture, 1)
        column.addWidget(self.strip)
        column.addWidget(self.part)
        column.addLayout(form)
        return page

    def check_runtime(self) -> None:
        """Say what has to be installed first."""
        command = makings.missing_runtime()
        self.missing.setVisible(command is not None)
        if command is not None:
            self.missing.setText(f"Videos cannot be captured yet: close the studio and run  {command}  first.")
        self._check()

    # ---- what is offered ----

    def show_lists(self, unfinished: Sequence[Making]) -> None:
        """Videos chosen lately, and what can be gone on with."""
        _clear(self._recent)
        _clear(self._unfinished)
        recent = [path for path in self._remembered() if path.is_file()]
        if recent:
            self._recent.addWidget(label("Recent", "heading"))
        for path in recent:
            button = QPushButton(path.name)
            button.setObjectName("link")
            button.setToolTip(str(path))
            button.setCursor(Qt.CursorShape.PointingHandCursor)
            button.clicked.connect(partial(self.take, path))
            self._recent.addLayout(in_row((button,)))
        if unfinished:
            self._unfinished.addWidget(label("Not finished yet", "heading"))
        for making in unfinished[:3]:
            self._unfinished.addWidget(self._card(making))

    def _card(self, making: Making) -> QWidget:
        card = QFrame()
        card.setObjectName("job")
        row = QHBoxLayout(card)
        row.setContentsMargins(theme.SPACE + 4, theme.SPACE // 2, theme.SPACE // 2, theme.SPACE // 2)
        texts = QVBoxLayout()
        texts.setSpacing(0)
        texts.addWidget(label(making.name, bold=True))
        standing = making.standing
        texts.addWidget(label(f"{standing[0].upper()}{standing[1:]}  ·  {moment(making.changed_s)}", "hint"))
        go_on, away = QPushButton("Go on"), QPushButton("Discard…")
        for button, signal in ((away, self.discard_wanted), (go_on, self.go_on_wanted)):
            button.setAutoDefault(False)
            button.setAccessibleName(f"{button.text().rstrip('…')} {making.name}")
            button.clicked.connect(lambda _checked=False, signal=signal: signal.emit(making))
        row.addLayout(texts, 1)
        row.addWidget(away)
        row.addWidget(go_on)
        return card

    def _remembered(self) -> list[Path]:
        if self._settings is None:
            return []
        try:
            return [Path(str(name)) for name in json.loads(str(self._settings.value(RECENT_KEY, "[]")))][:RECENT]
        except (ValueError, TypeError):
            return []

    def remember(self) -> None:
        """The chosen video is offered the next time."""
        if self._settings is not None and self.film is not None:
            names = dict.fromkeys([str(self.film.footage.path), *map(str, self._remembered())])
            self._settings.setValue(RECENT_KEY, json.dumps(list(names)[:RECENT]))

    # ---- choosing ----

    def choose(self) -> None:
        """Ask for a video."""
        path = self._choose_file(self.folder)
        if path is not None:
            self.take(path)

    def take(self, path: Path) -> None:
        """Look at a video; it is chosen when it has proved to be one."""
        self._wanted = path.absolute()
        self.folder = path.parent
        self.say_problem("")
        self.drop.button.setText("Opening…")
        self._worker.run(partial(look_at, self._wanted), partial(self._looked, self._wanted), self._refused)

    def _looked(self, path: Path, film: Film) -> None:
        if path != self._wanted:
            return  # another one was chosen meanwhile
        self.film = film
        self.drop.button.setText("Choose a video…")
        self.facts.setText(film.line)
        self.strip.show_film(film)
        self.name.setText(_free_name(path))
        self.picture.show_image(None)
        self._stack.setCurrentIndex(1)
        self._moved(self.strip.part_s[0])
        self._check()
        self.take_focus()

    def _refused(self, sentence: str) -> None:
        self.drop.button.setText("Choose a video…")
        self.say_problem(sentence)

    def clear(self) -> None:
        """No video is chosen."""
        self.film = self._wanted = None
        self.say_problem("")
        self._stack.setCurrentIndex(0)
        self._check()

    def take_focus(self) -> None:
        """To the name, or to the button that asks."""
        (self.drop.button if self.film is None else self.name).setFocus()

    def close_worker(self) -> None:
        """End what looks at videos."""
        self._soon.stop()
        self._worker.close()

    # ---- the part ----

    def _moved(self, look_s: float) -> None:
        start_s, end_s = self.strip.part_s
        whole = self.film is not None and end_s - start_s >= self.film.duration_s - 0.05
        what = "the whole video" if whole else f"from {_clock(start_s)} to {_clock(end_s)}"
        self.part.setText(f"Used: {what}, {duration(end_s - start_s)}")
        self._look_s = look_s
        self._soon.start()

    def _look(self) -> None:
        """The newest wish; while one is being met, the others wait."""
        film, look_s = self.film, self._look_s
        if film is None or look_s is None or self._looking:
            return
        self._looking, self._look_s = True, None
        height = round(PICTURE_PX * self.devicePixelRatioF())
        self._worker.run(lambda: picture_at(film, look_s, height), partial(self._show, film), self._look_failed)

    def _show(self, film: Film, image: QImage | None) -> None:
        self._looking = False
        if film is self.film and image is not None:
            self.picture.show_image(image)
        self._look()

    def _look_failed(self, sentence: str) -> None:
        self._looking = False
        self.say_problem(sentence)

    def part_s(self) -> tuple[float, float | None]:
        """Start and end of what is used; the end is None where it is the file's own."""
        start_s, end_s = self.strip.part_s
        at_end = self.film is not None and end_s >= self.film.duration_s - 0.05
        return round(start_s, 2), None if at_end else round(end_s, 2)

    def _check(self) -> None:
        problem = ""
        if self.film is not None:
            try:
                makings.check_name(self.name.text())
            except StudioError as error:
                problem = str(error)
            self.say_problem(problem)
        self.set_ready(self.film is not None and not problem and makings.missing_runtime() is None)

    # ---- drag and drop ----

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802 - Qt's name
        """A file may be dropped."""
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            theme.set_state(self.drop, "over", True)
            event.acceptProposedAction()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:  # noqa: N802 - Qt's name
        """It went elsewhere."""
        theme.set_state(self.drop, "over", False)

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802 - Qt's name
        """Take the first file."""
        theme.set_state(self.drop, "over", False)
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            event.acceptProposedAction()
            self.take(paths[0])


def _clock(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes)}:{rest:04.1f}"


def _free_name(path: Path) -> str:
    """A name after the file that no avatar has."""
    stem = " ".join(path.stem.replace("_", " ").split())[: makings.MAX_NAME - 4] or "Avatar"
    for name in (stem, *(f"{stem} {number}" for number in range(2, 100))):
        try:
            makings.check_name(name)
        except StudioError:
            continue
        return name
    return stem


def _clear(column: QVBoxLayout) -> None:
    while (item := column.takeAt(0)) is not None:
        inner, widget = item.layout(), item.widget()
        if isinstance(inner, QHBoxLayout):
            while (part := inner.takeAt(0)) is not None:
                if (of := part.widget()) is not None:
                    of.hide()
                    of.deleteLater()
        if widget is not None:
            widget.hide()
            widget.deleteLater()
