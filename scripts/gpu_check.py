"""Runs the tests that need a graphics card and the benchmark, and writes both into one JSON file; see docs/gpu.md."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[1]
BENCH = ("--full",)


def card() -> dict[str, Any]:
    """What is there to be tested."""
    import torch

    found: dict[str, Any] = {"torch": torch.__version__, "cuda": torch.version.cuda}
    if torch.cuda.is_available():
        of = torch.cuda.get_device_properties(0)
        found |= {"card": of.name, "memory_gib": round(of.total_memory / 2**30, 1)}
    return found


def tests(folder: Path) -> dict[str, Any]:
    """Run the tests marked `gpu`; counts, and what was wrong."""
    report = folder / "tests.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-m", "gpu", "tests/engine", f"--junitxml={report}"]
    subprocess.run(command, cwd=ROOT, stdout=sys.stderr, check=False)
    if not report.is_file():
        return {"run": 0, "passed": 0, "skipped": 0, "failed": ["pytest could not run"]}
    cases = list(ElementTree.parse(report).getroot().iter("testcase"))
    skipped = [case for case in cases if case.find("skipped") is not None]
    failed = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
    return {
        "run": len(cases) - len(skipped),
        "passed": len(cases) - len(skipped) - len(failed),
        "skipped": len(skipped),
        "failed": [f"{case.get('classname')}::{case.get('name')}" for case in failed],
    }


def bench(options: list[str]) -> dict[str, Any]:
    """Run `emozone bench`; its JSON, or what it said instead."""
    command = [sys.executable, "-m", "studio.cli", "bench", "--json", *(options or BENCH)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    try:
        found: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        return {"error": f"emozone bench ended with status {done.returncode}"}
    return found


def main() -> int:
    """Check this machine."""
    parser = argparse.ArgumentParser(description=__doc__, prog="gpu_check")
    parser.add_argument("out", type=Path, help="the JSON file")
    known, options = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as folder:
        found = {"machine": card(), "tests": tests(Path(folder)), "bench": bench(options)}
    known.out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    told = found["tests"]
    sys.stderr.write(f"{told['passed']} tests passed, {len(told['failed'])} failed, {told['skipped']} skipped\n")
    if told["skipped"] and not told["run"]:
        sys.stderr.write("No test ran: this machine has no NVIDIA card with a CUDA build of PyTorch, or no gsplat.\n")
    return 0 if told["run"] and not told["failed"] and "error" not in found["bench"] else 1


if __name__ == "__main__":
    sys.exit(main())
