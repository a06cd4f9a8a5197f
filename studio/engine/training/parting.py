"""Keeps lips and lids parting and closing as they began, in expressions that a portrait's clip seldom shows.

Pictures of closed lips do not mind skin that reaches over the line between them; when the lips part, it hangs before
the teeth. Lids that pictures have thinned let the eyes through when they close, and what lies beneath a cheek's skin at
rest comes out beside it in a smile. A few strong expressions are remembered from before training, where the performer's
motion is exact and the surface is whole: as much of the mouth's inside and of the eyes has to be seen in them as was
then, and skin beside the lips has to keep its colour over areas larger than details.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from studio.document.action_units import AU_INDEX, AU_KEYS
from studio.engine.camera import DEFAULT_FOV_DEG, Camera, orbit_camera
from studio.engine.gaussians import SH_C0, Gaussians
from studio.engine.speech.articulators import ARTICULATORS, N_ARTICULATORS
from studio.engine.training.solid import Draws

INSIDE = ("mouth", "teeth", "tongue")
BALLS = ("eye_left", "eye_right")
"""Parts that lips and lids cover."""

MOUTH: tuple[dict[str, float], ...] = (
    {},
    {"AU25": 5.0},
    {"AU26": 5.0},
    {"AU25": 5.0, "AU26": 2.5},
    {"AU12": 5.0},
    {"AU12": 5.0, "AU25": 4.0},
    {"AU10": 5.0},
    {"jaw_open": 0.7, "lips_part": 0.5},
    {"lips_spread": 0.8, "lips_part": 0.8},
)
LIDS: tuple[dict[str, float], ...] = ({"AU45": 5.0}, {"AU45": 5.0, "AU6": 4.0})
"""Expressions that are remembered: intensities 0–5 and articulation 0–1 by name."""

_VIEWS_DEG = ((-14.0, 0.0), (0.0, 0.0), (14.0, 0.0))
_MOUTH_PX, _LIDS_PX = (72, 60), (104, 40)
_MARGIN = 1.5

_SMALL_PX = 120.0
"""Less than so much of what lies behind counts as so much: closed lids, closed lips."""

SMEAR_PX = 5
"""Width of what is larger than a detail; half a centimetre."""


@dataclass(frozen=True)
class Opening:
    """One expression seen from near, and how much of what lies behind lips or lids shows in it."""

    camera: Camera
    weights: Tensor  # (1, U) of the performer's modes
    shown: Tensor  # (H, W) in [0, 1]
    look: Tensor  # (H, W, 3) display sRGB, premultiplied
    skin: Tensor  # (H, W) 1 where neither lips nor lids are near, nor what they cover


def marked(gaussians: Gaussians, behind: Tensor) -> Gaussians:
    """`gaussians` white where `behind` (N,) says so, black elsewhere."""
    sh = ((behind.to(gaussians.means) - 0.5) / SH_C0)[:, None, None].expand(-1, 1, 3).contiguous()
    return gaussians.replace(sh=sh)


def openings(
    gaussians: Gaussians,
    behind: Tensor,
    lips: Tensor,
    lids: Tensor,
    law: Callable[[Tensor, Tensor], Tensor],
    motion: Callable[[Tensor], Tensor],
    draws: Draws,
) -> list[Opening]:
    """What is remembered.

    Args:
        gaussians: before training, canonical.
        behind: (N,) bool, the mouth's inside and the eyeballs.
        lips: (N,) bool.
        lids: (N,) bool.
        law: mode weights of intensities (1, 17) and articulation (1, 10).
        motion: (1, N, 3) metres of mode weights (1, U).
        draws: the rasterizer.

    Returns:
        None where there are no lips or lids.
    """
    found = []
    for among, expressions, size in ((lips, MOUTH, _MOUTH_PX), (lids, LIDS, _LIDS_PX)):
        if not bool(among.any()):
            continue
        places = gaussians.means[among].detach()
        low, high = places.amin(0), places.amax(0)
        across = float(high[0] - low[0]) * _MARGIN
        away = across * size[1] / size[0] / (2 * torch.tensor(DEFAULT_FOV_DEG / 2).deg2rad().tan().item())
        middle = ((low + high) / 2).tolist()
        for number, expression in enumerate(expressions):
            yaw, pitch = _VIEWS_DEG[(number + 1) % len(_VIEWS_DEG)]
            target = (middle[0], middle[1], middle[2])
            camera = orbit_camera(yaw, pitch, away, target=target, width=size[0], height=size[1])
            weights = law(*controls_of(expression))
            moved = gaussians.replace(means=gaussians.means + motion(weights)[0])
            with torch.no_grad():
                shown = draws.render(marked(moved, behind), camera).rgb[..., 0]
                look = draws.render(moved, camera).rgb
                red = draws.render(marked(moved, behind | among), camera).rgb[..., 0]
            near = functional.max_pool2d(red[None, None], SMEAR_PX, 1, SMEAR_PX // 2)[0, 0]
            found.append(Opening(camera, weights, shown.detach(), look.detach(), (1.0 - near).clamp(0.0, 1.0)))
    return found


def controls_of(expression: dict[str, float]) -> tuple[Tensor, Tensor]:
    """(1, 17) intensities and (1, 10) articulation."""
    au, said = torch.zeros(1, len(AU_KEYS)), torch.zeros(1, N_ARTICULATORS)
    for name, value in expression.items():
        if name in AU_INDEX:
            au[0, AU_INDEX[name]] = value
        else:
            said[0, ARTICULATORS.index(name)] = value
    return au, said


def parting_loss(gaussians: Gaussians, behind: Tensor, opening: Opening, draws: Draws) -> Tensor:
    """How much more or less shows of what is `behind` (N,) lips or lids than before training, of what showed then.

    A mouth a little open is a few pixels; it counts as much as a wide one.

    Args:
        gaussians: now, moved as the expression asks.
        behind: (N,) bool.
        opening: what is remembered of the expression.
        draws: the rasterizer.
    """
    shown = draws.render(marked(gaussians, behind), opening.camera).rgb[..., 0]
    loss: Tensor = (shown - opening.shown.to(shown.device)).abs().sum() / opening.shown.sum().clamp_min(_SMALL_PX)
    return loss


def smear_loss(gaussians: Gaussians, opening: Opening, draws: Draws) -> Tensor:
    """Mean change of the colour of skin in an expression since before training, over areas larger than details.

    Args:
        gaussians: now, moved as the expression asks.
        opening: what is remembered of the expression.
        draws: the rasterizer.
    """
    drawn = draws.render(gaussians, opening.camera).rgb
    change = (drawn - opening.look.to(drawn.device)).permute(2, 0, 1)[None]
    pooled = functional.avg_pool2d(change, SMEAR_PX, 1, SMEAR_PX // 2)[0].abs().mean(0)
    skin = opening.skin.to(drawn.device)
    loss: Tensor = (pooled * skin).sum() / skin.sum().clamp_min(1.0)
    return loss
