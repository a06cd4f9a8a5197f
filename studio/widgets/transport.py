"""The bar under the timeline: transport buttons, where the playhead is, how well it plays, how loud."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSlider, QToolButton, QWidget

from studio.playback.pacer import Pace
from studio.widgets import theme
from studio.widgets.actions import Actions
from studio.widgets.fitting import Fitting


def timecode(time_s: float) -> str:
    """Minutes, seconds and milliseconds: 0:03.480."""
    milliseconds = round(max(time_s, 0.0) * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes}:{rest // 1000:02d}.{rest % 1000:03d}"


class VolumeSlider(QSlider):
    """A short slider, 0 to 100."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setObjectName("volume")
        self.setAccessibleName("Volume")
        self.setToolTip("Volume of the studio; an export is not changed by it")
        self.setRange(0, 100)
        self.setValue(100)
        self.setFixedSize(96, 24)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Jump to the pointer."""
        self.setSliderDown(True)
        self.mouseMoveEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Follow the pointer."""
        if self.isSliderDown():
            self.setValue(round((event.position().x() - 6) / (self.width() - 12) * 100))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Let go."""
        self.setSliderDown(False)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Groove and handle in the manner of the other sliders."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        middle, reach = self.height() / 2, self.width() - 12.0
        x = 6 + reach * self.value() / 100
        painter.setBrush(theme.colour("groove"))
        painter.drawRoundedRect(QRectF(6, middle - 1.5, reach, 3), 1.5, 1.5)
        painter.setBrush(theme.colour("dim"))
        painter.drawRoundedRect(QRectF(6, middle - 1.5, x - 6, 3), 1.5, 1.5)
        painter.setBrush(theme.colour("accent" if self.hasFocus() or self.isSliderDown() else "text"))
        painter.drawEllipse(QPointF(x, middle), 5, 5)
        painter.end()


class TransportBar(QFrame):
    """Buttons share the window's actions; the bar shows what it is told."""

    volume_changed = Signal(float)

    def __init__(self, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("transport")
        self.setFixedHeight(48)
        self._actions = actions
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.SPACE, 0, theme.SPACE * 2, 0)
        row.setSpacing(theme.SPACE // 2)
        self.start = self._button("play.start", 20)
        self.play = self._button("play.toggle", 28)
        self.loop = self._button("play.loop", 20)
        for button in (self.start, self.play, self.loop):
            row.addWidget(button)
        row.addSpacing(theme.SPACE)
        self.time = QLabel()
        self.time.setFont(theme.font(theme.TYPE.large))
        self.time.setMinimumWidth(QFontMetrics(self.time.font()).horizontalAdvance("00:00.000") + theme.SPACE)
        self.of = QLabel()
        self.of.setObjectName("faint")
        self.frame = QLabel()
        self.frame.setObjectName("faint")
        row.addWidget(self.time)
        row.addWidget(self.of)
        row.addSpacing(theme.SPACE * 2)
        row.addWidget(self.frame)
        row.addStretch(1)
        self.pace = QLabel()
        self.pace.setObjectName("faint")
        self.pace.setToolTip("Pictures a second, and frames left out so that the sound stays unbroken")
        row.addWidget(self.pace)
        row.addSpacing(theme.SPACE)
        self.speed = QToolButton()
        self.speed.setObjectName("speed")
        self.speed.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.speed.setToolTip("Speed of playback; the pitch stays  (<, >)")
        self.speed.setMinimumWidth(QFontMetrics(self.speed.font()).horizontalAdvance("0.25× …") + 2 * theme.SPACE)
        row.addWidget(self.speed)
        row.addSpacing(theme.SPACE // 2)
        self.mute = self._button("play.mute", 20)
        row.addWidget(self.mute)
        self.volume = VolumeSlider()
        self.volume.valueChanged.connect(lambda value: self.volume_changed.emit((value / 100) ** 2))
        row.addWidget(self.volume)
        self.show_position(0.0, 0.0, 25.0)
        self.show_pace(None)
        self.show_speed("1×", changed=False)
        Fitting(self, (self.volume,))

    def show_playing(self, playing: bool) -> None:
        """Turn the play button into a pause button and back."""
        action = self._actions["play.toggle"]
        action.setIcon(theme.icon("pause" if playing else "play", "text"))
        action.setText("Pause" if playing else "Play")

    def show_position(self, position_s: float, duration_s: float, fps: float) -> None:
        """Time and frame of the playhead."""
        self.time.setText(timecode(position_s))
        self.of.setText(f"/ {timecode(duration_s)}")
        self.frame.setText(f"Frame {int(position_s * fps + 1e-6)} of {max(0, round(duration_s * fps))}")

    def show_speed(self, text: str, *, changed: bool) -> None:
        """The speed of playback; `changed` stands out."""
        self.speed.setText(text)
        self.speed.setAccessibleName(f"Speed {text}")
        self.speed.setProperty("changed", changed)
        self.speed.style().unpolish(self.speed)
        self.speed.style().polish(self.speed)

    def show_pace(self, pace: Pace | None) -> None:
        """Pictures a second and dropped frames; None while nothing plays."""
        if pace is None or pace.shown == 0:
            self.pace.setText("")
            return
        dropped = f"  ·  {pace.dropped} dropped" if pace.dropped else ""
        self.pace.setText(f"{pace.fps:.0f} fps{dropped}")

    def _button(self, action_id: str, icon_px: int) -> QToolButton:
        button = QToolButton()
        button.setDefaultAction(self._actions[action_id])
        button.setIconSize(QSize(icon_px, icon_px))
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        button.setAccessibleName(self._actions[action_id].text())
        return button
