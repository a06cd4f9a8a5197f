"""What training minimises: image, mouth, motion, attention and regularising terms.

Every term is a scalar tensor; `ImageLoss` weighs the image terms (0.8 L1 + 0.2 (1 - SSIM) + mouth crop, as
GaussianTalker) and `Judge` is the door for frozen networks that compare action units or sync (EmoZone-Talker eqs. for
L_AU and L_sync, weights 0.05 and 0.1). A term without a judge is absent, never zero by pretence.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from studio.engine.deform.deformer import Deltas
from studio.engine.gaussians import Gaussians
from studio.engine.measures.binding import gaussian_normals
from studio.engine.metrics import SSIM_WINDOW, Box
from studio.engine.training.ssim import ssim_mean


class Judge(Protocol):
    """A frozen, differentiable opinion on a rendered frame, such as an action-unit or lip-sync network."""

    name: str  # the term's name in progress reports
    weight: float  # of its loss in the sum: 0.05 for action units, 0.1 for sync

    def loss(self, picture: Tensor, truth: Tensor, evidence: Evidence) -> Tensor:
        """Scalar ≥ 0, smaller is better; differentiable in `picture` (H, W, 3), display sRGB over the background."""
        ...


@dataclass(frozen=True)
class Evidence:
    """What a judge may know of the frame beside the two pictures."""

    au: Tensor  # (8, 17) OpenFace intensities 0–5 around the frame
    speech: Tensor  # (8, F) speech features around the frame
    mouth: Box | None  # the mouth in pixels, where landmarks are known
    image: int  # the capture's image index, the key for anything the judge has precomputed


@dataclass(frozen=True)
class Rest:
    """Where N Gaussians started: disks on a surface."""

    points: Tensor  # (N, 3) metres
    normals: Tensor  # (N, 3) unit
    spacing: Tensor  # (N,) metres
    log_extents: Tensor  # (N, 3)


@dataclass(frozen=True)
class LossWeights:
    """Weights of the image terms."""

    l1: float = 0.8  # GaussianTalker's loss, inherited from 3DGS
    ssim: float = 0.2  # same
    mouth: float = 0.4  # L1 over the mouth crop: GaussianTalker's lip weight; the mouth is 3 % of the pixels


def image_loss(
    picture: Tensor, truth: Tensor, mouth: Box | None, weights: LossWeights, head: Box | None = None
) -> dict[str, Tensor]:
    """Weighted image terms by name.

    Args:
        picture: (H, W, 3) rendered, composited.
        truth: (H, W, 3) target over the same background.
        mouth: the mouth's pixels; no mouth term if None or empty.
        weights: of the terms; a term of weight 0 is not computed.
        head: where anything but background may be seen. SSIM is computed there alone and counts as 1 elsewhere, which
            is what it is on plain background; that saves half of its time.
    """
    terms = {"l1": weights.l1 * (picture - truth).abs().mean()}
    if weights.ssim > 0 and min(picture.shape[:2]) >= SSIM_WINDOW:
        box = head
        if box is None or min(box.right - box.left, box.bottom - box.top) < SSIM_WINDOW:
            box = Box(0, 0, picture.shape[1], picture.shape[0])
        rows, columns = slice(box.top, box.bottom), slice(box.left, box.right)
        share = (box.bottom - box.top) * (box.right - box.left) / (picture.shape[0] * picture.shape[1])
        terms["ssim"] = weights.ssim * share * (1.0 - ssim_mean(picture[rows, columns], truth[rows, columns]))
    if weights.mouth > 0 and mouth is not None and mouth.right > mouth.left and mouth.bottom > mouth.top:
        rows, columns = slice(mouth.top, mouth.bottom), slice(mouth.left, mouth.right)
        terms["mouth"] = weights.mouth * (picture[rows, columns] - truth[rows, columns]).abs().mean()
    return terms


def judge_terms(judges: tuple[Judge, ...], picture: Tensor, truth: Tensor, evidence: Evidence) -> Mapping[str, Tensor]:
    """Weighted terms of the judges by name."""
    return {judge.name: judge.weight * judge.loss(picture, truth, evidence) for judge in judges}


def motion_loss(predicted: Tensor, truth: Tensor, scale_m: float) -> Tensor:
    """Distance of predicted from true motion, in units of `scale_m`: the role of GaussianEmoTalker eq. 15.

    The mean over points of sqrt(d² + ε²) - ε: quadratic below a tenth of the scale, linear above, so that neither the
    many resting points nor the few wide ones rule.

    Args:
        predicted: (S, M, 3) metres.
        truth: (S, M, 3) metres.
        scale_m: displacement that counts as one.
    """
    squared = ((predicted - truth) / scale_m).square().sum(-1)
    return ((squared + 0.01).sqrt() - 0.1).mean()


def scale_penalty(log_scales: Tensor, log_cap: Tensor, longest: float = 5.0) -> Tensor:
    """Mean squared excess of log extents over a cap, and of the ratio of the two largest extents over `longest`.

    Blankets and needles look right from the training cameras and wrong from between them.

    Args:
        log_scales: (N, 3).
        log_cap: (N, 1).
        longest: ratio of length to width that is still free.
    """
    over = (log_scales - log_cap).clamp_min(0.0).square().sum(1)
    largest = log_scales.amax(1)
    second = log_scales.sum(1) - largest - log_scales.amin(1)
    needle = (largest - second - math.log(longest)).clamp_min(0.0).square()
    return (over + needle).mean()


def surface_penalty(gaussians: Gaussians, rest: Rest, free: float = 0.7) -> Tensor:
    """How far Gaussians have left the surface that they started on, in spacings, and turned or swollen beside it.

    A clip from the front says nothing of depth, and there an optimizer's steps add up to spikes that show from the
    side. Every direction that pictures do not ask for goes back to the surface; where they ask, they win: the price of
    a distance grows linearly, and extents are free within a factor of exp(`free`).
    """
    away = ((gaussians.means - rest.points) / rest.spacing[:, None]).square().sum(1)
    tilt = 1.0 - (gaussian_normals(gaussians.quats) * rest.normals).sum(1).square()
    swollen = ((gaussians.log_scales - rest.log_extents).abs() - free).clamp_min(0.0).square().sum(1)
    return ((1.0 + away).sqrt() - 1.0 + tilt + swollen).mean()


def patch_penalty(colours: Tensor, near: Tensor, aside: Tensor) -> Tensor:
    """How much Gaussians that the clip's camera hardly faces differ in colour from those around them.

    Two pixels of an outline colour a finger's breadth of cheek that no picture asks about. The price of a difference
    grows linearly: where pictures show an edge, it stays.

    Args:
        colours: (N, 3).
        near: (N, k) indices of each one's neighbours.
        aside: (N,) 0 where the camera looks straight at the surface, 1 where it sees it edge-on or not at all.
    """
    apart = (colours - colours[near].mean(1)).square().sum(1)
    return (aside * ((1e-4 + apart).sqrt() - 1e-2)).mean()


def appearance_penalty(deltas: Deltas) -> Tensor:
    """Mean squared change of extent, turn, opacity and colour: motion should carry the expression where it can."""
    return (
        deltas.log_scales.square().mean()
        + deltas.quats.square().mean()
        + 0.1 * deltas.opacity_logits.square().mean()
        + deltas.colours.square().mean()
    )
