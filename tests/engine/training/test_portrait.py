"""An avatar of a portrait starts from a performer, is a person at once, and becomes this person by its pictures."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from studio.document.action_units import AU_INDEX, AU_KEYS
from studio.engine.avatar import Avatar, default_avatar, load_avatar
from studio.engine.evaluate import evaluate
from studio.engine.measures.aligned import AlignedMeter
from studio.engine.rig import Rig
from studio.engine.training.capture_files import load_capture
from studio.engine.training.density import Density
from studio.engine.training.prior import load_prior
from studio.engine.training.progress import Progress
from studio.engine.training.recipes import RECIPES, Recipe
from studio.engine.training.trainer import train
from studio.engine.training.warp import fit_similarity, fit_warp
from studio.errors import StudioError
from tests.engine.training.portrait_toy import GROWN, TINT, write_portrait

SHORT: Recipe = replace(
    RECIPES["portrait"],
    prior_points=3_000,
    prior_extra=300,
    initial_gaussians=2_200,
    max_gaussians=2_400,
    geometry_iterations=2,
    coarse_iterations=50,
    fine_iterations=25,
    geometry_points=64,
    coarse_half=0.0,
    fine_half=0.0,
    report_every=5,
    density=Density(every=1000, start=1000, stop=1000),
)


@pytest.fixture(scope="module")
def portrait(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_portrait(tmp_path_factory.mktemp("portrait") / "her")


@pytest.mark.timeout(900)  # seconds of work, which a crowded machine stretches manifold
def test_pictures_make_the_prior_the_person(portrait: Path, tmp_path: Path) -> None:
    none = replace(SHORT, geometry_iterations=1, coarse_iterations=1, fine_iterations=1)
    reports: list[Progress] = []
    shown: list[Avatar] = []
    start = train(portrait, tmp_path / "start.safetensors", none, judged=False)
    out = train(
        portrait, tmp_path / "her.safetensors", SHORT, judged=False, progress=reports.append, preview=shown.append
    )
    capture = load_capture(portrait)
    before, after = (evaluate(load_avatar(path), capture, speech="truth") for path in (start, out))
    assert before["psnr_db"] > 15.0  # the warped prior is a person already
    assert after["psnr_db"] > before["psnr_db"] + 3.0
    assert reports[-1].stage == "fine"
    assert load_avatar(out).info.extra["prior"] == "nora"
    assert load_avatar(out).info.seen_share("AU12") > 0.5
    assert load_avatar(out).info.seen_share("AU1") == 0.0

    # What the clip never shows, the performer knows: AU1 raises the brows and moves nothing of the mouth.
    avatar = load_avatar(out)
    au = torch.zeros(1, 8, len(AU_KEYS))
    au[..., AU_INDEX["AU1"]] = 5.0
    with torch.inference_mode():
        deltas = avatar.deformer(avatar.gaussians.means, avatar.zones, au, torch.zeros(1, 8, 10), torch.zeros(1, 5))
    rise = deltas.means[0, :, 1] * avatar.deformer.moving
    place = avatar.gaussians.means
    brows = (place[:, 1] > 0.012) & (place[:, 1] < 0.04) & (place[:, 2] > 0.0)
    mouth = (place[:, 1] < -0.055) & (place[:, 1] > -0.08) & (place[:, 2] > 0.0)
    assert float(rise[brows].quantile(0.9)) > 2e-3
    assert float(rise[mouth].abs().quantile(0.9)) < 4e-4


def test_poses_that_the_tracker_missed_are_fitted_for_the_second_figure(portrait: Path) -> None:
    capture, nora = load_capture(portrait), load_avatar(default_avatar())
    grown = nora.gaussians.replace(
        means=nora.gaussians.means * GROWN,
        log_scales=nora.gaussians.log_scales + float(np.log(GROWN)),
        sh=nora.gaussians.sh[:, :1] * TINT,
    )
    deformer = load_avatar(default_avatar()).deformer
    deformer.triplane.aabb *= GROWN
    twin = replace(nora, gaussians=grown, rig=Rig(nora.rig.weights, nora.rig.pivots * GROWN), deformer=deformer)
    off = np.eye(4)
    off[0, 3] = 0.004
    cameras = tuple(replace(camera, world_to_camera=off @ camera.world_to_camera) for camera in capture.cameras)
    missed = replace(capture, cameras=cameras)
    before = evaluate(twin, missed, speech="truth", meters=(AlignedMeter(),))
    assert before["psnr_db"] < 30
    assert before["aligned_psnr_db"] > before["psnr_db"] + 3
    assert before["aligned_ssim"] > before["ssim"]


def test_a_portrait_asks_for_its_recipe(portrait: Path, tmp_path: Path) -> None:
    with pytest.raises(StudioError, match="recipe portrait"):
        train(portrait, tmp_path / "no.safetensors", RECIPES["quick"])


def test_a_similarity_is_found_through_noise() -> None:
    random = np.random.default_rng(0)
    points = random.normal(size=(60, 3))
    turn, _ = np.linalg.qr(random.normal(size=(3, 3)))
    turn *= np.sign(np.linalg.det(turn))
    rotation, scale, shift = fit_similarity(points, 1.3 * points @ turn.T + [1.0, 2.0, 3.0])
    np.testing.assert_allclose(rotation, turn, atol=1e-9)
    assert scale == pytest.approx(1.3)
    np.testing.assert_allclose(shift, [1, 2, 3], atol=1e-9)


def test_a_grown_performer_is_carried_onto_herself() -> None:
    prior = load_prior("nora", 3_000)
    warp = fit_warp(prior.marks[:468], prior.seen[:468], prior.seen[:468] * GROWN)
    got = warp(prior.bare.points)
    # The landmarker sees her a little larger than she is; but for that factor she is as before.
    rotation, scale, shift = fit_similarity(prior.bare.points, got)
    left = np.linalg.norm(scale * prior.bare.points @ rotation.T + shift - got, axis=1)
    assert float(np.quantile(left, 0.95)) < 5e-4
    assert np.trace(rotation) > 1 + 2 * np.cos(np.radians(6))  # the landmarker's axes are a little tilted


def test_landmarks_are_met_where_faces_differ() -> None:
    prior = load_prior("nora", 3_000)
    person = prior.seen[:468].copy()
    person[:, 0] *= 1.1
    chin = np.linalg.norm(person - person[152], axis=1) < 0.03
    person[chin, 1] -= 0.004
    warp = fit_warp(prior.marks[:468], prior.seen[:468], person)
    assert float(np.quantile(np.linalg.norm(warp(prior.marks[:468]) - warp.wanted, axis=1), 0.9)) < 1e-3
    crown = prior.bare.points[prior.bare.points[:, 1].argmax()][None]
    np.testing.assert_allclose(warp(crown), warp.whole(crown), atol=5e-4)
