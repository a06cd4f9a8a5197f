"""How long it takes from a slider to the screen, and from the command to the first picture.

Both are measured in a process of its own that opens the real window (`studio.commands.window_probe`). Without a
screen, latency is that of the engine's thread alone and start-up is not known.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from studio.commands.window import need_display
from studio.errors import StudioError

log = logging.getLogger(__name__)

CHANGES = 40
"""Slider movements measured, after `WARM_UP` that are not."""

WARM_UP = 3
TIMEOUT_S = 120.0
SIZE_PX = 512
"""Of the pictures that the engine's thread is asked for when there is no window."""


def window_figures(avatar: Path) -> dict[str, Any]:
    """`latency_ms` and `startup_s` through the real window, or the engine alone where there is no screen."""
    try:
        need_display()
        return _through_window(avatar)
    except StudioError as error:
        log.warning("%s", error)
        return {
            "latency_ms": percentiles(engine_latencies_ms(avatar)),
            "latency_path": "engine",
            "startup_s": {"window": None, "first_frame": None},
        }


def percentiles(latencies_ms: list[float]) -> dict[str, float]:
    """p50 and p95 of latencies."""
    p50, p95 = np.percentile(latencies_ms, (50, 95))
    return {"p50": round(float(p50), 2), "p95": round(float(p95), 2)}


def _through_window(avatar: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "studio.commands.window_probe", str(avatar), str(WARM_UP + CHANGES)]
    began = time.time()
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
        found = json.loads(done.stdout)
    except subprocess.TimeoutExpired as error:
        raise StudioError(f"The window could not be measured within {TIMEOUT_S:g} s.") from error
    except ValueError as error:
        last = (done.stderr.strip() or "it said nothing").splitlines()[-1]
        raise StudioError(f"The window could not be measured: {last}") from error
    return {
        "latency_ms": percentiles(found["latencies_ms"][WARM_UP:]),
        "latency_path": "window",
        "latency_size_px": found["size_px"],
        "startup_s": {
            "window": round(found["window_at"] - began, 3),
            "first_frame": round(found["first_frame_at"] - began, 3),
        },
    }


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
