from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from studio.engine.camera import orbit_camera
from studio.engine.gaussians import Gaussians
from studio.engine.splat.compose import compose_rgba8
from studio.engine.splat.cpu import CpuRasterizer, warm_up
from studio.engine.splat.reference import ReferenceRasterizer
from studio.engine.splat.stats import ScreenStats
from tests.engine.splat.scenes import KINDS, NAMES, camera, leaves, psnr_db, random_loss, random_scene

GOLDEN = Path(__file__).parents[2] / "data" / "splat_golden.png"
ROOT = Path(__file__).parents[3]


def golden_scene() -> Gaussians:
    """A ball of 1,500 little tiles along a golden spiral, whose colours wander and depend on the view."""
    n = 1500
    i = np.arange(n) + 0.5
    polar, azimuth = np.arccos(1 - 2 * i / n), np.pi * (1 + 5**0.5) * i
    normals = np.stack([np.sin(polar) * np.cos(azimuth), np.cos(polar), np.sin(polar) * np.sin(azimuth)], axis=1)
    z = np.array([0.0, 0.0, 1.0])
    quats = np.concatenate([(1 + normals @ z)[:, None], np.cross(z, normals)], axis=1)
    sh = np.zeros((n, 4, 3))
    sh[:, 0] = 1.1 * np.cos(3 * polar[:, None] + np.array([0.0, 2.0, 4.0])) * np.sin(polar)[:, None]
    sh[:, 1] = 0.3
    arrays = (0.1 * normals, quats, np.log([[0.007, 0.0025, 0.0004]] * n), np.full(n, 3.0), sh)
    return Gaussians(*(torch.tensor(a, dtype=torch.float32) for a in arrays))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", [0, 1])
def test_picture_matches_the_reference(kind: str, seed: int) -> None:
    gaussians = random_scene(kind, seed)
    ours = CpuRasterizer().render(gaussians, camera(), depth=True)
    truth = ReferenceRasterizer().render(gaussians, camera(), depth=True)
    assert ours.depth is not None
    assert truth.depth is not None
    assert float(truth.alpha.max()) > 0.01
    assert psnr_db(ours.rgb, truth.rgb) >= 60.0
    assert psnr_db(ours.alpha, truth.alpha) >= 60.0
    assert psnr_db(ours.depth, truth.depth) >= 60.0


@settings(deadline=None, max_examples=25)
@given(
    st.sampled_from(KINDS),
    st.integers(0, 2**32 - 1),
    st.integers(1, 50),
    st.integers(1, 50),
    st.sampled_from([0, 1, 2, 3]),
)
def test_picture_matches_the_reference_at_any_size(kind: str, seed: int, width: int, height: int, degree: int) -> None:
    gaussians = random_scene(kind, seed, n=40, degree=degree)
    view = camera(width, height)
    ours, truth = CpuRasterizer().render(gaussians, view), ReferenceRasterizer().render(gaussians, view)
    assert psnr_db(ours.rgb, truth.rgb) >= 60.0
    assert psnr_db(ours.alpha, truth.alpha) >= 60.0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("depth", [False, True])
def test_gradients_match_the_reference(kind: str, depth: bool) -> None:
    """Each tensor's gradient as a whole vector: ‖ours - reference‖ ≤ 1e-3 ‖reference‖.

    A pixel on the edge where a contribution falls below 1/255 may be on one side here and on the other there. That
    changes one of thousands of terms of relative size 1/255, so a norm over all Gaussians keeps its meaning where an
    element-wise comparison would not.
    """
    ours, truth = leaves(random_scene(kind, seed=5)), leaves(random_scene(kind, seed=5))
    random_loss(CpuRasterizer().render(ours, camera(), depth=depth)).backward()
    random_loss(ReferenceRasterizer().render(truth, camera(), depth=depth)).backward()
    for name in NAMES:
        got, want = getattr(ours, name).grad.double(), getattr(truth, name).grad.double()
        assert float(want.norm()) > 0.0
        assert float((got - want).norm()) <= 1e-3 * float(want.norm()), name


def test_gradients_without_cut_offs_match_element_by_element() -> None:
    """All Gaussians cover the whole small picture well above 1/255, so that no discontinuity is near."""
    scene = random_scene("plain", seed=8, n=6)
    scene = scene.replace(log_scales=scene.log_scales + 3.0, opacity_logits=torch.linspace(-1.0, 1.0, 6))
    ours, truth, view = leaves(scene), leaves(scene), camera(13, 11)
    random_loss(CpuRasterizer().render(ours, view)).backward()
    random_loss(ReferenceRasterizer().render(truth, view)).backward()
    for name in NAMES:
        got, want = getattr(ours, name).grad, getattr(truth, name).grad
        torch.testing.assert_close(got, want, rtol=1e-3, atol=1e-4 * float(want.abs().max()))


def test_stats_match_the_reference() -> None:
    ours, truth = leaves(random_scene("mixed", seed=2)), leaves(random_scene("mixed", seed=2))
    got, want = ScreenStats(), ScreenStats()
    random_loss(CpuRasterizer().render(ours, camera(), stats=got)).backward()
    random_loss(ReferenceRasterizer().render(truth, camera(), stats=want)).backward()
    assert got.size_px == want.size_px == (61, 45)
    assert got.visible is not None
    assert want.visible is not None
    assert not bool((got.visible & ~want.visible).any())  # boxes may touch the picture where ellipses do not
    drawn = got.visible
    torch.testing.assert_close(got.radii_px[drawn], want.radii_px[drawn], rtol=1e-4, atol=1e-2)  # type: ignore[index]
    assert got.screen_gradients is not None
    error = got.screen_gradients - want.screen_gradients
    assert float(error.norm()) <= 1e-3 * float(want.screen_gradients.norm())  # type: ignore[union-attr]
    half = torch.tensor([61.0, 45.0]) / 2
    torch.testing.assert_close(got.gradient_norms(), (got.screen_gradients * half).norm(dim=1))


