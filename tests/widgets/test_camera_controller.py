from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.engine.camera import Subject
from studio.widgets.camera_controller import MAX_DISTANCE, MAX_PAN_M, MIN_DISTANCE, VIEWS, CameraController

share = st.floats(-3, 3)


def project(controller: CameraController, point: tuple[float, float, float]) -> tuple[float, float]:
    camera = controller.camera(400, 400)
    x, y, z = (camera.world_to_camera @ np.array([*point, 1.0]))[:3]
    return camera.fx * x / z + camera.cx, camera.fy * y / z + camera.cy


@given(st.lists(st.tuples(share, share), max_size=8), share, share)
def test_the_target_stays_in_the_middle_however_one_orbits(
    moves: list[tuple[float, float]], right: float, down: float
) -> None:
    controller = CameraController()
    controller.subject = Subject(0.23, (0.01, -0.02, -0.08))
    for move in [*moves, (right, down)]:
        controller.orbit(*move)
    assert project(controller, (0.01, -0.02, -0.08)) == pytest.approx((200, 200), abs=1e-6)
    assert -180 <= controller.view.yaw_deg < 180
    assert -89 <= controller.view.pitch_deg <= 89


@given(st.floats(-0.2, 0.2), st.floats(-0.2, 0.2), st.floats(-170, 170))
def test_a_pan_moves_the_head_exactly_with_the_pointer(right: float, down: float, yaw: float) -> None:
    controller = CameraController()
    controller.orbit(yaw / 200, 0.1)
    controller.pan(right, down)
    x, y = project(controller, (0.0, 0.0, 0.0))
    assert (x, y) == pytest.approx((200 + 400 * right, 200 + 400 * down), abs=0.01)


@given(st.lists(st.floats(-30, 30), max_size=10))
def test_dolly_stays_within_reason_and_is_undone_by_its_opposite(steps: list[float]) -> None:
    controller = CameraController()
    for step in steps:
        controller.dolly(step)
        assert MIN_DISTANCE <= controller.distance <= MAX_DISTANCE
    fresh = CameraController()
    before = fresh.distance
    fresh.dolly(2)
    fresh.dolly(-2)
    assert fresh.distance == pytest.approx(before)


def test_the_target_cannot_be_lost() -> None:
    controller = CameraController()
    for _ in range(50):
        controller.pan(1, 1)
    assert max(abs(v) for v in controller.view.offset_m) <= MAX_PAN_M


def test_standard_views_keep_distance_and_offset() -> None:
    controller = CameraController()
    controller.dolly(3)
    controller.pan(0.1, 0.1)
    distance, offset = controller.view.distance, controller.view.offset_m
    for name, (yaw, pitch) in VIEWS.items():
        controller.look(name)
        assert (controller.view.yaw_deg, controller.view.pitch_deg) == (yaw, pitch)
        assert (controller.view.distance, controller.view.offset_m) == (distance, offset)
    assert controller.camera(4, 4).position[1] < -0.5


def test_from_its_left_side_the_subject_faces_to_the_left() -> None:
    controller = CameraController()
    controller.look("left")
    nose, _ = project(controller, (0.0, 0.0, 0.1))
    assert nose < 200


def test_a_wide_frame_fits_into_a_narrow_viewport() -> None:
    controller = CameraController()
    plain, own = controller.camera(400, 400), controller.camera(800, 400)
    controller.frame_aspect = 2.0
    wide = controller.camera(400, 400)  # the frame is 400 × 200 in it
    assert wide.fx == wide.fy == plain.fx / 2 == own.fx / 2
    controller.frame_aspect = 0.5
    assert controller.camera(400, 400).fx == plain.fx
