"""Training for real, on a toy capture: it learns, resumes exactly, stops when told and fails with one sentence."""

import errno
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from studio.engine.avatar import Avatar, load_avatar
from studio.engine.evaluate import evaluate
from studio.engine.targets import writing_failed
from studio.engine.training import trainer
from studio.engine.training.capture_files import load_capture
from studio.engine.training.checkpoint import checkpoint_path
from studio.engine.training.losses import Evidence
from studio.engine.training.progress import Progress, TrainingStopped
from studio.engine.training.recipes import RECIPES, Density, LearningRate, Recipe
from studio.engine.training.trainer import train
from studio.errors import StudioError
from tests.engine.training.toy import TINY, write_toy_capture


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_toy_capture(tmp_path_factory.mktemp("capture") / "egg", sound=False)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_toy_capture(
        tmp_path_factory.mktemp("capture") / "small", frames=16, images=9, size_px=32, points=300, sound=False
    )


@pytest.mark.slow
@pytest.mark.timeout(900)  # 17 s of work, which a crowded machine stretches manifold
def test_a_few_hundred_iterations_make_a_head_that_obeys(capture: Path, tmp_path: Path) -> None:
    reports: list[Progress] = []
    out = train(capture, tmp_path / "egg.safetensors", RECIPES["quick"], progress=reports.append)

    geometry = [r for r in reports if r.stage == "geometry"]
    coarse = [r for r in reports if r.stage == "coarse"]
    fine = [r for r in reports if r.stage == "fine"]
    assert geometry[0].motion_mm is not None
    assert geometry[-1].motion_mm is not None
    assert geometry[-1].motion_mm < 0.25 * geometry[0].motion_mm
    assert coarse[5].loss < coarse[0].loss
    assert fine[-1].loss < fine[0].loss
    assert fine[-1].psnr_db is not None
    assert fine[-1].psnr_db > 32.0
    assert fine[-1].gaussians > geometry[0].gaussians
    assert [r.iteration for r in reports] == sorted(r.iteration for r in reports)
    assert reports[-1].iteration == reports[-1].iterations == RECIPES["quick"].total_iterations
    assert reports[-1].left_s == pytest.approx(0.0, abs=1e-6)
    assert [r.share for r in reports] == sorted(r.share for r in reports)
    assert reports[-1].share == pytest.approx(1.0)
    assert "Gaussians" in fine[-1].line

    avatar = load_avatar(out)
    assert not checkpoint_path(out).exists()
    measured = avatar.info.training
    found = evaluate(avatar, load_capture(capture), speech="truth")
    assert found["psnr_db"] > 33.0
    assert measured["psnr_db"] == pytest.approx(found["psnr_db"], abs=0.1), "the file is what was judged"
    assert measured["speech"] == "truth"
    assert measured["gaussians"] == len(avatar.gaussians)

    # What it learned is control, not one picture: with everything at rest the same frames fit much worse.
    still = replace(avatar, deformer=type(avatar.deformer)(avatar.deformer.config, len(avatar.gaussians), _box(avatar)))
    rested = evaluate(still, load_capture(capture), speech="truth")
    assert found["mouth_psnr_db"] > rested["mouth_psnr_db"] + 4.0


def _box(avatar: object) -> Tensor:
    aabb: Tensor = avatar.deformer.triplane.aabb  # type: ignore[attr-defined]
    return aabb


def test_interrupted_and_resumed_equals_uninterrupted(small: Path, tmp_path: Path) -> None:
    whole = train(small, tmp_path / "whole.safetensors", TINY)
    halved = tmp_path / "halved.safetensors"
    for stop_after in (7, 10, 13):  # in each stage once, and once more before the first report of a sitting
        with pytest.raises(TrainingStopped, match="--resume"):
            train(small, halved, TINY, resume=True, cancelled=_after(stop_after))
        assert checkpoint_path(halved).exists()
        assert not halved.exists()
    train(small, halved, TINY, resume=True)
    one, other = load_file(str(whole)), load_file(str(halved))
    assert one.keys() == other.keys()
    assert all(torch.equal(value, other[name]) for name, value in one.items())


