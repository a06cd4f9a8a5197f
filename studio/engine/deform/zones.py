"""Zones of the face and modalities of the control signals: who may speak where.

EmoZone-Talker partitions the canonical face into a mouth zone that speech rules, an upper-face zone that action
units rule, and a synergy zone between them (eq. 3). Lower-face action units are a modality of their own, beyond the
paper: they may act on the mouth on top of speech, so that a smile can be added to a talking mouth.
"""

from __future__ import annotations

from studio.document.action_units import UPPER

ZONE_MOUTH, ZONE_UPPER, ZONE_SYNERGY = range(3)
"""Zone labels of Gaussians: Z_A audio-dominant, Z_E expression-dominant, Z_S synergy."""

ZONE_NAMES: tuple[str, ...] = ("Z_A mouth", "Z_E upper face", "Z_S synergy")

AUDIO, AU_UPPER, AU_LOWER, HEAD, NULL = range(5)
"""Modalities of tokens, the columns of the region bias."""

MODALITY_NAMES: tuple[str, ...] = ("audio", "upper-face AUs", "lower-face AUs", "head pose", "null")

SUPPRESSED: tuple[tuple[int, int], ...] = (
    (ZONE_MOUTH, AU_UPPER),
    (ZONE_UPPER, AUDIO),
    (ZONE_UPPER, AU_LOWER),
)
"""(zone, modality) pairs whose bias starts at `SUPPRESSION`; every other pair starts at 0."""

SUPPRESSION = -4.0
"""Initial bias of suppressed pairs: e⁻⁴ ≈ 1/55 of the weight, weak but not gone, so that training can reopen it."""


def token_modalities(n_au: int) -> tuple[int, ...]:
    """Modality of every token in order: audio, `n_au` action units (upper face first), head pose, null."""
    n_upper = min(n_au, len(UPPER))
    return (AUDIO, *[AU_UPPER] * n_upper, *[AU_LOWER] * (n_au - n_upper), HEAD, NULL)
