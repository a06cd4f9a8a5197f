"""The memory that this process holds; light to import, because windows that are measured import it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


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
