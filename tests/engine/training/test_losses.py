"""Every loss term: its value, its gradient, and what it ignores."""

import pytest
import torch
from torch import Tensor

from studio.engine.metrics import Box, ssim
from studio.engine.training.losses import (
    Evidence,
    LossWeights,
    image_loss,
    judge_terms,
    motion_loss,
    patch_penalty,
    scale_penalty,
)


def test_image_terms_weigh_as_documented() -> None:
    torch.manual_seed(0)
    x, y = torch.rand(24, 24, 3), torch.rand(24, 24, 3)
    box = Box(4, 6, 14, 12)
    terms = image_loss(x, y, box, LossWeights(l1=0.8, ssim=0.2, mouth=0.4))
    assert float(terms["l1"]) == pytest.approx(0.8 * float((x - y).abs().mean()))
    assert float(terms["ssim"]) == pytest.approx(0.2 * (1 - ssim(x, y)), abs=1e-5)
    assert float(terms["mouth"]) == pytest.approx(0.4 * float((x - y)[6:12, 4:14].abs().mean()))
    assert "mouth" not in image_loss(x, y, None, LossWeights())
    assert set(image_loss(x, y, box, LossWeights(ssim=0, mouth=0))) == {"l1"}


def test_motion_loss_is_zero_at_the_truth_and_grows_with_distance() -> None:
    truth = torch.randn(2, 5, 3, dtype=torch.float64)
    assert float(motion_loss(truth, truth, 1e-3)) == pytest.approx(0.0)
    near = float(motion_loss(truth + 1e-4, truth, 1e-3))
    far = float(motion_loss(truth + 1e-3, truth, 1e-3))
    assert 0 < near < far
    moved = torch.randn(2, 5, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda m: motion_loss(m, truth, 0.1), (moved,))


def test_scale_penalty_spares_ordinary_gaussians() -> None:
    cap = torch.tensor([[0.01]]).log()
    fine = torch.tensor([[0.002, 0.004, 0.005]]).log()
    blanket = torch.tensor([[0.03, 0.03, 0.03]]).log()
    needle = torch.tensor([[1e-4, 1e-4, 8e-3]]).log()
    assert float(scale_penalty(fine, cap)) == 0.0
    assert float(scale_penalty(blanket, cap)) > 0.0
    assert float(scale_penalty(needle, cap)) > 0.0


def test_a_patch_that_the_camera_hardly_faces_takes_the_colour_around_it() -> None:
    near = torch.tensor([[1, 2], [0, 2], [0, 1], [4, 5], [3, 5], [3, 4]])
    aside = torch.tensor([1.0, 1.0, 1.0, 0.0, 0.0, 0.0])
    even = torch.full((6, 3), 0.4)
    assert float(patch_penalty(even, near, aside)) == pytest.approx(0.0, abs=1e-6)
    spotted = even.clone()
    spotted[3] = 2.0  # faced: a freckle that pictures show
    assert float(patch_penalty(spotted, near, aside)) == pytest.approx(0.0, abs=1e-6)
    spotted[0] = 2.0
    spotted.requires_grad_()
    cost = patch_penalty(spotted, near, aside)
    cost.backward()  # type: ignore[no-untyped-call]
    assert spotted.grad is not None
    assert (spotted.grad[0] > 0).all()
    assert (spotted.grad[1:3] < 0).all()
    twice = even.clone()
    twice[0] = 3.6
    assert float(patch_penalty(twice, near, aside)) < 2.2 * float(cost.detach())  # pictures that insist are not outbid


class BrightnessJudge:
    """A judge small enough to check by hand: the mouth's mean brightness must agree."""

    name = "brightness"
    weight = 0.05

    def loss(self, picture: Tensor, truth: Tensor, evidence: Evidence) -> Tensor:
        box = evidence.mouth
        assert box is not None
        rows, columns = slice(box.top, box.bottom), slice(box.left, box.right)
        return (picture[rows, columns].mean() - truth[rows, columns].mean()).abs()


def test_a_judge_adds_its_weighted_term_and_its_gradient() -> None:
    picture = torch.full((12, 12, 3), 0.75, requires_grad=True)
    truth = torch.full((12, 12, 3), 0.25)
    evidence = Evidence(au=torch.zeros(8, 17), speech=torch.zeros(8, 10), mouth=Box(2, 2, 6, 6), image=0)
    terms = judge_terms((BrightnessJudge(),), picture, truth, evidence)
    assert float(terms["brightness"].detach()) == pytest.approx(0.05 * 0.5)
    terms["brightness"].backward()
    assert picture.grad is not None
    assert float(picture.grad[3, 3].sum()) > 0
    assert float(picture.grad[8, 8].abs().sum()) == 0
    assert judge_terms((), picture, truth, evidence) == {}
