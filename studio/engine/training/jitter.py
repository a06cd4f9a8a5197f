"""Action units as a detector would estimate them from pictures, for training: what CIT-AE learns to see through.

The same model of a detector that performers use for trials (`studio.engine.performer.trials.detected`), written for
batches of short stretches of time: errors with a short memory that grow with intensity, and a unit that leaps or drops
out for a frame or two now and then. A filter learns to take away the noise that it was shown, and no more.
"""

from __future__ import annotations

import torch
from torch import Tensor

from studio.document.action_units import MAX_INTENSITY
from studio.engine.controls import WINDOW_FPS
from studio.engine.performer.trials import JITTER, JITTER_SHARE, MEMORY, SPIKES_PER_S


def jittered(au: Tensor, strength: Tensor, random: torch.Generator) -> Tensor:
    """Intensities as a detector reports them.

    Args:
        au: (S, T, K) true intensities 0–5 of T consecutive frames.
        strength: (S, 1, 1) of the errors; 1 is a detector's, 0 leaves the truth.
        random: source of the errors, on the CPU.

    Returns:
        (S, T, K) within 0–5.
    """
    errors = torch.randn(au.shape, generator=random)
    for at in range(1, au.shape[1]):
        errors[:, at] = MEMORY * errors[:, at - 1] + (1 - MEMORY**2) ** 0.5 * errors[:, at]
    begins = torch.rand(au.shape, generator=random) < SPIKES_PER_S / WINDOW_FPS
    leap = (1 + torch.rand(au.shape, generator=random)) * (torch.rand(au.shape, generator=random) < 0.5).float().mul(
        2
    ).sub(1)
    lasts = begins & (torch.rand(au.shape, generator=random) < 0.5)
    spikes = begins * leap
    spikes[:, 1:] += (lasts * leap)[:, :-1]
    return (au + strength * (errors * (JITTER + JITTER_SHARE * au) + spikes)).clamp(0.0, MAX_INTENSITY)
