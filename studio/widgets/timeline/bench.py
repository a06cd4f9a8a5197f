"""How fast the timeline repaints a long clip: `python -m studio.widgets.timeline.bench` writes JSON.

The canvas is as large as on a full-HD screen and filled with unfolded lanes. Every repaint after a pan or zoom draws
the whole canvas; each is preceded by another view, so that nothing can be kept from the repaint before by chance.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable

import numpy as np
from PySide6.QtWidgets import QApplication

from studio.document.action_units import AU_KEYS
from studio.document.commands import History
from studio.document.curves import Curve, Interpolation
from studio.document.lanes import POSE_KEYS, Lane
from studio.document.model import Project
from studio.document.performance import Performance
from studio.engine.speech.phonemes import PHONEMES, Phoneme
from studio.widgets import theme
from studio.widgets.peaks import Peaks
from studio.widgets.timeline.canvas import ZOOM_STEP, Canvas
from studio.widgets.timeline.editor import KeyEditor
from studio.widgets.timeline.rows import rows_of
from studio.widgets.timeline.sounds import Sounds
from studio.widgets.timeline.spectrum import Spectrum
from studio.widgets.timeline.state import GUTTER, TimelineState

MINUTES, LANES, KEYS = 30.0, 40, 20_000
SIZE_PX = (1900, 700)
RATE_HZ = 16_000
PHONEMES_PER_S = 11
REPAINTS = 60


def long_performance(minutes: float = MINUTES, lanes: int = LANES, keys: int = KEYS) -> Performance:
    """Lanes on all channels with keys at irregular moments, smooth ones and straight ones."""
    random = np.random.default_rng(7)
    each = keys // lanes
    made = []
    for i in range(lanes):
        target = (*AU_KEYS, *POSE_KEYS)[i % (len(AU_KEYS) + len(POSE_KEYS))]
        times = np.sort(random.uniform(0, minutes * 60, each)) + np.arange(each) * 1e-4
        high = 5.0 if target.startswith("AU") else 20.0
        kind = (Interpolation.BEZIER, Interpolation.BEZIER, Interpolation.LINEAR, Interpolation.CONSTANT)[i % 4]
        curve = Curve.from_samples(times, random.uniform(0, high, each), kind)
        made.append(Lane(target, curve, name=f"{target} {i}"))
    return Performance(lanes=tuple(made))


def long_state(minutes: float = MINUTES, lanes: int = LANES, keys: int = KEYS) -> tuple[TimelineState, History]:
    """What the canvas shows of a clip with noise for speech."""
    duration_s = minutes * 60
    performance = long_performance(minutes, lanes, keys)
    random = np.random.default_rng(11)
    samples = random.standard_normal(round(duration_s * RATE_HZ), np.float32) * np.float32(0.2)
    edges = np.arange(round(duration_s * PHONEMES_PER_S) + 1) / PHONEMES_PER_S
    labels = random.integers(1, len(PHONEMES), len(edges) - 1)
    state = TimelineState(performance=performance, duration_s=duration_s, position_s=duration_s * 0.4)
    state.peaks = Peaks(samples, RATE_HZ)
    state.sounds = Sounds.of(
        tuple(
            Phoneme(PHONEMES[label], float(first), float(past))
            for label, first, past in zip(labels, edges[:-1], edges[1:], strict=True)
        )
    )
    state.spectrum = Spectrum(random.random((round(duration_s * 100), 40), np.float32) ** 6, 100.0)
    state.spectrum_shown = True
    state.rows = rows_of(performance, (), ())
    state.view.set_total(duration_s)
    return state, History(Project(performance=performance))


def measure(repaints: int = REPAINTS, size_px: tuple[int, int] = SIZE_PX) -> dict[str, object]:
    """Medians and 95th percentiles of repaints, milliseconds; needs a `QApplication`."""
    state, history = long_state()
    canvas = Canvas(state, KeyEditor(history, lambda: state.position_s))
    canvas.resize(*size_px)
    canvas.show()
    QApplication.processEvents()
    middle = GUTTER + (size_px[0] - GUTTER) / 2

    def zoom(i: int) -> None:
        canvas.zoom(ZOOM_STEP if i // 12 % 2 == 0 else 1 / ZOOM_STEP, middle)

    def pan(i: int) -> None:
        state.view.pan(140 if i // 20 % 2 == 0 else -140)
        canvas.update()

    def playhead(i: int) -> None:
        canvas.move_playhead(state.view.start_s + (i % 50 + 1) / 60 * state.view.span_s)

    def drag(i: int) -> None:
        lane = state.performance.lanes[0]
        assert state.rows
        curve = lane.curve.with_key(float(lane.curve.times_s[len(lane.curve) // 2]), i % 5)
        state.performance = state.performance.with_curve(lane.id, curve)
        state.rows = rows_of(state.performance, (), ())
        canvas.update()

    results: dict[str, object] = {
        "minutes": MINUTES, "lanes": LANES, "keys": KEYS, "phonemes": len(state.sounds), "size_px": list(size_px),
    }  # fmt: skip
    for span_s in (MINUTES * 60, 60.0, 6.0):
        state.view.fit(MINUTES * 24, MINUTES * 24 + span_s)
        found = {"zoom_ms": _timed(canvas, zoom, repaints)}
        state.view.fit(MINUTES * 24, MINUTES * 24 + span_s)
        found["pan_ms"] = _timed(canvas, pan, repaints)
        found["playhead_ms"] = _timed(canvas, playhead, repaints)
        found["key_ms"] = _timed(canvas, drag, repaints)
        results[f"{span_s:g}_s_in_sight"] = found
    canvas.close()
    return results


def _timed(canvas: Canvas, change: Callable[[int], None], repaints: int) -> dict[str, float]:
    """One change and the repaint that follows it: by the clock, and of it on the processor (other programs aside)."""
    taken, worked = [], []
    for i in range(repaints):
        began, began_work = time.perf_counter(), time.thread_time()
        change(i)
        QApplication.processEvents()
        taken.append((time.perf_counter() - began) * 1000)
        worked.append((time.thread_time() - began_work) * 1000)
    median, late = np.percentile(taken, (50, 95))
    return {
        "median": round(float(median), 2),
        "p95": round(float(late), 2),
        "processor_median": round(float(np.median(worked)), 2),
    }


def main() -> None:
    """Measure and write JSON to standard output."""
    words = argparse.ArgumentParser(description="How fast the timeline repaints a clip of 30 minutes")
    words.add_argument("--repaints", type=int, default=REPAINTS, help=f"for each median (default {REPAINTS})")
    words.add_argument("--size", type=int, nargs=2, default=SIZE_PX, metavar=("W", "H"), help="of the canvas, pixels")
    chosen = words.parse_args()
    app = QApplication.instance() or QApplication(["bench", "-platform", "offscreen"])
    if isinstance(app, QApplication):
        theme.apply(app)
    sys.stdout.write(json.dumps(measure(chosen.repaints, tuple(chosen.size)), indent=1) + "\n")


if __name__ == "__main__":
    main()
