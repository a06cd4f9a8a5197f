"""Compiled preparation of Gaussians for graphics cards: left out, coloured, sorted and packed in one go."""

from __future__ import annotations

import math

import numpy as np

from studio.engine.splat._crew import Tickets
from studio.engine.splat._jit import kernel, take
from studio.engine.splat._project import _FINITE, BLOCK, Doubles, Floats, Integers, Parameters, sh_basis_into
from studio.engine.splat._tiles import by_depth
from studio.engine.splat.base import ALPHA_MIN, NEAR_M
from studio.engine.splat.harmonics import COLOUR_OFFSET

FAINTEST_LOGIT = math.log(ALPHA_MIN / (1.0 - ALPHA_MIN))
"""Gaussians below this opacity reach 1/255 nowhere."""

HIDDEN = np.float32(-1.0)
"""Stands for the depth of a Gaussian that is not drawn."""


@kernel()
def see(tickets: Tickets, parameters: Parameters, view: Doubles, eye: Doubles, depths: Floats, colours: Floats) -> None:
    """Depth and colour of every Gaussian.

    Args:
        tickets: for blocks of Gaussians.
        parameters: of N Gaussians.
        view: (4, 4) head space → camera space.
        eye: (3,) the camera's place in head space.
        depths: (N,) written, metres; `HIDDEN` for Gaussians that are behind the camera, too faint or not finite.
        colours: (N, 3) written where the Gaussian is drawn, display sRGB, at least 0.
    """
    means, quats, log_scales, opacity_logits, sh = parameters
    n, count = depths.shape[0], sh.shape[1]
    basis = np.empty(16, np.float64)
    begin = take(tickets) * BLOCK
    while begin < n:
        for i in range(begin, min(n, begin + BLOCK)):
            depths[i] = HIDDEN
            px, py, pz = np.float64(means[i, 0]), np.float64(means[i, 1]), np.float64(means[i, 2])
            z = view[2, 0] * px + view[2, 1] * py + view[2, 2] * pz + view[2, 3]
            if not (NEAR_M < z < _FINITE and FAINTEST_LOGIT <= opacity_logits[i] < _FINITE):
                continue
            if not abs(log_scales[i, 0]) + abs(log_scales[i, 1]) + abs(log_scales[i, 2]) < _FINITE:
                continue
            if not abs(quats[i, 0]) + abs(quats[i, 1]) + abs(quats[i, 2]) + abs(quats[i, 3]) < _FINITE:
                continue
            if not abs(px) + abs(py) < _FINITE:
                continue
            dx, dy, dz = px - eye[0], py - eye[1], pz - eye[2]
            inverse = 1.0 / max(math.sqrt(dx * dx + dy * dy + dz * dz), 1e-12)
            sh_basis_into(dx * inverse, dy * inverse, dz * inverse, count, basis)
            red = green = blue = COLOUR_OFFSET
            for j in range(count):
                red += basis[j] * sh[i, j, 0]
                green += basis[j] * sh[i, j, 1]
                blue += basis[j] * sh[i, j, 2]
            if abs(red) + abs(green) + abs(blue) < _FINITE:
                colours[i, 0], colours[i, 1], colours[i, 2] = max(red, 0.0), max(green, 0.0), max(blue, 0.0)
                depths[i] = z
        begin = take(tickets) * BLOCK


@kernel()
def farthest_first(depths: Floats) -> Integers:
    """(M,) indices of the Gaussians that are drawn, farthest first: the CPU rasterizer's order, reversed."""
    n = depths.shape[0]
    indices, seen = np.empty(n, np.int32), np.empty(n, np.float32)
    count = 0
    for i in range(n):
        if depths[i] > 0:
            indices[count] = i
            seen[count] = depths[i]
            count += 1
    return by_depth(indices[:count], seen[:count])[::-1].copy()


@kernel()
def pack(parameters: Parameters, colours: Floats, order: Integers, rows: Floats) -> None:
    """Write the Gaussians of `order` into `rows` (M, INSTANCE_FIELDS)."""
    means, quats, log_scales, opacity_logits, _ = parameters
    for j in range(order.shape[0]):
        i = order[j]
        row = rows[j]
        row[0], row[1], row[2], row[3] = means[i, 0], means[i, 1], means[i, 2], opacity_logits[i]
        row[4], row[5], row[6], row[7] = quats[i, 0], quats[i, 1], quats[i, 2], quats[i, 3]
        row[8], row[9], row[10] = log_scales[i, 0], log_scales[i, 1], log_scales[i, 2]
        row[11], row[12], row[13] = colours[i, 0], colours[i, 1], colours[i, 2]
