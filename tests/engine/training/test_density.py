"""Density control: what may never happen to a set of Gaussians, whatever the gradients say."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.engine.gaussians import Gaussians
from studio.engine.training.density import SPLIT_SHRINK, plan_changes
from studio.engine.training.recipes import Density


def random_gaussians(count: int, seed: int) -> Gaussians:
    random = torch.Generator().manual_seed(seed)
    return Gaussians(
        torch.randn(count, 3, generator=random) * 0.1,
        torch.randn(count, 4, generator=random),
        torch.randn(count, 3, generator=random) - 6,
        torch.randn(count, generator=random) * 4,
        torch.rand(count, 1, 3, generator=random),
    )


@settings(max_examples=60, deadline=None)
@given(
    count=st.integers(1, 60),
    seed=st.integers(0, 1_000),
    limit=st.integers(1, 90),
    grow=st.floats(0.0, 1.0),
    threshold=st.floats(0.0, 2.0),
)
def test_a_plan_keeps_its_promises(count: int, seed: int, limit: int, grow: float, threshold: float) -> None:
    gaussians = random_gaussians(count, seed)
    random = torch.Generator().manual_seed(seed + 1)
    gradients = torch.rand(count, generator=random) * 2
    spacing = torch.full((count,), 3e-3)
    rules = Density(gradient=threshold, grow=grow, prune_opacity=0.02)
    plan = plan_changes(gaussians, gradients, spacing, rules, limit, random)
    size = len(plan.parents)

    opacity = torch.sigmoid(gaussians.opacity_logits)
    kept = opacity >= 0.02
    assert size >= 1
    assert size <= max(limit, int(kept.sum()), 1)
    assert size - int(kept.sum()) <= max(1, int(grow * count))
    assert all(len(t) == size for t in (plan.fresh, plan.offsets, plan.log_shrink, plan.opacity_logits))
    old = plan.parents[~plan.fresh]
    assert torch.equal(old, old.unique()), "kept Gaussians appear once, in their order"
    assert bool((plan.offsets[~plan.fresh] == 0).all())
    assert bool((plan.log_shrink[~plan.fresh] == 0).all())
    if bool(kept.any()):
        assert bool(kept[plan.parents].all()), "nothing descends from what is pruned"
        assert set(plan.parents.tolist()) == set(kept.nonzero()[:, 0].tolist()), "nobody worth keeping is lost"
    fresh_parents = plan.parents[plan.fresh]
    assert bool((gradients[fresh_parents] > threshold).all())
    wide = gaussians.log_scales.exp().amax(1) > rules.split_over * spacing
    for parent in fresh_parents.unique().tolist():
        children = int((fresh_parents == parent).sum())
        assert children == (2 if bool(wide[parent]) else 1)
        assert (parent in old.tolist()) == (not bool(wide[parent]))
    assert bool(torch.isfinite(plan.offsets).all())
    assert bool(torch.isfinite(plan.opacity_logits).all())


def test_the_strongest_gradients_are_served_first() -> None:
    gaussians = random_gaussians(20, 3).replace(opacity_logits=torch.full((20,), 2.0))
    gradients = torch.linspace(0, 1, 20)
    plan = plan_changes(
        gaussians, gradients, torch.full((20,), 1.0), Density(gradient=0.1, grow=1.0), 23, torch.Generator()
    )
    assert sorted(plan.parents[plan.fresh].tolist()) == [17, 18, 19]


def test_a_clone_and_its_original_cover_what_the_original_did() -> None:
    gaussians = random_gaussians(2, 0).replace(opacity_logits=torch.tensor([1.5, -1.0]))
    plan = plan_changes(
        gaussians, torch.tensor([1.0, 0.0]), torch.ones(2), Density(gradient=0.5, grow=1.0), 9, torch.Generator()
    )
    pair = torch.sigmoid(plan.opacity_logits[plan.parents == 0])
    assert len(pair) == 2
    assert float(1 - (1 - pair).prod()) == pytest.approx(float(torch.sigmoid(torch.tensor(1.5))), abs=1e-5)
    assert float(plan.opacity_logits[plan.parents == 1]) == -1.0


def test_halves_lie_along_their_parent_and_are_smaller() -> None:
    long = Gaussians(
        torch.zeros(1, 3),
        torch.tensor([[0.5**0.5, 0, 0, 0.5**0.5]]),  # a quarter turn about z takes the long x axis to y
        torch.tensor([[1.0, 1e-3, 1e-3]]).log(),
        torch.tensor([2.0]),
        torch.zeros(1, 1, 3),
    )
    far = []
    for seed in range(40):
        random = torch.Generator().manual_seed(seed)
        plan = plan_changes(long, torch.ones(1), torch.full((1,), 0.1), Density(gradient=0.5, grow=2.0), 5, random)
        assert plan.parents.tolist() == [0, 0]
        assert plan.log_shrink.tolist() == pytest.approx([float(torch.tensor(SPLIT_SHRINK).log())] * 2)
        far.append(plan.offsets)
    spread = torch.cat(far).std(0)
    assert float(spread[1]) == pytest.approx(1.0, abs=0.25)
    assert float(spread[0]) < 0.01
    assert float(spread[2]) < 0.01
