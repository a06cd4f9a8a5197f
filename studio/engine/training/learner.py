"""What training changes: Gaussians, deformer, their optimizers, and what each Gaussian inherits from the surface."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Literal

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import Tensor, nn

from studio.engine.deform.deformer import Deformer
from studio.engine.gaussians import SH_C0, Gaussians
from studio.engine.rig import Rig
from studio.engine.training.alignment import Alignment
from studio.engine.training.capture import Surface
from studio.engine.training.density import Plan
from studio.engine.training.initial import place_on_surface
from studio.engine.training.lips import Slips
from studio.engine.training.losses import Rest
from studio.engine.training.person import Person
from studio.engine.training.prior import Prior
from studio.engine.training.recipes import Recipe, Stage

Name = Literal["means", "quats", "log_scales", "opacity_logits", "sh_base", "sh_rest"]
NAMES: tuple[Name, ...] = ("means", "quats", "log_scales", "opacity_logits", "sh_base", "sh_rest")
"""The Gaussians' parameters as the optimizer sees them; harmonics are split because they learn at two rates."""

PER_GAUSSIAN = ("zones", "rows", "spacing", "gradient_sum", "seen")
"""Per-Gaussian tensors without gradient."""

EDGE_ON = 0.4
"""A surface whose normal has less than this share towards the front is partly told by what is around it."""

PATCH = 7
"""Gaussians of a patch: one and its neighbours."""


