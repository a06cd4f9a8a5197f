"""What makes the studio start quickly: Python and PyTorch do only what the first picture needs.

Two things, each of which leaves everything as it would be otherwise, only later:

- The cyclic garbage collector rests while modules are imported, and later leaves alone what they made: it would look
  through some hundred thousand objects that never go away, for a tenth of a second at a time.
- The parts of PyTorch that only its compiler uses are loaded by whoever asks for them first. Nothing here does.
"""

from __future__ import annotations

import gc
import importlib
import logging
import os
import sys
import time
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

log = logging.getLogger(__name__)

_COMPILER_PARTS = ("torch.distributed._meta_registrations", "torch._meta_registrations", "torch.export")
"""Modules that `import torch` loads for `torch.compile` and `torch.export`: a third of its time."""

_COMPILER = ("torch._dynamo", "torch._inductor", "torch._export", "torch._decomp", "torch._prims", "torch._refs")
"""Modules that expect them to be there."""


def milestone(what: str) -> None:
    """Tell the log, at level DEBUG, how long the process has needed to get here."""
    if log.isEnabledFor(logging.DEBUG):
        log.debug("%.3f s (%.3f s of work): %s", _age_s(), time.process_time(), what)


def _age_s() -> float:
    """Seconds since the process was begun; since Python was, where the system does not tell."""
    try:
        fields = Path("/proc/self/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) / os.sysconf("SC_CLK_TCK")
    except (OSError, AttributeError, ValueError):
        return time.process_time()


def hold_collector() -> None:
    """Let the garbage collector rest until `release_collector`."""
    gc.disable()


def release_collector() -> None:
    """Let the garbage collector work, on what is made from now on."""
    gc.freeze()
    gc.enable()


def import_torch() -> None:
    """Import PyTorch without the parts that only its compiler uses; they are loaded when something asks for them."""
    if "torch" in sys.modules:
        return
    stand_ins = [_StandIn(name) for name in _COMPILER_PARTS if name not in sys.modules]
    sys.modules.update({stand_in.__name__: stand_in for stand_in in stand_ins})
    try:
        import torch  # noqa: F401
    finally:
        for stand_in in stand_ins:
            if sys.modules.get(stand_in.__name__) is stand_in:
                del sys.modules[stand_in.__name__]
    sys.meta_path.insert(0, _CompilerWanted())


class _StandIn(ModuleType):
    """Is a module until somebody wants something of it, which then is the module's."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # the import system looks for these
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


class _CompilerWanted(MetaPathFinder):
    """Finds nothing; loads what was left out before anything that needs it is imported."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        """Called by the import system, with the name of every module that is imported for the first time."""
        if fullname.startswith(_COMPILER) and self in sys.meta_path:
            sys.meta_path.remove(self)
            for part in _COMPILER_PARTS:
                importlib.import_module(part)
