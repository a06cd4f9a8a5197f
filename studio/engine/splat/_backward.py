"""Compiled derivative of the drawing: from the picture's gradient to the splats.

Two steps. Here each tile goes over its splats front to back once more, exactly as the forward pass did, and writes one
small gradient per (splat, tile) pair to a place of its own, so that threads never write to the same number. Then, in
`_gather`, each Gaussian sums its pairs and carries the sum through the projection.

Going front to back needs no stored transmittance. With f the gradient's product with a splat's colour, and T the light
that reaches it, ∂L/∂α = T f - (what the splats behind it add to the loss) / (1 - α); the part behind is the picture's
whole product with its gradient less what has been drawn so far.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from studio.engine.splat._jit import kernel
from studio.engine.splat._project import (
    BLUE,
    DEPTH,
    EXTENT_Y,
    GREEN,
    OPACITY,
    RED,
    TILE,
    Floats,
    H,
    Integers,
    K,
    M,
    U,
    V,
)
from studio.engine.splat._tiles import CHECK_EVERY, OPAQUE, P0, P1, P2, P3, P4
from studio.engine.splat.base import ALPHA_MAX, ALPHA_MIN

_EIGHTH = np.float32(0.125)
_ONE = np.float32(1.0)
_ZERO = np.float32(0.0)
_HALF = np.float32(0.5)
_MIDDLE = np.float32(TILE / 2 - 0.5)  # a tile's centre in its own pixel indices
_ALPHA_MAX = np.float32(ALPHA_MAX)
_ALPHA_MIN = np.float32(ALPHA_MIN)


@kernel(fast=True)
def _differentiate_tile(
    left: int,
    top: int,
    begin: int,
    stop: int,
    members: Integers,
    splats: Floats,
    rgb: Floats,
    alpha: Floats,
    depth: Floats | None,
    rgb_gradient: Floats,
    alpha_gradient: Floats,
    depth_gradient: Floats | None,
    pair_gradients: Floats,
) -> None:
    planes = np.zeros((7, TILE, TILE), np.float32)
    light, behind, on_red, on_green, on_blue, on_alpha, on_depth = (
        planes[0],
        planes[1],
        planes[2],
        planes[3],
        planes[4],
        planes[5],
        planes[6],
    )
    light[:] = _ONE
    for y in range(min(TILE, alpha.shape[0] - top)):
        for x in range(min(TILE, alpha.shape[1] - left)):
            row, column = top + y, left + x
            on_red[y, x] = rgb_gradient[row, column, 0]
            on_green[y, x] = rgb_gradient[row, column, 1]
            on_blue[y, x] = rgb_gradient[row, column, 2]
            on_alpha[y, x] = alpha_gradient[row, column]
            behind[y, x] = (
                rgb[row, column, 0] * on_red[y, x]
                + rgb[row, column, 1] * on_green[y, x]
                + rgb[row, column, 2] * on_blue[y, x]
                + alpha[row, column] * on_alpha[y, x]
            )
            if depth is not None and depth_gradient is not None:
                on_depth[y, x] = depth_gradient[row, column]
                behind[y, x] += depth[row, column] * on_depth[y, x]

    sums = np.empty((7, TILE), np.float32)  # per tile column: s, s y, s y², red, green, blue, depth
    first, last = 0, TILE
    for j in range(stop - begin):
        if j % CHECK_EVERY == CHECK_EVERY - 1:
            while first < last and light[first].max() < OPAQUE:
                first += 1
            while first < last and light[last - 1].max() < OPAQUE:
                last -= 1
            if first == last:
                pair_gradients[begin + j : stop] = _ZERO
                break
        splat = splats[members[begin + j]]
        u, v = splat[U] - np.float32(left) - _HALF, splat[V] - np.float32(top) - _HALF
        h, m, k = splat[H] * _EIGHTH, splat[M], splat[K] * _EIGHTH
        opacity, r, g, b = splat[OPACITY], splat[RED], splat[GREEN], splat[BLUE]
        first_row = max(first, int(np.ceil(max(v - splat[EXTENT_Y], _ZERO))))
        stop_row = min(last, int(np.floor(min(v + splat[EXTENT_Y], np.float32(TILE)))) + 1)
        sums[:] = _ZERO
        for y in range(first_row, stop_row):
            dy = np.float32(y) - v
            row_centre = u + m * dy
            q = k * dy * dy
            height = np.float32(y) - _MIDDLE
            for x in range(TILE):
                dx = np.float32(x) - row_centre
                p = min(q + h * dx * dx, _ONE)
                e = P0 + p * (P1 + p * (P2 + p * (P3 + p * P4)))
                e *= e
                e *= e
                e *= e
                raw = opacity * e
                a = min(raw, _ALPHA_MAX)
                a = a if a >= _ALPHA_MIN else _ZERO
                w = a * light[y, x]
                after = light[y, x] - w
                f = on_alpha[y, x] + r * on_red[y, x] + g * on_green[y, x] + b * on_blue[y, x]
                if depth_gradient is not None:
                    f += splat[DEPTH] * on_depth[y, x]
                    sums[6, x] += w * on_depth[y, x]
                rest = behind[y, x] - w * f
                s = a * (rest - after * f) / (_ONE - a)  # ∂L/∂σ = -α ∂L/∂α
                s = s if raw <= _ALPHA_MAX else _ZERO
                light[y, x] = after
                behind[y, x] = rest
                sums[0, x] += s
                sums[1, x] += s * height
                sums[2, x] += s * height * height
                sums[3, x] += w * on_red[y, x]
                sums[4, x] += w * on_green[y, x]
                sums[5, x] += w * on_blue[y, x]

        # Moments of s about the tile's centre, then about the splat's own axes (float64: needles cancel here).
        s00 = s10 = s20 = s01 = s11 = s02 = red = green = blue = far = _ZERO
        for x in range(TILE):
            across = np.float32(x) - _MIDDLE
            s00 += sums[0, x]
            s10 += sums[0, x] * across
            s20 += sums[0, x] * across * across
            s01 += sums[1, x]
            s11 += sums[1, x] * across
            s02 += sums[2, x]
            red += sums[3, x]
            green += sums[4, x]
            blue += sums[5, x]
            far += sums[6, x]
        slope = np.float64(m)
        down = np.float64(_MIDDLE) - v
        off = np.float64(_MIDDLE) - u - slope * down
        sd = off * s00 + s10 - slope * s01  # Σ s d with d = x - u - m (y - v)
        sdd = off * off * s00 + s20 + slope * slope * s02 + 2.0 * (off * s10 - off * slope * s01 - slope * s11)
        sy = down * s00 + s01
        sdy = down * sd + off * s01 + s11 - slope * s02
        syy = down * down * s00 + 2.0 * down * s01 + s02
        two_h, two_k = 2.0 * np.float64(splat[H]), 2.0 * np.float64(splat[K])
        out = pair_gradients[begin + j]
        out[U] = -two_h * sd
        out[V] = two_h * slope * sd - two_k * sy
        out[H] = sdd
        out[M] = -two_h * sdy
        out[K] = syy
        out[OPACITY] = -s00 / opacity
        out[RED] = red
        out[GREEN] = green
        out[BLUE] = blue
        out[DEPTH] = far


@kernel(parallel=True)
def differentiate(
    tile_starts: NDArray[np.int64],
    members: Integers,
    splats: Floats,
    stride: int,
    rgb: Floats,
    alpha: Floats,
    depth: Floats | None,
    rgb_gradient: Floats,
    alpha_gradient: Floats,
    depth_gradient: Floats | None,
    pair_gradients: Floats,
) -> None:
    """Write the gradient of every (splat, tile) pair.

    Args:
        tile_starts: (T + 1,) this and the next three are those of `_tiles.draw`.
        members: (P,)
        splats: (N, SPLAT_FIELDS)
        stride: between tiles drawn one after the other.
        rgb: (H, W, 3) the picture that `draw` wrote.
        alpha: (H, W) likewise.
        depth: (H, W) likewise, or None.
        rgb_gradient: (H, W, 3) of the loss with respect to `rgb`.
        alpha_gradient: (H, W) likewise.
        depth_gradient: (H, W) likewise, or None.
        pair_gradients: (P, GRADIENT_FIELDS) written.
    """
    columns = (alpha.shape[1] + TILE - 1) // TILE
    count = tile_starts.shape[0] - 1
    for i in numba.prange(count):
        tile = (i * stride) % count
        if tile_starts[tile] < tile_starts[tile + 1]:
            _differentiate_tile(
                (tile % columns) * TILE,
                (tile // columns) * TILE,
                tile_starts[tile],
                tile_starts[tile + 1],
                members,
                splats,
                rgb,
                alpha,
                depth,
                rgb_gradient,
                alpha_gradient,
                depth_gradient,
                pair_gradients,
            )
