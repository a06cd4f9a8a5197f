"""Structural similarity as a training loss: the value of `metrics.ssim` with a handwritten derivative.

On a CPU one compiled pass gives the value and what the derivative needs, another one the derivative; both work on a
few rows at a time, which stay in the cache. Whole-picture tensor operations take several times as long; they serve
other devices, and double precision.

S = A₁A₂ / (B₁B₂) with A₁ = 2μxμy + C₁, A₂ = 2σxy + C₂, B₁ = μx² + μy² + C₁, B₂ = σx² + σy² + C₂ (Wang et al. 2004).
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from studio.engine.metrics import SSIM_C1, SSIM_C2, SSIM_SIGMA, SSIM_WINDOW, blur
from studio.engine.splat._jit import KERNEL_LOCK, kernel
from studio.engine.splat._project import Floats

ROWS = 16
"""Rows of the picture per unit of parallel work: the ten more that their windows need cost little."""

_taps = np.exp(-((np.arange(SSIM_WINDOW) - SSIM_WINDOW // 2) ** 2) / (2 * SSIM_SIGMA**2))
_TAPS = tuple(float(t) for t in _taps / _taps.sum())
_T0, _T1, _T2, _T3, _T4, _T5 = (np.float32(t) for t in _TAPS[: SSIM_WINDOW // 2 + 1])


def ssim_mean(picture: Tensor, truth: Tensor) -> Tensor:
    """Mean SSIM of (H, W, 3) pictures in [0, 1], windows wholly inside; differentiable in `picture` alone."""
    return _Ssim.apply(picture, truth)  # type: ignore[no-any-return, no-untyped-call]


class _Ssim(torch.autograd.Function):
    """The two passes' place in autograd."""

    @staticmethod
    def forward(ctx: Any, picture: Tensor, truth: Tensor) -> Tensor:
        wanted = ctx.needs_input_grad[0]
        if _compiled(picture):
            mean, partial = _compare(picture, truth, wanted)
        else:
            mean, partial = _compare_tensors(picture, truth, wanted)
        if wanted:
            ctx.save_for_backward(picture, truth, partial)
        return mean

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        picture, truth, partial = ctx.saved_tensors
        scale = gradient / partial[0].numel()
        if _compiled(picture):
            return _differentiate(picture, truth, partial, float(scale)), None
        by_mean, by_square, by_product = blur(partial, transpose=True)
        total = by_mean.addcmul_(picture, by_square, value=2).addcmul_(truth, by_product)
        return total.mul_(scale), None


def _compiled(picture: Tensor) -> bool:
    """Whether the kernels take this picture."""
    return picture.device.type == "cpu" and picture.dtype == torch.float32


def _compare_tensors(x: Tensor, y: Tensor, wanted: bool) -> tuple[Tensor, Tensor | None]:
    """Mean similarity, and if wanted its derivatives by the windows' means of x, x² and x y, (3, H - 10, W - 10, 3)."""
    mean_x, mean_y, square_x, square_y, product = blur(torch.stack([x, y, x * x, y * y, x * y]))
    means = mean_x * mean_y
    squares = mean_x.square().addcmul_(mean_y, mean_y)
    above1 = means.mul(2).add_(SSIM_C1)
    above2 = (product - means).mul_(2).add_(SSIM_C2)
    below1 = squares + SSIM_C1
    below2 = (square_x + square_y).sub_(squares).add_(SSIM_C2)
    below = 1 / (below1 * below2)
    similarity = (above1 * above2).mul_(below)
    if not wanted:
        return similarity.mean(), None
    by_product = (2 * above1).mul_(below)
    by_square = (similarity / below2).neg_()
    by_mean = (above2 - above1).mul_(below).mul_(mean_y).addcmul_(mean_x, by_square, value=-1)
    by_mean = by_mean.sub_(mean_x * similarity / below1).mul_(2)
    return similarity.mean(), torch.stack([by_mean, by_square, by_product])


