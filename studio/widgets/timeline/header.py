"""What stands above the lanes: the ruler, the waveform and the spoken sounds."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter

from studio.widgets import theme
from studio.widgets.timeline import ink, strips
from studio.widgets.timeline.sounds import Sounds
from studio.widgets.timeline.state import (
    GUTTER,
    PHONEME_HEIGHT,
    RULER_HEIGHT,
    SPECTRUM_HEIGHT,
    WAVE_HEIGHT,
    TimelineState,
)
from studio.widgets.timeline.strips import Strip

TICKS_S = (0.04, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200)
TICK_PX = 64
FRAME_PX = 7.0
"""Frames get a tick of their own when they are at least this far apart."""

BLOCK_PX = 5.0
"""Sounds shorter than this on the average are drawn as one picture, without names."""

LEGIBLE_SCALE = 100.0
"""Pixels per second from which most sounds have room for their names; fewer names than that would be noise."""

LABEL_FONTS: tuple[tuple[float, tuple[int, ...]], ...] = ((400.0, (13, 11)), (160.0, (11, 10)), (0.0, (10,)))
"""Type of the sounds' names from a zoom in pixels per second on; the second size where the first has no room."""

LOUDNESS = ("window", "accent_dim", "accent", "text")
"""Colours of the spectrogram from silence to the loudest, in any theme."""

Geometry = tuple[object, ...]


