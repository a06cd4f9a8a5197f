"""One layer of the performance as a row: switches, name, mode and weight."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QSlider, QToolButton, QWidget

from studio.document.expressions import Expressions
from studio.document.lanes import Lane
from studio.document.takes import Base
from studio.widgets import theme

Layer = Lane | Base | Expressions

MODES = {"replace": "over", "add": "add"}
MODE_TIPS = {
    "replace": "This layer takes the place of what lies below it. Click to let it add instead.",
    "add": "This layer adds to what lies below it. Click to let it take its place instead.",
}


MARGIN = 7
"""Room for the handle and its ring at both ends of a slider, pixels."""


SWITCH_PX = 22
"""Of mute and solo: the names need the room."""


class WeightSlider(QSlider):
    """0 to 100 %; one gesture from press to release, one entry for each step of keyboard or wheel."""

    begun = Signal()
    cancelled = Signal()
    """Escape: what the drag has changed is not wanted; `ended` follows."""

    ended = Signal()
    reset = Signal()

    def __init__(self) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.setRange(0, 100)
        self.setSingleStep(5)
        self.setPageStep(25)
        self.setFixedWidth(64)
        self.sliderPressed.connect(self.begun)
        self.sliderReleased.connect(self.ended)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """The handle jumps under the pointer."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.setSliderDown(True)
            self._follow(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """And follows it."""
        if self.isSliderDown():
            self._follow(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Until it is let go."""
        if self.isSliderDown():
            self.setSliderDown(False)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Escape takes a drag back."""
        if event.key() != Qt.Key.Key_Escape or not self.isSliderDown():
            super().keyPressEvent(event)
            return
        self.blockSignals(True)
        self.setSliderDown(False)
        self.blockSignals(False)
        self.cancelled.emit()
        self.ended.emit()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Back to counting in full."""
        self.reset.emit()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """A groove filled up to the handle, and a ring while it has the focus."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle, left, right = self.height() / 2, float(MARGIN), self.width() - float(MARGIN)
        x = left + (right - left) * self.value() / self.maximum()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("groove"))
        painter.drawRoundedRect(QRectF(left, middle - 1.5, right - left, 3), 1.5, 1.5)
        painter.setBrush(theme.colour("accent" if self.value() < self.maximum() else "dim"))
        painter.drawRoundedRect(QRectF(left, middle - 1.5, x - left, 3), 1.5, 1.5)
        painter.drawEllipse(QPointF(x, middle), 4.5, 4.5)
        if self.hasFocus():
            painter.setPen(QPen(theme.colour("accent"), 1.4))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(QPointF(x, middle), 6.5, 6.5)
        painter.end()

    def _follow(self, event: QMouseEvent) -> None:
        share = (event.position().x() - MARGIN) / max(1, self.width() - 2 * MARGIN)
        self.setValue(round(min(max(share, 0.0), 1.0) * 20) * 5)


class LayerRow(QWidget):
    """Shows a layer; reports what the user wants of it."""

    mute_wanted = Signal(bool)
    solo_wanted = Signal(bool)
    mode_wanted = Signal(str)
    weight_begun = Signal()
    weight_moved = Signal(float)
    weight_ended = Signal()
    weight_cancelled = Signal()
    chosen = Signal()
    menu_wanted = Signal(QPoint)

    def __init__(self, layer_id: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.layer_id = layer_id
        self.setObjectName("layer_row")
        self.setFixedHeight(theme.ROW_HEIGHT_ROOMY)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.mute, self.solo, self.mode = QToolButton(), QToolButton(), QToolButton()
        for button, letter, tip in (
            (self.mute, "M", "Mute: as if this layer were not there"),
            (self.solo, "S", "Solo: only layers that are solo act"),
        ):
            button.setText(letter)
            button.setCheckable(True)
            button.setToolTip(tip)
            button.setObjectName("switch")
            button.setFixedWidth(SWITCH_PX)
        self.name = QLabel()
        self.name.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.weight, self.percent = WeightSlider(), QLabel()
        self.weight.setToolTip("How much this layer counts; double-click for 100 %")
        self.percent.setFixedWidth(38)
        self.percent.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.percent.setObjectName("faint")
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.SPACE, 0, theme.SPACE, 0)
        row.setSpacing(2)
        for widget in (self.mute, self.solo):
            row.addWidget(widget)
        row.addSpacing(4)
        row.addWidget(self.name, 1)
        row.addWidget(self.mode)
        row.addWidget(self.weight)
        row.addWidget(self.percent)
        self._title = ""
        self._shown: tuple[Layer, str, bool, bool, bool, str] | None = None
        self.mute.clicked.connect(self.mute_wanted)
        self.solo.clicked.connect(self.solo_wanted)
        self.mode.clicked.connect(self._other_mode)
        self.weight.begun.connect(self.weight_begun)
        self.weight.ended.connect(self.weight_ended)
        self.weight.cancelled.connect(self.weight_cancelled)
        self.weight.valueChanged.connect(lambda value: self.weight_moved.emit(value / 100))
        self.weight.reset.connect(lambda: self.weight_moved.emit(1.0))

    def show_layer(self, layer: Layer, title: str, *, acts: bool, focused: bool, decides: bool) -> None:
        """Show a layer as it is; `decides` marks the one that wins at the playhead."""
        shown = (layer, title, acts, focused, decides, theme.palette().name)
        if self._shown is not None and shown[1:] == self._shown[1:] and layer is self._shown[0]:
            return  # styling anew is dear, and a drag changes one layer of many
        self._shown = shown
        self._title = title
        self.mute.setChecked(layer.mute)
        self.solo.setChecked(layer.solo)
        self.mode.setVisible(isinstance(layer, Lane))
        if isinstance(layer, Lane):
            self.mode.setText(MODES[layer.mode])
            self.mode.setToolTip(MODE_TIPS[layer.mode])
        self.weight.blockSignals(True)
        self.weight.setValue(round(layer.weight * 100))
        self.weight.blockSignals(False)
        self.percent.setText(f"{layer.weight:.0%}")
        palette = theme.palette()
        colour = palette.accent if decides else palette.text if acts else palette.disabled
        ground = palette.raised if focused else "transparent"
        self.setStyleSheet(
            f"#layer_row {{ background: {ground}; }} #layer_row QLabel {{ color: {colour}; }}"
            "#layer_row QToolButton { padding: 2px 5px; }"
        )
        for widget in (self.mute, self.solo, self.mode, self.weight):
            widget.setAccessibleName(f"{title}: {widget.toolTip() or 'mode'}")
        self._elide()

    def _other_mode(self) -> None:
        self.mode_wanted.emit("add" if self.mode.text() == MODES["replace"] else "replace")

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """A long name ends in dots."""
        super().resizeEvent(event)
        self._elide()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """A click chooses the layer."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.chosen.emit()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802 - Qt's name
        """What else can be done with it."""
        self.chosen.emit()
        self.menu_wanted.emit(event.globalPos())

    def _elide(self) -> None:
        metrics = self.name.fontMetrics()
        self.name.setText(metrics.elidedText(self._title, Qt.TextElideMode.ElideRight, max(20, self.name.width())))
        self.name.setToolTip(self._title)
