"""The parts of the window, in the order in which they are made; each is called with the `Studio`."""

from __future__ import annotations

from collections.abc import Callable

from studio.widgets.appearance import Appearance
from studio.widgets.context import Studio
from studio.widgets.exporting import Exports
from studio.widgets.focus import KeepKeys
from studio.widgets.head_page import HeadPage
from studio.widgets.help import Help
from studio.widgets.interchange.part import InterchangePart
from studio.widgets.layers.part import Layers
from studio.widgets.making.avatar_menu import AvatarMenu
from studio.widgets.making.part import MakingPart
from studio.widgets.playing import Playing
from studio.widgets.remembered import Remembered
from studio.widgets.safety.backups import BackupsPart
from studio.widgets.safety.history_page import HistoryPage
from studio.widgets.safety.journaling import Journaling
from studio.widgets.safety.keeping import Keeping
from studio.widgets.safety.media_part import MediaPart
from studio.widgets.safety.recent import Recent
from studio.widgets.safety.recovery import RecoveryPart
from studio.widgets.sound_output import SoundOutput
from studio.widgets.timeline.spectrum_part import SpectrumPart
from studio.widgets.view.aids import ViewportAids
from studio.widgets.voice.part import VoicePart
from studio.widgets.welcome import Welcome

PARTS: tuple[Callable[[Studio], object], ...] = (
    ViewportAids,
    Appearance,
    KeepKeys,
    HeadPage,
    Layers,
    SpectrumPart,
    Remembered,
    Help,
    Welcome,
    Journaling,
    Keeping,
    RecoveryPart,
    BackupsPart,
    Recent,
    Playing,
    SoundOutput,
    VoicePart,
    MediaPart,
    InterchangePart,
    HistoryPage,
    Exports,
    AvatarMenu,
    MakingPart,
)
"""A part connects itself to actions, signals and the inspector; an attribute `close`, if it has one, is called last.

Before that, any part with `may_close` is asked whether the window may be closed.
"""
