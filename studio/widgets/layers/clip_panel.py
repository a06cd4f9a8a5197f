"""The numbers of one expression clip, in a small panel over the timeline."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QFormLayout, QFrame, QWidget

from studio.document.commands import Event, History
from studio.document.expressions import Clip
from studio.widgets import theme
from studio.widgets.timeline.clip_editor import ClipEditor


class ClipPanel(QFrame):
    """Each number is applied when it is entered; Enter and Escape close."""

    def __init__(self, history: History, editor: ClipEditor, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("amount_panel")
        self._history, self._editor = history, editor
        self.preset = QComboBox()
        self.intensity = _number(" %", 0, Clip.MAX_INTENSITY * 100, 5, 0)
        self.start, self.end = _number(" s", 0, 36_000, 0.04, 2), _number(" s", 0, 36_000, 0.04, 2)
        self.fade_in, self.fade_out = _number(" s", 0, 3600, 0.04, 2), _number(" s", 0, 3600, 0.04, 2)
        form = QFormLayout(self)
        form.setContentsMargins(12, 10, 12, 10)
        form.setSpacing(theme.SPACE)
        fields: tuple[tuple[str, QWidget], ...] = (
            ("Expression", self.preset), ("Intensity", self.intensity), ("Start", self.start), ("End", self.end),
            ("Fade in", self.fade_in), ("Fade out", self.fade_out),
        )  # fmt: skip
        for name, field in fields:
            field.setAccessibleName(name)
            form.addRow(name, field)
        self.preset.activated.connect(lambda _i: editor.set_preset(self.preset.currentText()))
        self.intensity.valueChanged.connect(lambda value: editor.set_intensity(value / 100))
        self.start.valueChanged.connect(lambda value: editor.set_span(start_s=value))
        self.end.valueChanged.connect(lambda value: editor.set_span(end_s=value))
        self.fade_in.valueChanged.connect(lambda value: editor.set_fades(in_s=value))
        self.fade_out.valueChanged.connect(lambda value: editor.set_fades(out_s=value))

    def open(self, at: QPoint) -> None:
        """Show the first selected clip beside a place of the screen."""
        if not self._editor.chosen:
            return
        performance = self._history.project.performance
        self.preset.clear()
        self.preset.addItems(list(performance.all_presets))
        self.follow()
        self.adjustSize()
        screen = self.screen().availableGeometry()
        x = min(at.x(), screen.right() - self.width())
        self.move(max(screen.left(), x), max(screen.top(), min(at.y(), screen.bottom()) - self.height() - 8))
        self.show()
        self.intensity.setFocus()
        self.intensity.selectAll()

    def follow(self, _event: Event | None = None) -> None:
        """Show what the clip is now."""
        if not self._editor.chosen:
            self.hide()
            return
        clip = self._history.project.performance.expressions.clips[self._editor.chosen[0]]
        self.preset.setCurrentText(clip.preset)
        for field, value in (
            (self.intensity, clip.intensity * 100), (self.start, clip.start_s), (self.end, clip.end_s),
            (self.fade_in, clip.fade_in_s), (self.fade_out, clip.fade_out_s),
        ):  # fmt: skip
            field.blockSignals(True)
            field.setValue(value)
            field.blockSignals(False)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Enter and Escape close."""
        if event.key() in (Qt.Key.Key_Escape, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.hide()
        else:
            super().keyPressEvent(event)


def _number(unit: str, low: float, high: float, step: float, decimals: int) -> QDoubleSpinBox:
    field = QDoubleSpinBox()
    field.setRange(low, high)
    field.setDecimals(decimals)
    field.setSingleStep(step)
    field.setSuffix(unit)
    field.setKeyboardTracking(False)
    field.setMinimumWidth(110)
    theme.pad(field, 2)
    return field
