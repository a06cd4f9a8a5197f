"""The row above the lanes: switches, menus, and time and value of the selected keys as numbers."""

from __future__ import annotations

from typing import get_args

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import QDoubleSpinBox, QFrame, QHBoxLayout, QLabel, QMenu, QToolButton, QWidget

from studio.document.commands import Selection
from studio.document.expressions import Clip
from studio.document.lanes import CHANNELS, Lane
from studio.document.performance import Performance
from studio.widgets import theme
from studio.widgets.actions import Actions
from studio.widgets.fitting import Fitting
from studio.widgets.timeline import edits
from studio.widgets.timeline.recording import Mode
from studio.widgets.timeline.rows import GROUP_OF, GROUPS, title_of

SHAPE_MENU = (
    "keys.constant", "keys.linear", "keys.bezier", "",
    "keys.auto", "keys.aligned", "keys.free",
)  # fmt: skip

TOOL_MENU = (
    "keys.smooth", "keys.simplify", "",
    "keys.ease_in", "keys.ease_out", "keys.ease_in_out", "keys.snap_ease", "keys.anticipate", "keys.overshoot", "",
    "keys.offset", "keys.scale_values", "keys.scale_time", "keys.mirror", "keys.blend_neutral", "",
    "keys.to_frames", "keys.bake",
)  # fmt: skip

EDIT_MENU = (
    "keys.cut", "keys.copy", "keys.paste", "keys.duplicate", "keys.delete", "", "keys.select_all", "keys.numbers",
)  # fmt: skip


class NumberField(QDoubleSpinBox):
    """A number that is applied with Enter or by leaving the field; the window's Escape gives the focus back."""

    entered = Signal(float)

    def __init__(self, name: str, decimals: int, low: float, high: float, step: float) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setToolTip(name)
        self.setDecimals(decimals)
        self.setRange(low, high)
        self.setSingleStep(step)
        self.setKeyboardTracking(False)
        self.setFixedWidth(68)
        theme.pad(self, 4)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.valueChanged.connect(self.entered)

    def show_number(self, value: float | None) -> None:
        """Show a number without applying it; None for nothing to show: an empty field."""
        self.setEnabled(value is not None)
        if value is None:
            self.blockSignals(True)
            self.clear()
            self.blockSignals(False)
        if value is not None and not self.hasFocus():
            self.blockSignals(True)
            self.setValue(value)
            self.blockSignals(False)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Enter applies and leaves."""
        super().keyPressEvent(event)
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape):
            self.clearFocus()


class TimelineToolbar(QFrame):
    """Buttons share the window's actions."""

    lane_wanted = Signal(str)
    time_entered = Signal(float)
    value_entered = Signal(float)

    def __init__(self, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("transport")
        self.setFixedHeight(34)
        self._actions = actions
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.SPACE // 2, 2, theme.SPACE, 2)
        row.setSpacing(2)
        self.auto_key = self._button("keys.auto_key")
        self.mode = self._menu_button("Touch", "What moving a slider does to its curve while it plays")
        actions.fill(self.mode.menu(), tuple(f"record.{mode}" for mode in get_args(Mode)))
        self.mode.menu().setToolTipsVisible(True)
        self.add_lane = self._menu_button("Add lane", "Show the lane of another action unit")
        self.lane_menu = self.add_lane.menu()
        self.expressions = self._menu_button("Expression", "Add happy, sad, surprise… at the playhead")
        self.expression_menu = self.expressions.menu()
        self.shape = self._menu_button("Interpolation", "How the curve goes on from the selected keys")
        actions.fill(self.shape.menu(), SHAPE_MENU)
        self.tools = self._menu_button("Tools", "Smooth, simplify, ease, scale and more, on the selected keys")
        actions.fill(self.tools.menu(), TOOL_MENU)
        for button in (self.auto_key, self.mode, self.add_lane, self.expressions, self.shape, self.tools):
            row.addWidget(button)
        row.addSpacing(theme.SPACE)
        self.time = NumberField("Time of the first selected key or expression, seconds", 3, 0.0, 36_000.0, 0.04)
        self.value = NumberField("Value of the selected keys, intensity of the selected expressions", 2, 0.0, 5.0, 0.1)
        labels = (QLabel("Time"), QLabel("Value"))
        for label, field in zip(labels, (self.time, self.value), strict=True):
            label.setObjectName("faint")
            row.addWidget(label)
            row.addWidget(field)
            row.addSpacing(4)
        self.count = QLabel()
        self.count.setObjectName("faint")
        row.addWidget(self.count)
        row.addStretch(1)
        self.follow = self._button("timeline.follow")
        self.fit = self._button("timeline.fit")
        row.addWidget(self.follow)
        row.addWidget(self.fit)
        self.time.entered.connect(self.time_entered)
        self.value.entered.connect(self.value_entered)
        self.show_selection(Performance(), Selection())
        Fitting(self, (labels, self.value, self.time, self.follow, self.fit, self.mode, self.expressions))

    def fill_lanes(self, shown: set[str]) -> None:
        """The lanes that can be added, by group."""
        menu = self.lane_menu
        menu.clear()
        for group, title in GROUPS:
            keys = [key for key, of in GROUP_OF.items() if of == group and key not in shown]
            if keys:
                menu.addSection(title)
            for key in keys:
                action = QAction(title_of(Lane(key)), menu)
                action.triggered.connect(lambda _checked=False, key=key: self.lane_wanted.emit(key))
                menu.addAction(action)

    def show_mode(self, mode: Mode) -> None:
        """The mode of recording that was chosen."""
        self.mode.setText(mode.capitalize())

    def show_selection(self, performance: Performance, selection: Selection) -> None:
        """Numbers of the selected keys."""
        found = edits.selected_keys(performance, selection)
        clips = [performance.expressions.clips[i] for i in selection.clips if i < len(performance.expressions.clips)]
        counts = ((sum(len(indices) for _, indices in found), "key"), (len(clips), "expression"))
        self.count.setText(", ".join(f"{n} {word}{'' if n == 1 else 's'}" for n, word in counts if n))
        if clips and not found:
            self._show_clip(clips[0])
            return
        if not found:
            self.time.show_number(None)
            self.value.show_number(None)
            return
        channels = [CHANNELS[lane.target] for lane, _ in found]
        self.value.blockSignals(True)  # a narrower range must not set the value of another lane's keys
        self.value.setRange(max(c.low for c in channels), min(c.high for c in channels))
        self.value.blockSignals(False)
        self.time.show_number(min(float(lane.curve.times_s[keys[0]]) for lane, keys in found))
        lane, keys = found[0]
        self.value.show_number(float(np.mean(lane.curve.values[keys[:1]])))

    def _show_clip(self, clip: Clip) -> None:
        self.value.blockSignals(True)
        self.value.setRange(0.0, clip.MAX_INTENSITY)
        self.value.blockSignals(False)
        self.time.show_number(clip.start_s)
        self.value.show_number(clip.intensity)

    def _button(self, action_id: str) -> QToolButton:
        button = QToolButton()
        button.setDefaultAction(self._actions[action_id])
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return button

    def _menu_button(self, text: str, tip: str) -> QToolButton:
        button = QToolButton()
        button.setText(text)
        button.setToolTip(tip)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setMenu(QMenu(button))
        return button
