"""The verdicts of scripts/gpu_check: what was measured on a card is held against the aims, and nothing else is."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setattr(sys, "path", list(sys.path))
    spec = importlib.util.spec_from_file_location("gpu_check", ROOT / "scripts" / "gpu_check.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def measured(fps: float, p95_ms: float, ratio: float) -> dict[str, Any]:
    named = {"fps": fps, "frame_p95_ms": p95_ms, "ratio": ratio}
    return {"figures": {f"frame.cuda.256.{name}": {"value": value} for name, value in named.items()}}


def test_aims_are_met_on_their_own_side(check: ModuleType) -> None:
    trained = {"minutes": 12.0, "machine": "NVIDIA H200, cuda"}
    found = {row["name"]: row["met"] for row in check.verdicts(measured(1500.0, 2.0, 1.7), trained)}
    assert list(found.values()) == [True, True, False, False]
    assert list(found) == [aim[0] for aim in check.AIMS]


def test_what_was_not_measured_on_a_card_is_neither_met_nor_missed(check: ModuleType) -> None:
    trained = {"minutes": 0.5, "machine": "AMD EPYC, cpu"}
    found = check.verdicts({"error": "emozone bench ended with status 1"}, trained)
    assert [row["met"] for row in found] == [None] * len(check.AIMS)


def test_the_file_holds_tests_figures_training_and_aims(
    check: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[object] = []
    trained = {"minutes": 8.0, "machine": "cuda"}
    monkeypatch.setattr(check, "tests", lambda folder: {"run": 12, "passed": 12, "skipped": 0, "failed": []})
    monkeypatch.setattr(check, "bench", lambda options: asked.append(options) or measured(1500.0, 2.0, 1.2))
    monkeypatch.setattr(check, "training", lambda folder, capture, more: asked.append((capture, more)) or trained)
    out = tmp_path / "gpu.json"
    monkeypatch.setattr(sys, "argv", ["gpu_check", str(out), "--sizes", "256,512", "--capture", "nora"])
    assert check.main() == 0
    assert asked == [["--sizes", "256,512"], (Path("nora"), [])]
    told = json.loads(out.read_text())
    assert [row["met"] for row in told["aims"]] == [True] * 4
    assert capsys.readouterr().err.count(": met") == 4
    monkeypatch.setattr(sys, "argv", ["gpu_check", str(out), "--iterations", "30"])
    assert check.main() == 0
    assert json.loads(out.read_text())["aims"][-1]["met"] is None  # a short training says nothing of a whole one
    monkeypatch.setattr(check, "training", lambda *_: {"error": "emozone train ended with status 1"})
    assert check.main() == 1
