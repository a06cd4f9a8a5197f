"""The machine that is measured: its name, and its pace at this moment."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from time import perf_counter

import torch

from studio.engine.bench.figures import Figure

_EDGE, _LENGTH, _REPEATS = 512, 1_000_000, 4


class Yardstick:
    """A fixed piece of work that has nothing to do with avatars: products of matrices and a pass over memory.

    It is timed between everything else that is measured. When it takes longer than in another result, the machine was
    slower then, by about as much as everything else.
    """

    def __init__(self) -> None:
        random = torch.Generator().manual_seed(0)
        self._matrix = torch.rand(_EDGE, _EDGE, generator=random) / _EDGE
        self._long = torch.rand(_LENGTH, generator=random)
        self.runs: list[float] = []  # ms
        self._work()

    @torch.inference_mode()
    def measure(self) -> None:
        """Time it once."""
        began = perf_counter()
        self._work()
        self.runs.append((perf_counter() - began) * 1e3)

    @property
    def figure(self) -> Figure:
        """The median so far."""
        return Figure.of("yardstick_ms", "yardstick (a fixed piece of arithmetic)", "ms", self.runs)

    def _work(self) -> None:
        product = self._matrix
        for _ in range(_REPEATS):
            product = product @ self._matrix
            self._long.exp()


def machine() -> str:
    """Processor, cores, graphics card, system and Python in one line."""
    name = platform.processor() or platform.machine()
    facts = Path("/proc/cpuinfo")
    if facts.is_file():
        models = [
            line.split(":", 1)[1].strip() for line in facts.read_text().splitlines() if line.startswith("model name")
        ]
        name = models[0] if models else name
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    parts = [f"{name}, {cores} cores"]
    if torch.cuda.is_available():
        parts.append(torch.cuda.get_device_name(0))
    return ", ".join([*parts, f"{platform.system()} {platform.machine()}", f"Python {platform.python_version()}"])
