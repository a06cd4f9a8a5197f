"""The area that each Gaussian is responsible for, and that what is hidden has no say in measures of motion."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from studio.engine.avatar import Avatar
from studio.engine.controls import Pose
from studio.engine.gaussians import Gaussians
from studio.engine.measures.visibility import SIZE_PX, VIEWS_DEG, visible_area
from studio.engine.motion_metrics import MotionJudge
from studio.engine.rig import Rig
from studio.engine.splat.cpu import CpuRasterizer
from studio.engine.training.capture import Capture, Surface
from studio.engine.training.capture_files import load_capture
from tests.engine.known import head
from tests.engine.training.toy import write_toy_capture


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Capture:
    """An egg with 600 points of surface."""
    folder: Path = tmp_path_factory.mktemp("capture")
    return load_capture(write_toy_capture(folder / "egg", images=4, size_px=32, points=600))


def solid(capture: Capture) -> Avatar:
    """A head whose Gaussians cover it."""
    avatar = head(capture)
    n = len(avatar.gaussians)
    return replace(
        avatar,
        gaussians=avatar.gaussians.replace(
            log_scales=torch.full((n, 3), 0.008).log(), opacity_logits=torch.full((n,), 6.0)
        ),
    )


def test_every_pixel_is_shared_out_among_those_who_made_it(capture: Capture) -> None:
    """With a closed mouth only: units that open the toy's mouth do not exist, so both looks are the same."""
    avatar = solid(capture)
    camera, covered = avatar.camera(width=SIZE_PX, height=SIZE_PX), 0.0
    for yaw in VIEWS_DEG:
        posed = avatar.rig.apply(avatar.gaussians, Pose(yaw))
        covered += float(CpuRasterizer().render(posed, camera).alpha.sum())
    area = visible_area(avatar)
    assert float(area.sum()) == pytest.approx(2 * covered, rel=1e-3)
    assert float(area.min()) >= 0.0


def test_what_is_buried_is_not_seen_and_does_not_count(capture: Capture) -> None:
    avatar = solid(capture)
    n = len(avatar.gaussians)
    before = MotionJudge(avatar, capture).responses()["AU4"]
    surface = capture.surface
    assert surface is not None
    # A second, smaller head inside the first, which never moves.
    inside = surface.points.mean(0) + 0.8 * (surface.points - surface.points.mean(0))
    twice = Gaussians(
        torch.cat([avatar.gaussians.means, inside]),
        *(
            torch.cat([part, part])
            for part in (
                avatar.gaussians.quats,
                avatar.gaussians.log_scales,
                avatar.gaussians.opacity_logits,
                avatar.gaussians.sh,
            )
        ),
    )
    still = torch.cat([torch.ones(n, dtype=torch.uint8), torch.zeros(n, dtype=torch.uint8)])
    haunted = head(replace(capture, surface=_doubled(capture, inside)))
    haunted = replace(
        haunted,
        gaussians=twice,
        zones=surface.zones.repeat(2),
        rig=Rig(surface.skinning.repeat(2, 1), surface.pivots),
    )
    haunted.deformer.moving = still
    area = visible_area(haunted)
    assert float(area[n:].sum()) < 0.02 * float(area[:n].sum())
    after = MotionJudge(haunted, capture).responses()["AU4"]
    assert after["response_e"] == pytest.approx(before["response_e"], abs=0.03)
    assert after["leakage"] == pytest.approx(before["leakage"], abs=0.02)


def _doubled(capture: Capture, inside: torch.Tensor) -> Surface:
    surface = capture.surface
    assert surface is not None
    return replace(
        surface,
        points=torch.cat([surface.points, inside]),
        normals=surface.normals.repeat(2, 1),
        colours=surface.colours.repeat(2, 1),
        parts=surface.parts.repeat(2),
        zones=surface.zones.repeat(2),
        skinning=surface.skinning.repeat(2, 1),
        spacing=surface.spacing.repeat(2),
        modes=surface.modes.repeat(1, 2, 1),
    )
