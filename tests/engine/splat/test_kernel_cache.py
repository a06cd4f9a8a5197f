"""A cached kernel is loaded without the compiler and gives what it gave when it was compiled."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

KERNEL = """
import numba, numpy as np
from studio.engine.splat.kernel_cache import load_lightly

def rows(values):
    sums = np.zeros(values.shape[0], np.float32)
    for i in range(values.shape[0]):
        for j in range(values.shape[1]):
            sums[i] += values[i, j]
    if sums[0] < 0:
        raise ValueError("negative")
    return sums

rows = numba.njit(cache=True, nogil=True)(rows)
load_lightly(rows)
"""

USE = """
import sys
import numpy as np
from kernels import rows
print(rows(np.arange(6, dtype=np.float32).reshape(2, 3)).tolist())
try:
    rows(-np.ones((1, 1), np.float32))
except ValueError as error:
    print(error)
print(sum(rows.stats.cache_hits.values()), "numba.np.npyimpl" in sys.modules)
print(rows(np.ones((2, 2), sys.argv[1])).dtype, "numba.np.npyimpl" in sys.modules)
"""


def use(folder: Path, other: str) -> list[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(folder), str(ROOT))), "OMP_NUM_THREADS": "1"}
    environment.pop("NUMBA_CACHE_DIR", None)
    done = subprocess.run(
        [sys.executable, "-c", USE, other], cwd=folder, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_what_is_cached_needs_no_compiler_and_what_is_not_is_compiled(tmp_path: Path) -> None:
    (tmp_path / "kernels.py").write_text(KERNEL)
    results = ["[3.0, 12.0]", "negative"]
    assert use(tmp_path, "float64") == [*results, "0 True", "float32 True"]
    assert use(tmp_path, "int32") == [*results, "1 False", "float32 True"]
