"""Stiff parts of pictures are found where they were put."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from studio.engine.capture.registration import Freedom, Lens, Part, as_motion, as_parameters, sample

F64 = NDArray[np.float64]
SIZE, DEPTH = 96, 0.6
LENS = Lens(170.0, 170.0, SIZE / 2, SIZE / 2)
ACROSS = Freedom((0.0, 0.0, 0.1, 0.03, 0.03, 0.03))
PX = DEPTH / LENS.fx
"""Metres that are one pixel."""


def world(seed: int = 3) -> NDArray[np.float32]:
    """A picture with features of many sizes."""
    random = np.random.default_rng(seed)
    layers = [ndimage.gaussian_filter(random.normal(size=(SIZE, SIZE, 3)), (s, s, 0)) * s for s in (1.5, 4.0, 9.0)]
    return np.asarray(np.clip(128 + 160 * sum(layers), 0, 255), np.float32)


def shown(look: NDArray[np.float32], motion: F64, noise: float = 2.0, seed: int = 0) -> NDArray[np.uint8]:
    """The picture of a flat world after a motion."""
    points = LENS.points(np.full((SIZE, SIZE), DEPTH))
    back = np.linalg.inv(motion)
    turned, shift = back[:3, :3], back[:3, 3]
    # The ray through each pixel, cut with the moved plane: its place in the world before the motion.
    rays = points / DEPTH
    along = (DEPTH - shift[2]) / (rays @ turned[2])
    flat = LENS.project((rays * along[:, None]) @ turned.T + shift)
    picture = sample(look, flat).reshape(SIZE, SIZE, 3)
    picture = picture + np.random.default_rng(seed).normal(scale=noise, size=picture.shape)
    return np.asarray(np.clip(np.round(picture), 0, 255), np.uint8)


@pytest.fixture(scope="module")
def part() -> Part:
    where = np.zeros((SIZE, SIZE), dtype=bool)
    where[34:84, 16:80] = True
    part = Part(LENS, np.full((SIZE, SIZE), DEPTH), where, ACROSS)
    part.learn([shown(world(), np.eye(4), seed=i) for i in range(6)], [np.eye(4)] * 6)
    return part


@pytest.mark.parametrize(
    "truth",
    [
        (0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
        (0.0, 0.0, 0.0, 3.0 * PX, -2.0 * PX, 0.0),
        (0.0, 0.0, 0.06, -1.0 * PX, 2.0 * PX, 0.0),
        (0.0, 0.0, -0.03, 5.0 * PX, 4.0 * PX, 0.02),
    ],
)
def test_a_known_motion_is_found_within_a_twentieth_of_a_pixel(part: Part, truth: tuple[float, ...]) -> None:
    motion = as_motion(np.array(truth), part.middle)
    found = part.find(part.looks(shown(world(), motion, seed=9)), np.eye(4), np.eye(4))
    wrong = as_parameters(found.motion, part.middle) - truth
    assert np.abs(wrong[3:5]).max() < 0.05 * PX
    assert abs(wrong[2]) < 0.002
    assert abs(wrong[5]) < 0.003
    assert found.alike > 0.8


def test_what_stands_still_hardly_trembles(part: Part) -> None:
    pictures = [shown(world(), np.eye(4), noise=4.0, seed=i) for i in range(20)]
    found = [part.find(part.looks(picture), np.eye(4), np.eye(4)) for picture in pictures]
    places = np.stack([as_parameters(each.motion, part.middle)[3:5] for each in found])
    assert places.std(axis=0).max() < 0.02 * PX


def test_brightness_and_a_hand_before_it_do_not_move_it(part: Part) -> None:
    motion = as_motion(np.array([0, 0, 0.02, 2 * PX, PX, 0.0]), part.middle)
    picture = shown(world(), motion).astype(np.float32) * 0.85
    picture[40:70, 20:40] = 30.0
    found = part.find(part.looks(picture.astype(np.uint8)), np.eye(4), np.eye(4))
    wrong = as_parameters(found.motion, part.middle) - [0, 0, 0.02, 2 * PX, PX, 0.0]
    assert np.abs(wrong[3:5]).max() < 0.1 * PX
    assert found.gain == pytest.approx(0.85, abs=0.02)


def test_light_that_stays_while_it_turns_does_not_hold_it() -> None:
    """A lamp's highlight and shade are large; the little that goes with the skin tells where it is."""
    y, x = np.mgrid[:SIZE, :SIZE]
    light = 90.0 * np.exp(-((x - 20) ** 2 + (y - 60) ** 2) / (2 * 40.0**2))[..., None]
    random = np.random.default_rng(4)
    fine = 40 * ndimage.gaussian_filter(random.normal(size=(SIZE, SIZE, 3)), (2.0, 2.0, 0))
    where = np.zeros((SIZE, SIZE), dtype=bool)
    where[34:84, 16:80] = True
    shift = as_motion(np.array([0, 0, 0, 3 * PX, 0, 0.0]), np.zeros(3))

    def lit(motion: F64, seed: int) -> NDArray[np.uint8]:
        picture = shown(np.asarray(110 + fine, np.float32), motion, seed=seed) + light
        return np.asarray(np.clip(picture, 0, 255), np.uint8)

    missed = []
    for shaded in (False, True):
        part = Part(LENS, np.full((SIZE, SIZE), DEPTH), where, ACROSS, shaded=shaded)
        part.learn([lit(np.eye(4), i) for i in range(6)], [np.eye(4)] * 6)
        found = part.find(part.looks(lit(shift, 9)), np.eye(4), np.eye(4))
        missed.append(float(np.abs(as_parameters(found.motion, part.middle)[3] - 3 * PX)) / PX)
    assert missed[1] < 0.1
    assert missed[0] > 3 * missed[1]


def test_what_is_hidden_does_not_look_alike(part: Part) -> None:
    assert part.find(part.looks(shown(world(11), np.eye(4))), np.eye(4), np.eye(4)).alike < 0.45


def test_pictures_of_something_that_moves_agree_after_learning() -> None:
    random = np.random.default_rng(5)
    truths = np.zeros((10, 6))
    truths[:, 3:5] = random.uniform(-4, 4, size=(10, 2)) * PX
    where = np.zeros((SIZE, SIZE), dtype=bool)
    where[30:84, 16:80] = True
    part = Part(LENS, np.full((SIZE, SIZE), DEPTH), where, ACROSS)
    pictures = [shown(world(), as_motion(row, part.middle), seed=i) for i, row in enumerate(truths)]
    found = np.stack([as_parameters(m, part.middle) for m in part.learn(pictures, [np.eye(4)] * len(pictures))])
    apart = (found - truths)[:, 3:5]
    assert np.abs(apart - np.median(apart, axis=0)).max() < 0.15 * PX
