"""J, K and L: play, stop, run forwards and backwards at growing speed.

The first press plays as usual. Faster and backwards the playhead runs and grains of the sound are heard, which is what
these keys are for: finding a place.
"""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer

from studio.widgets.driver import PlaybackDriver

TICK_MS = 40
FASTEST = 8.0


class Shuttle(QObject):
    """Drives the playhead while it runs at another speed than the sound."""

    def __init__(self, driver: PlaybackDriver, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.speed = 0.0
        """Seconds of the clip per second; 0 while the sound leads or nothing runs."""

        self._driver = driver
        self._timer = QTimer(self)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self.tick)

    @property
    def moving(self) -> bool:
        """Whether the playhead runs, with sound or without."""
        return self.speed != 0 or self._driver.player.playing

    def forward(self) -> None:
        """Play; once more: twice as fast."""
        if self._driver.player.playing:
            self._driver.pause()
            self._run(2.0)
        elif self.speed > 0:
            self._run(min(self.speed * 2, FASTEST))
        else:
            self._run(0.0)
            self._driver.toggle()

    def back(self) -> None:
        """Run backwards; once more: twice as fast."""
        self._driver.pause()
        self._run(max(self.speed * 2, -FASTEST) if self.speed < 0 else -1.0)

    def stop(self) -> None:
        """Stand still."""
        self._run(0.0)
        self._driver.pause()

    def tick(self) -> None:
        """Move on; ends at either end of the clip, and when something else begins to play."""
        player = self._driver.player
        if player.playing:
            self._run(0.0)
            return
        goal_s = player.position_s + self.speed * TICK_MS / 1000
        self._driver.scrub(goal_s)
        if not 0 < goal_s < player.duration_s:
            self._run(0.0)

    def _run(self, speed: float) -> None:
        self.speed = speed
        if speed:
            self._timer.start()
        else:
            self._timer.stop()
