from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt

from studio.document.lanes import CAMERA_KEYS
from studio.document.performance import CameraView
from tests.widgets import pointer
from tests.widgets.conftest import Studio
from tests.widgets.view.test_aids import aids, shown, trigger

CENTRE = QPoint(300, 200)
CTRL, SHIFT, ALT = (
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.AltModifier,
)


def round_trip(studio: Studio) -> None:
    """Undo brings the project back, redo the change."""
    history = studio.session.history
    after, before = history.project, history.commands[history.position - 1].before
    studio.session.undo()
    assert studio.session.project == before
    studio.session.redo()
    assert studio.session.project == after


def drawn_yaw(studio: Studio) -> float:
    """Degrees from which the newest picture shows the head."""
    shown(studio)
    camera = studio.renderer.drawn[-1][1]
    target = studio.window.viewport.controller.subject.target
    away = camera.position - np.asarray(target)
    return float(np.degrees(np.arctan2(away[0], away[2])))


# ---- bookmarks ----


def test_a_view_is_saved_and_gone_to(studio: Studio) -> None:
    controller = studio.window.viewport.controller
    studio.drag(studio.window.viewport, CENTRE, CENTRE + QPoint(80, 20))
    saved = controller.view
    studio.answers.to_text = " Three quarter "
    studio.key(Qt.Key.Key_B, CTRL)
    assert studio.answers.asked == ["Save view: View 1"]
    assert [(b.name, b.view) for b in studio.session.project.bookmarks] == [("Three quarter", saved)]
    round_trip(studio)
    studio.key(Qt.Key.Key_1)
    assert controller.view != saved
    studio.key(Qt.Key.Key_1, ALT)
    assert controller.view == saved
    assert studio.window.actions_["camera.bookmark_1"].text() == "Three quarter"


def test_saving_under_the_same_name_moves_the_bookmark(studio: Studio) -> None:
    cameras = aids(studio).cameras
    cameras.save_bookmark("A", CameraView(10.0))
    cameras.save_bookmark("B", CameraView(20.0))
    cameras.save_bookmark("A", CameraView(30.0))
    assert [(b.name, b.view.yaw_deg) for b in studio.session.project.bookmarks] == [("A", 30.0), ("B", 20.0)]
    round_trip(studio)


def test_bookmarks_are_renamed_and_deleted_from_the_menu(studio: Studio) -> None:
    cameras, menu = aids(studio).cameras, aids(studio).menus["Camera"]
    for name in ("A", "B & C"):
        cameras.save_bookmark(name, CameraView(5.0))

    def choose(title: str, name: str) -> None:
        menu.aboutToShow.emit()
        submenu = next(a.menu() for a in menu.actions() if a.text() == title)
        next(a for a in submenu.actions() if a.text() == name).trigger()

    studio.answers.to_text = "Side"
    choose("Rename bookmark", "B && C")
    assert studio.answers.asked[-1] == "Rename bookmark: B & C"
    assert [b.name for b in studio.session.project.bookmarks] == ["A", "Side"]
    round_trip(studio)
    choose("Delete bookmark", "A")
    assert [b.name for b in studio.session.project.bookmarks] == ["Side"]
    round_trip(studio)
    assert not studio.window.actions_["camera.bookmark_2"].isVisible()


def test_no_name_no_bookmark(studio: Studio) -> None:
    for answer in (None, "  "):
        studio.answers.to_text = answer
        studio.key(Qt.Key.Key_B, CTRL)
    assert studio.session.project.bookmarks == ()


# ---- camera keys ----


def key_two_views(studio: Studio) -> None:
    """From the front at 0 s to 60° at 2 s."""
    viewport = studio.window.viewport
    studio.driver.seek(0.0)
    studio.key(Qt.Key.Key_C)
    studio.driver.seek(2.0)
    viewport.go(lambda controller: setattr(controller, "view", CameraView(60.0)))
    studio.key(Qt.Key.Key_C)


def test_c_keys_the_camera_and_the_keys_show(studio: Studio) -> None:
    key_two_views(studio)
    performance = studio.session.project.performance
    assert all(len(performance.lane(key).curve) == 2 for key in CAMERA_KEYS)  # type: ignore[union-attr]
    round_trip(studio)
    studio.driver.seek(0.0)
    assert drawn_yaw(studio) == pytest.approx(0, abs=0.01)
    studio.driver.seek(2.0)
    assert drawn_yaw(studio) == pytest.approx(60, abs=0.01)
    studio.driver.seek(1.0)
    assert drawn_yaw(studio) == pytest.approx(performance.camera(1.0).yaw_deg, abs=0.01)  # type: ignore[union-attr]


def test_the_first_key_does_not_move_the_picture(studio: Studio) -> None:
    studio.drag(studio.window.viewport, CENTRE, CENTRE + QPoint(90, 0))
    shown(studio)
    before = studio.renderer.drawn[-1][1]
    studio.key(Qt.Key.Key_C)
    shown(studio)
    assert np.allclose(studio.renderer.drawn[-1][1].world_to_camera, before.world_to_camera)


def test_a_key_turns_the_short_way(studio: Studio) -> None:
    viewport = studio.window.viewport
    viewport.go(lambda controller: setattr(controller, "view", CameraView(170.0)))
    studio.key(Qt.Key.Key_C)
    studio.driver.seek(1.0)
    viewport.go(lambda controller: setattr(controller, "view", CameraView(-170.0)))
    studio.key(Qt.Key.Key_C)
    lane = studio.session.project.performance.lane("camera_yaw")
    assert lane is not None
    assert lane.curve.values.tolist() == pytest.approx([170.0, 190.0])


