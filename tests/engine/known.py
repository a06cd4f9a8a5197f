"""Heads that sit on the toy capture's surface and move as it does, with faults on wish."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import torch
from torch import Tensor

from studio.document.action_units import AU_INDEX
from studio.engine.avatar import Avatar, AvatarInfo
from studio.engine.controls import WINDOW_BACK
from studio.engine.deform.deformer import N_OUTPUTS, Deformer
from studio.engine.gaussians import Gaussians
from studio.engine.rig import Rig
from studio.engine.speech.articulators import ARTICULATORS, N_ARTICULATORS
from studio.engine.training.capture import Capture, Surface
from studio.engine.training.initial import facing


@dataclass
class KnownDeformer:
    """Moves Gaussians by the toy's own modes: what is said and shown at the frame, with faults on wish."""

    surface: Surface
    gain: float = 1.0  # of AU4
    spill: float = 0.0  # share of AU4's size by which everything else moves
    smooth: bool = False  # takes the mean of the window
    deaf: bool = False  # to action units while speaking

    def __post_init__(self) -> None:
        self.count = len(self.surface)
        self.moving = torch.ones(self.count, dtype=torch.uint8)
        self.config = SimpleNamespace(n_speech=N_ARTICULATORS)

    def features(self, means: Tensor, index: Tensor) -> Tensor:
        return index[:, None]

    def evaluate(
        self, features: Tensor, zones: Tensor, au: Tensor, speech: Tensor, pose: Tensor
    ) -> tuple[Tensor, None]:
        jaw, pucker, brow, corners = self.surface.modes[:, features[:, 0]]
        now = (au.mean(1) if self.smooth else au[:, WINDOW_BACK]) / 5
        said = speech[:, WINDOW_BACK]
        frown, smile = now[:, AU_INDEX["AU4"]], now[:, AU_INDEX["AU12"]]
        if self.deaf:
            frown = frown * (said.sum(1) == 0)
        open_, rounded = (said[:, ARTICULATORS.index(name)] for name in ("jaw_open", "lips_round"))
        mixed = ((self.gain * frown, brow), (smile, corners), (open_, jaw), (rounded, pucker))
        out = torch.zeros(len(au), len(features), N_OUTPUTS)
        for weight, mode in mixed:
            out[..., :3] += weight[:, None, None] * mode
        out[..., 0] += self.spill * brow.norm(dim=1).max() * frown[:, None]
        return out, None


def head(capture: Capture, **faults: Any) -> Avatar:
    """An avatar that sits on the capture's surface and moves like it, but for its faults."""
    surface = capture.surface
    assert surface is not None
    n = len(surface)
    gaussians = Gaussians(
        surface.points, facing(surface.normals), torch.full((n, 3), -6.0), torch.zeros(n), torch.zeros(n, 1, 3)
    )
    info = AvatarInfo("egg", "known", (), "articulators", 0, 0.2, (0.0, 0.0, 0.0), "CC0-1.0", "toy")
    deformer = cast(Deformer, KnownDeformer(surface, **faults))
    return Avatar(gaussians, surface.zones, Rig(surface.skinning, surface.pivots), deformer, info)
