"""Kernels from numba's cache on disk without the part of numba that only compiling needs.

Before it looks into its cache, numba loads everything it knows how to compile, and SciPy's linear algebra merely to see
whether it is there: about a second, on the way to the first picture of an avatar. A cached kernel is machine code; it
needs numba's memory management and little else. What is not in the cache is compiled as always.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

_log = logging.getLogger(__name__)
_begun: list[str] = []
"""Names of the kernels that were compiled in this process, because they were not cached."""

FIRST_PICTURE = 29
"""About how many kernels are compiled for the first picture when none is cached, those that others call included."""


def prepared() -> float:
    """The share of the first picture's kernels that this process has begun to compile, below 1; 0 if all were cached.

    For somebody who waits; any thread may ask.
    """
    return min(len(_begun) / FIRST_PICTURE, 0.99)


def load_lightly(dispatcher: Any) -> None:
    """Let a cached numba function be loaded without the compiler; numbas that are built otherwise stay as they are.

    Args:
        dispatcher: made by `numba.njit(cache=True)`, not called yet.
    """
    cache: Any = getattr(dispatcher, "_cache", None)
    if not hasattr(cache, "_load_overload") or not hasattr(cache, "load_overload"):
        _log.info("this numba's cache is not known; kernels load with the compiler")
        return
    complete = cache.load_overload

    def load_overload(signature: Any, target: Any) -> Any:
        """What numba's `Cache.load_overload` does, but the compiler is only made ready where nothing is cached."""
        from numba.core.runtime import rtsys

        _import_array_functions()
        rtsys.initialize(target)
        with cache._guard_against_spurious_io_errors():
            found = cache._load_overload(signature, target)
        return anew(signature, target) if found is None else found

    def anew(signature: Any, target: Any) -> Any:
        _begun.append(dispatcher.__name__)
        return complete(signature, target)

    cache.load_overload = load_overload


def _import_array_functions() -> None:
    """Import the module that cached kernels refer to, without its trial import of SciPy.

    Linear algebra in a kernel would look for SciPy again, when it is compiled.
    """
    from numba.np import linalg

    look = getattr(linalg, "ensure_blas", None)
    if look is None or "numba.np.arraymath" in sys.modules:
        return
    linalg.ensure_blas = lambda: None
    try:
        import numba.np.arraymath  # noqa: F401
    finally:
        linalg.ensure_blas = look
