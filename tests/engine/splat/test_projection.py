from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.engine.camera import Camera
from studio.engine.gaussians import Gaussians
from studio.engine.splat.base import COVARIANCE_BLUR_PX2, NEAR_M
from studio.engine.splat.projection import project, rotation_matrices
from tests.engine.splat.scenes import camera, random_scene


def _double(gaussians: Gaussians) -> Gaussians:
    return Gaussians(
        gaussians.means.double(),
        gaussians.quats.double(),
        gaussians.log_scales.double(),
        gaussians.opacity_logits.double(),
        gaussians.sh.double(),
    )


@pytest.mark.parametrize("kind", ["plain", "off_screen", "needles", "huge", "behind"])
def test_agrees_with_gsplat(kind: str) -> None:
    theirs = pytest.importorskip("gsplat.cuda._torch_impl")
    view = camera(97, 75)
    gaussians = _double(random_scene(kind, seed=3, n=400))
    covariances, _ = theirs._quat_scale_to_covar_preci(
        gaussians.quats, gaussians.log_scales.exp(), compute_covar=True, compute_preci=False, triu=False
    )
    _, means, depths, conics, _ = theirs._fully_fused_projection(
        gaussians.means,
        covariances,
        torch.from_numpy(view.world_to_camera)[None],
        torch.from_numpy(view.intrinsics)[None],
        view.width,
        view.height,
        eps2d=COVARIANCE_BLUR_PX2,
        near_plane=NEAR_M,
    )
    ours = project(gaussians, view)
    seen = ours.depths > NEAR_M
    assert int(seen.sum()) > 100
    torch.testing.assert_close(ours.depths[seen], depths[0][seen], atol=1e-9, rtol=1e-9)
    torch.testing.assert_close(ours.means[seen], means[0][seen], atol=1e-4, rtol=1e-6)
    torch.testing.assert_close(ours.conics[seen], conics[0][seen], atol=1e-4, rtol=1e-4)


def test_a_ball_on_the_axis_is_a_disc_of_its_size() -> None:
    view = Camera(np.eye(4), 500.0, 500.0, 50.0, 40.0, 100, 80)
    ball = Gaussians(
        torch.tensor([[0.0, 0.0, 2.0]]),
        torch.tensor([[1.0, 0.0, 0.0, 0.0]]),
        torch.full((1, 3), float(np.log(0.01))),
        torch.zeros(1),
        torch.zeros(1, 1, 3),
    )
    result = project(ball, view)
    torch.testing.assert_close(result.means, torch.tensor([[50.0, 40.0]]))
    variance = (500.0 * 0.01 / 2.0) ** 2 + COVARIANCE_BLUR_PX2
    torch.testing.assert_close(result.covariances[0], variance * torch.eye(2))
    assert float(result.depths[0]) == 2.0


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.01, 100.0))
def test_length_and_sign_of_a_quaternion_do_not_matter(seed: int, scale: float) -> None:
    quats = torch.from_numpy(np.random.default_rng(seed).normal(size=(4, 4)))
    rotations = rotation_matrices(quats)
    torch.testing.assert_close(rotation_matrices(-scale * quats), rotations)
    torch.testing.assert_close(rotations @ rotations.transpose(1, 2), torch.eye(3, dtype=torch.float64).expand(4, 3, 3))
    torch.testing.assert_close(torch.linalg.det(rotations), torch.ones(4, dtype=torch.float64))


def test_a_zero_quaternion_is_no_rotation() -> None:
    torch.testing.assert_close(rotation_matrices(torch.zeros(1, 4)), torch.eye(3)[None])


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_moving_camera_and_gaussians_together_changes_nothing(seed: int) -> None:
    gaussians, view = _double(random_scene("plain", seed, n=20)), camera()
    quat = torch.from_numpy(np.random.default_rng(seed).normal(size=4))
    rotation = rotation_matrices(quat[None])[0]
    shift = torch.tensor([0.3, -0.2, 0.5], dtype=torch.float64)
    motion = np.eye(4)
    motion[:3, :3], motion[:3, 3] = rotation.numpy(), shift.numpy()
    moved = gaussians.replace(
        means=gaussians.means @ rotation.T + shift,
        quats=torch.stack([_multiply(quat, q) for q in gaussians.quats]),
    )
    other = Camera(
        view.world_to_camera @ np.linalg.inv(motion), view.fx, view.fy, view.cx, view.cy, view.width, view.height
    )
    before, after = project(gaussians, view), project(moved, other)
    torch.testing.assert_close(after.means, before.means)
    torch.testing.assert_close(after.covariances, before.covariances)


def _multiply(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    aw, av, bw, bv = a[0], a[1:], b[0], b[1:]
    return torch.cat([(aw * bw - av @ bv)[None], aw * bv + bw * av + torch.linalg.cross(av, bv)])
