"""The learner: what new Gaussians inherit, and what optimizers remember."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from studio.engine.training.capture import Capture
from studio.engine.training.capture_files import load_capture
from studio.engine.training.density import Plan
from studio.engine.training.initial import facing, thin
from studio.engine.training.learner import NAMES, Learner
from studio.engine.training.recipes import RECIPES
from tests.engine.training.toy import write_toy_capture


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Capture:
    return load_capture(
        write_toy_capture(tmp_path_factory.mktemp("capture") / "egg", frames=20, images=4, size_px=32, points=300)
    )


def make(capture: Capture) -> Learner:
    assert capture.surface is not None
    return Learner(capture.surface, RECIPES["quick"], torch.device("cpu"))


def take_a_step(learner: Learner) -> None:
    learner.set_rates("coarse", 0.0, 0.2)
    torch.manual_seed(0)
    for parameter in (*learner.parameters.values(), *learner.deformer.parameters()):
        parameter.grad = torch.randn_like(parameter)
    learner.gaussian_optimizer.step()
    learner.deformer_optimizer.step()


def test_gaussians_start_on_the_surface_and_face_outwards(capture: Capture) -> None:
    learner = make(capture)
    surface = capture.surface
    assert surface is not None
    gaussians = learner.gaussians
    assert torch.equal(gaussians.means, surface.points)
    z = torch.tensor([0.0, 0.0, 1.0])
    w, v = gaussians.quats[:, :1], gaussians.quats[:, 1:]
    axis = z + 2 * torch.linalg.cross(v, torch.linalg.cross(v, z.expand_as(v)) + w * z)
    assert torch.allclose(axis, surface.normals, atol=1e-5)
    thinnest = gaussians.log_scales.argmin(1)
    assert bool((thinnest == 2).all())


def test_patches_stay_within_a_part_and_are_the_same_after_a_resumed_run(capture: Capture) -> None:
    assert capture.surface is not None
    surface = replace(capture.surface, parts=(capture.surface.points[:, 0] > 0).long())
    learner = Learner(surface, replace(RECIPES["quick"], patch_weight=1.0), torch.device("cpu"))
    near = learner.near
    assert near is not None
    parts = surface.parts[learner.rows]
    assert torch.equal(parts[near], parts[:, None].expand_as(near))
    steps = (surface.points[learner.rows][near] - surface.points[learner.rows][:, None]).norm(dim=2)
    assert float(steps.median()) < 4 * float(surface.spacing.median())
    with torch.no_grad():
        learner.parameters["means"] += 0.05 * torch.randn_like(learner.parameters["means"])
    learner.restore(learner.tensors())
    assert learner.near is not None
    assert torch.equal(learner.near, near)
    assert make(capture).near is None


def test_facing_survives_every_direction() -> None:
    for normal in ([0.0, 0.0, -1.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1e-3, -1.0]):
        n = torch.nn.functional.normalize(torch.tensor([normal]), dim=1)
        quat = facing(n)
        assert float(quat.norm()) == pytest.approx(1.0)
        w, v = quat[:, :1], quat[:, 1:]
        z = torch.tensor([[0.0, 0.0, 1.0]])
        assert torch.allclose(z + 2 * torch.linalg.cross(v, torch.linalg.cross(v, z) + w * z), n, atol=2e-2)


def test_thinning_is_even_and_keeps_within_the_budget() -> None:
    random = np.random.default_rng(0)
    points = np.concatenate([random.random((3000, 3)) * [1, 1, 0], random.random((500, 3)) * [1, 1, 0] + [2, 0, 0]])
    spacing = np.concatenate([np.full(3000, 0.018), np.full(500, 0.045)])
    kept = thin(points, spacing, 700, seed=1)
    assert 560 <= len(kept) <= 700
    assert len(np.unique(kept)) == len(kept)
    dense = points[kept[kept < 3000]][:, :2]
    nearest = np.sort(np.linalg.norm(dense[:, None] - dense[None], axis=2) + np.eye(len(dense)), axis=1)[:, 0]
    assert nearest.min() > 0.4 * np.median(nearest)
    assert 4 < (kept < 3000).sum() / (kept >= 3000).sum() < 8, "the denser part stays denser"
    assert np.array_equal(thin(points, spacing, 5000, seed=1), np.arange(3500))


def test_children_inherit_and_only_kept_rows_keep_their_moments(capture: Capture) -> None:
    learner = make(capture)
    take_a_step(learner)
    parents = torch.tensor([0, 2, 5, 2, 9, 9])
    fresh = torch.tensor([False, False, False, True, True, True])
    before = {name: learner.parameters[name].detach().clone() for name in NAMES}
    old_moments = {
        group["name"]: learner.gaussian_optimizer.state[group["params"][0]]["exp_avg"].clone()
        for group in learner.gaussian_optimizer.param_groups
    }
    residual = learner.deformer.residual
    old_residual = residual.detach().clone()
    old_residual_moment = learner.deformer_optimizer.state[residual]["exp_avg_sq"].clone()
    zones, weights, motion = learner.zones, learner.rig.weights, learner.motion(torch.tensor([4]))
    plan = Plan(
        parents=parents,
        fresh=fresh,
        offsets=torch.arange(6.0)[:, None].repeat(1, 3) * fresh[:, None],
        log_shrink=0.5 * fresh,
        opacity_logits=torch.linspace(0, 1, 6),
        before=300,
    )
    learner.rearrange(plan)

    assert len(learner) == 6
    assert torch.equal(learner.zones, zones[parents])
    assert torch.equal(learner.rig.weights, weights[parents])
    assert torch.equal(learner.motion(torch.tensor([4])), motion[:, parents])
    assert torch.equal(learner.deformer.residual, old_residual[parents])
    assert torch.allclose(learner.parameters["means"], before["means"][parents] + plan.offsets)
    assert torch.allclose(learner.parameters["log_scales"], before["log_scales"][parents] - plan.log_shrink[:, None])
    assert torch.equal(learner.parameters["opacity_logits"], plan.opacity_logits)
    for group in learner.gaussian_optimizer.param_groups:
        state = learner.gaussian_optimizer.state[group["params"][0]]
        assert group["params"][0] is learner.parameters[group["name"]]
        assert torch.equal(state["exp_avg"][~fresh], old_moments[group["name"]][parents[~fresh]])
        assert float(state["exp_avg"][fresh].abs().sum()) == 0
        assert float(state["step"]) == 1
    moment = learner.deformer_optimizer.state[learner.deformer.residual]["exp_avg_sq"]
    assert torch.equal(moment[~fresh], old_residual_moment[parents[~fresh]])
    assert float(moment[fresh].abs().sum()) == 0
    assert len(learner.gaussian_optimizer.state) == len(NAMES), "no moments of discarded parameters remain"
    take_a_step(learner)


def test_state_survives_a_round_trip(capture: Capture) -> None:
    learner, other = make(capture), make(capture)
    take_a_step(learner)
    learner.rearrange(
        Plan(
            parents=torch.arange(299),
            fresh=torch.zeros(299, dtype=torch.bool),
            offsets=torch.zeros(299, 3),
            log_shrink=torch.zeros(299),
            opacity_logits=learner.parameters["opacity_logits"].detach()[:299],
            before=300,
        )
    )
    stored = {name: value.clone() for name, value in learner.tensors().items()}
    other.restore(stored)
    assert other.tensors().keys() == stored.keys()
    assert all(torch.equal(value, stored[name]) for name, value in other.tensors().items())
    take_a_step(learner)
    take_a_step(other)
    assert all(torch.equal(value, learner.tensors()[name]) for name, value in other.tensors().items())
    with pytest.raises(KeyError):
        other.restore({name: value for name, value in stored.items() if name != "zones"})


def test_resting_and_moving_gaussians_are_told_apart(capture: Capture) -> None:
    learner = make(capture)
    reach = learner.motion(torch.arange(20)).norm(dim=2).amax(0)
    assert bool((reach[learner.resting] < 4 * 1e-4).all())
    assert set(learner.moving.tolist()).isdisjoint(learner.resting.tolist())
    assert len(learner.moving) + len(learner.resting) == len(learner)
    assert float(reach[learner.moving].mean()) > 10 * float(reach[learner.resting].mean())
