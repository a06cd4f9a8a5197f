"""The fourth page: what the video is worth, before a training is spent on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QRectF, QSize, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QPainter, QPaintEvent, QPixmap, QResizeEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QGridLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from studio.document.action_units import ACTION_UNITS, AU_KEYS
from studio.engine.portrait_report import GOOD, PAGE, SHEET, UNUSABLE, figures, in_words
from studio.widgets import theme
from studio.widgets.making.maker import Maker
from studio.widgets.making.page import Page
from studio.widgets.pieces import in_row, label

SHOWN_FROM = 1.5
"""Intensity that an action unit must have reached to count as shown."""

HINTS = {
    GOOD: "Nothing stands in the way of a good avatar.",
    UNUSABLE: "This video cannot become an avatar. Film again as the sentence says, or choose another video.",
}
LENGTHS: tuple[tuple[str, float | None], ...] = (
    ("As long as it needs: the best likeness", None),
    ("At most three hours", 180.0),
    ("At most an hour", 60.0),
    ("At most 20 minutes: a first look", 20.0),
)
"""How long the training may take, in minutes."""

LIMITED_HINT = "An avatar can be made of it; what is listed here will be seen in it. Filming again may be worth more."


class Sheet(QWidget):
    """The contact sheet as wide as the page."""

    def __init__(self) -> None:
        super().__init__()
        self._pixmap = QPixmap()
        self.setAccessibleName("Pictures of the video: landmarks, the person cut out, and regions of the face")
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setSizePolicy(policy)

    def show_file(self, path: Path) -> None:
        """Show a picture file; one that cannot be read leaves nothing."""
        self._pixmap = QPixmap(str(path))
        self.setVisible(not self._pixmap.isNull())
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Keep the shape."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        if not self._pixmap.isNull():
            self.setFixedHeight(max(1, round(self.width() * self._pixmap.height() / self._pixmap.width())))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """The whole picture."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawPixmap(self.rect(), self._pixmap)
        painter.end()


