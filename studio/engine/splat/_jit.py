"""How the CPU kernels are compiled, cached on disk and kept apart."""

from __future__ import annotations

import functools
import hashlib
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from llvmlite import ir
from numba import extending, types
from numba.core import cgutils

from studio.engine.splat.kernel_cache import load_lightly

_log = logging.getLogger(__name__)

_Function = TypeVar("_Function", bound=Callable[..., Any])

FAST = frozenset({"contract", "reassoc", "nsz", "arcp"})
"""Floating-point liberties of the inner loops: LLVM may reorder and fuse, but NaN and infinity keep their meaning."""

KERNEL_LOCK = threading.RLock()
"""Held around every call of a parallel kernel.

Numba's portable threading layer ("workqueue") ends the whole process when two Python threads are inside parallel
kernels at once, as the engine thread and an export worker would be. All cores are busy inside a kernel anyway, so
waiting costs nothing. Whoever writes another `parallel=True` kernel takes this lock too.
"""


if numba.config.THREADING_LAYER == "default":
    # The layer that every platform has, safe behind the lock. GNU's OpenMP, which numba would prefer, is several times
    # slower as soon as another program wants the cores (its barriers spin), and forbids forking afterwards.
    numba.config.THREADING_LAYER = "workqueue"


@functools.lru_cache
def _digest(folder: Path) -> str:
    """Digest of every file of a folder whose code or constants are compiled into its kernels."""
    files = [*sorted(folder.glob("_*.py")), *(folder / name for name in ("base.py", "compose.py", "harmonics.py"))]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files if file.is_file())).hexdigest()


_SOURCES = _digest(Path(__file__).parent)


def kernel(*, parallel: bool = False, fast: bool = False, inline: bool = False) -> Callable[[_Function], _Function]:
    """Compile a function at its first call, without the GIL, and keep the result on disk where that is possible.

    Args:
        parallel: whether `numba.prange` loops run on several threads; callers hold `KERNEL_LOCK`.
        fast: whether LLVM may reorder floating-point arithmetic (`FAST`).
        inline: whether callers take in the function's body before they are compiled.
    """
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "parallel": parallel}
    if fast:
        options["fastmath"] = set(FAST)
    if inline:
        options["inline"] = "always"

    def compiled(function: _Function) -> _Function:
        try:
            dispatcher = numba.njit(cache=True, **options)(function)
        except RuntimeError as error:  # raised when neither __pycache__ nor the user's cache folder can be written
            _log.info("%s is compiled anew in every process: %s", function.__name__, error)
            return cast(_Function, numba.njit(**options)(function))
        # Numba would compare a cached kernel only with the file it is written in, and go on using it when a function or
        # constant that it took from another file has changed.
        file = Path(function.__code__.co_filename)
        own = hashlib.sha256(file.read_bytes()).hexdigest()
        dispatcher._cache._cache_file._source_stamp = _SOURCES + _digest(file.parent) + own
        load_lightly(dispatcher)
        return cast(_Function, dispatcher)

    return compiled


def intrinsic(function: Callable[..., Any]) -> Any:
    """Numba's decorator for functions that write LLVM instructions; without their first argument for who calls them."""
    return extending.intrinsic(function)


@intrinsic
def prefetch(typing: Any, array: Any, index: Any) -> Any:
    """Fetch the cache line of `array[index]`, in a contiguous array of one dimension, without waiting for it."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        place = builder.bitcast(builder.gep(data, [arguments[1]]), ir.IntType(8).as_pointer())
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [place.type, number, number, number])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        builder.call(function, [place, *(ir.Constant(number, n) for n in (0, 3, 1))])  # to read, keep, data
        return context.get_dummy_value()

    return types.void(array, types.intp), code


@intrinsic
def take(typing: Any, tickets: Any) -> Any:
    """The next number of a counter that several threads share: `tickets[0]`, which becomes one more."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        counter = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        return builder.atomic_rmw("add", counter, ir.Constant(ir.IntType(64), 1), "monotonic")

    return types.int64(tickets), code


@intrinsic
def borrowed(typing: Any, held: Any) -> Any:
    """The same array, or tuple of arrays, without counting who holds it; the caller of the kernel does hold it.

    Every variable, slice and argument would count itself in and out, in memory that is one for all threads: each time
    the cache line moves from core to core, which is slower than much of what kernels do in between.
    """

    def uncounted(context: Any, builder: Any, kind: Any, value: Any) -> Any:
        if isinstance(kind, types.BaseTuple):
            parts = [
                uncounted(context, builder, part, builder.extract_value(value, place))
                for place, part in enumerate(kind.types)
            ]
            return context.make_tuple(builder, kind, parts)
        array = context.make_array(kind)(context, builder, value)
        array.meminfo = cgutils.get_null_value(array.meminfo.type)
        array.parent = cgutils.get_null_value(array.parent.type)
        return array._getvalue()

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return uncounted(context, builder, signature.args[0], arguments[0])

    return held(held), code
