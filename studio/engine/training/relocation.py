"""Moves Gaussians from where nobody sees them to where the picture errs most.

Density control by screen gradients asks where Gaussians want to move, and is blind where a wide one covers fine
texture: the pulls of its pixels cancel. Here the error itself counts: how much of the structural dissimilarity of the
pictures lies under each Gaussian. `Tally` gathers it, `plan_relocation` decides, and whoever owns the Gaussians carries
the plan out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from studio.engine.gaussians import SH_C0, Gaussians
from studio.engine.metrics import SSIM_WINDOW, ssim_map
from studio.engine.training.density import rotate

HALF_APART = 0.6
"""The halves of a split lie this many standard deviations of their parent to either side of it …"""

NARROWER = 0.65
"""… and are as wide, along that axis, as this share of it: together they cover what it covered."""

SLIM = 4.0
"""Gaussians longer than this many widths are cut across, others lengthwise: strands are long and narrow."""

FINEST_M = 2e-4
"""Gaussians narrower than this are not split: a third of a pixel of a head framed at 512."""


@dataclass
class Tally:
    """What pictures have said of N Gaussians so far; empty at first."""

    most: Tensor  # (N,) pixels: the largest sum of a picture's blending weights
    error: Tensor  # (N,) sum over pictures and pixels of blending weight times dissimilarity

    @staticmethod
    def of(count: int) -> Tally:
        """Before any picture."""
        return Tally(torch.zeros(count), torch.zeros(count))

    def add(self, weights: Tensor) -> None:
        """Count a picture.

        Args:
            weights: (N, 2) sums over its pixels of the blending weights, and of these times the dissimilarity.
        """
        self.most = torch.maximum(self.most, weights[:, 0])
        self.error = self.error + weights[:, 1]


@dataclass(frozen=True)
class Relocation:
    """A new set of M Gaussians, each described by its parent in the old set; kept ones come first, in order."""

    parents: Tensor  # (M,) index into the old set
    fresh: Tensor  # (M,) bool: half of a split
    offsets: Tensor  # (M, 3) metres, added to the parent's mean
    log_shrink: Tensor  # (M, 3) subtracted from the parent's log scales
    gone: int  # Gaussians given up


def dissimilarity(picture: Tensor, truth: Tensor) -> Tensor:
    """(H, W) 1 - SSIM of (H, W, 3) pictures, 0 where the window leaves the picture."""
    margin = SSIM_WINDOW // 2
    wrong = 1.0 - ssim_map(picture, truth)
    return torch.nn.functional.pad(wrong, (margin, margin, margin, margin))


def markers(count: int, harmonics: int) -> tuple[Tensor, Tensor]:
    """Colours by which a rasterizer's backward pass gives the sums that `Tally.add` takes.

    A picture is linear in the Gaussians' colours, so that the gradient of its sum, weighted per pixel, is the sum of
    those weights under each Gaussian: red counts pixels, green their dissimilarity.

    Returns:
        A leaf (N, 1, 3) for the zeroth harmonic, and the harmonics (N, K, 3) to draw with; read `weights_of` the leaf
        after `backward()` of Σ red + Σ green · dissimilarity.
    """
    leaf = torch.zeros(count, 1, 3, requires_grad=True)
    return leaf, torch.cat([leaf, torch.zeros(count, harmonics - 1, 3)], 1)


def weights_of(leaf: Tensor) -> Tensor:
    """(N, 2) of what `markers` gave."""
    assert leaf.grad is not None
    return leaf.grad[:, 0, :2] / SH_C0


def plan_relocation(gaussians: Gaussians, tally: Tally, count: int, share: float, unseen_px: float) -> Relocation:
    """Which Gaussians go and which are split, so that `count` remain.

    Args:
        gaussians: the present set, N ≤ `count`.
        tally: of pictures from all around, with all expressions.
        count: Gaussians afterwards, unless too few can be split.
        share: of the present set that may go at most, the least seen first.
        unseen_px: who covers more than this in any picture stays.
    """
    total = len(gaussians)
    least = tally.most.argsort(stable=True)[: round(share * total)]
    least = least[tally.most[least] < unseen_px]
    kept = torch.ones(total, dtype=torch.bool)
    kept[least] = False
    extents = gaussians.log_scales.detach().exp()
    ordered = extents.sort(1, descending=True)
    longest, second = ordered.values[:, 0], ordered.values[:, 1]
    able = kept & (second >= FINEST_M) & (tally.error > 0)
    room = max(0, min(count - int(kept.sum()), int(able.sum())))
    split = torch.where(able, tally.error, -1.0).argsort(descending=True, stable=True)[:room].sort().values
    stays = kept.clone()
    stays[split] = False
    stay = stays.nonzero()[:, 0]
    axis = ordered.indices[split, (longest[split] <= SLIM * second[split]).long()][:, None]
    step = torch.zeros(room, 3).scatter(1, axis, HALF_APART * extents[split].gather(1, axis))
    step = rotate(gaussians.quats.detach()[split], step)
    shrink = torch.zeros(room, 3).scatter(1, axis, -math.log(NARROWER))
    old = torch.zeros(len(stay), 3)
    return Relocation(
        parents=torch.cat([stay, split, split]),
        fresh=torch.arange(len(stay) + 2 * room) >= len(stay),
        offsets=torch.cat([old, step, -step]),
        log_shrink=torch.cat([old, shrink, shrink]),
        gone=total - int(kept.sum()),
    )
