"""A second helping of appearance for a trained avatar: Gaussians move to where its pictures err, and colours settle.

    python -m studio.engine.training.refine adam.safetensors CAPTURE -o refined.safetensors

What moves the face rests: deformer, rig and zones are inherited, so that the avatar acts as before. A budget of
Gaussians that pictures hardly show goes where structure is missing, hair above all, which the first training sees as a
smooth mass; then everything settles with falling rates. On an avatar of 28,000 Gaussians the defaults take half an hour
of one core. The same arguments give the same avatar.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import cast

import torch
from torch import Tensor, nn

from studio.engine.avatar import Avatar, load_avatar, save_avatar
from studio.engine.deform.deformer import split_outputs
from studio.engine.gaussians import Gaussians
from studio.engine.metrics import SSIM_WINDOW
from studio.engine.rig import Rig
from studio.engine.splat.base import Raster
from studio.engine.splat.choose import choose_rasterizer
from studio.engine.training.capture import Capture
from studio.engine.training.capture_files import load_capture
from studio.engine.training.learner import NAMES, Name, hand_over, unpack
from studio.engine.training.losses import LossWeights, image_loss, scale_penalty
from studio.engine.training.recipes import LearningRate
from studio.engine.training.relocation import (
    Relocation,
    Tally,
    dissimilarity,
    markers,
    plan_relocation,
    weights_of,
)
from studio.engine.training.steps import TrainingRasterizer, shape
from studio.engine.training.trainer import figures, frozen, judged_by
from studio.errors import StudioError

log = logging.getLogger(__name__)

GREY = 0.5
"""Background of the pictures that errors are counted in; those that are learned from have a random one."""

REFRESH_EVERY = 200
"""Steps between tri-plane look-ups: means move by microns meanwhile."""


@dataclass(frozen=True)
class Refinement:
    """Every number that a refinement depends on, with its reason."""

    steps: int = 2_600  # about four passes over the pictures
    count: int = 30_000  # Gaussians afterwards; the limit of shipped avatars
    rounds: int = 5  # of relocation, a share of it each: what was split last errs less
    rounds_end: float = 0.4  # share of the steps after which Gaussians stay
    share: float = 0.065  # of the Gaussians that may go per round
    unseen_px: float = 1.5  # who covers more than this in any picture stays
    looked_at: int = 4  # one of so many pictures is looked at per round, other ones each time
    means: float = 8e-6  # learning rate, times head height in metres; far less than in the first training
    quats: float = 5e-4  # this and the following as in the first training's last stage
    log_scales: float = 2.5e-3
    opacity: float = 1.25e-2
    colour: float = 5e-4
    harmonics: float = 1.25e-4
    hold: float = 0.4  # share of the steps with these rates; then all fall,
    fall: float = 0.05  # to this share: single pictures pull at every step, and what has found its place trembles
    ssim: float = 0.6  # weight of structure, three times the usual
    longest: float = 12.0  # ratio of length to width that is free: strands of hair are needles
    seed: int = 1


class Refiner:
    """One refinement; `run` it once.

    Args:
        avatar: to start from; stays as it is.
        capture: what it was trained on.
        settings: how.
    """

    def __init__(self, avatar: Avatar, capture: Capture, settings: Refinement) -> None:
        self._avatar, self._capture, self._settings = avatar, capture, settings
        self._rasterizer = cast(TrainingRasterizer, choose_rasterizer("cpu", differentiable=True))
        self._parameters: dict[Name, nn.Parameter] = {
            name: nn.Parameter(value) for name, value in unpack(avatar.gaussians).items()
        }
        self._zones, self._rig = avatar.zones, avatar.rig
        self._deformer = frozen(avatar.deformer)
        self._widest = avatar.gaussians.log_scales.max().expand(1, 1)
        self._images = capture.indices("train")
        self._random = torch.Generator().manual_seed(settings.seed)
        self._optimizer = self._new_optimizer()
        self._refresh()

    def run(self, progress: Callable[[int, int], None] | None = None) -> Avatar:
        """The refined avatar.

        Args:
            progress: hears (steps done, steps in all).

        Raises:
            StudioError: if a parameter stops being a number.
        """
        settings = self._settings
        rounds = {round(settings.steps * settings.rounds_end * k / settings.rounds): k for k in range(settings.rounds)}
        order: list[int] = []
        for step in range(settings.steps):
            if step in rounds:
                self._relocate(rounds[step])
            elif step % REFRESH_EVERY == 0:
                self._refresh()
            order = order or torch.randperm(len(self._images), generator=self._random).tolist()
            self._learn(self._images[order.pop()], step / settings.steps)
            if progress is not None:
                progress(step + 1, settings.steps)
        if not all(bool(torch.isfinite(p).all()) for p in self._parameters.values()):
            raise StudioError("Refining failed: a parameter is no longer a number; check the capture's pictures.")
        return replace(self._avatar, gaussians=self._still(), zones=self._zones, rig=self._rig, deformer=self._deformer)

    def _learn(self, image: int, done: float) -> None:
        """One step on one picture at `done` in [0, 1] of the run."""
        settings, capture = self._settings, self._capture
        share = LearningRate(1.0, settings.fall, settings.hold).at(done)
        rates: dict[Name, float] = {
            "means": settings.means * capture.info.head_height_m,
            "quats": settings.quats,
            "log_scales": settings.log_scales,
            "opacity_logits": settings.opacity,
            "sh_base": settings.colour,
            "sh_rest": settings.harmonics,
        }
        for group in self._optimizer.param_groups:
            group["lr"] = rates[group["name"]] * share
        background = torch.rand(3, generator=self._random)
        target = capture.target(image)
        picture = self._draw(self._gaussians(), image).over(background)
        mouth, head = capture.mouth_box(image, capture.info.size_px), target.extent(1 / 255, margin=SSIM_WINDOW)
        terms = image_loss(picture, target.over(background), mouth, LossWeights(ssim=settings.ssim), head)
        loss = torch.stack(list(terms.values())).sum()
        loss = loss + scale_penalty(self._parameters["log_scales"], self._widest, settings.longest)
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()

    def _relocate(self, number: int) -> None:
        """Round `number` of relocation."""
        settings = self._settings
        gaussians, tally = self._still(), Tally.of(len(self._zones))
        for image in self._images[number % settings.looked_at :: settings.looked_at]:
            tally.add(self._look(gaussians, image))
        rest = settings.rounds - 1 - number
        count = settings.count - max(0, settings.count - len(self._avatar.gaussians)) * rest // settings.rounds
        plan = plan_relocation(gaussians, tally, max(count, len(gaussians)), settings.share, settings.unseen_px)
        log.info("%d Gaussians go, %d are split", plan.gone, int(plan.fresh.sum()) // 2)
        self._carry_out(plan)

    def _look(self, gaussians: Gaussians, image: int) -> Tensor:
        """(N, 2) how much of a picture each Gaussian is, and how much of its dissimilarity, for a tally."""
        grey = torch.full((3,), GREY)
        with torch.no_grad():
            picture = self._draw(gaussians, image).over(grey)
            wrong = dissimilarity(picture, self._capture.target(image).over(grey))
        leaf, colours = markers(len(gaussians), gaussians.sh.shape[1])
        marked = self._draw(gaussians, image, colours).rgb
        (marked[..., 0].sum() + (marked[..., 1] * wrong).sum()).backward()  # type: ignore[no-untyped-call]
        return weights_of(leaf)

    def _carry_out(self, plan: Relocation) -> None:
        parents = plan.parents
        with torch.no_grad():
            new = {name: value.detach()[parents].clone() for name, value in self._parameters.items()}
            new["means"] += plan.offsets
            new["log_scales"] -= plan.log_shrink
        for group, name in zip(self._optimizer.param_groups, NAMES, strict=True):
            self._parameters[name] = nn.Parameter(new[name])
            hand_over(self._optimizer, group, self._parameters[name], parents, plan.fresh)
        self._zones, self._rig = self._zones[parents], Rig(self._rig.weights[parents], self._rig.pivots)
        self._deformer.inherit(parents)
        self._deformer.requires_grad_(False)
        self._refresh()

    def _draw(self, gaussians: Gaussians, image: int, colours: Tensor | None = None) -> Raster:
        """The capture's picture as the avatar has it, with `colours` (N, K, 3) instead of its own if given."""
        capture = self._capture
        frame = capture.images[image].frame
        with torch.no_grad():
            au, speech = capture.au_windows([frame]), capture.articulator_windows([frame])
            out, _ = self._deformer.evaluate(
                self._features, self._zones[self._index], au, speech, capture.pose[[frame]]
            )
        shaped = shape(gaussians, split_outputs(out), self._index)
        if colours is not None:
            shaped = shaped.replace(sh=colours)
        return self._rasterizer.render(self._rig.apply(shaped, capture.pose_at(frame)), capture.camera_of(image))

    def _refresh(self) -> None:
        """What follows from the present set of Gaussians."""
        self._index = self._deformer.moving.nonzero()[:, 0]
        with torch.no_grad():
            self._features = self._deformer.features(self._parameters["means"].detach(), self._index)

    def _new_optimizer(self) -> torch.optim.Adam:
        groups = [{"params": [self._parameters[name]], "name": name} for name in NAMES]
        return torch.optim.Adam(groups, lr=0.0, eps=1e-15, fused=True)

    def _gaussians(self) -> Gaussians:
        p = self._parameters
        sh = torch.cat([p["sh_base"], p["sh_rest"]], 1)
        return Gaussians(p["means"], p["quats"], p["log_scales"], p["opacity_logits"], sh)

    def _still(self) -> Gaussians:
        """The Gaussians without gradients, apart from the parameters."""
        with torch.no_grad():
            now = self._gaussians()
        return Gaussians(
            *(getattr(now, name).detach().clone() for name in ("means", "quats", "log_scales", "opacity_logits", "sh"))
        )


