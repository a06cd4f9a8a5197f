"""Picture and sound in virtual time: an engine of a known pace, a device that plays exactly, the studio's own loop."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import pytest

from studio.document.performance import Performance
from studio.engine.camera import Camera, orbit_camera
from studio.engine.scene import Scene
from studio.playback.engine_thread import EngineThread, FrameRequest, FrameResult
from studio.playback.player import Player
from studio.playback.show import Show, Stage
from studio.playback.sound import Sound
from studio.playback.sync_report import MAX_MS, MEDIAN_MS, P95_MS, Seen, Statements, offsets_ms
from tests.playback.fake_audio import RATE_HZ, FakeAudioDevice

STEP_S = 0.004


@dataclass
class VirtualEngine:
    """Draws one picture at a time, each for the same while of the device's time."""

    device: FakeAudioDevice
    picture_s: float
    oldest: int = 0
    drawing: tuple[float, FrameRequest] | None = None
    waiting: FrameRequest | None = None
    done: list[FrameResult] = field(default_factory=list)

    @property
    def busy(self) -> bool:
        return self.drawing is not None

    def request(self, request: FrameRequest) -> None:
        self.waiting = request
        self.work()

    def drop_before(self, generation: int) -> None:
        self.oldest = generation
        if self.waiting is not None and self.waiting.generation < generation:
            self.waiting = None

    def work(self) -> None:
        now = self.device.time_s
        if self.drawing is not None and now >= self.drawing[0]:
            request, self.drawing = self.drawing[1], None
            if request.generation >= self.oldest:
                rgba = np.zeros((1, 1, 4), np.uint8)
                self.done.append(FrameResult(request, rgba, 0.0, 1.0))
        if self.drawing is None and self.waiting is not None:
            self.drawing, self.waiting = (now + self.picture_s, self.waiting), None


def camera(width: int, height: int) -> Camera:
    return orbit_camera(0.0, 0.0, 1.0, width=width, height=height)


@dataclass
class Run:
    """A minute of the studio's loop, in no time."""

    picture_s: float
    loop_s: tuple[float, float] | None = None
    device: FakeAudioDevice = field(default_factory=lambda: FakeAudioDevice(latency=0.06))
    seen: list[Seen] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.engine = VirtualEngine(self.device, self.picture_s)
        self.player = Player(self.device)
        self.show = Show(self.player, cast(EngineThread, self.engine))
        self.show.set_stage(Stage(Scene(None, Performance()), (0.0, 0.0, 0.0), 25.0))
        self.show.set_view(camera, 64, 64)
        self.player.load(self.sound(1.0))
        self.said: list[tuple[float, int]] = []
        if self.loop_s is not None:
            self.player.set_loop_region(self.loop_s)
            self.player.set_looping(True)
        self.player.play()
        self.show.restarted()

    @staticmethod
    def sound(speed: float) -> Sound:
        length = round(120 * RATE_HZ / speed)
        return Sound(np.broadcast_to(np.float32(0.5), (length, 1)), RATE_HZ, speed, 120.0)

    def play(self, seconds: float) -> None:
        until = self.device.time_s + seconds
        while self.device.time_s < until:
            self.device.advance(STEP_S)
            anchor = self.device.anchor
            if anchor is not None and (not self.said or self.said[-1][1] != anchor.running):
                self.said.append((anchor.heard_at_s, anchor.running))
            self.engine.work()
            while self.engine.done:
                self.show.taken(self.engine.done.pop(0))
            if (result := self.show.next_picture()) is not None:
                self.show.presented(self.device.time_s)
                if anchor is not None and anchor.segment.generation == result.request.generation:
                    self.seen.append(Seen(self.device.time_s, result.request.time_s, anchor.segment))
            self.show.tick()

    def offsets(self) -> Any:
        times, running = np.array(self.said, np.float64).T
        return offsets_ms(self.seen[8:], Statements(times, running, RATE_HZ))[1]

    def check(self) -> None:
        offsets = self.offsets()
        assert abs(np.median(offsets)) <= MEDIAN_MS
        assert np.percentile(np.abs(offsets), 95) <= P95_MS
        assert np.abs(offsets).max() <= MAX_MS


def test_an_engine_that_keeps_up_shows_every_frame_in_time() -> None:
    run = Run(0.02)
    run.play(60.0)
    run.check()
    assert len(run.seen) == pytest.approx(1500, abs=10)
    assert run.show.pace.dropped <= 2


def test_an_engine_of_8_pictures_a_second_drops_frames_and_never_sound() -> None:
    run = Run(0.125)
    run.play(60.0)
    run.check()
    assert len(run.seen) == pytest.approx(480, abs=20)
    assert run.show.pace.dropped > 900
    heard = np.concatenate(run.device.heard)[:, 0]
    assert np.all(heard[200:] == 0.5)  # not one sample is missing


def test_after_seeks() -> None:
    run = Run(0.03)
    for i in range(30):
        run.play(2.0)
        run.player.seek((i * 37.3) % 110)
        run.show.restarted()
    run.check()
    assert len(run.seen) > 1300


@pytest.mark.parametrize("picture_s", [0.02, 0.125])
def test_in_loops(picture_s: float) -> None:
    run = Run(picture_s, loop_s=(1.0, 2.2))
    run.play(60.0)
    run.check()


@pytest.mark.parametrize("picture_s", [0.015, 0.06])
def test_after_changes_of_speed(picture_s: float) -> None:
    run = Run(picture_s)
    for speed in (0.5, 2.0, 0.25, 1.25, 0.75, 1.5, 1.0) * 2:
        run.player.swap_sound(run.sound(speed))
        run.show.restarted()
        run.play(4.0)
    run.check()


def test_a_card_that_runs_fast_does_not_drift() -> None:
    run = Run(0.02, device=FakeAudioDevice(speed=1.001, latency=0.06))
    run.play(60.0)
    run.check()
