"""Every action of the studio in one table: id, text, default keys, and what it is for.

Menus, buttons and the keyboard share the `QAction`s made here, so a text or key is written once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from studio.widgets import theme


@dataclass(frozen=True)
class ActionSpec:
    """One action before it is made."""

    id: str
    text: str
    keys: tuple[str, ...] = ()
    icon: str = ""
    tip: str = ""
    checkable: bool = False


ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec("project.new", "New project", ("Ctrl+N",)),
    ActionSpec("project.open", "Open project…", ("Ctrl+O",), "folder"),
    ActionSpec("project.save", "Save", ("Ctrl+S",), "save"),
    ActionSpec("project.save_as", "Save as…", ("Ctrl+Shift+S",)),
    ActionSpec("speech.open", "Open speech…", ("Ctrl+L",), "speech", "A sound file, or a video for its sound"),
    ActionSpec("avatar.open", "Open avatar…", ("Ctrl+Shift+O",), "head", "A head made by emozone train"),
    ActionSpec("export.video", "Export video…", ("Ctrl+E",), "export", "Write an MP4 of what you see and hear"),
    ActionSpec("app.quit", "Quit", ("Ctrl+Q",)),
    ActionSpec("edit.undo", "Undo", ("Ctrl+Z",), "undo"),
    ActionSpec("edit.redo", "Redo", ("Ctrl+Shift+Z", "Ctrl+Y"), "redo"),
    ActionSpec("edit.reset_all", "Reset all action units", ("Ctrl+Backspace",), "reset", "All action units back to 0"),
    ActionSpec("view.front", "Front", ("1",)),
    ActionSpec("view.back", "Back", ("Ctrl+1",)),
    ActionSpec("view.left", "Subject's left side", ("3",)),
    ActionSpec("view.right", "Subject's right side", ("Ctrl+3",)),
    ActionSpec("view.top", "Top", ("7",)),
    ActionSpec("view.bottom", "Bottom", ("Ctrl+7",)),
    ActionSpec("view.reframe", "Frame the head", ("F",), "frame"),
    ActionSpec("view.readout", "Performance read-out", ("Ctrl+I",), checkable=True),
    ActionSpec("play.toggle", "Play", ("Space",), "play", "Play or pause"),
    ActionSpec("play.start", "To the start", ("Home",), "start", "To the start, paused"),
    ActionSpec("play.end", "To the end", ("End",)),
    ActionSpec("play.previous", "One frame back", ("Left",)),
    ActionSpec("play.next", "One frame on", ("Right",)),
    ActionSpec("play.back_second", "One second back", ("Shift+Left",)),
    ActionSpec("play.on_second", "One second on", ("Shift+Right",)),
    ActionSpec("play.loop", "Loop", ("L",), "loop", "Repeat the marked range, or the whole clip", checkable=True),
    ActionSpec("play.mark_in", "Range starts here", ("I",)),
    ActionSpec("play.mark_out", "Range ends here", ("O",)),
    ActionSpec("play.clear_range", "Clear the range", ("Alt+X",)),
    ActionSpec("play.mute", "Mute", ("M",), "volume", "Mute or unmute the sound", checkable=True),
)
"""In the order of the menus."""


MENUS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "File",
        (
            "project.new", "project.open", "", "speech.open", "avatar.open", "", "project.save", "project.save_as",
            "", "export.video", "", "app.quit",
        ),
    ),
    ("Edit", ("edit.undo", "edit.redo", "", "edit.reset_all")),
    (
        "View",
        (
            "view.reframe", "", "view.front", "view.back", "view.left", "view.right", "view.top", "view.bottom",
            "", "view.readout",
        ),
    ),
    (
        "Playback",
        (
            "play.toggle", "play.start", "play.end", "", "play.previous", "play.next", "play.back_second",
            "play.on_second", "", "play.loop", "play.mark_in", "play.mark_out", "play.clear_range", "", "play.mute",
        ),
    ),
)  # fmt: skip
"""Titles and the ids under them; an empty id is a separator."""


class Actions:
    """The `QAction`s of one window, by id."""

    def __init__(self, window: QWidget) -> None:
        self._by_id: dict[str, QAction] = {}
        for spec in ACTIONS:
            action = QAction(spec.text, window)
            action.setObjectName(spec.id)
            action.setShortcuts([QKeySequence(key) for key in spec.keys])
            action.setCheckable(spec.checkable)
            if spec.icon:
                action.setIcon(theme.icon(spec.icon, "dim"))
            keys = QKeySequence(spec.keys[0]).toString(QKeySequence.SequenceFormat.NativeText) if spec.keys else ""
            name = spec.tip or spec.text.rstrip("…")
            action.setToolTip(f"{name}  ({keys})" if keys else name)
            window.addAction(action)
            self._by_id[spec.id] = action

    def __getitem__(self, action_id: str) -> QAction:
        """The action of that id."""
        return self._by_id[action_id]

    def all(self) -> tuple[QAction, ...]:
        """All actions in the order of the menus."""
        return tuple(self._by_id.values())

    def connect(self, slots: dict[str, Callable[[], object]]) -> None:
        """Connect actions that are triggered to functions without arguments."""
        for action_id, slot in slots.items():
            self._by_id[action_id].triggered.connect(lambda _checked=False, slot=slot: slot())
