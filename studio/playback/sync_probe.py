"""Measures how well picture and sound stay together, through the real sound device and the real engine thread.

    python -m studio.playback.sync_probe --seconds 60 --json

For every picture handed out, the offset is the clip time it shows minus the clip sample that leaves the loudspeaker
at that moment: negative when the picture trails. What leaves the loudspeaker is not taken from the studio's clock,
which is what is on trial, but from all that the device said during the run, before and after the moment. The way from
the window to the eye (one refresh of the screen at most) is not part of it.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from studio.document.performance import Performance
from studio.engine.aids import NO_AIDS, Aids
from studio.engine.camera import Camera, orbit_camera
from studio.engine.scene import Scene
from studio.errors import StudioError
from studio.playback.clock import Segment
from studio.playback.device import AudioOutput, SoundDeviceOutput, open_output
from studio.playback.engine_thread import AvatarReady, EngineFailure, EngineThread, FrameResult, Renderer
from studio.playback.pacer import TICK_S
from studio.playback.player import Player, silent_sound
from studio.playback.show import Show, Stage

if TYPE_CHECKING:
    from studio.engine.backdrop import Background
    from studio.engine.controls import Controls
    from studio.engine.renderer import Frame

SETTLE_S = 0.5
"""Pictures right after a start or seek are not counted: the pacer has not learned the engine's pace yet."""

LOAD_TIMEOUT_S = 300.0
"""A first start compiles the rasterizer, which takes a minute on a busy machine."""

ALLOWED_MS = 20.0
"""|median| above this fails the command: half a frame at 25 a second."""


@dataclass(frozen=True)
class SyncReport:
    """Offsets in milliseconds, picture minus sound; negative when the picture trails."""

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
        """Whether the median is within `ALLOWED_MS`."""
        return abs(self.median_ms) <= ALLOWED_MS


class Truth:
    """What the device says it is playing, block by block."""

    def __init__(self, output: AudioOutput) -> None:
        self._output = output
        self._said: list[tuple[float, int]] = []

    def listen(self) -> None:
        """Note the newest block, if it is another one."""
        anchor = self._output.anchor
        if anchor is not None and (not self._said or self._said[-1][1] != anchor.running):
            self._said.append((anchor.heard_at_s, anchor.running))

    def statements(self) -> Statements:
        """All that was said so far."""
        anchor = self._output.anchor
        if anchor is None:
            raise StudioError(f"The output {self._output.name} never played; nothing could be measured.")
        said = self._said or [(anchor.heard_at_s, anchor.running)]
        times, running = np.array(said, dtype=np.float64).T
        return Statements(times, running, anchor.rate_hz)


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


class SlowRenderer:
    """A renderer that takes longer, to try engines of any speed."""

    def __init__(self, renderer: Renderer, slow_ms: float) -> None:
        self._renderer, self._slow_s = renderer, slow_ms / 1e3
        self.avatar = renderer.avatar
        self.backend = renderer.backend

    def frame(
        self, controls: Controls, camera: Camera, *, background: Background = None, aids: Aids = NO_AIDS
    ) -> Frame:
        """The renderer's picture, later."""
        time.sleep(self._slow_s)
        return self._renderer.frame(controls, camera, background=background, aids=aids)


@dataclass(frozen=True)
class Seen:
    """One picture that was handed out."""

    at_s: float
    time_s: float
    segment: Segment


def measure(
    output: AudioOutput,
    renderer: Renderer,
    seconds: float,
    *,
    seek_every_s: float = 0.0,
    loop_s: tuple[float, float] | None = None,
    height_px: int = 256,
) -> SyncReport:
    """Play silence for `seconds` and compare what is shown with what is heard.

    Args:
        output: where the (silent) sound goes; its clock is the truth.
        renderer: draws in an engine thread of its own.
        seconds: real time, ≥ 2.
        seek_every_s: jump to another place that often; 0 never.
        loop_s: repeat this part of the clip.
        height_px: of the square pictures.

    Raises:
        StudioError: if the engine fails, or nothing was shown.
    """
    woken = threading.Event()
    engine = EngineThread(lambda _path: renderer, woken.set)
    player = Player(output)
    show = Show(player, engine)
    truth = Truth(output)
    try:
        engine.load_avatar(None)
        _wait_for_avatar(engine, woken)
        show.quality.set_backend(renderer.backend)
        info = renderer.avatar.info
        distance_m = 3.0 * info.head_height_m

        def camera(width: int, height: int) -> Camera:
            return orbit_camera(0.0, 0.0, distance_m, target=info.target, width=width, height=height)

        show.set_stage(Stage(Scene(None, Performance()), (0.1, 0.1, 0.12), 25.0))
        show.set_view(camera, height_px, height_px)
        clip_s = seconds + 10.0
        rate_hz = output.rate_hz if isinstance(output, SoundDeviceOutput) else 48_000.0
        player.load(silent_sound(clip_s, rate_hz))
        if loop_s is not None:
            player.set_loop_region(loop_s)
            player.set_looping(True)
        show.ask_now()
        woken.wait(LOAD_TIMEOUT_S)  # the first picture compiles and caches
        player.play()
        show.restarted()
        seen = _play(show, truth, woken, seconds, seek_every_s)
        pace, said = show.pace, truth.statements()
        drawing_ms = show.pacer.lead_s * 1e3
    finally:
        engine.close()
        player.close()
    return _report(output, said, seen, seconds, pace.dropped, drawing_ms)


def _wait_for_avatar(engine: EngineThread, woken: threading.Event) -> None:
    until = time.monotonic() + LOAD_TIMEOUT_S
    while time.monotonic() < until:
        woken.wait(1.0)
        woken.clear()
        for message in engine.take_messages():
            if isinstance(message, AvatarReady):
                return
            raise StudioError(message.text)
    raise StudioError("The engine did not become ready; see the log.")


