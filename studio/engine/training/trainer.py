"""`train`: a capture folder becomes an avatar file.

Every iteration draws its random numbers from a generator seeded by (recipe's seed, stage, iteration), and checkpoints
hold everything else, so that on a CPU an interrupted and resumed run makes the same avatar, bit for bit, as one that
was never stopped (unless the recipe bounds its minutes).
"""

from __future__ import annotations

import logging
import math
import os
import platform
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any, cast

import torch

from studio.document.action_units import AU_KEYS
from studio.engine.avatar import Avatar, AvatarInfo, save_avatar
from studio.engine.deform.deformer import Deformer
from studio.engine.evaluate import evaluate
from studio.engine.gaussians import Gaussians
from studio.engine.judges.choose import find_judges
from studio.engine.rig import Rig
from studio.engine.speech.features import EXTRACTOR
from studio.engine.splat.choose import choose_rasterizer
from studio.engine.training.capture import Capture, CaptureInfo
from studio.engine.training.capture_files import load_capture
from studio.engine.training.checkpoint import Position, checkpoint_path, load_checkpoint, save_checkpoint
from studio.engine.training.density import plan_changes
from studio.engine.training.learner import Learner
from studio.engine.training.lips import slips_of, with_lips_read
from studio.engine.training.losses import Judge
from studio.engine.training.manner import with_manner
from studio.engine.training.person import Person, person_of, with_surface
from studio.engine.training.prior import Prior, load_prior
from studio.engine.training.progress import Cancelled, OnProgress, Progress, TrainingStopped
from studio.engine.training.ranks import Ranks, join, leave
from studio.engine.training.recipes import STAGES, Recipe, Stage
from studio.engine.training.seen import seen_shares
from studio.engine.training.steps import StepResult, Steps, TrainingRasterizer
from studio.errors import StudioError

_log = logging.getLogger(__name__)

STEP_COST: dict[Stage, float] = {"geometry": 0.05, "coarse": 0.04, "fine": 0.11}
"""Seconds per iteration of each stage on two CPU cores; only their ratios matter, for the time that is left."""

PREVIEW_S = 15.0
"""Seconds between two previews: enough to see it grow, rare enough to cost nothing."""

OnPreview = Callable[[Avatar], None]
"""Shown the avatar as it stands, on the training thread; the avatar is a copy and may be kept."""

REFRESH_EVERY = 100
"""Fine iterations between tri-plane look-ups: means move by microns meanwhile."""


def train(
    capture_path: Path | str,
    out_path: Path | str,
    recipe: Recipe,
    *,
    iterations: int | None = None,
    without: tuple[str, ...] = (),
    resume: bool = False,
    progress: OnProgress | None = None,
    cancelled: Cancelled | None = None,
    judges: tuple[Judge, ...] = (),
    judged: bool = True,
    preview: OnPreview | None = None,
) -> Path:
    """Train an avatar and write it.

    Args:
        capture_path: the capture folder.
        out_path: the avatar file; its checkpoint lies beside it until the run is complete.
        recipe: what to do.
        iterations: of all stages together, instead of the recipe's.
        without: parts to leave out: au, szpab, citae, raar.
        resume: go on from the checkpoint if there is one.
        progress: hears a report every `recipe.report_every` iterations.
        cancelled: asked every iteration; True writes a checkpoint and stops.
        judges: frozen networks that compare each fine picture with the truth, beside those that the recipe names.
        judged: whether the avatar's file states how well it does on the capture's pictures for testing.
        preview: shown the avatar as it stands, at most every `PREVIEW_S` seconds.

    Returns:
        The avatar's path.

    Raises:
        StudioError: if the capture or the checkpoint is unusable, a file cannot be written, or the loss stops being a
            number.
        TrainingStopped: if `cancelled` said so.
    """
    out = Path(out_path)
    if not out.parent.is_dir():
        raise StudioError(f"{out} cannot be written because {out.parent} is not a folder: create it first.")
    recipe = recipe.leaving_out(without)
    if iterations is not None:
        recipe = recipe.with_iterations(iterations)
    capture = load_capture(capture_path)
    ranks = join()
    try:
        run = _Run(capture, out, recipe, progress, cancelled, judges, preview, ranks)
        if resume and run.checkpoint.exists():
            run.resume()
        return run.finish(judged)
    finally:
        leave()


