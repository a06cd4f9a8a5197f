"""Landmarks are laid into the head as its final pose has it."""

import numpy as np
from scipy.spatial.transform import Rotation

from studio.engine.capture.mesh import POINTS, RIGID
from studio.engine.capture.pose import Tracked
from studio.engine.capture.reading import placed


def test_landmarks_are_where_the_head_s_pose_puts_them() -> None:
    rng, frames, focal, centre = np.random.default_rng(3), 5, 700.0, (250.0, 240.0)
    head = rng.normal(scale=0.05, size=(frames, POINTS, 3))
    head[:, list(RIGID)] = head[0, list(RIGID)]  # what is stiff; the rest acts
    turns = Rotation.from_rotvec(rng.normal(scale=0.2, size=(frames, 3))).as_matrix()
    away = np.array([0.02, -0.01, 0.6]) + rng.normal(scale=0.01, size=(frames, 3))
    seen = np.einsum("fij,fnj->fni", turns, head) + away[:, None]
    scale = away[:, 2] / focal
    marks = np.concatenate(
        [seen[..., :2] / seen[..., 2:] * focal + centre, (seen[..., 2:] - 0.55) / scale[:, None, None]], axis=2
    )
    shape = head[0, list(RIGID)]
    track = Tracked(turns, away, focal, centre, shape, np.zeros(frames), np.ones(frames, dtype=bool), np.zeros(6))
    np.testing.assert_allclose(placed(marks, track), head, atol=1e-9)
