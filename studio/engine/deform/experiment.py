"""A measuring bench for the deformer: how well does it learn a motion that is known exactly, in a given time?

`python -m studio.engine.deform.experiment CAPTURE --seconds 100` teaches a deformer the true surface motion of a
capture (no rendering): action units and articulators in random mixtures, 16 frames by 1,024 Gaussians a step. It prints
what a change of architecture has to improve:

- relative error: root of summed squared error over root of summed squared motion, on unseen mixtures;
- response: predicted over true displacement of one action unit at full intensity, where it acts (1 is right);
- leakage: mean motion where that unit does not act, over mean motion where it acts (0 is right).
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor

from studio.document.action_units import MAX_INTENSITY
from studio.engine.controls import WINDOW
from studio.engine.deform.deformer import ABLATIONS, Deformer, DeformerConfig, Deltas
from studio.engine.training.capture import Capture
from studio.engine.training.capture_files import load_capture
from studio.errors import StudioError

FRAMES, POINTS = 16, 1024
"""Frames and Gaussians per step."""

ACTS, RESTS = 0.2, 0.01
"""Shares of an action unit's largest displacement above which it acts and below which it does not."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Motion:
    """A surface whose displacement is linear in action units and articulators."""

    points: Tensor  # (N, 3) metres
    zones: Tensor  # (N,) int64
    au: Tensor  # (17, N, 3) metres at full intensity
    speech: Tensor  # (J, N, 3) metres at full articulation

    def displacement(self, au: Tensor, speech: Tensor, index: Tensor | slice = slice(None)) -> Tensor:
        """(B, P, 3) metres for intensities (B, 17) and articulations (B, J) in [0, 1]."""
        return torch.einsum("bk,kpc->bpc", au, self.au[:, index]) + torch.einsum(
            "bj,jpc->bpc", speech, self.speech[:, index]
        )


@dataclass(frozen=True)
class Result:
    """What the bench measures."""

    relative_error: float
    response_min: float
    response_mean: float
    leakage_max: float
    leakage_mean: float
    steps: int
    seconds: float


