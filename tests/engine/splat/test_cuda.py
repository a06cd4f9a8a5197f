from __future__ import annotations

import ast
import importlib.metadata
import importlib.util
import inspect
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from studio.engine.camera import orbit_camera
from studio.engine.splat.choose import choose_rasterizer
from studio.engine.splat.compose import compose_rgba8
from studio.engine.splat.compose_tensor import compose_tensor
from studio.engine.splat.cuda import CudaRasterizer
from studio.engine.splat.reference import ReferenceRasterizer
from studio.engine.splat.stats import ScreenStats
from studio.errors import StudioError
from tests.engine.splat import fake_gsplat
from tests.engine.splat.scenes import NAMES, camera, leaves, psnr_db, random_loss, random_scene

needs_card = pytest.mark.skipif(
    not torch.cuda.is_available() or importlib.util.find_spec("gsplat") is None,
    reason="needs an NVIDIA card and gsplat",
)


@pytest.mark.gpu
@needs_card
@pytest.mark.parametrize("kind", ["plain", "behind", "off_screen", "needles", "huge", "transparent", "mixed"])
def test_picture_matches_the_reference(kind: str) -> None:
    scene = random_scene(kind, seed=0)
    ours = CudaRasterizer().render(scene, camera(), depth=True)
    truth = ReferenceRasterizer().render(scene, camera(), depth=True)
    assert ours.depth is not None
    assert truth.depth is not None
    assert ours.rgb.device == scene.means.device
    assert psnr_db(ours.rgb, truth.rgb) >= 50.0
    assert psnr_db(ours.alpha, truth.alpha) >= 50.0
    assert psnr_db(ours.depth, truth.depth) >= 45.0


@pytest.mark.gpu
@needs_card
def test_gradients_and_stats_match_the_reference() -> None:
    ours, truth = leaves(random_scene("transparent", 3)), leaves(random_scene("transparent", 3))
    got, want = ScreenStats(), ScreenStats()
    random_loss(CudaRasterizer().render(ours, camera(), stats=got)).backward()
    random_loss(ReferenceRasterizer().render(truth, camera(), stats=want)).backward()
    for name in NAMES:
        theirs, reference = getattr(ours, name).grad.double(), getattr(truth, name).grad.double()
        assert float((theirs - reference).norm()) <= 1e-2 * float(reference.norm()), name
    assert got.screen_gradients is not None
    assert want.screen_gradients is not None
    error = got.screen_gradients.cpu() - want.screen_gradients
    assert float(error.norm()) <= 1e-2 * float(want.screen_gradients.norm())


@pytest.mark.parametrize(
    ("failure", "match"),
    [
        (
            RuntimeError("nvcc fatal: unsupported gpu\nsecond line"),
            "could not be compiled .nvcc fatal: unsupported gpu",
        ),
        (ImportError("libcudart.so.12"), "libcudart"),
    ],
)
def test_a_build_that_fails_is_one_sentence(monkeypatch: pytest.MonkeyPatch, failure: Exception, match: str) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())

    def fail(name: str) -> None:
        raise failure

    monkeypatch.setattr("studio.engine.splat.cuda.importlib.import_module", fail)
    with pytest.raises(StudioError, match=match) as caught:
        choose_rasterizer("cuda")
    assert "\n" not in str(caught.value)


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> CudaRasterizer:
    """The cuda rasterizer over our reference in gsplat's place, on the processor."""
    for name, module in fake_gsplat.modules().items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr("studio.engine.splat.cuda.DEVICE", "cpu")
    fake_gsplat.CALLS.clear()
    return CudaRasterizer()


def test_the_stand_in_has_the_parameters_of_the_real_one() -> None:
    spec = importlib.util.find_spec("gsplat")
    if spec is None or spec.origin is None:
        pytest.skip("gsplat is not installed")
    assert importlib.metadata.version("gsplat") == fake_gsplat.VERSION, "look at the new release's signature"
    tree = ast.parse((Path(spec.origin).parent / "rendering.py").read_text(encoding="utf-8"))
    real = next(n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "rasterization")
    ours = inspect.signature(fake_gsplat.rasterization).parameters
    assert [argument.arg for argument in real.args.args] == list(ours)
    defaults = [ast.unparse(default) for default in real.args.defaults]
    shown = [repr(p.default) for p in ours.values() if p.default is not inspect.Parameter.empty]
    told = [
        (theirs, mine)
        for theirs, mine in zip(defaults, shown, strict=True)
        if theirs.replace("1e10", "10000000000.0") != mine
    ]
    assert told == [("RollingShutterType.GLOBAL", "None")]