class Ranges(QWidget):
    """What every action unit did in the video, as bars from 0 to 5; those hardly shown are faint."""

    ROW, NAME, GAP = 19, 152, 24

    def __init__(self) -> None:
        super().__init__()
        self._ranges: dict[str, dict[str, float]] = {}
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(self.ROW * ((len(AU_KEYS) + 1) // 2))

    def show_ranges(self, ranges: dict[str, dict[str, float]]) -> None:
        """Low, middle and high of each."""
        self._ranges = ranges
        said = ", ".join(f"{key} up to {value['high']:.1f}" for key, value in ranges.items())
        self.setAccessibleName(f"Action units that the video shows, 0 to 5: {said}")
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Two columns."""
        return QSize(560, self.height())

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Names and bars in two columns."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.font(theme.TYPE.small))
        rows = (len(AU_KEYS) + 1) // 2
        width = (self.width() - self.GAP) / 2
        for i, unit in enumerate(ACTION_UNITS):
            left, top = (i // rows) * (width + self.GAP), (i % rows) * self.ROW
            found = self._ranges.get(unit.key)
            shown = found is not None and found["high"] >= SHOWN_FROM
            painter.setPen(theme.colour("text" if shown else "faint"))
            name = painter.fontMetrics().elidedText(
                f"{unit.key.removeprefix('AU')}  {unit.name}", Qt.TextElideMode.ElideRight, self.NAME
            )
            painter.drawText(QRectF(left, top, self.NAME, self.ROW), Qt.AlignmentFlag.AlignVCenter, name)
            bar = QRectF(left + self.NAME + 8, top + self.ROW / 2 - 3, width - self.NAME - 8, 6)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("groove"))
            painter.drawRoundedRect(bar, 3, 3)
            if found is not None:
                low, high = (bar.width() * min(max(found[end], 0.0), 5.0) / 5.0 for end in ("low", "high"))
                painter.setBrush(theme.colour("accent" if shown else "faint"))
                painter.drawRoundedRect(QRectF(bar.left() + low, bar.top(), max(high - low, 4.0), 6), 3, 3)
        painter.end()


class ReportPage(Page):
    """The verdict, its reasons, pictures and figures."""

    step = 3

    def __init__(self, maker: Maker) -> None:
        super().__init__("", "")
        self._maker = maker
        self.next_text = "Train the avatar"
        self.verdict = QFrame()
        self.verdict.setObjectName("verdict")
        self._limits = QVBoxLayout(self.verdict)
        self._limits.setContentsMargins(theme.SPACE * 2, theme.SPACE, theme.SPACE, theme.SPACE)
        self._limits.setSpacing(2)
        self.sheet, self.ranges = Sheet(), Ranges()
        self._figures = QGridLayout()
        self._figures.setHorizontalSpacing(theme.SPACE * 2)
        self._figures.setVerticalSpacing(3)
        self._figures.setColumnStretch(1, 1)
        self.whole = QPushButton("Open the whole report")
        self.whole.setObjectName("link")
        self.whole.setCursor(Qt.CursorShape.PointingHandCursor)
        self.whole.setToolTip("As a page in the browser, with curves over time")
        self.whole.clicked.connect(self._open)
        inner = QWidget()
        inner.setObjectName("scrolled")
        column = QVBoxLayout(inner)
        column.setContentsMargins(0, 0, theme.SPACE, 0)
        column.setSpacing(theme.SPACE)
        column.addWidget(self.verdict)
        column.addWidget(self.sheet)
        column.addWidget(label("Action units shown, 0 to 5", "heading"))
        column.addWidget(self.ranges)
        column.addWidget(label("Figures", "heading"))
        column.addLayout(self._figures)
        column.addLayout(in_row((self.whole,)))
        column.addStretch(1)
        self.scrolled = QScrollArea()
        self.scrolled.setWidget(inner)
        self.scrolled.setWidgetResizable(True)
        self.scrolled.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.scrolled.setAccessibleName("Quality report")
        self.body.addWidget(self.scrolled, 1)
        self.length = QComboBox()
        self.length.setAccessibleName("Length of the training")
        self.length.setToolTip("A bound ends every part of the training early; the avatar is blurrier then")
        for text, minutes in LENGTHS:
            self.length.addItem(text, minutes)
        name = QLabel("Length of the training")
        name.setBuddy(self.length)
        self._length_row = QWidget()
        self._length_row.setLayout(in_row((name, self.length)))
        self.body.addWidget(self._length_row)

    @property
    def minutes(self) -> float | None:
        """How long the training may take; None: as long as it needs."""
        minutes: float | None = self.length.currentData()
        return minutes

    def show_maker(self) -> None:
        """Show the report of what is made now."""
        maker = self._maker
        report, folder = maker.report, maker.report_folder
        if maker.making is None or report is None or folder is None:
            self.title.setText("There is no report")
            self.hint.setText("The capture's report cannot be read; discard this and begin anew.")
            self.set_ready(False)
            return
        verdict = str(report.get("verdict"))
        try:
            self._fill(report, folder)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            self.say_problem(f"The report of {maker.making.name} is damaged ({error!r}); begin the capture anew.")
            self.set_ready(False)
            return
        self.title.setText({GOOD: "A good video", UNUSABLE: "Not usable"}.get(verdict, "Usable with limits"))
        self.hint.setText(HINTS.get(verdict, LIMITED_HINT))
        theme.set_state(self.verdict, "verdict", verdict)
        self.next_text = "" if verdict == UNUSABLE else "Train the avatar"
        self._length_row.setVisible(verdict != UNUSABLE)
        self.set_ready(verdict != UNUSABLE)

    def _fill(self, report: dict[str, Any], folder: Path) -> None:
        _empty(self._limits)
        _empty(self._figures)
        self._limits.addWidget(label(in_words(report), bold=True))
        for limit in report["limits"]:
            self._limits.addWidget(label(f"–  {limit}"))
        self.sheet.show_file(folder / SHEET)
        self.ranges.show_ranges(report["action_units"])
        for row, (name, value) in enumerate(figures(report)):
            heading = label(name, "hint")
            heading.setMinimumWidth(140)
            self._figures.addWidget(heading, row, 0, Qt.AlignmentFlag.AlignTop)
            self._figures.addWidget(label(value), row, 1)
        self.whole.setVisible((folder / PAGE).is_file())

    def _open(self) -> None:
        folder = self._maker.report_folder
        if folder is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder / PAGE)))

    def take_focus(self) -> None:
        """Arrows scroll."""
        self.scrolled.setFocus()


def _empty(layout: QVBoxLayout | QGridLayout) -> None:
    while (item := layout.takeAt(0)) is not None:
        widget = item.widget()
        if widget is not None:
            widget.hide()
            widget.deleteLater()
