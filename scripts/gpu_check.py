"""Tests and measures this machine's graphics card and writes one JSON file; see docs/gpu.md.

Four things, in this order: the tests that need a card; `emozone bench` with every backend; a whole training with the
recipe `studio`, from the first step to the finished avatar; and whether the aims for a card are met.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
BENCH = ("--full",)
RECIPE = "studio"
SIZE_PX = 512
"""Of the small capture that is trained on where none is given."""

AIMS = (
    ("frame.cuda.256.fps", "whole frames per second at 256²", "at least", 1100.0),
    ("frame.cuda.256.frame_p95_ms", "95th percentile of a whole frame at 256², ms", "at most", 3.0),
    ("frame.cuda.256.ratio", "whole frame / static raster at 256²", "at most", 1.5),
    ("training.whole_minutes", "a whole training with the recipe studio, minutes", "at most", 10.0),
)
"""Name of the figure, what it is, on which side of the aim it has to be, and the aim: those for an H200."""


def card() -> dict[str, Any]:
    """What is there to be tested."""
    import torch

    found: dict[str, Any] = {"torch": torch.__version__, "cuda": torch.version.cuda}
    if torch.cuda.is_available():
        of = torch.cuda.get_device_properties(0)
        found |= {"card": of.name, "memory_gib": round(of.total_memory / 2**30, 1)}
    return found


def tests(folder: Path) -> dict[str, Any]:
    """Run the tests marked `gpu`; counts, and what was wrong. The first of them compiles gsplat, once."""
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


def training(folder: Path, capture: Path | None, options: list[str]) -> dict[str, Any]:
    """Train an avatar by the command, as a user does; minutes from its start to the finished file.

    Args:
        folder: for the avatar, and for the capture where none is given.
        capture: to be trained on; None takes a small one of the shipped avatar, with the same steps and their costs.
        options: more of `emozone train`.
    """
    root = capture if capture is not None else _small_capture(folder / "capture")
    out = folder / "trained.safetensors"
    command = [sys.executable, "-m", "studio.cli", "train", str(root), "-o", str(out), "--recipe", RECIPE, *options]
    began = time.monotonic()
    status = subprocess.run(command, cwd=ROOT, stdout=sys.stderr, check=False).returncode
    minutes = (time.monotonic() - began) / 60
    if status or not out.is_file():
        return {"error": f"emozone train ended with status {status}"}
    from studio.engine.avatar import load_avatar

    trained = load_avatar(out)
    return {
        "recipe": RECIPE,
        "capture": str(root) if capture is not None else f"the shipped avatar's own pictures, {SIZE_PX}²",
        "minutes": round(minutes, 2),
        "gaussians": len(trained.gaussians),
        "machine": str(trained.info.training.get("machine", "?")),
    }


def _small_capture(root: Path) -> Path:
    from studio.engine.avatar import default_avatar, load_avatar
    from studio.engine.bench.training import write_small_capture

    return write_small_capture(load_avatar(default_avatar()), root, SIZE_PX)


def verdicts(measured: dict[str, Any], trained: dict[str, Any]) -> list[dict[str, Any]]:
    """Each aim with what was measured; `met` is null for what was not."""
    values = {name: row.get("value") for name, row in measured.get("figures", {}).items()}
    on_card = "cuda" in trained.get("machine", "")
    values["training.whole_minutes"] = trained.get("minutes") if on_card else None
    found = []
    for name, what, side, aim in AIMS:
        value = values.get(name)
        met = None if value is None else (value >= aim if side == "at least" else value <= aim)
        found.append({"name": name, "what": what, "value": value, "aim": f"{side} {aim:g}", "met": met})
    return found


def main() -> int:
    """Check this machine."""
    parser = argparse.ArgumentParser(description=__doc__, prog="gpu_check", epilog="Other options go to emozone bench.")
    parser.add_argument("out", type=Path, help="the JSON file")
    parser.add_argument("--capture", type=Path, help="train on this capture instead of a small one made meanwhile")
    parser.add_argument("--iterations", type=int, metavar="N", help="train so many steps, to see that it works")
    parser.add_argument("--no-training", action="store_true", help="leave the whole training out")
    known, options = parser.parse_known_args()
    found: dict[str, Any] = {"machine": card()}
    with tempfile.TemporaryDirectory() as folder:
        found["tests"] = told = tests(Path(folder))
        found["bench"] = bench(options)
        found["training"] = {}
        if not known.no_training:
            fewer = [] if known.iterations is None else ["--iterations", str(known.iterations)]
            found["training"] = training(Path(folder), known.capture, fewer)
    whole = known.iterations is None
    found["aims"] = verdicts(found["bench"], found["training"] if whole else {})
    known.out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    say = sys.stderr.write
    say(f"{told['passed']} tests passed, {len(told['failed'])} failed, {told['skipped']} skipped\n")
    if told["skipped"] and not told["run"]:
        say("No test ran: this machine has no NVIDIA card with a CUDA build of PyTorch, or no gsplat.\n")
    for row in found["aims"]:
        word = {True: "met", False: "MISSED", None: "not measured"}[row["met"]]
        value = "–" if row["value"] is None else f"{row['value']:g}"
        say(f"{row['what']}: {value}, aim {row['aim']}: {word}\n")
    for part in ("bench", "training"):
        if "error" in found[part]:
            say(f"{found[part]['error']}\n")
    whole = bool(told["run"]) and not told["failed"] and "error" not in found["bench"] | found["training"]
    return 0 if whole else 1


if __name__ == "__main__":
    sys.exit(main())
