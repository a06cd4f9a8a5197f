"""The memory that this process holds; light to import, because windows that are measured import it."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


class _Malloc(ctypes.Structure):
    """`struct mallinfo2` of the GNU C library, bytes over all arenas."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost",
        )
    ]  # fmt: skip


@dataclass(frozen=True)
class Holding:
    """What a process holds at one moment, and who has it: tells a leak from room that is kept to be used again."""

    rss_mb: float  # all that is resident, 10⁶ bytes
    objects: int  # blocks of Python's own allocator
    used_mb: float | None  # handed out by malloc: arrays, tensors, Qt; None without the GNU C library
    spare_mb: float | None  # given back to malloc, and kept by it for the next who asks


def holding() -> Holding | None:
    """What this process holds now; None where the system does not tell."""
    held = rss_mb()
    if held is None:
        return None
    told = _malloc()
    used, spare = (None, None) if told is None else ((told.uordblks + told.hblkhd) / 1e6, told.fordblks / 1e6)
    return Holding(held, sys.getallocatedblocks(), used, spare)


def _malloc() -> _Malloc | None:
    if not sys.platform.startswith("linux"):
        return None
    ask = getattr(ctypes.CDLL(None), "mallinfo2", None)
    if ask is None:
        return None
    ask.restype = _Malloc
    told: _Malloc = ask()
    return told


def peak_rss_mb() -> float | None:
    """The most memory this process has held, in 10⁶ bytes; None where the system does not tell."""
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak * (1 if sys.platform == "darwin" else 1024) / 1e6, 1)


def rss_mb() -> float | None:
    """The memory this process holds now, in 10⁶ bytes; None where the system does not tell."""
    told = Path("/proc/self/statm")
    if told.is_file():
        return int(told.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    if sys.platform == "win32":
        return None
    words = ["ps", "-o", "rss=", "-p", str(os.getpid())]
    found = subprocess.run(words, capture_output=True, text=True, check=False).stdout.strip()
    return int(found) * 1024 / 1e6 if found.isdigit() else None