class HeaderPainter:
    """Paints, and keeps the waveform while the view stands still."""

    def __init__(self, state: TimelineState) -> None:
        self._state = state
        self._wave: tuple[Geometry, Strip, Strip] | None = None
        self._spectrum: tuple[Geometry, Strip] | None = None
        self._blocks: tuple[Geometry, Strip] | None = None
        self._widths: dict[tuple[str, int], float] = {}

    def paint(self, painter: QPainter, rect: QRect, width: int, ratio: float) -> None:
        """Everything above the lanes within `rect`."""
        state = self._state
        if rect.top() <= RULER_HEIGHT:
            painter.fillRect(QRectF(0, 0, width, RULER_HEIGHT), ink.colour("panel"))
            self._paint_ruler(painter, rect)
        if state.peaks is None or state.busy:
            text = state.busy or "No speech yet: open a sound or video file, or drop one here"
            painter.setPen(ink.pen("dim" if state.busy else "faint"))
            painter.setFont(ink.font(theme.TYPE.body))
            area = QRectF(GUTTER, RULER_HEIGHT, width - GUTTER, state.top - RULER_HEIGHT)
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter, text)
        elif rect.bottom() >= RULER_HEIGHT:
            self._paint_wave(painter, width, ratio)
            if state.spectrum_shown:
                self._paint_spectrum(painter, width, ratio)
            self._paint_sounds(painter, rect, width, ratio)
        painter.setPen(ink.pen("line"))
        painter.drawLine(QPointF(0, state.top - 0.5), QPointF(width, state.top - 0.5))

    # ---- the ruler ----

    def _paint_ruler(self, painter: QPainter, rect: QRect) -> None:
        state, view = self._state, self._state.view
        painter.setFont(ink.font(10))
        left, right = max(float(rect.left()), GUTTER), float(rect.right() + 1)
        if view.scale / state.fps >= FRAME_PX:
            painter.setPen(ink.pen("faint", 0.35))
            first = max(0, int(view.time_at(left) * state.fps))
            places = (
                round(view.x_of(i / state.fps)) + 0.5 for i in range(first, int(view.time_at(right) * state.fps) + 1)
            )
            painter.drawLines([QLineF(x, RULER_HEIGHT - 3, x, RULER_HEIGHT - 1) for x in places])
        step = next((s for s in TICKS_S if s * view.scale >= TICK_PX), TICKS_S[-1])
        first_s, last_s = max(view.time_at(left - TICK_PX), 0.0), min(view.time_at(right), view.total_s)
        numbers = range(int(first_s / step), int(last_s / step + 1e-6) + 1)
        ticks = [(round(view.x_of(i * step)) + 0.5, i * step) for i in numbers]
        painter.setPen(ink.pen("faint", 0.6))
        painter.drawLines([QLineF(x, RULER_HEIGHT - 6, x, RULER_HEIGHT - 1) for x, _ in ticks])
        painter.setPen(ink.pen("faint"))
        names = [marker_area(view.x_of(marker.time_s), marker.name) for marker in state.markers]
        names = [name for name in names if name.right() >= left - TICK_PX and name.left() <= right + TICK_PX]
        metrics = QFontMetricsF(painter.font())
        for x, time_s in ticks:
            if x < GUTTER:
                continue  # the gutter would cut its label
            text = tick_label(time_s, step)
            label = QRectF(x + 4, 0, metrics.horizontalAdvance(text) + 1, RULER_HEIGHT - 2)
            if not any(label.intersects(name) for name in names):  # half a label would be left
                painter.drawText(label, Qt.AlignmentFlag.AlignVCenter, text)

    # ---- the waveform ----

    def _paint_wave(self, painter: QPainter, width: int, ratio: float) -> None:
        state = self._state
        played, ahead = self._wave_images(width, ratio)
        split = min(max(state.view.x_of(state.position_s), GUTTER), width)
        for strip, left, right in ((played, GUTTER, split), (ahead, split, width)):
            if right > left:
                source = QRectF((left - GUTTER) * ratio, 0, (right - left) * ratio, strip.image.height())
                painter.drawImage(QRectF(left, RULER_HEIGHT, right - left, WAVE_HEIGHT), strip.image, source)

    def _wave_images(self, width: int, ratio: float) -> tuple[Strip, Strip]:
        """The waveform in the colours of what was and what will be heard."""
        state, view = self._state, self._state.view
        assert state.peaks is not None
        columns = max(2, round((width - GUTTER) * ratio))
        geometry = (state.peaks, theme.palette().name, view.start_s, view.scale, columns, ratio)
        if self._wave is None or self._wave[0] != geometry:
            low, high = state.peaks.columns(view.time_at(GUTTER), view.time_at(width), columns)
            loudest = state.peaks.loudest
            cover = strips.wave_cover(low / loudest, high / loudest, round(WAVE_HEIGHT * ratio))
            played, ahead = (Strip(strips.painted(cover, ink.shades(role)), ratio) for role in ("accent", "faint"))
            self._wave = (geometry, played, ahead)
        return self._wave[1], self._wave[2]

    # ---- the spectrogram ----

    def _paint_spectrum(self, painter: QPainter, width: int, ratio: float) -> None:
        state, view = self._state, self._state.view
        top = float(RULER_HEIGHT + WAVE_HEIGHT)
        if state.spectrum is None:
            painter.setPen(ink.pen("faint"))
            painter.setFont(ink.font(theme.TYPE.body))
            area = QRectF(GUTTER, top, width - GUTTER, SPECTRUM_HEIGHT)
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter, "Making the spectrogram…")
            return
        columns = max(2, round((width - GUTTER) * ratio))
        geometry = (state.spectrum, theme.palette().name, view.start_s, view.scale, columns, ratio)
        if self._spectrum is None or self._spectrum[0] != geometry:
            height = round((SPECTRUM_HEIGHT - 2) * ratio)
            picture = state.spectrum.picture(view.time_at(GUTTER), view.time_at(width), columns, height)
            self._spectrum = (geometry, Strip(strips.painted(picture, ink.ramp(*LOUDNESS)), ratio))
        painter.drawImage(QPointF(GUTTER, top + 1), self._spectrum[1].image)

    # ---- spoken sounds ----

    def _paint_sounds(self, painter: QPainter, rect: QRect, width: int, ratio: float) -> None:
        state, view, sounds = self._state, self._state.view, self._state.sounds
        top = float(state.sounds_top)
        if rect.bottom() < top or rect.top() > state.top:
            return
        seen = sounds.between(view.time_at(max(GUTTER, rect.left()) - 2), view.time_at(rect.right() + 2))
        heard = sounds.at(state.position_s)
        if len(seen) * BLOCK_PX > rect.width():
            strip = self._block_image(sounds, width, ratio)
            painter.drawImage(QPointF(GUTTER, top + 2), strip.image)
            if heard is not None and heard in seen:
                left, right = view.x_of(sounds.starts_s[heard]), view.x_of(sounds.ends_s[heard])
                area = QRectF(left, top + 2, max(2.0, right - left), PHONEME_HEIGHT - 4)
                painter.fillRect(area, ink.colour("accent"))
            return
        plain, accent = ink.colour("raised"), ink.colour("accent_dim")
        scale, origin = view.scale, view.left - view.start_s * view.scale
        for i in seen:
            left, right = origin + sounds.starts_s[i] * scale, origin + sounds.ends_s[i] * scale
            area = QRectF(left, top + 2, max(1.0, right - left - 1), PHONEME_HEIGHT - 4)
            painter.fillRect(area, accent if i == heard else plain)
            size = self._fitting(sounds.labels[i], area.width()) if scale >= LEGIBLE_SCALE or i == heard else 0
            if size:
                painter.setFont(ink.font(size))
                painter.setPen(ink.pen("text" if i == heard else "dim"))
                painter.drawText(area, Qt.AlignmentFlag.AlignCenter, sounds.labels[i])

    def _fitting(self, label: str, room: float) -> int:
        """The type that a name has room for at this zoom, 0 for none."""
        for size in next(sizes for scale, sizes in LABEL_FONTS if self._state.view.scale >= scale):
            key = (label, size)
            if key not in self._widths:
                self._widths[key] = QFontMetricsF(ink.font(size)).horizontalAdvance(label)
            if self._widths[key] + 3 <= room:
                return size
        return 0

    def _block_image(self, sounds: Sounds, width: int, ratio: float) -> Strip:
        """Where anything is spoken, for a view from so far that single sounds cannot be told apart."""
        view = self._state.view
        columns = max(2, round((width - GUTTER) * ratio))
        geometry = (sounds, theme.palette().name, view.start_s, view.scale, columns, ratio)
        if self._blocks is None or self._blocks[0] != geometry:
            edges = view.time_at(GUTTER) + np.arange(columns + 1) / (view.scale * ratio)
            # Spoken time before each edge; its growth over a column is the share of it that is spoken.
            lengths = np.concatenate([[0.0], np.cumsum(sounds.ends_s - sounds.starts_s)])
            before = np.searchsorted(sounds.starts_s, edges)
            last = np.maximum(before - 1, 0)
            inside = np.where(before > 0, np.minimum(edges, sounds.ends_s[last]) - sounds.starts_s[last], 0.0)
            spoken = lengths[last] + np.maximum(inside, 0.0)
            cover = np.clip(np.diff(spoken) * view.scale * ratio * 255, 0, 255).astype(np.uint8)
            rows = np.repeat(cover[None], round((PHONEME_HEIGHT - 4) * ratio), axis=0)
            self._blocks = (geometry, Strip(strips.painted(rows, ink.shades("raised")), ratio))
        return self._blocks[1]


def marker_area(x: float, name: str) -> QRectF:
    """What the flag and the name of a marker at `x` cover on the ruler."""
    return QRectF(x, 0, 9 + name_width(name), RULER_HEIGHT - 4)


@lru_cache(maxsize=512)
def name_width(name: str) -> float:
    """Pixels that the name of a marker takes."""
    return QFontMetricsF(ink.font(10)).horizontalAdvance(name) + 6 if name else 0.0


def tick_label(time_s: float, step_s: float) -> str:
    """Time on the ruler: 2.5, 12 s, 1:05."""
    if time_s >= 60:
        return f"{int(time_s // 60)}:{int(time_s % 60):02d}"
    return f"{time_s:.2f}" if step_s < 0.1 else f"{time_s:.1f}" if step_s < 1 else f"{time_s:.0f} s"
