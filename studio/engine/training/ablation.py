"""The paper's ablation: one performer, one recipe, trained without and with each part of the method.

Configurations A to D and full are those of EmoZone-Talker's Table 3; `literal` is full with the intensity inside the
keys as well, which is how the paper's equations read literally. All see the same captures, seeds and iterations.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from studio.document.action_units import AU_INDEX
from studio.engine.avatar import load_avatar
from studio.engine.evaluate import evaluate
from studio.engine.motion_metrics import MotionJudge, measured_frames
from studio.engine.training.capture import Capture
from studio.engine.training.capture_files import load_capture
from studio.engine.training.recipes import STAGES, Density, Recipe
from studio.engine.training.trainer import train
from studio.errors import StudioError

_log = logging.getLogger(__name__)

TESTS = ("heldout", "conflict", "noise")
"""Kinds of captures to test with; anything else is to train on."""

MEASURED = 750
"""Frames of conflict and noise that are measured: whole seconds, evenly picked."""

RECIPE = Recipe(
    name="ablation",
    geometry_iterations=700,
    coarse_iterations=100,
    fine_iterations=60,
    geometry_frames=16,
    geometry_points=256,
    plane_resolutions=(32, 64),
    initial_gaussians=2_500,
    max_gaussians=2_500,
    coarse_half=0.0,
    fine_half=0.0,
    held_share=0.0,  # expressions against the words come in the tests alone
    rehearse_every=4,
    rehearse_weight=0.02,  # as light as the anchor: RESULTS.md was measured so
    density=Density(start=1_000_000, stop=1_000_000),
    checkpoint_minutes=600.0,
)
"""Small enough for six configurations and several seeds; what counts is that it is the same for all."""


@dataclass(frozen=True)
class Configuration:
    """One row of the table."""

    name: str
    title: str
    without: tuple[str, ...] = ()
    literal_keys: bool = False


CONFIGURATIONS: tuple[Configuration, ...] = (
    Configuration("A", "audio alone", ("au", "citae", "raar", "szpab")),
    Configuration("B", "+ action units", ("citae", "raar", "szpab")),
    Configuration("C", "+ SZ-PAB", ("citae",)),
    Configuration("D", "action units, CIT-AE, no SZ-PAB", ("raar", "szpab")),
    Configuration("full", "all parts"),
    Configuration("literal", "all parts, intensity in the keys too", (), True),
)
"""RAAR regularises SZ-PAB's attention and leaves with it."""

FIGURES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("heldout_psnr_db", "PSNR dB", ("heldout", "psnr_db")),
    ("heldout_mouth_psnr_db", "mouth PSNR dB", ("heldout", "mouth_psnr_db")),
    ("heldout_aue_u", "AUE-U", ("heldout", "aue_u")),
    ("heldout_aue_l", "AUE-L", ("heldout", "aue_l")),
    ("heldout_au_jerk", "AU-Jerk", ("heldout", "au_jerk")),
    ("conflict_aue_u", "AUE-U, conflict", ("conflict", "aue_u")),
    ("conflict_aue_l", "AUE-L, conflict", ("conflict", "aue_l")),
    ("conflict_error", "conflict error", ("conflict", "conflict_error")),
    ("noise_aue_u", "AUE-U, noise", ("noise", "aue_u")),
    ("noise_removed", "jitter removed", ("noise", "noise", "removed")),
    ("noise_peak", "peaks kept", ("noise", "noise", "peak")),
    ("response_e", "response at E", ("units", "response_e")),
    ("leakage", "leakage", ("units", "leakage")),
)
"""Columns: key, title, and where `measure` has them."""


