"""Lips part and lids close as they began: nothing reaches over a mouth's line, and its inside keeps its look."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from studio.document.action_units import AU_INDEX
from studio.engine.gaussians import SH_C0, Gaussians
from studio.engine.speech.articulators import ARTICULATORS
from studio.engine.splat.cpu import CpuRasterizer
from studio.engine.splat.projection import rotation_matrices
from studio.engine.training.capture import Surface
from studio.engine.training.initial import gaps, place_on_surface
from studio.engine.training.parting import controls_of, marked, openings, parting_loss, smear_loss
from studio.engine.training.person_pictures import lit
from studio.engine.training.recipes import RECIPES

STEP_M = 1e-3
ROWS = 8


def lips() -> tuple[Surface, Tensor]:
    """A sheet of 24 × 16 points whose lower half one mode takes 8 mm down, and which points are of the upper half."""
    x = torch.arange(24) * STEP_M
    y = torch.cat([torch.arange(-ROWS, 0), torch.arange(ROWS) + 1]) * STEP_M
    places = torch.cartesian_prod(x, y)
    points = torch.cat([places, torch.zeros(len(places), 1)], 1)
    upper = points[:, 1] > 0
    modes = torch.zeros(1, len(points), 3)
    modes[0, ~upper, 1] = -0.008
    count = len(points)
    surface = Surface(
        points, torch.tensor([[0.0, 0.0, 1.0]]).repeat(count, 1), torch.full((count, 3), 0.5),
        torch.zeros(count, dtype=torch.int64), torch.zeros(count, dtype=torch.int64),
        torch.tensor([[0.0, 1.0, 0.0, 0.0]]).repeat(count, 1), torch.full((count,), STEP_M), modes,
        torch.zeros(1, 1), torch.zeros(4, 3), ("jaw",),
    )  # fmt: skip
    return surface, upper


def test_a_gap_lies_between_what_is_torn_apart_and_nowhere_else() -> None:
    surface, upper = lips()
    found = gaps(surface, torch.arange(len(surface)))
    beside = surface.points[:, 1].abs() < 1.5 * STEP_M
    away = surface.points[:, 1].abs() > 3.5 * STEP_M
    assert not found[away].any()
    torch.testing.assert_close(found[beside & upper, 1], torch.full((24,), -2 * STEP_M))
    torch.testing.assert_close(found[beside & ~upper, 1], torch.full((24,), 2 * STEP_M))


def test_disks_end_before_the_gap_and_stay_as_long_beside_it() -> None:
    surface, _ = lips()
    recipe = RECIPES["portrait"]
    gaussians, rows, spacing = place_on_surface(surface, recipe)
    shapes = rotation_matrices(gaussians.quats) * gaussians.log_scales.exp()[:, None]
    along, across = shapes[:, 0].norm(dim=1) / spacing, shapes[:, 1].norm(dim=1) / spacing
    beside = surface.points[rows, 1].abs() < 1.5 * STEP_M
    assert float((across[beside] * spacing[beside]).max()) < 0.9 * STEP_M  # half of what lies between the edges
    assert float(along[beside].min()) > 0.85 * recipe.initial_extent
    assert float(across[~beside & (surface.points[rows, 1].abs() > 3.5 * STEP_M)].min()) > 0.85 * recipe.initial_extent


def mouth() -> tuple[Gaussians, Tensor, Tensor]:
    """The sheet as Gaussians with something white behind it; what is behind, and what the mode does."""
    surface, _ = lips()
    points = torch.cat([surface.points, surface.points - torch.tensor([0.0, 0.0, 0.01])])
    count = len(points)
    behind = torch.arange(count) >= len(surface)
    sh = torch.where(behind, 0.9, 0.4)[:, None, None].expand(-1, 1, 3)
    gaussians = Gaussians(
        points, torch.tensor([[1.0, 0, 0, 0]]).repeat(count, 1), torch.full((count, 3), math.log(0.6 * STEP_M)),
        torch.full((count,), 4.0), ((sh - 0.5) / SH_C0).contiguous(),
    )  # fmt: skip
    return gaussians, behind, torch.cat([surface.modes[0], torch.zeros(len(surface), 3)])


def test_skin_across_an_open_mouth_costs_and_is_narrowed() -> None:
    gaussians, behind, mode = mouth()
    draws = CpuRasterizer()
    jaw = AU_INDEX["AU26"]
    looks = openings(
        gaussians, behind, ~behind, torch.zeros_like(behind), lambda au, said: au[:, jaw : jaw + 1] / 5.0,
        lambda weights: weights[:, :, None] * mode, draws,
    )  # fmt: skip
    rest, wide = looks[0], next(look for look in looks if float(look.weights[0, 0]) == 1.0)
    assert float(rest.shown.mean()) < 0.05 < 0.1 < float(wide.shown.mean())

    def moved(log_scales: Tensor) -> Gaussians:
        return gaussians.replace(means=gaussians.means + mode, log_scales=log_scales)

    assert float(parting_loss(moved(gaussians.log_scales), behind, wide, draws)) < 1e-3
    hanging = gaussians.log_scales.clone()
    edge = ~behind & (gaussians.means[:, 1] > 0) & (gaussians.means[:, 1] < 1.5 * STEP_M)
    hanging[edge, 1] = math.log(4 * STEP_M)
    hanging.requires_grad_()
    loss = parting_loss(moved(hanging), behind, wide, draws)
    assert float(loss.detach()) > 0.1
    loss.backward()  # type: ignore[no-untyped-call]
    assert hanging.grad is not None
    assert float(hanging.grad[edge, 1].min()) > 0


def test_a_smear_beside_the_lips_costs_and_what_the_mouth_shows_does_not() -> None:
    gaussians, behind, mode = mouth()
    draws, lips_too = CpuRasterizer(), ~behind & (gaussians.means[:, 1].abs() < 3.5 * STEP_M)
    look = openings(
        gaussians, behind, lips_too, torch.zeros_like(behind), lambda au, said: torch.zeros(1, 1),
        lambda weights: weights[:, :, None] * mode, draws,
    )[0]  # fmt: skip

    def cost(which: Tensor) -> float:
        sh = gaussians.sh.clone()
        sh[which] += 1.0
        return float(smear_loss(gaussians.replace(sh=sh), look, draws))

    cheek = ~behind & (gaussians.means[:, 1] > 5.5 * STEP_M)
    assert cost(behind) < 0.01
    assert cost(lips_too) < 0.3 * cost(cheek)
    assert cost(cheek) > 0.02


def test_marks_are_white_on_black() -> None:
    gaussians, behind, _ = mouth()
    colours = 0.5 + SH_C0 * marked(gaussians, behind).sh[:, 0]
    torch.testing.assert_close(colours, behind.float()[:, None].expand(-1, 3))


def test_expressions_are_named() -> None:
    au, said = controls_of({"AU25": 4.0, "jaw_open": 0.5})
    assert float(au.sum()) == float(au[0, AU_INDEX["AU25"]]) == 4.0
    assert float(said.sum()) == float(said[0, ARTICULATORS.index("jaw_open")]) == 0.5


def test_teeth_are_as_bright_as_they_are_seen() -> None:
    hers = np.full((50, 3), 0.8)
    seen = np.concatenate([np.full((60, 3), [0.6, 0.55, 0.5]), np.full((60, 3), [0.5, 0.2, 0.2])])  # teeth, lips
    np.testing.assert_allclose(lit(hers, seen, 0.9)[0], [0.6, 0.55, 0.5], atol=0.01)
    np.testing.assert_allclose(lit(hers, seen[:10], 0.9), 0.72)
    assert lit(hers, seen, 0.9).std(0) == pytest.approx(0.0)
