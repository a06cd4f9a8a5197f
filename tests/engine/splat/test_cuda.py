from __future__ import annotations

import importlib.util

import pytest
import torch

from studio.engine.splat.choose import choose_rasterizer
from studio.engine.splat.cuda import CudaRasterizer
from studio.engine.splat.reference import ReferenceRasterizer
from studio.engine.splat.stats import ScreenStats
from studio.errors import StudioError
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
