"""Every action of the studio, and the gestures without one: what they change is undone and redone, selection included.

The table of actions is gone through whole, so that an action that is added later is held to the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QWidget

from studio.document.commands import Selection
from studio.document.curves import Curve, Handle, Interpolation
from studio.document.expressions import Clip, Expressions, Preset
from studio.document.lanes import Lane
from studio.document.model import Bookmark, Marker, Project, SoundEdit
from studio.document.performance import CameraView
from studio.widgets.actions import ACTIONS
from studio.widgets.layers.part import Layers
from tests.widgets.conftest import PATIENCE_MS
from tests.widgets.timeline.conftest import CTRL, LEFT, NONE, Hands

CHANGING = {
    "edit.reset_all", "camera.bookmark", "camera.key", "camera.look_through", "camera.bake_turntable",
    "background.colour", "background.transparent", "play.stop", "play.loop", "play.mark_in", "play.mark_out",
    "play.clear_range", "voice.normalise", "voice.reset", "marker.add", "expression.save_face",
    "keys.cut", "keys.paste", "keys.duplicate", "keys.delete", "keys.numbers",
    "keys.nudge_left", "keys.nudge_right", "keys.nudge_up", "keys.nudge_down",
    "keys.constant", "keys.linear", "keys.bezier", "keys.auto", "keys.aligned", "keys.free",
    "keys.smooth", "keys.simplify", "keys.ease_in", "keys.ease_out", "keys.ease_in_out", "keys.snap_ease",
    "keys.anticipate", "keys.overshoot", "keys.offset", "keys.scale_values", "keys.scale_time", "keys.mirror",
    "keys.blend_neutral", "keys.to_frames", "keys.bake",
}  # fmt: skip
"""What changes the project, given the setting below; whatever else does must be entered here."""

ELSEWHERE = {
    **dict.fromkeys(("edit.undo", "edit.redo", "edit.history"), "the history itself"),
    **dict.fromkeys(
        ("project.new", "project.open", "project.sample", "project.recover", "project.backups"), "another project"
    ),
    **dict.fromkeys(("project.save", "project.save_as", "project.collect", "project.clear_recent"), "files"),
    **dict.fromkeys(("app.quit", "project.media", "help.guide", "help.about", "help.shortcuts"), "windows"),
    **dict.fromkeys(("help.palette", "export.video", "export.frame", "export.queue"), "windows"),
    **dict.fromkeys(("speech.open", "avatar.open", "background.image"), "slow: tests of media"),
    **dict.fromkeys(("voice.record", "output.look_again"), "hardware"),
    **dict.fromkeys((spec.id for spec in ACTIONS if spec.id.startswith(("speed.", "size.", "theme."))), "looks, pace"),
}
"""Not triggered here, and why."""

TYPED = {"keys.offset": 0.5, "keys.scale_values": 80.0, "keys.scale_time": 120.0}
"""Amounts for tools that begin with one that changes nothing."""

SHAKEN = Curve.from_samples([0.41 + 0.04 * i for i in range(12)], [2.0 + (0.3, -0.2, 0.01)[i % 3] for i in range(12)])
SHAPED = (
    Curve()
    .with_key(0.43, 0.5, Interpolation.LINEAR)
    .with_key(1.21, 4.0, Interpolation.CONSTANT)
    .with_key(1.9, 2.0)
    .with_key(2.43, 1.0)
)
ALL = range(len(SHAKEN))
SELECTED = Selection((("AU1", tuple(ALL)), ("AU4", (0, 1, 2, 3))), lane="AU1")


def setting(project: Project) -> Project:
    """Something of everything that can be changed."""
    from studio.document import curve_tools

    handles = curve_tools.set_handles(SHAPED, [2], Handle.FREE).curve
    handles = curve_tools.set_handles(handles, [3], Handle.ALIGNED).curve
    performance = project.performance.with_curve("AU1", SHAKEN).with_curve("AU4", handles)
    performance = performance.with_lane(Lane("AU6", held=2.0)).with_camera_key(0.0, CameraView(20.0, 5.0, 2.5))
    performance = replace(
        performance, expressions=Expressions((Clip("happy", 0.5, 2.0),)), presets=(Preset("wry", (("AU12", 2.0),)),)
    )
    return project.replace(
        performance=performance,
        in_s=0.2,
        out_s=3.0,
        markers=(Marker(1.0, "here"),),
        bookmarks=(Bookmark("Close", CameraView(-20.0, 5.0, 2.5)),),
        sound=SoundEdit(gain_db=-3.0),
    )


def trigger(hands: Hands, action_id: str, keys: tuple[str, ...]) -> None:
    """By its key where it has one, and with an answer where a panel asks."""
    action = hands.window.actions_[action_id]
    if keys and action.isEnabled():
        combination = QKeySequence(keys[0])[0]
        fired: list[bool] = []
        slot = lambda _on=False: fired.append(True)  # noqa: E731 - to be disconnected
        action.triggered.connect(slot)
        QTest.keyClick(hands.window, combination.key(), combination.keyboardModifiers())
        action.triggered.disconnect(slot)
        if not fired:
            action.trigger()
    else:
        action.trigger()
    panel, numbers = hands.timeline.amount, hands.timeline.numbers
    if panel.isVisible():
        if action_id in TYPED:
            panel.field.setValue(TYPED[action_id])
        QTest.keyClick(panel.field, Qt.Key.Key_Return)
    if numbers.isVisible():
        numbers.time.selectAll()
        QTest.keyClicks(numbers.time, "0.75")
        QTest.keyClick(numbers.time, Qt.Key.Key_Return)
    hands.studio.driver.pause()
    hands.window.shuttle.stop()


def undone_and_redone(hands: Hands, before: Project, selection: Selection, name: str) -> bool:
    """Whether something was changed; all of it must go and come back."""
    history, changed = hands.history, hands.session.project != before
    assert len(history.commands) == changed, (name, [command.label for command in history.commands])
    if changed:
        after, selected = history.project, history.selection
        hands.studio.key(Qt.Key.Key_Z, CTRL)
        assert (history.project, history.selection) == (before, selection), name
        hands.studio.key(Qt.Key.Key_Z, CTRL | Qt.KeyboardModifier.ShiftModifier)
        assert (history.project, history.selection) == (after, selected), name
    return changed


def test_what_an_action_changes_is_undone_and_redone(hands: Hands) -> None:
    studio, history = hands.studio, hands.history
    studio.answers.to_text, studio.answers.to_colour = "Named", (0.2, 0.4, 0.6)
    original = setting(hands.session.project)
    history.reset(original)
    history.select(SELECTED)
    hands.window.actions_["keys.copy"].trigger()
    changing = set()
    for spec in ACTIONS:
        if spec.id in ELSEWHERE or not hands.window.actions_[spec.id].isVisible():
            continue
        history.reset(original)
        history.select(SELECTED)
        studio.driver.seek(0.8)
        hands.window.viewport.setFocus()
        trigger(hands, spec.id, spec.keys)
        if undone_and_redone(hands, original, SELECTED, spec.id):
            changing.add(spec.id)
    assert changing == CHANGING


def menu_action(text: str) -> Callable[[], None]:
    """The open menu's action of that text."""
    menus = [w for w in QApplication.topLevelWidgets() if isinstance(w, QMenu) and w.isVisible()]
    return next(action.trigger for menu in menus for action in menu.actions() if action.text() == text)


