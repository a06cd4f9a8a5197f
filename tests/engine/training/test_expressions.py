"""What training shows beside the performance: held expressions with their true motion, and a detector's jitter."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from studio.document.action_units import MAX_INTENSITY
from studio.engine.performer.mapping import MODES, mode_weights
from studio.engine.performer.trials import detected
from studio.engine.training.capture import Capture
from studio.engine.training.capture_files import load_capture
from studio.engine.training.jitter import jittered
from studio.engine.training.learner import Learner
from studio.engine.training.poses import HeldPoses
from studio.engine.training.recipes import RECIPES, Recipe
from studio.engine.training.steps import Steps
from tests.engine.training.toy import write_toy_capture


@pytest.fixture(scope="module")
def egg(tmp_path_factory: pytest.TempPathFactory) -> Capture:
    """A capture that moves by a law of its own."""
    return load_capture(write_toy_capture(tmp_path_factory.mktemp("capture") / "egg", images=4, size_px=32, points=300))


@pytest.fixture(scope="module")
def performed(egg: Capture) -> Capture:
    """The same controls, but a surface that moves by the performer's law."""
    assert egg.surface is not None
    assert egg.articulators is not None
    weights = torch.from_numpy(mode_weights(egg.au.numpy(), egg.articulators.numpy())).float()
    random = torch.Generator().manual_seed(0)
    centres, ways = (torch.randn(len(MODES), 1, 3, generator=random) for _ in range(2))
    far = (egg.surface.points - 0.08 * torch.nn.functional.normalize(centres, dim=2)).square().sum(2, keepdim=True)
    modes = 3e-3 * ways * (-far / 0.05**2).exp()
    return replace(egg, surface=replace(egg.surface, modes=modes, mode_weights=weights, mode_names=MODES))


def test_jitter_is_that_of_the_performers_detector() -> None:
    clean = np.full((6000, 5), 2.5)
    stretches = torch.full((750, 8, 5), 2.5)
    rng, random = np.random.default_rng(0), torch.Generator().manual_seed(0)
    theirs = torch.from_numpy(detected(clean, 25, rng)).float().view(750, 8, 5)
    ours = jittered(stretches, torch.ones(750, 1, 1), random)
    for measure in (
        lambda w: w.std(),
        lambda w: (w[:, 2:] - 2 * w[:, 1:-1] + w[:, :-2]).square().mean().sqrt(),
        lambda w: ((w - 2.5).abs() > 1.2).float().mean() * 10,
    ):
        assert float(measure(ours)) == pytest.approx(float(measure(theirs)), rel=0.12)
    assert torch.equal(jittered(stretches, torch.zeros(750, 1, 1), random), stretches)
    edge = jittered(torch.tensor([0.0, 5.0]).expand(50, 8, 2), torch.ones(50, 1, 1), random)
    assert float(edge.min()) >= 0
    assert float(edge.max()) <= MAX_INTENSITY


def test_held_expressions_move_by_the_performers_law(egg: Capture, performed: Capture) -> None:
    assert not HeldPoses(egg).known, "a fitted law would teach its own errors"
    poses = HeldPoses(performed)
    assert poses.known
    au, said, weights = poses.draw(400, torch.Generator().manual_seed(1))
    assert au.shape == (400, 8, 17)
    assert said.shape == (400, 8, 10)
    assert torch.equal(au, au[:, :1].expand(-1, 8, -1)), "held"
    expected = mode_weights(au[:, 0].double().numpy(), said[:, 0].double().numpy())
    assert np.allclose(weights.numpy(), expected, atol=1e-5)
    shown = (au[:, 0] > 0).sum(1)
    assert int(shown.max()) == 3
    assert 0.6 < float((shown == 1).float().mean()) < 0.8
    assert 0.75 < float((said.abs().sum((1, 2)) == 0).float().mean()) < 0.95
    assert bool((au.amax((0, 1)) > 2).all()), "every unit comes"


def test_expressions_that_are_rare_in_the_performance_are_learned(performed: Capture) -> None:
    recipe = replace(RECIPES["quick"], geometry_iterations=120, geometry_points=96)
    errors = {}
    for share in (0.0, 0.25):
        learner = _taught(performed, replace(recipe, held_share=share))
        au, said, weights = HeldPoses(performed).draw(64, torch.Generator().manual_seed(9))
        with torch.no_grad():
            shown = learner.deformer(
                learner.parameters["means"], learner.zones, au, said, torch.zeros(64, 5), None
            ).means
            errors[share] = float((shown - learner.mixed(weights)).norm() / learner.mixed(weights).norm())
    assert errors[0.25] < errors[0.0] - 0.04


def test_the_filter_learns_from_intensities_and_rests_with_pictures(performed: Capture) -> None:
    learner = _taught(performed, replace(RECIPES["quick"], geometry_points=32))
    deformer = learner.deformer
    frames = torch.arange(len(performed.au))
    clean = performed.au_windows(frames)
    noisy = jittered(clean, torch.ones(len(clean), 1, 1), torch.Generator().manual_seed(4))
    at = noisy[:, 4] - clean[:, 4]
    with torch.no_grad():
        wrong = deformer.intensities(noisy) * MAX_INTENSITY - clean[:, 4]
    assert float(wrong.square().mean()) < 0.8 * float(at.square().mean())
    learner.set_rates("fine", 0.0, 0.2)
    rates = {str(group["name"]): group["lr"] for group in learner.deformer_optimizer.param_groups}
    assert {rate for name, rate in rates.items() if name.startswith("au_encoder.")} == {0.0}
    assert rates["head_in.weight"] > 0


@pytest.mark.parametrize("without", [("au",), ("citae",)])
def test_without_a_filter_there_is_nothing_to_teach_it(without: tuple[str, ...], egg: Capture) -> None:
    _taught(egg, replace(RECIPES["quick"], geometry_iterations=2, without=without))


def _taught(capture: Capture, recipe: Recipe) -> Learner:
    """A learner after its geometry stage."""
    assert capture.surface is not None
    learner = Learner(capture.surface, recipe, torch.device("cpu"))
    steps = Steps(capture, recipe, learner, None)  # type: ignore[arg-type]
    random = torch.Generator()
    for i in range(recipe.geometry_iterations):
        random.manual_seed(i)
        learner.set_rates("geometry", i / recipe.geometry_iterations, capture.info.head_height_m)
        steps.geometry(random)
    return learner
