"""Steps of training: what each of them changes, and what it leaves alone."""

import pytest
import torch

from studio.engine.deform.deformer import Deltas
from studio.engine.splat.choose import choose_rasterizer
from studio.engine.training.capture import Capture
from studio.engine.training.capture_files import load_capture
from studio.engine.training.learner import Learner
from studio.engine.training.recipes import RECIPES
from studio.engine.training.steps import Steps, shape
from tests.engine.training.toy import write_toy_capture


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Capture:
    return load_capture(
        write_toy_capture(tmp_path_factory.mktemp("capture") / "egg", frames=20, images=4, size_px=32, points=300)
    )


def make(capture: Capture) -> tuple[Learner, Steps]:
    assert capture.surface is not None
    recipe = RECIPES["quick"]
    learner = Learner(capture.surface, recipe, torch.device("cpu"))
    learner.set_rates("fine", 0.0, 0.2)
    return learner, Steps(capture, recipe, learner, choose_rasterizer("cpu", differentiable=True))


def test_a_fine_step_teaches_the_deformer_only_if_told(capture: Capture) -> None:
    learner, steps = make(capture)
    random = torch.Generator().manual_seed(0)
    with torch.no_grad():  # a deformer that moves something already, as after the geometry stage
        learner.deformer.head_out.weight.normal_(generator=random)
    before = {name: value.clone() for name, value in learner.tensors().items()}
    drawn = steps.fine(0, (32, 32), torch.Generator().manual_seed(1), teach=False)
    after = learner.tensors()
    assert all(torch.equal(after[name], value) for name, value in before.items() if name.startswith("deformer."))
    assert not torch.equal(after["gaussians.means"], before["gaussians.means"])
    assert not any(name.startswith("adam.deformer") for name in after)
    taught = make(capture)
    with torch.no_grad():
        taught[0].deformer.head_out.weight.copy_(before["deformer.head_out.weight"])
    same = taught[1].fine(0, (32, 32), torch.Generator().manual_seed(1), teach=True)
    assert drawn.squared_error == pytest.approx(same.squared_error), "both draw through the deformer"
    assert not torch.equal(taught[0].deformer.head_out.weight, before["deformer.head_out.weight"])


def test_offsets_fall_on_the_chosen_gaussians_alone(capture: Capture) -> None:
    learner, _ = make(capture)
    index = torch.tensor([4, 1, 250])
    torch.manual_seed(0)
    deltas = Deltas(
        torch.randn(1, 3, 3), torch.randn(1, 3, 3), torch.randn(1, 3, 4), torch.randn(1, 3), torch.randn(1, 3, 3)
    )
    plain = learner.gaussians
    shaped = shape(plain, deltas, index)
    chosen = deltas.apply(plain.select(index))
    names = ("means", "quats", "log_scales", "opacity_logits", "sh")
    for name in names:
        assert torch.allclose(getattr(shaped, name)[index], getattr(chosen, name), atol=1e-6)
    others = torch.ones(len(plain), dtype=torch.bool)
    others[index] = False
    for name in names:
        assert torch.equal(getattr(shaped, name)[others], getattr(plain, name)[others])
