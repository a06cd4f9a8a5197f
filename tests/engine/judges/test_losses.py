"""Judges in training: they tell the true picture from a wrong one, differentiably, and come by name."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from studio.engine.avatar import load_avatar
from studio.engine.judges import choose
from studio.engine.judges.choose import find_judges
from studio.engine.judges.losses import AU_WEIGHT, SYNC_WEIGHT, SyncJudge, UnitJudge
from studio.engine.judges.nets import SyncNet, UnitNet, save_judge
from studio.engine.training.capture import Capture
from studio.engine.training.capture_files import load_capture
from studio.engine.training.losses import Evidence, Judge, judge_terms
from studio.engine.training.recipes import RECIPES
from studio.engine.training.trainer import train
from studio.errors import StudioError
from tests.engine.training.toy import write_toy_capture


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Capture:
    return load_capture(write_toy_capture(tmp_path_factory.mktemp("judged") / "egg", images=12, points=400))


def terms(judge: Judge, capture: Capture, image: int, picture: torch.Tensor) -> torch.Tensor:
    truth = capture.target(image).over(torch.tensor([0.2, 0.4, 0.6]))
    evidence = Evidence(torch.zeros(8, 17), torch.zeros(8, 10), None, image)
    return judge_terms((judge,), picture, truth, evidence)[judge.name]


@pytest.mark.parametrize("kind", ["sync", "au"])
def test_the_truth_costs_nothing_and_other_pictures_pull_back(kind: str, capture: Capture) -> None:
    torch.manual_seed(3)
    judge: Judge = (
        SyncJudge(SyncNet().eval().requires_grad_(False), capture)
        if kind == "sync"
        else UnitJudge(UnitNet().eval().requires_grad_(False), capture)
    )
    costs = []
    for image in range(len(capture.images)):
        truth = capture.target(image).over(torch.tensor([0.2, 0.4, 0.6]))
        assert float(terms(judge, capture, image, truth)) == pytest.approx(0.0, abs=1e-6)
        picture = (truth + 0.2 * torch.rand_like(truth)).requires_grad_()
        cost = terms(judge, capture, image, picture)
        assert float(cost.detach()) >= 0.0
        if float(cost.detach()) > 0:
            cost.backward()
            assert picture.grad is not None
            assert float(picture.grad.abs().sum()) > 0
        costs.append(float(cost.detach()))
    assert max(costs) > 0.0


def test_half_sized_pictures_are_judged_in_the_same_place(capture: Capture) -> None:
    judge = UnitJudge(UnitNet().eval().requires_grad_(False), capture)
    half = capture.target(0, (32, 32)).over(torch.tensor([0.2, 0.4, 0.6]))
    evidence = Evidence(torch.zeros(8, 17), torch.zeros(8, 10), None, 0)
    assert float(judge.loss(half, half, evidence)) == pytest.approx(0.0, abs=1e-6)


def test_a_face_turned_away_costs_nothing(capture: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    judge = UnitJudge(UnitNet().eval().requires_grad_(False), capture)
    monkeypatch.setattr("studio.engine.judges.framing.TURNED_DEG", 0.0)
    truth = capture.target(0).over(torch.zeros(3))
    evidence = Evidence(torch.zeros(8, 17), torch.zeros(8, 10), None, 0)
    assert float(judge.loss(torch.rand_like(truth), truth, evidence)) == 0.0


class Own:
    """A user's judge."""

    name, weight = "own", 0.5

    def __init__(self, capture: Capture) -> None:
        self.capture = capture

    def loss(self, picture: torch.Tensor, truth: torch.Tensor, evidence: Evidence) -> torch.Tensor:
        return (picture - truth).square().mean()


class Lacking:
    def __init__(self, capture: Capture) -> None:
        self.name = "lacking"


def test_judges_come_by_file_and_by_class(capture: Capture, tmp_path: Path) -> None:
    save_judge(SyncNet(), {}, tmp_path / "mine.safetensors")
    found = find_judges((str(tmp_path / "mine.safetensors"), f"{__name__}:Own"), capture)
    assert [(judge.name, judge.weight) for judge in found] == [("sync", SYNC_WEIGHT), ("own", 0.5)]
    assert isinstance(found[1], Own)
    assert found[1].capture is capture


def test_shipped_judges_come_by_name(capture: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_judge(SyncNet(), {}, tmp_path / "sync.safetensors")
    save_judge(UnitNet(), {}, tmp_path / "au.safetensors")
    monkeypatch.setattr(choose, "shipped_path", lambda kind: tmp_path / f"{kind}.safetensors")
    found = find_judges(("sync", "au"), capture)
    assert [(judge.name, judge.weight) for judge in found] == [("sync", SYNC_WEIGHT), ("au", AU_WEIGHT)]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("nonsense", "There is no judge 'nonsense'"),
        ("nowhere.safetensors", "There is no judge nowhere"),
        ("no_such_module:Judge", "cannot be imported"),
        (f"{__name__}:Missing", "cannot be imported"),
        (f"{__name__}:__name__", "is not a class"),
        (f"{__name__}:Lacking", "has no weight, loss"),
    ],
)
def test_a_judge_that_cannot_be_had_is_one_sentence(name: str, why: str, capture: Capture) -> None:
    with pytest.raises(StudioError, match=why):
        find_judges((name,), capture)


def test_two_judges_of_one_name_are_refused(capture: Capture) -> None:
    with pytest.raises(StudioError, match="Two judges are called 'own'"):
        find_judges((f"{__name__}:Own", f"{__name__}:Own"), capture)


def test_a_recipe_names_its_judges(capture: Capture, tmp_path: Path) -> None:
    recipe = replace(RECIPES["quick"], judges=(f"{__name__}:Own",))
    out = train(capture.root, tmp_path / "egg.safetensors", recipe, iterations=3)
    assert load_avatar(out).info.training["judges"] == [f"{__name__}:Own"]
    with pytest.raises(StudioError, match="There is no judge 'nobody'"):
        train(capture.root, tmp_path / "other.safetensors", replace(recipe, judges=("nobody",)), iterations=3)
