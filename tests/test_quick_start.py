"""What is left out at the start is left out, comes when it is wanted, and nothing else changes."""

from __future__ import annotations

import gc
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio import quick_start

ROOT = Path(__file__).resolve().parents[1]


def run(script: str) -> str:
    """What a process of its own prints."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_torch_comes_without_its_compiler_and_with_it_when_it_is_wanted() -> None:
    script = """
import sys
from studio import quick_start
quick_start.import_torch()
import torch
parts = ("torch._meta_registrations", "torch.export.exported_program", "torch._decomp", "torch._prims")
print([part for part in parts if part in sys.modules], torch.ones(3).sum().item())
print(torch.compile(lambda x: 2 * x, backend="eager")(torch.ones(2)).tolist())
print([part in sys.modules for part in parts], torch.export.Dim.__name__)
print(any(type(module).__name__ == "_StandIn" for module in sys.modules.values()))
"""
    assert run(script).splitlines() == ["[] 3.0", "[2.0, 2.0]", "[True, True, True, True] Dim", "False"]


def test_torch_that_is_there_is_left_alone() -> None:
    import torch

    before = set(sys.modules), list(sys.meta_path)
    quick_start.import_torch()
    assert (set(sys.modules), sys.meta_path) == before
    assert torch.compile is not None


@pytest.fixture
def collector() -> Iterator[None]:
    yield
    gc.enable()
    gc.unfreeze()


@pytest.mark.usefixtures("collector")
def test_the_collector_rests_and_then_leaves_alone_what_was_made_meanwhile() -> None:
    quick_start.hold_collector()
    assert not gc.isenabled()
    kept = [[] for _ in range(100)]
    quick_start.release_collector()
    assert gc.isenabled()
    assert gc.get_freeze_count() > len(kept)


def test_milestones_are_told_only_to_who_asks(caplog: pytest.LogCaptureFixture) -> None:
    quick_start.milestone("nobody asked")
    with caplog.at_level(logging.DEBUG, quick_start.__name__):
        quick_start.milestone("the window")
    assert len(caplog.messages) == 1
    assert caplog.messages[0].endswith("the window")
    assert float(caplog.messages[0].split()[0]) > 0.0
