"""Opens the real studio, notes when it appears and when the head does, moves a slider, prints what it saw as JSON.

Run by `emozone bench` as a process of its own: `python -m studio.commands.window_probe AVATAR CHANGES`.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QWidget

from studio.app import load_renderer, make_application
from studio.engine.scene import Scene
from studio.playback.device import SilentOutput
from studio.widgets.dialogs import SystemDialogs, Unsaved
from studio.widgets.main_window import MainWindow


class Silent(SystemDialogs):
    """Nobody is there to answer."""

    def unsaved(self, parent: QWidget, title: str) -> Unsaved:
        """Changes made by the probe are worth nothing."""
        return "discard"

    def error(self, parent: QWidget, text: str) -> None:
        """Tell the caller instead."""
        sys.stderr.write(text + "\n")


class Probe(QObject):
    """Watches one window; quits the application when all changes have been seen."""

    def __init__(self, window: MainWindow, changes: int) -> None:
        super().__init__(window)
        self._window = window
        self._changes = changes
        self.window_at: float | None = None  # time.time()
        self.first_frame_at: float | None = None
        self.latencies_ms: list[float] = []
        self.size_px: list[int] = []
        self._asked_s = 0.0
        self._wanted: object = None
        window.viewport.overlay.installEventFilter(self)
        window.viewport.presented.connect(self._presented)
        window.session.failed.connect(self._failed)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """The first paint event over the viewport: the window is on the screen."""
        if event.type() == QEvent.Type.Paint and self.window_at is None:
            self.window_at = time.time()
        return False

    def _presented(self, _: float) -> None:
        shown = self._window.driver.shown
        if shown is None:
            return
        if self.first_frame_at is None:
            self.first_frame_at = time.time()
            QTimer.singleShot(500, self._change)  # let what start-up left behind come to rest
            return
        scene = shown.request.scene
        if self._wanted is None or not isinstance(scene, Scene) or scene.performance is not self._wanted:
            return
        self.latencies_ms.append((time.perf_counter() - self._asked_s) * 1e3)
        self._wanted = None
        self.size_px = [shown.request.camera.width, shown.request.camera.height]
        if len(self.latencies_ms) < self._changes:
            QTimer.singleShot(20, self._change)
        else:
            self._window.close()

    def _failed(self, text: str) -> None:
        sys.stderr.write(text + "\n")
        self._window.close()

    def _change(self) -> None:
        """Move a slider as a hand does: one step, and wait for it to be seen."""
        session = self._window.session
        self._asked_s = time.perf_counter()
        session.hold("AU12", 5 * (len(self.latencies_ms) % 20 + 1) / 21)
        self._wanted = session.project.performance


def main() -> int:
    """Run the probe."""
    avatar, changes = Path(sys.argv[1]), int(sys.argv[2])
    app = make_application(sys.argv[:1])
    window = MainWindow(SilentOutput(), load_renderer, dialogs=Silent(), settings=None)
    probe = Probe(window, changes)
    window.show()
    QTimer.singleShot(0, window, lambda: window.session.start_with(None, avatar))
    QTimer.singleShot(100_000, window, window.close)
    app.exec()
    if len(probe.latencies_ms) < changes:
        if window.session.avatar is not None:
            sys.stderr.write(f"only {len(probe.latencies_ms)} of {changes} changes reached the screen\n")
        return 1
    figures = {
        "window_at": probe.window_at,
        "first_frame_at": probe.first_frame_at,
        "latencies_ms": probe.latencies_ms,
        "size_px": probe.size_px,
    }
    sys.stdout.write(json.dumps(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
