from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from studio.engine.capture.mesh import MESH_POINTS, POINTS
from studio.engine.capture.pose import FLIP, angles_deg, jitter_deg, neck_pivot, smoothed, track_head

FOCAL = 900.0
SIZE = (480, 480)
PIVOT = np.array([0.0, -0.08, -0.08])


def head(rng: np.random.Generator) -> NDArray[np.float64]:
    """(468, 3) points on half an egg, the size of a face."""
    ball = rng.normal(size=(MESH_POINTS, 3))
    ball[:, 2] = np.abs(ball[:, 2])
    points = ball / np.linalg.norm(ball, axis=1)[:, None] * [0.075, 0.09, 0.06]
    points[[33, 263, 234, 454]] = [[-0.045, 0.02, 0.03], [0.045, 0.02, 0.03], [-0.075, 0, 0], [0.075, 0, 0]]
    return np.asarray(points)


def filmed(
    points: NDArray[np.float64], turns_deg: NDArray[np.float64], noise_px: float, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Landmarks (F, 478, 3) as a landmarker gives them, and the true head → camera rotations."""
    yaw, pitch, roll = turns_deg.T
    turn = Rotation.from_euler("YXZ", np.stack([yaw, -pitch, -roll], 1), degrees=True).as_matrix()
    rotation = FLIP @ turn
    moved = np.einsum("fij,kj->fki", rotation, points - PIVOT) + FLIP @ PIVOT + [0.0, 0.0, 0.75]
    out = np.full((len(turns_deg), POINTS, 3), 0.0)
    out[:, :MESH_POINTS, :2] = moved[..., :2] / moved[..., 2:] * FOCAL + 240
    out[:, :MESH_POINTS, 2] = moved[..., 2] / 0.75 * FOCAL
    out[:, :MESH_POINTS, :2] += noise_px * rng.normal(size=out[:, :MESH_POINTS, :2].shape)
    return out, rotation


def test_poses_shape_and_lens_of_a_turning_head_are_found() -> None:
    rng = np.random.default_rng(0)
    canonical = head(rng)
    person = canonical + 0.002 * rng.normal(size=canonical.shape)
    t = np.arange(120) / 25
    turns = np.stack([22 * np.sin(t), 12 * np.sin(1.7 * t), 6 * np.sin(2.3 * t)], 1)
    marks, truth = filmed(person, turns, 0.4, rng)
    track = track_head(marks, np.ones(120, bool), canonical, SIZE)
    away = Rotation.from_matrix(np.swapaxes(truth, 1, 2) @ track.rotation)
    constant = away.mean()
    assert np.degrees(constant.magnitude()) < 2.0
    assert np.degrees((constant.inv() * away).magnitude()).max() < 0.8
    assert 0.5 * FOCAL < track.focal < 2.0 * FOCAL
    assert np.nanmedian(track.error_px) < 1.2
    assert angles_deg(FLIP @ track.rotation) == pytest.approx(turns, abs=2.5)


def test_a_still_head_stays_still() -> None:
    rng = np.random.default_rng(1)
    canonical = head(rng)
    marks, _ = filmed(canonical, np.tile([[4.0, -3.0, 1.0]], (150, 1)), 0.5, rng)
    good = np.ones(150, bool)
    track = smoothed(track_head(marks, good, canonical, SIZE), marks, np.zeros(150, bool))
    assert jitter_deg(track.rotation, good) < 0.1
    turns = angles_deg(FLIP @ track.rotation)
    assert np.sqrt(np.mean((turns - turns.mean(0)) ** 2)) < 0.1


def test_smoothing_does_not_reach_across_a_cut() -> None:
    rng = np.random.default_rng(2)
    canonical = head(rng)
    turns = np.where(np.arange(80)[:, None] < 40, [[-10.0, 0, 0]], [[10.0, 0, 0]])
    marks, _ = filmed(canonical, turns, 0.3, rng)
    cuts = np.zeros(80, bool)
    cuts[40] = True
    found = angles_deg(FLIP @ smoothed(track_head(marks, np.ones(80, bool), canonical, SIZE), marks, cuts).rotation)
    assert found[39, 0] == pytest.approx(-10, abs=1.5)
    assert found[40, 0] == pytest.approx(10, abs=1.5)


def test_the_neck_is_where_the_head_turns() -> None:
    rng = np.random.default_rng(3)
    turns = rng.normal(scale=12, size=(200, 3))
    rotation = FLIP @ Rotation.from_euler("YXZ", turns, degrees=True).as_matrix()
    translation = FLIP @ PIVOT - np.einsum("fij,j->fi", rotation, PIVOT) + [0, 0, 0.8]
    found = neck_pivot(rotation, translation, np.ones(200, bool), PIVOT + np.array([0.01, -0.02, 0.015]))
    assert found == pytest.approx(PIVOT, abs=0.004)
