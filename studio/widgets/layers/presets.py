"""Expressions to choose from: as menus, and as chips that are clicked or dragged onto the timeline."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from PySide6.QtCore import QByteArray, QMimeData, QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QDrag, QFontMetrics, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QMenu, QPushButton, QSizePolicy, QWidget

from studio.document.expressions import EXPRESSIONS, Preset
from studio.document.performance import Performance
from studio.widgets import theme
from studio.widgets.timeline.canvas import PRESET_MIME

CHIP_HEIGHT = 30
CHIP_WIDTH = 98


def presets_of(performance: Performance) -> tuple[tuple[Preset, ...], tuple[Preset, ...]]:
    """The seven prototypes as they are in this project, and the user's others."""
    shipped = tuple(performance.all_presets[preset.name] for preset in EXPRESSIONS)
    names = {preset.name for preset in EXPRESSIONS}
    return shipped, tuple(preset for preset in performance.presets if preset.name not in names)


def contents(preset: Preset) -> str:
    """`AU6 3.5 · AU12 4 · AU25 1.5`."""
    return " · ".join(f"{key} {value:g}" for key, value in preset.au) or "a neutral face"


def fill_presets(menu: QMenu, performance: Performance, choose: Callable[[str], object]) -> None:
    """Put every expression into a menu."""
    menu.setToolTipsVisible(True)
    for presets in presets_of(performance):
        if presets and not menu.isEmpty():
            menu.addSeparator()
        for preset in presets:
            action = menu.addAction(preset.name.replace("&", "&&"))
            action.setToolTip(contents(preset))
            action.triggered.connect(lambda _checked=False, name=preset.name: choose(name))


class PresetChip(QPushButton):
    """One expression: a click adds it at the playhead, a drag puts it anywhere, the other button asks for more."""

    menu_wanted = Signal(str, QPoint)

    def __init__(self, preset: Preset, own: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.preset, self.own = preset, own
        self.setObjectName("chip")
        self.setFixedHeight(CHIP_HEIGHT)
        self.setMinimumWidth(CHIP_WIDTH)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.OpenHandCursor)
        self.setAccessibleName(f"Add the expression {preset.name} at the playhead")
        self.setToolTip(
            f"<p><b>{escape(preset.name)}</b></p><p>{contents(preset)}</p>"
            "<p>Click to add it at the playhead, or drag it onto the timeline.</p>"
        )
        self._pressed_at: QPointF | None = None

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Three stand side by side in the narrowest inspector."""
        return QSize(CHIP_WIDTH, CHIP_HEIGHT)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Remember where a drag would begin."""
        self._pressed_at = event.position()
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Far enough away it is a drag."""
        start = self._pressed_at
        if start is None or not event.buttons() & Qt.MouseButton.LeftButton:
            return
        if (event.position() - start).manhattanLength() >= QApplication.startDragDistance():
            self._pressed_at = None
            self.setDown(False)
            drag = QDrag(self)
            drag.setMimeData(preset_data(self.preset.name))
            drag.setPixmap(self.grab())
            drag.setHotSpot(start.toPoint())
            drag.exec(Qt.DropAction.CopyAction)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802 - Qt's name
        """What else can be done with it."""
        self.menu_wanted.emit(self.preset.name, event.globalPos())

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """A block like those on the timeline."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        lit = self.isDown() or self.underMouse()
        painter.setBrush(theme.colour("clip", 0.4 if lit else 0.22))
        painter.setPen(theme.colour("accent") if self.hasFocus() else theme.colour("clip", 0.8))
        painter.drawRoundedRect(area, theme.RADIUS, theme.RADIUS)
        painter.setFont(theme.font(theme.TYPE.body))
        painter.setPen(theme.colour("text"))
        name = QFontMetrics(painter.font()).elidedText(self.preset.name, Qt.TextElideMode.ElideRight, self.width() - 12)
        painter.drawText(area, Qt.AlignmentFlag.AlignCenter, name)
        painter.end()


def preset_data(name: str) -> QMimeData:
    """What a dragged expression carries."""
    data = QMimeData()
    data.setData(PRESET_MIME, QByteArray(name.encode()))
    return data
