"""While somebody types, no key of the window's shortcuts does anything else; afterwards each does its own."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractSpinBox, QLineEdit, QWidget

from studio.widgets.voice.part import VoicePart
from tests.widgets.conftest import Studio

K = Qt.Key
KEYS = (
    K.Key_Space, K.Key_J, K.Key_K, K.Key_L, K.Key_I, K.Key_O, K.Key_M, K.Key_F, K.Key_Left, K.Key_Right, K.Key_Up,
    K.Key_Down, K.Key_Home, K.Key_End, K.Key_Delete, K.Key_Backspace, K.Key_1, K.Key_3, K.Key_7, K.Key_Slash,
    K.Key_Less, K.Key_Greater, K.Key_Plus, K.Key_Minus, K.Key_Equal,
)  # fmt: skip
"""All that stand alone, and those that fields need."""

SHIFTED = (K.Key_Left, K.Key_Right, K.Key_Home, K.Key_End, K.Key_L, K.Key_F)


def value_field(studio: Studio) -> QWidget:
    return studio.window.panel.rows["AU1"].value


def search_field(studio: Studio) -> QWidget:
    return next(field for field in studio.window.panel.findChildren(QLineEdit) if field.placeholderText())


def time_field(studio: Studio) -> QWidget:
    fields = studio.window.timeline.toolbar.findChildren(QAbstractSpinBox)
    return next(field for field in fields if field.isVisible())


def gain_field(studio: Studio) -> QWidget:
    studio.window.inspector.show_page("Voice")
    part = studio.window.findChild(VoicePart)
    assert isinstance(part, VoicePart)
    return part.sound.gain_db


@pytest.mark.parametrize("find", [value_field, search_field, time_field, gain_field])
def test_a_field_keeps_its_keys(studio: Studio, find: Callable[[Studio], QWidget]) -> None:
    field = find(studio)
    field.setEnabled(True)
    field.setFocus(Qt.FocusReason.MouseFocusReason)
    assert field.hasFocus()
    fired: list[str] = []
    for action in studio.window.actions_.all():
        action.triggered.connect(lambda _checked=False, action=action: fired.append(action.objectName()))
    position_s, loop = studio.driver.player.position_s, studio.session.project.loop
    typed = [(key, Qt.KeyboardModifier.NoModifier) for key in KEYS]
    typed += [(key, Qt.KeyboardModifier.ShiftModifier) for key in SHIFTED]
    stolen = []
    for key, modifier in typed:
        field.setFocus(Qt.FocusReason.MouseFocusReason)
        QTest.keyClick(field, key, modifier)
        if fired:
            stolen.append((key.name, modifier.name, fired.copy()))
            fired.clear()
    assert stolen == []
    assert studio.driver.player.position_s == position_s
    assert not studio.driver.player.playing
    assert studio.session.project.loop == loop


@pytest.mark.parametrize(
    ("key", "action"),
    [
        (K.Key_Space, "play.toggle"), (K.Key_J, "play.backwards"), (K.Key_K, "play.stop"), (K.Key_L, "play.forwards"),
        (K.Key_I, "play.mark_in"), (K.Key_O, "play.mark_out"), (K.Key_Left, "play.previous"),
        (K.Key_Right, "play.next"), (K.Key_Home, "play.start"), (K.Key_End, "play.end"), (K.Key_M, "play.mute"),
        (K.Key_Delete, "keys.delete"), (K.Key_1, "view.front"), (K.Key_3, "view.left"), (K.Key_7, "view.top"),
        (K.Key_Slash, "play.around"), (K.Key_F, "view.reframe"), (K.Key_Minus, "timeline.zoom_out"),
        (K.Key_Plus, "timeline.zoom_in"), (K.Key_Equal, "timeline.zoom_in"),
    ],
)  # fmt: skip
def test_outside_of_fields_each_key_does_its_own(studio: Studio, key: Qt.Key, action: str) -> None:
    fired: list[str] = []
    studio.window.actions_[action].triggered.connect(lambda _checked=False: fired.append(action))
    studio.window.setFocus()
    studio.key(key)
    assert fired == [action]
    studio.window.shuttle.stop()
