"""ST-LPIPS: a distance that tells pictures apart, and equals the published network's."""

import pytest
import torch
from torch import Tensor

from studio.engine.measures import perceptual
from studio.engine.measures.perceptual import PerceptualDistance, PerceptualJudge, perceptual_weights
from studio.engine.metrics import Box
from studio.engine.training.losses import Evidence
from studio.errors import StudioError

_SHAPES = {
    "slice1.0": (64, 3, 11), "slice2.5": (192, 64, 5), "slice3.9": (384, 192, 3), "slice4.11": (256, 384, 3),
    "slice5.13": (256, 256, 3),
}  # fmt: skip


@pytest.fixture(scope="module")
def untrained() -> PerceptualDistance:
    """The network with weights drawn at random: its laws need no training."""
    random = torch.Generator().manual_seed(4)
    weights: dict[str, Tensor] = {
        "scaling_layer.shift": torch.zeros(1, 3, 1, 1),
        "scaling_layer.scale": torch.ones(1, 3, 1, 1),
    }
    for k, (name, (out, into, edge)) in enumerate(_SHAPES.items()):
        size = (out, into, edge, edge)
        weights[f"net.{name}.weight"] = torch.randn(size, generator=random) / (into * edge * edge) ** 0.5
        weights[f"net.{name}.bias"] = torch.zeros(out)
        weights[f"lin{k}.model.1.weight"] = torch.rand((1, out, 1, 1), generator=random)
    return PerceptualDistance(weights)


def stripes(height: int = 64, width: int = 64, shift: int = 0) -> Tensor:
    rows = (torch.arange(height) + shift)[:, None, None]
    columns = torch.arange(width)[None, :, None]
    return 0.5 + 0.4 * torch.sin(rows * torch.tensor([0.3, 0.2, 0.5]) + columns * torch.tensor([0.1, 0.4, 0.2]))


def between(network: PerceptualDistance, a: Tensor, b: Tensor) -> float:
    return float(network.between(network.measured(a), network.measured(b)))


def test_a_picture_is_at_no_distance_from_itself_and_noise_grows(untrained: PerceptualDistance) -> None:
    picture = stripes()
    random = torch.Generator().manual_seed(0)
    noise = torch.randn(picture.shape, generator=random)
    little, much = (between(untrained, picture, (picture + s * noise).clamp(0, 1)) for s in (0.05, 0.2))
    assert between(untrained, picture, picture) == 0.0
    assert 0 < little < much


def test_large_pictures_are_measured_small(untrained: PerceptualDistance) -> None:
    large = stripes(640, 512)
    assert untrained.measured(large)[0].shape[2:] == untrained.measured(stripes(256, 205))[0].shape[2:]


def test_as_a_judge_it_looks_at_the_mouth_alone_and_gives_gradients(untrained: PerceptualDistance) -> None:
    judge = PerceptualJudge(untrained)
    truth, picture = stripes(), stripes(shift=3).requires_grad_()
    evidence = Evidence(torch.zeros(8, 17), torch.zeros(8, 10), Box(10, 30, 50, 60), 0)
    loss = judge.loss(picture, truth, evidence)
    loss.backward()
    assert float(loss.detach()) > 0
    assert picture.grad is not None
    seen = picture.grad.abs().sum(2) > 0
    assert bool(seen[30:60, 10:50].any())
    seen[30:60, 10:50] = False
    assert not bool(seen.any())
    assert float(judge.loss(truth, truth, evidence)) == 0.0
    blind = Evidence(evidence.au, evidence.speech, None, 0)
    assert float(judge.loss(picture, truth, blind).detach()) == 0.0


def test_other_weights_are_refused(untrained: PerceptualDistance, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StudioError, match=r"lack 'net.slice1.0.weight'"):
        PerceptualDistance({})
    monkeypatch.setattr(perceptual, "PACKAGE", "no_such_package")
    with pytest.raises(StudioError, match=r"emozone-studio\[research\]"):
        PerceptualDistance.installed()


@pytest.fixture
def published() -> PerceptualDistance:
    if perceptual_weights() is None:
        pytest.skip("stlpips-pytorch is not installed")
    return PerceptualDistance.installed()


def test_it_equals_the_published_network(published: PerceptualDistance) -> None:
    """What stlpips_pytorch.stlpips.LPIPS(net="alex", variant="shift_tolerant") returned for the same two pictures."""
    random = torch.Generator().manual_seed(0)
    first = torch.rand(1, 3, 96, 80, generator=random)
    second = (first + 0.2 * torch.randn(1, 3, 96, 80, generator=random)).clamp(0, 1)
    features = [published.features(each[0].permute(1, 2, 0)) for each in (first, second)]
    assert float(published.between(*features)) == pytest.approx(0.0089867, rel=1e-3)