def _play(show: Show, truth: Truth, woken: threading.Event, seconds: float, seek_every_s: float) -> list[Seen]:
    """The window's loop without a window."""
    seen: list[Seen] = []
    player, began = show.player, time.perf_counter()
    next_seek_s, settled_s = seek_every_s or float("inf"), SETTLE_S
    while (now := time.perf_counter()) - began < seconds:
        woken.wait(TICK_S)
        woken.clear()
        truth.listen()
        for message in show.engine.take_messages():
            if isinstance(message, EngineFailure):
                raise StudioError(message.text)
        result = show.engine.take_result()
        if result is not None:
            show.taken(result)
            at_s = time.perf_counter()
            show.presented(at_s)
            _note(seen, player, result, at_s, counted=at_s - began > settled_s)
        if now - began > next_seek_s:
            player.seek((player.position_s + 3.7) % max(player.duration_s - 5.0, 1.0))
            show.restarted()
            next_seek_s, settled_s = now - began + seek_every_s, now - began + SETTLE_S
        show.tick()
    return seen


def _note(seen: list[Seen], player: Player, result: FrameResult, at_s: float, *, counted: bool) -> None:
    anchor = player.output.anchor
    if counted and anchor is not None and anchor.segment.generation == result.request.generation:
        seen.append(Seen(at_s, result.request.time_s, anchor.segment))


def _report(
    output: AudioOutput,
    said: Statements,
    seen: Sequence[Seen],
    seconds: float,
    dropped: int,
    drawing_ms: float,
) -> SyncReport:
    if len(seen) < 3:
        raise StudioError(f"Only {len(seen)} pictures were shown; measure longer or with a faster engine.")
    at_s = np.array([s.at_s for s in seen])
    heard_s = np.array([s.segment.position(said.running_at(s.at_s)) / said.rate_hz for s in seen])
    offsets = (np.array([s.time_s for s in seen]) - heard_s) * 1e3
    loop = seen[-1].segment.loop
    if loop is not None:  # a picture on one side of the seam, the sound on the other
        period_ms = (loop[1] - loop[0]) / said.rate_hz * 1e3
        offsets = (offsets + period_ms / 2) % period_ms - period_ms / 2
    drift = float(np.polyfit(at_s - at_s[0], offsets, 1)[0]) * 60.0
    real = isinstance(output, SoundDeviceOutput)
    return SyncReport(
        device=output.name,
        device_clock_trusted=output.trusted if isinstance(output, SoundDeviceOutput) else True,
        seconds=seconds,
        shown=len(seen),
        dropped=dropped,
        fps=len(seen) / max(at_s[-1] - at_s[0], 1e-9),
        drawing_ms=drawing_ms,
        median_ms=float(np.median(offsets)),
        p5_ms=float(np.percentile(offsets, 5)),
        p95_ms=float(np.percentile(np.abs(offsets), 95)),
        max_abs_ms=float(np.abs(offsets).max()),
        drift_ms_per_min=drift,
        clock_residual_p95_ms=said.residual_s() * 1e3,
        underflows=output.underflows if real and isinstance(output, SoundDeviceOutput) else 0,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; exit status 1 when picture and sound are apart or nothing could be measured."""
    parser = argparse.ArgumentParser(prog="python -m studio.playback.sync_probe", description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=60.0, help="how long to play")
    parser.add_argument("--avatar", help="a file or a shipped avatar's name")
    parser.add_argument("--size", type=int, default=256, help="height of the pictures in pixels")
    parser.add_argument("--slow-ms", type=float, default=0.0, help="make every picture take that much longer")
    parser.add_argument("--seek-every", type=float, default=0.0, help="seconds between jumps")
    parser.add_argument("--loop", type=float, nargs=2, metavar=("FIRST", "PAST"), help="seconds to repeat")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.WARNING)
    try:
        renderer = _renderer(options.avatar)
        if options.slow_ms > 0:
            renderer = SlowRenderer(renderer, options.slow_ms)
        output = open_output()
        if output.notice:
            sys.stderr.write(output.notice + "\n")
        loop_s = tuple(options.loop) if options.loop else None
        report = measure(
            output, renderer, options.seconds, seek_every_s=options.seek_every, loop_s=loop_s, height_px=options.size
        )
    except StudioError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(json.dumps(_rounded(report)) + "\n" if options.json else _sentence(report) + "\n")
    return 0 if report.good else 1


def _renderer(avatar: str | None) -> Renderer:
    from studio.engine.avatar import default_avatar, find_avatar, load_avatar
    from studio.engine.renderer import Renderer as EngineRenderer

    return EngineRenderer(load_avatar(default_avatar() if avatar is None else find_avatar(Path(avatar))))


def _rounded(report: SyncReport) -> dict[str, Any]:
    values = asdict(report) | {"good": report.good}
    return {key: round(value, 2) if isinstance(value, float) else value for key, value in values.items()}


def _sentence(report: SyncReport) -> str:
    side = "behind" if report.median_ms < 0 else "ahead of"
    return (
        f"{report.shown} pictures in {report.seconds:.0f} s on {report.device}: median {abs(report.median_ms):.1f} ms "
        f"{side} the sound, p95 {report.p95_ms:.1f} ms, max {report.max_abs_ms:.1f} ms, drift "
        f"{report.drift_ms_per_min:.2f} ms a minute, {report.dropped} frames dropped, {report.underflows} underflows."
    )


if __name__ == "__main__":
    sys.exit(main())
