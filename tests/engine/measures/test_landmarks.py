"""Landmarks are found on the surface without being told where, and their distance is that of the motion."""

from dataclasses import replace

import pytest
import torch

from studio.engine.measures.landmarks import LandmarkJudge, Marks, find_marks, front_camera
from studio.engine.training.capture import Capture
from tests.engine.known import head

FRAMES = tuple(range(20))


@pytest.fixture(scope="module")
def marks(egg: Capture) -> Marks:
    found = find_marks(egg)
    assert found is not None
    return found


def distances(capture: Capture, marks: Marks, **faults: float) -> dict[str, float]:
    judge = LandmarkJudge(head(capture, **faults), capture, marks)
    return judge.measure(FRAMES, capture.au_windows(FRAMES), capture.articulator_windows(FRAMES))


def test_landmarks_lie_where_the_surface_carries_them(egg: Capture, marks: Marks) -> None:
    assert marks.residual_px < 0.05
    surface = egg.surface
    assert surface is not None
    assert float(torch.cdist(marks.points, surface.points).amin(1).max()) < 2e-4
    assert marks.mouth.tolist() == [True, True, True, True, False]


def test_the_truth_is_at_no_distance_and_errors_grow(egg: Capture, marks: Marks) -> None:
    right, faint, gone = (distances(egg, marks, gain=gain) for gain in (1.0, 0.6, 0.0))
    assert right["lmd_px"] < 0.02
    assert right["lmd_face_px"] < 0.02
    assert faint["lmd_face_px"] > right["lmd_face_px"] + 0.02
    assert gone["lmd_face_px"] == pytest.approx(2.5 * faint["lmd_face_px"], rel=0.2)
    assert gone["lmd_px"] < 0.5 * gone["lmd_face_px"], "only the brow is wrong"


def test_the_front_camera_looks_at_the_face(egg: Capture) -> None:
    camera = front_camera(egg)
    assert abs(camera.position[0]) < 1e-6
    assert camera.position[2] > 0


def test_without_landmarks_or_with_foreign_ones_nothing_is_measured(egg: Capture) -> None:
    assert find_marks(replace(egg, landmarks=None)) is None
    assert find_marks(replace(egg, surface=None)) is None
    assert egg.landmarks is not None
    random = torch.Generator().manual_seed(2)
    guessed = 48 * torch.rand(egg.landmarks.shape, generator=random)
    assert find_marks(replace(egg, landmarks=guessed)) is None
