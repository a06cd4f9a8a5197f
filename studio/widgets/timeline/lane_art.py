"""Curves and keys of the lanes as pictures, kept in pieces of time so that panning draws only what comes into sight.

A piece covers a fixed number of device pixels at one zoom. It holds the curve and its keys, selected ones included; it
is made again when the lane's curve, its selection or its look changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF
from PySide6.QtGui import QPainter

from studio.document.curves import Curve, sample_curves
from studio.widgets import theme
from studio.widgets.timeline import ink, strips
from studio.widgets.timeline.rows import Row, range_of
from studio.widgets.timeline.state import GUTTER, INSET, TimelineState
from studio.widgets.timeline.strips import Pixels, Places, Strip

PIECE = 512
"""Device pixels."""

MANY = 1500
"""With more pieces than this kept, those of other lanes and places are forgotten."""

KEY_PX = 4.5
"""From a key's middle to its corners."""

CROWDED_PX = 2
"""Of keys closer together than this, one is drawn."""


@dataclass(frozen=True)
class _Look:
    """All that a piece of a lane depends on besides its place."""

    curve: Curve
    selected: tuple[int, ...]
    height: int  # device pixels
    low: float
    high: float
    acts: bool

    def same(self, other: _Look) -> bool:
        """Whether a piece of the other can be shown; curves are compared by identity, which is quick."""
        return (
            self.curve is other.curve
            and self.selected == other.selected
            and (self.height, self.low, self.high, self.acts) == (other.height, other.low, other.high, other.acts)
        )


class LaneArt:
    """Draws lanes, and keeps what it has drawn."""

    def __init__(self, state: TimelineState) -> None:
        self._state = state
        self._pieces: dict[tuple[str, int], tuple[_Look, Strip]] = {}
        self._zoom: tuple[object, ...] = ()
        self._ratio = 1.0

    def paint(self, painter: QPainter, rows: Sequence[Row], left: float, right: float, ratio: float) -> None:
        """Curves and keys of lanes between two pixels of the canvas."""
        state, view = self._state, self._state.view
        zoom = (view.scale, ratio, theme.palette().name)
        if zoom != self._zoom:
            self._pieces.clear()
            self._zoom, self._ratio = zoom, ratio
        left = max(left, GUTTER)
        if right <= left or not rows:
            return
        per_s = view.scale * ratio
        origin = round((view.left - view.start_s * view.scale) * ratio)  # device pixel of the moment zero
        first, last = ((round(x * ratio) - origin) // PIECE for x in (left, right))
        looks = [self._look(row, ratio) for row in rows]
        self._make(rows, looks, first, last, per_s)
        for row in rows:
            top = round(state.top_of(row) * ratio) / ratio
            for piece in range(first, last + 1):
                image = self._pieces[(row.lane_id, piece)][1].image
                image.setDevicePixelRatio(ratio)
                painter.drawImage(QPointF((origin + piece * PIECE) / ratio, top), image)

    def _look(self, row: Row, ratio: float) -> _Look:
        lane, state = row.lane, self._state
        assert lane is not None
        low, high = range_of(lane)
        selected = tuple(state.selection.keys_of(lane.id))
        return _Look(lane.curve, selected, round(row.height * ratio), low, high, state.performance.acts(lane))

    def _make(self, rows: Sequence[Row], looks: Sequence[_Look], first: int, last: int, per_s: float) -> None:
        """Make the pieces that are missing, lanes with the same ones missing together."""
        missing: dict[tuple[int, int, int], list[int]] = {}
        for i, (row, look) in enumerate(zip(rows, looks, strict=True)):
            kept = (self._pieces.get((row.lane_id, piece)) for piece in range(first, last + 1))
            lack = [n for n, known in enumerate(kept, first) if known is None or not known[0].same(look)]
            if lack:
                missing.setdefault((lack[0], lack[-1] + 1, look.height), []).append(i)
        if missing and len(self._pieces) > MANY:
            shown = {row.lane_id for row in rows}
            near = range(first - 20, last + 20)
            self._pieces = {key: part for key, part in self._pieces.items() if key[0] in shown and key[1] in near}
        for (begin, past, height), members in missing.items():
            pictures = self._draw([looks[i] for i in members], begin * PIECE, past * PIECE, height, per_s)
            for i, picture in zip(members, pictures, strict=True):
                for piece in range(begin, past):
                    left = (piece - begin) * PIECE
                    strip = Strip(picture[:, left : left + PIECE], self._ratio)
                    self._pieces[(rows[i].lane_id, piece)] = (looks[i], strip)

    def _draw(self, looks: Sequence[_Look], begin: int, past: int, height: int, per_s: float) -> Pixels:
        """(lanes, height, past - begin) pixels of lanes between two device pixels, counted from the moment zero."""
        ratio = self._ratio
        inset, reach = INSET * ratio, round(KEY_PX * ratio)
        times = np.arange(begin - 0.5, past + 1) / per_s
        levels = sample_curves([look.curve for look in looks], times)
        low = np.array([look.low for look in looks])[:, None]
        levels = (levels - low) / (np.array([look.high for look in looks])[:, None] - low)
        covers = strips.curve_covers(levels, height, inset, 1.6 * ratio)
        room = 2 * reach
        pixels = np.zeros((len(looks), height, past - begin + 2 * room), np.uint32)
        for look, cover, picture in zip(looks, covers, pixels, strict=True):
            picture[:, room:-room] = strips.painted(cover, ink.shades("accent" if look.acts else "faint"))
            seen = look.curve.between((begin - reach) / per_s, (past + reach - 1) / per_s)
            if not len(seen):
                continue
            x = np.round(look.curve.times_s[seen] * per_s).astype(np.int64) - begin + room
            share = np.clip((look.curve.values[seen] - look.low) / (look.high - look.low), 0.0, 1.0)
            y = np.round(inset + (1 - share) * (height - 2 * inset) - 0.5).astype(np.int64)
            chosen = np.isin(seen, np.asarray(look.selected, np.int64)) if look.selected else np.zeros(len(seen), bool)
            for group, edge, inside in ((~chosen, "window", "key" if look.acts else "faint"), (chosen, "key", "text")):
                at = np.flatnonzero(group)
                at = at[apart(x[at] + begin, round(CROWDED_PX * ratio))]
                if len(at):
                    strips.stamp(picture, x[at], y[at], ink.shades(edge)[255], ink.shades(inside)[255], reach)
        return pixels[:, :, room:-room]


def apart(x: Places, distance: int) -> Places:
    """Indices of increasing places that can be told from each other on the screen."""
    if not len(x):
        return np.zeros(0, np.int64)
    return np.flatnonzero(np.append(True, np.diff(x // max(distance, 1)) > 0))
