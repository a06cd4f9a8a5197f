"""Compiled step from the gradients of splats to those of the Gaussians they came from."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from studio.engine.splat._crew import Tickets
from studio.engine.splat._jit import kernel, take
from studio.engine.splat._project import (
    BLOCK,
    BLUE,
    DEPTH,
    GRADIENT_FIELDS,
    GREEN,
    OPACITY,
    RED,
    Floats,
    H,
    Integers,
    K,
    M,
    Parameters,
    U,
    V,
    ViewArrays,
    sh_basis_into,
    sh_direction_gradient,
)
from studio.engine.splat.base import COVARIANCE_BLUR_PX2

Gradients = tuple[Floats, Floats, Floats, Floats, Floats, Floats]
"""(N, …) gradients of the five parameters, then (N, 2) of the centre in pixels."""


@kernel()
def _gather_block(
    begin: int,
    end: int,
    touched: Integers,
    starts: NDArray[np.int64],
    places: Integers,
    pair_gradients: Floats,
    parameters: Parameters,
    arrays: ViewArrays,
    splats: Floats,
    results: Gradients,
) -> None:
    means, quats, log_scales, _, sh = parameters
    view, eye, lens = arrays
    on_means, on_quats, on_log_scales, on_logits, on_sh, on_screen = results
    fx, fy, _, _, x_low, x_high, y_low, y_high = lens
    count = sh.shape[1]
    total = np.empty(GRADIENT_FIELDS, np.float64)
    basis = np.empty(16, np.float64)
    weights = np.empty(16, np.float64)
    rot, on_half = np.empty((3, 3), np.float64), np.empty((3, 3), np.float64)
    rows, on_rows = np.empty((2, 3), np.float64), np.empty((2, 3), np.float64)
    flat, on_flat = np.empty((2, 3), np.float64), np.empty((2, 3), np.float64)
    scale = np.empty(3, np.float64)
    for i in range(begin, end):
        if touched[i] == 0:
            continue
        total[:] = 0.0
        for p in range(starts[i], starts[i + 1]):
            gradient = pair_gradients[places[p]]
            for field in range(GRADIENT_FIELDS):
                total[field] += gradient[field]
        on_screen[i, 0] = total[U]
        on_screen[i, 1] = total[V]
        opacity = np.float64(splats[i, OPACITY])
        on_logits[i] = total[OPACITY] * opacity * (1.0 - opacity)

        # Once more forward, as in `_project_block`.
        px, py, pz = np.float64(means[i, 0]), np.float64(means[i, 1]), np.float64(means[i, 2])
        x = view[0, 0] * px + view[0, 1] * py + view[0, 2] * pz + view[0, 3]
        y = view[1, 0] * px + view[1, 1] * py + view[1, 2] * pz + view[1, 3]
        z = view[2, 0] * px + view[2, 1] * py + view[2, 2] * pz + view[2, 3]
        tan_x, tan_y = min(max(x / z, x_low), x_high), min(max(y / z, y_low), y_high)
        qw, qx, qy, qz = (
            np.float64(quats[i, 0]),
            np.float64(quats[i, 1]),
            np.float64(quats[i, 2]),
            np.float64(quats[i, 3]),
        )
        inverse = 1.0 / max(math.sqrt(qw * qw + qx * qx + qy * qy + qz * qz), 1e-12)
        qw, qx, qy, qz = qw * inverse, qx * inverse, qy * inverse, qz * inverse
        rot[0, 0], rot[0, 1], rot[0, 2] = (
            1.0 - 2.0 * (qy * qy + qz * qz),
            2.0 * (qx * qy - qw * qz),
            2.0 * (qx * qz + qw * qy),
        )
        rot[1, 0], rot[1, 1], rot[1, 2] = (
            2.0 * (qx * qy + qw * qz),
            1.0 - 2.0 * (qx * qx + qz * qz),
            2.0 * (qy * qz - qw * qx),
        )
        rot[2, 0], rot[2, 1], rot[2, 2] = (
            2.0 * (qx * qz - qw * qy),
            2.0 * (qy * qz + qw * qx),
            1.0 - 2.0 * (qx * qx + qy * qy),
        )
        a = b = c = 0.0
        for n in range(3):
            scale[n] = math.exp(np.float64(log_scales[i, n]))
            rows[0, n] = fx / z * (view[0, n] - tan_x * view[2, n])
            rows[1, n] = fy / z * (view[1, n] - tan_y * view[2, n])
        for n in range(3):
            for axis in range(2):
                flat[axis, n] = scale[n] * (
                    rows[axis, 0] * rot[0, n] + rows[axis, 1] * rot[1, n] + rows[axis, 2] * rot[2, n]
                )
            a += flat[0, n] * flat[0, n]
            b += flat[0, n] * flat[1, n]
            c += flat[1, n] * flat[1, n]
        a += COVARIANCE_BLUR_PX2
        c += COVARIANCE_BLUR_PX2

        # Falloff → covariance → its square root → scales, rotation and the Jacobian's rows.
        d0 = flat[0, 1] * flat[1, 2] - flat[0, 2] * flat[1, 1]
        d1 = flat[0, 2] * flat[1, 0] - flat[0, 0] * flat[1, 2]
        d2 = flat[0, 0] * flat[1, 1] - flat[0, 1] * flat[1, 0]
        determinant = d0 * d0 + d1 * d1 + d2 * d2 + COVARIANCE_BLUR_PX2 * (a + c - COVARIANCE_BLUR_PX2)
        m = b / c
        h = 0.5 * c / determinant
        on_a = -2.0 * h * h * total[H]
        on_b = -2.0 * m * on_a + total[M] / c
        on_c = m * m * on_a - m * total[M] / c - total[K] / (2.0 * c * c)
        for n in range(3):
            on_flat[0, n] = 2.0 * on_a * flat[0, n] + on_b * flat[1, n]
            on_flat[1, n] = 2.0 * on_c * flat[1, n] + on_b * flat[0, n]
        on_rows[:] = 0.0
        for n in range(3):
            on_scale = 0.0
            for axis in range(3):
                on_half[axis, n] = scale[n] * (rows[0, axis] * on_flat[0, n] + rows[1, axis] * on_flat[1, n])
                on_scale += on_half[axis, n] * rot[axis, n]
                on_rows[0, axis] += scale[n] * rot[axis, n] * on_flat[0, n]
                on_rows[1, axis] += scale[n] * rot[axis, n] * on_flat[1, n]
            on_log_scales[i, n] = on_scale

        # `on_half` is now the gradient with respect to the rotation matrix.
        g = on_half
        on_w = 2.0 * (qx * (g[2, 1] - g[1, 2]) + qy * (g[0, 2] - g[2, 0]) + qz * (g[1, 0] - g[0, 1]))
        on_x = 2.0 * (
            qy * (g[0, 1] + g[1, 0])
            + qz * (g[0, 2] + g[2, 0])
            + qw * (g[2, 1] - g[1, 2])
            - 2.0 * qx * (g[1, 1] + g[2, 2])
        )
        on_y = 2.0 * (
            qx * (g[0, 1] + g[1, 0])
            + qz * (g[1, 2] + g[2, 1])
            + qw * (g[0, 2] - g[2, 0])
            - 2.0 * qy * (g[0, 0] + g[2, 2])
        )
        on_z = 2.0 * (
            qx * (g[0, 2] + g[2, 0])
            + qy * (g[1, 2] + g[2, 1])
            + qw * (g[1, 0] - g[0, 1])
            - 2.0 * qz * (g[0, 0] + g[1, 1])
        )
        along = on_w * qw + on_x * qx + on_y * qy + on_z * qz
        on_quats[i, 0] = (on_w - qw * along) * inverse
        on_quats[i, 1] = (on_x - qx * along) * inverse
        on_quats[i, 2] = (on_y - qy * along) * inverse
        on_quats[i, 3] = (on_z - qz * along) * inverse

        # The Jacobian's rows and the centre → the mean in camera space → head space.
        on_tan_x = on_tan_y = on_depth = 0.0
        for n in range(3):
            on_tan_x -= fx / z * view[2, n] * on_rows[0, n]
            on_tan_y -= fy / z * view[2, n] * on_rows[1, n]
            on_depth -= (rows[0, n] * on_rows[0, n] + rows[1, n] * on_rows[1, n]) / z
        on_tan_x = on_tan_x if x_low <= x / z <= x_high else 0.0
        on_tan_y = on_tan_y if y_low <= y / z <= y_high else 0.0
        on_tan_x += fx * total[U]
        on_tan_y += fy * total[V]
        on_depth += total[DEPTH] - (on_tan_x * x + on_tan_y * y) / (z * z)
        on_px = (view[0, 0] * on_tan_x + view[1, 0] * on_tan_y) / z + view[2, 0] * on_depth
        on_py = (view[0, 1] * on_tan_x + view[1, 1] * on_tan_y) / z + view[2, 1] * on_depth
        on_pz = (view[0, 2] * on_tan_x + view[1, 2] * on_tan_y) / z + view[2, 2] * on_depth

        # Colour → harmonics, and through the viewing direction to the mean.
        dx, dy, dz = px - eye[0], py - eye[1], pz - eye[2]
        inverse = 1.0 / max(math.sqrt(dx * dx + dy * dy + dz * dz), 1e-12)
        dx, dy, dz = dx * inverse, dy * inverse, dz * inverse
        sh_basis_into(dx, dy, dz, count, basis)
        # Where the colour was clamped at 0 nothing flows back.
        red = total[RED] if splats[i, RED] > 0.0 else 0.0
        green = total[GREEN] if splats[i, GREEN] > 0.0 else 0.0
        blue = total[BLUE] if splats[i, BLUE] > 0.0 else 0.0
        for n in range(count):
            on_sh[i, n, 0] = basis[n] * red
            on_sh[i, n, 1] = basis[n] * green
            on_sh[i, n, 2] = basis[n] * blue
            weights[n] = sh[i, n, 0] * red + sh[i, n, 1] * green + sh[i, n, 2] * blue
        on_dx, on_dy, on_dz = sh_direction_gradient(dx, dy, dz, count, weights)
        along = on_dx * dx + on_dy * dy + on_dz * dz
        on_means[i, 0] = on_px + (on_dx - dx * along) * inverse
        on_means[i, 1] = on_py + (on_dy - dy * along) * inverse
        on_means[i, 2] = on_pz + (on_dz - dz * along) * inverse


@kernel()
def gather(
    tickets: Tickets,
    touched: Integers,
    starts: NDArray[np.int64],
    places: Integers,
    pair_gradients: Floats,
    parameters: Parameters,
    arrays: ViewArrays,
    splats: Floats,
    results: Gradients,
) -> None:
    """Sum each drawn Gaussian's pairs and carry the sum through its projection.

    Gaussians are visited in the order of memory, not of depth: that is three times as fast.

    Args:
        tickets: for blocks of Gaussians.
        touched: (N,) rows of tiles, as `project_splats` wrote it, 0 = not drawn.
        starts: (N + 1,) and
        places: (P,) as `_tiles.pairs_of` returns them.
        pair_gradients: (P, GRADIENT_FIELDS)
        parameters: of the forward pass.
        arrays: of the forward pass.
        splats: (N, SPLAT_FIELDS)
        results: written for the drawn Gaussians; the others keep what is there (zeros).
    """
    n = touched.shape[0]
    blocks = (n + BLOCK - 1) // BLOCK
    block = take(tickets)
    while block < blocks:
        begin, end = block * BLOCK, min(n, (block + 1) * BLOCK)
        _gather_block(begin, end, touched, starts, places, pair_gradients, parameters, arrays, splats, results)
        block = take(tickets)
