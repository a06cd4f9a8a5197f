"""How well lips and speech go together: SyncNet's confidence, distance and offset, and how often its judge is right.

Distances are Euclidean between unit vectors, 0 to 2, so that figures compare with one another but not with those of
the published SyncNet, whose vectors are longer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from studio.engine.judges.nets import FRAMES, MEL_BACK, MEL_STEP, SyncNet, shipped_sync
from studio.engine.speech.audio import Audio
from studio.engine.speech.mel import SAMPLE_RATE_HZ, mel_energies, normalise

MAX_OFFSET = 15
"""Frames by which speech is shifted either way, as SyncNet's authors do."""

FRAME_MS = 40.0

AVERAGED = (1, 25, 75)
"""Windows that are averaged before the best offset is chosen, for the judge's own accuracy: 0.2, 1.2 and 3.2 s."""


@dataclass(frozen=True)
class SyncFigures:
    """What the judge says of a shot."""

    confidence: float  # median minus smallest mean distance over the offsets (LSE-C); 0 for unrelated speech
    distance: float  # the smallest mean distance (LSE-D), 0 … 2
    offset_ms: float  # where it lies; positive where the sound comes later than the lips


@dataclass(frozen=True)
class Embedded:
    """Vectors of a shot of F frames."""

    windows: Tensor  # (F - 4, 64) lips around frames 2 … F - 3
    speech: Tensor  # (F, 64)
    glances: Tensor  # (F, 64) single frames
    speech_still: Tensor  # (F, 64) what they should lie near


def embed(net: SyncNet, mouths: Tensor, mel: Tensor) -> Embedded:
    """Vectors of mouth crops (F, 3, 48, 48) at 25 fps and the mel (T, 41) that begins with them."""
    frames = len(mouths)
    at = torch.arange(-MEL_BACK, MEL_STEP * (frames - 1) + MEL_BACK + 1).clamp(0, len(mel) - 1)
    with torch.inference_mode():
        features = torch.cat([net.mouths(part) for part in torch.split(mouths, 64)])
        window, still = net.speech(mel[at])
        return Embedded(net.windows(features), window, net.glances(features), still)


def sync_figures(mouths: Tensor, speech: Audio, net: SyncNet | None = None) -> SyncFigures:
    """Judge a shot.

    Args:
        mouths: (F, 3, 48, 48) mouth crops (`framing.cut`) at 25 fps, display sRGB in [0, 1].
        speech: what is heard from the first frame on.
        net: the judge; the shipped one if None.

    Raises:
        ValueError: if the shot is too short for the offsets to be tried.
    """
    if len(mouths) < 2 * MAX_OFFSET + FRAMES + 1:
        raise ValueError(f"a shot of {len(mouths)} frames is too short to judge its sync")
    mel = torch.from_numpy(normalise(mel_energies(speech.mono(SAMPLE_RATE_HZ))))
    found = embed(net or shipped_sync(), mouths, mel)
    return figures_of(offset_distances(found.windows, found.speech, FRAMES // 2).nanmean(1))


def figures_of(mean: Tensor) -> SyncFigures:
    """From mean distances (31,) per offset."""
    best = int(mean.argmin())
    offset = float(best - MAX_OFFSET)
    if 0 < best < len(mean) - 1:  # the vertex of the parabola through the smallest three
        before, here, after = (float(mean[best + i]) for i in (-1, 0, 1))
        bend = before - 2 * here + after
        offset += 0.5 * (before - after) / bend if bend > 1e-9 else 0.0
    smallest = float(mean[best])
    return SyncFigures(float(mean.median()) - smallest, smallest, FRAME_MS * offset)


def offset_distances(lips: Tensor, speech: Tensor, first: int) -> Tensor:
    """(31, W) distance of W windows from the speech 15 frames earlier … 15 later; NaN where there is none.

    Args:
        lips: (W, 64) of frames `first`, `first` + 1, …
        speech: (F, 64).
        first: see `lips`.
    """
    frames = torch.arange(len(lips)) + first
    rows = []
    for offset in range(-MAX_OFFSET, MAX_OFFSET + 1):
        at = frames + offset
        inside = (at >= 0) & (at < len(speech))
        distance = (lips - speech[at.clamp(0, len(speech) - 1)]).norm(dim=1)
        rows.append(torch.where(inside, distance, torch.nan))
    return torch.stack(rows)


def offset_shares(found: Embedded) -> dict[str, float]:
    """Share of moments whose best offset within ±15 frames is at most one frame off, by what is averaged.

    Moments near the ends have fewer offsets to choose from; those with fewer than 16 do not count.
    """
    shares: dict[str, float] = {}
    windows = offset_distances(found.windows, found.speech, FRAMES // 2)
    for count in AVERAGED:
        if windows.shape[1] >= count:
            share = _right(windows.unfold(1, count, 1).mean(2))
            shares |= {} if share is None else {f"{count} windows": share}
    share = _right(offset_distances(found.glances, found.speech_still, 0))
    return shares | ({} if share is None else {"1 frame": share})


def _right(distances: Tensor) -> float | None:
    """Share of the columns of (31, W) whose smallest entry is at most one row from the middle; None without any."""
    enough = distances.isfinite().sum(0) > MAX_OFFSET
    if not enough.any():
        return None
    best = distances[:, enough].nan_to_num(nan=torch.inf).argmin(0).numpy()
    return float(np.mean(np.abs(best - MAX_OFFSET) <= 1))
