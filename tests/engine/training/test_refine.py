"""A trained avatar is refined: Gaussians move to where pictures err, and the face moves as before."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.engine.avatar import Avatar, load_avatar
from studio.engine.evaluate import evaluate
from studio.engine.gaussians import Gaussians
from studio.engine.metrics import ssim
from studio.engine.training.capture import Capture
from studio.engine.training.capture_files import load_capture
from studio.engine.training.refine import Refinement, Refiner, main
from studio.engine.training.relocation import Tally, dissimilarity, plan_relocation
from studio.engine.training.trainer import train
from studio.errors import StudioError
from tests.engine.training.test_density import random_gaussians
from tests.engine.training.toy import TINY, write_toy_capture

SHORT = Refinement(colour=5e-3, steps=40, count=420, rounds=2, share=0.1, unseen_px=1e9, looked_at=5)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_toy_capture(tmp_path_factory.mktemp("refine") / "egg", images=24, size_px=48, points=300, sound=False)


@pytest.fixture(scope="module")
def capture(folder: Path) -> Capture:
    return load_capture(folder)


@pytest.fixture(scope="module")
def trained(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(folder, tmp_path_factory.mktemp("refine") / "egg.safetensors", TINY, judged=False)


@settings(max_examples=40, deadline=None)
@given(
    count=st.integers(1, 50),
    seed=st.integers(0, 500),
    more=st.integers(0, 30),
    share=st.floats(0.0, 1.0),
    unseen=st.floats(0.0, 2.0),
)
def test_a_relocation_keeps_its_promises(count: int, seed: int, more: int, share: float, unseen: float) -> None:
    gaussians, random = random_gaussians(count, seed), torch.Generator().manual_seed(seed)
    tally = Tally(torch.rand(count, generator=random) * 2, torch.rand(count, generator=random))
    plan = plan_relocation(gaussians, tally, count + more, share, unseen)
    size, halves = len(plan.parents), int(plan.fresh.sum())
    assert size <= count + more
    assert plan.gone <= round(share * count)
    gone = torch.ones(count, dtype=torch.bool)
    gone[plan.parents] = False
    assert int(gone.sum()) == plan.gone
    assert bool((tally.most[gone] < unseen).all())
    assert size == count - plan.gone + halves // 2
    old = plan.parents[~plan.fresh]
    assert torch.equal(old, old.unique())
    assert not bool(plan.offsets[~plan.fresh].any() or plan.log_shrink[~plan.fresh].any())
    first, second = plan.offsets[plan.fresh].chunk(2) if halves else (plan.offsets[:0], plan.offsets[:0])
    assert torch.equal(first, -second)
    assert bool(((plan.log_shrink[plan.fresh] > 0).sum(1) == 1).all())


def test_the_greatest_error_is_split_and_slim_ones_are_cut_across() -> None:
    gaussians = Gaussians(
        torch.zeros(3, 3),
        torch.tensor([[1.0, 0, 0, 0]]).repeat(3, 1),
        torch.tensor([[9e-3, 1e-3, 1e-4], [3e-3, 1e-3, 1e-4], [1e-3, 1e-4, 1e-4]]).log(),
        torch.zeros(3),
        torch.zeros(3, 1, 3),
    )
    tally = Tally(torch.ones(3), torch.tensor([2.0, 3.0, 9.0]))
    plan = plan_relocation(gaussians, tally, 5, 0.0, 1.0)
    assert plan.parents.tolist() == [2, 0, 1, 0, 1], "the third errs most, but is as narrow as can be"
    assert plan.offsets[1, 0] == pytest.approx(0.6 * 9e-3)
    assert plan.offsets[2, 1] == pytest.approx(0.6 * 1e-3)
    assert plan.log_shrink[1, 0] == pytest.approx(-math.log(0.65))


def test_the_map_of_dissimilarity_is_that_of_ssim() -> None:
    random = torch.Generator().manual_seed(1)
    one, other = torch.rand(2, 30, 24, 3, generator=random)
    wrong = dissimilarity(one, other)
    assert wrong.shape == (30, 24)
    assert float(wrong[5:-5, 5:-5].mean()) == pytest.approx(1 - ssim(one, other), abs=1e-5)
    assert not bool(wrong[:5].any())
    assert float(dissimilarity(one, one).abs().max()) < 1e-5


def test_a_look_counts_the_pixels_that_each_gaussian_is(trained: Path, capture: Capture) -> None:
    refiner = Refiner(load_avatar(trained), capture, SHORT)
    found = refiner._look(refiner._still(), 0)
    covered = float(refiner._draw(refiner._still(), 0).alpha.sum())
    assert found.shape == (len(refiner._zones), 2)
    assert float(found[:, 0].sum()) == pytest.approx(covered, rel=1e-3)
    assert bool((found[:, 1] <= 2 * found[:, 0] + 1e-4).all())


@pytest.mark.timeout(600)
def test_refining_brings_pictures_nearer_and_leaves_the_motion(trained: Path, capture: Capture) -> None:
    before = load_avatar(trained)
    kept = before.gaussians.means.clone()
    steps: list[tuple[int, int]] = []
    after = Refiner(before, capture, SHORT).run(lambda done, of: steps.append((done, of)))
    assert steps[-1] == (40, 40)
    assert len(after.gaussians) == len(after.zones) == after.deformer.count == 420
    assert torch.equal(before.gaussians.means, kept)
    assert before.deformer.count == len(kept)

    def seen(avatar: Avatar) -> tuple[float, float]:
        found = evaluate(avatar, capture, split="train", speech="truth", backend="cpu")
        return float(found["ssim"]), float(found["psnr_db"])

    was, now = seen(before), seen(after)
    assert now[0] > was[0] + 0.005
    assert now[1] > was[1]
    for name, value in before.deformer.state_dict().items():
        if name not in ("residual", "moving"):
            assert torch.equal(value, after.deformer.state_dict()[name]), name


def test_the_command_makes_the_same_file_twice_and_says_what_was_done(
    trained: Path, folder: Path, tmp_path: Path
) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        main([str(trained), str(folder), "-o", str(tmp_path / name / "egg.safetensors"), "--steps", "3"])
    one, other = (load_avatar(tmp_path / name / "egg.safetensors") for name in ("a", "b"))
    assert torch.equal(one.gaussians.means, other.gaussians.means)
    assert torch.equal(one.gaussians.sh, other.gaussians.sh)
    assert one.info.name == "egg"
    assert one.info.training["refined"]["steps"] == 3
    assert one.info.training["psnr_db"] > 10


def test_a_capture_of_a_real_person_is_refused(
    trained: Path, capture: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.engine.training.refine.load_capture", lambda _: replace(capture, surface=None))
    with pytest.raises(StudioError, match="real person"):
        main([str(trained), "clip", "-o", "x.safetensors"])
