"""A small panel for a tool that needs one number: a slider and a field, and the curve changes while they move."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QHideEvent, QKeyEvent
from PySide6.QtWidgets import QDoubleSpinBox, QFrame, QHBoxLayout, QLabel, QSlider, QVBoxLayout, QWidget

from studio.document.commands import Gesture, History, Selection
from studio.widgets import theme
from studio.widgets.timeline import editor
from studio.widgets.timeline.editor import Amount
from studio.widgets.timeline.edits import selected_keys

STEPS = 200


@dataclass(frozen=True)
class AmountTool:
    """A tool with one number."""

    title: str
    change: Amount
    low: float
    high: float
    start: float
    unit: str
    decimals: int = 2


TOOLS: dict[str, AmountTool] = {
    "keys.smooth": AmountTool("Smooth", editor.smoothed, 0.0, 0.5, 0.08, " s"),
    "keys.simplify": AmountTool("Simplify", editor.simplified, 0.0, 1.0, 0.1, ""),
    "keys.offset": AmountTool("Offset", editor.offset, -5.0, 5.0, 0.0, ""),
    "keys.scale_values": AmountTool("Scale values", editor.scaled_values, 0.0, 200.0, 100.0, " %", 0),
    "keys.scale_time": AmountTool("Scale time", editor.scaled_times, 10.0, 400.0, 100.0, " %", 0),
    "keys.blend_neutral": AmountTool("Blend to neutral", editor.blended, -100.0, 100.0, 50.0, " %", 0),
}
"""By the id of their action. The start is a moderate amount, so that the tool shows at once what it does."""


class AmountPanel(QFrame):
    """One gesture from opening to closing: Enter or a click elsewhere keeps it, Escape takes it back."""

    def __init__(self, history: History, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("amount_panel")
        self._history = history
        self._gesture: Gesture | None = None
        self._tool: AmountTool | None = None
        self._target = Selection()
        self.title, self.result = QLabel(), QLabel()
        self.title.setFont(theme.font(theme.TYPE.body, bold=True))
        self.result.setObjectName("faint")
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, STEPS)
        self.slider.setMinimumWidth(190)
        self.slider.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.field = QDoubleSpinBox()
        self.field.setFixedWidth(80)
        theme.pad(self.field, 2)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 10, 12, 10)
        head, body = QHBoxLayout(), QHBoxLayout()
        head.addWidget(self.title)
        head.addStretch(1)
        head.addWidget(self.result)
        body.addWidget(self.slider, 1)
        body.addWidget(self.field)
        column.addLayout(head)
        column.addLayout(body)
        self.slider.valueChanged.connect(self._slid)
        self.field.valueChanged.connect(self._changed)

    def open(self, tool: AmountTool, target: Selection, at: QPoint) -> None:
        """Begin: the selected keys change by the tool's usual amount."""
        self._tool, self._target = tool, target
        self.title.setText(tool.title)
        self._gesture = self._history.begin(f"{tool.title} keys")
        self.field.blockSignals(True)
        self.field.setDecimals(tool.decimals)
        self.field.setRange(tool.low, tool.high)
        self.field.setSingleStep((tool.high - tool.low) / 100)
        self.field.setSuffix(tool.unit)
        self.field.setValue(tool.start)
        self.field.blockSignals(False)
        self._changed(tool.start)
        self.adjustSize()
        self.move(at)
        self.show()
        self.field.setFocus()
        self.field.selectAll()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Enter keeps, Escape takes back."""
        if event.key() == Qt.Key.Key_Escape and self._gesture is not None and self._gesture.active:
            self._gesture.cancel()
        if event.key() in (Qt.Key.Key_Escape, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.hide()
        else:
            super().keyPressEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 - Qt's name
        """The end of the gesture."""
        gesture, self._gesture = self._gesture, None
        if gesture is not None and gesture.active:
            gesture.commit()
        super().hideEvent(event)

    def _slid(self, step: int) -> None:
        if self._tool is not None:
            self.field.setValue(self._tool.low + (self._tool.high - self._tool.low) * step / STEPS)

    def _changed(self, amount: float) -> None:
        if self._tool is None or self._gesture is None or not self._gesture.active:
            return
        self.slider.blockSignals(True)
        self.slider.setValue(round((amount - self._tool.low) / (self._tool.high - self._tool.low) * STEPS))
        self.slider.blockSignals(False)
        project, selection = self._tool.change(self._gesture.start, self._target, amount)
        self._gesture.update(project, selection)
        before = sum(len(keys) for _, keys in selected_keys(self._gesture.start.performance, self._target))
        after = sum(len(keys) for _, keys in selection.keys)
        self.result.setText(f"{before} keys" if after == before else f"{before} → {after} keys")
