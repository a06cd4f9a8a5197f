"""Compiled network and rig: static descriptions of Gaussians and a frame's tokens in, posed Gaussians out.

Gaussians that move are worked through in blocks of `BLOCK`, small enough that a block's activations stay in the
first-level cache from the attention to the last layer; within a block the Gaussians lie side by side, so that the
processor's vectors hold as many Gaussians as they have lanes. Hidden units are worked out in whole steps of 16 bits,
the sums in 32: processors add the products of two pairs in the time that one product in float32 takes. Steps follow
the frame's tokens (`pack_weights`) and are finer than anybody sees: a picture differs from the tensor operations' by
90 dB.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from studio.engine.deform._products import BLOCK, COLUMNS, PAIR_COLUMNS, UNITS, gated_tile, step_tile, sum_tile
from studio.engine.deform._tokens import JOINT_FIELDS, Floats
from studio.engine.splat._crew import Tickets
from studio.engine.splat._jit import borrowed, kernel, take
from studio.engine.splat._lanes import LANES, load, root, spread, store

STILL_BLOCKS = 16
"""Blocks per piece of work of those Gaussians that only the rig moves."""

OUTPUTS = 16
"""Rows of outputs: the 14 of the network, rounded up to tiles."""

MEANS, LOG_SCALES, QUATS, LOGIT, COLOURS = 0, 3, 6, 10, 11
"""First row of outputs of each part."""

ROOM = 7 * BLOCK + JOINT_FIELDS * LANES
"""Floats that the rig works in: positions and quaternions of a block, transforms of a vector."""

_ZERO, _ONE, _TINY = np.float32(0.0), np.float32(1.0), np.float32(1e-20)
_STEPS = np.float32(32767.0)
"""Steps in 16 bits."""
_LARGEST_SUM, _SLACK = np.float32(2.1e9), np.float32(1.01)
"""Below 2³¹, and what rounding may add."""

Integers = NDArray[np.int32]
Parts = tuple[Floats, Floats, Floats, Floats, Floats]
"""means (N, 3), quats (N, 4), log_scales (N, 3), opacity_logits (N,), sh (N, K, 3), as in `Gaussians`."""
Shorts = NDArray[np.int16]
Network = tuple[Shorts, Shorts, Shorts, Shorts, Floats, Floats, Floats, Floats, Floats]
"""Per block of Gaussians, (blocks, rows, BLOCK) each, in steps: attention by head and token; feed-forward units at rest
(F rows), head units at rest and gates (H rows). Then the sizes of steps, one per row: of attention, of feed-forward
units, of head units. At last weights in float32: head units, in steps of theirs and their gates', → outputs as tiles
read them (OUTPUTS · H,) and feed-forward → head units (F, H)."""
Weights = tuple[Integers, Floats, Floats, Integers, Floats]
"""Of a frame: weights of feed-forward units, pairs in 32 bits as tiles read them; their steps in those of rest (F,);
the steps of rest in those in which they are inputs (F,); weights of head units; their steps in those of rest (H,)."""
Skin = tuple[Floats, Floats, Floats]
"""Weights of the Gaussians that move and of the others, (blocks, J, BLOCK) each; the joints' transforms
(J, JOINT_FIELDS)."""


@kernel()
def _offsets(
    block: int, active: Integers, weights: Weights, network: Network, inputs: Integers, hidden: Floats, out: Floats
) -> None:
    """Write the offsets (OUTPUTS · BLOCK,) of one block of Gaussians; `inputs` and `hidden` are room to work in."""
    attention, feed_rest, head_rest, gate = network[0], network[1], network[2], network[3]
    out_weights = network[7]
    feed_weights, feed_ratios, feed_amounts, head_weights, head_ratios = weights
    feeds, heads = feed_ratios.shape[0], head_ratios.shape[0]
    pairs = (active.shape[0] + 1) // 2
    depth, feed_at, head_at = pairs + feeds // 2, block * feeds * BLOCK, block * heads * BLOCK
    for p in range(pairs):
        low, high = attention[block, active[2 * p]], attention[block, active[min(2 * p + 1, active.shape[0] - 1)]]
        row = inputs[p * BLOCK : p * BLOCK + BLOCK]
        for lane in range(BLOCK):
            row[lane] = np.int32(low[lane]) | (np.int32(high[lane]) << np.int32(16))
    rest = feed_rest.reshape(-1)
    for unit in range(0, feeds, UNITS):
        for column in range(0, BLOCK, PAIR_COLUMNS):
            at = feed_at + unit * BLOCK + column
            step_tile(
                feed_weights, unit * pairs, inputs, column, rest, at, feed_ratios, unit,
                feed_amounts, unit, inputs, (pairs + unit // 2) * BLOCK + column, pairs,
            )  # fmt: skip
    rest, stops = head_rest.reshape(-1), gate.reshape(-1)
    for unit in range(0, heads, UNITS):
        for column in range(0, BLOCK, PAIR_COLUMNS):
            at = head_at + unit * BLOCK + column
            gated_tile(
                head_weights, unit * depth, inputs, column, rest, at, head_ratios, unit,
                stops, at, hidden, unit * BLOCK + column, depth,
            )  # fmt: skip
    for unit in range(0, OUTPUTS, UNITS):
        for column in range(0, BLOCK, COLUMNS):
            sum_tile(out_weights, unit * heads, hidden, column, out, unit * BLOCK + column, heads)


@kernel(fast=True)
def _carry(table: Floats, weights: Floats, where: Floats, mixed: Floats) -> None:
    """Carry positions and quaternions by the rig.

    Args:
        table: (J * JOINT_FIELDS,) the joints' transforms.
        weights: (J * BLOCK,) by which they hold each Gaussian.
        where: (7 * BLOCK,) changed: x, y, z and quaternion.
        mixed: (JOINT_FIELDS * LANES,) room to work in.
    """
    for at in range(0, BLOCK, LANES):
        weight = load(weights, at)
        for field in range(JOINT_FIELDS):
            store(mixed, field * LANES, weight * table[field])
        for joint in range(1, table.shape[0] // JOINT_FIELDS):
            weight = load(weights, joint * BLOCK + at)
            for field in range(JOINT_FIELDS):
                so_far = load(mixed, field * LANES)
                store(mixed, field * LANES, so_far + weight * table[joint * JOINT_FIELDS + field])
        x, y, z = load(where, at), load(where, BLOCK + at), load(where, 2 * BLOCK + at)
        for axis in range(3):
            row = 3 * axis * LANES
            turned = load(mixed, row) * x + load(mixed, row + LANES) * y + load(mixed, row + 2 * LANES) * z
            store(where, axis * BLOCK + at, turned + load(mixed, (9 + axis) * LANES))
        rw, rx = load(mixed, 12 * LANES), load(mixed, 13 * LANES)
        ry, rz = load(mixed, 14 * LANES), load(mixed, 15 * LANES)
        scale = spread(_ONE) / (root(rw * rw + rx * rx + ry * ry + rz * rz) + _TINY)
        rw, rx, ry, rz = rw * scale, rx * scale, ry * scale, rz * scale
        qw, qx = load(where, 3 * BLOCK + at), load(where, 4 * BLOCK + at)
        qy, qz = load(where, 5 * BLOCK + at), load(where, 6 * BLOCK + at)
        store(where, 3 * BLOCK + at, rw * qw - rx * qx - ry * qy - rz * qz)
        store(where, 4 * BLOCK + at, rw * qx + rx * qw + ry * qz - rz * qy)
        store(where, 5 * BLOCK + at, rw * qy - rx * qz + ry * qw + rz * qx)
        store(where, 6 * BLOCK + at, rw * qz + rx * qy - ry * qx + rz * qw)


@kernel(fast=True)
def _place(
    rows: Integers,
    offsets: Floats,
    moved: bool,
    canonical: Parts,
    table: Floats,
    weights: Floats,
    posed: bool,
    room: Floats,
    out: Parts,
) -> None:
    """Write a block of Gaussians: canonical plus offsets, carried by the rig.

    Args:
        rows: (≤ BLOCK,) which they are.
        offsets: (OUTPUTS * BLOCK,) where they have `moved`.
        moved: else they stay as they are but for the rig.
        canonical: the neutral head.
        table: (J * JOINT_FIELDS,) of the rig.
        weights: (J * BLOCK,) of the rig, for this block.
        posed: whether the rig moves at all.
        room: (ROOM,) to work in.
        out: the head as it is shown.
    """
    means, quats, log_scales, logits, sh = canonical
    new_means, new_quats, new_log_scales, new_logits, new_sh = out
    colours, new_colours, width = sh.reshape(-1), new_sh.reshape(-1), 3 * sh.shape[1]
    where, mixed = room[: 7 * BLOCK], room[7 * BLOCK :]
    count = rows.shape[0]
    for lane in range(count):  # one loop for each part: together they are half as fast
        i = rows[lane]
        for axis in range(3):
            where[axis * BLOCK + lane] = means[i, axis]
    for lane in range(count):
        i = rows[lane]
        for axis in range(4):
            where[(3 + axis) * BLOCK + lane] = quats[i, axis]
    for lane in range(count):
        first = width * np.intp(rows[lane])
        if width < LANES:
            for field in range(width):
                new_colours[first + field] = colours[first + field]
        else:
            for field in range(0, width - LANES, LANES):
                store(new_colours, first + field, load(colours, first + field))
            store(new_colours, first + width - LANES, load(colours, first + width - LANES))
    if moved:
        for axis in range(3):
            for lane in range(0, BLOCK, LANES):
                at = axis * BLOCK + lane
                store(where, at, load(where, at) + load(offsets, MEANS * BLOCK + at))
        for axis in range(4):
            for lane in range(0, BLOCK, LANES):
                at = axis * BLOCK + lane
                store(where, 3 * BLOCK + at, load(where, 3 * BLOCK + at) + load(offsets, QUATS * BLOCK + at))
    if posed:
        _carry(table, weights, where, mixed)
    for lane in range(count):
        i = rows[lane]
        for axis in range(3):
            new_means[i, axis] = where[axis * BLOCK + lane]
    for lane in range(count):
        i = rows[lane]
        for axis in range(4):
            new_quats[i, axis] = where[(3 + axis) * BLOCK + lane]
    if moved:
        for lane in range(count):
            i = rows[lane]
            for axis in range(3):
                new_log_scales[i, axis] = log_scales[i, axis] + offsets[(LOG_SCALES + axis) * BLOCK + lane]
        for lane in range(count):
            i = rows[lane]
            new_logits[i] = logits[i] + offsets[LOGIT * BLOCK + lane]
            for axis in range(3):
                new_sh[i, 0, axis] += offsets[(COLOURS + axis) * BLOCK + lane]
    else:
        for lane in range(count):
            i = rows[lane]
            for axis in range(3):
                new_log_scales[i, axis] = log_scales[i, axis]
            new_logits[i] = logits[i]


@kernel(fast=True)
def _pack(rows: Floats, first: int, units: int, sizes: Floats, low: int, depth: int, out: Integers) -> None:
    """Lay columns `first` … + `units` of rows (R, U) out as tiles read them, in steps: pairs `low` … of `depth`."""
    scale = _ONE / sizes[first : first + units]
    nothing = np.zeros(units, np.float32)
    for k in range(0, rows.shape[0], 2):
        row = rows[k, first : first + units]
        other = rows[k + 1, first : first + units] if k + 1 < rows.shape[0] else nothing
        at = UNITS * (low + k // 2)
        for tile in range(0, units, UNITS):
            for unit in range(UNITS):
                size = scale[tile + unit]
                lower, upper = np.int32(np.rint(row[tile + unit] * size)), np.int32(np.rint(other[tile + unit] * size))
                out[at + unit] = (lower & np.int32(0xFFFF)) | (upper << np.int32(16))
            at += UNITS * depth


@kernel(fast=True)
def pack_weights(tokens: Floats, active: Integers, per_head: int, network: Network) -> Weights:
    """The frame's weights in steps, fine enough to tell, coarse enough that sums stay within 32 bits.

    The attention of a head to its tokens sums up to at most 1, hence they raise a hidden unit by at most the largest of
    them and lower it by at most the smallest; a feed-forward unit changes by no more than its input does.

    Args:
        tokens: (≥ A, F + H) what each active token adds to the hidden units at full attention; used up.
        active: (A,) A ≥ 1, the rows of attention that belong to them, in order.
        per_head: tokens per head of the attention, active or not.
        network: of the avatar.
    """
    attention_steps, feed_steps, head_steps, through = network[4], network[5], network[6], network[8]
    feeds, heads = through.shape
    units, count = feeds + heads, active.shape[0]
    pairs = (count + 1) // 2
    rise, fall, largest = np.zeros(units, np.float32), np.zeros(units, np.float32), np.zeros(units, np.float32)
    top, bottom = np.zeros(units, np.float32), np.zeros(units, np.float32)
    for a in range(count):
        step = attention_steps[active[a]]
        for u in range(units):
            value = tokens[a, u]
            top[u], bottom[u] = max(top[u], value), min(bottom[u], value)
            tokens[a, u] = value * step
            largest[u] = max(largest[u], abs(tokens[a, u]))
        if a + 1 == count or active[a] // per_head != active[a + 1] // per_head:
            for u in range(units):
                rise[u] += top[u]
                fall[u] += bottom[u]
                top[u] = bottom[u] = _ZERO
    feed_sizes: Floats = np.empty(feeds, np.float32)
    carried = np.empty((feeds, heads), np.float32)
    for f in range(feeds):
        feed_sizes[f] = max(rise[f], -fall[f], _TINY) * _SLACK / _STEPS
        up, down, size = rise[f], fall[f], feed_sizes[f]
        for h in range(heads):
            weight = through[f, h]
            carried[f, h] = weight * size
            rise[feeds + h] += max(weight * up, weight * down)
            fall[feeds + h] += min(weight * up, weight * down)
            largest[feeds + h] = max(largest[feeds + h], abs(carried[f, h]))
    sizes: Floats = np.empty(units, np.float32)
    for u in range(units):
        sizes[u] = max(max(rise[u], -fall[u]) * _SLACK / _LARGEST_SUM, largest[u] / _STEPS, _TINY)
    feed_weights: Integers = np.empty(feeds * pairs, np.int32)
    head_weights: Integers = np.empty(heads * (pairs + feeds // 2), np.int32)
    _pack(tokens[:count], 0, feeds, sizes, 0, pairs, feed_weights)
    _pack(tokens[:count], feeds, heads, sizes, 0, pairs + feeds // 2, head_weights)
    _pack(carried, 0, heads, sizes[feeds:], pairs, pairs + feeds // 2, head_weights)
    return (
        feed_weights,
        sizes[:feeds] / feed_steps,
        feed_steps / feed_sizes,
        head_weights,
        sizes[feeds:] / head_steps,
    )


@kernel()
def deform(
    tickets: Tickets,
    network: Network,
    moving: Integers,
    still: Integers,
    weights: Weights,
    active: Integers,
    canonical: Parts,
    skin: Skin,
    posed: bool,
    out: Parts,
) -> None:
    """Shape and pose Gaussians: one piece of work per ticket, until all are written; for several threads at once.

    Args:
        tickets: of `work_through`.
        network: of the Gaussians that move, in the order of `moving`.
        moving: (M,) which these are.
        still: (N − M,) the others.
        weights: of `pack_weights`.
        active: (A,) the row of attention that belongs to each active token.
        canonical: the neutral head.
        skin: how the rig holds it.
        posed: whether the rig moves at all.
        out: the head as it is shown.
    """
    network, weights, canonical, out = borrowed(network), borrowed(weights), borrowed(canonical), borrowed(out)
    moving, still, active = borrowed(moving), borrowed(still), borrowed(active)
    moving_weights, still_weights, table = borrowed(skin)
    joints = table.reshape(-1)
    feeds, heads = network[8].shape
    inputs = np.empty(((active.shape[0] + 1) // 2 + feeds // 2) * BLOCK, np.int32)
    hidden = np.empty(heads * BLOCK, np.float32)
    offsets, room = np.empty(OUTPUTS * BLOCK, np.float32), np.empty(ROOM, np.float32)
    blocks = network[0].shape[0]
    rests = (still_weights.shape[0] + STILL_BLOCKS - 1) // STILL_BLOCKS
    ticket = take(tickets)
    while ticket < blocks + rests:
        if ticket < blocks:
            rows = moving[ticket * BLOCK : (ticket + 1) * BLOCK]
            if active.shape[0]:
                _offsets(ticket, active, weights, network, inputs, hidden, offsets)
            moved, held = active.shape[0] > 0, moving_weights[ticket].reshape(-1)
            _place(rows, offsets, moved, canonical, joints, held, posed, room, out)
        else:
            first = (ticket - blocks) * STILL_BLOCKS
            for block in range(first, min(first + STILL_BLOCKS, still_weights.shape[0])):
                rows = still[block * BLOCK : (block + 1) * BLOCK]
                held = still_weights[block].reshape(-1)
                _place(rows, offsets, False, canonical, joints, held, posed, room, out)
        ticket = take(tickets)
