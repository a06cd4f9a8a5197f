from __future__ import annotations

import numpy as np
import torch

from studio.engine.gaussians import Gaussians
from studio.engine.splat.harmonics import sh_colours
from studio.engine.splat.instances import instances_of
from studio.engine.splat.projection import project
from tests.engine.splat.scenes import NAMES, camera, random_scene


def _depths(rows: np.ndarray, view: np.ndarray) -> np.ndarray:
    return rows[:, :3].astype(np.float64) @ view[2, :3] + view[2, 3]


def test_farthest_first_and_nothing_from_behind() -> None:
    scene, view = random_scene("behind", 3, n=2000), camera()
    rows = instances_of(scene, view).rows
    depths = _depths(rows, view.world_to_camera)
    assert 100 < len(rows) < 2000
    assert float(depths.min()) > 0.05
    assert float(np.diff(depths).max()) <= 1e-6


def test_of_equals_the_later_is_drawn_first() -> None:
    one = random_scene("plain", 0, n=1)
    three = one.select(torch.tensor([0, 0, 0]))
    marked = three.replace(opacity_logits=torch.tensor([1.0, 2.0, 3.0]))
    assert instances_of(marked, camera()).rows[:, 3].tolist() == [3.0, 2.0, 1.0]


def test_rows_hold_the_gaussians_in_the_colours_of_the_camera() -> None:
    scene, view = random_scene("plain", 5, degree=3), camera()
    rows = torch.from_numpy(instances_of(scene, view).rows)
    depths = project(Gaussians(*(getattr(scene, name).double() for name in NAMES)), view).depths
    order = depths.argsort(descending=True)
    assert len(rows) == len(scene)
    assert torch.equal(rows[:, :3], scene.means[order])
    assert torch.equal(rows[:, 3], scene.opacity_logits[order])
    assert torch.equal(rows[:, 4:8], scene.quats[order])
    assert torch.equal(rows[:, 8:11], scene.log_scales[order])
    eye = torch.tensor(view.position, dtype=torch.float32)
    assert torch.allclose(rows[:, 11:], sh_colours(scene.sh, scene.means, eye)[order], atol=1e-5)


def test_what_is_faint_or_not_finite_is_left_out() -> None:
    scene = random_scene("plain", 1, n=8)
    means, quats, scales = scene.means.clone(), scene.quats.clone(), scene.log_scales.clone()
    logits, sh = torch.zeros(8), scene.sh.clone()
    means[0, 1] = quats[1, 0] = scales[2, 2] = logits[3] = sh[4, 0, 1] = torch.nan
    logits[5], logits[6] = -5.6, torch.inf  # the first is fainter than 1/255
    rows = instances_of(Gaussians(means, quats, scales, logits, sh), camera()).rows
    assert len(rows) == 1
    assert np.array_equal(rows[0, :3], scene.means[7].numpy())


def test_nothing_at_all_is_no_row() -> None:
    assert instances_of(random_scene("plain", 0, n=0), camera()).rows.shape == (0, 14)
