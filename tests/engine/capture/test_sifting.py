from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from studio.engine.capture.faces import Detection, Region, overlap, region_of_detection
from studio.engine.capture.matte import REGIONS, background_plate, freed, regions
from studio.engine.capture.mesh import FACE_OVAL, LIPS_INNER, LIPS_OUTER, POINTS
from studio.engine.capture.observing import THUMB_PX, Observed
from studio.engine.capture.sifting import FROZEN, NO_FACE, OTHER_FACE, OTHER_SHOT, OUTSIDE, first_sift

SIZE = (320, 240)


def watched(n: int = 150, x: float = 160.0) -> Observed:
    """A face, 80 pixels wide, that does nothing in front of a wall."""
    points = np.zeros((n, POINTS, 3), np.float32)
    turn = np.linspace(0, 2 * np.pi, len(FACE_OVAL), endpoint=False)
    points[..., 0], points[..., 1] = x, 120
    points[:, list(FACE_OVAL), 0] = x + 40 * np.sin(turn)
    points[:, list(FACE_OVAL), 1] = 120 - 52 * np.cos(turn)
    return Observed(
        points=points,
        scores=np.zeros((n, 52), np.float32),
        presence=np.ones(n, np.float32),
        time_s=np.arange(n) / 25,
        fresh=np.ones(n, bool),
        other=np.full((n, 4), np.nan, np.float32),
        sharpness=np.ones(n, np.float32),
        colour=np.full((n, 3), 120, np.float32),
        thumb=np.full((n, THUMB_PX, THUMB_PX), 90, np.uint8),
    )


def test_a_plain_clip_is_used_whole() -> None:
    assert first_sift(watched(), SIZE).used.all()


def test_everything_that_spoils_a_picture_is_named() -> None:
    seen = watched()
    seen.points[10:15] = np.nan
    seen.fresh[30:50] = False
    seen.other[80] = (10, 10, 70, 70)
    seen.points[120:130, :, 0] += 130
    found = first_sift(seen, SIZE)
    assert set(found.reasons[10:15]) == {NO_FACE}
    assert found.reasons[31] == ""
    assert found.reasons[45] == FROZEN
    assert found.reasons[80] == found.reasons[77] == OTHER_FACE
    assert found.reasons[60] == ""
    assert found.reasons[125] in (OUTSIDE, OTHER_SHOT)
    assert found.breaks[15]
    assert {"start": 10, "end": 15, "reason": NO_FACE} in found.spans()


def test_a_small_face_far_behind_is_no_matter() -> None:
    seen = watched()
    seen.other[80] = (10, 10, 25, 25)
    assert first_sift(seen, SIZE).used.all()


@pytest.mark.parametrize(("wall", "kept"), [(200, False), (92, True)])
def test_after_a_cut_only_the_same_set_up_counts(wall: int, kept: bool) -> None:
    seen = watched()
    thumb = seen.thumb.copy()
    thumb[100:] = wall
    points = seen.points.copy()
    points[100:, :, 0] += 60  # a jump cut
    found = first_sift(replace(seen, thumb=thumb, points=points), SIZE)
    assert found.breaks[100]
    assert found.used[:100].all()
    assert found.used[100:].all() == kept
    assert kept or set(found.reasons[100:]) == {OTHER_SHOT}


def test_the_background_is_what_lies_free() -> None:
    rng = np.random.default_rng(0)
    wall = rng.integers(60, 200, (48, 48, 3)).astype(np.uint8)
    images, mattes = [], []
    for at in range(12):
        image, matte = wall.copy(), np.zeros((48, 48), np.float32)
        image[20:, 2 * at : 2 * at + 14] = (250, 10, 10)
        matte[20:, 2 * at : 2 * at + 14] = 1.0
        images.append(image)
        mattes.append(matte)
    plate, seen = background_plate(images, mattes)
    assert seen > 0.95
    assert np.abs(plate.astype(int) - wall).max() <= 1


def test_where_nothing_was_seen_the_background_is_filled() -> None:
    image = np.full((32, 32, 3), 80, np.uint8)
    matte = np.zeros((32, 32), np.float32)
    matte[8:24, 8:24] = 1.0
    plate, seen = background_plate([image], [matte])
    assert 0.3 < seen < 0.9
    assert np.abs(plate.astype(int) - 80).max() <= 1


def test_half_covered_pixels_lose_the_backgrounds_colour() -> None:
    plate = np.full((4, 4, 3), (0, 200, 0), np.uint8)
    own = np.array([120.0, 60.0, 30.0])
    alpha = np.full((4, 4), 0.5, np.float32)
    mixed = np.round(0.5 * own + 0.5 * plate).astype(np.uint8)
    _, colour = freed(mixed, alpha, plate, known=True)
    assert np.abs(colour - own).max() <= 2


def oval_points() -> NDArray[np.float64]:
    points = watched().points[0, :, :2].astype(np.float64)
    for ring, wide, high in ((LIPS_OUTER, 16, 9), (LIPS_INNER, 12, 5)):
        turn = np.linspace(np.pi, 3 * np.pi, len(ring), endpoint=False)
        points[list(ring)] = np.stack([160 + wide * np.cos(turn), 145 - high * np.sin(turn)], 1)
    points[13], points[14] = (160, 140), (160, 150)
    points[234], points[454], points[152] = (120, 120), (200, 120), (160, 172)
    return points


def test_regions_lie_where_the_landmarks_say() -> None:
    rgb = np.full((240, 320, 3), (60, 60, 70), np.uint8)
    alpha = np.zeros((240, 320), np.float32)
    alpha[40:, 110:210] = 1.0
    rgb[66:190, 118:202] = (200, 150, 130)  # face and neck
    rgb[140:151, 146:175] = (90, 30, 32)
    rgb[141:144, 150:170] = (235, 232, 228)  # teeth
    rgb[40:66, 110:210] = (40, 25, 15)
    found = regions(rgb, alpha, oval_points())

    def at(x: int, y: int) -> str:
        return REGIONS[found[y, x]]

    assert at(160, 100) == "face"
    assert at(160, 50) == "hair"
    assert at(160, 182) == "neck"
    assert at(130, 230) == "torso"
    assert at(20, 20) == "background"
    assert at(160, 142) == "teeth"
    assert at(160, 147) == "mouth"
    assert at(146, 145) == "lips"


def test_a_turned_region_maps_its_corners() -> None:
    region = Region(100.0, 50.0, 40.0, np.pi / 2)
    corners = region.to_picture(np.array([[0.5, 0.5], [1.0, 0.5], [0.0, 0.0]]))
    assert corners == pytest.approx(np.array([[100, 50], [100, 70], [120, 30]]), abs=1e-9)
    tilted = Detection(np.array([0, 0, 60, 60.0]), np.array([[10, 20], [30, 40.0]]), 0.9)
    assert region_of_detection(tilted).angle == pytest.approx(np.pi / 4)
    assert overlap(np.array([0, 0, 2, 2.0]), np.array([1, 0, 3, 2.0])) == pytest.approx(1 / 3)
