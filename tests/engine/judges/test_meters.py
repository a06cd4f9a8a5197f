"""The judges as measures: they draw the avatar, look at the right place and give the promised keys."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor

from studio.engine.judges.framing import FACE_PX, MOUTH_PX
from studio.engine.judges.meters import SyncMeter, UnitMeter, au_figures, avatar_mouths
from studio.engine.judges.nets import SyncNet, UnitNet
from studio.engine.renderer import Renderer
from studio.engine.training.capture import Capture
from studio.engine.training.capture_files import load_capture
from tests.engine.training.toy import write_toy_capture
from tests.support import toy_avatar


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Capture:
    folder = tmp_path_factory.mktemp("metered") / "egg"
    return load_capture(write_toy_capture(folder, frames=52, images=40, size_px=48, points=300))


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer(toy_avatar(400), backend="cpu")


def silent(frames: Sequence[int]) -> Tensor:
    return torch.zeros(len(frames), 8, 10)


def test_an_avatar_is_judged_by_mouth_and_face(renderer: Renderer, capture: Capture) -> None:
    torch.manual_seed(0)
    mouths = avatar_mouths(renderer, capture, silent, 3)
    assert mouths.shape == (3, 3, MOUTH_PX, MOUTH_PX)
    assert float(mouths.std()) > 0.01
    sync = SyncMeter(SyncNet().eval().requires_grad_(False)).measure(renderer, capture, silent)
    assert sync.keys() == {"sync_confidence", "sync_distance", "sync_offset_ms"}
    assert all(value is not None and value == value for value in sync.values())
    units = UnitMeter(UnitNet().eval().requires_grad_(False)).measure(renderer, capture, silent)
    assert units.keys() == {"judged_au_u", "judged_au_l", "judged_au_r"}
    assert units["judged_au_u"] is not None


def test_what_is_too_short_or_too_fast_is_not_measured(renderer: Renderer, tmp_path: Path) -> None:
    short = load_capture(write_toy_capture(tmp_path / "egg", frames=30, images=9, size_px=32, points=200))
    assert set(SyncMeter().measure(renderer, short, silent).values()) == {None}


def test_a_capture_without_faces_is_not_measured(
    renderer: Renderer, capture: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.engine.judges.framing.TURNED_DEG", 0.0)
    assert set(UnitMeter().measure(renderer, capture, silent).values()) == {None}


def test_pictures_that_equal_the_truth_have_no_error() -> None:
    torch.manual_seed(0)
    faces = torch.rand(6, 3, FACE_PX, FACE_PX)
    net = UnitNet().eval().requires_grad_(False)
    found = au_figures(faces, faces, net)
    assert found == {"au_u": 0.0, "au_l": 0.0, "au_r": pytest.approx(1.0)}
    assert au_figures(faces, faces.flip(0), net)["au_r"] < 0.99
