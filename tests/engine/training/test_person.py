"""A tracked person: clothes are no hair, eyes rest straight, lips are read, motion is as strong as the law has it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from studio.document.action_units import AU_INDEX, AU_KEYS, MAX_INTENSITY
from studio.engine.controls import WINDOW, Pose
from studio.engine.gaussians import Gaussians
from studio.engine.rig import Rig
from studio.engine.speech.articulators import ARTICULATORS, N_ARTICULATORS
from studio.engine.training.capture import Capture
from studio.engine.training.capture_files import load_capture
from studio.engine.training.eyes import OWN, RINGS, STRAIGHT, TURNING, vergence_deg
from studio.engine.training.initial import facing, stretch
from studio.engine.training.learner import Learner
from studio.engine.training.lips import slips_of, with_lips_read
from studio.engine.training.losses import Rest, surface_penalty
from studio.engine.training.manner import AROUND, CHIN, LOWER, UPPER, Manner, modes_at, rested, unchanged
from studio.engine.training.person import _bent, _filled, _of, _wear, person_of
from studio.engine.training.person_pictures import REGIONS, Pictures, dressed, project, without_edges
from studio.engine.training.prior import Prior, load_prior
from studio.engine.training.recipes import RECIPES
from studio.engine.training.spread import spread
from tests.engine.training.portrait_toy import GROWN, write_portrait

HAIR, FACE, TORSO = (REGIONS.index(name) for name in ("hair", "face", "torso"))


@pytest.fixture(scope="module")
def prior() -> Prior:
    return load_prior("nora", 3_000)


@pytest.fixture(scope="module")
def portrait(tmp_path_factory: pytest.TempPathFactory) -> Capture:
    return load_capture(write_portrait(tmp_path_factory.mktemp("portrait") / "her", frames=6))


def as_performer(portrait: Capture, prior: Prior) -> Manner:
    assert portrait.tracking is not None
    return unchanged(modes_at(prior, portrait.tracking.head.double().numpy()))


def test_a_dark_jacket_is_no_hair() -> None:
    regions = np.zeros((80, 80), np.uint8)
    regions[8:50, 24:30] = regions[8:50, 50:56] = HAIR  # falls beside the face
    regions[8:20, 24:56] = HAIR
    regions[20:45, 30:50] = FACE
    regions[60:, 5:75] = HAIR  # a jacket
    found = dressed(regions)
    assert (found[60:, 5:75] == TORSO).all()
    np.testing.assert_array_equal(found[:60], regions[:60])


def test_long_hair_does_not_reach_the_shoulders_ends() -> None:
    regions = np.zeros((80, 80), np.uint8)
    regions[20:45, 30:50] = FACE
    regions[8:70, 24:30] = HAIR
    regions[60:70, 2:30] = HAIR  # a dark sleeve that touches it
    found = dressed(regions)
    assert (found[60:70, 24:30] == HAIR).all()
    assert (found[60:70, 2:20] == TORSO).all()


def test_a_jacket_that_touches_an_ear_is_no_hair() -> None:
    regions = np.zeros((80, 80), np.uint8)
    regions[10:50, 20:60] = FACE
    regions[4:30, 12:20] = regions[4:10, 12:68] = regions[4:36, 60:68] = HAIR
    regions[34:38, 61:66] = regions[36:46, 65] = HAIR  # a lobe, and shade between it and a high collar
    regions[44:80, 62:74] = regions[58:80, 10:74] = HAIR  # a jacket
    found = dressed(regions)
    assert (found[46:, 62:66] == TORSO).all()
    assert (found[58:, 10:74] == TORSO).all()
    np.testing.assert_array_equal(found[:40], regions[:40])


def test_a_mattes_rim_has_the_colour_of_what_is_inside() -> None:
    alpha = np.zeros((20, 20))
    alpha[:, 8:] = 1.0
    colour = np.where(np.arange(20) < 10, 0.1, 0.8)[None, :, None] * np.ones((20, 1, 3))  # two dark columns of it
    np.testing.assert_allclose(without_edges(colour, alpha)[:, 8:], 0.8)
    np.testing.assert_array_equal(without_edges(colour, np.zeros((20, 20))), colour)


def test_colours_go_on_over_the_surface_where_none_was_seen() -> None:
    """Blots where nothing is sure vanish, seen colours stay, and what is joined to nothing seen keeps its own."""
    points = np.stack([*np.meshgrid(np.arange(30.0), np.arange(30.0)), np.zeros((30, 30))], axis=2).reshape(-1, 3)
    points = np.concatenate([points, points + np.array([0.0, 0.0, 1e3])])
    colours = np.full((len(points), 3), 0.3)
    colours[points[:, 0] > 15] = 0.7
    seen = (points[:, 2] == 0) & ((points[:, 0] < 10) | (points[:, 0] > 20))
    blot = (points[:, 2] == 0) & (np.abs(points[:, :2] - 14).max(1) < 3)
    wanted = colours.copy()
    colours[blot] = 0.0
    found = spread(points, colours, seen.astype(float))
    assert np.abs(found - wanted)[seen].max() < 0.06
    assert found[blot].min() > 0.3 - 1e-2
    assert found[blot].max() < 0.7
    step = found.reshape(2, 30, 30, 3)[0]
    assert np.abs(np.diff(step[:, 11:20], axis=1)).max() < 0.06
    island = points[:, 2] > 0
    assert found[island].mean() == pytest.approx(colours[island].mean(), abs=0.01)
    unseen = spread(points, colours, np.zeros(len(points)))
    np.testing.assert_array_equal(unseen, colours)


def test_depth_goes_on_without_a_step() -> None:
    depth = np.where(np.arange(60) < 20, 0.4, 0.5) * np.ones((30, 1))
    known = np.ones((30, 60), bool)
    known[:, 20:40] = False
    filled = _filled(depth, known)
    np.testing.assert_array_equal(filled[known], depth[known])
    assert np.abs(np.diff(filled, axis=1)).max() < 0.025


def eyes(inward: float, frames: int = 7) -> torch.Tensor:
    """Landmarks of eyes 3 cm wide whose irises lie `inward` widths towards the nose."""
    marks = torch.zeros(frames, 478, 3)
    for side, (first, end, outer, inner) in zip((1.0, -1.0), RINGS, strict=True):
        marks[:, outer, 0], marks[:, inner, 0] = side * 0.045, side * 0.015
        marks[:, first:end, 0] = side * (0.030 - inward * 0.030)
    return marks


def test_crossed_eyes_are_followed_and_a_persons_own_are_not() -> None:
    used = torch.ones(7, dtype=torch.bool)
    assert vergence_deg(eyes(STRAIGHT), used).abs().max() < 0.1
    assert vergence_deg(eyes(STRAIGHT - 0.8 * OWN), used).abs().max() < 0.1
    crossed = vergence_deg(eyes(STRAIGHT + OWN + 0.5 * TURNING), used)
    torch.testing.assert_close(crossed, torch.full((7,), 30.0))
    assert not vergence_deg(eyes(0.3), torch.zeros(7, dtype=torch.bool)).any()


def test_vergence_turns_both_eyes_to_the_nose() -> None:
    pivots = torch.tensor([[0.0, 0, 0], [0.0, -0.1, 0], [0.03, 0, 0], [-0.03, 0, 0]], dtype=torch.float64)
    rotations, shifts = Rig(torch.zeros(0, 4), pivots).transforms(Pose(vergence_deg=10.0))
    for joint, inward in ((2, -1.0), (3, 1.0)):
        iris = rotations[joint] @ (pivots[joint] + torch.tensor([0.0, 0.0, 0.01])) + shifts[joint]
        assert float(iris[0] - pivots[joint, 0]) == pytest.approx(inward * 0.01 * np.sin(np.radians(10.0)), abs=1e-6)


def test_a_larger_face_moves_by_as_much_more(prior: Prior) -> None:
    bare = prior.bare
    skin = np.flatnonzero(bare.of("skin"))[::3]
    sources = torch.from_numpy(bare.points[skin]).float()
    deformer = prior.deformer(
        sources * GROWN, sources, torch.from_numpy(bare.normals[skin]).float(), torch.eye(3) * GROWN
    )
    au = torch.zeros(3, len(AU_KEYS))
    for row, key in enumerate(("AU12", "AU25", "AU26")):
        au[row, AU_INDEX[key]] = MAX_INTENSITY
    windows = au[:, None].expand(-1, WINDOW, -1)
    zones = torch.from_numpy(bare.zones[skin].astype(np.int64))
    with torch.no_grad():
        silence = torch.zeros(3, WINDOW, N_ARTICULATORS)
        got = deformer(sources * GROWN, zones, windows, silence, torch.zeros(3, 5)).means
    weights = prior.law(au, torch.zeros(3, N_ARTICULATORS)).numpy()
    true = torch.from_numpy(GROWN * np.einsum("su,unc->snc", weights, bare.modes[:, skin])).float()
    for shown, wanted in zip(got, true, strict=True):
        moved = wanted.norm(dim=1) > 2e-3
        share = (shown * wanted).sum(1)[moved] / wanted[moved].square().sum(1)
        assert 0.8 < float(share.median()) < 1.2
        assert float(share.quantile(0.1)) > 0.4  # none of a lip goes with the other one


def test_what_the_clip_never_shows_moves_whole(portrait: Capture, prior: Prior) -> None:
    assert portrait.articulators is not None
    still = replace(portrait, au=torch.zeros_like(portrait.au), articulators=torch.zeros_like(portrait.articulators))
    person = person_of(still, prior, 300)
    few = replace(RECIPES["portrait"], initial_gaussians=1_500, max_gaussians=1_500)
    learner = Learner(person.surface, few, torch.device("cpu"), (prior, person))
    smile = person.surface.modes[person.surface.mode_names.index("AU12")].norm(dim=1)[learner.rows]
    assert int((smile > 1e-3).sum()) > 100
    assert bool(learner.deformer.moving[smile > 1e-3].all())


def test_lips_are_read_where_the_sound_says_nothing(portrait: Capture, prior: Prior) -> None:
    assert portrait.tracking is not None
    said = torch.zeros(portrait.info.frames, N_ARTICULATORS)
    said[3:, ARTICULATORS.index("jaw_open")] = 0.7
    said[3:, ARTICULATORS.index("lips_part")] = 0.4
    silent = torch.zeros_like(portrait.au)
    manner, lips = as_performer(portrait, prior), [*UPPER, *LOWER, *AROUND]
    modes = manner.modes[:, lips]
    moved = np.einsum("fu,umd->fmd", prior.law(silent, said).double().numpy(), modes)
    marks = portrait.tracking.landmarks_3d.clone()
    marks[:, lips] += torch.from_numpy(moved).float()
    tracking = replace(portrait.tracking, landmarks_3d=marks)
    deaf = replace(portrait, au=silent, articulators=torch.zeros_like(said), tracking=tracking)
    read = with_lips_read(deaf, prior, manner)
    assert read.articulators is not None
    again = np.einsum("fu,umd->fmd", prior.law(silent, read.articulators).double().numpy(), modes)
    assert np.abs(moved).max() > 0.01
    assert np.abs(again - moved)[..., :2].max() < 0.25 * np.abs(moved).max()
    assert float(read.articulators[:3].max()) < 0.1
    assert not read.articulators[:, ARTICULATORS.index("voice")].any()


def test_a_face_rests_with_closed_lips(portrait: Capture) -> None:
    assert portrait.tracking is not None
    marks = portrait.tracking.landmarks_3d.clone().repeat(20, 1, 1)
    marks[10:, 14, 1] -= 0.01  # open lips nearly all the time
    used = torch.ones(len(marks), dtype=torch.bool)
    au = torch.zeros(len(marks), len(AU_KEYS))
    au[:10, 0] = 1.0  # when they close, something else acts a little
    found = rested(marks, used, au)
    torch.testing.assert_close(found[14], marks[0, 14])


def test_what_pictures_do_not_ask_for_goes_back_to_the_surface() -> None:
    count = 5
    normals = torch.nn.functional.normalize(torch.randn(count, 3, generator=torch.Generator().manual_seed(2)), dim=1)
    spacing = torch.full((count,), 2e-3)
    points, extents = torch.zeros(count, 3), torch.full((count, 3), -6.5)
    rest = Rest(points, normals, spacing, extents)
    disks = Gaussians(points, facing(normals), extents, torch.zeros(count), torch.zeros(count, 1, 3))
    assert float(surface_penalty(disks, rest)) == pytest.approx(0.0, abs=1e-5)
    near, far = (float(surface_penalty(disks.replace(means=points + d), rest)) for d in (0.02, 0.04))
    assert 1.8 * near < far < 2.2 * near  # pictures that ask for a centimetre are not outbid
    spike = extents.clone()
    spike[:, 2] += 2.0
    assert float(surface_penalty(disks.replace(log_scales=spike), rest)) > 1.0
    assert float(surface_penalty(disks.replace(log_scales=extents + 0.5), rest)) == pytest.approx(0.0, abs=1e-5)


def test_regions_without_a_face_stay() -> None:
    regions = np.full((8, 8), HAIR, np.uint8)
    np.testing.assert_array_equal(dressed(regions), regions)


def test_disks_reach_as_far_as_their_surface_is_pulled_apart(prior: Prior, portrait: Capture) -> None:
    person = person_of(portrait, prior, 300).surface
    flat = torch.cartesian_prod(torch.arange(12.0), torch.arange(12.0)) * 1e-3
    points = torch.cat([flat, torch.zeros(len(flat), 1)], 1)
    modes = torch.zeros(2, len(points), 3)
    right = points[:, 0] > 5.5e-3
    modes[0, right, 0] = points[right, 0] - 6e-3  # pulled to twice its length
    modes[1, :, 1] = 0.03 * right  # parts go their ways, as lips do
    surface = replace(person, points=points, modes=modes, parts=right.long())
    found = stretch(surface, torch.arange(len(points)))
    assert float(found[~right].max()) < 1.01
    inner = right & (points[:, 0] > 6.5e-3) & (points[:, 0] < 10.5e-3)
    assert float(found[inner].min()) > 1.2
    assert float(found.max()) < 2.01


def test_a_jaw_pushed_aside_takes_the_mouth_along_and_nothing_else(portrait: Capture, prior: Prior) -> None:
    assert portrait.tracking is not None
    assert portrait.articulators is not None
    marks = portrait.tracking.landmarks_3d.clone()
    marks[4:, [*UPPER, *LOWER, *AROUND, *CHIN], 0] += 0.006
    still = replace(
        portrait,
        au=torch.zeros_like(portrait.au),
        articulators=torch.zeros_like(portrait.articulators),
        tracking=replace(portrait.tracking, landmarks_3d=marks),
    )
    slips = slips_of(still, prior, as_performer(still, prior))
    assert slips is not None
    assert not slips.moves[:3].any()
    torch.testing.assert_close(slips.moves[5], torch.tensor([0.006, 0.0, 0.0]).expand(len(slips.places), 3))
    person = replace(person_of(still, prior, 300), slips=slips)
    few = replace(RECIPES["portrait"], initial_gaussians=1_500, max_gaussians=1_500)
    learner = Learner(person.surface, few, torch.device("cpu"), (prior, person))
    slip = learner.slip(5)
    assert slip is not None
    parts = person.surface.parts[learner.rows]
    of = {name: parts == prior.bare.part_names.index(name) for name in ("lips", "eye_left", "brow", "garment")}
    assert float(slip[of["lips"], 0].median()) > 0.004
    assert float(slip[of["eye_left"] | of["brow"] | of["garment"]].abs().max()) < 5e-4
    assert not learner.slip(0).any()  # type: ignore[union-attr]


def test_a_collar_goes_with_the_body(prior: Prior, tmp_path: Path) -> None:
    """Where it was seen it stays; the neck beside it still goes with the head."""
    capture = load_capture(write_portrait(tmp_path / "her", frames=6))
    assert capture.tracking is not None
    found, pivots = _bent(prior, capture.tracking.head.double().numpy(), capture.tracking.pivots.double().numpy())
    pictures = Pictures(capture, pivots, prior)
    width, height = capture.info.size_px
    labels = np.full((height, width), FACE, np.uint8)
    labels[:, : width // 2] = TORSO
    pictures.regions = lambda image: labels  # type: ignore[method-assign]
    before, posed = found.skinning.copy(), pictures.posed(found, pictures.front)
    _wear(found, pictures, prior.bare)
    neck = _of(found, prior.bare, "neck")
    pixels, _ = project(posed, pictures.camera(pictures.front))
    inside = (pixels[:, 1] >= 0) & (pixels[:, 1] < height) & (pixels[:, 0] >= 0) & (pixels[:, 0] < width)
    collar = neck & inside & (pixels[:, 0] < width // 2 - 1)
    assert collar.sum() > 20
    assert (found.skinning[collar, 0] == 1.0).all()
    bare = neck & (pixels[:, 0] > width // 2 + 1)
    assert np.array_equal(found.skinning[bare], before[bare])
    assert np.abs(pictures.posed(found, pictures.front) - posed).max() < 1e-6
