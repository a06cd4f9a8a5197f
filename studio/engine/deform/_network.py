"""Compiled network and rig: static descriptions of Gaussians and a frame's tokens in, posed Gaussians out.

Gaussians that move are worked through in blocks of `BLOCK`, small enough that a block's activations stay in the
first-level cache from the attention to the last layer; within a block the Gaussians lie side by side, so that the
processor's vectors hold as many Gaussians as they have lanes. Hidden units are worked out in whole steps of 16 bits,
the sums in 32: processors add the products of two pairs in the time that one product in float32 takes. Steps follow
the frame's tokens (`pack_weights`) and are finer than anybody sees: a picture differs from the tensor operations' by
90 dB.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from studio.engine.deform._products import BLOCK, COLUMNS, PAIR_COLUMNS, UNITS, gated_tile, step_tile, sum_tile
from studio.engine.deform._tokens import JOINT_FIELDS, Floats
from studio.engine.splat._crew import Tickets
from studio.engine.splat._jit import kernel, take

STILL_BLOCK = 16 * BLOCK
"""Gaussians per block of those that only the rig moves."""

OUTPUTS = 16
"""Rows of outputs: the 14 of the network, rounded up to tiles."""

MEANS, LOG_SCALES, QUATS, LOGIT, COLOURS = 0, 3, 6, 10, 11
"""First row of outputs of each part."""

_ZERO, _ONE, _TINY = np.float32(0.0), np.float32(1.0), np.float32(1e-20)
_STEPS = np.float32(32767.0)
"""Steps in 16 bits."""
_LARGEST_SUM, _SLACK = np.float32(2.1e9), np.float32(1.01)
"""Below 2³¹, and what rounding may add."""

Integers = NDArray[np.int32]
Parts = tuple[Floats, Floats, Floats, Floats, Floats]
"""means (N, 3), quats (N, 4), log_scales (N, 3), opacity_logits (N,), sh (N, K, 3), as in `Gaussians`."""
Shorts = NDArray[np.int16]
Network = tuple[Shorts, Shorts, Shorts, Shorts, Floats, Floats, Floats, Floats, Floats, Floats]
"""Per block of Gaussians, (blocks, rows, BLOCK) each, in steps: attention by head and token; feed-forward units at rest
(F rows), head units at rest and gates (H rows). Then the sizes of steps, one per row: of attention, of feed-forward
units, of head units times gates, of head units. At last weights in float32: head units → outputs as tiles read them
(OUTPUTS · H,) and feed-forward → head units (F, H)."""
Weights = tuple[Integers, Floats, Floats, Integers, Floats]
"""Of a frame: weights of feed-forward units, pairs in 32 bits as tiles read them; their steps in those of rest (F,);
the steps of rest in those in which they are inputs (F,); weights of head units; their steps in those of rest (H,)."""
Skin = tuple[Floats, NDArray[np.int8], Floats]
"""Weights (N, 4); the joint that alone holds each Gaussian (N,), or -1; the joints' transforms (4, JOINT_FIELDS)."""


