"""The audio clock: which moment of the clip is heard right now.

The sound that leaves the loudspeaker is the master of playback. A device's callback hands over blocks of samples and
publishes an `Anchor` for each: this sample is heard at that time. `AudioClock` extrapolates between anchors, never
past what was handed over (a device that stalls stops the clock instead of running away from it) and never backwards.

Samples are counted twice. *Running* samples count everything a device was ever given, silence included, and only
grow. *Clip* samples are places in the sound. A `Segment` maps one to the other, so that a loop is no jump in time,
and says how much of the clip one sample is, so that a sound stretched to another speed has the clip's times.

Times are seconds of `time.perf_counter`, whose resolution is below a microsecond on every system (`time.monotonic`
has 16 ms steps on Windows).
"""

from __future__ import annotations

from dataclasses import dataclass

MIN_DELAY_S = 0.0005
"""A device that claims a shorter delay between callback and loudspeaker does not know its delay (DirectSound reports
"now", PulseAudio's ALSA plug-in and WDM-KS report zeros); even professional hardware needs a block of 32 samples."""

MAX_DELAY_S = 2.0
"""No system buffers longer than this, Bluetooth headphones included; a longer delay is a clock of another epoch."""

MIN_CLOCK_STEP_S = 1e-6
"""The device's own clock must move between callbacks; one that stands still (stream time 0.0) is not a clock."""

SMOOTHING = 0.1
"""Share of an anchor's deviation that is believed at once. Callbacks jitter by a few milliseconds and some systems
deliver two in a burst; a tenth per block (about 20 ms) follows real drift (parts per million) and hides jitter."""

JUMP_S = 0.05
"""A deviation above this is no jitter: the device stalled or restarted, so the new anchor is believed whole. Longer
than any callback jitter measured (26 ms), shorter than any stall that matters (a dropped block is heard)."""


@dataclass(frozen=True)
class Segment:
    """From running sample `running` on, the clip plays from sample `start`."""

    generation: int  # the seek or play order that began it
    running: int  # running sample at which it begins
    start: int  # clip sample heard there
    end: int  # clip length in samples; the position stays here when the sound is over
    loop: tuple[int, int] | None = None  # clip samples [first, past last), repeated once reached
    speed: float = 1.0  # seconds of the clip in a second of this sound

    def position(self, running: float) -> float:
        """Clip sample that is heard with running sample `running`; before the segment begins, its start."""
        place = self.start + max(0.0, running - self.running)
        if self.loop is not None and self.start < self.loop[1]:
            first, past = self.loop
            return place if place < past else first + (place - first) % (past - first)
        return min(place, float(self.end))

    def time_s(self, running: float, rate_hz: float) -> float:
        """Clip time that is heard with running sample `running`, seconds."""
        return self.position(running) * self.speed / rate_hz


@dataclass(frozen=True)
class Anchor:
    """What a callback knows, published whole so that another thread never sees half of it."""

    heard_at_s: float  # perf_counter time at which `running` leaves the loudspeaker
    running: int
    delivered: int  # running sample up to which sound was handed to the device (exclusive)
    rate_hz: float
    segment: Segment
    previous: Segment | None = None  # still being heard when a loop changed without a seek


class AnchorMaker:
    """Turns what a device says about its timing into anchors; lives in the callback, one per stream.

    Args:
        latency_s: the stream's reported output latency, used where the device's own clock cannot be believed.
    """

    def __init__(self, latency_s: float) -> None:
        self.latency_s = min(max(latency_s, 0.0), MAX_DELAY_S)
        self.trusted = True
        """Whether the last callback's device time was plausible."""
        self._device_now_s: float | None = None
        self._last: tuple[float, int] | None = None

    def heard_at(self, now_s: float, device_now_s: float, device_dac_s: float, running: int, rate_hz: float) -> float:
        """When running sample `running` will be heard.

        Args:
            now_s: perf_counter time of the callback.
            device_now_s: the device's own time of the callback.
            device_dac_s: the device's own time at which the block's first sample leaves the loudspeaker.
            running: running index of the block's first sample.
            rate_hz: samples per second.
        """
        delay_s = device_dac_s - device_now_s
        moved = self._device_now_s is None or device_now_s - self._device_now_s > MIN_CLOCK_STEP_S
        self._device_now_s = device_now_s
        self.trusted = moved and MIN_DELAY_S <= delay_s <= MAX_DELAY_S
        heard_s = now_s + (delay_s if self.trusted else self.latency_s)
        if self._last is not None:
            predicted_s = self._last[0] + (running - self._last[1]) / rate_hz
            if abs(heard_s - predicted_s) < JUMP_S:
                heard_s = predicted_s + SMOOTHING * (heard_s - predicted_s)
        self._last = (heard_s, running)
        return heard_s


class AudioClock:
    """Where in the clip the listener is; read by one thread, fed by anchors of a device."""

    def __init__(self) -> None:
        self._generation = 0
        self._hold_s = 0.0
        self._heard: float | None = None  # highest running sample reported in this generation

    def hold(self, generation: int, position_s: float) -> None:
        """A new play or seek order was given: stand at its start until its first sample is heard."""
        self._generation, self._hold_s, self._heard = generation, position_s, None

    def position_s(self, anchor: Anchor | None, now_s: float) -> float:
        """Clip time heard at `now_s`, seconds; monotonic in running samples within a generation."""
        if anchor is None or anchor.segment.generation != self._generation:
            return self._hold_s
        running = _heard_now(anchor, now_s)
        if self._heard is not None:
            running = max(running, self._heard)
        self._heard = running
        return _time_s(anchor, running)

    def expected_s(self, anchor: Anchor | None, now_s: float, lead_s: float, speed: float) -> float:
        """Clip time that will be heard at `now_s + lead_s`, seconds.

        A new order is first heard when everything delivered before it has been: until its own anchor says so, that
        is what is expected.

        Args:
            anchor: the device's newest.
            now_s: perf_counter time.
            lead_s: how far ahead.
            speed: of what was ordered last.
        """
        if anchor is None:
            return self._hold_s
        running = _heard_now(anchor, now_s) + lead_s * anchor.rate_hz
        if anchor.segment.generation != self._generation:
            return self._hold_s + max(0.0, running - anchor.delivered) / anchor.rate_hz * speed
        return _time_s(anchor, running)


def _heard_now(anchor: Anchor, now_s: float) -> float:
    """The running sample that is heard, never past what was delivered."""
    return min(anchor.running + (now_s - anchor.heard_at_s) * anchor.rate_hz, float(anchor.delivered))


def _time_s(anchor: Anchor, running: float) -> float:
    segment = anchor.segment
    if running < segment.running and anchor.previous is not None:
        segment = anchor.previous
    return segment.time_s(running, anchor.rate_hz)
