"""What the timeline shows at this moment, and what lies under a pixel. No Qt."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from studio.document.commands import Selection
from studio.document.curves import Interpolation
from studio.document.expressions import Clip
from studio.document.lanes import Lane
from studio.document.model import Marker
from studio.document.performance import Performance
from studio.widgets.peaks import Peaks
from studio.widgets.timeline.rows import Row, range_of
from studio.widgets.timeline.sounds import Sounds
from studio.widgets.timeline.spectrum import Spectrum
from studio.widgets.timeline.view import TimeView

GUTTER = 160
"""Width of the lanes' names, pixels."""

MARGIN = 12
"""Room left and right of the clip for the playhead's ends, pixels."""

RULER_HEIGHT = 22
WAVE_HEIGHT = 46
SPECTRUM_HEIGHT = 72
PHONEME_HEIGHT = 20
TOP = RULER_HEIGHT + WAVE_HEIGHT + PHONEME_HEIGHT
"""Where the lanes begin at least; what is above does not scroll."""

INSET = 7.0
"""From a lane's edges to its lowest and highest value, pixels: a key at either end is drawn whole."""

HIT_PX = 7.0
HANDLES_UP_TO = 60
"""With more selected keys than this, handles are not drawn: they would hide the curve."""

EDGE_PX = 5.0
"""How near the pointer must come to the end of a clip to trim it."""

Points = tuple[tuple[float, float], ...]
Part = Literal["ruler", "wave", "phonemes", "lanes"]
ClipPart = Literal["body", "start", "end", "fade_in", "fade_out"]
Side = Literal["left", "right"]


@dataclass(frozen=True)
class KeyHit:
    """A key under the pointer."""

    row: Row
    index: int


@dataclass(frozen=True)
class HandleHit:
    """A handle under the pointer."""

    row: Row
    index: int
    side: Side


@dataclass(frozen=True)
class ClipHit:
    """An expression clip under the pointer, and which part of it."""

    row: Row
    index: int
    part: ClipPart


