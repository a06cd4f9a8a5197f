"""Compiled network and rig: static descriptions of Gaussians and a frame's tokens in, posed Gaussians out.

Gaussians that move are worked through in blocks of `BLOCK`, small enough
that a block's activations stay in the first-level cache from the attention to the last layer; within a block the
Gaussians lie side by side, so that the processor's vectors hold as many Gaussians as they have lanes. Products are
built of tiles of `UNITS` outputs by `COLUMNS` Gaussians whose sums stay in registers: compilers do not find that form
on their own, which is why `_tile` is spelled out in LLVM's instructions, independent of the processor.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
from llvmlite import ir
from numba.core import types
from numpy.typing import NDArray

from studio.engine.deform._tokens import JOINT_FIELDS, Floats
from studio.engine.splat._crew import Tickets
from studio.engine.splat._jit import intrinsic, kernel, take
from studio.engine.splat._lanes import LANES

UNITS, COLUMNS = 4, 24
"""A tile: 4 outputs by 3 vectors of Gaussians are 12 sums; with 3 inputs and a weight they fill 16 registers."""

BLOCK = 2 * COLUMNS
"""Gaussians per block."""

STILL_BLOCK = 16 * BLOCK
"""The same for those that only the rig moves."""

OUTPUTS = 16
"""Rows of outputs: the 14 of the network, rounded up to tiles."""

MEANS, LOG_SCALES, QUATS, LOGIT, COLOURS = 0, 3, 6, 10, 11
"""First row of outputs of each part."""

Integers = NDArray[np.int32]
Parts = tuple[Floats, Floats, Floats, Floats, Floats]
"""means (N, 3), quats (N, 4), log_scales (N, 3), opacity_logits (N,), sh (N, K, 3), as in `Gaussians`."""
Shorts = NDArray[np.int16]
Network = tuple[Floats, Shorts, Shorts, Shorts, Floats, Floats, Floats, Floats, Floats, Shorts, Floats]
"""Per block of Gaussians, (blocks, rows, BLOCK) each: attention by head and token; feed-forward units at rest (F rows),
head units at rest and gates (H rows), all three in steps, the sizes of which follow, one per row. Then the weights
feed-forward → head units (F, H), and head units → outputs as tiles read them (OUTPUTS · H,); at last zeros that stand
for the outputs' rest (OUTPUTS · BLOCK,) and its steps (OUTPUTS,)."""
Skin = tuple[Floats, NDArray[np.int8], Floats]
"""Weights (N, 4); the joint that alone holds each Gaussian (N,), or -1; the joints' transforms (4, JOINT_FIELDS)."""


def _not_unrolled(module: Any) -> Any:
    """What tells LLVM to leave a loop as it is: unrolled, the tile's sums no longer find room in the registers."""
    wish = module.add_metadata(["llvm.loop.unroll.disable"])
    label = module.add_metadata([wish])
    label.operands = (label, wish)  # a loop is told by a node that refers to itself
    return label