@kernel()
def _offsets(
    block: int, active: Integers, weights: Weights, network: Network, inputs: Integers, hidden: Floats, out: Floats
) -> None:
    """Write the offsets (OUTPUTS · BLOCK,) of one block of Gaussians; `inputs` and `hidden` are room to work in."""
    attention, feed_rest, head_rest, gate = network[0], network[1], network[2], network[3]
    amounts, out_weights = network[6], network[8]
    feed_weights, feed_ratios, feed_amounts, head_weights, head_ratios = weights
    feeds, heads = feed_ratios.shape[0], head_ratios.shape[0]
    pairs = (active.shape[0] + 1) // 2
    depth, feed_at, head_at = pairs + feeds // 2, block * feeds * BLOCK, block * heads * BLOCK
    for p in range(pairs):
        low, high = attention[block, active[2 * p]], attention[block, active[min(2 * p + 1, active.shape[0] - 1)]]
        row = inputs[p * BLOCK : p * BLOCK + BLOCK]
        for lane in range(BLOCK):
            row[lane] = np.int32(low[lane]) | (np.int32(high[lane]) << np.int32(16))
    rest, stops = feed_rest.reshape(-1), gate.reshape(-1)
    for unit in range(0, feeds, UNITS):
        for column in range(0, BLOCK, PAIR_COLUMNS):
            at = feed_at + unit * BLOCK + column
            step_tile(
                feed_weights, unit * pairs, inputs, column, rest, at, feed_ratios, unit, stops, 0,
                feed_amounts, unit, inputs, (pairs + unit // 2) * BLOCK + column, pairs,
            )  # fmt: skip
    rest = head_rest.reshape(-1)
    for unit in range(0, heads, UNITS):
        for column in range(0, BLOCK, PAIR_COLUMNS):
            at = head_at + unit * BLOCK + column
            gated_tile(
                head_weights, unit * depth, inputs, column, rest, at, head_ratios, unit, stops, at,
                amounts, unit, hidden, unit * BLOCK + column, depth,
            )  # fmt: skip
    for unit in range(0, OUTPUTS, UNITS):
        for column in range(0, BLOCK, COLUMNS):
            sum_tile(out_weights, unit * heads, hidden, column, out, unit * BLOCK + column, heads)


@kernel(fast=True)
def _place(
    rows: Integers, first: int, last: int, offsets: Floats, canonical: Parts, skin: Skin, posed: bool, out: Parts
) -> None:
    """Write the Gaussians at `rows[first:last]`: canonical plus offsets (OUTPUTS, BLOCK), carried by the rig.

    Without offsets, (OUTPUTS, 0), the Gaussians stay as they are but for the rig.
    """
    means, quats, log_scales, logits, sh = canonical
    new_means, new_quats, new_log_scales, new_logits, new_sh = out
    weights, single, table = skin
    moved = offsets.shape[1] > 0
    mixed = np.zeros(JOINT_FIELDS, np.float32)
    for at in range(first, last):
        i, lane = rows[at], at - first
        x, y, z = means[i, 0], means[i, 1], means[i, 2]
        qw, qx, qy, qz = quats[i, 0], quats[i, 1], quats[i, 2], quats[i, 3]
        for k in range(sh.shape[1]):
            for axis in range(3):
                new_sh[i, k, axis] = sh[i, k, axis]
        for axis in range(3):
            new_log_scales[i, axis] = log_scales[i, axis]
        new_logits[i] = logits[i]
        if moved:
            x, y, z = x + offsets[MEANS, lane], y + offsets[MEANS + 1, lane], z + offsets[MEANS + 2, lane]
            qw, qx = qw + offsets[QUATS, lane], qx + offsets[QUATS + 1, lane]
            qy, qz = qy + offsets[QUATS + 2, lane], qz + offsets[QUATS + 3, lane]
            for axis in range(3):
                new_log_scales[i, axis] += offsets[LOG_SCALES + axis, lane]
                new_sh[i, 0, axis] += offsets[COLOURS + axis, lane]
            new_logits[i] += offsets[LOGIT, lane]
        if posed:
            joint, t, scale = single[i], table[0], np.float32(1.0)
            if joint >= 0:
                t = table[joint]
            else:
                t = mixed
                for field in range(JOINT_FIELDS):
                    mixed[field] = np.float32(0.0)
                for j in range(table.shape[0]):
                    for field in range(JOINT_FIELDS):
                        mixed[field] += weights[i, j] * table[j, field]
                length = math.sqrt(t[12] * t[12] + t[13] * t[13] + t[14] * t[14] + t[15] * t[15])
                scale = np.float32(1.0 / max(length, 1e-12))
            x, y, z = (
                t[0] * x + t[1] * y + t[2] * z + t[9],
                t[3] * x + t[4] * y + t[5] * z + t[10],
                t[6] * x + t[7] * y + t[8] * z + t[11],
            )
            rw, rx, ry, rz = t[12] * scale, t[13] * scale, t[14] * scale, t[15] * scale
            qw, qx, qy, qz = (
                rw * qw - rx * qx - ry * qy - rz * qz,
                rw * qx + rx * qw + ry * qz - rz * qy,
                rw * qy - rx * qz + ry * qw + rz * qx,
                rw * qz + rx * qy - ry * qx + rz * qw,
            )
        new_means[i, 0], new_means[i, 1], new_means[i, 2] = x, y, z
        new_quats[i, 0], new_quats[i, 1], new_quats[i, 2], new_quats[i, 3] = qw, qx, qy, qz


@kernel(fast=True)
def _pack(rows: Floats, first: int, units: int, sizes: Floats, low: int, depth: int, out: Shorts) -> None:
    """Lay columns `first` … + `units` of rows (R, U) out as tiles read them, in steps: pairs `low` … of `depth`."""
    scale = _ONE / sizes[first : first + units]
    for k in range(rows.shape[0]):
        row = rows[k, first : first + units]
        at = 2 * UNITS * (low + k // 2) + k % 2
        for tile in range(0, units, UNITS):
            for unit in range(UNITS):
                out[at + 2 * unit] = np.int16(np.rint(row[tile + unit] * scale[tile + unit]))
            at += 2 * UNITS * depth


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
    attention_steps, feed_steps, head_steps, through = network[4], network[5], network[7], network[9]
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
        for h in range(heads):
            weight = through[f, h]
            carried[f, h] = weight * feed_sizes[f]
            rise[feeds + h] += max(weight * rise[f], weight * fall[f])
            fall[feeds + h] += min(weight * rise[f], weight * fall[f])
            largest[feeds + h] = max(largest[feeds + h], abs(carried[f, h]))
    sizes: Floats = np.empty(units, np.float32)
    for u in range(units):
        sizes[u] = max(max(rise[u], -fall[u]) * _SLACK / _LARGEST_SUM, largest[u] / _STEPS, _TINY)
    feed_weights = np.zeros(2 * feeds * pairs, np.int16)
    head_weights = np.zeros(2 * heads * (pairs + feeds // 2), np.int16)
    _pack(tokens[:count], 0, feeds, sizes, 0, pairs, feed_weights)
    _pack(tokens[:count], feeds, heads, sizes, 0, pairs + feeds // 2, head_weights)
    _pack(carried, 0, heads, sizes[feeds:], pairs, pairs + feeds // 2, head_weights)
    return (
        feed_weights.view(np.int32),
        sizes[:feeds] / feed_steps,
        feed_steps / feed_sizes,
        head_weights.view(np.int32),
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
    feeds, heads = network[9].shape
    inputs = np.empty(((active.shape[0] + 1) // 2 + feeds // 2) * BLOCK, np.int32)
    hidden = np.empty(heads * BLOCK, np.float32)
    offsets, unmoved = np.empty((OUTPUTS, BLOCK), np.float32), np.empty((OUTPUTS, 0), np.float32)
    blocks = network[0].shape[0]
    rests = (still.shape[0] + STILL_BLOCK - 1) // STILL_BLOCK
    ticket = take(tickets)
    while ticket < blocks + rests:
        first = ticket * BLOCK
        last = min(first + BLOCK, moving.shape[0])
        if ticket >= blocks:
            first = (ticket - blocks) * STILL_BLOCK
            _place(still, first, min(first + STILL_BLOCK, still.shape[0]), unmoved, canonical, skin, posed, out)
        elif active.shape[0]:
            _offsets(ticket, active, weights, network, inputs, hidden, offsets.reshape(-1))
            _place(moving, first, last, offsets, canonical, skin, posed, out)
        else:
            _place(moving, first, last, unmoved, canonical, skin, posed, out)
        ticket = take(tickets)
