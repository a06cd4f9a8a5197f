"""What can only be measured through the real window: start-up, slider to pixels, presenting, playback, memory.

Every start is a process of its own (`studio.commands.window_probe`). Without a screen, latency is that of the engine's
thread alone, and the rest is not known.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from studio.commands.window import need_display
from studio.engine.avatar import default_avatar
from studio.engine.bench.drift import Drift, drift
from studio.engine.bench.figures import Figure, Findings
from studio.engine.bench.frames import Setting
from studio.errors import StudioError

log = logging.getLogger(__name__)

CHANGES = 30
"""Slider movements measured, after `WARM_UP` that are not; in runs of `CHANGES` / `Setting.runs`."""

WARM_UP = 3
STARTS = 3
PLAY_S = 6.0
TIMEOUT_S = 330.0
"""For a start with everything that follows it, compiling included; playing and soaking are added to it."""

SIZE_PX = 512
"""Of the pictures that the engine's thread is asked for when there is no window."""

DROPPED_AIM, LATENCY_AIM_MS, WINDOW_AIM_S, FRAME_AIM_S, MEMORY_AIM_MB = 2.0, 50.0, 1.5, 4.0, 1200.0


def measure_window(setting: Setting, parts: Collection[str], play_s: float = PLAY_S) -> Findings:
    """The parts that need a window, with as few starts as they allow."""
    try:
        need_display()
    except StudioError as error:
        log.warning("%s", error)
        return _without_window(setting, parts)
    acts = [act for act in ("latency", "playback", "present") if act in parts]
    if "memory" in parts and "playback" not in acts:
        acts.append("playback")
    starts = STARTS if "startup" in parts else 1 if acts else 0
    found, told = Findings(), []
    for start in range(starts):
        setting.tell("the window", start / STARTS)
        setting.yardstick.measure()
        request = {"acts": acts if start == 0 else [], "changes": WARM_UP + CHANGES, "play_s": play_s}
        told.append(probe(setting.avatar_path, request | {"sizes_px": list(setting.sizes_px)}, play_s))
    if "startup" in parts:
        found.add(_startup(told, "startup", "warm"))
    if "cold" in parts:
        setting.tell("a cold start", 0.0)
        with tempfile.TemporaryDirectory() as folder:
            empty = {"NUMBA_CACHE_DIR": folder, "XDG_CACHE_HOME": folder}
            found.add(_startup([probe(setting.avatar_path, {"acts": []}, extra=empty)], "cold", "cold"))
    if "latency" in parts:
        found.add(_latency(told[0], setting.runs))
    if "present" in parts:
        found.add(_present(told[0]))
    if "playback" in parts:
        found.add(_playback(told[0]))
    if "memory" in parts:
        found.add(_memory(told[0]))
    return found


def soak(avatar: Path, minutes: float) -> tuple[Findings, Drift | None]:
    """Play and edit in the real window for so long, and watch its memory.

    Raises:
        StudioError: without a screen, or if the window fails.
    """
    need_display()
    told = probe(avatar, {"acts": ["soak"], "soak_s": minutes * 60}, minutes * 60)["soak"]
    times, memory = told["times_s"], told["memory_mb"]
    found = drift(times, memory)
    facts: dict[str, Any] = {"minutes": minutes, "edits": told["edits"], "seeks": told["seeks"]}
    facts |= {"times_s": [round(t, 1) for t in times], "memory_mb": [round(m, 1) for m in memory]}
    who, remarks = _who_holds(times, told)
    facts |= who
    figures = []
    if found is not None:
        facts |= {"slope_mb_per_h": round(found.slope_mb_per_h, 2), "error_mb_per_h": round(found.error_mb_per_h, 2)}
        facts |= {"highest_mb": round(found.highest_mb, 1), "flat": found.flat}
        figures.append(Figure("soak.highest_mb", "soak, memory at most", "MB", found.highest_mb, aim=MEMORY_AIM_MB))
    return Findings({"soak": facts}, figures, remarks=remarks), found