@dataclass
class TimelineState:
    """All that the canvas draws; filled by the timeline, never the truth of anything."""

    view: TimeView = field(default_factory=TimeView)
    performance: Performance = field(default_factory=Performance)
    selection: Selection = field(default_factory=Selection)
    rows: tuple[Row, ...] = ()
    scroll_px: int = 0
    fps: float = 25.0
    duration_s: float = 0.0
    position_s: float = 0.0
    range_s: tuple[float, float] | None = None
    looping: bool = False
    markers: tuple[Marker, ...] = ()
    peaks: Peaks | None = None
    spectrum: Spectrum | None = None
    spectrum_shown: bool = False
    sounds: Sounds = field(default_factory=Sounds.of)
    busy: str = ""
    winner: str = ""  # which layer decides the channel in focus
    box: tuple[float, float, float, float] | None = None  # x, y, x, y of the rubber band, pixels of the canvas
    lasso: tuple[tuple[float, float], ...] = ()  # points of the line drawn around keys, pixels of the canvas
    lassoing: bool = False  # drags draw around keys rather than a rectangle
    caught_s: float | None = None  # key or edge that a drag has caught on

    @property
    def sounds_top(self) -> int:
        """Upper edge of the spoken sounds."""
        return RULER_HEIGHT + WAVE_HEIGHT + (SPECTRUM_HEIGHT if self.spectrum_shown else 0)

    @property
    def top(self) -> int:
        """Upper edge of the lanes."""
        return self.sounds_top + PHONEME_HEIGHT

    @property
    def rows_height(self) -> int:
        """Height of all rows, pixels."""
        return self.rows[-1].top + self.rows[-1].height if self.rows else 0

    def part_at(self, y: float) -> Part:
        """The part of the timeline at a height of the canvas."""
        if y < RULER_HEIGHT:
            return "ruler"
        if y < self.sounds_top:
            return "wave"
        return "phonemes" if y < self.top else "lanes"

    def top_of(self, row: Row) -> float:
        """Upper edge of a row on the canvas."""
        return float(self.top + row.top - self.scroll_px)

    def row_at(self, y: float) -> Row | None:
        """The row at a height of the canvas."""
        if y < self.top:
            return None
        return next((row for row in self.rows if self.top_of(row) <= y < self.top_of(row) + row.height), None)

    def row_of(self, lane_id: str) -> Row | None:
        """The row of a lane, None while it is folded away."""
        return next((row for row in self.rows if row.lane_id == lane_id and row.lane is not None), None)

    def y_of(self, row: Row, value: float) -> float:
        """Height on the canvas of a lane's value."""
        low, high = _range(row.lane)
        return self.top_of(row) + INSET + (1 - (value - low) / (high - low)) * (row.height - 2 * INSET)

    def value_at(self, row: Row, y: float) -> float:
        """A lane's value at a height of the canvas, within the channel's range."""
        low, high = _range(row.lane)
        share = 1 - (y - self.top_of(row) - INSET) / (row.height - 2 * INSET)
        return low + min(max(share, 0.0), 1.0) * (high - low)

    def key_at(self, x: float, y: float) -> KeyHit | None:
        """The key under the pointer."""
        row = self.row_at(y)
        if row is None or row.lane is None:
            return None
        curve, reach_s = row.lane.curve, HIT_PX / self.view.scale
        at_s = self.view.time_at(x)
        near = curve.between(at_s - reach_s, at_s + reach_s)
        if not len(near):
            return None
        away_x = (curve.times_s[near] - at_s) * self.view.scale
        low, high = _range(row.lane)
        per_value = (row.height - 2 * INSET) / (high - low)
        away_y = (curve.values[near] - low) * per_value - (self.top_of(row) + row.height - INSET - y)
        away = np.hypot(away_x, away_y)
        best = int(np.argmin(away))
        return KeyHit(row, int(near[best])) if away[best] <= HIT_PX + 2 else None

    def handles_of(self, row: Row) -> list[tuple[int, Side, float, float]]:
        """Handles shown in a lane: index of the key, side, and place on the canvas."""
        chosen = self.selection.keys_of(row.lane_id)
        if row.lane is None or not chosen or sum(len(keys) for _, keys in self.selection.keys) > HANDLES_UP_TO:
            return []
        curve = row.lane.curve
        left, right = curve.effective_handles
        bezier = curve.interpolations == Interpolation.BEZIER
        result: list[tuple[int, Side, float, float]] = []
        for i in chosen:
            if i >= len(curve):
                continue
            sides: list[tuple[Side, float, float]] = []
            if i > 0 and bezier[i - 1]:
                sides.append(("left", left[i, 0], left[i, 1]))
            if i < len(curve) - 1 and bezier[i]:
                sides.append(("right", right[i, 0], right[i, 1]))
            for side, time_s, value in sides:
                x = self.view.x_of(float(curve.times_s[i] + time_s))
                result.append((i, side, x, self.y_of(row, float(curve.values[i] + value))))
        return result

    def handle_at(self, x: float, y: float) -> HandleHit | None:
        """The handle under the pointer."""
        row = self.row_at(y)
        if row is None or row.lane is None:
            return None
        for index, side, at_x, at_y in self.handles_of(row):
            if np.hypot(at_x - x, at_y - y) <= HIT_PX:
                return HandleHit(row, index, side)
        return None

    def clip_at(self, x: float, y: float) -> ClipHit | None:
        """The clip under the pointer; of two that overlap, the later one."""
        row = self.row_at(y)
        if row is None or row.kind != "clips":
            return None
        clips = self.performance.expressions.clips
        for i in sorted(row.clips, key=lambda i: (i in self.selection.clips, clips[i].start_s), reverse=True):
            left, right = self.view.x_of(clips[i].start_s), self.view.x_of(clips[i].end_s)
            if not left - EDGE_PX / 2 <= x <= right + EDGE_PX / 2:
                continue
            if i in self.selection.clips and y - self.top_of(row) <= row.height / 3:
                rise, fall = fade_handles(clips[i], left, right)
                if abs(x - fall) <= HIT_PX and (x - rise >= fall - x or abs(x - rise) > HIT_PX):
                    return ClipHit(row, i, "fade_out")
                if abs(x - rise) <= HIT_PX:
                    return ClipHit(row, i, "fade_in")
            reach = min(EDGE_PX, (right - left) / 4)
            part: ClipPart = "start" if x - left <= reach else "end" if right - x <= reach else "body"
            return ClipHit(row, i, part)
        return None

    def keys_within(self, lasso: Points) -> list[tuple[str, list[int]]]:
        """Keys inside a line drawn around them, by lane."""
        result = []
        for lane_id, keys in self.keys_in(_box_of(lasso)):
            row = self.row_of(lane_id)
            assert row is not None
            assert row.lane is not None
            indices, curve = np.asarray(keys), row.lane.curve
            low, high = _range(row.lane)
            share = (curve.values[indices] - low) / (high - low)
            y = self.top_of(row) + INSET + (1 - share) * (row.height - 2 * INSET)
            x = self.view.left + (curve.times_s[indices] - self.view.start_s) * self.view.scale
            inside = indices[within(lasso, x, y)]
            if len(inside):
                result.append((lane_id, inside.tolist()))
        return result

    def clips_within(self, lasso: Points) -> tuple[int, ...]:
        """Clips whose middle is inside a line drawn around them."""
        clips, found = self.performance.expressions.clips, []
        for row in self.rows:
            for i in row.clips if row.kind == "clips" else ():
                x = self.view.x_of((clips[i].start_s + clips[i].end_s) / 2)
                if within(lasso, np.array([x]), np.array([self.top_of(row) + row.height / 2]))[0]:
                    found.append(i)
        return tuple(sorted(found))

    def clips_in(self, box: tuple[float, float, float, float]) -> tuple[int, ...]:
        """Clips that a rectangle of the canvas touches."""
        left, right = sorted((box[0], box[2]))
        top, bottom = sorted((box[1], box[3]))
        clips, found = self.performance.expressions.clips, []
        for row in self.rows:
            if row.kind == "clips" and self.top_of(row) <= bottom and self.top_of(row) + row.height >= top:
                first_s, past_s = self.view.time_at(left), self.view.time_at(right)
                found += [i for i in row.clips if clips[i].end_s >= first_s and clips[i].start_s <= past_s]
        return tuple(sorted(found))

    def marker_at(self, x: float, y: float) -> int | None:
        """The marker under the pointer."""
        if y >= RULER_HEIGHT:
            return None
        away = [abs(self.view.x_of(marker.time_s) - x) for marker in self.markers]
        return int(np.argmin(away)) if away and min(away) <= HIT_PX else None

    def keys_in(self, box: tuple[float, float, float, float]) -> list[tuple[str, list[int]]]:
        """Keys in a rectangle of the canvas, by lane."""
        left, right = sorted((box[0], box[2]))
        top, bottom = sorted((box[1], box[3]))
        result = []
        for row in self.rows:
            if row.lane is None or self.top_of(row) > bottom or self.top_of(row) + row.height < top:
                continue
            inside = row.lane.curve.between(self.view.time_at(left), self.view.time_at(right))
            values = row.lane.curve.values[inside]
            low, high = _range(row.lane)
            y = self.top_of(row) + INSET + (1 - (values - low) / (high - low)) * (row.height - 2 * INSET)
            chosen = inside[(y >= top) & (y <= bottom)]
            if len(chosen):
                result.append((row.lane.id, chosen.tolist()))
        return result


