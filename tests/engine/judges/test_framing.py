"""Where judges look: squares that follow the head and leave the lips their freedom."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.engine.camera import orbit_camera
from studio.engine.controls import Pose
from studio.engine.judges.framing import (
    FACE_HALF,
    MOUTH_CENTRE,
    MOUTH_HALF,
    SEEN_HALF,
    Square,
    cut,
    face_camera,
    find_face,
)

HEIGHT_M = 0.22
PIVOTS = torch.tensor([[0, 0, 0], [0, -0.09, -0.08], [0.03, 0, 0.02], [-0.03, 0, 0.02]])


@settings(deadline=None, max_examples=40)
@given(st.floats(-12, 12), st.floats(-12, 12), st.floats(-12, 12), st.floats(-25, 25), st.floats(-15, 15))
def test_a_face_camera_keeps_the_face_in_the_middle(
    yaw: float, pitch: float, roll: float, camera_yaw: float, camera_pitch: float
) -> None:
    pose = Pose(yaw, pitch, roll)
    camera = face_camera(pose, HEIGHT_M, PIVOTS, 100, camera_yaw, camera_pitch)
    face = find_face(camera, pose, HEIGHT_M, PIVOTS)
    assert face is not None
    assert (face.face.x, face.face.y) == pytest.approx((50, 50), abs=1e-6)
    assert face.face.half == pytest.approx(50 * FACE_HALF / SEEN_HALF)
    assert face.mouth.half == pytest.approx(face.face.half * MOUTH_HALF / FACE_HALF, rel=0.2)


def test_the_mouth_square_lies_on_the_mouth() -> None:
    camera = orbit_camera(0, 0, 1.0, width=200, height=200)
    face = find_face(camera, Pose(), HEIGHT_M, PIVOTS)
    assert face is not None
    depth = 1.0 - MOUTH_CENTRE[2] * HEIGHT_M
    assert face.mouth.x == pytest.approx(100)
    assert face.mouth.y == pytest.approx(100 - camera.fy * MOUTH_CENTRE[1] * HEIGHT_M / depth)


@pytest.mark.parametrize("yaw", [-75, 70, 180])
def test_a_face_that_is_turned_away_is_not_judged(yaw: float) -> None:
    assert find_face(orbit_camera(yaw, 0, 1.0), Pose(), HEIGHT_M, PIVOTS) is None
    assert find_face(orbit_camera(0, 0, 1.0), Pose(), HEIGHT_M, PIVOTS) is not None


def test_a_camera_behind_or_inside_the_head_sees_no_face() -> None:
    camera = orbit_camera(0, 0, 0.02, target=(0.0, -0.04, 0.0))
    assert find_face(camera, Pose(), HEIGHT_M, PIVOTS) is None


def test_cutting_takes_the_square_and_repeats_the_edge() -> None:
    ramp = torch.linspace(0, 1, 64).expand(64, 64)
    picture = torch.stack([ramp, ramp.T, torch.zeros(64, 64)], 2)
    part = cut(picture, Square(32, 16, 8), 16)
    np.testing.assert_allclose(part[0].numpy(), ramp[8:24, 24:40].numpy(), atol=1e-6)
    np.testing.assert_allclose(part[1].numpy(), ramp.T[8:24, 24:40].numpy(), atol=1e-6)
    outside = cut(picture, Square(-40, 200, 8), 4)
    np.testing.assert_allclose(outside[:2].numpy(), np.stack([np.zeros((4, 4)), np.ones((4, 4))]), atol=1e-6)


def test_cutting_is_differentiable_and_averages() -> None:
    picture = torch.rand(64, 64, 3, requires_grad=True)
    part = cut(picture, Square(32, 32, 32), 16)
    assert float(part.detach().std()) < 0.6 * float(picture.detach().std())
    part.sum().backward()
    assert picture.grad is not None
    assert bool((picture.grad > 0).all())
