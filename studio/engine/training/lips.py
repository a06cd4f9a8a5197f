"""What a tracked person's lips truly do, for training: the sound says it only about.

An avatar learns from pictures what it is told at that moment. Told by the sound alone, it is told of closed lips where
they are open and the other way round, and what it learns is their mean: a blurred mouth that hardly opens. At use the
sound drives; in training, articulation is corrected until the performer's law puts the lips where they are seen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from studio.engine.speech.articulators import ARTICULATORS
from studio.engine.training.capture import Capture
from studio.engine.training.manner import AROUND, CHIN, LOWER, UPPER, Manner
from studio.engine.training.prior import Prior
from studio.engine.training.tracking_files import Tracking

F64 = NDArray[np.float64]

SLIP_REACH_M = 0.012
"""Standard deviation of the kernels that carry what no control explains from landmarks to the skin around them."""

_ERROR_M = 0.0012
_TELLING = 16.0
"""Landmarks err by about this much, and those of one mouth alike: all say as much as so many numbers."""

_TRUST = 0.4
"""How far articulation lies from what the sound suggests."""

_STEPS = 8
_MOST_SLIP_M = 0.02


def with_lips_read(capture: Capture, prior: Prior, manner: Manner) -> Capture:
    """The capture with the articulation that the lips show."""
    assert capture.tracking is not None
    assert capture.articulators is not None
    seen = _articulation(capture.tracking, capture.au, capture.articulators, prior, manner)
    return replace(capture, articulators=seen)


@dataclass(frozen=True)
class Slips:
    """What lips and chin do in each picture that no control says: jaws pushed sideways, smiles of one corner.

    In training pictures are drawn with it; otherwise the mouth would be learned where it is on the mean, blurred.
    """

    places: Tensor  # (m, 3) metres: the landmarks at rest
    moves: Tensor  # (F, m, 3) metres, 0 along z and where nothing was seen

    def shares(self, points: Tensor) -> Tensor:
        """(N, m) of each landmark's slip that points (N, 3) take; they fade within centimetres."""
        near = torch.exp(-torch.cdist(points, self.places).square() / (2 * SLIP_REACH_M**2))
        shares: Tensor = near / (near.sum(1, keepdim=True) + 1.0)
        return shares


def slips_of(capture: Capture, prior: Prior, manner: Manner) -> Slips | None:
    """What `with_lips_read` left over; None where the capture lacks the landmarks."""
    tracking, said = capture.tracking, capture.articulators
    assert tracking is not None
    assert said is not None
    marks = [*UPPER, *LOWER, *AROUND, *CHIN]
    if tracking.landmarks_3d.shape[1] <= max(marks):
        return None
    weights = prior.law(capture.au, said).double().numpy()
    expected = torch.from_numpy(manner.carried(weights)[:, marks]).float()
    moves = tracking.landmarks_3d[:, marks] - tracking.head[marks] - expected
    moves[~tracking.used] = 0.0
    moves[..., 2] = 0.0  # depth is seen poorly
    moves = moves.clamp(-_MOST_SLIP_M, _MOST_SLIP_M)
    padded = torch.cat([moves[:1], moves, moves[-1:]])
    calm = torch.stack([padded[:-2], padded[1:-1], padded[2:]]).median(0).values
    usual = calm[tracking.used].median(0).values  # what is always so is the person's face
    return Slips(tracking.head[marks], (calm - usual) * tracking.used[:, None, None])


def _articulation(tracking: Tracking, au: Tensor, heard: Tensor, prior: Prior, manner: Manner) -> Tensor:
    """(F, 10) articulation nearest to what is heard that puts the lips where they are seen, where they are seen."""
    marks = [*UPPER, *LOWER, *AROUND]
    if tracking.landmarks_3d.shape[1] <= max(marks):
        return heard
    head = tracking.head.double().numpy()
    used = tracking.used.numpy()
    seen = (tracking.landmarks_3d.double().numpy()[used][:, marks] - head[marks] - manner.usual[marks])[..., :2]
    weight = np.repeat(np.where(np.isin(marks, AROUND), 0.7, 1.4), 2)  # the opening matters most
    modes = manner.modes[:, marks, :2].reshape(len(manner.modes), -1)
    free = [i for i, name in enumerate(ARTICULATORS) if name != "voice"]
    said, units = heard[used].double().numpy(), au[used]
    centre = said[:, free].copy()
    data = _TELLING / (modes.shape[1] * _ERROR_M**2)
    hold = 1.0 / _TRUST**2

    def shown(values: F64) -> F64:
        full = said.copy()
        full[:, free] = values
        return np.asarray(prior.law(units, torch.from_numpy(full)).double().numpy() @ modes)

    modes = modes * weight
    wanted = seen.reshape(len(seen), -1) * weight
    found = np.clip(centre, 0.02, 0.98)
    for _ in range(_STEPS):
        now = shown(found)
        slope = np.empty((*now.shape, len(free)))
        for k in range(len(free)):
            step = np.where(found[:, k] < 0.5, 0.04, -0.04)
            moved = found.copy()
            moved[:, k] += step
            slope[..., k] = (shown(moved) - now) / step[:, None]
        matrix = data * np.einsum("fdk,fdl->fkl", slope, slope) + hold * np.eye(len(free))
        side = data * np.einsum("fdk,fd->fk", slope, wanted - now) + hold * (centre - found)
        found = np.clip(found + 0.7 * np.linalg.solve(matrix, side[..., None])[..., 0], 0.0, 1.0)
    out = heard.clone()
    said[:, free] = found
    out[torch.from_numpy(used)] = torch.from_numpy(said).float()
    return out
