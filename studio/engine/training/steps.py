"""One step of each training stage: a scalar to minimise, its backward pass and the optimizers' move."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from studio.document.action_units import MAX_INTENSITY
from studio.engine.camera import Camera
from studio.engine.deform.deformer import Deltas, split_outputs
from studio.engine.gaussians import Gaussians
from studio.engine.metrics import SSIM_WINDOW
from studio.engine.motion_metrics import motion_law
from studio.engine.splat.base import Raster
from studio.engine.splat.stats import ScreenStats
from studio.engine.training.alignment import moved
from studio.engine.training.capture import Capture
from studio.engine.training.jitter import jittered
from studio.engine.training.learner import Learner
from studio.engine.training.losses import (
    Evidence,
    Judge,
    appearance_penalty,
    image_loss,
    judge_terms,
    motion_loss,
    patch_penalty,
    scale_penalty,
    surface_penalty,
)
from studio.engine.training.parting import BALLS, INSIDE, Opening, openings, parting_loss, smear_loss
from studio.engine.training.poses import HeldPoses
from studio.engine.training.ranks import Ranks
from studio.engine.training.recipes import Recipe
from studio.engine.training.solid import hole_loss, outlines


class TrainingRasterizer(Protocol):
    """A rasterizer with a backward pass that tells where each Gaussian pulls on the picture."""

    @property
    def name(self) -> str:
        """The backend's name."""
        ...

    def render(
        self, gaussians: Gaussians, camera: Camera, *, depth: bool = False, stats: ScreenStats | None = None
    ) -> Raster:
        """Draw; `stats` is filled now and by `backward()`."""
        ...


@dataclass(frozen=True)
class StepResult:
    """What one step measured."""

    loss: float
    squared_error: float | None = None  # mean over the picture, display sRGB
    motion_mm: float | None = None  # mean error of the motion where something moves