def _compare(picture: Tensor, truth: Tensor, wanted: bool) -> tuple[Tensor, Tensor | None]:
    """`_compare_tensors`, compiled."""
    height, width, colours = picture.shape
    margin = SSIM_WINDOW - 1
    inner = (height - margin, width - margin)
    partial = torch.empty((3, inner[0] if wanted else 0, inner[1], colours))
    sums = np.zeros(-(-inner[0] // ROWS))
    with KERNEL_LOCK:
        compare(_rows(picture), _rows(truth), colours, partial.flatten(2).numpy(), sums)
    return torch.tensor(sums.sum() / (inner[0] * inner[1] * colours), dtype=torch.float32), partial if wanted else None


def _differentiate(picture: Tensor, truth: Tensor, partial: Tensor, scale: float) -> Tensor:
    """(H, W, 3) `scale` times the derivative of the sum of similarities by `picture`."""
    height, width, colours = picture.shape
    result = torch.empty(height, width, colours)
    with KERNEL_LOCK:
        differentiate(
            _rows(picture),
            _rows(truth),
            partial.flatten(2).numpy(),
            colours,
            scale,
            result.numpy().reshape(height, -1),
        )
    return result


def _rows(picture: Tensor) -> Floats:
    """(H, W · 3) the picture's memory; a copy if it is not in order."""
    return picture.detach().contiguous().numpy().reshape(picture.shape[0], -1)


@kernel(fast=True)
def _along(line: Floats, step: int, out: Floats) -> None:
    """Window means along a row whose neighbouring pixels lie `step` apart."""
    a, b, c, d, e = line[step:], line[2 * step :], line[3 * step :], line[4 * step :], line[5 * step :]
    f, g, h, i, j = line[6 * step :], line[7 * step :], line[8 * step :], line[9 * step :], line[10 * step :]
    for n in range(out.shape[0]):
        out[n] = (
            _T0 * (line[n] + j[n])
            + _T1 * (a[n] + i[n])
            + _T2 * (b[n] + h[n])
            + _T3 * (c[n] + g[n])
            + _T4 * (d[n] + f[n])
            + _T5 * e[n]
        )


@kernel(fast=True)
def _compare_block(begin: int, stop: int, x: Floats, y: Floats, step: int, partial: Floats) -> float:
    """Sum of similarities in output rows [begin, stop), whose derivatives are written."""
    size = x.shape[1]
    inner = size - (SSIM_WINDOW - 1) * step
    lines = np.empty((4, size), np.float32)
    means = np.empty((4, stop - begin + SSIM_WINDOW - 1, inner), np.float32)
    for row in range(begin, stop + SSIM_WINDOW - 1):
        for n in range(size):
            p, q = x[row, n], y[row, n]
            lines[0, n] = p
            lines[1, n] = q
            lines[2, n] = p * p + q * q
            lines[3, n] = p * q
        for m in range(4):
            _along(lines[m], step, means[m, row - begin])
    c1, c2, two, one = np.float32(SSIM_C1), np.float32(SSIM_C2), np.float32(2.0), np.float32(1.0)
    windows = np.empty((4, inner), np.float32)
    wanted = partial.shape[1] > 0
    total = 0.0
    for row in range(stop - begin):
        for m in range(4):
            _along(means[m, row : row + SSIM_WINDOW].reshape(-1), inner, windows[m])
        of_row = np.float32(0.0)
        for n in range(inner):
            mean_x, mean_y = windows[0, n], windows[1, n]
            product = mean_x * mean_y
            squares = mean_x * mean_x + mean_y * mean_y
            above1, above2 = two * product + c1, two * (windows[3, n] - product) + c2
            below1, below2 = squares + c1, windows[2, n] - squares + c2
            below = one / (below1 * below2)
            similarity = above1 * above2 * below
            of_row += similarity
            if wanted:
                by_square = -similarity / below2
                partial[0, begin + row, n] = two * (
                    (above2 - above1) * below * mean_y - mean_x * by_square - mean_x * similarity / below1
                )
                partial[1, begin + row, n] = by_square
                partial[2, begin + row, n] = two * above1 * below
        total += float(of_row)
    return total


@kernel(parallel=True)
def compare(x: Floats, y: Floats, step: int, partial: Floats, sums: NDArray[np.float64]) -> None:
    """Similarity of two pictures.

    Args:
        x: (H, W · step)
        y: likewise.
        step: numbers per pixel.
        partial: (3, H - 10, (W - 10) · step) written: derivatives by the windows' means of x, x² and x y; no rows if
            they are not wanted.
        sums: (blocks of `ROWS` rows,) written: sums of similarity.
    """
    rows = x.shape[0] - SSIM_WINDOW + 1
    for block in numba.prange(sums.shape[0]):
        sums[block] = _compare_block(block * ROWS, min(rows, (block + 1) * ROWS), x, y, step, partial)


@kernel(fast=True)
def _differentiate_block(
    begin: int, stop: int, x: Floats, y: Floats, partial: Floats, step: int, scale: float, out: Floats
) -> None:
    """Rows [begin, stop) of the derivative: the windows' adjoint, first down, then along."""
    inner, margin = partial.shape[2], (SSIM_WINDOW - 1) * step
    down = np.zeros((3, inner + 2 * margin), np.float32)
    spread = np.empty((3, x.shape[1]), np.float32)
    factor, two = np.float32(scale), np.float32(2.0)
    for row in range(begin, stop):
        first, last = max(0, row - SSIM_WINDOW + 1), min(partial.shape[1] - 1, row)
        for m in range(3):
            column = down[m, margin : margin + inner]
            column[:] = np.float32(0.0)
            for source in range(first, last + 1):
                weight = np.float32(_TAPS[row - source])
                for n in range(inner):
                    column[n] += weight * partial[m, source, n]
            _along(down[m], step, spread[m])
        for n in range(x.shape[1]):
            out[row, n] = factor * (spread[0, n] + two * x[row, n] * spread[1, n] + y[row, n] * spread[2, n])


@kernel(parallel=True)
def differentiate(x: Floats, y: Floats, partial: Floats, step: int, scale: float, out: Floats) -> None:
    """Write `scale` times the derivative of the sum of similarities by `x` into `out` (H, W · step)."""
    rows = x.shape[0]
    for block in numba.prange((rows + ROWS - 1) // ROWS):
        _differentiate_block(block * ROWS, min(rows, (block + 1) * ROWS), x, y, partial, step, scale, out)