class _Run:
    """One training run from its first iteration, or its checkpoint, to the avatar."""

    def __init__(
        self,
        capture: Capture,
        out: Path,
        recipe: Recipe,
        progress: OnProgress | None,
        cancelled: Cancelled | None,
        judges: tuple[Judge, ...],
        preview: OnPreview | None,
        ranks: Ranks,
    ) -> None:
        self.ranks = ranks
        self.recorded, self.out, self.recipe = capture, out, recipe
        self.checkpoint = checkpoint_path(out)
        self.progress, self.cancelled, self.preview = progress, cancelled, preview
        self.rasterizer = cast(TrainingRasterizer, choose_rasterizer("auto", differentiable=True))
        device = torch.device("cuda" if self.rasterizer.name == "cuda" else "cpu")
        capture, start = _surfaced(capture, recipe)
        assert capture.surface is not None
        self.capture = capture
        self.learner = Learner(capture.surface, recipe, device, start)
        judges += find_judges(recipe.judges, capture)
        self.steps = Steps(capture, recipe, self.learner, self.rasterizer, judges, ranks)
        self.position = Position()
        self.random = torch.Generator()
        self.training_images = capture.indices("train")
        self.recent: list[StepResult] = []
        self.motion_mm: float | None = None
        self.saved_at = self.ticked_at = self.shown_at = perf_counter()

    def resume(self) -> None:
        """Go on where the checkpoint stands."""
        self.position = load_checkpoint(self.checkpoint, self.learner, self.recipe, self.capture.info.name)
        _log.info("resuming in the %s stage at iteration %d", self.position.stage, self.position.done)

    def finish(self, judged: bool) -> Path:
        """Run what is left of all stages, judge the result if it shall be `judged`, and write it."""
        for stage in STAGES[STAGES.index(self.position.stage) :]:
            if stage != self.position.stage:
                self.position = replace(self.position, stage=stage, done=0, stage_s=0.0)
                self.recent.clear()
            self._stage(stage)
        if not self.ranks.first:
            self.ranks.wait()
            return self.out
        avatar, found = self._avatar(), {}
        if judged and self.capture.indices("test"):
            self._save()  # judging may take minutes, and the disk may be full after it: what is learned is safe
            found = judged_by(self.recorded, avatar)
        measured = self._measurements() | figures(found)
        save_avatar(replace(avatar, info=replace(avatar.info, training=measured)), self.out)
        self.checkpoint.unlink(missing_ok=True)
        self.ranks.wait()
        return self.out

    def _stage(self, stage: Stage) -> None:
        position = self.position
        self.ticked_at = self.ranks.latest(perf_counter())
        while self._share(stage) < 1.0:
            if self.ranks.any(self.cancelled is not None and self.cancelled()):
                self._save()
                raise TrainingStopped(
                    f"Training was stopped in the {stage} stage at iteration {position.done}: "
                    "repeat the command with --resume to go on."
                )
            self._iterate(stage)
            now = self.ranks.latest(perf_counter())
            position.stage_s += now - self.ticked_at
            position.total_s += now - self.ticked_at
            self.ticked_at = now
            last = self._share(stage) >= 1.0
            if last or position.done % self.recipe.report_every == 0:
                self._check_numbers()
                self._report(stage)
            if self.preview is not None and self.ranks.first and now - self.shown_at > PREVIEW_S:
                self.preview(self._avatar())
                self.shown_at = perf_counter()
            if now - self.saved_at > self.recipe.checkpoint_minutes * 60:
                self._save()

    def _share(self, stage: Stage) -> float:
        """How much of the stage is done, by iterations or by the bound on minutes, whichever is further."""
        position = self.position
        length = self.recipe.iterations(stage)
        by_count = position.done / length if length else 1.0
        return max(by_count, position.stage_s / self._allowed_s(stage))

    def _work(self, stage: Stage) -> float:
        """The share of the whole run's work that a stage is."""
        costs = {s: STEP_COST[s] * self.recipe.iterations(s) for s in STAGES}
        return costs[stage] / max(sum(costs.values()), 1e-9)

    def _allowed_s(self, stage: Stage) -> float:
        """How long a stage may take, in seconds; without end unless the recipe bounds its minutes."""
        minutes = self.recipe.max_minutes
        return math.inf if minutes is None else max(minutes * 60 * self._work(stage), 1e-9)

    def _iterate(self, stage: Stage) -> None:
        recipe, position, learner = self.recipe, self.position, self.learner
        share = self._share(stage)
        learner.set_rates(stage, share, self.capture.info.head_height_m)
        for number in range(recipe.batch):
            self.steps.place(number, recipe.batch)
            self._seed(stage, self.ranks.rank * recipe.batch + number)
            self.recent.append(self._step(stage, share, self.ranks.rank * recipe.batch + number))
        self._seed(stage, 0, drawing=False)
        position.done += 1
        if stage != "geometry":
            position.image_iterations += 1
            self._control_density()

    def _seed(self, stage: Stage, sample: int, *, drawing: bool = True) -> None:
        """Set the random numbers of one sample of this iteration; those of density control are the same everywhere."""
        seed = ((self.recipe.seed * 4 + STAGES.index(stage)) << 32) + self.position.done
        self.random.manual_seed(seed + (sample << 44) if drawing else seed + (1 << 62))

    def _step(self, stage: Stage, share: float, sample: int) -> StepResult:
        """One step with the random numbers as they are set."""
        recipe, position, learner = self.recipe, self.position, self.learner
        if stage == "geometry":
            result = self.steps.geometry(self.random)
            self.motion_mm = result.motion_mm
        else:
            image = self._next_image(stage, sample)
            half = share < (recipe.coarse_half if stage == "coarse" else recipe.fine_half)
            width, height = self.capture.info.size_px
            size_px = (max(1, width // 2), max(1, height // 2)) if half else (width, height)
            if stage == "coarse":
                result = self.steps.coarse(image, size_px, self.random)
            else:
                if position.done % REFRESH_EVERY == 0:
                    learner.refresh()
                teach = position.done % recipe.teach_every == 0
                rehearse = position.done % (recipe.teach_every * recipe.rehearse_every) == 0
                result = self.steps.fine(image, size_px, self.random, teach=teach, rehearse=rehearse)
        if not math.isfinite(result.loss):
            raise StudioError(
                f"Training failed in the {stage} stage at iteration {position.done}: the loss is {result.loss}; "
                "check the capture's pictures, or resume with --resume from the last checkpoint."
            )
        return result

    def _next_image(self, stage: Stage, sample: int) -> int:
        """Pictures come in a new order every epoch, which follows from the seed alone."""
        together = self.recipe.batch * self.ranks.size
        epoch, place = divmod(self.position.done * together + sample, len(self.training_images))
        seed = ((self.recipe.seed * 4 + STAGES.index(stage)) << 32) + (1 << 31) + epoch
        order = torch.randperm(len(self.training_images), generator=torch.Generator().manual_seed(seed))
        return self.training_images[int(order[place])]

    def _control_density(self) -> None:
        settings, learner, count = self.recipe.density, self.learner, self.position.image_iterations
        if not settings.start <= count < settings.stop or count % settings.every:
            return
        self.ranks.add(learner.gradient_sum, learner.seen)
        plan = plan_changes(
            learner.gaussians,
            learner.mean_gradients(),
            learner.spacing,
            settings,
            self.recipe.max_gaussians,
            self.random,
        )
        if plan.changes:
            learner.rearrange(plan)
        learner.forget_gradients()

    def _check_numbers(self) -> None:
        """Rasterizers leave out Gaussians that are not finite, so that the loss alone would not tell."""
        if not self.learner.is_finite():
            raise StudioError(
                f"Training failed in the {self.position.stage} stage at iteration {self.position.done}: a parameter is "
                "no longer a number; resume with --resume from the last checkpoint."
            )

    def _save(self) -> None:
        """Write a checkpoint, if every parameter is a number."""
        self._check_numbers()
        if not self.ranks.first:
            return
        save_checkpoint(self.checkpoint, self.learner, self.position, self.recipe, self.capture.info.name)
        self.saved_at = perf_counter()

    def _report(self, stage: Stage) -> None:
        """Tell what happened since the last report."""
        recent, position, recipe = self.recent, self.position, self.recipe
        self.recent = []
        if self.progress is None or not recent or not self.ranks.first:
            return
        errors = [r.squared_error for r in recent if r.squared_error is not None]
        motions = [r.motion_mm for r in recent if r.motion_mm is not None]
        before = sum(recipe.iterations(s) for s in STAGES[: STAGES.index(stage)])
        pace = position.stage_s / max(1, position.done)
        share = min(self._share(stage), 1.0)
        done = sum(self._work(s) for s in STAGES[: STAGES.index(stage)]) + share * self._work(stage)
        left = pace * position.done / max(share, 1e-9) * (1 - share)
        for later in STAGES[STAGES.index(stage) + 1 :]:
            left += min(recipe.iterations(later) * pace * STEP_COST[later] / STEP_COST[stage], self._allowed_s(later))
        self.progress(
            Progress(
                stage=stage,
                iteration=before + position.done,
                iterations=recipe.total_iterations,
                share=min(round(done, 6), 1.0),
                loss=sum(r.loss for r in recent) / len(recent),
                psnr_db=-10 * math.log10(max(1e-10, sum(errors) / len(errors))) if errors else None,
                motion_mm=sum(motions) / len(motions) if motions else None,
                gaussians=len(self.learner),
                elapsed_s=position.total_s,
                left_s=left,
            )
        )

    def _avatar(self) -> Avatar:
        """The avatar as it now stands, on the CPU."""
        learner, info, recipe = self.learner, self.capture.info, self.recipe
        gaussians: Gaussians = learner.gaussians
        gaussians = Gaussians(
            *(
                getattr(gaussians, name).detach().cpu().contiguous()
                for name in ("means", "quats", "log_scales", "opacity_logits", "sh")
            )
        )
        return Avatar(
            gaussians=gaussians,
            zones=learner.zones.cpu(),
            rig=Rig(learner.rig.weights.cpu(), learner.pivots.cpu()),
            deformer=frozen(learner.deformer),
            info=AvatarInfo(
                name=self.out.stem,
                recipe=recipe.name,
                au_channels=AU_KEYS[: recipe.n_au],
                speech_extractor=EXTRACTOR,
                sh_degree=recipe.sh_degree,
                head_height_m=info.head_height_m,
                target=info.target,
                licence=info.licence,
                provenance=info.provenance,
                extra=origin(info) | self._origin(),
            ),
        )

    def _origin(self) -> dict[str, Any]:
        """What the avatar has from a prior, for files: the prior's name, and which shares of ranges were seen."""
        if not self.recipe.prior:
            return {}
        frames = sorted({self.capture.images[i].frame for i in self.training_images})
        used = torch.zeros(self.capture.info.frames, dtype=torch.bool)
        used[frames] = True
        return {"prior": self.recipe.prior, "seen": seen_shares(self.capture.au, used)}

    def _measurements(self) -> dict[str, Any]:
        """What is worth remembering of the run."""
        return {
            "capture": self.capture.info.name,
            "identity": self.capture.info.identity,
            "training_pictures": len(self.training_images),
            "iterations": {stage: self.recipe.iterations(stage) for stage in STAGES},
            "seed": self.recipe.seed,
            "without": list(self.recipe.without),
            "judges": list(self.recipe.judges),
            "gaussians": len(self.learner),
            "minutes": round(self.position.total_s / 60, 2),
            "machine": f"{platform.machine()}, {os.cpu_count()} cores, {self.learner.device.type}",
        }


def _surfaced(capture: Capture, recipe: Recipe) -> tuple[Capture, tuple[Prior, Person] | None]:
    """The capture with a surface, and where that comes from if it is a prior's on a tracked face.

    Raises:
        StudioError: the recipe does not fit the capture.
    """
    if capture.surface is not None:
        if recipe.prior:
            raise StudioError(f"{capture.root} is a performer's capture: train it with the recipe studio.")
        return capture, None
    if capture.tracking is None:
        raise StudioError(f"{capture.root} has no surface.safetensors: training needs a capture with a surface.")
    if not recipe.prior:
        raise StudioError(f"{capture.root} is a capture of a real person: train it with the recipe portrait.")
    prior = load_prior(recipe.prior, recipe.prior_points)
    capture, manner = with_manner(capture, prior)
    capture = with_lips_read(capture, prior, manner)
    person = person_of(capture, prior, recipe.prior_extra, manner)
    person = replace(person, slips=slips_of(capture, prior, manner))
    return with_surface(capture, person, prior), (prior, person)


def judged_by(capture: Capture, avatar: Avatar) -> dict[str, Any]:
    """Held-out figures: driven by the sound where it can be had, by the true articulation otherwise."""
    try:
        return evaluate(avatar, capture)
    except StudioError as error:
        _log.warning("the avatar is judged by the capture's true articulation, not by its sound: %s", error)
        return evaluate(avatar, capture, speech="truth")


def frozen(deformer: Deformer) -> Deformer:
    """A copy for use, on the CPU; the one in training goes on."""
    copy = Deformer(deformer.config, deformer.count, deformer.triplane.aabb.cpu())
    copy.load_state_dict({name: value.detach().cpu() for name, value in deformer.state_dict().items()})
    return copy.eval().requires_grad_(False)


def origin(info: CaptureInfo) -> dict[str, Any]:
    """What an avatar's file says about where it comes from: `person` if that is a real one's video, and the consent."""
    said: dict[str, Any] = {"person": True} if info.portrait else {}
    return said if info.consent is None else said | {"consent": info.consent.to_json()}


def figures(found: dict[str, Any]) -> dict[str, Any]:
    """What an avatar's file keeps of an evaluation: single figures, and those from the truth; no curves or lists."""
    kept: dict[str, Any] = {key: value for key, value in found.items() if isinstance(value, (bool, int, float, str))}
    if isinstance(found.get("truth"), dict):
        kept["truth"] = {key: value for key, value in found["truth"].items() if isinstance(value, (int, float))}
    return kept
