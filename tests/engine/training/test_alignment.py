"""Corrections of tracked poses, what a clip has seen, and heads that stay whole from the side."""

import math
from dataclasses import fields, replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from studio.document.action_units import AU_INDEX, AU_KEYS
from studio.engine.avatar import AvatarInfo
from studio.engine.gaussians import Gaussians
from studio.engine.rig import Rig
from studio.engine.splat.cpu import CpuRasterizer
from studio.engine.training.alignment import Alignment, moved
from studio.engine.training.seen import AT_REST, HELD_FRAMES, seen_shares
from studio.engine.training.solid import hole_loss, outlines


def cloud(count: int = 40) -> tuple[Gaussians, Rig]:
    random = torch.Generator().manual_seed(1)
    means = (torch.rand(count, 3, generator=random) - 0.5) * 0.15
    weights = torch.zeros(count, 4)
    weights[:, 1] = torch.rand(count, generator=random).round()
    weights[:, 0] = 1 - weights[:, 1]
    pivots = torch.tensor([[0.0, 0, 0], [0.0, -0.08, -0.06], [0.03, 0, 0], [-0.03, 0, 0]])
    gaussians = Gaussians(
        means, torch.tensor([[1.0, 0, 0, 0]]).repeat(count, 1), torch.full((count, 3), -5.0), torch.zeros(count),
        torch.zeros(count, 1, 3),
    )  # fmt: skip
    return gaussians, Rig(weights, pivots)


def test_the_head_turns_about_the_neck_and_the_body_only_shifts() -> None:
    gaussians, rig = cloud()
    turn, shift = torch.tensor([0.006, -0.008, 0.004]), torch.tensor([0.001, -0.002, 0.0015])
    drawn = moved(gaussians, torch.cat([turn, torch.zeros(3), shift]), rig).means - gaussians.means - shift
    head = rig.weights[:, 1] > 0.5
    assert drawn[~head].abs().max() < 1e-7
    whole = torch.linalg.matrix_exp(
        torch.tensor([[0, -turn[2], turn[1]], [turn[2], 0, -turn[0]], [-turn[1], turn[0], 0]])
    )
    arm = gaussians.means - rig.pivots[1]
    assert (drawn - (arm @ whole.T - arm))[head].abs().max() < 2e-5  # turns are taken as small
    assert drawn[head].abs().max() > 2e-4


def test_nothing_learned_corrects_nothing() -> None:
    gaussians, rig = cloud()
    alignment = Alignment(5)
    known = torch.arange(4)
    assert torch.equal(moved(gaussians, alignment.of(2, known).detach(), rig).means, gaussians.means)
    assert float(alignment.penalty(2, known).detach()) == 0


def test_a_common_drift_is_no_correction() -> None:
    alignment = Alignment(5)
    with torch.no_grad():
        alignment.table.weight[:4] = 3.0
    assert float(alignment.of(1, torch.arange(4)).detach().abs().max()) == pytest.approx(0, abs=1e-7)


def test_a_lone_correction_costs_more_than_a_lasting_one() -> None:
    lone, lasting, known = Alignment(5), Alignment(5), torch.arange(5)
    with torch.no_grad():
        lone.table.weight[2] = 1.0
        lasting.table.weight[:] = 1.0
    assert float(lone.penalty(2, known).detach()) > 5 * float(lasting.penalty(2, known).detach())


@given(peak=st.floats(0.0, 5.0), frames=st.integers(0, 60))
def test_what_is_seen_grows_with_what_is_shown(peak: float, frames: int) -> None:
    au = torch.zeros(100, len(AU_KEYS))
    au[:frames, AU_INDEX["AU12"]] = peak
    share = seen_shares(au, torch.ones(100, dtype=torch.bool))["AU12"]
    wanted = (peak - AT_REST) / (5 - AT_REST) if frames >= HELD_FRAMES else 0.0
    assert share == pytest.approx(min(max(wanted, 0), 1), abs=1e-3)


