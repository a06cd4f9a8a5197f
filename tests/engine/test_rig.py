import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.engine.controls import Pose
from studio.engine.gaussians import Gaussians
from studio.engine.rig import JOINTS, Rig, quat_multiply

PIVOTS = torch.tensor(
    [[0.0, -0.2, -0.1], [0.0, -0.08, -0.09], [0.032, 0.0, -0.012], [-0.032, 0.0, -0.012]], dtype=torch.float64
)
angle = st.floats(-80, 80)
poses = st.builds(Pose, angle, st.floats(-60, 60), angle, st.floats(-40, 40), st.floats(-40, 40))


def _gaussians(means):
    n = len(means)
    quats = torch.nn.functional.normalize(torch.randn(n, 4, generator=torch.Generator().manual_seed(1)), dim=1)
    return Gaussians(means.double(), quats.double(), torch.zeros(n, 3), torch.zeros(n), torch.zeros(n, 1, 3))


def _rigid(joint, means):
    weights = torch.zeros(len(means), 4, dtype=torch.float64)
    weights[:, JOINTS.index(joint)] = 1
    return Rig(weights, PIVOTS)


def _move(joint, point, pose):
    means = torch.tensor([point], dtype=torch.float64)
    return _rigid(joint, means).apply(_gaussians(means), pose).means[0]


def _matrix(quats):
    w, x, y, z = torch.nn.functional.normalize(quats, dim=-1).unbind(-1)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return torch.stack([torch.stack(row, -1) for row in rows], -2)


def test_neutral_pose_returns_the_same_object():
    gaussians = _gaussians(torch.randn(7, 3))
    assert _rigid("head", gaussians.means).apply(gaussians, Pose()) is gaussians


NOSE, CROWN = (0.0, -0.03, 0.03), (0.0, 0.12, -0.09)
PUPIL = (0.032, 0.0, 0.0)


@pytest.mark.parametrize(
    ("joint", "point", "pose", "axis", "meaning"),
    [
        ("head", NOSE, Pose(yaw_deg=20), 0, "yaw turns the face to the subject's left"),
        ("head", NOSE, Pose(pitch_deg=20), 1, "pitch lifts the face"),
        ("head", CROWN, Pose(roll_deg=20), 0, "roll tips the head to the subject's left shoulder"),
        ("eye_left", PUPIL, Pose(gaze_yaw_deg=20), 0, "gaze yaw turns the eyes to the subject's left"),
        ("eye_left", PUPIL, Pose(gaze_pitch_deg=20), 1, "gaze pitch turns them up"),
    ],
)
def test_signs_are_as_documented(joint, point, pose, axis, meaning):
    assert _move(joint, point, pose)[axis] > point[axis] + 1e-3, meaning


@given(poses)
@settings(deadline=None)
def test_pivots_stay_put_and_the_torso_never_moves(pose):
    assert torch.allclose(_move("head", PIVOTS[1].tolist(), pose), PIVOTS[1], atol=1e-12)
    assert torch.equal(_move("torso", (0.1, -0.2, 0.03), pose), torch.tensor([0.1, -0.2, 0.03], dtype=torch.float64))


@given(poses)
@settings(deadline=None)
def test_eyes_turn_in_their_sockets_and_follow_the_head(pose):
    for side, joint in ((2, "eye_left"), (3, "eye_right")):
        socket = PIVOTS[side].tolist()
        assert torch.allclose(_move(joint, socket, pose), _move("head", socket, pose), atol=1e-12)
    still = Pose(pose.yaw_deg, pose.pitch_deg, pose.roll_deg)
    assert torch.allclose(_move("eye_left", PUPIL, still), _move("head", PUPIL, still), atol=1e-12)


@given(poses)
@settings(deadline=None)
def test_rigid_parts_keep_their_shape(pose):
    means = torch.randn(9, 3, generator=torch.Generator().manual_seed(2)).double() * 0.1
    gaussians = _gaussians(means)
    for joint in JOINTS:
        moved = _rigid(joint, means).apply(gaussians, pose)
        assert torch.allclose(torch.cdist(moved.means, moved.means), torch.cdist(means, means), atol=1e-9)


@given(poses)
@settings(deadline=None)
def test_gaussians_turn_as_their_places_do(pose):
    means = torch.randn(5, 3, generator=torch.Generator().manual_seed(3)).double() * 0.1
    gaussians = _gaussians(means)
    for joint in JOINTS:
        rig = _rigid(joint, means)
        rotation = rig.transforms(pose)[0][JOINTS.index(joint)]
        assert torch.allclose(_matrix(rig.apply(gaussians, pose).quats), rotation @ _matrix(gaussians.quats), atol=1e-9)


@given(poses, st.floats(0, 1))
@settings(deadline=None)
def test_blended_skin_lies_between_its_joints(pose, share):
    means = torch.tensor([[0.03, -0.1, -0.05]], dtype=torch.float64)
    weights = torch.tensor([[1 - share, share, 0, 0]], dtype=torch.float64)
    moved = Rig(weights, PIVOTS).apply(_gaussians(means), pose)
    head = _move("head", means[0].tolist(), pose)
    assert torch.allclose(moved.means[0], (1 - share) * means[0] + share * head, atol=1e-12)
    assert moved.quats.norm(dim=1).item() == pytest.approx(1, abs=1e-6)


@given(poses)
@settings(deadline=None)
def test_rotations_are_rotations(pose):
    rotations, _ = Rig(torch.zeros(1, 4), PIVOTS).transforms(pose)
    assert torch.allclose(rotations @ rotations.transpose(1, 2), torch.eye(3).double().expand(4, 3, 3), atol=1e-9)
    assert torch.allclose(torch.linalg.det(rotations), torch.ones(4).double())


def test_angles_are_degrees():
    turned = _rigid("head", PIVOTS).transforms(Pose(yaw_deg=30))[0][1] @ torch.tensor([0.0, 0.0, 1.0]).double()
    assert turned.tolist() == pytest.approx([math.sin(math.pi / 6), 0, math.cos(math.pi / 6)])


def test_quaternion_product_is_composition():
    a, b = torch.nn.functional.normalize(
        torch.randn(2, 6, 4, generator=torch.Generator().manual_seed(4)).double(), dim=2
    )
    assert torch.allclose(_matrix(quat_multiply(a, b)), _matrix(a) @ _matrix(b), atol=1e-9)
