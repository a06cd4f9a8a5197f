"""A row of a panel: number, name, slider, value and key of one channel; the panels of such rows."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QDoubleSpinBox, QFrame, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from studio.widgets import theme
from studio.widgets.au_slider import AU_SCALE, AuSlider, Scale
from studio.widgets.key_button import KEY_BUTTON_WIDTH, KeyButton

NUMBER_WIDTH, NAME_WIDTH, VALUE_WIDTH = 26, 132, 48
"""Columns of a row, pixels."""

SETTLED = 0.004
"""A value no further from neutral is shown as neutral: less than what the field can show."""


class ValueField(QDoubleSpinBox):
    """The number beside a slider: type, or use the arrows."""

    def __init__(self, parent: QWidget | None = None, scale: Scale = AU_SCALE, *, suffix: str = "") -> None:
        super().__init__(parent)
        self.setObjectName("value")
        self.setRange(scale.low, scale.high)
        self.setDecimals(2 if scale.steps >= 100 else 1)
        self.setSingleStep(scale.key_step / scale.steps)
        self.setSuffix(suffix)
        theme.pad(self, 4)
        self.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.setKeyboardTracking(False)
        self.setFixedWidth(VALUE_WIDTH + (8 if suffix else 0))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def show_value(self, value: float, *, changed: bool) -> None:
        """Show a number without reporting it; not while the user types."""
        if not self.hasFocus():
            self.blockSignals(True)
            self.setValue(value if abs(value) > SETTLED else 0.0)
            self.blockSignals(False)
        theme.set_state(self, "changed", changed)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        """Leave the wheel to the panel unless the field has the focus."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class SliderRow(QWidget):
    """Name, slider, value and key of one channel.

    Args:
        key: of the channel.
        name: what it is called.
        number: in front of the name, empty for none.
        tip: rich text that explains it.
        scale: of the slider.
        limits: what may be typed, where that is more than the slider's scale.
        suffix: the unit after the number, empty for none.
    """

    reset = Signal()

    def __init__(
        self,
        key: str,
        name: str,
        *,
        number: str = "",
        tip: str = "",
        scale: Scale = AU_SCALE,
        limits: tuple[float, float] | None = None,
        suffix: str = "",
    ) -> None:
        super().__init__()
        self.channel = key
        title = f"{key} {name}" if number else name
        self.setMinimumHeight(theme.ROW_HEIGHT)
        self.setMaximumHeight(theme.ROW_HEIGHT_ROOMY)
        self.setToolTip(tip)
        self.slider, self.value = AuSlider(self, scale), ValueField(self, scale, suffix=suffix)
        if limits is not None:
            self.value.setRange(*limits)
        self.slider.setAccessibleName(title)
        self.value.setAccessibleName(f"{title}, value")
        self._number, self._name = QLabel(number), QLabel(name)
        self._number.setObjectName("row_number")
        self._name.setObjectName("row_name")
        self._number.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.SPACE, 0, theme.SPACE, 0)
        row.setSpacing(theme.SPACE // 2)
        self._number.setVisible(bool(number))
        self._number.setFixedWidth(NUMBER_WIDTH)
        self._name.setFixedWidth(NAME_WIDTH if number else NAME_WIDTH - theme.SPACE)
        self._name.setContentsMargins(0 if number else theme.SPACE, 0, 0, 0)
        row.addWidget(self._number)
        row.addWidget(self._name)
        row.addWidget(self.slider, 1)
        row.addWidget(self.value)
        self.key = KeyButton(title)
        row.addWidget(self.key)
        self._seen: tuple[float, ...] | None = None
        self.show_intensity(0.0, changed=False)

    def show_intensity(self, intensity: float, *, changed: bool, keyed: bool = False, on_key: bool = False) -> None:
        """Show a value; `changed` when held, `keyed` when a curve moves it, `on_key` at one of its keys."""
        told = (intensity, changed, keyed, on_key)
        if (*told, self.slider.value(), self.value.value()) == self._seen:
            return
        self.slider.show_intensity(intensity, changed=changed, keyed=keyed)
        self.key.show_state(keyed=keyed, on_key=on_key)
        self.value.show_value(intensity, changed=changed or abs(intensity) > SETTLED)
        state = "keyed" if keyed else "held" if changed else ""
        theme.set_state(self._number, "state", state)
        theme.set_state(self._name, "state", state)
        in_hand = self.slider.dragging or self.value.hasFocus()  # then something else is shown
        self._seen = None if in_hand else (*told, self.slider.value(), self.value.value())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Reset, on the name as on the slider."""
        self.reset.emit()


class SliderPanel(QFrame):
    """Rows under each other, scrolled where they do not fit. Reports gestures by channel; shows what it is told.

    Signals:
        gesture_begun(key), gesture_moved(key, value), gesture_ended(key): a drag.
        gesture_cancelled(): what the drag has changed is not wanted; the end follows.
        value_set(key, value): one step of keyboard, wheel or field.
        value_reset(key): back to what lies below.
        key_clicked(key): the diamond.
        pointed(key): the pointer or the keyboard came to a row.
    """

    gesture_begun = Signal(str)
    gesture_moved = Signal(str, float)
    gesture_ended = Signal(str)
    gesture_cancelled = Signal()
    value_set = Signal(str, float)
    value_reset = Signal(str)
    key_clicked = Signal(str)
    pointed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.column = QVBoxLayout()
        self.column.setContentsMargins(0, 0, 0, theme.SPACE // 2)
        self.column.setSpacing(0)
        content = QWidget()
        content.setObjectName("scrolled")
        content.setLayout(self.column)
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setWidget(content)
        self.outer = QVBoxLayout(self)
        self.outer.setContentsMargins(0, 0, 0, 0)
        self.outer.setSpacing(0)
        self.outer.addWidget(self._scroll, 1)

    def adopt(self, row: SliderRow) -> SliderRow:
        """Report what happens in a row."""
        key = row.channel
        row.slider.pressed.connect(lambda: self.gesture_begun.emit(key))
        row.slider.moved.connect(lambda value: self.gesture_moved.emit(key, value))
        row.slider.released.connect(lambda: self.gesture_ended.emit(key))
        row.slider.cancelled.connect(self.gesture_cancelled)
        row.slider.stepped.connect(lambda value: self.value_set.emit(key, value))
        row.slider.reset.connect(lambda: self.value_reset.emit(key))
        row.value.valueChanged.connect(lambda value: self.value_set.emit(key, value))
        row.reset.connect(lambda: self.value_reset.emit(key))
        row.key.clicked.connect(lambda: self.key_clicked.emit(key))
        for control in (row, row.slider, row.value, row.key):
            control.installEventFilter(self)
        return row

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Scroll a control into sight when the keyboard reaches it."""
        if event.type() == QEvent.Type.Enter and isinstance(watched, SliderRow):
            self.pointed.emit(watched.channel)
        elif event.type() == QEvent.Type.FocusIn and isinstance(watched, QWidget):
            row = watched.parent()
            if isinstance(row, SliderRow):
                self.pointed.emit(row.channel)
            self._scroll.ensureWidgetVisible(watched, 0, theme.ROW_HEIGHT)
        return super().eventFilter(watched, event)


def value_column_width() -> int:
    """Width of what stands right of the sliders, for what is aligned with them."""
    return VALUE_WIDTH + KEY_BUTTON_WIDTH + theme.SPACE // 2
