"""Products of small matrices inside compiled kernels, in tiles whose sums stay in registers.

Compilers do not find that form on their own, which is why tiles are spelled out in LLVM's instructions: hidden units
from pairs of 16-bit steps, and outputs in float32.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types

from studio.engine.splat._jit import intrinsic
from studio.engine.splat._lanes import LANES

UNITS = 4
"""Units of a tile."""

COLUMNS, PAIR_COLUMNS = 24, 16
"""Gaussians of a tile: 4 outputs by 3 vectors are 12 sums; with 3 inputs and a weight they fill 16 registers. Where
products of pairs need registers too, there is room for 2 vectors."""

BLOCK = 48
"""Gaussians per block."""

_FUSED = ("contract",)
"""A product and a sum may become one instruction."""


def _unrolled(module: Any, times: int) -> Any:
    """What tells LLVM how often to write out the body of a loop: oftener, and sums find no room in the registers."""
    wish = module.add_metadata([ir.MetaDataString(module, "llvm.loop.unroll.count"), ir.IntType(32)(times)])
    label = module.add_metadata([wish])
    label.operands = (label, wish)  # a loop is told by a node that refers to itself
    return label


class _Code:
    """What the code of a tile is written with: vectors of LANES Gaussians, from flat arrays."""

    word, whole, half, scalar = ir.IntType(64), ir.IntType(32), ir.IntType(16), ir.FloatType()
    numbers, integers, shorts = (ir.VectorType(t, LANES) for t in (scalar, whole, half))
    pairs = ir.VectorType(half, 2 * LANES)

    def __init__(self, target: Any, builder: Any, typed: Any, values: Any) -> None:
        self.target, self.builder, self.typed, self.values = target, builder, typed, values

    def place(self, argument: int) -> Any:
        """Address in the array that is this argument, at the index that is the next."""
        array = self.target.make_array(self.typed.args[argument])(self.target, self.builder, self.values[argument])
        return self.builder.gep(array.data, [self.values[argument + 1]])

    def at(self, base: Any, offset: int, kind: Any) -> Any:
        """Address of a vector."""
        return self.builder.bitcast(self.builder.gep(base, [self.word(offset)]), kind.as_pointer())

    def read(self, base: Any, offset: int, kind: Any) -> Any:
        """A vector from memory."""
        value = self.builder.load(self.at(base, offset, kind))
        value.align = 2
        return value

    def store(self, value: Any, base: Any, offset: int) -> None:
        """A vector into memory."""
        self.builder.store(value, self.at(base, offset, value.type)).align = 4

    def spread(self, base: Any, offset: int, kind: Any) -> Any:
        """A vector that holds the same number everywhere."""
        nothing, everywhere = ir.Constant(kind, ir.Undefined), ir.Constant(self.integers, [0] * LANES)
        one = self.builder.load(self.builder.gep(base, [self.word(offset)]))
        return self.builder.shuffle_vector(
            self.builder.insert_element(nothing, one, self.whole(0)), nothing, everywhere
        )

    def decoded(self, base: Any, offset: int) -> Any:
        """Steps from memory as numbers."""
        return self.builder.sitofp(self.builder.sext(self.read(base, offset, self.shorts), self.integers), self.numbers)

    def positive(self, value: Any) -> Any:
        """The numbers, 0 where they are negative."""
        zero = ir.Constant(self.numbers, None)
        return self.builder.select(self.builder.fcmp_ordered(">", value, zero), value, zero)

    def nearest(self, value: Any) -> Any:
        """Whole numbers."""
        kind = ir.FunctionType(self.numbers, [self.numbers])
        rounded = cgutils.get_or_insert_function(self.builder.module, kind, f"llvm.rint.v{LANES}f32")
        return self.builder.fptosi(self.builder.call(rounded, [value]), self.integers)

    def joined(self, low: Any, high: Any) -> Any:
        """Two vectors of small whole numbers in one, as pairs."""
        lower = self.builder.and_(low, ir.Constant(self.integers, [0xFFFF] * LANES))
        return self.builder.or_(lower, self.builder.shl(high, ir.Constant(self.integers, [16] * LANES)))

    def products(self, pairs: Any, others: Any, plain: bool) -> Any:
        """Sums of the two products of pairs; one instruction where the processor has it and `plain` is not wanted."""
        builder = self.builder
        if "+avx2" in getattr(self.target.codegen(), "_tm_features", "") and not plain:
            kind = ir.FunctionType(self.integers, [self.pairs, self.pairs])
            function = cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.avx2.pmadd.wd")
            return builder.call(function, [builder.bitcast(pairs, self.pairs), builder.bitcast(others, self.pairs)])
        by = ir.Constant(self.integers, [16] * LANES)
        lower = [builder.ashr(builder.shl(value, by), by) for value in (pairs, others)]
        upper = [builder.ashr(value, by) for value in (pairs, others)]
        return builder.add(builder.mul(*lower), builder.mul(*upper))


def _summed(
    code: _Code, depth: Any, times: int, zeros: list[Any], added: Callable[[Any, list[Any]], list[Any]]
) -> list[Any]:
    """Code that adds up in registers, from `zeros` on: `added(index, sums)` are the sums after index 0 … depth − 1."""
    builder = code.builder
    before = builder.block
    loop, after = builder.append_basic_block("inputs"), builder.append_basic_block("finish")
    builder.branch(loop)
    builder.position_at_end(loop)
    index = builder.phi(code.word)
    index.add_incoming(code.word(0), before)
    sums = [builder.phi(zero.type) for zero in zeros]
    totals = added(index, sums)
    following = builder.add(index, code.word(1))
    index.add_incoming(following, loop)
    for total, zero, more in zip(sums, zeros, totals, strict=True):
        total.add_incoming(zero, before)
        total.add_incoming(more, loop)
    again = builder.cbranch(builder.icmp_signed("<", following, depth), loop, after)
    again.set_metadata("llvm.loop", _unrolled(builder.module, times))
    builder.position_at_end(after)
    return totals


def pair_tile(*, gated: bool, plain: bool = False) -> Any:
    """A function for compiled code: UNITS hidden units of PAIR_COLUMNS Gaussians, their sums kept in registers.

    With total = weights · inputs · ratio + rest, in steps of rest, it writes (relu(total) − relu(rest)) · factors,

    - gated: where the factors are the gate's steps, a row of numbers per unit,
    - else rounded and in pairs, as inputs of further units; factors are one per unit.

    Its arrays are flat, each with the index of the tile's first element; at last comes the number of pairs of inputs,
    ≥ 1. Rows of inputs, rest, gate and output are BLOCK apart, weights lie as (pairs, UNITS), ratios are one per unit;
    rest and gate are int16. `plain` does without instructions that only some processors have.
    """

    def generate(target: Any, builder: Any, typed: Any, values: Any) -> Any:
        code = _Code(target, builder, typed, values)
        tile = [(unit, column) for unit in range(UNITS) for column in range(0, PAIR_COLUMNS, LANES)]
        w, x, rest, ratio, factor_of, out = (code.place(argument) for argument in range(0, 12, 2))

        def added(index: Any, sums: list[Any]) -> list[Any]:
            row = builder.gep(x, [builder.mul(index, code.word(BLOCK))])
            factors = builder.gep(w, [builder.mul(index, code.word(UNITS))])
            columns = {column: code.read(row, column, code.integers) for column in range(0, PAIR_COLUMNS, LANES)}
            factor = [code.spread(factors, unit, code.integers) for unit in range(UNITS)]
            return [
                builder.add(total, code.products(columns[column], factor[unit], plain))
                for (unit, column), total in zip(tile, sums, strict=True)
            ]

        totals = _summed(code, values[12], 2, [ir.Constant(code.integers, None)] * len(tile), added)
        steps = {}
        for (unit, column), total in zip(tile, totals, strict=True):
            at_rest = code.decoded(rest, unit * BLOCK + column)
            change = builder.fmul(
                builder.sitofp(total, code.numbers), code.spread(ratio, unit, code.numbers), flags=_FUSED
            )
            lifted = builder.fadd(change, at_rest, flags=_FUSED)
            step = builder.fsub(code.positive(lifted), code.positive(at_rest))
            if gated:
                gate = code.decoded(factor_of, unit * BLOCK + column)
                code.store(builder.fmul(step, gate), out, unit * BLOCK + column)
            else:
                steps[unit, column] = builder.fmul(step, code.spread(factor_of, unit, code.numbers))
        if not gated:
            for unit in range(0, UNITS, 2):
                for column in range(0, PAIR_COLUMNS, LANES):
                    pair = code.nearest(steps[unit, column]), code.nearest(steps[unit + 1, column])
                    code.store(code.joined(*pair), out, unit // 2 * BLOCK + column)
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
        ratios: Any,
        ratios_at: Any,
        factors: Any,
        factors_at: Any,
        out: Any,
        out_at: Any,
        pairs: Any,
    ) -> Any:
        arrays = (weights, inputs, rest, ratios, factors, out)
        return types.void(*(part for array in arrays for part in (array, types.intp)), types.intp), generate

    return tile_function


@intrinsic
def sum_tile(
    context: Any, weights: Any, weights_at: Any, inputs: Any, inputs_at: Any, out: Any, out_at: Any, depth: Any
) -> Any:
    """UNITS outputs of COLUMNS Gaussians, weights · inputs in float32; arguments as in `pair_tile`."""

    def generate(target: Any, builder: Any, typed: Any, values: Any) -> Any:
        code = _Code(target, builder, typed, values)
        tile = [(unit, column) for unit in range(UNITS) for column in range(0, COLUMNS, LANES)]
        w, x, out = (code.place(argument) for argument in range(0, 6, 2))

        def added(index: Any, sums: list[Any]) -> list[Any]:
            row = builder.gep(x, [builder.mul(index, code.word(BLOCK))])
            factors = builder.gep(w, [builder.mul(index, code.word(UNITS))])
            columns = {column: code.read(row, column, code.numbers) for column in range(0, COLUMNS, LANES)}
            factor = [code.spread(factors, unit, code.numbers) for unit in range(UNITS)]
            return [
                builder.fadd(builder.fmul(factor[unit], columns[column], flags=_FUSED), total, flags=_FUSED)
                for (unit, column), total in zip(tile, sums, strict=True)
            ]

        totals = _summed(code, values[6], 1, [ir.Constant(code.numbers, None)] * len(tile), added)
        for (unit, column), total in zip(tile, totals, strict=True):
            code.store(total, out, unit * BLOCK + column)
        return target.get_dummy_value()

    arrays = (weights, inputs, out)
    return types.void(*(part for array in arrays for part in (array, types.intp)), types.intp), generate


step_tile, gated_tile = pair_tile(gated=False), pair_tile(gated=True)
