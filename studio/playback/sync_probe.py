"""Measures how well picture and sound stay together, through the real sound device and the real engine thread.

    python -m studio.playback.sync_probe --mode all --seconds 60 --json

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
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from studio.document.performance import Performance
from studio.engine.aids import NO_AIDS, Aids
from studio.engine.camera import Camera, orbit_camera
from studio.engine.scene import Scene
from studio.errors import StudioError
from studio.playback.device import AudioOutput, SoundDeviceOutput, open_output
from studio.playback.engine_thread import AvatarReady, EngineFailure, EngineThread, FrameResult, Renderer
from studio.playback.pacer import TICK_S
from studio.playback.player import Player, silent_sound
from studio.playback.show import Show, Stage
from studio.playback.sound import Sound
from studio.playback.sync_report import Seen, Statements, SyncReport, offsets_ms

if TYPE_CHECKING:
    from studio.engine.backdrop import Background
    from studio.engine.controls import Controls
    from studio.engine.renderer import Frame

SETTLE_S = 0.5
"""Pictures right after the first start are not counted: the pacer has not learned the engine's pace yet."""

LOAD_TIMEOUT_S = 300.0
"""A first start compiles the rasterizer, which takes a minute on a busy machine."""

SPEEDS = (1.0, 0.5, 2.0, 0.25, 1.25, 0.75, 1.5)
"""Taken in turn where speeds change."""


@dataclass(frozen=True)
class Mode:
    """What happens during a measurement."""

    name: str
    engine_fps: float = 0.0  # the engine is slowed down to that many pictures a second; 0: as fast as it is
    seek_every_s: float = 0.0
    loop_s: tuple[float, float] | None = None
    speed_every_s: float = 0.0  # another of `SPEEDS` that often


MODES = (
    Mode("plain"),
    Mode("slow", engine_fps=8.0),
    Mode("seeks", seek_every_s=2.0),
    Mode("loops", loop_s=(1.0, 2.2)),
    Mode("speeds", speed_every_s=4.0),
)


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


class SlowRenderer:
    """A renderer that takes at least so long for every picture, to try engines of any speed."""

    def __init__(self, renderer: Renderer, picture_s: float) -> None:
        self._renderer, self._picture_s = renderer, picture_s
        self.avatar = renderer.avatar
        self.backend = renderer.backend

    def frame(
        self, controls: Controls, camera: Camera, *, background: Background = None, aids: Aids = NO_AIDS
    ) -> Frame:
        """The renderer's picture, later."""
        until = time.perf_counter() + self._picture_s
        frame = self._renderer.frame(controls, camera, background=background, aids=aids)
        time.sleep(max(0.0, until - time.perf_counter()))
        return frame


def measure(
    output: AudioOutput,
    renderer: Renderer,
    seconds: float,
    mode: Mode = MODES[0],
    *,
    height_px: int = 256,
) -> SyncReport:
    """Play silence for `seconds` and compare what is shown with what is heard.

    Args:
        output: where the (silent) sound goes; its clock is the truth.
        renderer: draws in an engine thread of its own.
        seconds: real time, ≥ 2.
        mode: what happens meanwhile.
        height_px: of the square pictures.

    Raises:
        StudioError: if the engine fails, or nothing was shown.
    """
    if mode.engine_fps:
        renderer = SlowRenderer(renderer, 1.0 / mode.engine_fps)
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
        clip_s = 2.0 * seconds + 10.0
        rate_hz = output.rate_hz if isinstance(output, SoundDeviceOutput) else 48_000.0
        player.load(_silence(clip_s, rate_hz, 1.0))
        if mode.loop_s is not None:
            player.set_loop_region(mode.loop_s)
            player.set_looping(True)
        show.ask_now()
        woken.wait(LOAD_TIMEOUT_S)  # the first picture compiles and caches
        player.play()
        show.restarted()
        seen = _play(show, truth, woken, seconds, mode)
        pace, said = show.pace, truth.statements()
        drawing_ms = show.pacer.lead_s * 1e3
    finally:
        engine.close()
        player.close()
    at_s, offsets = offsets_ms(seen, said)
    return SyncReport(
        mode=mode.name,
        device=output.name,
        device_clock_trusted=output.trusted if isinstance(output, SoundDeviceOutput) else True,
        seconds=seconds,
        shown=len(offsets),
        dropped=pace.dropped,
        fps=len(offsets) / max(at_s[-1] - at_s[0], 1e-9),
        drawing_ms=drawing_ms,
        median_ms=float(np.median(offsets)),
        p5_ms=float(np.percentile(offsets, 5)),
        p95_ms=float(np.percentile(np.abs(offsets), 95)),
        max_abs_ms=float(np.abs(offsets).max()),
        drift_ms_per_min=float(np.polyfit(at_s - at_s[0], offsets, 1)[0]) * 60.0,
        clock_residual_p95_ms=said.residual_s() * 1e3,
        underflows=output.underflows if isinstance(output, SoundDeviceOutput) else 0,
    )