def ablate(
    captures: Sequence[Path],
    out: Path,
    *,
    seeds: int = 2,
    iterations: int | None = None,
    only: Sequence[str] = (),
    measure_only: bool = False,
    progress: Callable[[float, str], None] | None = None,
) -> dict[str, Any]:
    """Train and measure every configuration.

    Args:
        captures: one to train on, and one or more of the kinds `TESTS`, told apart by what they say of themselves.
        out: folder for the avatars and what was measured; runs that lie there already are taken as they are.
        seeds: runs per configuration.
        iterations: of each run instead of the recipe's.
        only: names of configurations; all if empty.
        measure_only: train nothing and measure every avatar that lies in `out` anew, however it was trained: for when
            what is measured has changed, or the tests have.
        progress: hears the share that is done, and a line about it.

    Returns:
        captures (names by role), iterations, configurations (title and what is left out), runs (configuration, seed,
        figures) and table (per configuration and figure: mean, low, high; null where not measured).

    Raises:
        StudioError: if captures are missing, of different performers or of no known truth, a name is unknown, or an
            avatar that is only to be measured is missing.
    """
    chosen = _chosen(only)
    teacher, tests = _sorted([load_capture(path) for path in captures])
    recipe = RECIPE if iterations is None else RECIPE.with_iterations(iterations)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StudioError(f"{out} cannot be made a folder for the results: {error.strerror}.") from error
    total = seeds * len(chosen)
    runs: list[dict[str, Any]] = []
    for seed in range(seeds):
        for configuration in chosen:
            done = len(runs)
            if progress is not None:
                progress(done / total, f"{configuration.name}, seed {seed}: run {done + 1} of {total}")
            own = replace(recipe, seed=seed, without=configuration.without, literal_keys=configuration.literal_keys)
            figures = _run(teacher, tests, own, out / f"{configuration.name}-{seed}", measure_only)
            runs.append({"configuration": configuration.name, "seed": seed, "figures": figures})
    if progress is not None:
        progress(1.0, f"{total} runs")
    return {
        "captures": {"train": teacher.info.name} | {kind: capture.info.name for kind, capture in tests.items()},
        "performer": teacher.info.identity,
        "seeds": seeds,
        "iterations": _told_iterations(out / f"{chosen[0].name}-0.safetensors")
        if measure_only
        else {stage: recipe.iterations(stage) for stage in STAGES},
        "configurations": {c.name: {"title": c.title, "without": list(c.without)} for c in chosen},
        "runs": runs,
        "table": {c.name: table_row([r["figures"] for r in runs if r["configuration"] == c.name]) for c in chosen},
    }


def table_row(figures: Sequence[dict[str, Any]]) -> dict[str, dict[str, float] | None]:
    """Mean, lowest and highest of each figure over runs; None for one that no run has."""
    row: dict[str, dict[str, float] | None] = {}
    for key in dict.fromkeys(key for run in figures for key in run):
        known = [run[key] for run in figures if isinstance(run.get(key), (int, float))]
        row[key] = {"mean": sum(known) / len(known), "low": min(known), "high": max(known)} if known else None
    return row


def _chosen(only: Sequence[str]) -> list[Configuration]:
    names = [configuration.name for configuration in CONFIGURATIONS]
    for name in only:
        if name not in names:
            raise StudioError(f"There is no configuration {name!r} to ablate: choose among {', '.join(names)}.")
    return [configuration for configuration in CONFIGURATIONS if not only or configuration.name in only]


def _sorted(captures: Sequence[Capture]) -> tuple[Capture, dict[str, Capture]]:
    """The capture to train on, and those to test with by kind."""
    teachers = [capture for capture in captures if capture.info.kind not in TESTS]
    tests = {capture.info.kind: capture for capture in captures if capture.info.kind in TESTS}
    if len(teachers) != 1 or len(tests) != len(captures) - 1 or not tests:
        raise StudioError(
            "An ablation needs one capture to train on and at most one of each kind to test with, heldout, conflict "
            "and noise: make them with emozone performer --kind."
        )
    for capture in captures:
        if capture.surface is None or capture.articulators is None:
            raise StudioError(f"{capture.root} does not know its surface motion; choose a capture of a performer.")
        if capture.info.identity != teachers[0].info.identity:
            raise StudioError(
                f"{capture.root} shows {capture.info.identity}, but {teachers[0].root} shows "
                f"{teachers[0].info.identity}: choose captures of one performer."
            )
    return teachers[0], {kind: tests[kind] for kind in TESTS if kind in tests}