class Learner:
    """Mutable state of one training run, on one device.

    Args:
        surface: the capture's neutral surface.
        recipe: sizes and rates.
        device: where everything lives.
        start: where the surface comes from, if the deformer shall start as a performer's instead of anew.
    """

    def __init__(
        self, surface: Surface, recipe: Recipe, device: torch.device, start: tuple[Prior, Person] | None = None
    ) -> None:
        torch.manual_seed(recipe.seed)
        gaussians, rows, spacing = place_on_surface(surface, recipe)
        if start is None:
            deformer = Deformer.for_means(recipe.deformer_config(), surface.points)
            deformer.inherit(torch.zeros(len(rows), dtype=torch.int64))
        else:
            prior, person = start
            deformer = prior.deformer(gaussians.means, person.sources[rows], person.source_normals[rows], person.slope)
        self.recipe, self.device = recipe, device
        self.pivots = surface.pivots.to(device)
        self.normals = surface.normals[rows].to(device)
        self._places, self._facing = surface.points.to(device), surface.normals.to(device)
        self._parts, self._colours = surface.parts.to(device), surface.colours.to(device)
        self._skinning = surface.skinning.to(device)
        self._modes = surface.modes.permute(1, 2, 0).contiguous().to(device)  # (P, 3, U)
        self._mode_weights = surface.mode_weights.to(device)  # (F, U)
        extent = torch.tensor([recipe.initial_extent, recipe.initial_extent, recipe.initial_thickness]).log()
        usual = extent.repeat(len(surface), 1)
        usual[rows] = torch.minimum(extent, gaussians.log_scales - spacing.log()[:, None])  # narrow beside gaps
        self._usual = usual.to(device)  # (P, 3) log of extents in spacings
        self._reach = surface.modes.square().sum(2).amax(0).sqrt().to(device)  # (P,) metres at a weight of 1
        self._peaks = surface.mode_weights.abs().amax(0).to(device)
        if start is not None:  # what the clip never shows shall move as well, and whole: skin beside resting skin rips
            self._peaks = self._peaks.clamp_min(1.0)
        self.zones = surface.zones[rows].to(device)
        self.rows = rows.to(device)
        self.spacing = spacing.to(device)
        self.gradient_sum = torch.zeros(len(rows), device=device)
        self.seen = torch.zeros(len(rows), device=device)
        self.parameters: dict[Name, nn.Parameter] = {
            name: nn.Parameter(value.to(device)) for name, value in unpack(gaussians).items()
        }
        self.deformer = deformer.to(device)
        frames = len(surface.mode_weights)
        slips = None if start is None else start[1].slips
        self._slips = None if slips is None else slips.moves.to(device)
        self._slipping = None if slips is None else self._slip_shares(slips, surface).to(device)
        self.alignment = Alignment(frames).to(device) if recipe.align_weight > 0 else None
        self._planes: Tensor | None = None
        self._build_optimizers()
        self._refresh()

    def __len__(self) -> int:
        return int(self.rows.shape[0])

    def _build_optimizers(self) -> None:
        groups = [{"params": [self.parameters[name]], "name": name} for name in NAMES]
        self.gaussian_optimizer = torch.optim.Adam(groups, lr=0.0, eps=1e-15, fused=True)
        self.deformer_optimizer = torch.optim.Adam(
            [{"params": [parameter], "name": name} for name, parameter in self.deformer.named_parameters()],
            lr=0.0,
            betas=(0.9, 0.99),  # steps draw few frames of many: a shorter memory of the gradient's size learns faster
            fused=True,
        )
        self.alignment_optimizer = (
            None
            if self.alignment is None
            else torch.optim.SparseAdam(self.alignment.parameters(), lr=self.recipe.align_rate)
        )

    @property
    def gaussians(self) -> Gaussians:
        """The canonical Gaussians; gradients reach the parameters."""
        p = self.parameters
        sh = torch.cat([p["sh_base"], p["sh_rest"]], 1)
        return Gaussians(p["means"], p["quats"], p["log_scales"], p["opacity_logits"], sh)

    @property
    def rig(self) -> Rig:
        """Skinning of the present Gaussians."""
        return Rig(self._skinning[self.rows], self.pivots)

    def motion(self, frames: Tensor, index: Tensor | None = None) -> Tensor:
        """(S, M, 3) metres: true motion of the Gaussians at `index` (all if None) in frames (S,)."""
        return self.mixed(self._mode_weights[frames.to(self.device)], index)

    def mixed(self, weights: Tensor, index: Tensor | None = None) -> Tensor:
        """(S, M, 3) metres: motion of the Gaussians at `index` (all if None) by mode weights (S, U)."""
        modes = self._modes[self.rows if index is None else self.rows[index]]
        count, _, kinds = modes.shape
        return (modes.view(-1, kinds) @ weights.T).view(count, 3, -1).permute(2, 0, 1)

    def of_parts(self, numbers: Iterable[int]) -> Tensor:
        """(N,) bool: which of the present Gaussians began on surface parts of these numbers."""
        wanted = torch.tensor(sorted(numbers), dtype=self._parts.dtype, device=self.device)
        return torch.isin(self._parts[self.rows], wanted)

    def recoloured(self, which: Tensor) -> Tensor:
        """Mean change of the Gaussians `which` (N,) bool since the start, display sRGB; 0 if there are none."""
        now = 0.5 + SH_C0 * self.parameters["sh_base"][which, 0]
        return (now - self._colours[self.rows[which]]).abs().sum() / max(1, 3 * int(which.sum()))

    def slip(self, frame: int) -> Tensor | None:
        """(N, 3) metres: what the mouth does in a frame beyond its controls, if it was followed."""
        if self._slips is None or self._slipping is None:
            return None
        return self._slipping[self.rows] @ self._slips[frame]

    @staticmethod
    def _slip_shares(slips: Slips, surface: Surface) -> Tensor:
        """(P, m) for the surface's points; what does not go with the jaw stays, as upper teeth do, or eyes."""
        jaw = surface.modes[surface.mode_names.index("jaw")].norm(dim=1)
        moves = surface.modes.square().sum((0, 2)).sqrt()
        goes = torch.maximum(moves / 0.012, jaw / 0.008).clamp(max=1.0) * surface.skinning[:, 1]
        return slips.shares(surface.points) * goes[:, None]

    def set_rates(self, stage: Stage, progress: float, head_height_m: float) -> None:
        """Learning rates at `progress` in [0, 1] of a stage.

        CIT-AE learns in the geometry stage alone: pictures come with clean action units, which would teach it to trust
        every frame again. A portrait keeps the performer's, because nobody knows its true action units.
        """
        recipe = self.recipe
        for group in self.deformer_optimizer.param_groups:
            planes, residual = str(group["name"]).startswith("triplane."), group["name"] == "residual"
            if str(group["name"]).startswith("au_encoder."):
                learns = stage == "geometry" and not recipe.prior
                group["lr"] = recipe.filters.at(progress) if learns else 0.0
            elif stage == "geometry":
                group["lr"] = (recipe.planes if planes or residual else recipe.networks).at(progress)
            elif residual:
                group["lr"] = recipe.fine_residual.at(progress)
            else:
                group["lr"] = 0.0 if planes else recipe.fine_networks.at(progress)
        share = recipe.fine_share if stage == "fine" else 1.0
        overall = progress if stage == "fine" else 0.0
        rates: dict[str, float] = {
            "means": recipe.means.at(overall) * head_height_m,
            "quats": recipe.quats,
            "log_scales": recipe.log_scales,
            "opacity_logits": recipe.opacity,
            "sh_base": recipe.colour.at(overall),
            "sh_rest": recipe.harmonics,
        }
        for group in self.gaussian_optimizer.param_groups:
            group["lr"] = rates[group["name"]] * share

    def features(self, index: Tensor) -> Tensor:
        """(M, 64) features of the Gaussians at `index`, from tri-planes as they were at the last `refresh`.

        The fine stage leaves the tri-planes as the geometry stage made them, which saves two fifths of the network's
        time; what pictures teach goes into the residual of each Gaussian.
        """
        if self._planes is None:
            with torch.no_grad():
                self._planes = self.deformer.triplane(self.parameters["means"])
        features: Tensor = self.deformer.norm(self._planes[index] + self.deformer.residual[index])
        return features

    def refresh(self) -> None:
        """Look the tri-planes up again: after means have moved a little, or planes have changed."""
        self._planes = None

    def rearrange(self, plan: Plan) -> None:
        """Carry out a density plan: parameters, inheritance, deformer residual and optimizer moments."""
        parents, fresh = plan.parents.to(self.device), plan.fresh.to(self.device)
        with torch.no_grad():
            new = {name: value[parents].clone() for name, value in self.parameters.items()}
            new["means"] += plan.offsets
            new["log_scales"] -= plan.log_shrink[:, None]
            new["opacity_logits"] = plan.opacity_logits.clone()
        for group, name in zip(self.gaussian_optimizer.param_groups, NAMES, strict=True):
            parameter = nn.Parameter(new[name])
            hand_over(self.gaussian_optimizer, group, parameter, parents, fresh)
            self.parameters[name] = parameter
        self.deformer.inherit(parents)
        for group in self.deformer_optimizer.param_groups:
            if group["name"] == "residual":
                hand_over(self.deformer_optimizer, group, self.deformer.residual, parents, fresh)
        self.zones, self.rows, self.spacing = self.zones[parents], self.rows[parents], self.spacing[parents]
        self._refresh()

    def note_gradients(self, screen: Tensor) -> None:
        """Add screen gradients (N,) of one picture to the statistics; those of unseen Gaussians are 0."""
        self.gradient_sum += screen
        self.seen += screen > 0

    def mean_gradients(self) -> Tensor:
        """(N,) mean screen gradient since the last change."""
        return self.gradient_sum / self.seen.clamp_min(1)

    def forget_gradients(self) -> None:
        """Start the statistics anew."""
        self.gradient_sum = torch.zeros(len(self), device=self.device)
        self.seen = torch.zeros(len(self), device=self.device)

    def is_finite(self) -> bool:
        """Whether every parameter is a number."""
        aligned = () if self.alignment is None else self.alignment.parameters()
        parameters = (*self.parameters.values(), *self.deformer.parameters(), *aligned)
        return all(bool(torch.isfinite(p).all()) for p in parameters)

    def tensors(self) -> dict[str, Tensor]:
        """Everything that a resumed run needs, by name."""
        state: dict[str, Tensor] = {f"gaussians.{name}": p.detach() for name, p in self.parameters.items()}
        state |= {name: getattr(self, name) for name in PER_GAUSSIAN}
        state |= {f"deformer.{name}": value for name, value in self.deformer.state_dict().items()}
        if self._planes is not None:
            state["planes"] = self._planes
        if self.alignment is not None and self.alignment_optimizer is not None:
            weight = self.alignment.table.weight
            state["alignment"] = weight.detach()
            for key, value in self.alignment_optimizer.state.get(weight, {}).items():
                state[f"adam.alignment.{key}"] = torch.as_tensor(value)
        for optimizer, prefix in (
            (self.gaussian_optimizer, "adam.gaussians"),
            (self.deformer_optimizer, "adam.deformer"),
        ):
            for group in optimizer.param_groups:
                for key, value in optimizer.state.get(group["params"][0], {}).items():
                    state[f"{prefix}.{group['name']}.{key}"] = value
        return state

    def restore(self, state: dict[str, Tensor]) -> None:
        """Take over what `tensors` wrote.

        Raises:
            KeyError: if a tensor is missing.
            ValueError: if a shape does not fit.
        """
        for name in PER_GAUSSIAN:
            setattr(self, name, state[name].to(self.device).clone())
        for name in NAMES:
            value = state[f"gaussians.{name}"].to(self.device)
            if value.shape[1:] != self.parameters[name].shape[1:] or len(value) != len(self):
                raise ValueError(f"{name} has shape {tuple(value.shape)}")
            self.parameters[name] = nn.Parameter(value.clone())
        self.deformer.inherit(torch.zeros(len(self), dtype=torch.int64, device=self.device))
        own = self.deformer.state_dict()
        for name, value in own.items():
            if state[f"deformer.{name}"].shape != value.shape:
                raise ValueError(f"deformer.{name} has shape {tuple(state[f'deformer.{name}'].shape)}")
        self.deformer.load_state_dict({name: state[f"deformer.{name}"] for name in own})
        self._build_optimizers()
        for optimizer, prefix in (
            (self.gaussian_optimizer, "adam.gaussians"),
            (self.deformer_optimizer, "adam.deformer"),
        ):
            for group in optimizer.param_groups:
                parameter, start = group["params"][0], f"{prefix}.{group['name']}."
                kept = {k[len(start) :]: v.to(self.device).clone() for k, v in state.items() if k.startswith(start)}
                if kept:
                    optimizer.state[parameter] = kept
        if self.alignment is not None and self.alignment_optimizer is not None:
            weight = self.alignment.table.weight
            with torch.no_grad():
                weight.copy_(state["alignment"])
            moments = {key: state[f"adam.alignment.{key}"].to(self.device).clone() for key in ("exp_avg", "exp_avg_sq")
                       if f"adam.alignment.{key}" in state}  # fmt: skip
            if moments:
                steps = int(state["adam.alignment.step"])
                self.alignment_optimizer.state[weight] = {"step": steps, **moments}
        self._refresh()
        self._planes = state["planes"].to(self.device).clone() if "planes" in state else None

    def _refresh(self) -> None:
        """What follows from the present set of Gaussians."""
        self._planes = None
        reach = self._modes[self.rows].square().sum(1).sqrt() * self._peaks  # (N, U) metres
        moves = reach.amax(1) > self.recipe.moving_m
        self.moving = moves.nonzero()[:, 0]
        self.resting = (~moves).nonzero()[:, 0]
        self.deformer.moving = moves.to(torch.uint8)  # the rest is drawn still here, and so it shall be at use
        self.log_cap = (self.spacing * self.recipe.scale_cap).log()[:, None]
        log_extents = self.spacing.log()[:, None] + self._usual[self.rows]
        self.rest = Rest(self._places[self.rows], self._facing[self.rows], self.spacing, log_extents)
        self.aside = (1.0 - self.rest.normals[:, 2] / EDGE_ON).clamp(0.0, 1.0)
        self.near = self._neighbours() if self.recipe.patch_weight > 0 else None

    def _neighbours(self) -> Tensor:
        """(N, k) those of each Gaussian's part that started nearest to it."""
        places = self.rest.points.double().cpu().numpy()
        places = places + 10.0 * np.eye(1, 3) * self._parts[self.rows, None].cpu().numpy()  # parts are far away
        near = np.asarray(cKDTree(places).query(places, min(PATCH, len(places)))[1])
        return torch.from_numpy(near.reshape(len(places), -1)[:, 1:]).to(self.device)


def unpack(gaussians: Gaussians) -> dict[Name, Tensor]:
    """Parameters by name."""
    assert {f.name for f in fields(Gaussians)} == {"means", "quats", "log_scales", "opacity_logits", "sh"}
    return {
        "means": gaussians.means.clone(),
        "quats": gaussians.quats.clone(),
        "log_scales": gaussians.log_scales.clone(),
        "opacity_logits": gaussians.opacity_logits.clone(),
        "sh_base": gaussians.sh[:, :1].clone(),
        "sh_rest": gaussians.sh[:, 1:].clone(),
    }


def hand_over(
    optimizer: torch.optim.Optimizer, group: dict[str, object], parameter: nn.Parameter, parents: Tensor, fresh: Tensor
) -> None:
    """Make `parameter` the group's parameter; kept rows keep their moments, fresh ones start without."""
    old = group["params"][0]  # type: ignore[index]
    state = optimizer.state.pop(old, None)
    group["params"] = [parameter]
    if state:
        moments = {key: state[key][parents].clone() for key in ("exp_avg", "exp_avg_sq")}
        for moment in moments.values():
            moment[fresh] = 0
        optimizer.state[parameter] = {**state, **moments}
