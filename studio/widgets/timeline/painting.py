"""How the timeline looks. Draws a `TimelineState`; only what lies in the repainted rectangle is looked at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPen, QPixmap, QPolygonF

from studio.document.curves import Curve
from studio.document.lanes import CHANNELS
from studio.widgets import theme
from studio.widgets.timeline.gutter import paint_gutter
from studio.widgets.timeline.rows import Row
from studio.widgets.timeline.state import (
    GUTTER,
    INSET,
    MARGIN,
    PHONEME_HEIGHT,
    RULER_HEIGHT,
    TOP,
    WAVE_HEIGHT,
    TimelineState,
)
from studio.widgets.timeline.strips import curve_strip, wave_strip

TICKS_S = (0.04, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200)
TICK_PX = 64
FRAME_PX = 7.0
"""Frames get a tick of their own when they are at least this far apart."""

KEY_PX = 9
CROWDED_PX = 2
"""Of keys closer together than this, one is drawn."""

LABEL_PX = 11
Geometry = tuple[float, float, int, float]


class TimelinePainter:
    """Paints, and keeps strips that need not be drawn again while only the playhead moves."""

    def __init__(self, state: TimelineState) -> None:
        self._state = state
        self._curves: dict[tuple[str, str], tuple[Curve, tuple[Geometry, int], QImage]] = {}
        self._wave: tuple[object, Geometry, QImage, QImage] | None = None
        self._diamonds: dict[tuple[str, str, int, float], QPixmap] = {}

    def forget(self) -> None:
        """Draw everything anew: the colours have changed."""
        self._curves.clear()
        self._diamonds.clear()
        self._wave = None

    def paint(self, painter: QPainter, rect: QRect, width: int, height: int, ratio: float) -> None:
        """Everything within `rect` of a canvas of that size; `ratio` device pixels per pixel."""
        state = self._state
        painter.fillRect(rect, theme.colour("window"))
        painter.save()
        painter.setClipRect(QRect(0, TOP, width, max(0, height - TOP)), Qt.ClipOperation.IntersectClip)
        for row in state.rows:
            top = state.top_of(row)
            if top + row.height >= max(TOP, rect.top()) and top <= min(height, rect.bottom()):
                self._paint_row(painter, rect, row, width, ratio)
        painter.restore()
        self._paint_top(painter, rect, width, ratio)
        self._paint_range(painter, width, height)
        if not state.rows and rect.bottom() > TOP:
            self._paint_hint(painter, QRectF(GUTTER, TOP, width - GUTTER, height - TOP))
        self._paint_markers(painter, height)
        if state.caught_s is not None:
            painter.setPen(QPen(theme.colour("key", 0.9), 1, Qt.PenStyle.DashLine))
            x = round(state.view.x_of(state.caught_s)) + 0.5
            painter.drawLine(QPointF(x, RULER_HEIGHT), QPointF(x, height))
        if state.box is not None:
            painter.setPen(QPen(theme.colour("accent", 0.9), 1))
            painter.setBrush(theme.colour("accent", 0.12))
            left, top, right, bottom = state.box
            painter.drawRect(QRectF(QPointF(left, top), QPointF(right, bottom)).normalized())
        self._paint_playhead(painter, height)
        if rect.left() < GUTTER:
            paint_gutter(painter, state, width, height)

    # ---- lanes ----

    def _paint_row(self, painter: QPainter, rect: QRect, row: Row, width: int, ratio: float) -> None:
        state, top = self._state, self._state.top_of(row)
        right = width - GUTTER
        if row.lane is None:
            painter.fillRect(QRectF(GUTTER, top, right, row.height), theme.colour("panel"))
            if row.folded:
                for lane in row.members:
                    self._paint_ticks(painter, lane.curve, rect, top + row.height / 2)
            return
        lane = row.lane
        focused = state.selection.lane == lane.id
        if focused:
            painter.fillRect(QRectF(GUTTER, top, right, row.height), theme.colour("raised", 0.45))
        channel = CHANNELS[lane.target]
        painter.setPen(QPen(theme.colour("line", 0.8), 1))
        steps = round(channel.high) if channel.low == 0 else 2
        for i in range(steps + 1):
            y = round(state.y_of(row, channel.low + (channel.high - channel.low) * i / steps)) + 0.5
            painter.drawLine(QPointF(GUTTER, y), QPointF(width, y))
        painter.setPen(QPen(theme.colour("line"), 1))
        painter.drawLine(QPointF(GUTTER, top + row.height - 0.5), QPointF(width, top + row.height - 0.5))
        if not lane.keyed:
            return
        acts = state.performance.acts(lane)
        role = "accent" if acts else "faint"
        painter.drawImage(QPointF(GUTTER, top), self._curve_image(row, role, width, ratio))
        self._paint_handles(painter, row)
        self._paint_keys(painter, row, rect, role="key" if acts else "faint", ratio=ratio)

    def _curve_image(self, row: Row, role: str, width: int, ratio: float) -> QImage:
        lane, view = row.lane, self._state.view
        assert lane is not None
        columns = max(2, round((width - GUTTER) * ratio))
        geometry = ((view.start_s, view.scale, columns, ratio), row.height)
        cached = self._curves.get((lane.id, role))
        if cached is not None and cached[0] is lane.curve and cached[1] == geometry:
            return cached[2]
        channel = CHANNELS[lane.target]
        times = view.time_at(GUTTER) + (np.arange(columns) + 0.5) / (view.scale * ratio)
        levels = ((lane.curve.sample(times) - channel.low) / (channel.high - channel.low)).astype(np.float32)
        height = round(row.height * ratio)
        image = curve_strip(levels, height, INSET * ratio, 1.6 * ratio, theme.colour(role))
        image.setDevicePixelRatio(ratio)
        if len(self._curves) > 200:
            self._curves.clear()
        self._curves[(lane.id, role)] = (lane.curve, geometry, image)
        return image

    def _paint_keys(self, painter: QPainter, row: Row, rect: QRect, *, role: str, ratio: float) -> None:
        state = self._state
        assert row.lane is not None
        curve = row.lane.curve
        seen = curve.between(
            state.view.time_at(max(GUTTER, rect.left()) - KEY_PX), state.view.time_at(rect.right() + KEY_PX)
        )
        if not len(seen):
            return
        x = state.view.left + (curve.times_s[seen] - state.view.start_s) * state.view.scale
        channel = CHANNELS[row.lane.target]
        share = (curve.values[seen] - channel.low) / (channel.high - channel.low)
        y = state.top_of(row) + INSET + (1 - share) * (row.height - 2 * INSET)
        chosen = np.isin(seen, np.asarray(state.selection.keys_of(row.lane.id), np.int64))
        plain = np.flatnonzero(~chosen)
        if len(plain) > 2:
            plain = plain[_apart(x[plain])]
        half = KEY_PX / 2 + 1
        for group, name in ((plain, role), (np.flatnonzero(chosen), "selected")):
            shape = self._diamond(name, ratio)
            for i in group.tolist():
                painter.drawPixmap(QPointF(float(x[i]) - half, float(y[i]) - half), shape)

    def _paint_handles(self, painter: QPainter, row: Row) -> None:
        state = self._state
        assert row.lane is not None
        handles = state.handles_of(row)
        if not handles:
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.colour("dim", 0.8), 1))
        painter.setBrush(theme.colour("window"))
        curve = row.lane.curve
        for index, _, x, y in handles:
            key_x = state.view.x_of(float(curve.times_s[index]))
            painter.drawLine(QPointF(key_x, state.y_of(row, float(curve.values[index]))), QPointF(x, y))
            painter.drawEllipse(QPointF(x, y), 3, 3)
        painter.restore()

    def _paint_ticks(self, painter: QPainter, curve: Curve, rect: QRect, y: float) -> None:
        """Keys of a folded group."""
        view = self._state.view
        seen = curve.between(view.time_at(max(GUTTER, rect.left()) - 4), view.time_at(rect.right() + 4))
        x = view.left + (curve.times_s[seen] - view.start_s) * view.scale
        painter.setPen(QPen(theme.colour("key", 0.7), 2))
        for at in x[_apart(x)].tolist() if len(x) else ():
            painter.drawLine(QPointF(at, y - 3), QPointF(at, y + 3))

    def _diamond(self, name: str, ratio: float) -> QPixmap:
        key = (theme.palette().window, name, KEY_PX, ratio)
        if key not in self._diamonds:
            size = KEY_PX + 2
            shape = QPixmap(round(size * ratio), round(size * ratio))
            shape.setDevicePixelRatio(ratio)
            shape.fill(Qt.GlobalColor.transparent)
            painter = QPainter(shape)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            selected = name == "selected"
            painter.setPen(QPen(theme.colour("key" if selected else "window"), 1.6 if selected else 1))
            painter.setBrush(theme.colour("text" if selected else name))
            middle, reach = size / 2, KEY_PX / 2
            corners = ((0, -reach), (reach, 0), (0, reach), (-reach, 0))
            painter.drawPolygon(QPolygonF([QPointF(middle + dx, middle + dy) for dx, dy in corners]))
            painter.end()
            self._diamonds[key] = shape
        return self._diamonds[key]

    # ---- above the lanes ----

    def _paint_top(self, painter: QPainter, rect: QRect, width: int, ratio: float) -> None:
        state = self._state
        if rect.top() > TOP:
            return
        painter.fillRect(QRectF(0, 0, width, RULER_HEIGHT), theme.colour("panel"))
        painter.fillRect(QRectF(0, RULER_HEIGHT, width, TOP - RULER_HEIGHT), theme.colour("window"))
        self._paint_ruler(painter, width)
        if state.peaks is None or state.busy:
            text = state.busy or "No speech yet: open a sound or video file, or drop one here"
            painter.setPen(theme.colour("dim" if state.busy else "faint"))
            painter.setFont(theme.font(theme.TYPE.body))
            area = QRectF(GUTTER, RULER_HEIGHT, width - GUTTER, TOP - RULER_HEIGHT)
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter, text)
        if state.peaks is not None and not state.busy:
            self._paint_wave(painter, width, ratio)
            self._paint_phonemes(painter, rect)
        painter.setPen(QPen(theme.colour("line"), 1))
        painter.drawLine(QPointF(0, TOP - 0.5), QPointF(width, TOP - 0.5))

    def _paint_ruler(self, painter: QPainter, width: int) -> None:
        state, view = self._state, self._state.view
        painter.setFont(theme.font(10))
        frame_px = view.scale / state.fps
        if frame_px >= FRAME_PX:
            painter.setPen(theme.colour("faint", 0.35))
            first = max(0, int(view.start_s * state.fps))
            for i in range(first, int(view.time_at(width) * state.fps) + 1):
                x = round(view.x_of(i / state.fps)) + 0.5
                painter.drawLine(QPointF(x, RULER_HEIGHT - 3), QPointF(x, RULER_HEIGHT - 1))
        step = next((s for s in TICKS_S if s * view.scale >= TICK_PX), TICKS_S[-1])
        last = min(view.time_at(width), view.total_s)
        for i in range(int(view.start_s / step), int(last / step + 1e-6) + 1):
            x = round(view.x_of(i * step)) + 0.5
            painter.setPen(theme.colour("faint", 0.6))
            painter.drawLine(QPointF(x, RULER_HEIGHT - 6), QPointF(x, RULER_HEIGHT - 1))
            painter.setPen(theme.colour("faint"))
            label = QRectF(x + 4, 0, TICK_PX, RULER_HEIGHT - 2)
            painter.drawText(label, Qt.AlignmentFlag.AlignVCenter, tick_label(i * step, step))

    def _paint_wave(self, painter: QPainter, width: int, ratio: float) -> None:
        state = self._state
        played, ahead = self._wave_images(width, ratio)
        split = min(max(state.view.x_of(state.position_s), GUTTER), width)
        for image, left, right in ((played, GUTTER, split), (ahead, split, width)):
            if right > left:
                source = QRectF((left - GUTTER) * ratio, 0, (right - left) * ratio, image.height())
                painter.drawImage(QRectF(left, RULER_HEIGHT, right - left, WAVE_HEIGHT), image, source)

    def _wave_images(self, width: int, ratio: float) -> tuple[QImage, QImage]:
        """The waveform in the colours of what was and what will be heard."""
        state, view = self._state, self._state.view
        assert state.peaks is not None
        columns = max(2, round((width - GUTTER) * ratio))
        geometry = (view.start_s, view.scale, columns, ratio)
        if self._wave is None or self._wave[0] is not state.peaks or self._wave[1] != geometry:
            low, high = state.peaks.columns(view.time_at(GUTTER), view.time_at(width), columns)
            loudest = state.peaks.loudest
            images = []
            for role in ("accent", "faint"):
                image = wave_strip(low / loudest, high / loudest, round(WAVE_HEIGHT * ratio), theme.colour(role))
                image.setDevicePixelRatio(ratio)
                images.append(image)
            self._wave = (state.peaks, geometry, images[0], images[1])
        return self._wave[2], self._wave[3]

    def _paint_phonemes(self, painter: QPainter, rect: QRect) -> None:
        state, view = self._state, self._state.view
        first_s, past_s = view.time_at(max(GUTTER, rect.left()) - 2), view.time_at(rect.right() + 2)
        top = float(RULER_HEIGHT + WAVE_HEIGHT)
        font = theme.font(10)
        painter.setFont(font)
        metrics = QFontMetricsF(font)
        drawn_to = -1.0
        for phoneme in state.phonemes:
            if phoneme.end_s < first_s or phoneme.label == "SIL":
                continue
            if phoneme.start_s > past_s:
                break
            left, right = view.x_of(phoneme.start_s), view.x_of(phoneme.end_s)
            if right < drawn_to + 1.5:
                continue  # narrower than what can be seen
            drawn_to = right
            area = QRectF(left, top + 2, max(1.0, right - left - 1), PHONEME_HEIGHT - 4)
            heard = phoneme.start_s <= state.position_s < phoneme.end_s
            painter.fillRect(area, theme.colour("accent_dim" if heard else "raised"))
            if metrics.horizontalAdvance(phoneme.label) + 3 <= area.width():
                painter.setPen(theme.colour("text" if heard else "dim"))
                painter.drawText(area, Qt.AlignmentFlag.AlignCenter, phoneme.label)

    # ---- over everything ----

    def _paint_range(self, painter: QPainter, width: int, height: int) -> None:
        state = self._state
        if state.range_s is None:
            return
        first, past = (min(max(state.view.x_of(t), GUTTER), width) for t in state.range_s)
        strong = 1.0 if state.looping else 0.5
        area = QRectF(first, RULER_HEIGHT, past - first, height - RULER_HEIGHT)
        painter.fillRect(area, theme.colour("accent", 0.07 * strong))
        painter.fillRect(QRectF(first, RULER_HEIGHT - 4, past - first, 4), theme.colour("accent", strong))
        painter.setPen(QPen(theme.colour("accent", 0.5 * strong), 1))
        for x in (first, past):
            if GUTTER < x < width:
                painter.drawLine(QPointF(round(x) + 0.5, RULER_HEIGHT), QPointF(round(x) + 0.5, height))

    def _paint_markers(self, painter: QPainter, height: int) -> None:
        state = self._state
        painter.setFont(theme.font(10))
        for marker in state.markers:
            x = round(state.view.x_of(marker.time_s)) + 0.5
            colour = QColor(marker.colour) if marker.colour else theme.colour("warning")
            painter.setPen(QPen(colour, 1, Qt.PenStyle.DotLine))
            painter.drawLine(QPointF(x, RULER_HEIGHT), QPointF(x, height))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour)
            painter.drawPolygon(QPolygonF([QPointF(x, 3), QPointF(x + 7, 6.5), QPointF(x, 10), QPointF(x, 3)]))
            painter.fillRect(QRectF(x - 0.5, 3, 1, RULER_HEIGHT - 3), colour)
            if marker.name:
                painter.setPen(colour)
                width = QFontMetricsF(painter.font()).horizontalAdvance(marker.name) + 6
                area = QRectF(x + 9, 0, width, RULER_HEIGHT - 4)
                painter.fillRect(area, theme.colour("panel"))
                painter.drawText(area, Qt.AlignmentFlag.AlignCenter, marker.name)

    def _paint_playhead(self, painter: QPainter, height: int) -> None:
        x = round(self._state.view.x_of(self._state.position_s)) + 0.5
        if x < GUTTER + MARGIN - 2:
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.colour("text"), 1))
        painter.drawLine(QPointF(x, RULER_HEIGHT - 4), QPointF(x, height))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("text"))
        top = RULER_HEIGHT - 10.0
        corners = ((-5, 0), (5, 0), (5, 4), (0, 9), (-5, 4))
        painter.drawPolygon(QPolygonF([QPointF(x + right, top + down) for right, down in corners]))
        painter.restore()

    def _paint_hint(self, painter: QPainter, area: QRectF) -> None:
        if area.height() < 20:
            return
        painter.setPen(theme.colour("faint"))
        painter.setFont(theme.font(theme.TYPE.body))
        text = "No keys yet: click the diamond beside a slider, or switch on Auto-key and move one"
        painter.drawText(area, Qt.AlignmentFlag.AlignCenter, text)


def tick_label(time_s: float, step_s: float) -> str:
    """Time on the ruler: 2.5, 12 s, 1:05."""
    if time_s >= 60:
        return f"{int(time_s // 60)}:{int(time_s % 60):02d}"
    return f"{time_s:.2f}" if step_s < 0.1 else f"{time_s:.1f}" if step_s < 1 else f"{time_s:.0f} s"


def _apart(x: NDArray[np.float64]) -> NDArray[np.int64]:
    """Indices of places that can be told from each other on the screen."""
    _, first = np.unique(np.round(x / CROWDED_PX), return_index=True)
    return np.asarray(first, np.int64)