def _tile(finish: Literal["sum", "step", "gated step"]) -> Any:
    """A function for compiled code: UNITS outputs of COLUMNS Gaussians, their sums kept in registers.

    With total = rest · steps + weights · inputs, it writes

    - "sum": total,
    - "step": relu(total) − relu(rest · steps),
    - "gated step": that times gate · gate steps.

    Its arrays are flat, each with the index of the tile's first element; at last comes the number of inputs, ≥ 1. Rows
    of inputs, rest, gate and output are BLOCK apart, weights lie as (inputs, UNITS), steps are one per output; rest and
    gate are int16.
    """
    word, scalar = ir.IntType(64), ir.FloatType()
    vector, shorts, integers = (ir.VectorType(t, LANES) for t in (scalar, ir.IntType(16), ir.IntType(32)))
    tile = [(unit, column) for unit in range(UNITS) for column in range(0, COLUMNS, LANES)]
    nothing, zero = ir.Constant(vector, ir.Undefined), ir.Constant(vector, None)
    everywhere = ir.Constant(integers, [0] * LANES)

    def generate(target: Any, builder: Any, typed: Any, values: Any) -> Any:
        def place(argument: int) -> Any:
            array = target.make_array(typed.args[argument])(target, builder, values[argument])
            return builder.gep(array.data, [values[argument + 1]])

        def at(base: Any, offset: int, kind: Any = vector) -> Any:
            return builder.bitcast(builder.gep(base, [word(offset)]), kind.as_pointer())

        def read(base: Any, offset: int, kind: Any = vector) -> Any:
            value = builder.load(at(base, offset, kind))
            value.align = 2
            return value

        def spread(base: Any, offset: int) -> Any:
            one = builder.load(builder.gep(base, [word(offset)]))
            return builder.shuffle_vector(builder.insert_element(nothing, one, ir.IntType(32)(0)), nothing, everywhere)

        def decoded(base: Any, sizes: Any, unit: int, column: int) -> Any:
            value = builder.sext(read(base, unit * BLOCK + column, shorts), integers)
            return builder.fmul(builder.sitofp(value, vector), spread(sizes, unit))

        def positive(value: Any) -> Any:
            return builder.select(builder.fcmp_ordered(">", value, zero), value, zero)

        w, x, rest, steps, gate, gate_steps, out = (place(argument) for argument in range(0, 14, 2))
        starts = [decoded(rest, steps, unit, column) for unit, column in tile]
        before = builder.block
        loop, after = builder.append_basic_block("inputs"), builder.append_basic_block("finish")
        builder.branch(loop)
        builder.position_at_end(loop)
        index = builder.phi(word)
        index.add_incoming(word(0), before)
        sums = [builder.phi(vector) for _ in tile]
        row = builder.gep(x, [builder.mul(index, word(BLOCK))])
        factors = builder.gep(w, [builder.mul(index, word(UNITS))])
        columns = {column: read(row, column) for column in range(0, COLUMNS, LANES)}
        factor = [spread(factors, unit) for unit in range(UNITS)]
        fused = ("contract",)  # a product and a sum may become one instruction
        totals = [
            builder.fadd(builder.fmul(factor[unit], columns[column], flags=fused), total, flags=fused)
            for (unit, column), total in zip(tile, sums, strict=True)
        ]
        following = builder.add(index, word(1))
        index.add_incoming(following, loop)
        for total, begun, more in zip(sums, starts, totals, strict=True):
            total.add_incoming(begun, before)
            total.add_incoming(more, loop)
        again = builder.cbranch(builder.icmp_signed("<", following, values[14]), loop, after)
        again.set_metadata("llvm.loop", _not_unrolled(builder.module))
        builder.position_at_end(after)
        for (unit, column), total in zip(tile, totals, strict=True):
            if finish != "sum":
                total = builder.fsub(positive(total), positive(decoded(rest, steps, unit, column)))
            if finish == "gated step":
                total = builder.fmul(total, decoded(gate, gate_steps, unit, column))
            builder.store(total, at(out, unit * BLOCK + column)).align = 4
        return target.get_dummy_value()

    @intrinsic
    def tile_function(
        context: Any,
        weights: Any,
        weights_at: Any,
        inputs: Any,
        inputs_at: Any,
        rest: Any,
        rest_at: Any,
        steps: Any,
        steps_at: Any,
        gate: Any,
        gate_at: Any,
        gate_steps: Any,
        gate_steps_at: Any,
        out: Any,
        out_at: Any,
        depth: Any,
    ) -> Any:
        arrays = (weights, inputs, rest, steps, gate, gate_steps, out)
        return types.void(*(part for array in arrays for part in (array, types.intp)), types.intp), generate

    return tile_function


_sum_tile, _step_tile, _gated_tile = _tile("sum"), _tile("step"), _tile("gated step")


