"""A trained avatar is refined: Gaussians move to where pictures err, and the face moves as before."""

import math
from collections.abc import Callable
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
from studio.engine.training.checkpoint import checkpoint_path
from studio.engine.training.progress import Progress, TrainingStopped
from studio.engine.training.refine import refine
from studio.engine.training.refiner import Refinement, Refiner
from studio.engine.training.relocation import Tally, dissimilarity, plan_relocation
from studio.engine.training.trainer import train
from studio.errors import StudioError
from tests.engine.training.test_density import random_gaussians
from tests.engine.training.toy import TINY, write_toy_capture

SHORT = Refinement(colour=5e-3, steps=40, average=5, count=420, rounds=2, share=0.1, unseen_px=1e9, looked_at=5)


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
    refiner = Refiner(load_avatar(trained), [capture], SHORT)
    found = refiner._look(refiner._still(), (0, 0))
    covered = float(refiner._draw(refiner._still(), (0, 0)).alpha.sum())
    assert found.shape == (len(refiner._zones), 2)
    assert float(found[:, 0].sum()) == pytest.approx(covered, rel=1e-3)
    assert bool((found[:, 1] <= 2 * found[:, 0] + 1e-4).all())


@pytest.mark.timeout(600)
def test_refining_brings_pictures_nearer_and_leaves_the_motion(trained: Path, capture: Capture) -> None:
    before = load_avatar(trained)
    kept = before.gaussians.means.clone()
    refiner = Refiner(before, [capture, capture], SHORT)
    assert refiner.pictures == 2 * len(capture.indices("train"))
    while refiner.done < SHORT.steps:
        refiner.step()
    after = refiner.avatar()
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


def test_an_interrupted_and_resumed_run_makes_the_file_of_one_that_was_not(
    trained: Path, folder: Path, tmp_path: Path
) -> None:
    settings = replace(SHORT, steps=24)  # relocates at the start and at step 5, averages from step 10 on

    def after(steps: int) -> Callable[[], bool]:
        asked = iter(range(100))
        return lambda: next(asked) >= steps

    def reports(told: list[Progress]) -> None:
        assert [now.iteration for now in told] == [20, 24]
        assert told[-1].share == 1
        assert told[-1].stage == "refine"
        assert told[-1].psnr_db is not None
        assert told[-1].psnr_db > 10

    told: list[Progress] = []
    whole = refine(trained, [folder], tmp_path / "whole.safetensors", settings, progress=told.append)
    reports(told)
    halved = tmp_path / "halved.safetensors"
    for stop_after in (3, 13):
        with pytest.raises(TrainingStopped, match="--resume"):
            refine(trained, [folder], halved, settings, resume=True, cancelled=after(stop_after))
    with pytest.raises(StudioError, match="another number of steps"):
        refine(trained, [folder], halved, replace(settings, steps=25), resume=True)
    refine(trained, [folder], halved, settings, resume=True)
    assert not checkpoint_path(halved).exists()
    one, other = load_avatar(whole), load_avatar(halved)
    for name in ("means", "quats", "log_scales", "opacity_logits", "sh"):
        assert torch.equal(getattr(one.gaussians, name), getattr(other.gaussians, name)), name
    assert torch.equal(one.deformer.residual, other.deformer.residual)
    assert one.info.name == "whole"
    assert one.info.training["refined"]["steps"] == 24
    assert one.info.training["refined"]["pictures"] == len(load_capture(folder).indices("train"))
    assert one.info.training["gaussians"] == len(one.gaussians)
    assert one.info.training["psnr_db"] > 10


def test_damaged_and_foreign_checkpoints_are_refused(trained: Path, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "egg.safetensors"
    for content, says in ((b"{}", "cannot be read"), (trained.read_bytes(), "not a refinement's checkpoint")):
        checkpoint_path(out).write_bytes(content)
        with pytest.raises(StudioError, match=says):
            refine(trained, [folder], out, SHORT, resume=True)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda c: replace(c, surface=None), "real person"),
        (lambda c: replace(c, images=tuple(replace(i, split="test") for i in c.images)), "made to test"),
        (lambda c: replace(c, info=replace(c.info, identity="somebody")), "shows somebody"),
    ],
)
def test_captures_that_cannot_teach_an_avatar_are_refused(
    trained: Path,
    capture: Capture,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Capture], Capture],
    says: str,
) -> None:
    monkeypatch.setattr("studio.engine.training.refine.load_capture", lambda _: change(capture))
    with pytest.raises(StudioError, match=says):
        refine(trained, ["clip"], tmp_path / "x.safetensors")
