"""Which stretch of time is seen, and how moments become pixels. No Qt."""

from __future__ import annotations

MIN_SPAN_S = 0.2
"""The closest zoom: five frames at 25 fps; a key's neighbours are then far apart on any screen."""

EMPTY_SPAN_S = 10.0
"""What the ruler shows while there is no clip."""


class TimeView:
    """A window onto time: `width` pixels from `left` on show `span_s` seconds from `start_s` on."""

    def __init__(self) -> None:
        self.left = 0.0
        self.width = 1.0
        self.start_s = 0.0
        self.span_s = EMPTY_SPAN_S
        self.total_s = EMPTY_SPAN_S

    @property
    def scale(self) -> float:
        """Pixels per second."""
        return self.width / self.span_s

    @property
    def end_s(self) -> float:
        """Moment at the right edge."""
        return self.start_s + self.span_s

    @property
    def whole(self) -> bool:
        """Whether all of the time is seen."""
        return self.span_s >= self.total_s - 1e-9

    def x_of(self, time_s: float) -> float:
        """Pixel of a moment."""
        return self.left + (time_s - self.start_s) * self.scale

    def time_at(self, x: float) -> float:
        """Moment under a pixel, also outside of the clip."""
        return self.start_s + (x - self.left) / self.scale

    def resize(self, left: float, width: float) -> None:
        """Other pixels for the same stretch of time."""
        self.left, self.width = left, max(1.0, width)

    def set_total(self, total_s: float) -> None:
        """Another length of everything there is; what was seen whole stays whole."""
        whole = self.whole
        self.total_s = total_s if total_s > 0 else EMPTY_SPAN_S
        if whole:
            self.fit()
        else:
            self._settle(self.start_s, self.span_s)

    def fit(self, first_s: float = 0.0, past_s: float | None = None) -> None:
        """Show a stretch, by default all."""
        past = self.total_s if past_s is None else past_s
        self._settle(first_s, past - first_s)

    def zoom(self, factor: float, x: float) -> None:
        """Show `factor` times closer; the moment under pixel `x` stays there."""
        at_s = self.time_at(x)
        span_s = min(max(self.span_s / factor, MIN_SPAN_S), self.total_s)
        share = (x - self.left) / self.width
        self._settle(at_s - share * span_s, span_s)

    def pan(self, pixels: float) -> None:
        """Move the stretch to the right by pixels of the screen."""
        self._settle(self.start_s + pixels / self.scale, self.span_s)

    def follow(self, time_s: float) -> bool:
        """Turn the page when a moment is out of sight; whether that was needed."""
        if self.whole or self.start_s <= time_s <= self.end_s:
            return False
        before = self.start_s
        self._settle(time_s - 0.05 * self.span_s, self.span_s)
        return self.start_s != before

    def _settle(self, start_s: float, span_s: float) -> None:
        self.span_s = min(max(span_s, MIN_SPAN_S), max(self.total_s, MIN_SPAN_S))
        self.start_s = min(max(start_s, 0.0), max(0.0, self.total_s - self.span_s))
