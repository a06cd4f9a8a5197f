"""Which expressions a clip shows, and how strongly: what an avatar of it has seen, and what it has from its prior."""

from __future__ import annotations

from torch import Tensor

from studio.document.action_units import AU_KEYS, MAX_INTENSITY

AT_REST = 0.35
"""Intensities that detectors report of a face at rest now and then: nothing is seen up to here."""

HELD_FRAMES = 8
"""An intensity counts when so many frames in all, a third of a second, reach it: jitter's peaks are shorter."""


def seen_shares(au: Tensor, used: Tensor) -> dict[str, float]:
    """The share of each action unit's range that a clip shows.

    Intensities up to the one that `HELD_FRAMES` frames reach count as seen; those beyond come from the prior. Weak
    readings count less, down to nothing at `AT_REST`: share = (peak - rest) / (5 - rest).

    Args:
        au: (F, 17) intensities 0–5.
        used: (F,) bool, frames whose pictures are trained on.

    Returns:
        By action unit, 0 (never shown) to 1 (shown at its strongest).
    """
    shown = au[used]
    if not len(shown):
        return dict.fromkeys(AU_KEYS, 0.0)
    peaks = shown.sort(dim=0, descending=True).values[min(HELD_FRAMES, len(shown)) - 1]
    shares = ((peaks - AT_REST) / (MAX_INTENSITY - AT_REST)).clamp(0.0, 1.0)
    return {key: round(float(share), 3) for key, share in zip(AU_KEYS, shares, strict=True)}
