"""Compiled derivative of the drawing: from the picture's gradient to the splats.

Two steps. Here each tile goes over its splats front to back once more, exactly as the forward pass did, and writes one
small gradient per (splat, tile) pair to a place of its own, so that threads never write to the same number. Then, in
`_gather`, each Gaussian sums its pairs and carries the sum through the projection.

Going front to back needs no stored transmittance. With f the gradient's product with a splat's colour, and T the light
that reaches it, ∂L/∂α = T f - (what the splats behind it add to the loss) / (1 - α); the part behind is the picture's
whole product with its gradient less what has been drawn so far.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from studio.engine.splat._crew import Tickets
from studio.engine.splat._jit import kernel, take
from studio.engine.splat._lanes import LANES, least, load, ramp, spread, store, total, where_at_most
from studio.engine.splat._project import (
    BLUE,
    DEPTH,
    GREEN,
    OPACITY,
    RED,
    TILE_HEIGHT,
    TILE_WIDTH,
    Floats,
    H,
    Integers,
    K,
    M,
    U,
    V,
)
from studio.engine.splat._tiles import (
    CHUNK,
    P0,
    P1,
    P2,
    P3,
    P4,
    S_BLUE,
    S_CENTRE,
    S_DEPTH,
    S_DOWN,
    S_GREEN,
    S_LIMIT,
    S_OFFSET,
    S_OPACITY,
    S_RED,
    S_ROOT,
    S_SLOPE,
    STROKE_FIELDS,
    prepare_strokes,
    unfinished,
)
from studio.engine.splat.base import ALPHA_MAX

_ROW = 7 * LANES
"""Floats per pixel row of a tile: light that still passes, what lies behind adds to the loss, and the loss's gradient
with respect to red, green, blue, alpha and depth."""

_ONE = np.float32(1.0)
_ZERO = np.float32(0.0)
_HALF = np.float32(0.5)
_MIDDLE_X = np.float32(TILE_WIDTH / 2 - 0.5)  # a tile's centre in its own pixel indices
_MIDDLE_Y = np.float32(TILE_HEIGHT / 2 - 0.5)
_ALPHA_MAX = np.float32(ALPHA_MAX)


@kernel()
def _load_tile(
    left: int,
    top: int,
    picture: Floats,
    depth: Floats | None,
    rgb_gradient: Floats,
    alpha_gradient: Floats,
    depth_gradient: Floats | None,
    canvas: Floats,
) -> None:
    """Fill a tile's canvas with what it starts from; pixels beyond the picture's edge add nothing to any sum."""
    canvas[:] = _ZERO
    for y in range(TILE_HEIGHT):
        store(canvas, _ROW * y, spread(_ONE))
    for y in range(min(TILE_HEIGHT, picture.shape[1] - top)):
        for x in range(min(TILE_WIDTH, picture.shape[2] - left)):
            row, column, place = top + y, left + x, _ROW * y + x
            behind = picture[3, row, column] * alpha_gradient[row, column]
            for channel in range(3):
                gradient = rgb_gradient[row, column, channel]
                canvas[place + (2 + channel) * LANES] = gradient
                behind += picture[channel, row, column] * gradient
            canvas[place + 5 * LANES] = alpha_gradient[row, column]
            if depth is not None and depth_gradient is not None:
                canvas[place + 6 * LANES] = depth_gradient[row, column]
                behind += depth[row, column] * depth_gradient[row, column]
            canvas[place + LANES] = behind


@kernel(fast=True)
def _differentiate_stroke(
    stroke: Floats,
    begin: int,
    end: int,
    splat: Floats,
    left: int,
    top: int,
    canvas: Floats,
    has_depth: bool,
    out: Floats,
) -> None:
    nothing = spread(_ZERO)
    s0, s1, s2, on_red, on_green, on_blue, on_depth = nothing, nothing, nothing, nothing, nothing, nothing, nothing
    across = ramp() * stroke[S_ROOT] - stroke[S_CENTRE]
    slope, down, dy, limit = stroke[S_SLOPE], stroke[S_DOWN], stroke[S_OFFSET], spread(stroke[S_LIMIT])
    r, g, b, far = spread(stroke[S_RED]), spread(stroke[S_GREEN]), spread(stroke[S_BLUE]), spread(stroke[S_DEPTH])
    opacity, opaque, one = spread(stroke[S_OPACITY]), spread(_ALPHA_MAX), spread(_ONE)
    for y in range(begin, end):
        dx = across - slope * dy
        p = dx * dx + down * dy * dy
        dy += _ONE
        e = P0 + p * (P1 + p * (P2 + p * (P3 + p * P4)))
        e = e * e
        e = e * e
        raw = opacity * (e * e)
        a = where_at_most(least(raw, opaque), p, limit)
        place = _ROW * y
        light = load(canvas, place)
        w = a * light
        after = light - w
        red, green, blue = (
            load(canvas, place + 2 * LANES),
            load(canvas, place + 3 * LANES),
            load(canvas, place + 4 * LANES),
        )
        f = load(canvas, place + 5 * LANES) + r * red + g * green + b * blue
        if has_depth:
            depth = load(canvas, place + 6 * LANES)
            f = f + far * depth
            on_depth = on_depth + w * depth
        rest = load(canvas, place + LANES) - w * f
        store(canvas, place, after)
        store(canvas, place + LANES, rest)
        s = where_at_most(a * (rest - after * f) / (one - a), raw, opaque)  # ∂L/∂σ = -α ∂L/∂α
        height = np.float32(y) - _MIDDLE_Y
        s0 = s0 + s
        s1 = s1 + s * height
        s2 = s2 + s * (height * height)
        on_red = on_red + w * red
        on_green = on_green + w * green
        on_blue = on_blue + w * blue

    # Moments of s about the tile's centre, then about the splat's own axes (float64: needles cancel here).
    width = ramp() - _MIDDLE_X
    s00, s10, s20 = np.float64(total(s0)), np.float64(total(s0 * width)), np.float64(total(s0 * width * width))
    s01, s11, s02 = np.float64(total(s1)), np.float64(total(s1 * width)), np.float64(total(s2))
    slope = np.float64(splat[M])
    middle_y = np.float64(_MIDDLE_Y) - (splat[V] - np.float32(top) - _HALF)
    middle_x = np.float64(_MIDDLE_X) - (splat[U] - np.float32(left) - _HALF) - slope * middle_y
    sd = middle_x * s00 + s10 - slope * s01  # Σ s d with d = x - u - m (y - v)
    sdd = middle_x * middle_x * s00 + s20 + slope * slope * s02
    sdd += 2.0 * (middle_x * s10 - middle_x * slope * s01 - slope * s11)
    sy = middle_y * s00 + s01
    sdy = middle_y * sd + middle_x * s01 + s11 - slope * s02
    syy = middle_y * middle_y * s00 + 2.0 * middle_y * s01 + s02
    two_h, two_k = 2.0 * np.float64(splat[H]), 2.0 * np.float64(splat[K])
    out[U] = -two_h * sd
    out[V] = two_h * slope * sd - two_k * sy
    out[H] = sdd
    out[M] = -two_h * sdy
    out[K] = syy
    out[OPACITY] = -s00 / splat[OPACITY]
    out[RED], out[GREEN], out[BLUE] = total(on_red), total(on_green), total(on_blue)
    out[DEPTH] = total(on_depth)


@kernel()
def differentiate(
    tickets: Tickets,
    tile_starts: NDArray[np.int64],
    members: Integers,
    splats: Floats,
    stride: int,
    picture: Floats,
    depth: Floats | None,
    rgb_gradient: Floats,
    alpha_gradient: Floats,
    depth_gradient: Floats | None,
    pair_gradients: Floats,
) -> None:
    """Write the gradient of every (splat, tile) pair.

    Args:
        tickets: for tiles.
        tile_starts: (T + 1,) this and the next three are those of `_tiles.draw`.
        members: (P,)
        splats: (N, SPLAT_FIELDS)
        stride: between tiles drawn one after the other.
        picture: (4, H, W) that `draw` wrote.
        depth: (H, W) likewise, or None.
        rgb_gradient: (H, W, 3) of the loss with respect to the colours.
        alpha_gradient: (H, W) likewise.
        depth_gradient: (H, W) likewise, or None.
        pair_gradients: (P, GRADIENT_FIELDS) written.
    """
    columns = (picture.shape[2] + TILE_WIDTH - 1) // TILE_WIDTH
    tiles = tile_starts.shape[0] - 1
    flat = splats.reshape(-1)
    canvas = np.empty(_ROW * TILE_HEIGHT, np.float32)
    strokes = np.empty(STROKE_FIELDS * (CHUNK + 1), np.float32)
    extents = np.empty(3 * (CHUNK + 1), np.int32)
    ticket = take(tickets)
    while ticket < tiles:
        tile = (ticket * stride) % tiles
        begin, stop = tile_starts[tile], tile_starts[tile + 1]
        pair_gradients[begin:stop] = _ZERO
        left, top = (tile % columns) * TILE_WIDTH, (tile // columns) * TILE_HEIGHT
        if begin < stop:
            _load_tile(left, top, picture, depth, rgb_gradient, alpha_gradient, depth_gradient, canvas)
        first, last = 0, TILE_HEIGHT
        for j in range(begin, stop, CHUNK):
            if j > begin:
                first, last = unfinished(canvas, _ROW, first, last)
                if first == last:
                    break
            some = members[j : min(j + CHUNK, stop)]
            count = prepare_strokes(left, top, first, last, some, flat, strokes, extents)
            for n in range(count):
                place = extents[3 * n + 2]
                _differentiate_stroke(
                    strokes[STROKE_FIELDS * n : STROKE_FIELDS * (n + 1)],
                    extents[3 * n],
                    extents[3 * n + 1],
                    splats[some[place]],
                    left,
                    top,
                    canvas,
                    depth_gradient is not None,
                    pair_gradients[j + place],
                )
        ticket = take(tickets)
