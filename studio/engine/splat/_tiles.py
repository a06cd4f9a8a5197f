"""Compiled sorting of splats into tiles and forward drawing, one tile of 8 × 32 pixels after the other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from studio.engine.splat._crew import Tickets
from studio.engine.splat._jit import kernel, prefetch, take
from studio.engine.splat._lanes import LANES, highest, least, load, ramp, spread, store, where_at_most
from studio.engine.splat._project import (
    BLUE,
    DEPTH,
    EXTENT_SLACK_PX,
    EXTENT_Y,
    GREEN,
    OPACITY,
    REACH,
    RED,
    ROOT,
    SLENDER,
    SPAN_FIELDS,
    SPLAT_FIELDS,
    TILE_HEIGHT,
    TILE_WIDTH,
    TILT,
    Floats,
    H,
    Integers,
    K,
    M,
    Spans,
    U,
    V,
    pixel_rows,
    tile_columns,
)
from studio.engine.splat.base import ALPHA_MAX

OPAQUE = np.float32(1e-4)
"""A pixel row that lets less light through than this everywhere is finished (gsplat's limit per pixel)."""

CHUNK = 32
"""Splats prepared for a tile at once, and drawn into it between two looks at whether it is finished."""

AHEAD = 16
"""Splats between the one that is sorted and the one whose span is fetched from memory meanwhile."""

RADIX_BITS = 12
"""Bits per pass of the depth sort: two passes cover depths that differ by up to a factor of four."""

# exp(-8 p) = P(p)⁸ for p in [0, ln(255) / 8], beyond which alpha is below 1/255 and dropped: a polynomial of degree 4
# with the least largest relative error (Lawson's reweighted least squares): 2.6e-6, hence 2.1e-5 for the power.
P0, P1, P2, P3, P4 = (np.float32(c) for c in (0.99999739, -0.99983039, 0.49815033, -0.15935264, 0.02930215))

STROKE_FIELDS = 12
"""Floats of a splat that is prepared for a tile: the constants below are their places."""
S_ROOT, S_CENTRE, S_SLOPE = 0, 1, 2  # √(h/8) times 1, u and m; u counted in the tile's own pixel indices
S_DOWN = 3  # k / 8
S_OFFSET = 4  # y - v at the first row
S_LIMIT = 5  # σ / 8 where alpha falls to 1/255
S_OPACITY, S_RED, S_GREEN, S_BLUE, S_DEPTH = 6, 7, 8, 9, 10

ROW = 4 * LANES
"""Floats per pixel row of a tile's canvas: light that still passes, red, green and blue."""

_EIGHTH = np.float32(0.125)
_ONE = np.float32(1.0)
_ZERO = np.float32(0.0)
_HALF = np.float32(0.5)
_SLACK = np.float32(EXTENT_SLACK_PX)
_LAST_COLUMN = np.float32(TILE_WIDTH - 1)
_TILE_HEIGHT = np.float32(TILE_HEIGHT)
_ALPHA_MAX = np.float32(ALPHA_MAX)


@kernel()
def depth_order(splats: Floats, rows: Integers) -> Integers:
    """Indices of the splats that are drawn, nearest first, ties by index."""
    n = rows.shape[0]
    indices = np.empty(n, np.int32)
    depths = np.empty(n, np.float32)
    count = 0
    for i in range(n):
        if rows[i] > 0:
            indices[count] = i
            depths[count] = splats[i, DEPTH]
            count += 1
    return by_depth(indices[:count], depths[:count])


@kernel()
def by_depth(indices: Integers, depths: Floats) -> Integers:
    """`indices` in the order of their `depths`, which are positive: a radix sort of bits. Both are used up."""
    if depths.shape[0] == 0:
        return indices
    keys = depths.view(np.uint32)  # positive floats sort like their bits
    count = keys.shape[0]
    keys -= keys.min()
    largest = keys.max()
    other_keys, other_indices = np.empty_like(keys), np.empty_like(indices)
    mask = np.uint32((1 << RADIX_BITS) - 1)
    shift = 0
    while shift < 32 and (largest >> np.uint32(shift)) > 0:
        starts = np.zeros((1 << RADIX_BITS) + 1, np.int32)
        for j in range(count):
            starts[((keys[j] >> np.uint32(shift)) & mask) + np.uint32(1)] += 1
        for bucket in range(1 << RADIX_BITS):
            starts[bucket + 1] += starts[bucket]
        for j in range(count):
            bucket = (keys[j] >> np.uint32(shift)) & mask
            place = starts[bucket]
            starts[bucket] = place + 1
            other_keys[place] = keys[j]
            other_indices[place] = indices[j]
        keys, other_keys = other_keys, keys
        indices, other_indices = other_indices, indices
        shift += RADIX_BITS
    return indices


@kernel()
def _later_columns(splat: Floats, top: int, width: int, height: int) -> tuple[int, int]:
    """Range of tile columns that a splat touches in the row of tiles that begins at the pixel row `top`."""
    _, stop = pixel_rows(np.float64(splat[V]), np.float64(splat[EXTENT_Y]), height)
    low, high = tile_columns(
        np.float64(splat[U]),
        np.float64(splat[V]),
        np.float64(splat[H]),
        np.float64(splat[M]),
        np.float64(splat[K]),
        np.float64(splat[REACH]),
        np.float64(splat[TILT]),
        top + 0.5,
        max(min(stop, top + TILE_HEIGHT), top + 1.0) - 0.5,
        width,
    )
    return int(low), int(high)


@kernel()
def sort_into_tiles(
    order: Integers, rows: Integers, spans: Spans, splats: Floats, width: int, height: int
) -> tuple[NDArray[np.int64], Integers]:
    """List every tile's splats, nearest first (a counting sort, which keeps the order).

    Args:
        order: (M,) drawn splats, nearest first.
        rows: (N,) this and the next two as `project_splats` wrote them.
        spans: (N, SPAN_FIELDS)
        splats: (N, SPLAT_FIELDS)
        width: of the picture, pixels.
        height: of the picture, pixels.

    Returns:
        (T + 1,) where each tile's splats begin; (P,) the splats, tile after tile.
    """
    columns = (width + TILE_WIDTH - 1) // TILE_WIDTH
    count = columns * ((height + TILE_HEIGHT - 1) // TILE_HEIGHT)
    total = rows.sum()
    begins, ends = np.empty(total, np.int32), np.empty(total, np.int32)  # ranges of tiles, all in one row
    owners = np.empty(total, np.int32)
    starts = np.zeros(count + 2, np.int64)  # first differences of the numbers of splats, then these, then their sums
    flat = spans.reshape(-1)
    s = 0
    for j in range(order.shape[0]):
        i = np.intp(order[j])
        prefetch(flat, SPAN_FIELDS * np.intp(order[min(j + AHEAD, order.shape[0] - 1)]))
        span = flat[SPAN_FIELDS * i : SPAN_FIELDS * i + SPAN_FIELDS]
        tile = np.intp(span[1]) * columns
        for row in range(np.intp(span[0])):
            low, high = int(span[2]), int(span[3])
            if row == 1:
                low, high = int(span[4]), int(span[5])
            elif row > 1:
                low, high = _later_columns(splats[i], (span[1] + row) * TILE_HEIGHT, width, height)
            high = max(low, high)
            begins[s], ends[s], owners[s] = tile + low, tile + high, i
            starts[tile + low + 1] += 1
            starts[tile + high + 1] -= 1
            tile += columns
            s += 1
    inside = pairs = 0
    for t in range(count + 1):
        inside += starts[t + 1]
        starts[t + 1] = pairs
        pairs += inside
    # Now starts[tile + 1] is where the tile's splats begin; it moves on to where they end while they are written.
    members = np.empty(pairs, np.int32)
    for n in range(s):
        for t in range(begins[n], ends[n]):
            members[starts[t + 1]] = owners[n]
            starts[t + 1] += 1
    return starts[: count + 1], members


@kernel(fast=True)
def prepare_strokes(
    left: int, top: int, first: int, last: int, members: Integers, splats: Floats, strokes: Floats, extents: Integers
) -> int:
    """Express splats in a tile's own coordinates, and find the pixel rows that they cross.

    This runs apart from the drawing so that the drawing knows the lengths of its loops in advance: a processor that
    first has to work them out from a splat guesses them, mostly wrong.

    Args:
        left: the tile's place in the picture, pixels.
        top: likewise.
        first: row of the tile that is not finished yet, the topmost
        last: and one past the lowest.
        members: (M,) M ≤ CHUNK.
        splats: (N * SPLAT_FIELDS,)
        strokes: (CHUNK * STROKE_FIELDS,) written.
        extents: (3 * CHUNK,) written: first row, one-past-last row and place in `members` of each stroke.

    Returns:
        How many strokes there are; splats that cross no row are left out.
    """
    count = 0
    for j in range(members.shape[0]):
        place = SPLAT_FIELDS * np.intp(members[j])
        splat = splats[place : place + SPLAT_FIELDS]
        u, v = splat[U] - np.float32(left) - _HALF, splat[V] - np.float32(top) - _HALF
        h, m, k = splat[H], splat[M], splat[K]
        # As in `tile_columns` with rows and columns exchanged: σ = (y - v - slope (x - u))² / slender + flat (x - u)².
        slope, flat = h * m * splat[SLENDER], h * k * splat[SLENDER]
        lowest = m * splat[EXTENT_Y]  # x - u of the outline's lowest point
        dx = min(max(lowest, -u), _LAST_COLUMN - u)
        bottom = v + slope * dx + np.sqrt(max(splat[REACH] - flat * dx * dx, _ZERO) * splat[SLENDER]) + _SLACK
        dx = min(max(-lowest, -u), _LAST_COLUMN - u)
        above = v + slope * dx - np.sqrt(max(splat[REACH] - flat * dx * dx, _ZERO) * splat[SLENDER]) - _SLACK
        begin = max(first, int(np.ceil(min(max(above, _ZERO), _TILE_HEIGHT))))
        end = min(last, int(np.floor(max(min(bottom, _TILE_HEIGHT), -_ONE))) + 1)
        extents[3 * count] = begin
        extents[3 * count + 1] = end
        extents[3 * count + 2] = j
        stroke = strokes[STROKE_FIELDS * count : STROKE_FIELDS * count + STROKE_FIELDS]
        root = splat[ROOT]
        stroke[S_ROOT] = root
        stroke[S_CENTRE] = root * u
        stroke[S_SLOPE] = root * m
        stroke[S_DOWN] = k * _EIGHTH
        stroke[S_OFFSET] = np.float32(begin) - v
        stroke[S_LIMIT] = splat[REACH] * _EIGHTH
        stroke[S_OPACITY] = splat[OPACITY]
        stroke[S_RED], stroke[S_GREEN], stroke[S_BLUE] = splat[RED], splat[GREEN], splat[BLUE]
        stroke[S_DEPTH] = splat[DEPTH]
        count += 1 if begin < end else 0
    return count


@kernel(fast=True)
def _draw_strokes(
    count: int, strokes: Floats, extents: Integers, canvas: Floats, far: Floats, depth: Floats | None
) -> None:
    """Draw strokes onto a tile's canvas; `depth` only says whether `far` (LANES * TILE_HEIGHT,) is wanted."""
    opaque = spread(_ALPHA_MAX)
    for n in range(count):
        stroke = strokes[STROKE_FIELDS * n : STROKE_FIELDS * n + STROKE_FIELDS]
        across = ramp() * stroke[S_ROOT] - stroke[S_CENTRE]
        slope, down, dy, limit = stroke[S_SLOPE], stroke[S_DOWN], stroke[S_OFFSET], spread(stroke[S_LIMIT])
        opacity = spread(stroke[S_OPACITY])
        red, green, blue = spread(stroke[S_RED]), spread(stroke[S_GREEN]), spread(stroke[S_BLUE])
        for y in range(np.intp(extents[3 * n]), np.intp(extents[3 * n + 1])):
            dx = across - slope * dy
            p = dx * dx + down * dy * dy
            dy += _ONE
            e = P0 + p * (P1 + p * (P2 + p * (P3 + p * P4)))
            e = e * e
            e = e * e
            a = where_at_most(least(opacity * (e * e), opaque), p, limit)
            place = ROW * y
            light = load(canvas, place)
            w = a * light
            store(canvas, place, light - w)
            store(canvas, place + LANES, load(canvas, place + LANES) + w * red)
            store(canvas, place + 2 * LANES, load(canvas, place + 2 * LANES) + w * green)
            store(canvas, place + 3 * LANES, load(canvas, place + 3 * LANES) + w * blue)
            if depth is not None:
                store(far, LANES * y, load(far, LANES * y) + w * stroke[S_DEPTH])


@kernel()
def unfinished(canvas: Floats, stride: int, first: int, last: int) -> tuple[int, int]:
    """Narrow a range of pixel rows down to those that still let light through; light lies at multiples of `stride`."""
    while first < last and highest(load(canvas, stride * first)) < OPAQUE:
        first += 1
    while first < last and highest(load(canvas, stride * (last - 1))) < OPAQUE:
        last -= 1
    return first, last


@kernel()
def _draw_tile(
    left: int,
    top: int,
    members: Integers,
    splats: Floats,
    canvas: Floats,
    strokes: Floats,
    extents: Integers,
    far: Floats,
    depth: Floats | None,
) -> None:
    for y in range(TILE_HEIGHT):
        store(canvas, ROW * y, spread(_ONE))
        for channel in range(1, 4):
            store(canvas, ROW * y + LANES * channel, spread(_ZERO))
        store(far, LANES * y, spread(_ZERO))
    first, last = 0, TILE_HEIGHT
    for j in range(0, members.shape[0], CHUNK):
        if j > 0:
            first, last = unfinished(canvas, ROW, first, last)
            if first == last:
                break
        for n in range(j + CHUNK, min(j + 2 * CHUNK, members.shape[0])):  # come while these are prepared and drawn
            prefetch(splats, SPLAT_FIELDS * np.intp(members[n]))
        count = prepare_strokes(left, top, first, last, members[j : j + CHUNK], splats, strokes, extents)
        _draw_strokes(count, strokes, extents, canvas, far, depth)


@kernel()
def draw(
    tickets: Tickets,
    tile_starts: NDArray[np.int64],
    members: Integers,
    splats: Floats,
    stride: int,
    picture: Floats,
    depth: Floats | None,
) -> None:
    """Draw all tiles.

    Args:
        tickets: for tiles.
        tile_starts: (T + 1,) and
        members: (P,) as `sort_into_tiles` returns them.
        splats: (N, SPLAT_FIELDS).
        stride: distance between tiles drawn one after the other, without common factor with T: spreads full and empty
            tiles evenly over the time, so that no thread is left with a full one at the end.
        picture: (4, H, W) written: red, green and blue premultiplied, and alpha.
        depth: (H, W) written, or None.
    """
    height, width = picture.shape[1], picture.shape[2]
    columns = (width + TILE_WIDTH - 1) // TILE_WIDTH
    count = tile_starts.shape[0] - 1
    flat = splats.reshape(-1)
    canvas = np.empty(ROW * TILE_HEIGHT, np.float32)
    strokes = np.empty(STROKE_FIELDS * (CHUNK + 1), np.float32)
    extents = np.empty(3 * (CHUNK + 1), np.int32)
    far = np.empty(LANES * TILE_HEIGHT, np.float32)
    ticket = take(tickets)
    while ticket < count:
        tile = (ticket * stride) % count
        left, top = (tile % columns) * TILE_WIDTH, (tile // columns) * TILE_HEIGHT
        _draw_tile(
            left, top, members[tile_starts[tile] : tile_starts[tile + 1]], flat, canvas, strokes, extents, far, depth
        )
        for y in range(min(TILE_HEIGHT, height - top)):
            for x in range(min(TILE_WIDTH, width - left)):
                picture[0, top + y, left + x] = canvas[ROW * y + LANES + x]
                picture[1, top + y, left + x] = canvas[ROW * y + 2 * LANES + x]
                picture[2, top + y, left + x] = canvas[ROW * y + 3 * LANES + x]
                picture[3, top + y, left + x] = _ONE - canvas[ROW * y + x]
                if depth is not None:
                    depth[top + y, left + x] = far[LANES * y + x]
        ticket = take(tickets)


@kernel()
def pairs_of(members: Integers, n: int) -> tuple[NDArray[np.int64], Integers]:
    """Where each of `n` splats occurs in `members`.

    Returns:
        (n + 1,) and (P,): the places of splat i are those between the i-th and the next of the first, in the second.
    """
    starts = np.zeros(n + 2, np.int64)
    for p in range(members.shape[0]):
        starts[members[p] + 2] += 1
    for i in range(n + 1):
        starts[i + 1] += starts[i]
    places = np.empty(members.shape[0], np.int32)
    for p in range(members.shape[0]):
        i = members[p]
        places[starts[i + 1]] = p
        starts[i + 1] += 1
    return starts[: n + 1], places
