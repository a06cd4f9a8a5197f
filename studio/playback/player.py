"""The transport: play, pause, seek, loop, end. One thread (the one that owns the interface) calls it.

It gives orders to an `AudioOutput` and answers where the listener is. A clip need not have sound: a silent `Sound` of
the wanted length plays the same way.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

import numpy as np

from studio.playback.clock import AudioClock
from studio.playback.device import AudioOutput, SilentOutput
from studio.playback.feeder import Order
from studio.playback.sound import Sound

MIN_LOOP_S = 0.1
"""Shorter loop regions are a slip of the mouse, and a loop of a few samples would be a buzz."""

SILENT_RATE_HZ = 16_000
"""Rate of a clip without sound."""


class State(Enum):
    """What the transport does."""

    EMPTY = "empty"  # nothing to play
    PAUSED = "paused"
    PLAYING = "playing"


def silent_sound(duration_s: float, rate_hz: float = SILENT_RATE_HZ) -> Sound:
    """A clip of that length without sound."""
    return Sound(np.zeros((max(0, round(duration_s * rate_hz)), 2), np.float32), rate_hz)


class Player:
    """State of playback. `generation` grows with every play and seek, so that older frames can be told apart."""

    def __init__(self, output: AudioOutput) -> None:
        self.generation = 0
        self.on_lost: Callable[[str], None] | None = None
        """Told the device's name once when it is lost during playback; the output is silent by then and says so."""
        self._output = output
        self._sound = silent_sound(0.0)
        self._clock = AudioClock()
        self._state = State.EMPTY
        self._position_s = 0.0
        self._loop_s: tuple[float, float] | None = None
        self._looping = False
        self._volume = 1.0
        self._around: tuple[float, float] | None = None  # where a play-around ends, and where the playhead returns to

    @property
    def state(self) -> State:
        """Empty, paused or playing."""
        return self._state

    @property
    def playing(self) -> bool:
        """Whether time passes."""
        return self._state is State.PLAYING

    @property
    def output(self) -> AudioOutput:
        """Where the sound goes."""
        return self._output

    @property
    def duration_s(self) -> float:
        """Length of the clip, seconds."""
        return self._sound.duration_s

    @property
    def speed(self) -> float:
        """Seconds of the clip per second of playback."""
        return self._sound.speed

    @property
    def rate_hz(self) -> float:
        """Samples a second of what plays."""
        return self._sound.rate_hz

    @property
    def looping(self) -> bool:
        """Whether the loop region (or the whole clip) repeats."""
        return self._looping

    @property
    def loop_region_s(self) -> tuple[float, float] | None:
        """The marked region, seconds; None means the whole clip."""
        return self._loop_s

    @property
    def repeats_s(self) -> tuple[float, float] | None:
        """What repeats just now, seconds; None when nothing does."""
        if not self._looping or self._around is not None:
            return None
        return self._loop_s if self._loop_s is not None else (0.0, self.duration_s)

    @property
    def volume(self) -> float:
        """Linear gain, 0 to 1."""
        return self._volume

    @property
    def position_s(self) -> float:
        """Clip time that is heard now, or where the paused playhead stands."""
        if self._state is not State.PLAYING:
            return self._position_s
        return min(self._clock.position_s(self._output.anchor, self._output.now_s()), self.duration_s)

    def audition(self, sound: Sound) -> None:
        """Let another sound be heard once, paused where the playhead is; any other order ends it."""
        self.pause()
        self.generation += 1
        self._clock.hold(self.generation, self._position_s)
        self._output.give(Order(self.generation, True, sound, 0))

    def end_audition(self) -> None:
        """Silence, unless the clip plays."""
        if not self.playing:
            self._order(playing=False)

    def heard_in(self, lead_s: float) -> float:
        """Clip time that will be heard that many seconds from now; the playhead while paused.

        At the end of a loop it is past the loop's end where the jump has not been heard of yet.
        """
        if self._state is not State.PLAYING:
            return self._position_s
        expected_s = self._clock.expected_s(self._output.anchor, self._output.now_s(), lead_s, self.speed)
        return min(expected_s, self.duration_s)

    def set_output(self, output: AudioOutput, sound: Sound | None = None) -> None:
        """Go on through another output from where the playhead stands; `sound` is the clip prepared for it."""
        position_s, playing = self.position_s, self.playing
        old, self._output = self._output, output
        old.close()
        if sound is not None:
            self._sound = sound
        output.set_volume(self._volume)
        self._position_s = min(position_s, self.duration_s)
        if playing:
            self._order(playing=True)

    def load(self, sound: Sound) -> None:
        """Another clip: paused at its start, without a loop region."""
        self._sound, self._loop_s, self._position_s = sound, None, 0.0
        self._state = State.PAUSED if sound.length > 0 else State.EMPTY
        self._order(playing=False)

    def swap_sound(self, sound: Sound) -> None:
        """The same clip in another form: another speed, gain or length. Goes on from what is heard now."""
        self._position_s = min(self.position_s, sound.duration_s)
        self._sound = sound
        if sound.length == 0:
            self._state = State.EMPTY
        elif self._state is State.EMPTY:
            self._state = State.PAUSED
        self._order(playing=self.playing)

    def play(self) -> None:
        """Play from the playhead; at the end of the clip, from the start (or the loop's)."""
        if self._state is State.EMPTY or self.playing:
            return
        region = self.repeats_s
        self._around = None
        if self._position_s >= self.duration_s - 1.0 / self._sound.rate_hz:
            self._position_s = region[0] if region else 0.0
        self._state = State.PLAYING
        self._order(playing=True)

    def pause(self) -> None:
        """Stop where the listener is."""
        if not self.playing:
            return
        self._position_s = self.position_s
        self._state, self._around = State.PAUSED, None
        self._order(playing=False)

    def toggle(self) -> None:
        """Play or pause."""
        if self.playing:
            self.pause()
        else:
            self.play()

    def seek(self, position_s: float) -> None:
        """Move the playhead, clamped to the clip; playback goes on from there."""
        self._around = None
        self._position_s = min(max(position_s, 0.0), self.duration_s)
        self._order(playing=self.playing)

    def scrub(self, position_s: float) -> None:
        """Move the playhead and let a grain of what is there be heard; while playing, the same as a seek."""
        self._around = None
        self._position_s = min(max(position_s, 0.0), self.duration_s)
        self._order(playing=self.playing, grain=not self.playing)

    def play_around(self, before_s: float, after_s: float) -> None:
        """Play from before the playhead until after it, once, and return to it; loops do not count."""
        if self._state is State.EMPTY:
            return
        here_s = self._around[1] if self._around is not None else self.position_s
        self._around = (min(here_s + after_s, self.duration_s), here_s)
        self._position_s = max(here_s - before_s, 0.0)
        self._state = State.PLAYING
        self._order(playing=True)

    def stop(self) -> None:
        """Pause and return to the start (of the loop region, when looping)."""
        self.pause()
        region = self.repeats_s
        self.seek(region[0] if region else 0.0)

    def set_looping(self, looping: bool) -> None:
        """Repeat the loop region, or the whole clip without one. The sound goes on unbroken."""
        self._looping = looping
        self._reloop()

    def set_loop_region(self, region_s: tuple[float, float] | None) -> None:
        """Mark what repeats, seconds in any order; a region shorter than `MIN_LOOP_S` removes the mark."""
        if region_s is not None:
            first, past = (min(max(t, 0.0), self.duration_s) for t in sorted(region_s))
            region_s = (first, past) if past - first >= MIN_LOOP_S else None
        self._loop_s = region_s
        self._reloop()

    def set_volume(self, volume: float) -> None:
        """Linear gain, clamped to 0–1."""
        self._volume = min(max(volume, 0.0), 1.0)
        self._output.set_volume(self._volume)

    def tick(self) -> None:
        """Notice the end of the clip and a lost device; called at every tick of the interface."""
        if self._output.lost:
            name = self._output.name
            self.set_output(SilentOutput(f"The sound output “{name}” went away, so playback goes on silently."))
            if self.on_lost is not None:
                self.on_lost(name)
        end_s, return_s = self._around or (self.duration_s, self.duration_s)
        slack_s = 0.0 if self._around is None else self._sound.time_of(1.0)  # its end is a whole sample
        if self.playing and self.position_s >= end_s - slack_s:
            self._position_s = return_s
            self._state, self._around = State.PAUSED, None
            self._order(playing=False)

    def close(self) -> None:
        """Stop and release the device."""
        self.pause()
        self._output.close()

    def _loop_samples(self) -> tuple[int, int] | None:
        region = self.repeats_s
        if region is None:
            return None
        first, past = (self._sound.sample_at(t) for t in region)
        return (first, past) if past > first else None

    def _order(self, *, playing: bool, grain: bool = False) -> None:
        """Start anew at the playhead (or fall silent) under a new generation."""
        self.generation += 1
        sound = self._sound
        start = sound.sample_at(self._position_s)
        until = sound.sample_at(self._around[0]) if playing and self._around is not None else None
        self._clock.hold(self.generation, self._position_s)
        self._output.give(Order(self.generation, playing, sound, start, self._loop_samples(), until, grain))

    def _reloop(self) -> None:
        """Change the loop under the running sound; behind its end, playback jumps to its start."""
        if not self.playing:
            return
        region = self.repeats_s
        if region is not None and self.position_s >= region[1]:
            self.seek(region[0])
            return
        self._output.give(Order(self.generation, True, self._sound, None, self._loop_samples()))
