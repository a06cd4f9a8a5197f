"""Overlays on the head: colours for every Gaussian that tell its zone, its reach or what it listens to.

Prepared once per avatar and choice; they move with the face because they belong to its Gaussians.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from studio.document.action_units import ACTION_UNITS, AU_INDEX, MAX_INTENSITY
from studio.engine.aids import Inspection, Legend, Rgb
from studio.engine.avatar import Avatar
from studio.engine.controls import WINDOW, Controls
from studio.engine.deform import zones as zn
from studio.engine.deform.prepared import PreparedDeformer
from studio.engine.gaussians import SH_C0, Gaussians
from studio.engine.speech.articulators import N_ARTICULATORS

ZONE_COLOURS: tuple[Rgb, ...] = ((0.24, 0.62, 0.92), (0.95, 0.62, 0.20), (0.62, 0.48, 0.86))
"""Blue where speech rules, orange where action units do, violet between them; told apart by all kinds of sight."""

ZONE_LABELS = ("Mouth: speech rules", "Upper face: action units rule", "Synergy: both")

AU_TO_SPEECH: tuple[Rgb, ...] = ((0.93, 0.50, 0.12), (0.86, 0.86, 0.84), (0.16, 0.52, 0.88))
HEAT: tuple[Rgb, ...] = (
    (0.16, 0.11, 0.40),
    (0.52, 0.13, 0.51),
    (0.85, 0.27, 0.37),
    (0.98, 0.57, 0.25),
    (0.99, 0.93, 0.58),
)
"""Dark to light with steadily rising lightness, so that it reads without colour too."""

SEEN_M = 1e-4
"""A tenth of a millimetre: motion below it is not shown."""

_LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class Paint:
    """What one overlay does to N Gaussians."""

    colours: Tensor  # (N, 3) display sRGB
    cover: Tensor  # (N,) share of the colour at full opacity; the rest turns grey
    legend: Legend


class Overlays:
    """Overlays of one avatar; belongs to the renderer's thread.

    Args:
        avatar: whose Gaussians are painted.
        prepared: its deformer at work.
    """

    def __init__(self, avatar: Avatar, prepared: PreparedDeformer) -> None:
        self._avatar, self._prepared = avatar, prepared
        self._paint = lru_cache(maxsize=32)(self._make)

    def apply(self, gaussians: Gaussians, inspection: Inspection) -> tuple[Gaussians, Legend]:
        """The avatar's Gaussians, deformed and posed, in the overlay's colours; and how to read them."""
        paint = self._paint(inspection.kind, inspection.au)
        share = (paint.cover * inspection.opacity)[:, None]
        grey_share = (1 - paint.cover)[:, None] * inspection.opacity
        colour = 0.5 + SH_C0 * gaussians.sh[:, 0]
        luma = (colour @ colour.new_tensor(_LUMA)).clamp(0, 1)[:, None]
        shaded = paint.colours * (0.4 + 0.9 * luma)  # the face stays readable under the tint
        colour = colour * (1 - share - grey_share) + shaded * share + 0.75 * luma * grey_share
        detail = gaussians.sh[:, 1:] * (1 - inspection.opacity)
        return gaussians.replace(sh=torch.cat([((colour - 0.5) / SH_C0)[:, None], detail], 1)), paint.legend

    def displacement(self, au: str) -> Tensor:
        """(N,) metres that an action unit at level E moves each Gaussian of the silent, neutral face."""
        window = np.zeros((WINDOW, len(AU_INDEX)), np.float32)
        window[:, AU_INDEX[au]] = MAX_INTENSITY
        deltas = self._prepared.deltas(Controls(window, np.zeros((WINDOW, N_ARTICULATORS), np.float32)))
        moved: Tensor = deltas.means[0].norm(dim=1)
        return moved

    def attention(self) -> Tensor:
        """(N, 5) attention per modality (`zones.MODALITY_NAMES`), mean over heads, rows sum to 1; at rest."""
        avatar, deformer = self._avatar, self._avatar.deformer
        features = deformer.features(avatar.gaussians.means)
        like = features.new_zeros
        n_au, n_speech = deformer.config.n_au, deformer.config.n_speech
        keys, _ = deformer.tokens(like(1, WINDOW, n_au), like(1, WINDOW, n_speech), like(1, 5))
        weights = deformer.attention.weights(features, keys, avatar.zones)
        if weights.ndim == 4:
            weights = weights[0]
        mean = weights.mean(1)  # (N, tokens)
        modalities = deformer.attention.modalities
        return torch.stack([mean[:, modalities == m].sum(1) for m in range(len(zn.MODALITY_NAMES))], 1)

    def _make(self, kind: str, au: str) -> Paint:
        if kind == "zones":
            return self._zones()
        return self._attention() if kind == "attention" else self._reach(au)

    def _zones(self) -> Paint:
        zones = self._avatar.zones
        colours = self._like(ZONE_COLOURS)[zones]
        return Paint(colours, torch.ones_like(colours[:, 0]), Legend("Synergy zones", ZONE_COLOURS, ZONE_LABELS))

    def _reach(self, au: str) -> Paint:
        moved = self.displacement(au)
        top = float(moved.max()) if len(moved) else 0.0
        name = next(unit.name for unit in ACTION_UNITS if unit.key == au)
        if top < SEEN_M:
            plain = torch.zeros_like(moved)
            return Paint(self._like((HEAT[0],))[plain.long()], plain, Legend(f"{au} {name} moves nothing", (), ()))
        top = float(np.quantile(moved[moved > SEEN_M].cpu().numpy(), 0.995))
        top = max(_nice(top * 1e3) / 1e3, SEEN_M)
        share = (moved / top).clamp(0, 1)
        cover = ((share - 0.02) / 0.10).clamp(0, 1)
        labels = ("0", f"{top * 5e2:g}", f"{top * 1e3:g} mm")
        return Paint(self._ramp(HEAT, share), cover, Legend(f"{au} {name}, moved at level E", HEAT, labels, ramp=True))

    def _attention(self) -> Paint:
        by_modality = self.attention()
        speech = by_modality[:, zn.AUDIO]
        units = by_modality[:, zn.AU_UPPER] + by_modality[:, zn.AU_LOWER]
        share = speech / (speech + units).clamp_min(1e-9)
        moving = self._avatar.deformer.moving.to(share)
        listening = share[moving > 0] if bool(moving.any()) else share
        top = min(_nice(max(float(np.quantile(listening.cpu().numpy(), 0.98)), 1e-3)), 1.0)
        legend = Legend("Attention", AU_TO_SPEECH, ("Action units", f"Speech {top * 100:g} %"), ramp=True)
        return Paint(self._ramp(AU_TO_SPEECH, (share / top).clamp(0, 1)), moving, legend)

    def _like(self, colours: tuple[Rgb, ...]) -> Tensor:
        return self._avatar.gaussians.means.new_tensor(colours)

    def _ramp(self, colours: tuple[Rgb, ...], share: Tensor) -> Tensor:
        """(N, 3) colours along a ramp at shares (N,) in [0, 1]."""
        stops = self._like(colours)
        place = share * (len(colours) - 1)
        low = place.floor().long().clamp(0, len(colours) - 2)
        rest = (place - low)[:, None]
        return stops[low] * (1 - rest) + stops[low + 1] * rest


def _nice(value: float) -> float:
    """The next of 1, 1.5, 2, 3, 4, 5, 6, 8 times a power of ten that is at least `value`."""
    power = 10.0 ** float(np.floor(np.log10(value)))
    return next(
        float(f"{step * power:.3g}") for step in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if step * power >= value * 0.999
    )