def test_gradients_reach_only_what_asks_for_them() -> None:
    scene = random_scene("plain", seed=1, n=30)
    scene = scene.replace(sh=scene.sh.clone().requires_grad_())
    CpuRasterizer().render(scene, camera()).rgb.sum().backward()
    assert scene.sh.grad is not None
    assert scene.means.grad is None
    with torch.no_grad():
        assert not CpuRasterizer().render(scene, camera()).rgb.requires_grad


def test_double_precision_gaussians_are_accepted() -> None:
    scene = random_scene("plain", seed=1, n=30)
    double = leaves(Gaussians(*(getattr(scene, name).double() for name in NAMES)))
    raster = CpuRasterizer().render(double, camera())
    raster.alpha.sum().backward()
    assert double.means.grad is not None
    assert double.means.grad.dtype == torch.float64
    torch.testing.assert_close(raster.rgb, CpuRasterizer().render(scene, camera()).rgb)


def test_no_gaussians_draw_nothing() -> None:
    none = random_scene("plain", 0).select(torch.zeros(150, dtype=torch.bool))
    raster = CpuRasterizer().render(leaves(none), camera(), depth=True)
    assert raster.depth is not None
    assert not any(bool(image.detach().any()) for image in (raster.rgb, raster.alpha, raster.depth))
    raster.rgb.sum().backward()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_gaussians_that_are_not_finite_are_left_out(name: str, value: float) -> None:
    scene = random_scene("plain", seed=4, n=60)
    spoiled = getattr(scene, name).clone()
    spoiled.reshape(60, -1)[::3, 0] = value
    healthy = scene.select(torch.arange(60) % 3 != 0)
    broken = leaves(scene.replace(**{name: spoiled}))
    got = CpuRasterizer().render(broken, camera())
    torch.testing.assert_close(got.rgb, CpuRasterizer().render(healthy, camera()).rgb)
    random_loss(got).backward()
    for each in NAMES:
        assert bool(getattr(broken, each).grad.isfinite().all()), each


@pytest.mark.parametrize("log_scale", [-80.0, -30.0, 3.0, 30.0, 80.0])
def test_absurd_sizes_neither_crash_nor_spoil_gradients(log_scale: float) -> None:
    scene = random_scene("plain", seed=6, n=20)
    absurd = leaves(scene.replace(log_scales=torch.full((20, 3), log_scale)))
    raster = CpuRasterizer().render(absurd, camera())
    assert bool(raster.rgb.isfinite().all())
    assert psnr_db(raster.alpha, ReferenceRasterizer().render(absurd, camera()).alpha) >= 60.0
    random_loss(raster).backward()
    assert all(bool(getattr(absurd, name).grad.isfinite().all()) for name in NAMES)


def test_another_device_is_refused_by_name() -> None:
    scene = random_scene("plain", 0, n=2).to("meta")
    with pytest.raises(ValueError, match="meta"):
        CpuRasterizer().render(scene, camera())


def test_golden_frame() -> None:
    raster = CpuRasterizer().render(golden_scene(), orbit_camera(25.0, 20.0, 0.65, width=200, height=168))
    image = compose_rgba8(raster, (0.16, 0.17, 0.19))
    with Image.open(GOLDEN) as golden:
        want = np.asarray(golden.convert("RGBA"))
    assert image.shape == want.shape
    assert int(np.abs(image.astype(int) - want.astype(int)).max()) <= 2


def test_threads_draw_at_once_and_get_their_own_pictures() -> None:
    scenes = [random_scene("plain", seed, n=300) for seed in range(4)]
    alone = [CpuRasterizer().render(scene, camera(150, 130)).rgb for scene in scenes]
    wrong: list[int] = []

    def work(i: int) -> None:
        for _ in range(10):
            if not torch.equal(CpuRasterizer().render(scenes[i], camera(150, 130)).rgb, alone[i]):
                wrong.append(i)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_alone_it_loads_no_graphics_library_and_survives_threads_on_the_simplest_layer() -> None:
    """In a process of its own: numba's workqueue layer aborts the process if two threads get into kernels at once."""
    code = """
import sys, threading
from studio.engine.splat.choose import choose_rasterizer
from tests.engine.splat.scenes import camera, random_scene
scene = random_scene("plain", 0)
def work():
    for _ in range(20):
        choose_rasterizer("cpu").render(scene, camera())
threads = [threading.Thread(target=work) for _ in range(3)]
[t.start() for t in threads]
[t.join() for t in threads]
print(sorted({"gsplat", "moderngl", "PySide6"} & set(sys.modules)))
"""
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"PATH": "", "NUMBA_THREADING_LAYER": "workqueue", "NUMBA_NUM_THREADS": "2", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "[]"


def test_warm_up_prepares_both_directions() -> None:
    thread = warm_up(backward=True)
    thread.join(timeout=200)
    assert not thread.is_alive()
