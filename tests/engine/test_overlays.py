from __future__ import annotations

import numpy as np
import pytest
import torch

from studio.engine.aids import GHOST_SHARE, Aids, Inspection
from studio.engine.avatar import default_avatar, load_avatar
from studio.engine.backdrop import Backdrop
from studio.engine.controls import Pose
from studio.engine.deform import zones as zn
from studio.engine.overlays import ZONE_COLOURS, Overlays, _nice
from studio.engine.renderer import Renderer
from tests.support import controls, toy_avatar

GREY = (0.5, 0.5, 0.5)


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer(toy_avatar(1200), backend="cpu")


def _rgb(renderer: Renderer, aids: Aids = Aids(), **kwargs) -> np.ndarray:  # noqa: B008 (frozen)
    camera = renderer.avatar.camera(width=96, height=96)
    return renderer.frame(controls(**kwargs), camera, background=GREY, aids=aids).rgba[..., :3].astype(int)


def test_zones_tint_the_head_and_nothing_else(renderer: Renderer) -> None:
    plain, tinted = _rgb(renderer), _rgb(renderer, Aids(Inspection("zones", opacity=1.0)))
    assert np.array_equal(plain[0], tinted[0])
    mouth, brow = tinted[66, 48], tinted[40, 48]
    assert mouth[2] > mouth[0] + 20  # blue where speech rules
    assert brow[0] > brow[2] + 20  # orange where action units do


def test_a_faint_overlay_is_nearly_the_plain_picture(renderer: Renderer) -> None:
    faint = _rgb(renderer, Aids(Inspection("zones", opacity=0.0)))
    assert np.abs(faint - _rgb(renderer)).max() <= 1


def test_reach_is_the_displacement_at_level_e(renderer: Renderer) -> None:
    overlays = renderer._overlays
    neutral, raised = renderer.deformed(controls()), renderer.deformed(controls({"AU12": 5.0}))
    moved = (raised.means - neutral.means).norm(dim=1)
    assert torch.allclose(overlays.displacement("AU12"), moved, atol=1e-7)
    frame = renderer.frame(
        controls(), renderer.avatar.camera(width=96, height=96), aids=Aids(Inspection("reach", "AU12"))
    )
    assert frame.legend is not None
    assert frame.legend.title == "AU12 Lip corner puller, moved at level E"
    assert frame.legend.ramp
    top_mm = float(frame.legend.labels[-1].split()[0])
    assert top_mm >= float(moved.quantile(0.995)) * 1e3 * 0.9


def test_a_unit_that_moves_nothing_says_so(renderer: Renderer) -> None:
    overlays = Overlays(renderer.avatar, renderer._prepared)
    overlays.displacement = lambda au: torch.zeros(len(renderer.avatar.gaussians))  # type: ignore[method-assign]
    painted, legend = overlays.apply(renderer.deformed(controls()), Inspection("reach", "AU1"))
    assert legend.title == "AU1 Inner brow raiser moves nothing"
    assert painted.is_finite()


def test_attention_is_a_distribution_and_follows_the_zones() -> None:
    avatar = load_avatar(default_avatar())
    overlays = Renderer(avatar, backend="cpu")._overlays
    by_modality = overlays.attention()
    assert by_modality.shape == (len(avatar.gaussians), len(zn.MODALITY_NAMES))
    assert torch.allclose(by_modality.sum(1), torch.ones(len(avatar.gaussians)), atol=1e-5)
    mean = {zone: by_modality[avatar.zones == zone].mean(0) for zone in (zn.ZONE_MOUTH, zn.ZONE_UPPER)}
    assert mean[zn.ZONE_MOUTH][zn.AUDIO] > mean[zn.ZONE_UPPER][zn.AUDIO]
    assert mean[zn.ZONE_UPPER][zn.AU_UPPER] > mean[zn.ZONE_MOUTH][zn.AU_UPPER]


def test_overlays_move_with_the_face(renderer: Renderer) -> None:
    aids = Aids(Inspection("zones", opacity=1.0))
    turned = _rgb(renderer, aids, pose=Pose(yaw_deg=40))
    assert np.abs(turned - _rgb(renderer, aids)).max() > 60


def test_a_ghost_is_a_third_of_another_moment(renderer: Renderer) -> None:
    now, then = controls({"AU1": 5.0}), controls(pose=Pose(yaw_deg=30))
    camera = renderer.avatar.camera(width=96, height=96)
    first, second = (renderer.frame(c, camera, background=GREY).rgba.astype(float) for c in (now, then))
    mixed = renderer.frame(now, camera, background=GREY, aids=Aids(ghost=then)).rgba
    assert np.abs(mixed - (first * (1 - GHOST_SHARE) + second * GHOST_SHARE)).max() <= 1.5


def test_an_image_stands_behind_the_head(renderer: Renderer) -> None:
    pixels = np.full((10, 10, 3), (10, 200, 30), np.uint8)
    camera = renderer.avatar.camera(width=96, height=96)
    image = renderer.frame(controls(), camera, background=Backdrop(pixels)).rgba
    colour = renderer.frame(controls(), camera, background=(10 / 255, 200 / 255, 30 / 255)).rgba
    assert np.array_equal(image, colour)


@pytest.mark.parametrize(
    ("value", "nice"), [(0.94, 1.0), (1.2, 1.5), (3.0, 3.0), (7.1, 8.0), (9.0, 10.0), (0.031, 0.04)]
)
def test_scales_end_at_round_figures(value: float, nice: float) -> None:
    assert _nice(value) == pytest.approx(nice)


def test_zone_colours_are_told_apart() -> None:
    colours = np.array(ZONE_COLOURS)
    assert min(np.abs(a - b).sum() for i, a in enumerate(colours) for b in colours[:i]) > 0.4
