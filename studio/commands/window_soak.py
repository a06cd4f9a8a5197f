"""Playing and editing for a long time, as somebody does who tries things out; its memory is watched.

What is edited is undone again or replaced, so that the project and its history stay as large as they were: what grows
then is not the work but the program.
"""

from __future__ import annotations

import gc
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QEvent, QPoint

from studio.commands.window_probe import Memory, Watch, mouse
from studio.document.action_units import AU_KEYS
from studio.engine.bench.drift import SETTLING

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

SAMPLE_EVERY_MS = 5_000
STEP_S = 0.03
"""Between the steps of a drag: as quickly as a hand and most screens."""

STEPS = 12
REST_S = 0.4
PLAY_AGAIN_S = 1.2


def soak(watch: Watch, seconds: float) -> dict[str, Any]:
    """Use the window for so long: sliders, undo, redo, seek, orbit, play and pause, again and again."""
    window, session, driver = watch.window, watch.window.session, watch.window.driver
    random = np.random.default_rng(11)
    session.set_loop(True)
    driver.toggle()
    memory = Memory(SAMPLE_EVERY_MS)
    began = time.monotonic()
    ends = began + seconds
    edits = seeks = 0
    alive: list[int] = []
    while time.monotonic() < ends:
        if not alive and time.monotonic() - began > SETTLING * seconds:
            alive.append(living())
        before = session.history.position
        for key in random.choice(AU_KEYS, 2, replace=False):
            slider = window.panel.rows[str(key)].slider
            middle = slider.height() // 2
            goal = slider.x_of(float(random.uniform(0.5, slider.scale.high)))
            path = np.linspace(slider.x_of(slider.intensity()), goal, STEPS)
            drag(watch, slider, [QPoint(round(float(x)), middle) for x in path])
            edits += 1
        session.undo()
        watch.live(REST_S)
        session.redo()
        turn_view(watch, random)
        watch.live(REST_S)
        while session.history.position > before:
            session.undo()
        driver.seek(float(random.uniform(0, max(driver.player.duration_s - 1, 0.1))))
        seeks += 1
        watch.live(PLAY_AGAIN_S)
        if seeks % 5 == 0:
            driver.toggle()
            watch.live(REST_S)
            driver.scrub(float(random.uniform(0, driver.player.duration_s)))
            watch.live(REST_S)
            driver.toggle()
    driver.pause()
    memory.close()
    return {
        "times_s": memory.times_s,
        "memory_mb": memory.found_mb,
        "used_mb": [held.used_mb for held in memory.held],
        "spare_mb": [held.spare_mb for held in memory.held],
        "objects": [held.objects for held in memory.held],
        "objects_alive": [*alive, living()],
        "edits": edits,
        "seeks": seeks,
    }


def living() -> int:
    """Blocks of Python's allocator, once garbage has been collected that waits for its turn."""
    gc.collect()
    return sys.getallocatedblocks()


def drag(watch: Watch, widget: QWidget, path: list[QPoint]) -> None:
    """Press at the first place, go through the others, let go at the last."""
    mouse(widget, QEvent.Type.MouseButtonPress, path[0])
    for place in path[1:]:
        mouse(widget, QEvent.Type.MouseMove, place)
        watch.live(STEP_S)
    mouse(widget, QEvent.Type.MouseButtonRelease, path[-1])


def turn_view(watch: Watch, random: np.random.Generator) -> None:
    """Orbit a little, and back to the front."""
    view = watch.window.viewport
    centre = view.rect().center()
    across, down = (int(value) for value in random.integers(-60, 61, 2))
    drag(watch, view, [centre + QPoint(across * i // STEPS, down * i // STEPS) for i in range(STEPS + 1)])
    view.look("front")
