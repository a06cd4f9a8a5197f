"""Exponential and logarithm that LLVM can turn into vector instructions.

Calls into the C library keep a loop from being vectorised, and numba's vector library is not on every machine. Both are
good to about 1e-9, more than the float32 that becomes of the result.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types

from studio.engine.splat._jit import intrinsic, kernel

_LOG2_E = 1.4426950408889634
_LN2_HIGH = 0.693147180369123816490  # ln 2 in two parts: whole numbers up to 1024 times the first are exact
_LN2_LOW = 1.90821492927058770002e-10
_SHIFT = 1.5 * 2.0**52  # added to a whole number, puts it into the lowest bits of the mantissa
_MANTISSA_BITS = 52
_BIAS = 1023
_MANTISSA = (1 << _MANTISSA_BITS) - 1
_LARGEST = 700.0  # exp(±700) are ordinary float64s


@intrinsic
def _bits(typing: Any, number: Any) -> Any:
    """The 64 bits of a float64."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.IntType(64))

    return types.int64(types.float64), code


@intrinsic
def _number(typing: Any, bits: Any) -> Any:
    """The float64 of 64 bits."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.DoubleType())

    return types.float64(types.int64), code


@kernel(inline=True)
def exp(x: float) -> float:
    """Euler's number to the power of `x`, which is taken as ±700 beyond; relative error below 1e-8.

    2^k · e^r with k a whole number and |r| ≤ ln 2 / 2, the latter by its Taylor series.
    """
    x = min(max(x, -_LARGEST), _LARGEST)
    k = np.floor(x * _LOG2_E + 0.5)
    r = x - k * _LN2_HIGH - k * _LN2_LOW
    series = 1.0 / 120.0 + r * (1.0 / 720.0 + r * (1.0 / 5040.0 + r * (1.0 / 40320.0)))
    series = 1.0 + r * (1.0 + r * (1.0 / 2.0 + r * (1.0 / 6.0 + r * (1.0 / 24.0 + r * series))))
    power: float = series * _number((_bits(k + _SHIFT) + _BIAS) << _MANTISSA_BITS)
    return power


@kernel(inline=True)
def log(x: float) -> float:
    """Natural logarithm of a normal, positive float64; absolute error below 1e-9.

    k ln 2 + ln m with m between √½ and √2, the latter as 2 artanh((m - 1) / (m + 1)) by its Taylor series.
    """
    bits = _bits(x)
    m = _number((bits & _MANTISSA) | (_BIAS << _MANTISSA_BITS))
    k = np.float64((bits >> _MANTISSA_BITS) - _BIAS)
    large = m > 1.4142135623730951
    k = k + 1.0 if large else k
    m = 0.5 * m if large else m
    s = (m - 1.0) / (m + 1.0)
    t = s * s
    series = 1.0 / 5.0 + t * (1.0 / 7.0 + t * (1.0 / 9.0 + t * (1.0 / 11.0)))
    series = 1.0 + t * (1.0 / 3.0 + t * series)
    logarithm: float = k * (_LN2_HIGH + _LN2_LOW) + 2.0 * s * series
    return logarithm
