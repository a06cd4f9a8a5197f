"""Time and value of what is selected as numbers, in a small panel: also where the toolbar has no room for them."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QDoubleSpinBox, QFormLayout, QFrame, QWidget

from studio.widgets import theme
from studio.widgets.timeline.editor import KeyEditor
from studio.widgets.timeline.toolbar import TimelineToolbar


class NumbersPanel(QFrame):
    """Each number is applied when it is entered; Enter and Escape close."""

    def __init__(self, editor: KeyEditor, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("amount_panel")
        self.time, self.value = QDoubleSpinBox(), QDoubleSpinBox()
        form = QFormLayout(self)
        form.setContentsMargins(12, 10, 12, 10)
        form.setSpacing(theme.SPACE)
        for name, field, decimals in (("Time, seconds", self.time, 3), ("Value", self.value, 2)):
            field.setAccessibleName(name)
            field.setDecimals(decimals)
            field.setKeyboardTracking(False)
            field.setMinimumWidth(110)
            theme.pad(field, 2)
            form.addRow(name, field)
        self.time.setSingleStep(0.04)
        self.value.setSingleStep(0.1)
        self.time.valueChanged.connect(editor.set_time)
        self.value.valueChanged.connect(editor.set_value)

    def open(self, toolbar: TimelineToolbar, at: QPoint) -> None:
        """Show what the toolbar shows, above a place of the screen."""
        for field, source in ((self.time, toolbar.time), (self.value, toolbar.value)):
            field.blockSignals(True)
            field.setRange(source.minimum(), source.maximum())
            field.setValue(source.value())
            field.blockSignals(False)
        self.adjustSize()
        self.move(at.x(), at.y() - self.height() - 6)
        self.show()
        self.time.setFocus()
        self.time.selectAll()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Enter and Escape close."""
        if event.key() in (Qt.Key.Key_Escape, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.hide()
        else:
            super().keyPressEvent(event)
