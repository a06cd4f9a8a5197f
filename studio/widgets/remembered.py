"""Switches that stay as they were left: how movements are recorded, and whether the timeline follows the playhead."""

from __future__ import annotations

from typing import get_args

from PySide6.QtCore import QObject

from studio.widgets.context import Studio
from studio.widgets.timeline.recording import Mode

MODE_KEY, FOLLOW_KEY = "timeline/recording", "timeline/follow"


class Remembered(QObject):
    """Between the settings and the actions; without settings nothing is remembered."""

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio.window)
        settings = studio.settings
        if settings is None:
            return
        follow = studio.actions["timeline.follow"]
        follow.setChecked(bool(settings.value(FOLLOW_KEY, True, bool)))
        follow.toggled.connect(lambda on: settings.setValue(FOLLOW_KEY, on))
        for mode in get_args(Mode):
            action = studio.actions[f"record.{mode}"]
            if settings.value(MODE_KEY) == mode:
                action.trigger()
            action.triggered.connect(lambda _checked=False, mode=mode: settings.setValue(MODE_KEY, mode))
