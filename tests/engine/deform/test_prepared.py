import numpy as np
import pytest
import torch

from studio.engine.controls import WINDOW, Controls, Pose
from studio.engine.deform import prepared
from studio.engine.deform.deformer import Deformer, DeformerConfig
from tests.support import controls, toy_avatar

N = 150
TENSORS = ("means", "log_scales", "quats", "opacity_logits", "colours")
STEP_M = 5e-6  # compiled deformers count in steps, which depend on the Gaussians that they are made for


def _trained(**settings):
    torch.manual_seed(5)
    means, zones = torch.randn(N, 3) * 0.08, torch.arange(N) % 3
    deformer = Deformer.for_means(DeformerConfig(**{"resolutions": (8, 16), **settings}), means)
    with torch.no_grad():
        for parameter in deformer.parameters():
            parameter += torch.randn_like(parameter) * 0.1
    return deformer, means, zones


def _controls(seed=0):
    random = np.random.default_rng(seed)
    au = random.uniform(0, 5, (WINDOW, 17)).astype(np.float32)
    au[:, random.random(17) < 0.5] = 0
    return Controls(au, random.random((WINDOW, 10), dtype=np.float32), Pose(10, -5, 3, 8, -2))


def _uncached(deformer, means, zones, c):
    pose = c.pose
    degrees = [pose.yaw_deg, pose.pitch_deg, pose.roll_deg, pose.gaze_yaw_deg, pose.gaze_pitch_deg]
    return deformer(means, zones, torch.tensor(c.au)[None], torch.tensor(c.speech)[None], torch.tensor([degrees]))


@pytest.mark.parametrize(
    "settings", [{}, {"n_au": 8}, {"au": False}, {"szpab": False}, {"citae": False}, {"literal_keys": True}]
)
def test_cached_equals_uncached(settings):
    deformer, means, zones = _trained(**settings)
    ready = prepared.TensorDeformer(deformer, means, zones)
    for seed in range(3):
        expected, got = _uncached(deformer, means, zones, _controls(seed)), ready.deltas(_controls(seed))
        for name in TENSORS:
            reference = getattr(expected, name).detach()
            assert reference.abs().max() > 1e-5
            assert (getattr(got, name) - reference).abs().max() <= 1e-5 * max(1.0, reference.abs().max().item()), name


def test_blocks_of_any_size_give_the_same(monkeypatch):
    deformer, means, zones = _trained()
    whole = prepared.TensorDeformer(deformer, means, zones).deltas(_controls())
    monkeypatch.setattr(prepared, "BLOCK", 32)
    parts = prepared.TensorDeformer(deformer, means, zones).deltas(_controls())
    assert torch.allclose(whole.means, parts.means, atol=1e-7)


def test_rest_is_exactly_the_canonical_head():
    deformer, means, zones = _trained()
    avatar = toy_avatar(N)
    shaped = deformer.prepare(means, zones).apply(avatar.gaussians, controls())
    for name in ("means", "quats", "log_scales", "opacity_logits", "sh"):
        assert torch.equal(getattr(shaped, name), getattr(avatar.gaussians, name))


def test_apply_adds_the_deltas_and_leaves_its_input_alone():
    deformer, means, zones = _trained()
    gaussians = toy_avatar(N).gaussians
    before = gaussians.sh.clone()
    ready = deformer.prepare(means, zones)
    shaped, expected = ready.apply(gaussians, _controls()), ready.deltas(_controls()).apply(gaussians)
    for name in ("means", "quats", "log_scales", "opacity_logits", "sh"):
        assert torch.allclose(getattr(shaped, name), getattr(expected, name), atol=1e-7)
    assert torch.equal(gaussians.sh, before)


def test_answers_do_not_depend_on_what_was_asked_before():
    deformer, means, zones = _trained()
    ready = deformer.prepare(means, zones)
    first = ready.deltas(_controls(1)).means.clone()
    ready.deltas(_controls(2))
    assert torch.equal(ready.deltas(_controls(1)).means, first)


def test_needs_no_gradients():
    deformer, means, zones = _trained()
    assert not deformer.prepare(means, zones).deltas(_controls()).means.requires_grad


def test_marked_still_stays_exactly_still_and_the_rest_moves_as_before():
    avatar = toy_avatar(600)
    means, zones, deformer = avatar.gaussians.means, avatar.zones, avatar.deformer
    smile = controls({"AU12": 5.0, "AU45": 4.0}, {"jaw_open": 0.7})
    free = deformer.prepare(means, zones).deltas(smile).means[0]
    moving = means[:, 2] > 0.0
    assert free[~moving].abs().max() > 1e-5, "the back of the head would move a little"
    deformer.moving = moving.to(torch.uint8)
    ready = deformer.prepare(means, zones)
    marked = ready.deltas(smile).means[0]
    assert not marked[~moving].any()
    assert torch.allclose(marked[moving], free[moving], atol=STEP_M)
    shaped = ready.apply(avatar.gaussians, smile)
    assert torch.equal(shaped.means[~moving], means[~moving])
    assert torch.allclose(_uncached(deformer.eval(), means, zones, smile).means[0], marked, atol=STEP_M)
    assert torch.allclose(_uncached(deformer.train(), means, zones, smile).means[0], free, atol=STEP_M)


def test_a_head_that_rests_altogether_needs_no_work():
    avatar = toy_avatar(200)
    resting = Deformer.for_means(DeformerConfig(), avatar.gaussians.means)
    resting.moving.zero_()
    deltas = resting.prepare(avatar.gaussians.means, avatar.zones).deltas(_controls())
    assert deltas.means.shape == (1, 200, 3)
    assert not deltas.means.any()