def _who_holds(times: Sequence[float], told: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Facts and a sentence about what of the memory is in use, which leaks would show in, and what is only kept."""
    alive = told["objects_alive"]
    facts: dict[str, Any] = {"objects": told["objects"], "objects_alive": alive}
    words = []
    if None not in told["used_mb"]:
        facts |= {key: [round(value, 1) for value in told[key]] for key in ("used_mb", "spare_mb")}
        used = drift(times, told["used_mb"])
        if used is not None:
            facts["used_slope_mb_per_h"] = [round(used.slope_mb_per_h, 2), round(used.error_mb_per_h, 2)]
            slope = f"{used.slope_mb_per_h:+.1f} ± {used.error_mb_per_h:.1f} MB an hour"
            words.append(f"arrays and windows use {used.last_mb:.0f} MB of it ({slope})")
            words.append(f"{told['spare_mb'][-1]:.0f} MB are free and kept for the next who needs them")
    if len(alive) > 1:
        words.append(
            f"Python's blocks went from {alive[0] / 1e3:,.1f} to {alive[-1] / 1e3:,.1f} thousand, garbage aside"
        )
    return facts, [f"Of the memory, {'; '.join(words)}."] if words else []


def probe(
    avatar: Path, request: Mapping[str, Any], longer_s: float = 0.0, extra: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """One start of the studio; times are seconds from the command.

    Args:
        avatar: the avatar's file.
        request: what to do in the window, see `window_probe`.
        longer_s: how much longer than a mere start it may take.
        extra: of the environment.

    Raises:
        StudioError: if the window fails, or takes too long.
    """
    with tempfile.TemporaryDirectory() as state:  # journals of the user are not touched
        environment = os.environ | {"XDG_STATE_HOME": state} | dict(extra or {})
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # a studio that was started before finds its modules compiled
        named = None if avatar == default_avatar() else str(avatar)
        command = [sys.executable, "-m", "studio.commands.window_probe", json.dumps({"avatar": named, **request})]
        began, limit_s = time.time(), TIMEOUT_S + 1.5 * longer_s
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=limit_s, check=False, env=environment
            )
            found: dict[str, Any] = json.loads(done.stdout)
        except subprocess.TimeoutExpired as error:
            raise StudioError(f"The window could not be measured within {limit_s:g} s.") from error
        except ValueError as error:
            last = (done.stderr.strip() or "it said nothing").splitlines()[-1]
            raise StudioError(f"The window could not be measured: {last}") from error
    for key in ("window", "first_frame", "ready"):
        found[f"{key}_s"] = None if found.get(f"{key}_at") is None else found[f"{key}_at"] - began
    return found


def percentiles(latencies_ms: Sequence[float]) -> dict[str, float]:
    """p50 and p95 of latencies."""
    p50, p95 = np.percentile(latencies_ms, (50, 95))
    return {"p50": round(float(p50), 2), "p95": round(float(p95), 2)}


def engine_latencies_ms(avatar: Path, changes: int = CHANGES, size_px: int = SIZE_PX) -> list[float]:
    """From posting a changed performance to the engine's thread until its picture is there, per change.

    Raises:
        StudioError: if the engine fails.
    """
    from studio.document.performance import Performance
    from studio.engine.avatar import load_avatar
    from studio.engine.export import BACKGROUND
    from studio.engine.renderer import Renderer
    from studio.engine.scene import Scene
    from studio.playback.engine_thread import EngineFailure, EngineThread, FrameRequest

    head = load_avatar(avatar)
    camera = head.camera(width=size_px, height=size_px)
    woken = threading.Event()
    engine = EngineThread(lambda _: Renderer(head), woken.set)
    latencies: list[float] = []
    try:
        engine.load_avatar(avatar)
        for i in range(WARM_UP + changes):
            began = time.perf_counter()
            scene = Scene(None, Performance.held({"AU12": 5 * i / (WARM_UP + changes)}))
            engine.request(FrameRequest(0.0, scene, camera, BACKGROUND))
            while (result := engine.take_result()) is None or result.request.scene is not scene:
                for message in engine.take_messages():
                    if isinstance(message, EngineFailure):
                        raise StudioError(message.text)
                if not woken.wait(TIMEOUT_S):
                    raise StudioError(f"The engine drew no frame within {TIMEOUT_S:g} s.")
                woken.clear()
            if i >= WARM_UP:
                latencies.append((time.perf_counter() - began) * 1e3)
    finally:
        engine.close()
    return latencies


def _without_window(setting: Setting, parts: Collection[str]) -> Findings:
    found = Findings(remarks=["There is no screen here: what needs the window was not measured."])
    if "startup" in parts:
        found.facts["startup_s"] = {"window": None, "first_frame": None}
    if "latency" in parts:
        setting.tell("latency of the engine", 0.0)
        latencies = engine_latencies_ms(setting.avatar_path)
        found.facts |= {"latency_ms": percentiles(latencies), "latency_path": "engine"}
        found.figures += _latency_figures("engine", "slider to finished picture", latencies, setting.runs)
    return found


def _startup(told: Sequence[Mapping[str, Any]], name: str, word: str) -> Findings:
    window, frame = ([one[f"{key}_s"] for one in told] for key in ("window", "first_frame"))
    warm = name == "startup"
    figures = [
        Figure.of(f"{name}.window_s", f"window visible, {word}", "s", window, aim=WINDOW_AIM_S if warm else None),
        Figure.of(
            f"{name}.first_frame_s", f"first avatar frame, {word}", "s", frame, aim=FRAME_AIM_S if warm else None
        ),
    ]
    ready = [one["ready_s"] for one in told if one["ready_s"] is not None]
    if ready:
        figures.append(Figure.of(f"{name}.ready_s", f"speech ready to play, {word}", "s", ready))
    facts = {figure.name.split(".")[1].removesuffix("_s"): round(figure.value, 3) for figure in figures}
    return Findings({"startup_s" if warm else "startup_cold_s": facts}, figures)


def _latency(told: Mapping[str, Any], runs: int) -> Findings:
    paused, playing = (told[key][WARM_UP:] for key in ("latencies_ms", "latencies_playing_ms"))
    facts = {"latency_ms": percentiles(paused), "latency_playing_ms": percentiles(playing), "latency_path": "window"}
    facts["latency_size_px"] = told["size_px"]
    return Findings(
        facts,
        _latency_figures("latency", "slider to pixels", paused, runs)
        + _latency_figures("latency_playing", "slider to pixels while it plays", playing, runs),
    )


def _latency_figures(name: str, title: str, latencies_ms: Sequence[float], runs: int) -> list[Figure]:
    each = [run for run in np.array_split(np.asarray(latencies_ms), runs) if len(run)]
    made = []
    for share, word, aim in ((50, "median", None), (95, "95th percentile", LATENCY_AIM_MS)):
        value, per_run = (
            float(np.percentile(latencies_ms, share)),
            tuple(float(np.percentile(run, share)) for run in each),
        )
        made.append(Figure(f"{name}.p{share}_ms", f"{title}, {word}", "ms", value, per_run, aim=aim))
    return made


def _present(told: Mapping[str, Any]) -> Findings:
    rows, figures = [], []
    for row in told["present"]:
        found = percentiles(row["times_ms"])
        rows.append({"kind": row["kind"], "size_px": row["size_px"], **found})
        name, title = f"present.{row['kind']}.{row['size_px']}", f"present {row['size_px']}² ({row['kind']})"
        each = [float(np.median(run)) for run in np.array_split(np.asarray(row["times_ms"]), 5)]
        figures.append(Figure(f"{name}.p50_ms", f"{title}, median", "ms", found["p50"], tuple(each)))
    return Findings({"present_ms": rows}, figures)


def _playback(told: Mapping[str, Any]) -> Findings:
    play = told["playback"]
    due = play["shown"] + play["dropped"]
    share = 100 * (play["dropped"] + play["late"]) / max(1, due)
    facts = {key: play[key] for key in ("seconds", "shown", "dropped", "late", "viewport_px", "picture_px")}
    facts |= {"dropped_or_late_percent": round(share, 2), "lateness_ms": percentiles(play["lateness_ms"])}
    figure = Figure("playback.dropped_percent", "frames dropped or late in playback", "%", share, aim=DROPPED_AIM)
    return Findings({"playback": facts}, [figure])


def _memory(told: Mapping[str, Any]) -> Findings:
    play = told["playback"]["memory_mb"]
    facts = {"at_rest_mb": told["at_rest_mb"], "playing_mb": None, "peak_mb": told["peak_mb"]}
    figures = []
    if play:
        figures.append(Figure.of("memory.playing_mb", "memory while playing", "MB", play, aim=MEMORY_AIM_MB))
        facts["playing_mb"] = round(figures[0].value, 1)
    for key, title in (("at_rest_mb", "memory at rest"), ("peak_mb", "memory of the window, at most")):
        if facts[key] is not None:
            figures.append(Figure(f"memory.{key}", title, "MB", float(facts[key])))
    return Findings({"memory": facts}, figures)
