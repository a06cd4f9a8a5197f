"""What a sync measurement says: offsets of pictures against the sound, in numbers and against the gates.

Offsets are seconds of playback: at half speed, a picture that is 20 ms of the clip ahead is 40 ms early for the eye.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from studio.errors import StudioError
from studio.playback.clock import Segment

MEDIAN_MS, P95_MS, MAX_MS = 10.0, 20.0, 45.0
"""Gates of |median|, p95 and maximum. Sound that comes 45 ms early is just noticed (ITU-R BT.1359); half a frame at 25
a second is 20 ms."""


@dataclass(frozen=True)
class Seen:
    """One picture that was handed out."""

    at_s: float  # perf_counter
    time_s: float  # of the clip
    segment: Segment  # of the sound at that time


@dataclass(frozen=True)
class SyncReport:
    """Offsets in milliseconds of playback, picture minus sound; negative when the picture trails."""

    mode: str
    device: str
    device_clock_trusted: bool
    seconds: float
    shown: int
    dropped: int
    fps: float
    drawing_ms: float  # median
    median_ms: float
    p5_ms: float
    p95_ms: float
    max_abs_ms: float
    drift_ms_per_min: float
    clock_residual_p95_ms: float  # of the device's own statements around their straight line
    underflows: int

    @property
    def good(self) -> bool:
        """Whether median, p95 and maximum are within the gates."""
        return abs(self.median_ms) <= MEDIAN_MS and self.p95_ms <= P95_MS and self.max_abs_ms <= MAX_MS

    def rounded(self) -> dict[str, object]:
        """For JSON."""
        values = asdict(self) | {"good": self.good}
        return {key: round(value, 2) if isinstance(value, float) else value for key, value in values.items()}

    def sentence(self) -> str:
        """For people."""
        side = "behind" if self.median_ms < 0 else "ahead of"
        return (
            f"{self.mode}: {self.shown} pictures in {self.seconds:.0f} s on {self.device}: median "
            f"{abs(self.median_ms):.1f} ms {side} the sound, p95 {self.p95_ms:.1f} ms, max {self.max_abs_ms:.1f} ms, "
            f"drift {self.drift_ms_per_min:.2f} ms a minute, {self.dropped} frames dropped, {self.underflows} "
            f"underflows: {'good' if self.good else 'NOT GOOD'}."
        )


@dataclass(frozen=True)
class Statements:
    """Which running sample left the loudspeaker when, as the device said it."""

    times_s: NDArray[np.float64]  # (n,) increasing
    running: NDArray[np.float64]  # (n,)
    rate_hz: float

    def running_at(self, time_s: float) -> float:
        """Between two statements on the straight line through them, which holds across dropouts of the sound too."""
        times, running = self.times_s, self.running
        if time_s <= times[0]:
            return float(running[0] + (time_s - times[0]) * self.rate_hz)
        if time_s >= times[-1]:
            return float(running[-1] + (time_s - times[-1]) * self.rate_hz)
        return float(np.interp(time_s, times, running))

    def residual_s(self) -> float:
        """p95 distance of the statements from one straight line, seconds; large when the sound dropped out."""
        if len(self.times_s) < 3:
            return 0.0
        times = self.times_s - self.times_s[0]
        slope, offset = np.polyfit(times, self.running, 1)
        return float(np.percentile(np.abs(self.running - (slope * times + offset)) / slope, 95))


def offset_s(picture: Seen, said: Statements) -> float | None:
    """Picture minus sound, seconds of playback; None where its own sound is not heard yet (just after a seek)."""
    segment, running = picture.segment, said.running_at(picture.at_s)
    if running < segment.running:
        return None
    offset = (picture.time_s - segment.time_s(running, said.rate_hz)) / segment.speed
    if segment.loop is not None:  # a picture on one side of the seam, the sound on the other
        period = (segment.loop[1] - segment.loop[0]) / said.rate_hz
        offset = (offset + period / 2) % period - period / 2
    return offset


def offsets_ms(seen: Sequence[Seen], said: Statements) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """When the pictures were handed out, and how far they were from the sound in milliseconds.

    Raises:
        StudioError: when there are too few to say anything.
    """
    found = [(picture.at_s, offset) for picture in seen if (offset := offset_s(picture, said)) is not None]
    if len(found) < 3:
        raise StudioError(f"Only {len(found)} pictures were shown; measure longer or with a faster engine.")
    at_s, offsets = np.array(found).T
    return at_s, offsets * 1e3
