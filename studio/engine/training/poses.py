"""Expressions that a performance did not show, with the motion that its performer would have given them.

A performance is mostly speech: a unit alone on a silent face is rare in it, and what is rare is learned badly (a lip
tightener that speech weakens is learned as weak). Where the law from controls to motion is known exactly, such moments
need not be waited for.
"""

from __future__ import annotations

import torch
from torch import Tensor

from studio.document.action_units import MAX_INTENSITY
from studio.engine.controls import WINDOW
from studio.engine.motion_metrics import motion_law
from studio.engine.training.capture import Capture

SILENT = 0.85
"""Share of the expressions that are shown in silence; the others on what some frame of the performance says."""

ALONE = 0.7
"""Share of the expressions that are one unit alone; the others are two or three."""


class HeldPoses:
    """Random held expressions of a capture's performer.

    Args:
        capture: whose law and words are used.
    """

    def __init__(self, capture: Capture) -> None:
        self._law, self._kind = motion_law(capture)
        self._capture = capture

    @property
    def known(self) -> bool:
        """Whether the performer's law is exact; a fitted one would teach its own errors."""
        return self._kind == "performer"

    def draw(self, count: int, random: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Windows of intensities (S, 8, 17) and of articulation (S, 8, 10), held, and mode weights (S, U)."""
        capture = self._capture
        assert capture.articulators is not None
        units = capture.au.shape[1]
        shown = torch.rand(count, units, generator=random).argsort(1)[:, :3]
        levels = torch.rand(count, 3, generator=random) * MAX_INTENSITY
        levels[:, 1:] *= torch.rand(count, 1, generator=random) >= ALONE
        au = torch.zeros(count, units).scatter_(1, shown, levels)
        frames = torch.randint(capture.info.frames, (count,), generator=random)
        said = capture.articulators[frames] * (torch.rand(count, 1, generator=random) >= SILENT)
        held = (values[:, None].expand(-1, WINDOW, -1) for values in (au, said))
        return (*held, self._law(au, said))  # type: ignore[return-value]