def _run(
    teacher: Capture, tests: dict[str, Capture], recipe: Recipe, place: Path, measure_only: bool
) -> dict[str, float | None]:
    """Train, unless it has been done, and measure, unless that has been done with the same recipe and captures.

    What is only measured keeps the recipe that it was trained with, where that is known.
    """
    avatar_file, figures_file = place.with_suffix(".safetensors"), place.with_suffix(".json")
    signed = json.loads(
        json.dumps({"recipe": recipe.to_json(), "captures": [str(teacher.root), *map(_root, tests.values())]})
    )
    try:
        kept = json.loads(figures_file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        kept = None
    kept = kept if isinstance(kept, dict) else {}
    if measure_only:
        if not avatar_file.exists():
            raise StudioError(f"There is no {avatar_file} to measure; train it first, without --measure-only.")
        signed["recipe"] = kept.get("recipe")
    else:
        if "figures" in kept and {key: kept.get(key) for key in signed} == signed:
            found: dict[str, float | None] = kept["figures"]
            return found
        train(teacher.root, avatar_file, recipe, judged=False)
    _log.info("%s is measured", place.name)
    figures = measure(avatar_file, tests)
    part = figures_file.with_suffix(".part")
    part.write_text(json.dumps(signed | {"figures": figures}, indent=1), encoding="utf-8")
    part.replace(figures_file)
    return figures


def _told_iterations(avatar_file: Path) -> dict[str, int]:
    """What an avatar says that it was trained for, by stage; empty if it says nothing."""
    told: dict[str, int] = load_avatar(avatar_file).info.training.get("iterations", {})
    return told


def measure(avatar_file: Path, tests: dict[str, Capture]) -> dict[str, float | None]:
    """The figures of one avatar by the keys of `FIGURES`, and of AU6 and AU12 alone and together.

    The mouth is driven by the true articulation: what the speech encoder mishears is not what is asked here. Pictures
    of the held-out capture are those of its larger split; the avatar has seen neither.
    """
    avatar = load_avatar(avatar_file)
    judges = {kind: MotionJudge(avatar, capture) for kind, capture in tests.items()}
    found: dict[str, Any] = {}
    for kind, judge in judges.items():
        capture = tests[kind]
        if kind == "heldout":
            found[kind] = evaluate(avatar, capture, split="train", speech="truth")
        else:
            frames = measured_frames(capture, (), MEASURED).tolist()
            found[kind] = judge.performance(frames, capture.articulator_windows)
    figures: dict[str, float | None] = {}
    for key, _, (kind, *path) in FIGURES:
        value: Any = found.get(kind)
        for step in path:
            value = None if value is None else value.get(step)
        figures[key] = value
    judge = next(iter(judges.values()))
    units = (found.get("heldout") or {}).get("per_au") or judge.responses()
    figures["response_e"] = _mean([unit["response_e"] for unit in units.values()])
    figures["weakest_response_e"] = min((unit["response_e"] for unit in units.values()), default=None)
    figures["leakage"] = _mean([unit["leakage"] for unit in units.values()])
    figures["highest_leakage"] = max((unit["leakage"] or 0.0 for unit in units.values()), default=None)
    figures["rising"] = _mean([float(unit["monotonic"]) for unit in units.values()])
    for name, group in (("au6", ("AU6",)), ("au12", ("AU12",)), ("au6_au12", ("AU6", "AU12"))):
        for zone, error in judge.together([AU_INDEX[key] for key in group]).items():
            figures[f"{name}_{zone}"] = error
    return figures


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _root(capture: Capture) -> str:
    return str(capture.root)
