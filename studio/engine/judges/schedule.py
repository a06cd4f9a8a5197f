"""How long a judge is trained, and how fast: shared by both training commands."""

from __future__ import annotations

import argparse
import logging
import math
import shlex
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from studio.engine.judges.films import HELD_OUT, Film, film_people

log = logging.getLogger(__name__)

PEOPLE = 18
HELD_OUT_PEOPLE = (HELD_OUT, HELD_OUT + 4, HELD_OUT + 1)
"""Of whom the first two are filmed in OpenGL as well."""


def options_of(module: str, arguments: Sequence[str] | None, *, steps: int, about: str | None) -> argparse.Namespace:
    """The options of a training command; `command` among them is the command itself, for the file."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=about)
    parser.add_argument("out", type=Path, help="the .safetensors file to write")
    parser.add_argument("--films", type=Path, default=Path("judge-films"), help="folder where films are kept")
    parser.add_argument("--people", type=int, default=PEOPLE, help=f"how many people to learn from (default {PEOPLE})")
    parser.add_argument("--steps", type=int, default=steps, help=f"steps of training (default {steps})")
    parser.add_argument("--minutes", type=float, help="end earlier to keep this bound (then not reproducible)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(words)
    told = [Path(word).name if "/" in word else word for word in words]
    options.command = f"python -m {module} {shlex.join(told)}"
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(message)s")
    torch.set_num_threads(options.threads)
    return options


def facts_of(options: argparse.Namespace, films: Sequence[Film], figures: Mapping[str, Any]) -> dict[str, Any]:
    """What a judge's file tells of its training."""
    people = len({film.person for film in films})
    return {"command": options.command, "people": people, "steps": options.done, "figures": dict(figures)}


def films_of(options: argparse.Namespace) -> tuple[list[Film], list[Film]]:
    """Films to learn from, and films of other people for testing."""
    return film_people(list(range(options.people)), options.films), film_people(list(HELD_OUT_PEOPLE), options.films)


def train_steps(net: nn.Module, options: argparse.Namespace, peak: float = 2e-3) -> Iterator[torch.optim.AdamW]:
    """An optimizer for each step: the rate rises over the first twentieth and falls in half a cosine.

    `options.done` counts the steps that were made.
    """
    optimizer = torch.optim.AdamW(net.parameters(), lr=peak, weight_decay=0.02)
    began = time.monotonic()
    options.done = 0
    for step in range(options.steps):
        share = step / options.steps
        if options.minutes is not None:
            share = max(share, (time.monotonic() - began) / 60 / options.minutes)
        if share >= 1.0:
            log.info("stopped after %d steps to keep to the bound", step)
            return
        optimizer.param_groups[0]["lr"] = peak * min(1.0, 20 * share + 0.02) * (0.5 + 0.5 * math.cos(math.pi * share))
        yield optimizer
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        options.done = step + 1