def refine(
    avatar_path: Path | str,
    capture_path: Path | str,
    out_path: Path | str,
    settings: Refinement | None = None,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Refine an avatar file with the capture of a performer that it was trained on, measure it and write it.

    Raises:
        StudioError: if a file cannot be used or written, or the capture is a real person's.
    """
    settings = settings or Refinement()
    began = perf_counter()
    before, capture = load_avatar(avatar_path), load_capture(capture_path)
    if capture.surface is None or capture.articulators is None:
        raise StudioError(f"{capture_path} is a capture of a real person: only performers' avatars can be refined.")
    avatar = Refiner(before, capture, settings).run(progress)
    facts = {
        "gaussians": len(avatar.gaussians),
        "refined": {**asdict(settings), "minutes": round((perf_counter() - began) / 60, 2)},
    }
    info = replace(before.info, name=Path(out_path).stem, training={**before.info.training, **facts})
    save_avatar(replace(avatar, info=info), out_path)  # judging may take minutes: what is learned is safe
    if capture.indices("test"):
        training = {**info.training, **figures(judged_by(capture, avatar))}
        save_avatar(replace(avatar, info=replace(info, training=training)), out_path)
    return Path(out_path)


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m studio.engine.training.refine", description=__doc__)
    parser.add_argument("avatar", type=Path, help="the avatar to start from")
    parser.add_argument("capture", type=Path, help="the capture folder that it was trained on")
    parser.add_argument("-o", "--out", type=Path, required=True, help="the .safetensors file to write")
    parser.add_argument("--steps", type=int, default=Refinement.steps)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(message)s")

    def progress(done: int, total: int) -> None:
        if done % 100 == 0 or done == total:
            log.info("step %d of %d", done, total)

    refine(options.avatar, options.capture, options.out, replace(Refinement(), steps=options.steps), progress=progress)


if __name__ == "__main__":
    main()