def test_a_disk_that_is_full_at_the_end_costs_nothing(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "egg.safetensors"

    def full(avatar: Avatar, path: Path) -> None:
        raise writing_failed(OSError(errno.ENOSPC, "No space left on device"), path)

    with monkeypatch.context() as patch:
        patch.setattr(trainer, "save_avatar", full)
        with pytest.raises(StudioError, match="The disk is full"):
            train(small, out, TINY)
    assert not out.exists()
    assert checkpoint_path(out).exists()
    reports: list[Progress] = []
    train(small, out, TINY, resume=True, progress=reports.append)
    assert reports == [], "all was learned before"
    assert out.exists()
    assert not checkpoint_path(out).exists()


def _after(iterations: int):
    """A cancel flag that rises after some iterations."""
    asked = iter(range(iterations))
    return lambda: next(asked, None) is None


class BrokenJudge:
    """Divides zero by zero."""

    name = "broken"
    weight = 1.0

    def loss(self, picture: Tensor, truth: Tensor, evidence: Evidence) -> Tensor:
        return picture.mean() * float("nan")


def test_what_is_no_number_stops_with_a_sentence(small: Path, tmp_path: Path) -> None:
    out = tmp_path / "wild.safetensors"
    with pytest.raises(StudioError, match=r"Training failed in the fine stage at iteration 0: the loss is nan"):
        train(small, out, TINY, judges=(BrokenJudge(),))
    wild = replace(TINY, means=LearningRate(float("inf"), 1.0))
    with pytest.raises(StudioError, match=r"in the coarse stage at iteration 6: a parameter is no longer a number"):
        train(small, out, wild)
    assert list(tmp_path.iterdir()) == []


def test_checkpoints_of_another_run_are_refused(small: Path, capture: Path, tmp_path: Path) -> None:
    out = tmp_path / "egg.safetensors"
    with pytest.raises(TrainingStopped):
        train(small, out, TINY, cancelled=_after(3))
    with pytest.raises(StudioError, match="was made with another seed: repeat the first command"):
        train(small, out, replace(TINY, seed=1), resume=True)
    with pytest.raises(StudioError, match="was made with another without"):
        train(small, out, TINY, without=("szpab",), resume=True)
    whole = checkpoint_path(out).read_bytes()
    checkpoint_path(out).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(StudioError, match="cannot be read"):
        train(small, out, TINY, resume=True)
    checkpoint_path(out).write_bytes(b"{}")
    with pytest.raises(StudioError, match="cannot be read"):
        train(small, out, TINY, resume=True)


@pytest.mark.parametrize("without", [("au",), ("szpab", "raar"), ("citae",)])
def test_ablations_train_and_say_so(without: tuple[str, ...], small: Path, tmp_path: Path) -> None:
    out = train(small, tmp_path / "ablated.safetensors", TINY, iterations=6, without=without)
    avatar = load_avatar(out)
    assert avatar.info.training["without"] == sorted(without)
    assert not any(getattr(avatar.deformer.config, part) for part in without)


def test_the_paper_recipe_listens_to_the_upper_face_alone(small: Path, tmp_path: Path) -> None:
    recipe = replace(TINY, name="paper", n_au=RECIPES["paper"].n_au)
    avatar = load_avatar(train(small, tmp_path / "paper.safetensors", recipe, iterations=3))
    assert avatar.info.au_channels == ("AU1", "AU2", "AU4", "AU5", "AU6", "AU7", "AU9", "AU45")
    assert avatar.info.recipe == "paper"


class DarknessJudge:
    """Wants the picture dark, whatever the truth is; counts how often it was asked."""

    name = "darkness"
    weight = 5.0
    asked = 0

    def loss(self, picture: Tensor, truth: Tensor, evidence: Evidence) -> Tensor:
        assert evidence.au.shape == (8, 17)
        self.asked += 1
        return picture.mean()


def test_a_judge_bends_the_fine_stage(small: Path, tmp_path: Path) -> None:
    judge = DarknessJudge()
    plain = load_avatar(train(small, tmp_path / "plain.safetensors", TINY))
    bent = load_avatar(train(small, tmp_path / "bent.safetensors", TINY, judges=(judge,)))
    assert judge.asked == -(-TINY.fine_iterations // TINY.teach_every), "judges speak where the deformer learns"
    assert float(bent.gaussians.sh[:, 0].mean()) < float(plain.gaussians.sh[:, 0].mean())


def test_a_bound_on_minutes_ends_every_stage_early(small: Path, tmp_path: Path) -> None:
    endless = replace(TINY.with_iterations(3_000_000), max_minutes=0.02, density=Density(start=10**9))
    reports: list[Progress] = []
    out = train(small, tmp_path / "bounded.safetensors", endless, progress=reports.append)
    assert {r.stage for r in reports} == {"geometry", "coarse", "fine"}
    shares = [r.share for r in reports]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0), "what the bound leaves out is not work that is missing"
    assert all(r.left_s <= 1.5 for r in reports), "never longer than 0.02 minutes, however many iterations are left"
    assert load_avatar(out).info.training["minutes"] < 1.0


def test_unusable_requests_get_one_sentence(small: Path, tmp_path: Path) -> None:
    with pytest.raises(StudioError, match="is not a folder: create it first"):
        train(small, tmp_path / "missing" / "egg.safetensors", TINY)
    with pytest.raises(StudioError, match="cannot leave out 'nose': choose among au, szpab, citae, raar"):
        train(small, tmp_path / "egg.safetensors", TINY, without=("nose",))
    with pytest.raises(StudioError, match="cannot run 2 iterations"):
        train(small, tmp_path / "egg.safetensors", TINY, iterations=2)
    (small / "surface.safetensors").rename(small / "hidden")
    try:
        with pytest.raises(StudioError, match="training needs a capture with a surface"):
            train(small, tmp_path / "egg.safetensors", TINY)
    finally:
        (small / "hidden").rename(small / "surface.safetensors")


def test_recipes_scale_with_their_iterations() -> None:
    for recipe in RECIPES.values():
        for total in (3, 10, 1_000, 100_000):
            scaled: Recipe = recipe.with_iterations(total)
            assert scaled.total_iterations == total
            assert min(scaled.geometry_iterations, scaled.coarse_iterations, scaled.fine_iterations) >= 1


def test_learning_rates_fall_from_start_to_end() -> None:
    rate = LearningRate(1e-2, 1e-4, hold=0.25)
    assert rate.at(0.0) == rate.at(0.25) == 1e-2
    assert rate.at(0.625) == pytest.approx(1e-3)
    assert rate.at(1.0) == pytest.approx(1e-4)
