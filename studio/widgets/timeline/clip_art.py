"""Expression clips on their tracks: a block as long as the clip, its fades and intensity as a shape inside."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPainterPath

from studio.document.expressions import Clip
from studio.widgets import theme
from studio.widgets.timeline import ink
from studio.widgets.timeline.rows import Row
from studio.widgets.timeline.state import GUTTER, TimelineState, fade_handles

INSET = 3.0
"""From a track's edges to its clips, pixels."""

FADE_STEPS = 8
HANDLE_PX = 3.5
ROOMY_PX = 30.0
"""A clip at least this wide shows its name, and its fade handles when it is selected."""


class ClipArt:
    """Draws tracks."""

    def __init__(self, state: TimelineState) -> None:
        self._state = state

    def paint(self, painter: QPainter, row: Row, rect: QRect, width: int) -> None:
        """One track, as far as it lies in `rect`."""
        state, view = self._state, self._state.view
        top = state.top_of(row)
        painter.setPen(ink.pen("line"))
        painter.drawLine(QPointF(GUTTER, top + row.height - 0.5), QPointF(width, top + row.height - 0.5))
        clips = state.performance.expressions.clips
        if not clips:
            painter.setPen(ink.pen("faint"))
            painter.setFont(ink.font(theme.TYPE.body))
            text = "Double-click to add an expression: happy, sad, surprise…"
            area = QRectF(GUTTER, top, width - GUTTER, row.height)
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter, text)
            return
        first_s, past_s = view.time_at(max(GUTTER, rect.left()) - 6), view.time_at(rect.right() + 6)
        painter.save()
        painter.setClipRect(QRectF(GUTTER, top, width - GUTTER, row.height), Qt.ClipOperation.IntersectClip)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        nexts = [*(view.x_of(clips[i].start_s) for i in row.clips[1:]), 1e6]
        for i, limit in zip(row.clips, nexts, strict=True):
            if clips[i].end_s > first_s and clips[i].start_s < past_s:
                self._paint_clip(painter, clips[i], top, row.height, limit, selected=i in state.selection.clips)
        painter.restore()

    def _paint_clip(
        self, painter: QPainter, clip: Clip, top: float, height: float, limit: float, *, selected: bool
    ) -> None:
        """One clip; its name ends at `limit`, where the next one begins."""
        state, view = self._state, self._state.view
        left, right = view.x_of(clip.start_s), view.x_of(clip.end_s)
        area = QRectF(left, top + INSET, max(2.0, right - left), height - 2 * INSET)
        role = "clip" if state.performance.acts(state.performance.expressions) else "faint"
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ink.colour(role, 0.16))
        painter.drawRoundedRect(area, 3, 3)
        painter.setBrush(ink.colour(role, 0.55 if selected else 0.38))
        painter.drawPath(self._shape(clip, area))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(ink.pen("text", 0.9, 1.4) if selected else ink.pen(role, 0.8))
        painter.drawRoundedRect(area.adjusted(0.5, 0.5, -0.5, -0.5), 3, 3)
        if area.width() < ROOMY_PX:
            return
        known = clip.preset in state.performance.all_presets
        painter.setFont(ink.font(theme.TYPE.small, bold=selected))
        painter.setPen(ink.pen("text" if known else "error"))
        inner = area.adjusted(6, 0, -6, 0)
        visible = inner.intersected(QRectF(GUTTER + 4, top, max(0.0, limit - GUTTER - 8), height))  # always in sight
        name = clip.preset if known else f"{clip.preset} (no such preset)"
        words = f"{name}  {clip.intensity:.0%}"
        metrics = QFontMetricsF(painter.font())
        text = metrics.elidedText(words, Qt.TextElideMode.ElideRight, visible.width())
        painter.drawText(visible, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)
        if selected:
            painter.setPen(ink.pen("window"))
            painter.setBrush(ink.colour("text"))
            for x in fade_handles(clip, left, right):
                painter.drawEllipse(QPointF(x, area.top() + 4), HANDLE_PX, HANDLE_PX)

    @staticmethod
    def _shape(clip: Clip, area: QRectF) -> QPainterPath:
        """The clip's weight over time; the block's height is the greatest intensity."""
        tall = area.height() * clip.intensity / clip.MAX_INTENSITY
        squeeze = min(1.0, (clip.end_s - clip.start_s) / max(clip.fade_in_s + clip.fade_out_s, 1e-12))
        per_s = area.width() / (clip.end_s - clip.start_s)
        rise, fall = clip.fade_in_s * squeeze * per_s, clip.fade_out_s * squeeze * per_s
        path = QPainterPath(QPointF(area.left(), area.bottom()))
        for i in range(1, FADE_STEPS + 1):
            t = i / FADE_STEPS
            path.lineTo(area.left() + rise * t, area.bottom() - tall * t * t * (3 - 2 * t))
        for i in range(FADE_STEPS + 1):
            t = 1 - i / FADE_STEPS
            path.lineTo(area.right() - fall * t, area.bottom() - tall * t * t * (3 - 2 * t))
        path.closeSubpath()
        return path
