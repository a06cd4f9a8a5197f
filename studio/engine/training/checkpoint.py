"""Checkpoints: one safetensors file that holds everything an interrupted run needs to go on as if it never stopped.

Random numbers need no state of their own: every iteration seeds its generator from the recipe's seed, the stage and its
own number. The file is written beside its place and then moved there.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from studio.engine.targets import write_file
from studio.engine.training.learner import Learner
from studio.engine.training.recipes import STAGES, Recipe, Stage, differing_field
from studio.errors import StudioError

FORMAT = "emozone-training"
VERSION = "1"


@dataclass
class Position:
    """Where a run stands; mutable, owned by the trainer."""

    stage: Stage = STAGES[0]
    done: int = 0  # iterations of this stage
    image_iterations: int = 0  # of coarse and fine together: what density control counts
    stage_s: float = 0.0  # seconds spent in this stage, over all sittings
    total_s: float = 0.0  # seconds spent in all, over all sittings


def checkpoint_path(avatar: Path) -> Path:
    """Where the run that makes `avatar` keeps its checkpoint."""
    return avatar.with_name(avatar.name + ".checkpoint")


def save_checkpoint(path: Path, learner: Learner, position: Position, recipe: Recipe, capture_name: str) -> None:
    """Write a checkpoint.

    Raises:
        StudioError: if it cannot be written.
    """
    tensors = {name: value.detach().cpu().contiguous() for name, value in learner.tensors().items()}
    state = {"position": asdict(position), "recipe": recipe.to_json(), "capture": capture_name}
    metadata = {"format": FORMAT, "version": VERSION, "state": json.dumps(state)}
    write_file(path, save(tensors, metadata))


def load_checkpoint(path: Path, learner: Learner, recipe: Recipe, capture_name: str) -> Position:
    """Put a checkpoint into `learner` and return where the run stood.

    Raises:
        StudioError: if the file is damaged, or belongs to another recipe or capture.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors: dict[str, Tensor] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise StudioError(f"The checkpoint {path} cannot be read ({error}): train without --resume.") from error
    if metadata.get("format") != FORMAT or metadata.get("version") != VERSION:
        raise StudioError(f"{path} is not a checkpoint of this program's version: train without --resume.")
    state = json.loads(metadata["state"])
    other = differing_field(json.loads(json.dumps(recipe.to_json())), state["recipe"])
    if other is not None:
        raise StudioError(
            f"The checkpoint {path} was made with another {other}: repeat the first command with --resume added."
        )
    if state["capture"] != capture_name:
        raise StudioError(f"The checkpoint {path} belongs to the capture {state['capture']!r}: train without --resume.")
    if not all(bool(torch.isfinite(v).all()) for v in tensors.values() if v.is_floating_point()):
        raise StudioError(f"The checkpoint {path} holds numbers that are not finite: train without --resume.")
    try:
        learner.restore(tensors)
    except (KeyError, ValueError, RuntimeError) as error:
        raise StudioError(f"The checkpoint {path} is damaged ({error}): train without --resume.") from error
    return Position(**state["position"])
