"""On an NVIDIA card, with everything real: pictures, the recorded deformer, batches, and training.

`scripts/gpu_check` runs these with the benchmark. Elsewhere they are skipped; tests/engine/splat/test_cuda.py runs the
same lines with a stand-in for gsplat.
"""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from studio.engine.avatar import Avatar, load_avatar
from studio.engine.controls import Pose
from studio.engine.renderer import Renderer
from studio.engine.training.progress import Progress
from studio.engine.training.recipes import RECIPES
from studio.engine.training.trainer import train
from studio.errors import StudioError
from tests.engine.training.toy import write_toy_capture
from tests.support import controls, toy_avatar

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.timeout(900),  # the first test compiles gsplat
    pytest.mark.skipif(
        not torch.cuda.is_available() or importlib.util.find_spec("gsplat") is None,
        reason="needs an NVIDIA card and gsplat",
    ),
]

SIZE = 160
MOMENTS = (
    controls(),
    controls({"AU12": 5.0}, {"jaw_open": 0.7}),
    controls({"AU4": 4.0, "AU45": 5.0}, pose=Pose(20.0, -8.0, 4.0, 10.0, 5.0)),
)


@pytest.fixture(scope="module")
def avatar() -> Avatar:
    return toy_avatar(3000)


@pytest.fixture(scope="module")
def card(avatar: Avatar) -> Renderer:
    return Renderer(avatar, backend="cuda")


@pytest.fixture(scope="module")
def cpu(avatar: Avatar) -> Renderer:
    return Renderer(avatar, backend="cpu")


def psnr_db(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    return float(10 * np.log10(255**2 / max(float(((a.astype(float) - b.astype(float)) ** 2).mean()), 1e-9)))


@pytest.mark.parametrize("background", [(0.4, 0.5, 0.6), None], ids=["colour", "transparent"])
@pytest.mark.parametrize("yaw", [0.0, 40.0])
def test_cpu_opengl_and_cuda_give_the_same_picture(
    avatar: Avatar, card: Renderer, cpu: Renderer, background: tuple[float, float, float] | None, yaw: float
) -> None:
    camera = avatar.camera(yaw, width=SIZE, height=SIZE)
    renderers = [card]
    try:
        renderers.append(Renderer(avatar, backend="opengl"))
    except StudioError as error:
        print(error)  # noqa: T201 - a machine for computing alone may have no OpenGL; the report says so
    for moment in MOMENTS:
        want = cpu.frame(moment, camera, background=background).rgba
        for renderer in renderers:
            got = renderer.frame(moment, camera, background=background).rgba
            seen = want[..., 3] > 0
            assert psnr_db(got[..., 3], want[..., 3]) >= 45.0, renderer.backend
            assert psnr_db(got[seen], want[seen]) >= (45.0 if background is not None else 40.0), renderer.backend
            edge = (want[..., 3] > 0) & (want[..., 3] < 64) if background is None else seen
            assert psnr_db(got[edge][..., 3], want[edge][..., 3]) >= 45.0, renderer.backend


def test_the_recorded_deformer_moves_as_the_processors(avatar: Avatar, card: Renderer, cpu: Renderer) -> None:
    for moment in MOMENTS * 2:
        got, want = card.deformed(moment).to("cpu"), cpu.deformed(moment)
        assert float((got.means - want.means).abs().max()) < 5e-5
        assert float((got.sh - want.sh).abs().max()) < 1e-2
        assert float((got.opacity_logits.sigmoid() - want.opacity_logits.sigmoid()).abs().max()) < 4e-3


def test_pictures_drawn_together_are_those_drawn_alone(avatar: Avatar, card: Renderer) -> None:
    cameras = [avatar.camera(yaw, width=SIZE, height=SIZE) for yaw in (0.0, 20.0, -20.0)]
    together = card.frames(MOMENTS, cameras, background=(0.5, 0.5, 0.5))
    for picture, moment, camera in zip(together, MOMENTS, cameras, strict=True):
        alone = card.frame(moment, camera, background=(0.5, 0.5, 0.5)).rgba
        assert np.abs(picture.astype(int) - alone).max() <= 1


def test_a_tiny_avatar_is_trained_on_the_card(tmp_path: Path) -> None:
    capture = write_toy_capture(tmp_path / "egg", frames=16, images=9, size_px=48, points=300, sound=False)
    recipe = replace(
        RECIPES["quick"], geometry_iterations=60, coarse_iterations=60, fine_iterations=60, max_gaussians=600
    )
    reports: list[Progress] = []
    path = train(capture, tmp_path / "egg.safetensors", recipe, progress=reports.append)
    assert path is not None
    trained = load_avatar(path)
    assert "cuda" in str(trained.info.training["machine"])
    assert trained.gaussians.is_finite()
    coarse = [report.loss for report in reports if report.stage == "coarse"]
    assert coarse[-1] < coarse[0]
    assert Renderer(trained, backend="cuda").frame(MOMENTS[1], trained.camera(0.0, width=64, height=64)).rgba.any()
