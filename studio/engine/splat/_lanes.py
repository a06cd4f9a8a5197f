"""Eight numbers at once: a vector of float32 for compiled kernels.

LLVM turns loops over arrays into vector instructions by itself only where it can prove a lot, and what it cannot keep
in registers goes through memory. The innermost loop of the rasterizer, where most of a frame's time goes, is therefore
written in vectors: a `lanes` value is one register of AVX, two of NEON or SSE, and works with +, -, * and /, also
together with a float32. Operations may be fused and reordered (`_jit.FAST`), NaN and infinity keep their meaning.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import models, overload, register_model

from studio.engine.splat._jit import FAST, intrinsic

LANES = 8
"""Numbers in a vector."""

_FLOAT = ir.FloatType()
_VECTOR = ir.VectorType(_FLOAT, LANES)
_FLAGS = tuple(sorted(FAST))


class LanesType(types.Type):  # type: ignore[misc]
    """Numba's type of a vector."""

    def __init__(self) -> None:
        super().__init__(name=f"lanes{LANES}")


lanes = LanesType()


@register_model(LanesType)
class _LanesModel(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, kind: LanesType) -> None:
        super().__init__(manager, kind, _VECTOR)


def _place(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    """Address of `array[index : index + LANES]` as a vector's."""
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), _VECTOR.as_pointer())


@intrinsic
def load(typing: Any, array: Any, index: Any) -> Any:
    """`array[index : index + LANES]` of a contiguous array of one dimension; bounds are not checked."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load(_place(context, builder, signature.args[0], *arguments), align=4)

    return lanes(array, types.intp), code


@intrinsic
def store(typing: Any, array: Any, index: Any, value: Any) -> Any:
    """`array[index : index + LANES] = value`; bounds are not checked."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.store(arguments[2], _place(context, builder, signature.args[0], *arguments[:2]), align=4)
        return context.get_dummy_value()

    return types.void(array, types.intp, lanes), code


@intrinsic
def spread(typing: Any, number: Any) -> Any:
    """A vector that holds the same float32 everywhere."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        empty = ir.Constant(_VECTOR, ir.Undefined)
        first = builder.insert_element(empty, arguments[0], ir.Constant(ir.IntType(32), 0))
        return builder.shuffle_vector(first, empty, ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES))

    return lanes(types.float32), code


@intrinsic
def ramp(typing: Any) -> Any:
    """The vector of the numbers from 0 to `LANES` - 1."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return ir.Constant(_VECTOR, [float(i) for i in range(LANES)])

    return lanes(), code


@intrinsic
def least(typing: Any, one: Any, other: Any) -> Any:
    """The smaller number of each pair, `other` where one of them is NaN."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.select(builder.fcmp_ordered("<", *arguments), *arguments)

    return lanes(lanes, lanes), code


@intrinsic
def where_at_most(typing: Any, value: Any, number: Any, limit: Any) -> Any:
    """`value` where `number` ≤ `limit`, 0 elsewhere and where either is NaN."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        value, number, limit = arguments
        return builder.select(builder.fcmp_ordered("<=", number, limit), value, ir.Constant(_VECTOR, [0.0] * LANES))

    return lanes(lanes, lanes, lanes), code


@intrinsic
def root(typing: Any, value: Any) -> Any:
    """Square roots."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        function = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(_VECTOR, [_VECTOR]), f"llvm.sqrt.v{LANES}f32"
        )
        return builder.call(function, arguments)

    return lanes(lanes), code


@intrinsic
def total(typing: Any, value: Any) -> Any:
    """Sum of the numbers, in whatever order is quickest."""
    return types.float32(lanes), _reduction("fadd", ir.Constant(_FLOAT, -0.0))


@intrinsic
def highest(typing: Any, value: Any) -> Any:
    """The largest number of a vector without NaN."""
    return types.float32(lanes), _reduction("fmax")


def _reduction(name: str, *first: Any) -> Callable[..., Any]:
    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = ir.FunctionType(_FLOAT, [*(f.type for f in first), _VECTOR])
        function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.vector.reduce.{name}.v{LANES}f32")
        return builder.call(function, [*first, *arguments], fastmath=("nnan", *_FLAGS) if name == "fmax" else _FLAGS)

    return code


def _operation(instruction: str) -> Any:
    @intrinsic
    def operation(typing: Any, one: Any, other: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return getattr(builder, instruction)(*arguments, flags=_FLAGS)

        return lanes(lanes, lanes), code

    return operation


def _teach(symbol: Callable[..., Any], operation: Any) -> None:
    """Let numba use `operation` for the operator `symbol` between vectors, and between a vector and a float32."""

    def choose(one: Any, other: Any) -> Callable[..., Any] | None:
        if isinstance(one, LanesType) and isinstance(other, LanesType):
            return lambda one, other: operation(one, other)
        if isinstance(one, LanesType) and other == types.float32:
            return lambda one, other: operation(one, spread(other))
        if one == types.float32 and isinstance(other, LanesType):
            return lambda one, other: operation(spread(one), other)
        return None

    overload(symbol, strict=False)(choose)  # strictly, annotations would count as a difference to the lambdas


_OPERATORS = {operator.add: "fadd", operator.sub: "fsub", operator.mul: "fmul", operator.truediv: "fdiv"}
for _symbol, _instruction in _OPERATORS.items():
    _teach(_symbol, _operation(_instruction))
