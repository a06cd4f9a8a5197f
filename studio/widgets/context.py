"""What the parts of the window may reach. A part is a capability with its own module, listed in `parts.PARTS`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QMainWindow

from studio.widgets.actions import Actions
from studio.widgets.au_panel import AuPanel
from studio.widgets.clip_sound import ClipSound
from studio.widgets.dialogs import Dialogs
from studio.widgets.driver import PlaybackDriver
from studio.widgets.files import Files
from studio.widgets.inspector import Inspector
from studio.widgets.menus import Menus
from studio.widgets.messages import Banner
from studio.widgets.session import Session
from studio.widgets.timeline.timeline import Timeline
from studio.widgets.transport import TransportBar
from studio.widgets.viewport import Viewport


@dataclass(frozen=True)
class Studio:
    """The window and what it is made of, handed to every part when the window is built."""

    window: QMainWindow
    session: Session
    driver: PlaybackDriver
    clip_sound: ClipSound
    actions: Actions
    menus: Menus
    files: Files
    dialogs: Dialogs
    viewport: Viewport
    timeline: Timeline
    transport: TransportBar
    inspector: Inspector
    panel: AuPanel
    banner: Banner
    settings: QSettings | None  # None remembers nothing
    say: Callable[[str], None]  # the status line
    fail: Callable[[str], None]  # one sentence about what did not work, shown so that it is not missed
