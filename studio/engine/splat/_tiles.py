"""Compiled sorting of splats into tiles and forward drawing, 16 × 16 pixels at a time."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from studio.engine.splat._jit import kernel
from studio.engine.splat._project import (
    BLOCK,
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
    tile_columns,
    tile_rows,
)
from studio.engine.splat.base import ALPHA_MAX, ALPHA_MIN

OPAQUE = np.float32(1e-4)
"""A pixel row that lets less light through than this everywhere is finished (gsplat's limit per pixel)."""

CHECK_EVERY = 16
"""Splats drawn into a tile between two looks at whether it is finished."""

RADIX_BITS = 11
"""Bits per pass of the depth sort: three passes cover a float32, and the 2048 counters stay in the first cache."""

# exp(-8 p) = P(p)⁸ for p in [0, ln(255) / 8], beyond which alpha is below 1/255 and dropped: a polynomial of degree 4
# with the least largest relative error (Lawson's reweighted least squares): 2.6e-6, hence 2.1e-5 for the power.
P0, P1, P2, P3, P4 = (np.float32(c) for c in (0.99999739, -0.99983039, 0.49815033, -0.15935264, 0.02930215))

_EIGHTH = np.float32(0.125)
_ONE = np.float32(1.0)
_ZERO = np.float32(0.0)
_HALF = np.float32(0.5)
_ALPHA_MAX = np.float32(ALPHA_MAX)
_ALPHA_MIN = np.float32(ALPHA_MIN)


@kernel()
def depth_order(splats: Floats, tiles: Integers) -> Integers:
    """Indices of the splats that are drawn, nearest first, ties by index: a radix sort of the depths' bits."""
    n = tiles.shape[0]
    indices = np.empty(n, np.int32)
    count = 0
    for i in range(n):
        if tiles[i] > 0:
            indices[count] = i
            count += 1
    indices = indices[:count]
    depths = np.empty(count, np.float32)
    for j in range(count):
        depths[j] = splats[indices[j], DEPTH]
    keys = depths.view(np.uint32)  # positive floats sort like their bits
    other_keys, other_indices = np.empty_like(keys), np.empty_like(indices)
    buckets = 1 << RADIX_BITS
    for step in range(3):
        shift = np.uint32(step * RADIX_BITS)
        starts = np.zeros(buckets + 1, np.int64)
        for j in range(count):
            starts[((keys[j] >> shift) & np.uint32(buckets - 1)) + 1] += 1
        for bucket in range(buckets):
            starts[bucket + 1] += starts[bucket]
        for j in range(count):
            bucket = (keys[j] >> shift) & np.uint32(buckets - 1)
            place = starts[bucket]
            starts[bucket] = place + 1
            other_keys[place] = keys[j]
            other_indices[place] = indices[j]
        keys, other_keys = other_keys, keys
        indices, other_indices = other_indices, indices
    return indices


@kernel()
def pair_starts(order: Integers, tiles: Integers) -> NDArray[np.int64]:
    """(len(order) + 1,) where each splat's (splat, tile) pairs begin when pairs are listed in depth order."""
    starts = np.empty(order.shape[0] + 1, np.int64)
    starts[0] = 0
    for j in range(order.shape[0]):
        starts[j + 1] = starts[j] + tiles[order[j]]
    return starts


@kernel(parallel=True)
def list_pairs(
    order: Integers, starts: NDArray[np.int64], splats: Floats, width: int, height: int, pair_tiles: Integers
) -> None:
    """Write the tile of every (splat, tile) pair, in depth order, into `pair_tiles`."""
    columns = (width + TILE - 1) // TILE
    n = order.shape[0]
    for block in numba.prange((n + BLOCK - 1) // BLOCK):
        for j in range(block * BLOCK, min(n, (block + 1) * BLOCK)):
            splat = splats[order[j]]
            place = starts[j]
            first, stop = tile_rows(splat, height)
            for row in range(first // TILE, (stop + TILE - 1) // TILE):
                low, high = tile_columns(splat, max(first, row * TILE), min(stop, (row + 1) * TILE) - 1, width)
                for column in range(low, high):
                    pair_tiles[place] = row * columns + column
                    place += 1


@kernel()
def sort_pairs(
    order: Integers, starts: NDArray[np.int64], pair_tiles: Integers, tile_count: int
) -> tuple[NDArray[np.int64], Integers, Integers]:
    """Group the pairs by tile, keeping depth order inside each (a counting sort).

    Returns:
        (tile_count + 1,) where each tile's splats begin; (P,) the splats tile after tile; (P,) where each pair of the
        depth-ordered list went.
    """
    tile_starts = np.zeros(tile_count + 1, np.int64)
    for p in range(pair_tiles.shape[0]):
        tile_starts[pair_tiles[p] + 1] += 1
    for tile in range(tile_count):
        tile_starts[tile + 1] += tile_starts[tile]
    cursor = tile_starts[:-1].copy()
    members = np.empty(pair_tiles.shape[0], np.int32)
    places = np.empty(pair_tiles.shape[0], np.int32)
    for j in range(order.shape[0]):
        for p in range(starts[j], starts[j + 1]):
            tile = pair_tiles[p]
            place = cursor[tile]
            cursor[tile] = place + 1
            members[place] = order[j]
            places[p] = place
    return tile_starts, members, places


@kernel(fast=True)
def _draw_tile(
    left: int,
    top: int,
    members: Integers,
    splats: Floats,
    rgb: Floats,
    alpha: Floats,
    depth: Floats | None,
) -> None:
    planes = np.zeros((5, TILE, TILE), np.float32)
    light, red, green, blue, far = planes[0], planes[1], planes[2], planes[3], planes[4]
    light[:] = _ONE
    first, last = 0, TILE
    for j in range(members.shape[0]):
        if j % CHECK_EVERY == CHECK_EVERY - 1:
            while first < last and light[first].max() < OPAQUE:
                first += 1
            while first < last and light[last - 1].max() < OPAQUE:
                last -= 1
            if first == last:
                break
        splat = splats[members[j]]
        u, v = splat[U] - np.float32(left) - _HALF, splat[V] - np.float32(top) - _HALF
        h, m, k = splat[H] * _EIGHTH, splat[M], splat[K] * _EIGHTH
        opacity, r, g, b = splat[OPACITY], splat[RED], splat[GREEN], splat[BLUE]
        begin = max(first, int(np.ceil(max(v - splat[EXTENT_Y], _ZERO))))
        end = min(last, int(np.floor(min(v + splat[EXTENT_Y], np.float32(TILE)))) + 1)
        for y in range(begin, end):
            dy = np.float32(y) - v
            row = u + m * dy
            q = k * dy * dy
            for x in range(TILE):
                dx = np.float32(x) - row
                p = min(q + h * dx * dx, _ONE)
                e = P0 + p * (P1 + p * (P2 + p * (P3 + p * P4)))
                e *= e
                e *= e
                e *= e
                a = min(opacity * e, _ALPHA_MAX)
                a = a if a >= _ALPHA_MIN else _ZERO
                w = a * light[y, x]
                red[y, x] += w * r
                green[y, x] += w * g
                blue[y, x] += w * b
                light[y, x] -= w
                if depth is not None:
                    far[y, x] += w * splat[DEPTH]
    for y in range(min(TILE, alpha.shape[0] - top)):
        for x in range(min(TILE, alpha.shape[1] - left)):
            rgb[top + y, left + x, 0] = red[y, x]
            rgb[top + y, left + x, 1] = green[y, x]
            rgb[top + y, left + x, 2] = blue[y, x]
            alpha[top + y, left + x] = _ONE - light[y, x]
            if depth is not None:
                depth[top + y, left + x] = far[y, x]


@kernel(parallel=True)
def draw(
    tile_starts: NDArray[np.int64],
    members: Integers,
    splats: Floats,
    stride: int,
    rgb: Floats,
    alpha: Floats,
    depth: Floats | None,
) -> None:
    """Draw all tiles.

    Args:
        tile_starts: (T + 1,) and
        members: (P,) as `sort_pairs` returns them.
        splats: (N, SPLAT_FIELDS).
        stride: distance between tiles drawn one after the other, without common factor with T: spreads full and empty
            tiles evenly over the threads.
        rgb: (H, W, 3) written, premultiplied.
        alpha: (H, W) written.
        depth: (H, W) written, or None.
    """
    columns = (alpha.shape[1] + TILE - 1) // TILE
    count = tile_starts.shape[0] - 1
    for i in numba.prange(count):
        tile = (i * stride) % count
        _draw_tile(
            (tile % columns) * TILE,
            (tile // columns) * TILE,
            members[tile_starts[tile] : tile_starts[tile + 1]],
            splats,
            rgb,
            alpha,
            depth,
        )