def test_the_lock_hands_the_camera_back_to_the_viewer(studio: Studio) -> None:
    key_two_views(studio)
    studio.driver.seek(2.0)
    assert drawn_yaw(studio) == pytest.approx(60, abs=0.01)
    studio.key(Qt.Key.Key_C, SHIFT)
    assert not studio.session.project.look_through
    round_trip(studio)
    studio.driver.seek(0.0)
    assert drawn_yaw(studio) == pytest.approx(60, abs=0.01)  # where the viewer was left
    assert studio.session.project.camera(0.0) is None
    studio.key(Qt.Key.Key_C, SHIFT)
    assert drawn_yaw(studio) == pytest.approx(0, abs=0.01)


def test_a_moved_view_is_free_until_another_moment(studio: Studio) -> None:
    key_two_views(studio)
    studio.driver.seek(2.0)
    before = studio.session.project
    studio.drag(studio.window.viewport, CENTRE, CENTRE + QPoint(-60, 0))
    assert studio.session.project is before
    assert drawn_yaw(studio) > 65
    assert "camera moved off its keys" in studio.window.viewport.overlay.readout
    studio.driver.step(-1)
    assert drawn_yaw(studio) < 61
    assert studio.window.viewport.overlay.readout.endswith("camera keys")


def test_a_click_alone_frees_nothing(studio: Studio) -> None:
    key_two_views(studio)
    studio.drag(studio.window.viewport, CENTRE, CENTRE)
    assert not aids(studio).staging.choice.free


def test_playing_follows_the_keys_again(studio: Studio) -> None:
    key_two_views(studio)
    studio.driver.seek(1.0)
    studio.drag(studio.window.viewport, CENTRE, CENTRE + QPoint(-60, 0))
    assert aids(studio).staging.choice.free
    studio.key(Qt.Key.Key_Space)
    assert not aids(studio).staging.choice.free
    studio.key(Qt.Key.Key_Space)


def test_with_auto_key_a_drag_is_one_camera_key(studio: Studio) -> None:
    key_two_views(studio)
    studio.window.actions_["keys.auto_key"].trigger()
    studio.driver.seek(1.0)
    entries = studio.session.history.position
    studio.drag(studio.window.viewport, CENTRE, CENTRE + QPoint(-60, 0))
    assert studio.session.history.position == entries + 1
    assert studio.session.history.undo_label == "Key camera"
    yaw = studio.session.project.performance.lane("camera_yaw")
    assert yaw is not None
    assert yaw.curve.at(1.0) is not None
    assert drawn_yaw(studio) == pytest.approx(yaw.curve.value(1.0), abs=0.01)
    round_trip(studio)


def test_with_auto_key_turns_of_the_wheel_are_one_key(studio: Studio) -> None:
    key_two_views(studio)
    studio.window.actions_["keys.auto_key"].trigger()
    studio.driver.seek(1.0)
    viewport, entries = studio.window.viewport, studio.session.history.position
    before = studio.session.project.performance.camera(1.0)
    for _ in range(3):
        pointer.wheel(viewport, 1, CENTRE)
    studio.until(lambda: studio.session.history.gesture is None)
    assert studio.session.history.position == entries + 1
    after = studio.session.project.performance.camera(1.0)
    assert before is not None
    assert after is not None
    assert after.distance == pytest.approx(before.distance * 0.9**3)  # type: ignore[operator]
    round_trip(studio)


def test_without_camera_keys_auto_key_leaves_the_view_alone(studio: Studio) -> None:
    studio.window.actions_["keys.auto_key"].trigger()
    before = studio.session.project
    studio.drag(studio.window.viewport, CENTRE, CENTRE + QPoint(50, 0))
    assert studio.session.project is before


# ---- turntable ----


def test_t_turns_until_it_is_pressed_again(studio: Studio) -> None:
    controller = studio.window.viewport.controller
    studio.key(Qt.Key.Key_T)
    assert studio.window.actions_["camera.turntable"].isChecked()
    studio.until(lambda: controller.view.yaw_deg > 1)
    studio.key(Qt.Key.Key_T)
    yaw = controller.view.yaw_deg
    studio.qtbot.wait(100)
    assert controller.view.yaw_deg == yaw
    assert studio.session.history.position == 0 or studio.session.history.undo_label != "Key camera"


def test_the_hand_stops_the_turntable(studio: Studio) -> None:
    studio.key(Qt.Key.Key_T)
    studio.drag(studio.window.viewport, CENTRE, CENTRE + QPoint(30, 0))
    assert not studio.window.actions_["camera.turntable"].isChecked()


def test_a_turn_is_baked_over_the_range(studio: Studio) -> None:
    studio.window.viewport.go(lambda controller: setattr(controller, "view", CameraView(30.0, 10.0)))
    studio.session.set_range((1.0, 3.0))
    trigger(studio, "camera.bake_turntable")
    round_trip(studio)
    performance = studio.session.project.performance
    for time_s, yaw in ((1.0, 30.0), (1.5, 120.0), (2.0, 210.0), (3.0, 390.0)):
        view = performance.camera(time_s)
        assert view is not None
        assert view.yaw_deg == pytest.approx(yaw)
        assert view.pitch_deg == pytest.approx(10.0)
    trigger(studio, "camera.bake_turntable")
    assert all(len(performance.lane(key).curve) == 2 for key in CAMERA_KEYS)  # type: ignore[union-attr]


def test_without_a_length_there_is_nothing_to_bake(empty_studio: Studio) -> None:
    empty_studio.open(None)
    empty_studio.window.actions_["camera.bake_turntable"].trigger()
    assert "length" in empty_studio.answers.errors[0]
    assert empty_studio.session.project.performance.camera(0.0) is None