def _silence(clip_s: float, rate_hz: float, speed: float) -> Sound:
    return replace(silent_sound(clip_s / speed, rate_hz), speed=speed, clip_s=clip_s)


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


def _play(show: Show, truth: Truth, woken: threading.Event, seconds: float, mode: Mode) -> list[Seen]:
    """The window's loop without a window."""
    seen: list[Seen] = []
    player, began, changes = show.player, time.perf_counter(), 0
    every_s = mode.seek_every_s or mode.speed_every_s or float("inf")
    sounds = {speed: _silence(player.duration_s, player.rate_hz, speed) for speed in SPEEDS if mode.speed_every_s}
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
        result = show.next_picture()
        if result is not None:
            at_s = time.perf_counter()
            show.presented(at_s)
            _note(seen, player, result, at_s, counted=at_s - began > SETTLE_S)
        if now - began > every_s * (changes + 1):
            changes += 1
            if mode.speed_every_s:
                player.swap_sound(sounds[SPEEDS[changes % len(SPEEDS)]])
            else:
                player.seek((player.position_s + 3.7) % max(player.duration_s - 5.0, 1.0))
            show.restarted()
        show.tick()
    return seen


def _note(seen: list[Seen], player: Player, result: FrameResult, at_s: float, *, counted: bool) -> None:
    anchor = player.output.anchor
    if counted and anchor is not None and anchor.segment.generation == result.request.generation:
        seen.append(Seen(at_s, result.request.time_s, anchor.segment))


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; exit status 1 when picture and sound are apart or nothing could be measured."""
    names = [mode.name for mode in MODES]
    parser = argparse.ArgumentParser(prog="python -m studio.playback.sync_probe", description=__doc__.split("\n")[0])
    parser.add_argument("--mode", choices=[*names, "all"], default="plain", help="what happens meanwhile")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long to play, per mode")
    parser.add_argument("--avatar", help="a file or a shipped avatar's name")
    parser.add_argument("--size", type=int, default=256, help="height of the pictures in pixels")
    parser.add_argument("--json", action="store_true", help="print one JSON object per mode")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.WARNING)
    good = True
    try:
        renderer = _renderer(options.avatar)
        for mode in MODES:
            if options.mode not in (mode.name, "all"):
                continue
            output = open_output()
            if output.notice:
                sys.stderr.write(output.notice + "\n")
            report = measure(output, renderer, options.seconds, mode, height_px=options.size)
            good = good and report.good
            sys.stdout.write((json.dumps(report.rounded()) if options.json else report.sentence()) + "\n")
            sys.stdout.flush()
    except StudioError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0 if good else 1


def _renderer(avatar: str | None) -> Renderer:
    from studio.engine.avatar import default_avatar, find_avatar, load_avatar
    from studio.engine.renderer import Renderer as EngineRenderer

    return EngineRenderer(load_avatar(default_avatar() if avatar is None else find_avatar(Path(avatar))))


if __name__ == "__main__":
    sys.exit(main())