def test_pictures_that_were_left_out_show_nothing() -> None:
    au, used = torch.full((50, len(AU_KEYS)), 5.0), torch.zeros(50, dtype=torch.bool)
    assert set(seen_shares(au, used).values()) == {0.0}


def test_an_avatar_that_says_nothing_has_seen_all() -> None:
    info = AvatarInfo("a", "studio", AU_KEYS, "x/1", 1, 0.2, (0.0, 0.0, 0.0), "", "")
    assert info.seen_share("AU1") == 1.0
    assert replace(info, extra={"seen": {"AU1": 0.25, "AU2": "?"}}).seen_share("AU1") == 0.25
    assert replace(info, extra={"seen": {"AU1": 7.0}}).seen_share("AU1") == 1.0
    assert replace(info, extra={"seen": {"AU2": "?"}}).seen_share("AU2") == 1.0


def test_a_hole_seen_from_the_side_costs_and_is_pulled_shut() -> None:
    k = torch.arange(900) + 0.5
    polar, turn = torch.acos(1 - 2 * k / 900), math.pi * (1 + 5**0.5) * k
    means = 0.09 * torch.stack([turn.cos() * polar.sin(), polar.cos(), turn.sin() * polar.sin()], 1)
    ball = Gaussians(
        means, torch.tensor([[1.0, 0, 0, 0]]).repeat(900, 1), torch.full((900, 3), math.log(0.006)),
        torch.full((900,), 4.0), torch.zeros(900, 1, 3),
    )  # fmt: skip
    draws = CpuRasterizer()
    looks = outlines(ball, means / 0.09, draws, 0.2, (0.0, 0.0, 0.0))
    whole = hole_loss(ball, looks[0], draws)
    logits = ball.opacity_logits.clone()
    logits[means[:, 0] < -0.03] = -3.0
    logits.requires_grad_()
    hole = hole_loss(ball.replace(opacity_logits=logits), looks[0], draws)
    assert float(whole) < 0.02
    assert float(hole.detach()) > 5 * float(whole)
    hole.backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert float(logits.grad[means[:, 0] < -0.03].sum()) < 0


def test_a_blot_costs_even_where_the_clip_looks() -> None:
    steps = torch.linspace(-0.08, 0.08, 33)
    means = torch.cat([torch.cartesian_prod(steps, steps), torch.zeros(33 * 33, 1)], 1)
    count = len(means)
    sheet = Gaussians(
        means, torch.tensor([[1.0, 0, 0, 0]]).repeat(count, 1), torch.full((count, 3), math.log(0.004)),
        torch.full((count,), 4.0), torch.ones(count, 1, 3),
    )  # fmt: skip
    draws = CpuRasterizer()
    front = torch.tensor([[0.0, 0.0, 1.0]]).expand(count, 3)  # the clip's camera sees all of it
    look = outlines(sheet, front, draws, 0.2, (0.0, 0.0, 0.0))[2]

    def cost(dark: torch.Tensor) -> float:
        sh = sheet.sh.clone()
        sh[dark] = -1.5
        return float(hole_loss(sheet.replace(sh=sh), look, draws))

    blot = means[:, :2].norm(dim=1) < 0.03
    plain = cost(torch.zeros(count, dtype=torch.bool))
    assert plain < 0.02
    assert cost(blot) > plain + 0.02


def test_a_spike_seen_from_the_side_costs() -> None:
    one = torch.tensor([[1.0, 0, 0, 0]])
    ball = Gaussians(torch.zeros(1, 3), one, torch.full((1, 3), -3.5), torch.full((1,), 6.0), torch.zeros(1, 1, 3))
    draws = CpuRasterizer()
    look = outlines(ball, torch.tensor([[0.0, 0.0, 1.0]]), draws, 0.2, (0.0, 0.0, 0.0))[0]
    behind = ball.replace(means=torch.tensor([[0.0, 0.0, -0.15]]))  # hidden by the ball where the clip looks from
    both = Gaussians(*(torch.cat([getattr(g, f.name) for g in (ball, behind)]) for f in fields(Gaussians)))
    assert float(hole_loss(both, look, draws)) > float(hole_loss(ball, look, draws)) + 0.3
