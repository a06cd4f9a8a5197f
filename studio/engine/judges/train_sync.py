"""Trains the lip-sync judge on synthetic people, on a CPU, in minutes.

    python -m studio.engine.judges.train_sync sync.safetensors

The films that it needs are made first and kept in a folder, which `train_au` can use as well. The loss is contrastive
over time: among the moments of one shot, which belong to the same speaker and voice, each window of lips must find its
speech and the other way round (cross entropy over cosines, InfoNCE).
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from studio.engine.judges.augment import crops
from studio.engine.judges.films import Film
from studio.engine.judges.framing import MOUTH_PX
from studio.engine.judges.nets import FRAMES, MEL_BACK, MEL_STEP, SyncNet, save_judge
from studio.engine.judges.schedule import facts_of, films_of, options_of, train_steps
from studio.engine.judges.sync import embed, offset_shares

log = logging.getLogger(__name__)

STEPS = 700
_SHOTS, _SPAN = 7, 32
"""Shots per step and frames of each."""
_EDGE = FRAMES // 2
_NEIGHBOUR = 0.12
"""Share of the truth given to each neighbouring frame: 40 ms cannot always be told."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    options = options_of("studio.engine.judges.train_sync", arguments, steps=STEPS, about=__doc__)
    train, held = films_of(options)
    net = fit([film for film in train if film.mels], options)
    figures = {
        drawn: measure(net, [film for film in held if film.mels and film.drawn == drawn])
        for drawn in ("splats", "opengl")
    }
    log.info("held out: %s", figures)
    save_judge(net, facts_of(options, train, figures), options.out)


def fit(films: Sequence[Film], options: argparse.Namespace) -> SyncNet:
    """Train on shots of people who talk."""
    torch.manual_seed(options.seed)
    rng = np.random.default_rng([options.seed, 47])
    net = SyncNet()
    heat = nn.Parameter(torch.tensor(2.5))  # log of the inverse temperature
    groups = [[film for film in films if film.drawn == drawn] for drawn in ("splats", "splats", "splats", "opengl")]
    groups = [group for group in groups if group]
    mean = 0.0
    both = nn.ModuleList([net, _Scalar(heat)])
    for step, optimizer in enumerate(train_steps(both, options)):
        group = groups[step % len(groups)]
        chosen = [group[i] for i in rng.integers(len(group), size=_SHOTS)]
        span = min(_SPAN, *(len(film) for film in chosen))
        lips, mel = _batch(chosen, span, rng)
        features = net.mouths(lips.flatten(0, 1)).view(_SHOTS, span, -1)
        window, still = net.speech(mel)
        loss = contrast(net.windows(features), window, heat.exp().clamp(max=60))
        loss = loss + 0.5 * contrast(net.glances(features[:, _EDGE:-_EDGE]), still, heat.exp().clamp(max=60))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        mean += (float(loss.detach()) - mean) / min(step + 1, 50)
        if step % 50 == 49:
            log.info("step %d loss %.3f", step + 1, mean)
    return net.eval().requires_grad_(False)


class _Scalar(nn.Module):
    """A parameter among modules."""

    def __init__(self, value: nn.Parameter) -> None:
        super().__init__()
        self.value = value


def _batch(films: Sequence[Film], span: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Lips (B, span, 3, 48, 48) and the mel (B, …, 41) of all but the first and last two frames of each span."""
    lips, mels = [], []
    for film in films:
        first = int(rng.integers(len(film) - span + 1))
        part = slice(first, first + span)
        lips.append(crops(film.pictures[part], film.squares[part, 1], MOUTH_PX, rng, together=True))
        mel = film.mels[int(rng.integers(len(film.mels)))]
        mels.append(_vary(mel_span(mel, first + _EDGE, span - 2 * _EDGE), rng))
    return torch.stack(lips), torch.stack(mels)


def mel_span(mel: NDArray[np.float32], first: int, count: int) -> NDArray[np.float32]:
    """(4·(count - 1) + 21, 41) mel around frames from `first`; beyond the ends the ends are repeated."""
    at = np.arange(MEL_STEP * first - MEL_BACK, MEL_STEP * (first + count - 1) + MEL_BACK + 1)
    return np.asarray(mel[at.clip(0, len(mel) - 1)])


def _vary(mel: NDArray[np.float32], rng: np.random.Generator) -> Tensor:
    """Another voice: bands shifted by a longer or shorter throat, louder or softer, a little noise."""
    bands = np.arange(mel.shape[1] - 1)
    at = (bands * np.exp(rng.uniform(-0.08, 0.08))).clip(0, len(bands) - 1)
    low = at.astype(int)
    high = np.minimum(low + 1, len(bands) - 1)
    out = mel.copy()
    out[:, :-1] = mel[:, low] + (at - low).astype(np.float32) * (mel[:, high] - mel[:, low])
    out += rng.normal(0, 0.1) + 0.08 * rng.standard_normal(out.shape, np.float32)
    return torch.from_numpy(out.astype(np.float32))


def contrast(lips: Tensor, speech: Tensor, heat: Tensor) -> Tensor:
    """Mean cross entropy of finding the speech (B, F, 64) of lips (B, F, 64) among its shot, and the other way."""
    count = lips.shape[1]
    cosines = heat * lips @ speech.transpose(1, 2)
    truth = torch.eye(count) + _NEIGHBOUR * (
        torch.diag(torch.ones(count - 1), 1) + torch.diag(torch.ones(count - 1), -1)
    )
    truth = truth / truth.sum(1, keepdim=True)
    found = torch.zeros(())
    for rows in (cosines, cosines.transpose(1, 2)):
        found = found - (truth * functional.log_softmax(rows, -1)).sum(-1).mean()
    return found / 2


def measure(net: SyncNet, films: Sequence[Film]) -> dict[str, Any]:
    """Share of moments whose best offset within ±15 frames is right to a frame, by how many windows are averaged."""
    shares: dict[str, list[float]] = {}
    for film in films:
        lips = crops(film.pictures, film.squares[:, 1], MOUTH_PX, None)
        for mel, recording in zip(film.mels, ("clean", "noisy"), strict=True):
            found = offset_shares(embed(net, lips, torch.from_numpy(mel)))
            for name, share in found.items():
                shares.setdefault(f"{recording}, {name}", []).append(share)
    return {name: round(float(np.mean(each)), 3) for name, each in shares.items()}


if __name__ == "__main__":
    main()