def ask_menu(widget: QWidget, at: QPoint) -> None:
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, at, widget.mapToGlobal(at))
    QApplication.sendEvent(widget, event)


def close_menu(hands: Hands) -> None:
    """The menu goes and the window has the keyboard again."""
    popup = QApplication.activePopupWidget()
    if popup is not None:
        popup.close()
    with hands.studio.qtbot.waitActive(hands.window, timeout=PATIENCE_MS):
        hands.window.activateWindow()
    hands.window.viewport.setFocus()


def test_markers_are_moved_renamed_and_deleted(hands: Hands) -> None:
    original = hands.session.project.replace(markers=(Marker(1.0, "one"), Marker(2.0, "two")))
    hands.studio.answers.to_text = " renamed "
    at = QPoint(round(hands.canvas.x_of(1.0)), 6)

    def start() -> None:
        hands.history.reset(original)
        hands.studio.qtbot.wait(1)

    start()
    hands.drag(at, QPoint(round(hands.canvas.x_of(1.52)), 6))
    assert hands.session.project.markers[0].time_s == pytest.approx(1.52)
    assert undone_and_redone(hands, original, Selection(), "move")
    for text, names in (("Rename marker…", ["renamed", "two"]), ("Delete marker", ["two"])):
        start()
        ask_menu(hands.canvas, at)
        menu_action(text)()
        close_menu(hands)
        assert [marker.name for marker in hands.session.project.markers] == names
        assert undone_and_redone(hands, original, Selection(), text)


def test_undo_brings_back_what_a_lasso_had_selected(hands: Hands) -> None:
    hands.put(AU1=Curve().with_key(1.0, 2.0).with_key(3.0, 1.0))
    before = hands.session.project
    hands.studio.key(Qt.Key.Key_Q)
    QTest.mousePress(hands.canvas, LEFT, NONE, hands.at("AU1", 0.5, 4.5))
    for time_s, value in ((1.6, 4.5), (1.6, 0.5), (0.5, 0.5)):
        hands.move(hands.at("AU1", time_s, value))
    QTest.mouseRelease(hands.canvas, LEFT, NONE, hands.at("AU1", 0.5, 0.5))
    lassoed = hands.history.selection
    assert lassoed.keys == (("AU1", (0,)),)
    hands.studio.key(Qt.Key.Key_Delete)
    assert hands.history.selection != lassoed
    assert undone_and_redone(hands, before, lassoed, "lasso and delete")


def test_presets_and_the_order_of_lanes(hands: Hands) -> None:
    layers = next(part for part in hands.window.parts if isinstance(part, Layers))
    original = setting(hands.session.project).perform(
        lambda p: p.with_curve("AU12", SHAPED).with_lane(Lane("AU12", SHAPED, name="Second"))
    )
    hands.studio.answers.to_text = "sly"
    hands.window.inspector.show_page("Layers")
    for text, done in (
        ("Rename…", lambda p: [preset.name for preset in p.presets] == ["sly"]),
        ("Delete", lambda p: p.presets == ()),
    ):
        hands.history.reset(original)
        hands.studio.qtbot.wait(1)
        chip = layers.page.chips["wry"]
        ask_menu(chip, chip.rect().center())
        menu_action(text)()
        close_menu(hands)
        assert done(hands.session.project.performance)
        assert undone_and_redone(hands, original, Selection(), text)
    for lane_id, text in (("AU12", "Move up"), ("Second", "Move down")):
        hands.history.reset(original)
        hands.studio.qtbot.wait(1)
        row = layers.page.rows[lane_id]
        ask_menu(row, QPoint(4, 4))
        focused = hands.history.selection
        menu_action(text)()
        close_menu(hands)
        order = [lane.id for lane in hands.session.project.performance.lanes]
        assert order.index("Second") < order.index("AU12")
        assert undone_and_redone(hands, original, focused, text)
