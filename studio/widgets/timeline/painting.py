"""How the timeline looks. Draws a `TimelineState`; only what lies in the repainted rectangle is looked at."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from studio.widgets import theme
from studio.widgets.timeline import ink
from studio.widgets.timeline.clip_art import ClipArt
from studio.widgets.timeline.gutter import GutterPainter
from studio.widgets.timeline.header import HeaderPainter, marker_area, name_width
from studio.widgets.timeline.lane_art import LaneArt, apart
from studio.widgets.timeline.rows import Row, range_of
from studio.widgets.timeline.state import GUTTER, MARGIN, RULER_HEIGHT, TimelineState


class TimelinePainter:
    """Paints, and keeps what need not be drawn again while only the playhead moves."""

    def __init__(self, state: TimelineState) -> None:
        self._state = state
        self._clips = ClipArt(state)
        self._header, self._lanes, self._gutter = HeaderPainter(state), LaneArt(state), GutterPainter(state)

    def forget(self) -> None:
        """Draw everything anew: the colours have changed."""
        ink.font.cache_clear()
        name_width.cache_clear()
        state = self._state
        self._header, self._lanes, self._gutter = HeaderPainter(state), LaneArt(state), GutterPainter(state)

    def paint(self, painter: QPainter, rect: QRect, width: int, height: int, ratio: float) -> None:
        """Everything within `rect` of a canvas of that size; `ratio` device pixels per pixel."""
        state = self._state
        painter.fillRect(rect, ink.colour("window"))
        if rect.bottom() >= state.top and rect.right() >= GUTTER:
            painter.save()
            painter.setClipRect(QRect(0, state.top, width, max(0, height - state.top)), Qt.ClipOperation.IntersectClip)
            self._paint_rows(painter, rect, width, height, ratio)
            painter.restore()
        if rect.top() <= state.top:
            self._header.paint(painter, rect, width, ratio)
        self._paint_range(painter, width, height)
        self._paint_markers(painter, rect, height)
        if state.caught_s is not None:
            painter.setPen(ink.pen("key", 0.9, 1, Qt.PenStyle.DashLine))
            x = round(state.view.x_of(state.caught_s)) + 0.5
            painter.drawLine(QPointF(x, RULER_HEIGHT), QPointF(x, height))
        self._paint_outline(painter)
        self._paint_playhead(painter, height)
        if rect.left() < GUTTER:
            self._gutter.paint(painter, rect, height, ratio)

    # ---- rows ----

    def _paint_rows(self, painter: QPainter, rect: QRect, width: int, height: int, ratio: float) -> None:
        state = self._state
        keyed = []
        for row in state.rows:
            top = state.top_of(row)
            if top + row.height < max(state.top, rect.top()) or top > min(height, rect.bottom()):
                continue
            if row.kind == "group":
                painter.fillRect(QRectF(GUTTER, top, width - GUTTER, row.height), ink.colour("panel"))
                if row.folded:
                    self._paint_folded(painter, row, rect, top + row.height / 2)
            elif row.kind == "clips":
                self._clips.paint(painter, row, rect, width)
            else:
                self._paint_ground(painter, row, width)
                if row.lane is not None and row.lane.keyed:
                    keyed.append(row)
        self._lanes.paint(painter, keyed, float(rect.left()), min(rect.right() + 1.0, width), ratio)
        for row in keyed:
            self._paint_handles(painter, row)
        if not any(row.members for row in state.rows):
            top = state.top + state.rows_height - state.scroll_px
            self._paint_hint(painter, QRectF(GUTTER, top, width - GUTTER, height - top))

    def _paint_ground(self, painter: QPainter, row: Row, width: int) -> None:
        """What lies behind a curve: the lane in focus is lighter, and lines stand at whole intensities."""
        state, top, lane = self._state, self._state.top_of(row), row.lane
        assert lane is not None
        if state.selection.lane == lane.id:
            painter.fillRect(QRectF(GUTTER, top, width - GUTTER, row.height), ink.colour("raised", 0.45))
        low, high = range_of(lane)
        steps = round(high) if low == 0 and lane.target.startswith("AU") else 2
        places = [round(state.y_of(row, low + (high - low) * i / steps)) + 0.5 for i in range(steps + 1)]
        painter.setPen(ink.pen("line", 0.8))
        painter.drawLines([QLineF(GUTTER, y, width, y) for y in places])
        painter.setPen(ink.pen("line"))
        painter.drawLine(QPointF(GUTTER, top + row.height - 0.5), QPointF(width, top + row.height - 0.5))

    def _paint_handles(self, painter: QPainter, row: Row) -> None:
        state = self._state
        assert row.lane is not None
        handles = state.handles_of(row)
        if not handles:
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(ink.pen("dim", 0.8))
        painter.setBrush(ink.colour("window"))
        curve = row.lane.curve
        for index, _, x, y in handles:
            key_x = state.view.x_of(float(curve.times_s[index]))
            painter.drawLine(QPointF(key_x, state.y_of(row, float(curve.values[index]))), QPointF(x, y))
            painter.drawEllipse(QPointF(x, y), 3, 3)
        painter.restore()

    def _paint_folded(self, painter: QPainter, row: Row, rect: QRect, y: float) -> None:
        """Keys and clips of a folded group."""
        state, view = self._state, self._state.view
        first_s, past_s = view.time_at(max(GUTTER, rect.left()) - 4), view.time_at(rect.right() + 4)
        painter.setPen(ink.pen("key", 0.7, 2))
        for lane in row.members:
            times = lane.curve.times_s[lane.curve.between(first_s, past_s)]
            x = view.left + (times - view.start_s) * view.scale
            places = x[apart(np.round(x).astype(np.int64), 2)].tolist()
            painter.drawLines([QLineF(at, y - 3, at, y + 3) for at in places])
        for i in row.clips:
            clip = state.performance.expressions.clips[i]
            if clip.end_s > first_s and clip.start_s < past_s:
                left, right = view.x_of(clip.start_s), view.x_of(clip.end_s)
                painter.fillRect(QRectF(left, y - 3, max(1.0, right - left), 6), ink.colour("clip", 0.6))

    # ---- over everything ----

    def _paint_range(self, painter: QPainter, width: int, height: int) -> None:
        state = self._state
        if state.range_s is None:
            return
        first, past = (min(max(state.view.x_of(t), GUTTER), width) for t in state.range_s)
        strong = 1.0 if state.looping else 0.5
        area = QRectF(first, RULER_HEIGHT, past - first, height - RULER_HEIGHT)
        painter.fillRect(area, ink.colour("accent", 0.07 * strong))
        painter.fillRect(QRectF(first, RULER_HEIGHT - 4, past - first, 4), ink.colour("accent", strong))
        painter.setPen(ink.pen("accent", 0.5 * strong))
        for x in (first, past):
            if GUTTER < x < width:
                painter.drawLine(QPointF(round(x) + 0.5, RULER_HEIGHT), QPointF(round(x) + 0.5, height))

    def _paint_markers(self, painter: QPainter, rect: QRect, height: int) -> None:
        state = self._state
        painter.setFont(ink.font(10))
        for marker in state.markers:
            x = round(state.view.x_of(marker.time_s)) + 0.5
            if x - 1 > rect.right() or marker_area(x, marker.name).right() < rect.left():
                continue
            colour = QColor(marker.colour) if marker.colour else ink.colour("warning")
            painter.setPen(QPen(colour, 1, Qt.PenStyle.DotLine))
            painter.drawLine(QPointF(x, RULER_HEIGHT), QPointF(x, height))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour)
            painter.drawPolygon(QPolygonF([QPointF(x, 3), QPointF(x + 7, 6.5), QPointF(x, 10), QPointF(x, 3)]))
            painter.fillRect(QRectF(x - 0.5, 3, 1, RULER_HEIGHT - 3), colour)
            if marker.name:
                painter.setPen(colour)
                area = marker_area(x, marker.name).adjusted(9, 0, 0, 0)
                painter.fillRect(area, ink.colour("panel"))
                painter.drawText(area, Qt.AlignmentFlag.AlignCenter, marker.name)

    def _paint_outline(self, painter: QPainter) -> None:
        """The rubber band, or the line of the lasso."""
        state = self._state
        painter.setPen(ink.pen("accent", 0.9))
        painter.setBrush(ink.colour("accent", 0.12))
        if state.lasso:
            painter.drawPolygon(QPolygonF([QPointF(x, y) for x, y in state.lasso]))
        if state.box is None:
            return
        left, top, right, bottom = state.box
        painter.drawRect(QRectF(QPointF(left, top), QPointF(right, bottom)).normalized())

    def _paint_playhead(self, painter: QPainter, height: int) -> None:
        x = round(self._state.view.x_of(self._state.position_s)) + 0.5
        if x < GUTTER + MARGIN - 2:
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(ink.pen("text"))
        painter.drawLine(QPointF(x, RULER_HEIGHT - 4), QPointF(x, height))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ink.colour("text"))
        top = RULER_HEIGHT - 10.0
        corners = ((-5, 0), (5, 0), (5, 4), (0, 9), (-5, 4))
        painter.drawPolygon(QPolygonF([QPointF(x + right, top + down) for right, down in corners]))
        painter.restore()

    def _paint_hint(self, painter: QPainter, area: QRectF) -> None:
        if area.height() < 20:
            return
        painter.setPen(ink.pen("faint"))
        painter.setFont(ink.font(theme.TYPE.body))
        text = "No keys yet: click the diamond beside a slider, or switch on Auto-key and move one"
        painter.drawText(area, Qt.AlignmentFlag.AlignCenter, text)
