import numpy as np
import pytest

from studio.engine.performer.hair import grow_hair
from studio.engine.performer.sampling import PARTS, ZONE_A, ZONE_E, ZONE_S, sample_surface
from studio.engine.performer.strands import brows, lashes


@pytest.fixture(scope="module")
def samples(nora):
    rng = np.random.default_rng(3)
    strands = [brows(nora.head, rng), lashes(nora.head, rng), grow_hair(nora.head, nora.anatomy, rng)]
    return sample_surface(nora, strands, 3000, rng)


def test_every_point_is_complete(samples, nora):
    assert samples.points.shape == (3000, 3)
    assert samples.modes.shape == (len(nora.modes), 3000, 3)
    assert np.isfinite(samples.points).all()
    assert np.allclose(np.linalg.norm(samples.normals, axis=1), 1.0, atol=1e-6)
    assert np.allclose(samples.skinning.sum(axis=1), 1.0)
    assert samples.skinning.min() >= 0
    assert samples.spacing.min() > 0
    assert 0 <= samples.colours.min() <= samples.colours.max() <= 1


def test_all_parts_and_zones_occur(samples):
    assert set(np.unique(samples.parts)) == set(range(len(PARTS)))
    assert set(np.unique(samples.zones)) == {ZONE_A, ZONE_E, ZONE_S}


def test_zones_follow_the_parts(samples):
    part = np.array(PARTS)[samples.parts]
    assert (samples.zones[np.isin(part, ["lips", "teeth", "tongue"])] == ZONE_A).all()
    assert (samples.zones[np.isin(part, ["brow", "hair", "lids"])] == ZONE_E).all()
    assert (samples.zones[part == "garment"] == ZONE_S).all()


def test_eyes_turn_with_the_gaze_and_hair_with_the_head_only(samples, nora):
    part = np.array(PARTS)[samples.parts]
    assert (samples.skinning[part == "eye_left", 2] == 1).all()
    assert (samples.skinning[part == "eye_right", 3] == 1).all()
    assert (samples.skinning[part == "hair", 1] == 1).all()
    assert (samples.modes[:, part == "hair"] == 0).all()
    assert samples.skinning[samples.points[:, 1] < nora.head.chin[1] - 0.09, 0].min() > 0.9


def test_points_are_dense_on_lips_and_sparse_on_the_neck(samples):
    part = np.array(PARTS)[samples.parts]
    assert np.median(samples.spacing[part == "lips"]) < 0.6 * np.median(samples.spacing[part == "neck"])
