"""Every gesture on expression clips with real events; undo and redo after each."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu

from studio.document.curves import Curve
from studio.document.expressions import Clip, Expressions
from studio.widgets.layers.presets import preset_data
from tests.widgets.timeline.conftest import ALT, CTRL, NONE, Hands

HAPPY = Clip("happy", 0.8, 2.0, 1.0, 0.2, 0.2)
SAD = Clip("sad", 2.6, 3.4, 0.5, 0.2, 0.2)


def place(hands: Hands, *clips: Clip, **curves: Curve) -> None:
    project = hands.session.project
    performance = replace(project.performance, expressions=Expressions(clips))
    for key, curve in curves.items():
        performance = performance.with_curve(key, curve)
    hands.history.reset(project.replace(performance=performance))
    hands.studio.qtbot.wait(1)


def clips(hands: Hands) -> tuple[Clip, ...]:
    return hands.session.project.performance.expressions.clips


def at(hands: Hands, time_s: float, index: int | None = None, share: float = 0.6) -> QPoint:
    tracks = [row for row in hands.state.rows if row.kind == "clips"]
    row = next((row for row in tracks if index in row.clips), tracks[0])
    return QPoint(round(hands.canvas.x_of(time_s)), round(hands.state.top_of(row) + row.height * share))


def choose(hands: Hands, name: str) -> None:
    menu = next(menu for menu in hands.window.findChildren(QMenu) if menu.isVisible())
    next(action for action in menu.actions() if action.text() == name).trigger()
    menu.close()


def test_a_double_click_offers_expressions_and_adds_the_chosen_one(hands: Hands) -> None:
    place(hands)
    before = hands.session.project
    hands.double_click(at(hands, 1.2))
    choose(hands, "surprise")
    (clip,) = clips(hands)
    assert (clip.preset, clip.start_s) == ("surprise", pytest.approx(1.2))
    assert hands.history.selection.clips == (0,)
    hands.one_entry(before)


def test_an_expression_is_dropped_where_the_pointer_is(hands: Hands) -> None:
    place(hands)
    before = hands.session.project
    data, place_at = preset_data("fear"), at(hands, 1.6)
    enter = QDragEnterEvent(place_at, Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, NONE)
    QApplication.sendEvent(hands.canvas, enter)
    assert enter.isAccepted()
    drop = QDropEvent(QPointF(place_at), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, NONE)
    QApplication.sendEvent(hands.canvas, drop)
    assert [(clip.preset, clip.start_s) for clip in clips(hands)] == [("fear", pytest.approx(1.6))]
    hands.one_entry(before)


def test_a_sideways_drag_moves_and_catches_on_frames(hands: Hands) -> None:
    place(hands, HAPPY)
    before = hands.session.project
    hands.drag(at(hands, 1.4), at(hands, 1.4) + QPoint(round(0.6 * hands.state.view.scale), 3))
    (clip,) = clips(hands)
    assert clip.end_s - clip.start_s == pytest.approx(1.2)
    assert clip.start_s == pytest.approx(1.4, abs=0.02)
    assert clip.start_s * 25 == pytest.approx(round(clip.start_s * 25))
    hands.one_entry(before)


def test_the_end_of_a_dragged_clip_catches_on_a_key(hands: Hands) -> None:
    place(hands, HAPPY, AU1=Curve().with_key(3.013, 2.0))
    hands.drag(at(hands, 1.4), at(hands, 2.418), release=False)
    assert hands.state.caught_s == 3.013
    assert clips(hands)[0].end_s == pytest.approx(3.013)
    hands.studio.qtbot.keyClick(hands.canvas, Qt.Key.Key_Escape)
    assert clips(hands) == (HAPPY,)
    assert not hands.history.commands


def test_an_upward_drag_changes_the_intensity_continuously(hands: Hands) -> None:
    place(hands, HAPPY)
    before = hands.session.project
    start = at(hands, 1.4)
    hands.drag(start, start - QPoint(0, 40))
    (clip,) = clips(hands)
    assert clip == replace(HAPPY, intensity=clip.intensity)
    assert clip.intensity == pytest.approx(1.5)
    hands.one_entry(before)


@pytest.mark.parametrize(("edge", "field"), [(0.8, "start_s"), (2.0, "end_s")])
def test_both_ends_trim(hands: Hands, edge: float, field: str) -> None:
    place(hands, HAPPY)
    before = hands.session.project
    inside = 1 if field == "start_s" else -2
    hands.drag(at(hands, edge) + QPoint(inside, 0), at(hands, 1.2) + QPoint(inside, 0))
    assert getattr(clips(hands)[0], field) == pytest.approx(1.2)
    hands.one_entry(before)
    other = at(hands, 1.2) + QPoint(inside, 0)
    hands.drag(other, other + QPoint(900 * inside, 0), ALT)
    assert clips(hands)[0].end_s - clips(hands)[0].start_s == pytest.approx(0.08)


@pytest.mark.parametrize(("field", "from_s", "to_s"), [("fade_in_s", 1.0, 1.3), ("fade_out_s", 1.8, 1.5)])
def test_corners_fade(hands: Hands, field: str, from_s: float, to_s: float) -> None:
    place(hands, HAPPY)
    hands.click(at(hands, 1.4))
    before = hands.session.project
    hands.drag(at(hands, from_s, share=0.18), at(hands, to_s, share=0.18))
    assert getattr(clips(hands)[0], field) == pytest.approx(0.5, abs=0.02)
    hands.one_entry(before)


def test_neighbours_cross_fade_when_one_is_moved_over_the_other_and_part_again(hands: Hands) -> None:
    place(hands, HAPPY, SAD)
    before = hands.session.project
    start = at(hands, 3.0, 1)
    hands.drag(start, at(hands, 2.2, 1), ALT, release=False)
    first, second = clips(hands)
    overlap = first.end_s - second.start_s
    assert overlap == pytest.approx(0.2, abs=0.02)
    assert first.fade_out_s == second.fade_in_s == pytest.approx(overlap)
    hands.move(start, ALT)
    assert clips(hands) == (HAPPY, SAD)
    hands.drag(start, at(hands, 2.2, 1), ALT)
    hands.one_entry(before)


def test_copy_paste_duplicate_and_delete(hands: Hands) -> None:
    place(hands, HAPPY)
    before = hands.session.project
    hands.click(at(hands, 1.4))
    hands.studio.key(Qt.Key.Key_C, CTRL)
    hands.studio.driver.seek(2.4)
    hands.studio.key(Qt.Key.Key_V, CTRL)
    pasted = clips(hands)[1]
    assert (pasted.start_s, pasted.end_s) == (pytest.approx(2.4), pytest.approx(3.6))
    assert replace(pasted, start_s=0.8, end_s=2.0) == HAPPY
    hands.one_entry(before)
    hands.studio.key(Qt.Key.Key_D, CTRL)
    assert clips(hands)[2].start_s == pytest.approx(3.6)
    assert hands.history.selection.clips == (2,)
    hands.studio.key(Qt.Key.Key_Delete)
    assert len(clips(hands)) == 2
    assert hands.history.undo_label == "Delete expressions"
    hands.studio.key(Qt.Key.Key_Z, CTRL)
    assert hands.history.selection.clips == (2,)


def test_a_box_and_ctrl_select_clips_beside_keys_and_all_move_together(hands: Hands) -> None:
    place(hands, HAPPY, AU1=Curve().with_key(1.0, 2.0))
    before = hands.session.project
    hands.click(at(hands, 1.4))
    hands.click(hands.at("AU1", 1.0, 2.0), CTRL)
    assert hands.history.selection.keys == (("AU1", (0,)),)
    assert hands.history.selection.clips == (0,)
    hands.drag(at(hands, 1.4), at(hands, 1.8))
    assert hands.curve("AU1").times_s[0] == pytest.approx(1.4)
    assert clips(hands)[0].start_s == pytest.approx(1.2)
    hands.one_entry(before)
    hands.click(at(hands, 3.6))
    assert hands.history.selection.clips == ()
    hands.drag(at(hands, 0.4), at(hands, 2.8))
    assert hands.history.selection.clips == (0,)


def test_numbers_in_the_toolbar_and_the_panel(hands: Hands) -> None:
    place(hands, HAPPY)
    hands.click(at(hands, 1.4))
    before = hands.session.project
    hands.timeline.toolbar.value.setValue(0.65)
    assert clips(hands)[0].intensity == 0.65
    hands.one_entry(before)
    hands.timeline.toolbar.time.setValue(0.4)
    assert clips(hands)[0].start_s == pytest.approx(0.4)
    hands.double_click(at(hands, 1.0))
    layers = next(part for part in hands.window.parts if type(part).__name__ == "Layers")
    assert layers.panel.isVisible()
    assert layers.panel.intensity.value() == 65
    layers.panel.fade_in.setValue(0.5)
    assert clips(hands)[0].fade_in_s == 0.5
    layers.panel.end.setValue(2.5)
    assert clips(hands)[0].end_s == 2.5
    layers.panel.hide()


def test_an_expression_moves_the_face_and_its_layer_is_muted_in_the_gutter(hands: Hands) -> None:
    place(hands, HAPPY)
    performance = hands.session.project.performance
    assert performance.sample([1.4])[0, 9] == 4.0  # AU12
    before = hands.session.project
    row = next(row for row in hands.state.rows if row.kind == "clips")
    hands.click(QPoint(17, round(hands.state.top_of(row) + row.height / 2)))
    assert hands.session.project.performance.expressions.mute
    hands.one_entry(before)


def test_a_nudge_moves_by_frames_and_strength(hands: Hands) -> None:
    place(hands, HAPPY)
    hands.click(at(hands, 1.4))
    hands.studio.key(Qt.Key.Key_Right, ALT)
    assert clips(hands)[0].start_s == pytest.approx(0.84)
    hands.studio.key(Qt.Key.Key_Up, ALT)
    assert clips(hands)[0].intensity == pytest.approx(1.05)


def test_a_lasso_takes_what_lies_inside(hands: Hands) -> None:
    bump = Curve().with_key(1.0, 1.0).with_key(2.0, 4.0).with_key(3.0, 1.0)
    hands.put(AU1=bump)
    corners = [
        hands.at("AU1", 1.6, 4.9),
        hands.at("AU1", 2.4, 4.9),
        hands.at("AU1", 3.6, 0.1),
        hands.at("AU1", 2.6, 0.1),
    ]
    QTest.mousePress(hands.canvas, Qt.MouseButton.LeftButton, ALT, corners[0])
    for corner in corners[1:]:
        hands.move(corner, ALT)
    assert hands.state.lasso
    QTest.mouseRelease(hands.canvas, Qt.MouseButton.LeftButton, ALT, corners[-1])
    assert hands.history.selection.keys == (("AU1", (1, 2)),)
    assert not hands.state.lasso
    assert not hands.history.commands
