"""PSNR and SSIM against their definitions, written out slowly."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.engine.metrics import PSNR_CEILING_DB, Box, crop_psnr, psnr, ssim


def slow_ssim(x: np.ndarray, y: np.ndarray) -> float:
    """Wang et al. 2004, one window at a time."""
    taps = np.exp(-((np.arange(11) - 5) ** 2) / (2 * 1.5**2))
    window = np.outer(taps, taps)
    window /= window.sum()
    values = []
    for c in range(3):
        for i in range(x.shape[0] - 10):
            for j in range(x.shape[1] - 10):
                a, b = x[i : i + 11, j : j + 11, c], y[i : i + 11, j : j + 11, c]
                mean_a, mean_b = (window * a).sum(), (window * b).sum()
                var_a, var_b = (window * (a - mean_a) ** 2).sum(), (window * (b - mean_b) ** 2).sum()
                cov = (window * (a - mean_a) * (b - mean_b)).sum()
                luminance = (2 * mean_a * mean_b + 1e-4) / (mean_a**2 + mean_b**2 + 1e-4)
                values.append(luminance * (2 * cov + 9e-4) / (var_a + var_b + 9e-4))
    return float(np.mean(values))


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000), noise=st.floats(0.0, 1.0), height=st.integers(11, 18), width=st.integers(11, 18))
def test_ssim_is_the_published_formula(seed: int, noise: float, height: int, width: int) -> None:
    random = np.random.default_rng(seed)
    x = random.random((height, width, 3))
    y = (1 - noise) * x + noise * random.random((height, width, 3))
    assert ssim(torch.tensor(x), torch.tensor(y)) == pytest.approx(slow_ssim(x, y), abs=1e-9)


def test_identical_pictures_are_perfect() -> None:
    x = torch.rand(16, 20, 3)
    assert ssim(x, x) == pytest.approx(1.0)
    assert psnr(x, x) == PSNR_CEILING_DB


@given(step=st.floats(1e-3, 1.0))
def test_psnr_of_a_constant_error(step: float) -> None:
    x = torch.zeros(8, 8, 3, dtype=torch.float64)
    assert psnr(x + step, x) == pytest.approx(-20 * math.log10(step))


def test_crop_sees_only_its_box() -> None:
    x, y = torch.zeros(20, 20, 3), torch.zeros(20, 20, 3)
    y[2, 3] = 1.0
    assert crop_psnr(x, y, Box(left=4, top=0, right=20, bottom=20)) == PSNR_CEILING_DB
    assert crop_psnr(x, y, Box(left=3, top=2, right=4, bottom=3)) == pytest.approx(0.0)


def test_disagreeing_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(4, 4, 3\)"):
        psnr(torch.zeros(4, 4, 3), torch.zeros(4, 5, 3))
    with pytest.raises(ValueError, match="at least 11x11"):
        ssim(torch.zeros(10, 30, 3), torch.zeros(10, 30, 3))
