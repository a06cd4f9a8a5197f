"""A second helping of appearance for a trained avatar: Gaussians move to where its pictures err, and colours settle.

What moves the face rests: deformer, rig and zones are inherited, so that the avatar acts as before. A budget of
Gaussians that pictures hardly show goes where structure is missing, hair above all, which the first training sees as a
smooth mass; then everything settles with falling rates, and the mean over the last steps is what remains.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, cast

import torch
from torch import Tensor, nn

from studio.engine.avatar import Avatar
from studio.engine.deform.deformer import split_outputs
from studio.engine.gaussians import Gaussians
from studio.engine.metrics import SSIM_WINDOW
from studio.engine.rig import Rig
from studio.engine.splat.base import Raster
from studio.engine.splat.choose import choose_rasterizer
from studio.engine.training.capture import Capture
from studio.engine.training.learner import NAMES, Name, hand_over, unpack
from studio.engine.training.losses import LossWeights, image_loss, scale_penalty
from studio.engine.training.recipes import LearningRate
from studio.engine.training.relocation import Relocation, Tally, dissimilarity, markers, plan_relocation, weights_of
from studio.engine.training.steps import TrainingRasterizer, shape
from studio.engine.training.trainer import frozen
from studio.errors import StudioError

log = logging.getLogger(__name__)

GREY = 0.5
"""Background of the pictures that errors are counted in; those that are learned from have a random one."""

REFRESH_EVERY = 200
"""Steps between tri-plane look-ups: means move by microns meanwhile."""

MOMENTS = ("step", "exp_avg", "exp_avg_sq")
"""What the optimizer keeps of each parameter."""


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
    average: int = 200  # steps that the mean of the parameters looks back: what still trembles cancels
    ssim: float = 0.6  # weight of structure, three times the usual
    longest: float = 12.0  # ratio of length to width that is free: strands of hair are needles
    seed: int = 1

    def to_json(self) -> dict[str, Any]:
        """Plain values, for files."""
        return asdict(self)


@dataclass(frozen=True)
class Look:
    """What one step saw."""

    loss: float
    squared_error: float  # mean over the picture


class Refiner:
    """One refinement, step by step; everything that it depends on is in `tensors`.

    Args:
        avatar: to start from; stays as it is.
        captures: of the performer that it was trained on; their pictures are mixed.
        settings: how.
    """

    def __init__(self, avatar: Avatar, captures: Sequence[Capture], settings: Refinement) -> None:
        self._avatar, self._captures, self._settings = avatar, tuple(captures), settings
        self._rasterizer = cast(TrainingRasterizer, choose_rasterizer("cpu", differentiable=True))
        self._parameters: dict[Name, nn.Parameter] = {
            name: nn.Parameter(value) for name, value in unpack(avatar.gaussians).items()
        }
        self._mean: dict[Name, Tensor] = {}
        self._zones, self._rig = avatar.zones, avatar.rig
        self._deformer = frozen(avatar.deformer)
        self._widest = avatar.gaussians.log_scales.max().expand(1, 1)
        self._pictures = [(c, i) for c, capture in enumerate(captures) for i in capture.indices("train")]
        self._random = torch.Generator().manual_seed(settings.seed)
        self._order: list[int] = []
        self.done = 0
        self._optimizer = self._new_optimizer()
        self._refresh()

    def __len__(self) -> int:
        return len(self._zones)

    @property
    def pictures(self) -> int:
        """How many pictures are learned from."""
        return len(self._pictures)

    def step(self) -> Look:
        """Relocate Gaussians if it is time, and learn from one picture.

        Raises:
            StudioError: if the loss stops being a number.
        """
        settings = self._settings
        rounds = {round(settings.steps * settings.rounds_end * k / settings.rounds): k for k in range(settings.rounds)}
        if self.done in rounds:
            self._relocate(rounds[self.done])
        elif self.done % REFRESH_EVERY == 0:
            self._refresh()
        self._order = self._order or torch.randperm(len(self._pictures), generator=self._random).tolist()
        look = self._learn(self._pictures[self._order.pop()], self.done / settings.steps)
        self.done += 1
        if not math.isfinite(look.loss):
            raise StudioError(
                f"Refining failed at step {self.done}: the loss is {look.loss}; check the capture's pictures, or "
                "resume with --resume from the last checkpoint."
            )
        self._average()
        return look

    def avatar(self) -> Avatar:
        """The avatar as it now stands."""
        return replace(
            self._avatar, gaussians=self._still(self._mean), zones=self._zones, rig=self._rig, deformer=self._deformer
        )

    def tensors(self) -> dict[str, Tensor]:
        """Everything that a resumed run needs, by name."""
        state: dict[str, Tensor] = {f"gaussians.{name}": p.detach() for name, p in self._parameters.items()}
        state |= {f"mean.{name}": value for name, value in self._mean.items()}
        for group in self._optimizer.param_groups:
            for key, value in self._optimizer.state.get(group["params"][0], {}).items():
                state[f"adam.{group['name']}.{key}"] = value
        return state | {
            "zones": self._zones,
            "skinning": self._rig.weights,
            "residual": self._deformer.residual.detach(),
            "moving": self._deformer.moving,
            "features": self._features,
            "order": torch.tensor(self._order, dtype=torch.int64),
            "random": self._random.get_state(),
            "done": torch.tensor(self.done),
        }

    def restore(self, state: dict[str, Tensor]) -> None:
        """Take over what `tensors` gave.

        Raises:
            KeyError: if a tensor is missing.
            ValueError: if shapes do not fit.
        """
        count = len(state["zones"])
        for name, parameter in self._parameters.items():
            value = state[f"gaussians.{name}"]
            if value.shape != (count, *parameter.shape[1:]):
                raise ValueError(f"{name} has shape {tuple(value.shape)}")
            self._parameters[name] = nn.Parameter(value.clone())
        self._mean = {name: state[f"mean.{name}"].clone() for name in NAMES if f"mean.{name}" in state}
        self._zones, self._rig = state["zones"], Rig(state["skinning"], self._avatar.rig.pivots)
        self._deformer.residual = nn.Parameter(state["residual"].clone(), requires_grad=False)
        self._deformer.moving = state["moving"].clone()
        self._optimizer = self._new_optimizer()
        for group in self._optimizer.param_groups:
            start = f"adam.{group['name']}."
            if start + "step" in state:
                moments = {key: state[start + key].clone() for key in MOMENTS}
                self._optimizer.state[group["params"][0]] = moments
        self._refresh()
        self._features = state["features"].clone()
        self._order = state["order"].tolist()
        self._random.set_state(state["random"])
        self.done = int(state["done"])

    def _learn(self, picture: tuple[int, int], done: float) -> Look:
        """One step on one picture at `done` in [0, 1] of the run."""
        settings, (capture, image) = self._settings, (self._captures[picture[0]], picture[1])
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
        truth = target.over(background)
        drawn = self._draw(self._gaussians(), picture).over(background)
        mouth, head = capture.mouth_box(image, capture.info.size_px), target.extent(1 / 255, margin=SSIM_WINDOW)
        terms = image_loss(drawn, truth, mouth, LossWeights(ssim=settings.ssim), head)
        loss = torch.stack(list(terms.values())).sum()
        loss = loss + scale_penalty(self._parameters["log_scales"], self._widest, settings.longest)
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()
        return Look(float(loss.detach()), float((drawn.detach() - truth).square().mean()))

    def _average(self) -> None:
        """Count the parameters into their mean, once the set of Gaussians stays."""
        settings = self._settings
        since = self.done - round(settings.steps * max(settings.hold, settings.rounds_end))
        if since <= 0:
            return
        with torch.no_grad():
            for name, parameter in self._parameters.items():
                if name not in self._mean:
                    self._mean[name] = parameter.detach().clone()
                self._mean[name].lerp_(parameter, max(1 / since, 1 / settings.average))

    def _relocate(self, number: int) -> None:
        """Round `number` of relocation."""
        settings = self._settings
        gaussians, tally = self._still(), Tally.of(len(self._zones))
        for picture in self._pictures[number % settings.looked_at :: settings.looked_at]:
            tally.add(self._look(gaussians, picture))
        rest = settings.rounds - 1 - number
        count = settings.count - max(0, settings.count - len(self._avatar.gaussians)) * rest // settings.rounds
        plan = plan_relocation(gaussians, tally, max(count, len(gaussians)), settings.share, settings.unseen_px)
        log.info("%d Gaussians go, %d are split", plan.gone, int(plan.fresh.sum()) // 2)
        self._carry_out(plan)

    def _look(self, gaussians: Gaussians, picture: tuple[int, int]) -> Tensor:
        """(N, 2) how much of a picture each Gaussian is, and how much of its dissimilarity, for a tally."""
        grey = torch.full((3,), GREY)
        with torch.no_grad():
            drawn = self._draw(gaussians, picture).over(grey)
            wrong = dissimilarity(drawn, self._captures[picture[0]].target(picture[1]).over(grey))
        leaf, colours = markers(len(gaussians), gaussians.sh.shape[1])
        marked = self._draw(gaussians, picture, colours).rgb
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

    def _draw(self, gaussians: Gaussians, picture: tuple[int, int], colours: Tensor | None = None) -> Raster:
        """A capture's picture as the avatar has it, with `colours` (N, K, 3) instead of its own if given."""
        capture, image = self._captures[picture[0]], picture[1]
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

    def _still(self, mean: dict[Name, Tensor] | None = None) -> Gaussians:
        """The Gaussians without gradients, apart from the parameters; those of `mean` if it holds any."""
        p: dict[Name, Tensor] = mean or {name: value.detach() for name, value in self._parameters.items()}
        return Gaussians(
            p["means"].clone(),
            p["quats"].clone(),
            p["log_scales"].clone(),
            p["opacity_logits"].clone(),
            torch.cat([p["sh_base"], p["sh_rest"]], 1),
        )