def random_controls(frames: int, n_au: int, n_speech: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Intensities (frames, n_au) and articulations (frames, n_speech) in [0, 1].

    30 % of the frames hold one action unit, 60 % two to six, 10 % none; 75 % speak.
    """
    au = torch.zeros(frames, n_au)
    kind = torch.rand(frames, generator=random)
    for i in range(frames):
        count = 1 if kind[i] < 0.3 else int(torch.randint(2, 7, (), generator=random)) if kind[i] < 0.9 else 0
        au[i, torch.randperm(n_au, generator=random)[:count]] = torch.rand(count, generator=random)
    share = torch.rand(frames, n_speech, generator=random).clamp_min(1e-6) ** 2.5
    loud = torch.rand(frames, 1, generator=random) * (torch.rand(frames, 1, generator=random) < 0.75)
    return au, share / share.sum(1, keepdim=True) * loud


def predict(deformer: Deformer, motion: Motion, au: Tensor, speech: Tensor, index: Tensor | None = None) -> Tensor:
    """(B, P, 3) predicted displacement, metres, of controls in [0, 1] held over the window."""
    windows = (au * MAX_INTENSITY)[:, None].expand(-1, WINDOW, -1), speech[:, None].expand(-1, WINDOW, -1)
    deltas: Deltas = deformer(motion.points, motion.zones, *windows, au.new_zeros(len(au), 5), index)
    return deltas.means


def learn(motion: Motion, config: DeformerConfig, seconds: float, seed: int = 0, steps: int | None = None) -> Result:
    """Teach a fresh deformer the motion for `seconds` of training (or `steps`), then measure it."""
    deformer, taken, spent = teach(motion, config, seconds, seed, steps)
    return measure(deformer, motion, taken, spent)


def teach(
    motion: Motion, config: DeformerConfig, seconds: float, seed: int = 0, steps: int | None = None
) -> tuple[Deformer, int, float]:
    """A deformer taught the motion, the steps it took and the seconds they lasted."""
    torch.manual_seed(seed)
    random = torch.Generator().manual_seed(seed)
    deformer = Deformer.for_means(config, motion.points)
    planes, residual = list(deformer.triplane.parameters()), [deformer.residual]
    special = {id(p) for p in planes + residual}
    rest = [p for p in deformer.parameters() if id(p) not in special and p.requires_grad]
    rates = (1e-2, 1e-2, 2e-3)
    groups = [{"params": g, "lr": r} for g, r in zip((planes, residual, rest), rates, strict=True)]
    optimizer = torch.optim.Adam(groups, betas=(0.9, 0.99), fused=True)
    unit = float(motion.au.norm(dim=2).amax())
    n = len(motion.points)
    start, step = time.monotonic(), 0
    while True:
        done = step / steps if steps is not None else (time.monotonic() - start) / seconds
        if done >= 1:
            break
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = rate * 0.02 ** max(0.0, done - 0.3)
        index = torch.randperm(n, generator=random)[:POINTS]
        au, speech = random_controls(FRAMES, len(motion.au), len(motion.speech), random)
        error = (predict(deformer, motion, au, speech, index) - motion.displacement(au, speech, index)) / unit
        loss = error.square().sum(-1).mean()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        step += 1
        if step % 200 == 0:
            _log.info("step %d, loss %.2e, %.0f %%", step, float(loss.detach()), done * 100)
    return deformer, step, time.monotonic() - start


@torch.no_grad()
def measure(deformer: Deformer, motion: Motion, steps: int = 0, seconds: float = 0.0) -> Result:
    """Error, response and leakage of a deformer against the true motion."""
    n_au, n_speech = len(motion.au), len(motion.speech)
    au, speech = random_controls(64, n_au, n_speech, torch.Generator().manual_seed(12345))
    truth = motion.displacement(au, speech)
    error = (predict(deformer, motion, au, speech) - truth).norm() / truth.norm()
    alone = predict(deformer, motion, torch.eye(n_au), torch.zeros(n_au, n_speech))
    responses, leaks = [], []
    for moved, true in zip(alone, motion.au, strict=True):
        size = true.norm(dim=1)
        if size.max() <= RESTS * motion.au.norm(dim=2).max():
            continue  # a unit that moves nothing has no response
        acts, rests = size > ACTS * size.max(), size < RESTS * size.max()
        responses.append(float((moved[acts] * true[acts]).sum() / true[acts].square().sum()))
        leaks.append(float(moved[rests].norm(dim=1).mean() / size[acts].mean()))
    return Result(
        float(error),
        min(responses),
        sum(responses) / len(responses),
        max(leaks),
        sum(leaks) / len(leaks),
        steps,
        seconds,
    )


def motion_of(capture: Capture) -> Motion:
    """The part of a capture's true surface motion that is linear in action units and articulators.

    A capture states displacement per frame; least squares over its frames gives each control its own field. The share
    of motion that is not linear, two units that hold each other back, say, is left out.

    Raises:
        StudioError: if the capture does not know its surface motion or its articulation.
    """
    surface = capture.surface
    if surface is None or capture.articulators is None:
        raise StudioError(f"{capture.root} does not know its surface motion; choose a capture of a performer.")
    controls = torch.cat([capture.au / MAX_INTENSITY, capture.articulators], 1).double()
    weights = torch.linalg.lstsq(controls, surface.mode_weights.double(), driver="gelsd").solution.float()
    fields = torch.einsum("cu,upx->cpx", weights, surface.modes.float())
    n_au = capture.au.shape[1]
    return Motion(surface.points, surface.zones, fields[:n_au], fields[n_au:])


def main(arguments: list[str] | None = None) -> int:
    """Run the bench from the command line; one JSON object per line on standard output."""
    parser = argparse.ArgumentParser(prog="python -m studio.engine.deform.experiment", description=__doc__)
    parser.add_argument("capture", type=Path, help="capture folder of a performer")
    parser.add_argument("--seconds", type=float, default=100.0, help="length of training")
    parser.add_argument("--steps", type=int, help="train for a number of steps instead")
    parser.add_argument("--without", default="", help=f"parts to leave out, of {','.join(ABLATIONS)}")
    parser.add_argument("--literal-keys", action="store_true", help="intensity inside the keys too")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        motion = motion_of(load_capture(options.capture))
        parts = tuple(part for part in options.without.split(",") if part)
        config = DeformerConfig.without(parts, n_speech=len(motion.speech), literal_keys=options.literal_keys)
    except (StudioError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    result = learn(motion, config, options.seconds, options.seed, options.steps)
    sys.stdout.write(json.dumps({"without": parts, "literal_keys": options.literal_keys, **asdict(result)}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
