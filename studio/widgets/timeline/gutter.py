"""The names beside the rows, with their little switches."""

from __future__ import annotations

from typing import Literal

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QFontMetrics, QImage, QPainter, QPolygonF

from studio.document.curves import sample_curves
from studio.document.expressions import Expressions
from studio.document.lanes import Lane
from studio.widgets import theme
from studio.widgets.timeline import ink
from studio.widgets.timeline.rows import EXPRESSION_GROUP, GROUP_HEIGHT, Row
from studio.widgets.timeline.state import (
    GUTTER,
    PHONEME_HEIGHT,
    RULER_HEIGHT,
    SPECTRUM_HEIGHT,
    WAVE_HEIGHT,
    TimelineState,
)

Switch = Literal["fold", "mute", "solo", "close", "name", "add"]

SWITCH_PX = 18
SWITCHES: tuple[tuple[Switch, str], ...] = (("mute", "M"), ("solo", "S"), ("close", "×"))
TIPS: dict[Switch, str] = {
    "fold": "Fold or unfold this group",
    "mute": "Mute: as if it were not there",
    "solo": "Solo: only what is solo acts",
    "close": "Put this empty lane away",
    "add": "Add an expression at the playhead",
}
LEFT = 12
VALUE_PX = 52
"""Width of the number at a lane's right."""

MANY = 300


def switch_at(state: TimelineState, x: float, y: float) -> tuple[Row, Switch] | None:
    """What a click into the gutter means."""
    row = state.row_at(y)
    if row is None or x >= GUTTER:
        return None
    if row.kind == "group":
        on_add = row.group == EXPRESSION_GROUP and x >= GUTTER - SWITCH_PX - 4
        return row, "add" if on_add else "fold"
    for name, _ in SWITCHES:
        if switch_area(state, row, name).contains(QPointF(x, y)):
            if row.kind == "clips":
                return (row, name) if row.first and name != "close" else (row, "name")
            return (row, name) if name != "close" or (row.lane is not None and not row.lane.keyed) else (row, "name")
    return row, "name"


def switch_area(state: TimelineState, row: Row, name: Switch) -> QRectF:
    """Where a switch of a row is."""
    return _switch_area(row, name).translated(0, state.top_of(row))


def _switch_area(row: Row, name: Switch) -> QRectF:
    i = [switch for switch, _ in SWITCHES].index(name)
    down = 29 if row.kind == "lane" else (row.height - SWITCH_PX) / 2
    return QRectF(LEFT - 4 + i * (SWITCH_PX + 2), down, SWITCH_PX, SWITCH_PX)


class GutterPainter:
    """Paints the names; each is kept as a picture until it changes."""

    def __init__(self, state: TimelineState) -> None:
        self._state = state
        self._pictures: dict[tuple[object, ...], QImage] = {}
        self._values: tuple[tuple[object, ...], list[float]] = ((), [])

    def paint(self, painter: QPainter, rect: QRect, height: int, ratio: float) -> None:
        """All names within `rect`."""
        state = self._state
        painter.fillRect(QRectF(0, 0, GUTTER, height).intersected(QRectF(rect)), ink.colour("panel"))
        if rect.top() <= state.top:
            self._paint_head(painter)
        painter.save()
        painter.setClipRect(QRectF(0, state.top, GUTTER, max(0, height - state.top)), Qt.ClipOperation.IntersectClip)
        shown = [
            row
            for row in state.rows
            if (top := state.top_of(row)) + row.height >= max(state.top, rect.top())
            and top <= min(height, rect.bottom())
        ]
        for row in shown:
            painter.drawImage(QPointF(0, state.top_of(row)), self._picture(row, ratio))
        keyed = [row for row in shown if row.lane is not None and row.lane.keyed]
        painter.setFont(ink.font(theme.TYPE.small))
        painter.setPen(ink.pen("dim"))
        for row, value in zip(keyed, self._values_now(keyed), strict=True):
            area = QRectF(GUTTER - VALUE_PX - 8, state.top_of(row) + 29, VALUE_PX, SWITCH_PX)
            painter.drawText(area, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, f"{value:.2f}")
        painter.restore()
        painter.setPen(ink.pen("line"))
        painter.drawLine(QPointF(GUTTER - 0.5, RULER_HEIGHT), QPointF(GUTTER - 0.5, height))
        painter.drawLine(QPointF(0, state.top - 0.5), QPointF(GUTTER, state.top - 0.5))

    def _paint_head(self, painter: QPainter) -> None:
        state = self._state
        painter.setFont(ink.font(10))
        painter.setPen(ink.pen("dim"))
        room = GUTTER - LEFT - 4
        text = QFontMetrics(ink.font(10)).elidedText(state.winner, Qt.TextElideMode.ElideRight, room)
        painter.drawText(QRectF(LEFT, 0, room, RULER_HEIGHT), Qt.AlignmentFlag.AlignVCenter, text)
        _paint_triangle(painter, RULER_HEIGHT + WAVE_HEIGHT / 2, folded=not state.spectrum_shown)
        painter.setFont(ink.font(theme.TYPE.small))
        painter.setPen(ink.pen("faint"))
        parts = [("Speech", RULER_HEIGHT, WAVE_HEIGHT), ("Sounds", state.sounds_top, PHONEME_HEIGHT)]
        if state.spectrum_shown:
            parts.append(("Spectrogram", RULER_HEIGHT + WAVE_HEIGHT, SPECTRUM_HEIGHT))
        for title, above, tall in parts:
            area = QRectF(LEFT + 10, above, GUTTER - LEFT - 10, tall)
            painter.drawText(area, Qt.AlignmentFlag.AlignVCenter, title)

    def _values_now(self, rows: list[Row]) -> list[float]:
        curves = [row.lane.curve for row in rows if row.lane is not None]
        known = (self._state.position_s, *(id(curve) for curve in curves))
        if self._values[0] != known:
            self._values = (known, sample_curves(curves, np.array([self._state.position_s]))[:, 0].tolist())
        return self._values[1]

    def _picture(self, row: Row, ratio: float) -> QImage:
        state = self._state
        layer: Lane | Expressions | None = row.lane
        if row.kind == "clips":
            layer = state.performance.expressions
        focused = row.lane is not None and state.selection.lane == row.lane_id
        on = (layer is not None and layer.mute, layer is not None and layer.solo)
        acts = layer is not None and state.performance.acts(layer)
        keyed = row.lane is not None and row.lane.keyed
        look = (row.kind, row.title, row.group, row.folded, row.first, len(row.members) + len(row.clips))
        known = (theme.palette().name, ratio, *look, focused, on, acts, keyed)
        if known not in self._pictures:
            if len(self._pictures) > MANY:
                self._pictures.clear()
            picture = QImage(round(GUTTER * ratio), round(row.height * ratio), QImage.Format.Format_RGB32)
            picture.setDevicePixelRatio(ratio)
            picture.fill(ink.colour("panel"))
            painter = QPainter(picture)
            if row.kind == "group":
                _paint_group(painter, row)
            else:
                _paint_row(painter, row, focused=focused, acts=acts, on={"mute": on[0], "solo": on[1]})
            painter.end()
            self._pictures[known] = picture
        return self._pictures[known]