@kernel()
def pack_rows(rows: Floats, first_unit: int, units: int, low: int, depth: int, out: Floats) -> None:
    """Lay columns `first_unit` … + `units` of rows (R, U) out as `_tile` reads them, as inputs `low` … of `depth`."""
    for unit in range(units):
        for k in range(rows.shape[0]):
            out[(unit // UNITS * depth + low + k) * UNITS + unit % UNITS] = rows[k, first_unit + unit]


@kernel()
def _offsets(
    block: int,
    active: Integers,
    feed_weights: Floats,
    head_weights: Floats,
    network: Network,
    inputs: Floats,
    hidden: Floats,
    out: Floats,
) -> None:
    """Write the offsets (OUTPUTS · BLOCK,) of one block of Gaussians; `inputs` and `hidden` are room to work in."""
    attention, feed_rest, head_rest, gate, feed_steps, head_steps, gate_steps, _, out_weights, nothing, zero = network
    tokens, feeds, heads = active.shape[0], feed_steps.shape[0], head_steps.shape[0]
    depth, first_feed, feed_at, head_at = tokens + feeds, tokens * BLOCK, block * feeds * BLOCK, block * heads * BLOCK
    rest, stops = feed_rest.reshape(-1), gate.reshape(-1)
    for a in range(tokens):
        for lane in range(BLOCK):
            inputs[a * BLOCK + lane] = attention[block, active[a], lane]
    for unit in range(0, feeds, UNITS):
        for column in range(0, BLOCK, COLUMNS):
            at = unit * BLOCK + column
            _step_tile(
                feed_weights, unit * tokens, inputs, column, rest, feed_at + at, feed_steps, unit,
                stops, 0, gate_steps, 0, inputs, first_feed + at, tokens,
            )  # fmt: skip
    rest = head_rest.reshape(-1)
    for unit in range(0, heads, UNITS):
        for column in range(0, BLOCK, COLUMNS):
            at = unit * BLOCK + column
            _gated_tile(
                head_weights, unit * depth, inputs, column, rest, head_at + at, head_steps, unit,
                stops, head_at + at, gate_steps, unit, hidden, at, depth,
            )  # fmt: skip
    for unit in range(0, OUTPUTS, UNITS):
        for column in range(0, BLOCK, COLUMNS):
            at = unit * BLOCK + column
            _sum_tile(
                out_weights, unit * heads, hidden, column, nothing, at, zero, unit,
                stops, 0, gate_steps, 0, out, at, heads,
            )  # fmt: skip


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
            joint = single[i]
            if joint >= 0:
                for field in range(JOINT_FIELDS):
                    mixed[field] = table[joint, field]
            else:
                for field in range(JOINT_FIELDS):
                    mixed[field] = np.float32(0.0)
                for j in range(table.shape[0]):
                    for field in range(JOINT_FIELDS):
                        mixed[field] += weights[i, j] * table[j, field]
            t = mixed
            x, y, z = (
                t[0] * x + t[1] * y + t[2] * z + t[9],
                t[3] * x + t[4] * y + t[5] * z + t[10],
                t[6] * x + t[7] * y + t[8] * z + t[11],
            )
            length = math.sqrt(t[12] * t[12] + t[13] * t[13] + t[14] * t[14] + t[15] * t[15])
            scale = np.float32(1.0 / max(length, 1e-12))
            rw, rx, ry, rz = t[12] * scale, t[13] * scale, t[14] * scale, t[15] * scale
            qw, qx, qy, qz = (
                rw * qw - rx * qx - ry * qy - rz * qz,
                rw * qx + rx * qw + ry * qz - rz * qy,
                rw * qy - rx * qz + ry * qw + rz * qx,
                rw * qz + rx * qy - ry * qx + rz * qw,
            )
        new_means[i, 0], new_means[i, 1], new_means[i, 2] = x, y, z
        new_quats[i, 0], new_quats[i, 1], new_quats[i, 2], new_quats[i, 3] = qw, qx, qy, qz


@kernel()
def pack_tokens(tokens: Floats, count: int, through: Floats) -> tuple[Floats, Floats]:
    """Weights of feed-forward and head units, as tiles read them, of the first `count` rows of tokens (≥ A, F + H)."""
    feeds, heads = through.shape
    depth = count + feeds
    feed_weights = np.empty(feeds * count, np.float32)
    head_weights = np.empty(heads * depth, np.float32)
    pack_rows(tokens[:count], 0, feeds, 0, count, feed_weights)
    pack_rows(tokens[:count], feeds, heads, 0, depth, head_weights)
    pack_rows(through, 0, heads, count, depth, head_weights)
    return feed_weights, head_weights


@kernel()
def deform(
    tickets: Tickets,
    network: Network,
    moving: Integers,
    still: Integers,
    weights: tuple[Floats, Floats],
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
        weights: of `pack_tokens`.
        active: (A,) the row of attention that belongs to each active token.
        canonical: the neutral head.
        skin: how the rig holds it.
        posed: whether the rig moves at all.
        out: the head as it is shown.
    """
    feeds, heads = network[7].shape
    inputs = np.empty((active.shape[0] + feeds) * BLOCK, np.float32)
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
            _offsets(ticket, active, weights[0], weights[1], network, inputs, hidden, offsets.reshape(-1))
            _place(moving, first, last, offsets, canonical, skin, posed, out)
        else:
            _place(moving, first, last, unmoved, canonical, skin, posed, out)
        ticket = take(tickets)
