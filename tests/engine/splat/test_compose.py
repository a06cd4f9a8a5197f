from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.engine.splat.base import Raster
from studio.engine.splat.compose import compose_rgba8

unit = st.floats(0.0, 1.0, width=32)


def _pixel(colour: tuple[float, float, float], alpha: float) -> Raster:
    """One pixel of a straight colour."""
    return Raster(torch.tensor([[colour]]) * alpha, torch.tensor([[alpha]]))


@settings(deadline=None)
@given(st.tuples(unit, unit, unit), unit, st.tuples(unit, unit, unit))
def test_over_a_background_it_is_rounded_and_opaque(
    colour: tuple[float, float, float], alpha: float, background: tuple[float, float, float]
) -> None:
    pixel = compose_rgba8(_pixel(colour, alpha), background)[0, 0]
    exact = 255 * (np.array(colour) * alpha + np.array(background) * (1 - alpha))
    assert pixel[3] == 255
    assert np.abs(pixel[:3] - exact).max() <= 0.5 + 1e-3


@settings(deadline=None)
@given(st.tuples(unit, unit, unit), st.floats(0.0078125, 1.0, width=32))
def test_without_background_colours_are_straight(colour: tuple[float, float, float], alpha: float) -> None:
    pixel = compose_rgba8(_pixel(colour, alpha), None)[0, 0]
    assert np.abs(pixel[:3] - 255 * np.array(colour)).max() <= 0.5 + 1e-3
    assert abs(float(pixel[3]) - 255 * alpha) <= 0.5 + 1e-3


def test_nothing_is_transparent_black() -> None:
    raster = Raster(torch.zeros(2, 3, 3), torch.zeros(2, 3))
    assert compose_rgba8(raster, None).tolist() == np.zeros((2, 3, 4), np.uint8).tolist()


def test_colours_out_of_range_are_clipped_and_nan_is_black() -> None:
    raster = Raster(torch.tensor([[[1.7, -0.3, float("nan")]]]), torch.tensor([[1.0]]))
    assert compose_rgba8(raster, None)[0, 0].tolist() == [255, 0, 0, 255]
    assert compose_rgba8(raster, (0.5, 0.5, 0.5))[0, 0].tolist() == [255, 0, 0, 255]


def test_pictures_of_other_types_and_with_gradients_are_accepted() -> None:
    raster = Raster(torch.full((4, 5, 3), 0.25, dtype=torch.float64, requires_grad=True), torch.full((4, 5), 0.5))
    assert compose_rgba8(raster, None)[3, 4].tolist() == [128, 128, 128, 128]