class Steps:
    """The steps of one run; each draws its random numbers from the generator it is given.

    Args:
        capture: what is learned.
        recipe: weights and sizes.
        learner: what changes.
        rasterizer: draws, differentiably.
        judges: further opinions on each picture of the fine stage.
        ranks: processes whose gradients are averaged before each move.
    """

    def __init__(
        self,
        capture: Capture,
        recipe: Recipe,
        learner: Learner,
        rasterizer: TrainingRasterizer,
        judges: tuple[Judge, ...] = (),
        ranks: Ranks | None = None,
    ) -> None:
        self._ranks = ranks or Ranks()
        self._number, self._of = 0, 1
        self._capture, self._recipe, self._learner = capture, recipe, learner
        self._rasterizer, self._judges = rasterizer, judges
        poses = HeldPoses(capture) if recipe.held_share > 0 else None
        self._poses = poses if poses is not None and poses.known else None
        self._outlines = (
            outlines(learner.gaussians, learner.normals, rasterizer, capture.info.head_height_m, capture.info.target)
            if recipe.solid_every
            else []
        )
        self._inside, self._behind = self._parts(*INSIDE), self._parts(*INSIDE, *BALLS)
        self._openings = self._remembered() if recipe.parting_every else []
        self._known = torch.tensor(sorted({capture.images[i].frame for i in capture.indices("train")}))

    def _parts(self, *names: str) -> frozenset[int]:
        """Numbers of the surface's parts of these names, as far as it has them."""
        known = self._capture.info.parts
        return frozenset(known.index(name) for name in names if name in known)

    def _remembered(self) -> list[Opening]:
        """What shows between lips and lids before training."""
        learner = self._learner
        return openings(
            learner.gaussians,
            learner.of_parts(self._behind),
            learner.of_parts(self._parts("lips")),
            learner.of_parts(self._parts("lids")),
            motion_law(self._capture)[0],
            learner.mixed,
            self._rasterizer,
        )

    def place(self, number: int, of: int) -> None:
        """The next step is number `number` of `of` whose gradients are averaged into one move, the last one's."""
        self._number, self._of = number, of

    def _backward(self, loss: Tensor, *optimizers: torch.optim.Optimizer) -> None:
        """Add the loss's gradients to those of the same move; the first one forgets what was there."""
        if self._number == 0:
            for optimizer in optimizers:
                optimizer.zero_grad()
        (loss / self._of).backward()  # type: ignore[no-untyped-call]

    def _move(self, *optimizers: torch.optim.Optimizer) -> None:
        """After the last gradients, take the step."""
        if self._number < self._of - 1:
            return
        for optimizer in optimizers:
            parameters = [p for group in optimizer.param_groups for p in group["params"]]
            if isinstance(optimizer, torch.optim.SparseAdam):
                self._ranks.average_rows(parameters[0])
            else:
                self._ranks.average(parameters)
            optimizer.step()

    def geometry(self, random: torch.Generator) -> StepResult:
        """Teach the deformer the true motion of some Gaussians in some frames."""
        learner = self._learner
        index, (au, speech, pose), truth = self._lesson(random)
        deltas = learner.deformer(learner.parameters["means"].detach(), learner.zones, au, speech, pose, index)
        loss, motion_mm = self._motion_terms(deltas, truth, index)
        loss = loss + self._recipe.filter_weight * self._filter_loss(random)
        self._backward(loss, learner.deformer_optimizer)
        self._move(learner.deformer_optimizer)
        return StepResult(float(loss.detach()), motion_mm=motion_mm)

    def coarse(self, image: int, size_px: tuple[int, int], random: torch.Generator) -> StepResult:
        """Fit the canonical appearance to a picture, with the true motion applied."""
        learner = self._learner
        gaussians = learner.gaussians
        frame = self._capture.images[image].frame
        motion = learner.motion(torch.tensor([frame]))[0]
        shaped = gaussians.replace(means=gaussians.means + motion)
        return StepResult(*self._picture_terms(shaped, image, size_px, random, ()))

    def fine(
        self,
        image: int,
        size_px: tuple[int, int],
        random: torch.Generator,
        *,
        teach: bool = True,
        rehearse: bool = False,
    ) -> StepResult:
        """Fit everything to a picture drawn through the deformer.

        Gaussians that never move are drawn as they are: the deformer has learned to leave them alone, and the
        rehearsal keeps it so.

        Args:
            image: of the capture.
            size_px: width and height to draw at.
            random: of this step.
            teach: whether the deformer learns too; otherwise it only moves the Gaussians, which learn alone.
            rehearse: whether a step that teaches adds a small geometry step.
        """
        learner, recipe, capture = self._learner, self._recipe, self._capture
        frame = capture.images[image].frame
        frames, index = torch.tensor([frame]), learner.moving
        au, speech, pose = self._controls(frames, None)
        with torch.set_grad_enabled(teach):
            deltas = self._deltas(index, au, speech, pose)
        if not teach:
            shaped = shape(learner.gaussians, deltas, index)
            return StepResult(*self._picture_terms(shaped, image, size_px, random, ()))
        terms = recipe.motion_weight * motion_loss(deltas.means, learner.motion(frames, index), recipe.motion_scale_m)
        terms = terms + recipe.appearance_weight * appearance_penalty(deltas)
        terms = terms + recipe.raar_weight * learner.deformer.raar(deltas, learner.zones, index)
        if rehearse:
            rows, controls, truth = self._lesson(random)
            loss, _ = self._motion_terms(self._deltas(rows, *controls), truth, rows)
            terms = terms + recipe.rehearse_weight * loss
        shaped = shape(learner.gaussians, deltas, index)
        return StepResult(*self._picture_terms(shaped, image, size_px, random, self._judges, terms))

    def _picture_terms(
        self,
        shaped: Gaussians,
        image: int,
        size_px: tuple[int, int],
        random: torch.Generator,
        judges: tuple[Judge, ...],
        other_terms: Tensor | None = None,
    ) -> tuple[float, float]:
        """Draw, compare, go backward, move. Returns the loss and the picture's squared error.

        With `other_terms` the deformer moves too.
        """
        learner, recipe, capture = self._learner, self._recipe, self._capture
        camera = capture.camera_of(image)
        if size_px != (camera.width, camera.height):
            camera = camera.resized(*size_px)
        frame = capture.images[image].frame
        slip = learner.slip(frame)
        if slip is not None:
            shaped = shaped.replace(means=shaped.means + slip)
        background = torch.rand(3, generator=random)
        target = capture.target(image, size_px)
        truth = target.over(background).to(learner.device)
        posed = learner.rig.apply(shaped, capture.pose_at(frame))
        alignment = learner.alignment
        if alignment is not None:
            posed = moved(posed, alignment.of(frame, self._known), learner.rig)
        stats = ScreenStats()
        picture = self._rasterizer.render(posed, camera, stats=stats).over(background.to(learner.device))
        mouth = capture.mouth_box(image, size_px)
        head = target.extent(1 / 255, margin=SSIM_WINDOW)
        terms = image_loss(picture, truth, mouth, recipe.weights, head)
        if judges:
            evidence = Evidence(
                capture.au_windows([frame])[0].to(learner.device),
                capture.articulator_windows([frame])[0].to(learner.device),
                mouth,
                image,
            )
            terms |= judge_terms(judges, picture, truth, evidence)
        loss = torch.stack(list(terms.values())).sum()
        if other_terms is not None:
            loss = loss + other_terms
        if alignment is not None:
            loss = loss + recipe.align_weight * alignment.penalty(frame, self._known)
        loss = loss + recipe.scale_weight * scale_penalty(learner.parameters["log_scales"], learner.log_cap)
        if recipe.surface_weight > 0:
            loss = loss + recipe.surface_weight * surface_penalty(learner.gaussians, learner.rest)
        if learner.near is not None:
            base = learner.parameters["sh_base"][:, 0]
            loss = loss + recipe.patch_weight * patch_penalty(base, learner.near, learner.aside)
        if self._outlines and not int(torch.randint(recipe.solid_every, (1,), generator=random)):
            chosen = self._outlines[int(torch.randint(len(self._outlines), (1,), generator=random))]
            loss = loss + recipe.solid_weight * hole_loss(learner.gaussians, chosen, self._rasterizer)
        if recipe.inside_weight > 0:
            loss = loss + recipe.inside_weight * learner.recoloured(learner.of_parts(self._inside))
        if self._openings and not int(torch.randint(recipe.parting_every, (1,), generator=random)):
            opening = self._openings[int(torch.randint(len(self._openings), (1,), generator=random))]
            canonical = learner.gaussians
            parted = canonical.replace(means=canonical.means + learner.mixed(opening.weights.to(learner.device))[0])
            if int(torch.randint(2, (1,), generator=random)):
                behind = learner.of_parts(self._behind)
                loss = loss + recipe.parting_weight * parting_loss(parted, behind, opening, self._rasterizer)
            else:
                loss = loss + recipe.smear_weight * smear_loss(parted, opening, self._rasterizer)
        moving: list[torch.optim.Optimizer] = [learner.gaussian_optimizer]
        if other_terms is not None:
            moving.append(learner.deformer_optimizer)
        if learner.alignment_optimizer is not None:
            moving.append(learner.alignment_optimizer)
        self._backward(loss, *moving)
        self._move(*moving)
        with torch.no_grad():
            learner.note_gradients(stats.gradient_norms() * self._of)
            squared_error = float((picture - truth).square().mean())
        return float(loss.detach()), squared_error

    def _deltas(self, index: Tensor, au: Tensor, speech: Tensor, pose: Tensor) -> Deltas:
        """Offsets of the Gaussians at `index`, with the tri-planes as they stand."""
        learner = self._learner
        out, attention = learner.deformer.evaluate(learner.features(index), learner.zones[index], au, speech, pose)
        return split_outputs(out, attention)

    def _lesson(self, random: torch.Generator) -> tuple[Tensor, tuple[Tensor, Tensor, Tensor], Tensor]:
        """Gaussians (M,), controls of some moments, and the true motion (S, M, 3) they give.

        The first of the moments are held expressions that the performance lacks, where its law is known.
        """
        learner = self._learner
        index, frames = self._draw(random)
        au, speech, pose = self._controls(frames, random)
        truth = learner.motion(frames, index)
        if self._poses is not None:
            held = round(len(frames) * self._recipe.held_share)
            shown, said, weights = (part.to(learner.device) for part in self._poses.draw(held, random))
            au, speech = torch.cat([shown, au[held:]]), torch.cat([said, speech[held:]])
            truth = torch.cat([learner.mixed(weights, index), truth[held:]])
        return index, (au, speech, pose), truth

    def _draw(self, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """Gaussians (M,), most of them moving, and frames (S,)."""
        learner, recipe = self._learner, self._recipe
        frames = torch.randint(self._capture.info.frames, (recipe.geometry_frames,), generator=random)
        wanted = min(recipe.geometry_points, len(learner))
        n_moving = min(len(learner.moving), max(round(wanted * recipe.geometry_moving), wanted - len(learner.resting)))
        chosen = [
            rows[torch.randint(len(rows), (count,), generator=random).to(rows.device)]
            for rows, count in ((learner.moving, n_moving), (learner.resting, wanted - n_moving))
            if len(rows) and count
        ]
        return torch.cat(chosen), frames

    def _controls(self, frames: Tensor, random: torch.Generator | None) -> tuple[Tensor, Tensor, Tensor]:
        """Windows of action units (S, 8, 17) and articulation (S, 8, 10), and pose (S, 5).

        With `random`, a detector's noise falls on the action units of a share of the frames; the true motion stays.
        """
        capture, device = self._capture, self._learner.device
        au, speech, pose = capture.au_windows(frames), capture.articulator_windows(frames), capture.pose[frames]
        if random is not None:
            au = self._noisy(au, random)
        return au.to(device), speech.to(device), pose.to(device)

    def _noisy(self, au: Tensor, random: torch.Generator) -> Tensor:
        """Windows (S, 8, 17), some of them with a detector's noise of some strength."""
        recipe = self._recipe
        if recipe.au_noise <= 0:
            return au
        strength = (0.5 + 0.5 * torch.rand(len(au), 1, 1, generator=random)) * recipe.au_noise
        strength = strength * (torch.rand(len(au), 1, 1, generator=random) < recipe.au_noise_share)
        return jittered(au, strength, random)

    def _filter_loss(self, random: torch.Generator) -> Tensor:
        """Mean distance of what CIT-AE makes of noisy windows from the true intensities; 0 without CIT-AE.

        Motion alone teaches it slowly: a step sees few frames, and few of the units that act in them.
        """
        capture, recipe, deformer = self._capture, self._recipe, self._learner.deformer
        unwanted = recipe.filter_frames < 1 or recipe.filter_weight <= 0
        if unwanted or not (deformer.config.au and deformer.config.citae):
            return deformer.residual.new_zeros(())
        frames = torch.randint(capture.info.frames, (recipe.filter_frames,), generator=random)
        windows = self._noisy(capture.au_windows(frames), random).to(self._learner.device)
        refined = deformer.intensities(windows) * MAX_INTENSITY
        wrong = refined - capture.acted[frames, : deformer.config.n_au].to(self._learner.device)
        return (wrong.square() + 0.01).sqrt().mean() - 0.1

    def _motion_terms(self, deltas: Deltas, truth: Tensor, index: Tensor) -> tuple[Tensor, float]:
        """Geometry loss against true motion (S, M, 3) with the attention regulariser; the mean error in millimetres."""
        learner, recipe = self._learner, self._recipe
        loss = motion_loss(deltas.means, truth, recipe.motion_scale_m)
        loss = loss + recipe.raar_weight * learner.deformer.raar(deltas, learner.zones, index)
        loss = loss + recipe.appearance_weight * appearance_penalty(deltas)
        error = (deltas.means.detach() - truth).norm(dim=2)
        return loss, float(error.mean()) * 1e3


def shape(gaussians: Gaussians, deltas: Deltas, index: Tensor) -> Gaussians:
    """`gaussians` with the first frame of `deltas` added at `index`."""
    offsets = [
        deltas.means[0],
        deltas.quats[0],
        deltas.log_scales[0],
        deltas.opacity_logits[0][:, None],
        deltas.colours[0],
    ]
    widths = [int(values.shape[1]) for values in offsets]
    rows = deltas.means.new_zeros(len(gaussians), sum(widths)).index_copy(0, index, torch.cat(offsets, 1))
    means, quats, log_scales, opacity_logits, colours = torch.split(rows, widths, 1)
    return Gaussians(
        gaussians.means + means,
        gaussians.quats + quats,
        gaussians.log_scales + log_scales,
        gaussians.opacity_logits + opacity_logits[:, 0],
        torch.cat([gaussians.sh[:, :1] + colours[:, None], gaussians.sh[:, 1:]], 1),
    )
