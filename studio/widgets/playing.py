"""The part that plays in other ways: at another speed, around the playhead or the selected keys, audibly scrubbed."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QActionGroup

from studio.playback.stretch import SPEEDS
from studio.widgets.context import Studio
from studio.widgets.timeline.edits import span_of

AROUND_S = 1.5
"""Played before and after the playhead: a short sentence in all."""

LOOP_AROUND_S = 0.5
"""Played before and after what is looped: enough to hear where one is."""

SPEED_ACTIONS = {speed: f"speed.{round(speed * 100)}" for speed in SPEEDS}

VOLUME_STEP = 10
"""Of the volume slider's hundred, per press of a key."""


def speed_text(speed: float) -> str:
    """0.5×, 1×."""
    return f"{speed:g}×"


class Playing(QObject):
    """Connects the actions of this capability."""

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio.window)
        self._studio = studio
        self._sound = studio.clip_sound
        group = QActionGroup(self)
        for action_id in SPEED_ACTIONS.values():
            group.addAction(studio.actions[action_id])
        studio.actions.connect(
            {
                **{action_id: partial(self.set_speed, speed) for speed, action_id in SPEED_ACTIONS.items()},
                "speed.slower": partial(self._next_speed, -1),
                "speed.faster": partial(self._next_speed, 1),
                "play.scrub_sound": self._set_scrub_sound,
                "play.around": partial(studio.driver.play_around, AROUND_S, AROUND_S),
                "play.loop_around": self._loop_around,
                "volume.up": partial(self._turn, VOLUME_STEP),
                "volume.down": partial(self._turn, -VOLUME_STEP),
            }
        )
        studio.actions["play.scrub_sound"].setChecked(True)
        studio.transport.speed.setMenu(studio.menus["Playback/Speed"])
        self._sound.speed_changed.connect(self._show_speed)
        self._sound.making.connect(self._show_making)
        self._sound.failed.connect(studio.fail)
        self._show_speed(1.0)

    def set_speed(self, speed: float) -> None:
        """Play at one of `SPEEDS` as soon as its sound is made."""
        self._action(speed).setChecked(True)
        self._sound.set_speed(speed)
        if self._studio.session.clip is None:
            self._show_speed(speed)

    def _next_speed(self, steps: int) -> None:
        index = SPEEDS.index(self._sound.wanted) + steps
        self.set_speed(SPEEDS[min(max(index, 0), len(SPEEDS) - 1)])

    def _action(self, speed: float) -> QAction:
        return self._studio.actions[SPEED_ACTIONS[speed]]

    def _show_speed(self, speed: float) -> None:
        self._action(speed).setChecked(True)
        self._studio.transport.show_speed(speed_text(speed), changed=speed != 1.0)

    def _show_making(self, speed: float) -> None:
        if speed:
            self._studio.transport.show_speed(f"{speed_text(speed)} …", changed=True)
            now = speed_text(self._studio.driver.player.speed)
            self._studio.say(f"Making the sound for {speed_text(speed)}; until then it plays at {now}.")
        else:
            self._studio.say("")

    def _set_scrub_sound(self) -> None:
        self._studio.driver.scrub_sound = self._studio.actions["play.scrub_sound"].isChecked()

    def _loop_around(self) -> None:
        """Repeat the selected keys with a little before and after them, else the marked range, else around the head."""
        session, player = self._studio.session, self._studio.driver.player
        if player.duration_s == 0:
            return
        here_s = player.position_s
        span = span_of(session.project.performance, session.history.selection) or session.range_s or (here_s, here_s)
        first, past = max(0.0, span[0] - LOOP_AROUND_S), min(player.duration_s, span[1] + LOOP_AROUND_S)
        self._studio.driver.loop_around((min(first, player.duration_s - LOOP_AROUND_S), past))
        self._studio.say(f"Repeating {first:.2f} to {past:.2f} s until you stop.")

    def _turn(self, steps: int) -> None:
        volume = self._studio.transport.volume
        volume.setValue(volume.value() + steps)
        self._studio.say(f"Volume {volume.value()} %")
