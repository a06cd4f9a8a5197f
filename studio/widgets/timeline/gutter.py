"""The names beside the lanes, with their little switches."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPen, QPolygonF

from studio.widgets import theme
from studio.widgets.timeline.rows import Row
from studio.widgets.timeline.state import GUTTER, PHONEME_HEIGHT, RULER_HEIGHT, TOP, WAVE_HEIGHT, TimelineState

Switch = Literal["fold", "mute", "solo", "close", "name"]

SWITCH_PX = 18
SWITCHES: tuple[tuple[Switch, str], ...] = (("mute", "M"), ("solo", "S"), ("close", "×"))
LEFT = 12


def switch_at(state: TimelineState, x: float, y: float) -> tuple[Row, Switch] | None:
    """What a click into the gutter means."""
    row = state.row_at(y)
    if row is None or x >= GUTTER:
        return None
    if row.lane is None:
        return row, "fold"
    for name, _ in SWITCHES:
        if switch_area(state, row, name).contains(QPointF(x, y)):
            return (row, name) if name != "close" or not row.lane.keyed else (row, "name")
    return row, "name"


def switch_area(state: TimelineState, row: Row, name: Switch) -> QRectF:
    """Where a switch of a lane is."""
    i = [switch for switch, _ in SWITCHES].index(name)
    return QRectF(LEFT - 4 + i * (SWITCH_PX + 2), state.top_of(row) + 29, SWITCH_PX, SWITCH_PX)


def paint_gutter(painter: QPainter, state: TimelineState, width: int, height: int) -> None:
    """All names."""
    painter.fillRect(QRectF(0, 0, GUTTER, height), theme.colour("panel"))
    painter.setFont(theme.font(theme.TYPE.small))
    painter.setPen(theme.colour("faint"))
    for title, above, tall in (
        ("Speech", RULER_HEIGHT, WAVE_HEIGHT),
        ("Sounds", RULER_HEIGHT + WAVE_HEIGHT, PHONEME_HEIGHT),
    ):
        painter.drawText(QRectF(LEFT, above, GUTTER - LEFT, tall), Qt.AlignmentFlag.AlignVCenter, title)
    painter.save()
    painter.setClipRect(QRectF(0, TOP, GUTTER, max(0, height - TOP)), Qt.ClipOperation.IntersectClip)
    for row in state.rows:
        top = state.top_of(row)
        if top + row.height < TOP or top > height:
            continue
        if row.lane is None:
            _paint_group(painter, row, top)
        else:
            _paint_lane(painter, state, row, top)
    painter.restore()
    painter.setPen(QPen(theme.colour("line"), 1))
    painter.drawLine(QPointF(GUTTER - 0.5, RULER_HEIGHT), QPointF(GUTTER - 0.5, height))
    painter.drawLine(QPointF(0, TOP - 0.5), QPointF(GUTTER, TOP - 0.5))


def _paint_group(painter: QPainter, row: Row, top: float) -> None:
    middle = top + row.height / 2
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.colour("faint"))
    corners = ((-2, -4), (3, 0), (-2, 4)) if row.folded else ((-4, -2), (4, -2), (0, 3))
    painter.drawPolygon(QPolygonF([QPointF(LEFT + dx, middle + dy) for dx, dy in corners]))
    painter.restore()
    painter.setPen(theme.colour("faint"))
    painter.setFont(theme.font(theme.TYPE.heading, bold=True))
    title = f"{row.title}  {len(row.members)}" if row.folded else row.title
    area = QRectF(LEFT + 10, top, GUTTER - LEFT - 10, row.height)
    painter.drawText(area, Qt.AlignmentFlag.AlignVCenter, title)


def _paint_lane(painter: QPainter, state: TimelineState, row: Row, top: float) -> None:
    lane = row.lane
    assert lane is not None
    focused = state.selection.lane == lane.id
    if focused:
        painter.fillRect(QRectF(0, top, GUTTER, row.height), theme.colour("raised"))
        painter.fillRect(QRectF(0, top, 2, row.height), theme.colour("accent"))
    font = theme.font(theme.TYPE.small + 1)
    painter.setFont(font)
    painter.setPen(theme.colour("text" if focused else "dim" if state.performance.acts(lane) else "faint"))
    room = GUTTER - LEFT - 8
    title = QFontMetrics(font).elidedText(row.title, Qt.TextElideMode.ElideRight, room)
    painter.drawText(QRectF(LEFT, top + 6, room, 18), Qt.AlignmentFlag.AlignVCenter, title)
    painter.setFont(theme.font(10, bold=True))
    on = {"mute": lane.mute, "solo": lane.solo, "close": False}
    for name, letter in SWITCHES:
        if name == "close" and lane.keyed:
            continue
        area = switch_area(state, row, name)
        if on[name]:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("warning" if name == "mute" else "accent"))
            painter.drawRoundedRect(area.adjusted(1, 1, -1, -1), 3, 3)
        painter.setPen(theme.colour("on_accent" if on[name] else "faint"))
        painter.drawText(area, Qt.AlignmentFlag.AlignCenter, letter)
    if lane.keyed:
        painter.setFont(theme.font(theme.TYPE.small))
        painter.setPen(theme.colour("dim"))
        value = f"{lane.curve.value(state.position_s):.2f}"
        area = QRectF(GUTTER - 60, top + 29, 52, SWITCH_PX)
        painter.drawText(area, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, value)
    painter.setPen(QPen(theme.colour("line"), 1))
    painter.drawLine(QPointF(0, top + row.height - 0.5), QPointF(GUTTER, top + row.height - 0.5))
