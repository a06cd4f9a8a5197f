"""The panel of 17 sliders, grouped by region of the face, with a search and a filter for what is used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QSpacerItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from studio.document.action_units import ACTION_UNITS, AU_KEYS, FACS_MARKS, MAX_INTENSITY, REGIONS, ActionUnit, Region
from studio.widgets import theme
from studio.widgets.au_help import found, tool_tip
from studio.widgets.au_slider import MARGIN
from studio.widgets.slider_row import NAME_WIDTH, NUMBER_WIDTH, SliderPanel, SliderRow, value_column_width

if TYPE_CHECKING:
    from studio.engine.avatar import AvatarInfo

NEARLY_ALL = 0.9
"""From this share of its range on, a unit counts as seen whole."""


def guess_words(seen: float) -> str:
    """What the hatched part of a slider means, for an avatar that has seen intensities up to `seen`."""
    if seen < 0.5:
        return "Hatched: the video hardly shows this; the avatar moves as the face it was built on does."
    return f"Hatched: the video shows this up to {seen:.1f}; beyond, the avatar moves as the face it was built on does."


class AuRow(SliderRow):
    """Number, name, slider and value of one action unit."""

    def __init__(self, au: ActionUnit) -> None:
        super().__init__(au.key, au.name, number=str(au.number), tip=tool_tip(au))
        self.au = au

    def show_seen(self, share: float) -> None:
        """Hatch what the avatar has not learned from pictures, and say so."""
        self.slider.show_seen(share * MAX_INTENSITY if share < NEARLY_ALL else MAX_INTENSITY)
        guessed = self.slider.seen < MAX_INTENSITY
        self.setToolTip(tool_tip(self.au) + (f"<p>{guess_words(self.slider.seen)}</p>" if guessed else ""))


class SearchField(QLineEdit):
    """Text to search by; Down and Enter go to what was found, Escape clears."""

    entered = Signal()

    def __init__(self, prompt: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("search")
        self.setPlaceholderText(prompt)
        self.setAccessibleName(prompt)
        self.setClearButtonEnabled(True)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """The lens in front of the text."""
        super().paintEvent(event)
        painter = QPainter(self)
        theme.icon("search", "faint").paint(painter, 6, (self.height() - 16) // 2, 16, 16)
        painter.end()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Down and Enter leave for the results; Escape clears, and leaves when there is nothing to clear."""
        key = event.key()
        if key in (Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.entered.emit()
        elif key == Qt.Key.Key_Escape and self.text():
            self.clear()
        elif key == Qt.Key.Key_Escape:
            self.clearFocus()
        else:
            super().keyPressEvent(event)


class _Scale(QWidget):
    """The letters A to E over the sliders of a group."""

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Letters where the sliders have their marks."""
        painter = QPainter(self)
        painter.setFont(theme.font(10))
        painter.setPen(theme.colour("faint"))
        left, right = MARGIN, self.width() - MARGIN
        for i, letter in enumerate(FACS_MARKS, 1):
            x = left + (right - left) * i / MAX_INTENSITY
            painter.drawText(QRectF(x - 8, 0, 16, self.height()), Qt.AlignmentFlag.AlignCenter, letter)
        painter.end()


class GroupHeader(QWidget):
    """Title of a group; a click folds it."""

    folded = Signal(bool)

    def __init__(self, title: str) -> None:
        super().__init__()
        self.setMinimumHeight(22)
        self.setMaximumHeight(30)
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.SPACE, 0, theme.SPACE, 0)
        row.setSpacing(theme.SPACE // 2)
        self.button = QToolButton()
        self.button.setObjectName("group")
        self.button.setText(title)
        self.button.setCheckable(True)
        self.button.setChecked(True)
        self.button.setToolTip("Fold or unfold")
        self.button.setAccessibleName(f"{title}, shown")
        self.button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.button.setIconSize(QSize(12, 12))
        self.button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
        self.button.setFixedWidth(NUMBER_WIDTH + NAME_WIDTH + theme.SPACE // 2)
        self.button.toggled.connect(self._toggled)
        row.addWidget(self.button)
        row.addWidget(_Scale(), 1)
        room = QWidget()
        room.setFixedWidth(value_column_width())
        row.addWidget(room)
        self._toggled(True)

    @property
    def open(self) -> bool:
        """Whether the group is unfolded."""
        return self.button.isChecked()

    def _toggled(self, shown: bool) -> None:
        self.button.setIcon(theme.icon("chevron-down" if shown else "chevron-right", "faint"))
        self.button.setAccessibleName(f"{self.button.text()}, {'shown' if shown else 'folded'}")
        self.folded.emit(not shown)


class AuPanel(SliderPanel):
    """All sliders of the face."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows: dict[str, AuRow] = {}
        self.headers: dict[Region, GroupHeader] = {}
        self._used: frozenset[str] = frozenset()
        for region, title in REGIONS:
            header = self.headers[region] = GroupHeader(title)
            header.folded.connect(self._filter)
            self.column.addWidget(header)
            for au in sorted((a for a in ACTION_UNITS if a.region == region), key=lambda a: a.number):
                row = self.rows[au.key] = AuRow(au)
                self.column.addWidget(row, 1)
                self.adopt(row)
        self.nothing = QLabel()
        self.nothing.setObjectName("hint")
        self.nothing.setWordWrap(True)
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.nothing.setContentsMargins(theme.SPACE * 3, theme.SPACE * 4, theme.SPACE * 3, 0)
        self.column.addWidget(self.nothing)
        self.column.addSpacerItem(QSpacerItem(0, 0, QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Expanding))
        self.outer.insertLayout(0, self._make_search())
        self._filter()

    def _make_search(self) -> QVBoxLayout:
        self.search = SearchField("Find an action unit: number, name or muscle")
        self.search.textChanged.connect(self._filter)
        self.search.entered.connect(self._go_to_first)
        self.only_used = QToolButton()
        self.only_used.setIcon(theme.icon("filter", "dim"))
        self.only_used.setCheckable(True)
        self.only_used.setToolTip("Only what is used: held by a slider, or moved by keys")
        self.only_used.setAccessibleName("Only action units that are used")
        self.only_used.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.only_used.toggled.connect(self._filter)
        row = QHBoxLayout()
        row.setContentsMargins(theme.SPACE, theme.SPACE // 2, theme.SPACE, theme.SPACE // 2)
        row.setSpacing(theme.SPACE // 2)
        row.addWidget(self.search, 1)
        row.addWidget(self.only_used)
        column = QVBoxLayout()
        column.addLayout(row)
        return column

    def start_search(self) -> None:
        """Put the cursor into the search field."""
        self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search.selectAll()

    def show_values(
        self,
        intensities: Sequence[float],
        held: frozenset[str],
        keyed: frozenset[str] = frozenset(),
        on_key: frozenset[str] = frozenset(),
    ) -> None:
        """Show (17,) intensities in channel order.

        Args:
            intensities: 0–5.
            held: action units that the user's sliders hold.
            keyed: those that keys move.
            on_key: those with a key under the playhead.
        """
        for key, intensity in zip(AU_KEYS, intensities, strict=True):
            row = self.rows[key]
            row.show_intensity(float(intensity), changed=key in held, keyed=key in keyed, on_key=key in on_key)
        if held | keyed != self._used:
            self._used = held | keyed
            if self.only_used.isChecked():
                self._filter()

    def show_avatar(self, info: AvatarInfo) -> None:
        """Mark what the avatar's pictures have not shown."""
        for key, row in self.rows.items():
            row.show_seen(info.seen_share(key))

    def _filter(self) -> None:
        """Show what the search, the filter and the folded groups leave."""
        text, only = self.search.text().strip(), self.only_used.isChecked()
        narrowed = bool(text) or only
        total = 0
        for region, header in self.headers.items():
            rows = [row for row in self.rows.values() if row.au.region == region]
            hits = [row for row in rows if found(row.au, text) and (not only or row.channel in self._used)]
            total += len(hits)
            header.setVisible(bool(hits))
            for row in rows:
                row.setVisible(row in hits and (narrowed or header.open))
        self.nothing.setVisible(total == 0)
        self.nothing.setText(
            f"No action unit matches “{text}”. Try a number, a name or a muscle."
            if text
            else "No action unit is used yet. Move a slider, or switch this filter off."
        )

    def _go_to_first(self) -> None:
        """To the first slider that is shown."""
        ordered = sorted(self.rows.values(), key=lambda row: self.column.indexOf(row))
        first = next((row for row in ordered if not row.isHidden()), None)
        if first is not None:
            first.slider.setFocus(Qt.FocusReason.TabFocusReason)
