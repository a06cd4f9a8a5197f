"""Camera keys are keys like others: shown, moved, copied, deleted and undone."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt

from studio.document.performance import CameraView
from tests.widgets.timeline.conftest import CTRL, Hands


def with_camera(hands: Hands) -> None:
    performance = hands.session.project.performance
    performance = performance.with_camera_key(0.4, CameraView(-30.0, 5.0, 2.5))
    performance = performance.with_camera_key(2.0, CameraView(40.0, 0.0, 4.0, (0.1, 0.0, 0.0)))
    hands.history.reset(hands.session.project.replace(performance=performance))
    hands.studio.qtbot.wait(1)


def show(hands: Hands, key: str) -> None:
    hands.canvas.reveal(key)
    hands.studio.qtbot.wait(1)


def test_camera_lanes_stand_in_a_group_that_folds(hands: Hands) -> None:
    with_camera(hands)
    rows = [row for row in hands.state.rows if row.group == "camera"]
    assert [row.lane_id for row in rows[1:]] == [
        "camera_yaw", "camera_pitch", "camera_distance", "camera_x", "camera_y", "camera_z",
    ]  # fmt: skip
    hands.canvas.scroll_to(10_000)
    hands.canvas.scroll_to(rows[0].top)
    hands.click(QPoint(20, round(hands.state.top_of(rows[0])) + 8))
    assert [row.kind for row in hands.state.rows if row.group == "camera"] == ["group"]


def test_a_camera_key_is_dragged_in_time_and_value(hands: Hands) -> None:
    with_camera(hands)
    show(hands, "camera_yaw")
    before = hands.session.project
    hands.drag(hands.at("camera_yaw", 2.0, 40.0), hands.at("camera_yaw", 2.4, 90.0))
    curve = hands.curve("camera_yaw")
    assert curve.times_s[1] == pytest.approx(2.4)
    assert curve.values[1] == pytest.approx(90.0, abs=9)
    assert hands.session.project.performance.camera(0.4) == CameraView(-30.0, 5.0, 2.5)
    hands.one_entry(before)


def test_camera_keys_are_copied_from_lane_to_lane_and_deleted(hands: Hands) -> None:
    with_camera(hands)
    show(hands, "camera_yaw")
    before = hands.session.project
    hands.click(hands.at("camera_yaw", 0.4, -30.0))
    hands.studio.key(Qt.Key.Key_C, CTRL)
    hands.studio.driver.seek(3.0)
    hands.studio.key(Qt.Key.Key_V, CTRL)
    assert hands.curve("camera_yaw").value(3.0) == -30.0
    hands.one_entry(before)
    hands.studio.key(Qt.Key.Key_Delete)
    assert len(hands.curve("camera_yaw")) == 2


def test_a_key_made_at_the_playhead_changes_nothing(hands: Hands) -> None:
    with_camera(hands)
    view = hands.session.project.performance.camera(1.0)
    hands.studio.driver.seek(1.0)
    hands.timeline.editor.focus_lane("camera_distance")
    hands.studio.key(Qt.Key.Key_K)
    assert len(hands.curve("camera_distance")) == 3
    assert hands.session.project.performance.camera(1.0) == view


def test_the_status_says_what_the_camera_does(hands: Hands) -> None:
    with_camera(hands)
    hands.studio.driver.seek(2.0)
    hands.timeline.editor.focus_lane("camera_yaw")
    assert hands.state.winner == "Camera orbit 40.00: keys"
