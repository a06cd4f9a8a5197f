"""The similarity that training climbs: its value is the metric's, its gradient that of its value, on both paths."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.engine.metrics import ssim
from studio.engine.training.ssim import ROWS, _compare, _compare_tensors, ssim_mean


@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 10_000), height=st.integers(11, 30), width=st.integers(11, 16))
def test_gradient_is_that_of_the_value(seed: int, height: int, width: int) -> None:
    torch.manual_seed(seed)
    x = torch.rand(height, width, 3, dtype=torch.float64, requires_grad=True)
    y = torch.rand(height, width, 3, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda picture: ssim_mean(picture, y), (x,), fast_mode=True)
    assert float(ssim_mean(x, y).detach()) == pytest.approx(ssim(x.detach(), y), abs=1e-12)


@pytest.mark.parametrize("height", [11, 10 + ROWS, 11 + ROWS, 43])
def test_compiled_and_tensor_paths_agree(height: int) -> None:
    torch.manual_seed(height)
    x, y = torch.rand(height, 19, 3), torch.rand(height, 19, 3)
    mean, partial = _compare(x, y, True)
    expected, by_tensors = _compare_tensors(x.double(), y.double(), True)
    assert float(mean) == pytest.approx(float(expected), abs=1e-5)
    torch.testing.assert_close(partial.double(), by_tensors, rtol=1e-3, atol=1e-4)
    assert float(_compare(x, y, False)[0]) == pytest.approx(float(expected), abs=1e-5)


def test_crops_of_a_picture_are_compared_as_they_lie() -> None:
    torch.manual_seed(3)
    x, y = torch.rand(40, 40, 3), torch.rand(40, 40, 3)
    whole = x.clone().requires_grad_()
    ssim_mean(whole[5:30, 7:33], y[5:30, 7:33]).backward()
    alone = x[5:30, 7:33].clone().requires_grad_()
    ssim_mean(alone, y[5:30, 7:33].clone()).backward()
    assert whole.grad is not None
    assert alone.grad is not None
    torch.testing.assert_close(whole.grad[5:30, 7:33], alone.grad)
    assert float(whole.grad[:5].abs().max()) == 0.0
