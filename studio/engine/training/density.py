"""Density control: more Gaussians where the picture asks for them, fewer where none is seen (Kerbl et al. 2023).

`plan_changes` decides, without touching anything; `Learner.rearrange` carries the plan out.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from studio.engine.gaussians import Gaussians
from studio.engine.training.recipes import Density

SPLIT_SHRINK = 1.6
"""Children of a split are narrower by this factor (Kerbl et al. 2023)."""


@dataclass(frozen=True)
class Plan:
    """A new set of M Gaussians, each described by its parent in the old set; kept ones come first, in order."""

    parents: Tensor  # (M,) index into the old set
    fresh: Tensor  # (M,) bool: without optimizer history
    offsets: Tensor  # (M, 3) metres, added to the parent's mean
    log_shrink: Tensor  # (M,) subtracted from the parent's log scales
    opacity_logits: Tensor  # (M,)
    before: int  # size of the old set

    @property
    def changes(self) -> bool:
        """Whether the new set differs from the old one."""
        return bool(self.fresh.any()) or len(self.parents) != self.before


def plan_changes(
    gaussians: Gaussians,
    gradients: Tensor,
    spacing: Tensor,
    settings: Density,
    limit: int,
    random: torch.Generator,
) -> Plan:
    """Which Gaussians go, which are cloned and which are split.

    A clone and its original share the original's opacity, α' = 1 - √(1 - α), so that the picture stays; the halves of a
    split are drawn from their parent's shape.

    Args:
        gaussians: the present set, N.
        gradients: (N,) mean screen gradients since the last change; 0 where never seen.
        spacing: (N,) metres, distance to neighbours.
        settings: thresholds.
        limit: most Gaussians afterwards, unless there are more already.
        random: for the children's places.
    """
    count = len(gaussians)
    opacity = torch.sigmoid(gaussians.opacity_logits.detach())
    kept = opacity >= settings.prune_opacity
    if not bool(kept.any()):
        kept = opacity == opacity.max()
    room = max(0, min(limit - int(kept.sum()), int(settings.grow * count)))
    wanted = (kept & (gradients > settings.gradient)).nonzero()[:, 0]
    wanted = wanted[gradients[wanted].argsort(descending=True, stable=True)][:room]
    extents = gaussians.log_scales.detach().exp()
    wide = extents[wanted].amax(1) > settings.split_over * spacing[wanted]
    split, cloned = wanted[wide].sort().values, wanted[~wide].sort().values

    stays = kept.clone()
    stays[split] = False
    stay = stays.nonzero()[:, 0]
    parents = torch.cat([stay, cloned, split, split])
    fresh = torch.arange(len(parents), device=parents.device) >= len(stay)
    draws = torch.randn(len(parents), 3, generator=random).to(extents)
    local = draws * extents[parents] * fresh[:, None]
    n_cloned = slice(len(stay), len(stay) + len(cloned))
    local[n_cloned] *= 0.5
    log_shrink = torch.zeros_like(spacing[parents])
    log_shrink[n_cloned.stop :] = float(torch.tensor(SPLIT_SHRINK).log())
    logits = gaussians.opacity_logits.detach()[parents]
    shared = torch.isin(parents, cloned)
    halved = 1 - (1 - opacity[parents[shared]]).clamp_min(1e-6).sqrt()
    logits[shared] = torch.logit(halved)
    return Plan(parents, fresh, rotate(gaussians.quats.detach()[parents], local), log_shrink, logits, before=count)


def rotate(quats: Tensor, vectors: Tensor) -> Tensor:
    """(M, 3) vectors turned by quaternions wxyz (M, 4) of any length."""
    q = torch.nn.functional.normalize(quats, dim=1)
    axis = q[:, 1:]
    across = torch.linalg.cross(axis, vectors, dim=1)
    turned: Tensor = vectors + 2 * (q[:, :1] * across + torch.linalg.cross(axis, across, dim=1))
    return turned
