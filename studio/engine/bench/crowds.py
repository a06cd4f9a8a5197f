"""One avatar with other numbers of Gaussians, so that what grows with them can be seen.

Up to its own number, avatars are nested subsets: the first n of one random order. Above it, every Gaussian gets copies,
moved by up to its own extent. Extents are changed so that the Gaussians together cover as much as before: it is the
same head, in coarser or finer grain.
"""

from __future__ import annotations

import copy
from dataclasses import replace

import torch

from studio.engine.avatar import Avatar
from studio.engine.rig import Rig

SEED = 0


def crowd(avatar: Avatar, count: int) -> Avatar:
    """The avatar with `count` Gaussians; itself for its own number.

    Raises:
        ValueError: for fewer than one Gaussian.
    """
    have = len(avatar.gaussians)
    if count < 1:
        raise ValueError(f"an avatar of {count} Gaussians cannot be drawn")
    if count == have:
        return avatar
    random = torch.Generator().manual_seed(SEED)
    order = torch.randperm(have, generator=random)
    rounds = -(-count // have)
    index = order.repeat(rounds)[:count]
    gaussians = avatar.gaussians.select(index)
    smaller = 0.5 * torch.log(torch.tensor(have / count))
    shifts = torch.cat([torch.zeros(have, 3), *(torch.randn(have, 3, generator=random) for _ in range(rounds - 1))])
    extents = gaussians.log_scales.exp().median(1, keepdim=True).values
    gaussians = gaussians.replace(
        means=gaussians.means + shifts[:count] * extents * 0.5, log_scales=gaussians.log_scales + smaller
    )
    deformer = copy.deepcopy(avatar.deformer)
    deformer.inherit(index)
    rig = Rig(avatar.rig.weights[index], avatar.rig.pivots)
    return replace(
        avatar, gaussians=gaussians, zones=avatar.zones[index], rig=rig,
        deformer=deformer.eval().requires_grad_(False),
    )  # fmt: skip
