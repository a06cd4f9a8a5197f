"""Aids for looking at a performance: what an overlay paints onto the head, and the ghost of another moment.

Plain values, so that they cross threads and need no torch; `overlays` computes the overlays' colours. An export uses
none of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from studio.engine.controls import Controls

InspectionKind = Literal["zones", "reach", "attention"]
Rgb = tuple[float, float, float]

GHOST_SHARE = 0.35
"""How much of the picture the ghost of another moment is."""


@dataclass(frozen=True)
class Inspection:
    """An overlay on the head.

    `zones` tints the three zones, `reach` shows how far one action unit moves every place at level E, `attention` how
    each place divides its attention between speech and action units.
    """

    kind: InspectionKind
    au: str = ""  # for `reach`, a key of `AU_KEYS`
    opacity: float = 0.8  # 0–1


@dataclass(frozen=True)
class Legend:
    """How to read an overlay: named colours, or a ramp with words or figures at its ends."""

    title: str
    colours: tuple[Rgb, ...]  # display sRGB: of `labels` one by one, or evenly along the ramp
    labels: tuple[str, ...]
    ramp: bool = False


@dataclass(frozen=True)
class Aids:
    """What a picture shows besides the performance."""

    inspection: Inspection | None = None
    ghost: Controls | None = None


NO_AIDS = Aids()