@pytest.mark.parametrize("kind", ["plain", "behind"])
def test_what_gsplat_is_asked_for_is_the_picture(stand_in: CudaRasterizer, kind: str) -> None:
    scene, stats = random_scene(kind, seed=4, n=60), ScreenStats()
    got, want = (r.render(scene, camera(), depth=True) for r in (stand_in, ReferenceRasterizer()))
    assert psnr_db(got.rgb, want.rgb) >= 80.0
    assert psnr_db(got.alpha, want.alpha) >= 80.0
    assert got.depth is not None
    assert want.depth is not None
    assert psnr_db(got.depth, want.depth) >= 80.0
    assert stand_in.render(scene, camera(), stats=stats).depth is None
    assert stats.radii_px is not None
    assert stats.visible is not None
    assert stats.radii_px.shape == (60,)
    assert torch.equal(stats.visible, stats.radii_px > 0)
    assert stats.size_px == (camera().width, camera().height)


def test_what_is_not_finite_is_left_out_where_it_is(stand_in: CudaRasterizer) -> None:
    scene = random_scene("plain", 2, n=12)
    means, scales, logits = scene.means.clone(), scene.log_scales.clone(), scene.opacity_logits.clone()
    means[0, 0], scales[1, 2], logits[2] = torch.nan, torch.inf, torch.nan
    broken, stats = scene.replace(means=means, log_scales=scales, opacity_logits=logits), ScreenStats()
    got = stand_in.render(broken, camera(), stats=stats)
    want = ReferenceRasterizer().render(scene.select(torch.arange(3, 12)), camera())
    assert psnr_db(got.rgb, want.rgb) >= 80.0
    assert stats.visible is not None
    assert not bool(stats.visible[:3].any())
    assert stand_in.render(random_scene("plain", 0, n=0), camera(), stats=stats).alpha.count_nonzero() == 0


def test_gradients_and_screen_gradients_come_back(stand_in: CudaRasterizer) -> None:
    ours, truth, stats = leaves(random_scene("plain", 3, n=20)), leaves(random_scene("plain", 3, n=20)), ScreenStats()
    random_loss(stand_in.render(ours, camera(), depth=True, stats=stats)).backward()
    random_loss(ReferenceRasterizer().render(truth, camera(), depth=True)).backward()
    for name in NAMES:
        assert torch.allclose(getattr(ours, name).grad, getattr(truth, name).grad, rtol=1e-3, atol=1e-4), name
    assert stats.screen_gradients is not None
    assert stats.screen_gradients.shape == (20, 2)


def test_several_moments_are_one_call(stand_in: CudaRasterizer) -> None:
    moments = [random_scene("plain", seed, n=30) for seed in range(3)]
    views = [orbit_camera(yaw, 5.0, 0.8, width=40, height=30) for yaw in (-20.0, 0.0, 20.0)]
    together = stand_in.render_many(moments, views)
    assert fake_gsplat.CALLS == [(3, 1)]
    for raster, scene, view in zip(together, moments, views, strict=True):
        alone = ReferenceRasterizer().render(scene, view)
        assert psnr_db(raster.rgb, alone.rgb) >= 80.0
        assert psnr_db(raster.alpha, alone.alpha) >= 80.0
    nothing = stand_in.render_many([random_scene("plain", 0, n=0)], views[:1])
    assert nothing[0].rgb.shape == (30, 40, 3)


def test_a_card_that_fails_is_one_sentence(stand_in: CudaRasterizer) -> None:
    def fail(**_: object) -> None:
        raise RuntimeError("CUDA out of memory. Tried to allocate 40 GiB\nmore")

    stand_in._rasterization = fail  # type: ignore[assignment]
    scene = random_scene("plain", 0, n=5)
    with pytest.raises(StudioError, match=r"2 times 5 Gaussians at 61x45 \(CUDA out of memory. Tried .* GiB\)"):
        stand_in.render_many([scene, scene], [camera(), camera()])


def test_the_last_step_on_a_card_is_that_of_the_processor() -> None:
    raster = ReferenceRasterizer().render(random_scene("plain", 1, n=40), camera())
    image = np.random.default_rng(0).random((45, 61, 3)).astype(np.float32)
    image.setflags(write=False)
    for background in (None, (0.2, 0.5, 0.9), image):
        ours, theirs = compose_tensor(raster, background).numpy(), compose_rgba8(raster, background)
        assert np.abs(ours.astype(int) - theirs).max() <= 1
