"""Heads whose motion is known exactly: a true one has no error, and every fault shows in the measure made for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from studio.document.action_units import AU_INDEX
from studio.engine.evaluate import evaluate
from studio.engine.motion_metrics import LEVELS, MotionJudge, bind, measured_frames
from studio.engine.training.capture import Capture, CaptureTrial
from studio.engine.training.capture_files import load_capture
from studio.errors import StudioError
from tests.engine.known import head
from tests.engine.training.toy import write_toy_capture

FRAMES = tuple(range(50))


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Capture:
    folder = tmp_path_factory.mktemp("capture") / "egg"
    return load_capture(write_toy_capture(folder, frames=50, images=8, size_px=32, points=500))


def measured(capture: Capture, **faults: Any) -> dict[str, Any]:
    return MotionJudge(head(capture, **faults), capture).performance(FRAMES, capture.articulator_windows)


def test_a_true_head_has_no_error(capture: Capture) -> None:
    found = measured(capture)
    assert found["motion_error"] < 1e-3
    assert found["motion_error_mm"] < 1e-2
    assert found["aue_u"] < 1e-4
    assert found["aue_l"] < 1e-4
    assert found["aue_per_au"].keys() == {"AU4", "AU12"}
    assert found["au_jerk"] == pytest.approx(found["au_jerk_truth"], rel=1e-2)
    assert found["conflict_error"] is None
    assert found["noise"] is None
    units = MotionJudge(head(capture), capture).responses()
    assert units.keys() == {"AU4", "AU12"}
    for unit in units.values():
        assert unit["response"] == pytest.approx([level / 5 for level in LEVELS], abs=2e-3)
        assert unit["response_e"] == pytest.approx(1.0, abs=2e-3)
        assert unit["monotonic"]
        assert unit["nonlinearity"] < 2e-3
        assert unit["leakage"] < 5e-3


def test_a_faint_unit_shows_in_its_response_and_in_its_half_of_the_face(capture: Capture) -> None:
    found = measured(capture, gain=0.6)
    right = capture.au[:, AU_INDEX["AU4"]].double()
    assert found["aue_u"] == pytest.approx(float((0.4 * right).square().mean()), rel=0.02)
    assert found["aue_l"] < 1e-2
    unit = MotionJudge(head(capture, gain=0.6), capture).responses()["AU4"]
    assert unit["response_e"] == pytest.approx(0.6, abs=2e-3)
    assert unit["monotonic"]
    assert unit["nonlinearity"] < 2e-3
    wrong_way = MotionJudge(head(capture, gain=-0.5), capture).responses()["AU4"]
    assert not wrong_way["monotonic"]


def test_motion_elsewhere_is_leakage(capture: Capture) -> None:
    units = MotionJudge(head(capture, spill=0.1), capture).responses()
    assert 0.1 < units["AU4"]["leakage"] < 0.4
    assert units["AU12"]["leakage"] < 5e-3


def test_a_head_that_follows_words_instead_of_units_fails_in_the_conflict(capture: Capture) -> None:
    trials = (CaptureTrial("brow_raise", ("AU4",), 5, 20), CaptureTrial("pair", ("AU12",), 30, 40))
    edited = replace(capture, info=replace(capture.info, trials=trials))
    true, deaf = measured(edited), measured(edited, deaf=True)
    assert true["conflict_error"] < 1e-3
    assert deaf["conflict_error"] > 0.1
    assert deaf["conflict_per_kind"].keys() == {"brow_raise", "pair"}
    surface = capture.surface
    assert surface is not None
    missing = capture.au[5:20, AU_INDEX["AU4"], None, None] / 5 * surface.modes[2]
    want = missing.norm() / surface.displacement(torch.arange(5, 20)).norm()
    assert deaf["conflict_per_kind"]["brow_raise"] == pytest.approx(float(want), rel=1e-2)


def test_jitter_is_kept_by_a_head_without_a_filter_and_taken_away_by_a_mean(capture: Capture) -> None:
    random = torch.Generator().manual_seed(1)
    clean = capture.au.clone()
    noisy = clean.clone()
    for key in ("AU4", "AU12"):
        noisy[:, AU_INDEX[key]] += 0.2 * torch.randn(len(clean), generator=random)
    jittery = replace(capture, au=noisy, au_clean=clean)
    bare, calm = (measured(jittery, smooth=smooth)["noise"] for smooth in (False, True))
    assert bare["injected"] == pytest.approx(0.2 * 6**0.5, rel=0.25)
    assert bare["removed"] == pytest.approx(0.0, abs=1e-2)
    assert bare["peak"] == pytest.approx(1.0, abs=0.05)
    assert calm["removed"] > 0.7
    assert calm["kept"] < 0.3 * bare["kept"]
    assert calm["peak"] < bare["peak"]


def test_gaussians_are_bound_where_they_lie(capture: Capture) -> None:
    surface = capture.surface
    assert surface is not None
    avatar = head(capture)
    bound = bind(avatar, surface)
    assert bound.distance_m == 0.0
    assert torch.allclose(bound.modes, surface.modes[:, bound.index], atol=1e-7)
    assert 20 < len(bound.index) < len(surface)
    far = replace(avatar, gaussians=avatar.gaussians.replace(means=surface.points + torch.tensor([0.0, 0.0, 0.004])))
    assert bind(far, surface).distance_m > 1e-3


def test_touching_sheets_that_face_apart_are_told_apart(capture: Capture) -> None:
    """Two sheets of points in one place, as lips are at rest: each Gaussian follows the sheet that it faces along."""
    surface = capture.surface
    assert surface is not None
    grid = torch.cartesian_prod(torch.linspace(0, 0.02, 8), torch.linspace(0, 0.02, 8))
    n = len(grid)
    sheet = torch.stack([grid[:, 0], torch.zeros(n), grid[:, 1]], 1)
    up, down = torch.tensor([[0.0, 1.0, 0.0]]).repeat(n, 1), torch.tensor([[0.0, -1.0, 0.0]]).repeat(n, 1)
    modes = torch.zeros(1, 2 * n, 3)
    modes[0, n:, 1] = -0.01
    lips = replace(
        surface,
        points=torch.cat([sheet, sheet]),
        normals=torch.cat([down, up]),
        spacing=torch.full((2 * n,), 0.003),
        modes=modes,
    )
    avatar = head(
        replace(
            capture,
            surface=replace(
                lips, colours=torch.zeros(2 * n, 3), zones=torch.zeros(2 * n).long(), skinning=torch.zeros(2 * n, 4)
            ),
        )
    )
    bound = bind(avatar, lips)
    assert bound.index.tolist() == list(range(n, 2 * n))
    assert float(bound.modes[0, :, 1].max()) < -0.0099


def test_which_frames_are_measured(capture: Capture) -> None:
    assert measured_frames(capture, [3, 7]).tolist() == list(range(25))
    made_to_test = replace(capture, info=replace(capture.info, kind="conflict"))
    assert measured_frames(made_to_test, [3]).tolist() == list(range(50))
    assert len(measured_frames(made_to_test, [3], limit=25)) == 25


def test_motion_alone_needs_no_pictures_but_the_truth(capture: Capture, tmp_path: Path) -> None:
    found = evaluate(head(capture), capture, speech="truth", pictures=False)
    assert found["psnr_db"] is None
    assert found["motion_error"] < 1e-3
    assert found["response_e"] == pytest.approx(1.0, abs=2e-3)
    assert found["monotonic"] == 1.0
    assert found["leakage"] < 5e-3
    assert found["law"] == "linear"
    blind = replace(capture, surface=None)
    with pytest.raises(StudioError, match="does not know its surface motion"):
        evaluate(head(capture), blind, speech="truth", pictures=False)
