from __future__ import annotations

import threading

import numpy as np
import pytest
import torch

from studio.engine.splat.cpu import CpuRasterizer
from studio.engine.splat.drivers import SOFTWARE_RENDERERS
from studio.engine.splat.instances import instances_of
from studio.engine.splat.opengl import OpenGlRasterizer
from studio.engine.splat.painter import Canvas, SplatPainter
from studio.errors import StudioError
from tests.engine.splat.scenes import KINDS, camera, leaves, psnr_db, random_scene

pytestmark = pytest.mark.gl


@pytest.fixture(scope="module")
def opengl() -> OpenGlRasterizer:
    try:
        return OpenGlRasterizer()
    except StudioError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("kind", KINDS)
def test_picture_matches_the_cpu(opengl: OpenGlRasterizer, kind: str) -> None:
    scene = random_scene(kind, seed=7)
    ours, cpu = opengl.render(scene, camera(), depth=True), CpuRasterizer().render(scene, camera(), depth=True)
    assert ours.depth is not None
    assert cpu.depth is not None
    for got, want in ((ours.rgb, cpu.rgb), (ours.alpha, cpu.alpha), (ours.depth, cpu.depth)):
        assert psnr_db(got, want) >= 70.0
    edge = (cpu.alpha > 0) & (cpu.alpha < 0.2)
    if bool(edge.any()):
        assert psnr_db(ours.alpha[edge], cpu.alpha[edge]) >= 60.0
        assert psnr_db(ours.rgb[edge], cpu.rgb[edge]) >= 60.0


@pytest.mark.usefixtures("opengl")
def test_half_floats_are_enough_for_the_viewport() -> None:
    import moderngl

    context = moderngl.create_context(standalone=True, require=330, backend="egl")  # type: ignore[arg-type]
    scene, view = random_scene("transparent", 7, n=2000), camera()
    with context:
        target = Canvas(context, dtype="f2").fit(view.width, view.height)
        SplatPainter(context).paint(instances_of(scene, view), target)
        pixels = np.frombuffer(target.read(components=4, dtype="f4"), np.float32).copy()
    picture = torch.from_numpy(pixels.reshape(view.height, view.width, 4))
    cpu = CpuRasterizer().render(scene, view)
    assert psnr_db(picture[..., :3], cpu.rgb) >= 45.0
    assert psnr_db(picture[..., 3], cpu.alpha) >= 45.0


@pytest.mark.parametrize("log_scale", [-60.0, 40.0])
def test_absurd_sizes_are_drawn_as_the_processor_draws_them(opengl: OpenGlRasterizer, log_scale: float) -> None:
    scene = random_scene("plain", seed=6, n=20)
    absurd = scene.replace(log_scales=torch.full((20, 3), log_scale))
    ours, cpu = opengl.render(absurd, camera()), CpuRasterizer().render(absurd, camera())
    assert bool(ours.rgb.isfinite().all())
    assert psnr_db(ours.alpha, cpu.alpha) >= 45.0


def test_sizes_and_numbers_may_change_from_call_to_call(opengl: OpenGlRasterizer) -> None:
    for n, width, height in ((10, 20, 10), (200, 64, 48), (0, 33, 1), (50, 1, 1)):
        scene, view = random_scene("plain", 1, n=n), camera(width, height)
        raster = opengl.render(scene, view)
        assert raster.rgb.shape == (height, width, 3)
        assert raster.depth is None
        assert psnr_db(raster.rgb, CpuRasterizer().render(scene, view).rgb) >= 45.0


def test_every_thread_may_render(opengl: OpenGlRasterizer) -> None:
    scene = random_scene("plain", 2)
    want, got = CpuRasterizer().render(scene, camera()).rgb, []
    thread = threading.Thread(target=lambda: got.append(opengl.render(scene, camera()).rgb))
    thread.start()
    thread.join()
    assert psnr_db(got[0], want) >= 45.0
    assert psnr_db(opengl.render(scene, camera()).rgb, want) >= 45.0


@pytest.mark.usefixtures("opengl")
def test_a_context_can_be_handed_in() -> None:
    import moderngl

    context = moderngl.create_context(standalone=True, require=330, backend="egl")  # type: ignore[arg-type]
    bound = context.simple_framebuffer((8, 8))
    bound.use()
    scene = random_scene("plain", 3)
    raster = OpenGlRasterizer(context).render(scene, camera())
    assert psnr_db(raster.rgb, CpuRasterizer().render(scene, camera()).rgb) >= 45.0
    assert context.fbo is bound


def test_gradients_are_refused(opengl: OpenGlRasterizer) -> None:
    scene = leaves(random_scene("plain", 0, n=3))
    with pytest.raises(ValueError, match="not differentiable"):
        opengl.render(scene, camera())
    with torch.no_grad():
        opengl.render(scene, camera())


def test_a_driver_that_imitates_a_card_is_recognised(opengl: OpenGlRasterizer) -> None:
    imitation = any(name in opengl.renderer.lower() for name in SOFTWARE_RENDERERS)
    assert opengl.is_hardware is not imitation
    assert opengl.renderer


def test_an_impossible_size_is_one_sentence(opengl: OpenGlRasterizer) -> None:
    with pytest.raises(StudioError, match="100000x1"):
        opengl.render(random_scene("plain", 0, n=3), camera(100_000, 1))
