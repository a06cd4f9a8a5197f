from __future__ import annotations

import numpy as np
import pytest
import torch

from studio.engine.camera import Camera
from studio.engine.gaussians import SH_C0, Gaussians
from studio.engine.splat.base import ALPHA_MAX, ALPHA_MIN, COVARIANCE_BLUR_PX2, NEAR_M
from studio.engine.splat.reference import ReferenceRasterizer
from studio.engine.splat.stats import ScreenStats
from tests.engine.splat.scenes import leaves

VIEW = Camera(np.eye(4), 100.0, 100.0, 4.5, 4.5, 9, 9)


def _dots(depths_m: list[float], opacities: list[float], greys: list[float], sigma_m: float = 0.02) -> Gaussians:
    n = len(depths_m)
    opacity = torch.tensor(opacities, dtype=torch.float64)
    grey = torch.tensor(greys, dtype=torch.float64)
    return Gaussians(
        torch.tensor([[0.0, 0.0, z] for z in depths_m], dtype=torch.float64),
        torch.tensor([[1.0, 0.0, 0.0, 0.0]], dtype=torch.float64).expand(n, 4),
        torch.full((n, 3), float(np.log(sigma_m)), dtype=torch.float64),
        torch.log(opacity / (1 - opacity)),
        ((grey - 0.5) / SH_C0)[:, None, None].expand(n, 1, 3),
    )


def test_one_gaussian_falls_off_as_written() -> None:
    raster = ReferenceRasterizer().render(_dots([1.0], [0.8], [0.6]), VIEW, depth=True)
    offset = np.arange(9) - 4.0
    square = offset[:, None] ** 2 + offset[None, :] ** 2
    alpha = 0.8 * np.exp(-0.5 * square / ((100.0 * 0.02) ** 2 + COVARIANCE_BLUR_PX2))
    alpha[alpha < ALPHA_MIN] = 0.0
    np.testing.assert_allclose(raster.alpha.numpy(), alpha, atol=1e-12)
    np.testing.assert_allclose(raster.rgb.numpy(), 0.6 * alpha[..., None].repeat(3, -1), atol=1e-12)
    assert raster.depth is not None
    np.testing.assert_allclose(raster.depth.numpy(), alpha, atol=1e-12)  # at one metre


def test_nearer_gaussians_cover_farther_ones_whatever_their_order() -> None:
    near_last = ReferenceRasterizer().render(_dots([2.0, 1.0], [0.5, 0.5], [1.0, 0.25]), VIEW)
    near_first = ReferenceRasterizer().render(_dots([1.0, 2.0], [0.5, 0.5], [0.25, 1.0]), VIEW)
    assert float(near_last.rgb[4, 4, 0]) == pytest.approx(0.5 * 0.25 + 0.5 * 0.5 * 1.0)
    torch.testing.assert_close(near_first.rgb, near_last.rgb)


def test_alpha_is_capped_and_faint_or_near_gaussians_are_left_out() -> None:
    opaque = ReferenceRasterizer().render(_dots([1.0], [0.99999], [0.5]), VIEW)
    assert float(opaque.alpha[4, 4]) == pytest.approx(ALPHA_MAX)
    for hidden in (_dots([NEAR_M * 0.9], [0.9], [0.5]), _dots([-1.0], [0.9], [0.5]), _dots([1.0], [0.003], [0.5])):
        assert float(ReferenceRasterizer().render(hidden, VIEW).alpha.max()) == 0.0


def test_composites_over_a_background() -> None:
    raster = ReferenceRasterizer().render(_dots([1.0], [0.5], [1.0]), VIEW)
    over = raster.over(torch.tensor([0.0, 0.5, 1.0], dtype=torch.float64))
    torch.testing.assert_close(over[4, 4], torch.tensor([0.5, 0.75, 1.0], dtype=torch.float64))


def test_gradients_are_those_of_finite_differences() -> None:
    dots = leaves(_dots([1.0, 1.3], [0.5, 0.7], [0.3, 0.8]))

    def picture(means: torch.Tensor, quats: torch.Tensor, scales: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
        raster = ReferenceRasterizer().render(Gaussians(means, quats, scales, logits, dots.sh), VIEW)
        return raster.rgb[3:6, 3:6].sum(dim=-1)

    assert torch.autograd.gradcheck(picture, (dots.means, dots.quats, dots.log_scales, dots.opacity_logits))


def test_stats_tell_what_is_visible() -> None:
    dots = leaves(_dots([1.0, -1.0, 1.0], [0.5, 0.5, 0.001], [0.5, 0.5, 0.5]))
    stats = ScreenStats()
    with pytest.raises(RuntimeError, match="backward"):
        stats.gradient_norms()
    raster = ReferenceRasterizer().render(dots, VIEW, stats=stats)
    raster.rgb[:, :4].sum().backward()
    assert stats.visible is not None
    assert stats.visible.tolist() == [True, False, False]
    norms = stats.gradient_norms()
    assert float(norms[0]) > 0.0
    assert norms[1:].tolist() == [0.0, 0.0]
