"""Trains the action-unit judge on synthetic people, on a CPU, in minutes.

    python -m studio.engine.judges.train_au au.safetensors

The films that it needs are made first and kept in a folder, which `train_sync` can use as well. What is learned are
differences between faces of one person: intensities are compared after each person's mean has been taken from both, as
detectors of action units calibrate themselves to a person. A judge compares pictures of one person, and whether thin
brows are low or lowered is no longer asked of a single face.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from studio.document.action_units import AU_KEYS
from studio.engine.judges.augment import crops
from studio.engine.judges.films import Film
from studio.engine.judges.framing import FACE_PX
from studio.engine.judges.nets import UnitNet, save_judge
from studio.engine.judges.schedule import facts_of, films_of, options_of, train_steps

log = logging.getLogger(__name__)

STEPS = 1_600
_PEOPLE, _FACES = 5, 8
"""People per step and faces of each."""
_FRAMING = 0.35
"""How much crops vary: at use they are as exact as the camera and the pose."""
_TALKING, _GL = 0.15, 0.15
"""Share of people who talk, whose faces are alike but for the mouth, and of those drawn in OpenGL."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    options = options_of("studio.engine.judges.train_au", arguments, steps=STEPS, about=__doc__)
    train, held = films_of(options)
    net = fit(train, options)
    figures = {drawn: measure(net, [film for film in held if film.drawn == drawn]) for drawn in ("splats", "opengl")}
    log.info("held out: %s", figures)
    save_judge(net, facts_of(options, train, figures), options.out)


def fit(films: Sequence[Film], options: argparse.Namespace) -> UnitNet:
    """Train on faces and on people who talk."""
    torch.manual_seed(options.seed)
    rng = np.random.default_rng([options.seed, 53])
    net = UnitNet()
    every = np.concatenate([film.units for film in films])
    spread = torch.from_numpy(every.std(0)).clamp_min(0.3)
    mean = 0.0
    for step, optimizer in enumerate(train_steps(net, options, peak=3e-3)):
        films_now = [_pick(films, rng) for _ in range(_PEOPLE)]
        rows = [rng.integers(len(film), size=_FACES) for film in films_now]
        faces = [
            crops(film.pictures[at], film.squares[at, 0], FACE_PX, rng, framing=_FRAMING)
            for film, at in zip(films_now, rows, strict=True)
        ]
        truth = torch.stack([torch.from_numpy(film.units[at]) for film, at in zip(films_now, rows, strict=True)])
        error = (net(torch.cat(faces)).view(truth.shape) - truth) / spread
        loss = (error - error.mean(1, keepdim=True)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        mean += (float(loss.detach()) - mean) / min(step + 1, 50)
        if step % 100 == 99:
            log.info("step %d loss %.4f", step + 1, mean)
    return net.eval().requires_grad_(False)


def _pick(films: Sequence[Film], rng: np.random.Generator) -> Film:
    """A film of somebody."""
    talking, drawn = rng.random() < _TALKING, "opengl" if rng.random() < _GL else "splats"
    pool = [film for film in films if bool(film.mels) == talking and film.drawn == drawn] or list(films)
    return pool[int(rng.integers(len(pool)))]


def measure(net: UnitNet, films: Sequence[Film]) -> dict[str, Any]:
    """Correlation and mean absolute error (of 5) per unit, each person's mean taken off, and their means."""
    read, truth = [], []
    for film in films:
        found = net(crops(film.pictures, film.squares[:, 0], FACE_PX, None)).numpy()
        read.append(found - found.mean(0))
        truth.append(film.units - film.units.mean(0))
    one, other = np.concatenate(read), np.concatenate(truth)
    r = {key: round(float(np.corrcoef(one[:, i], other[:, i])[0, 1]), 3) for i, key in enumerate(AU_KEYS)}
    mae = {key: round(float(np.abs(one[:, i] - other[:, i]).mean()), 3) for i, key in enumerate(AU_KEYS)}
    return {
        "mean r": round(float(np.mean(list(r.values()))), 3),
        "mean mae": round(float(np.mean(list(mae.values()))), 3),
        "r": r,
        "mae": mae,
    }


if __name__ == "__main__":
    main()