def _paint_triangle(painter: QPainter, middle: float, *, folded: bool) -> None:
    """The sign of what can be folded."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(ink.colour("faint"))
    corners = ((-2, -4), (3, 0), (-2, 4)) if folded else ((-4, -2), (4, -2), (0, 3))
    painter.drawPolygon(QPolygonF([QPointF(LEFT + dx, middle + dy) for dx, dy in corners]))
    painter.restore()


def _paint_group(painter: QPainter, row: Row) -> None:
    count = len(row.members) + len(row.clips)
    _paint_triangle(painter, row.height / 2, folded=row.folded)
    painter.setPen(ink.pen("faint"))
    painter.setFont(ink.font(theme.TYPE.heading, bold=True))
    title = f"{row.title}  {count}" if row.folded and count else row.title
    painter.drawText(QRectF(LEFT + 10, 0, GUTTER - LEFT - 10, row.height), Qt.AlignmentFlag.AlignVCenter, title)
    if row.group == EXPRESSION_GROUP:
        painter.setPen(ink.pen("dim"))
        painter.setFont(ink.font(theme.TYPE.body + 2))
        area = QRectF(GUTTER - SWITCH_PX - 4, 0, SWITCH_PX, GROUP_HEIGHT - 1)
        painter.drawText(area, Qt.AlignmentFlag.AlignCenter, "+")


def _paint_row(painter: QPainter, row: Row, *, focused: bool, acts: bool, on: dict[str, bool]) -> None:
    if focused:
        painter.fillRect(QRectF(0, 0, GUTTER, row.height), ink.colour("raised"))
        painter.fillRect(QRectF(0, 0, 2, row.height), ink.colour("accent"))
    if row.lane is not None:
        font = ink.font(theme.TYPE.small + 1)
        painter.setFont(font)
        painter.setPen(ink.pen("text" if focused else "dim" if acts else "faint"))
        room = GUTTER - LEFT - 8
        title = QFontMetrics(font).elidedText(row.title, Qt.TextElideMode.ElideRight, room)
        painter.drawText(QRectF(LEFT, 6, room, 18), Qt.AlignmentFlag.AlignVCenter, title)
    painter.setFont(ink.font(10, bold=True))
    for name, letter in SWITCHES if row.kind == "lane" or row.first else ():
        if name == "close" and (row.lane is None or row.lane.keyed):
            continue
        area = _switch_area(row, name)
        lit = on.get(name, False)
        if lit:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(ink.colour("warning" if name == "mute" else "accent"))
            painter.drawRoundedRect(area.adjusted(1, 1, -1, -1), 3, 3)
        painter.setPen(ink.pen("on_accent" if lit else "faint"))
        painter.drawText(area, Qt.AlignmentFlag.AlignCenter, letter)
    painter.setPen(ink.pen("line"))
    painter.drawLine(QPointF(0, row.height - 0.5), QPointF(GUTTER, row.height - 0.5))