def within(lasso: Points, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(n,) whether points lie inside a closed line: a ray from them to the right crosses it an odd number of times."""
    corners = np.asarray(lasso, np.float64)
    x0, y0 = corners[:, 0], corners[:, 1]
    x1, y1 = np.roll(x0, -1), np.roll(y0, -1)
    between = (y0 > y[:, None]) != (y1 > y[:, None])
    rise = np.where(y1 == y0, 1.0, y1 - y0)
    crossing = x0 + (y[:, None] - y0) / rise * (x1 - x0)
    return np.asarray((between & (x[:, None] < crossing)).sum(axis=1) % 2 == 1)


def _box_of(lasso: Points) -> tuple[float, float, float, float]:
    x, y = zip(*lasso, strict=True)
    return min(x), min(y), max(x), max(y)


def _range(lane: Lane | None) -> tuple[float, float]:
    return (0.0, 1.0) if lane is None else range_of(lane)


def fade_handles(clip: Clip, left: float, right: float) -> tuple[float, float]:
    """Where the handles of both fades are, for a clip between two pixels."""
    squeeze = min(1.0, (clip.end_s - clip.start_s) / max(clip.fade_in_s + clip.fade_out_s, 1e-12))
    per_s = (right - left) / (clip.end_s - clip.start_s)
    return left + clip.fade_in_s * squeeze * per_s, right - clip.fade_out_s * squeeze * per_s
