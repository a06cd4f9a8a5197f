"""The panel of 17 sliders, grouped by region of the face."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QRectF, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import (
    QDoubleSpinBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QSpacerItem,
    QVBoxLayout,
    QWidget,
)

from studio.document.action_units import ACTION_UNITS, AU_KEYS, MAX_INTENSITY, ActionUnit
from studio.widgets import theme
from studio.widgets.au_help import LETTERS, REGION_TITLES, tool_tip
from studio.widgets.au_slider import MARGIN, AuSlider
from studio.widgets.key_button import KEY_BUTTON_WIDTH, KeyButton

NUMBER_WIDTH, NAME_WIDTH, VALUE_WIDTH = 26, 132, 46
"""Columns of a row, pixels."""


class ValueField(QDoubleSpinBox):
    """The number beside a slider: type, or use the arrows."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("value")
        self.setRange(0.0, MAX_INTENSITY)
        self.setDecimals(2)
        self.setSingleStep(0.1)
        theme.pad(self, 4)
        self.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.setKeyboardTracking(False)
        self.setFixedWidth(VALUE_WIDTH)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def show_value(self, value: float, *, changed: bool) -> None:
        """Show a number without reporting it; not while the user types."""
        if not self.hasFocus():
            self.blockSignals(True)
            self.setValue(value)
            self.blockSignals(False)
        if self.property("changed") != changed:
            self.setProperty("changed", changed)
            self.style().unpolish(self)
            self.style().polish(self)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        """Leave the wheel to the panel unless the field has the focus."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class AuRow(QWidget):
    """Number, name, slider and value of one action unit."""

    reset = Signal()

    def __init__(self, au: ActionUnit, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.au = au
        self.setMinimumHeight(theme.ROW_HEIGHT)
        self.setMaximumHeight(theme.ROW_HEIGHT_ROOMY)
        self.setToolTip(tool_tip(au))
        self.slider, self.value = AuSlider(self), ValueField(self)
        self.slider.setAccessibleName(f"{au.key} {au.name}")
        self.value.setAccessibleName(f"{au.key} {au.name}, value")
        self._number, self._name = QLabel(str(au.number)), QLabel(au.name)
        self._number.setFixedWidth(NUMBER_WIDTH)
        self._number.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._name.setFixedWidth(NAME_WIDTH)
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.SPACE, 0, theme.SPACE, 0)
        row.setSpacing(theme.SPACE // 2)
        row.addWidget(self._number)
        row.addWidget(self._name)
        row.addWidget(self.slider, 1)
        row.addWidget(self.value)
        self.key = KeyButton(f"{au.key} {au.name}")
        row.addWidget(self.key)
        self._changed: tuple[bool, bool] | None = None
        self.show_intensity(0.0, changed=False)

    def show_intensity(self, intensity: float, *, changed: bool, keyed: bool = False, on_key: bool = False) -> None:
        """Show a value; `changed` when held, `keyed` when a curve moves it, `on_key` at one of its keys."""
        self.slider.show_intensity(intensity, changed=changed, keyed=keyed)
        self.key.show_state(keyed=keyed, on_key=on_key)
        self.value.show_value(intensity, changed=changed or intensity > 0.004)
        if (changed, keyed) != self._changed:
            self._changed = (changed, keyed)
            palette = theme.palette()
            number = palette.key if keyed else palette.accent if changed else palette.faint
            self._number.setStyleSheet(f"color: {number}")
            self._name.setStyleSheet(f"color: {palette.text if changed or keyed else palette.dim}")

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Reset, on the name as on the slider."""
        self.reset.emit()


class _Scale(QWidget):
    """The letters A to E over the sliders of a group."""

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Letters where the sliders have their marks."""
        painter = QPainter(self)
        painter.setFont(theme.font(10))
        painter.setPen(theme.colour("faint"))
        left, right = MARGIN, self.width() - MARGIN
        for i, letter in enumerate(LETTERS, 1):
            x = left + (right - left) * i / MAX_INTENSITY
            painter.drawText(QRectF(x - 8, 0, 16, self.height()), Qt.AlignmentFlag.AlignCenter, letter)
        painter.end()


class AuPanel(QFrame):
    """All sliders. Reports gestures by AU name; shows what it is told.

    Signals:
        gesture_begun(key), gesture_moved(key, intensity), gesture_ended(key): a drag.
        value_set(key, intensity): one step of keyboard, wheel or field.
        value_reset(key): back to what lies below.
        key_clicked(key): the diamond.
    """

    gesture_begun = Signal(str)
    gesture_moved = Signal(str, float)
    gesture_ended = Signal(str)
    value_set = Signal(str, float)
    value_reset = Signal(str)
    key_clicked = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.rows: dict[str, AuRow] = {}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        content = QWidget()
        content.setObjectName("scrolled")
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, theme.SPACE // 2)
        column.setSpacing(0)
        for region, title in REGION_TITLES.items():
            column.addWidget(self._group_header(title))
            for au in sorted((a for a in ACTION_UNITS if a.region == region), key=lambda a: a.number):
                column.addWidget(self._row(au), 1)
        column.addSpacerItem(QSpacerItem(0, 0, QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Expanding))
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setWidget(content)
        layout.addWidget(self._scroll, 1)

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

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Scroll a slider into sight when the keyboard reaches it."""
        if event.type() == QEvent.Type.FocusIn and isinstance(watched, QWidget):
            self._scroll.ensureWidgetVisible(watched, 0, theme.ROW_HEIGHT)
        return super().eventFilter(watched, event)

    def _group_header(self, title: str) -> QWidget:
        header = QWidget()
        header.setMinimumHeight(22)
        header.setMaximumHeight(30)
        row = QHBoxLayout(header)
        row.setContentsMargins(theme.SPACE * 2, 0, theme.SPACE, 0)
        row.setSpacing(theme.SPACE // 2)
        label = QLabel(title)
        label.setObjectName("faint")
        label.setFont(theme.font(theme.TYPE.heading, bold=True))
        label.setFixedWidth(NUMBER_WIDTH + NAME_WIDTH - theme.SPACE // 2)
        row.addWidget(label)
        row.addWidget(_Scale(), 1)
        room = QWidget()
        room.setFixedWidth(VALUE_WIDTH + KEY_BUTTON_WIDTH + theme.SPACE // 2)
        row.addWidget(room)
        return header

    def _row(self, au: ActionUnit) -> AuRow:
        row = AuRow(au)
        key = au.key
        row.slider.pressed.connect(lambda: self.gesture_begun.emit(key))
        row.slider.moved.connect(lambda value: self.gesture_moved.emit(key, value))
        row.slider.released.connect(lambda: self.gesture_ended.emit(key))
        row.slider.stepped.connect(lambda value: self.value_set.emit(key, value))
        row.slider.reset.connect(lambda: self.value_reset.emit(key))
        row.value.valueChanged.connect(lambda value: self.value_set.emit(key, value))
        row.reset.connect(lambda: self.value_reset.emit(key))
        row.key.clicked.connect(lambda: self.key_clicked.emit(key))
        row.slider.installEventFilter(self)
        self.rows[key] = row
        return row
