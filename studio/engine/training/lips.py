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
from scipy.spatial import cKDTree
from torch import Tensor

from studio.engine.speech.articulators import ARTICULATORS
from studio.engine.training.capture import Capture
from studio.engine.training.prior import Prior
from studio.engine.training.tracking_files import Tracking

F64 = NDArray[np.float64]

UPPER = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
LOWER = (95, 88, 178, 87, 14, 317, 402, 318, 324)
AROUND = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146)
"""Landmarks of the lips' inner edges and of their outline."""

CHIN = (18, 83, 313, 200, 201, 421, 194, 418, 199, 204, 424, 152, 148, 377, 176, 400)
"""Landmarks between the lower lip and the chin's tip."""

SLIP_REACH_M = 0.012
"""Standard deviation of the kernels that carry what no control explains from landmarks to the skin around them."""

_REST_SHARE = 0.03
"""Share of a clip's pictures, the calmest with closed lips, that the face at rest is taken from."""

_GAP_COUNTS = 12.0
"""An opening as wide as the eye is counts as so many units of the sum of action units (each 0–1)."""

_NEAR_M = 0.006
_ERROR_M = 0.0012
_TELLING = 16.0
"""Landmarks err by about this much, and those of one mouth alike: all say as much as so many numbers."""

_TRUST = 0.4
"""How far articulation lies from what the sound suggests."""

_STEPS = 8
_MOST_SLIP_M = 0.02


def with_lips_read(capture: Capture, prior: Prior) -> Capture:
    """The capture with its face at rest, lips closed, and with the articulation that the lips show."""
    tracking, heard = capture.tracking, capture.articulators
    assert tracking is not None
    assert heard is not None
    tracking = replace(tracking, head=rested(tracking, capture.au))
    seen = _articulation(tracking, capture.au, heard, prior)
    return replace(capture, tracking=tracking, articulators=seen)


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


def slips_of(capture: Capture, prior: Prior) -> Slips | None:
    """What `with_lips_read` left over; None where the capture lacks the landmarks."""
    tracking, said = capture.tracking, capture.articulators
    assert tracking is not None
    assert said is not None
    marks = [*UPPER, *LOWER, *AROUND, *CHIN]
    if tracking.landmarks_3d.shape[1] <= max(marks):
        return None
    slope = prior.warp(tracking.head.double().numpy()).slope
    modes = np.einsum("umc,dc->umd", _modes_at(prior, CHIN), slope)
    weights = prior.law(capture.au, said).double().numpy()
    expected = torch.from_numpy(np.einsum("fu,umd->fmd", weights, modes)).float()
    moves = tracking.landmarks_3d[:, marks] - tracking.head[marks] - expected
    moves[~tracking.used] = 0.0
    moves[..., 2] = 0.0  # depth is seen poorly
    moves = moves.clamp(-_MOST_SLIP_M, _MOST_SLIP_M)
    padded = torch.cat([moves[:1], moves, moves[-1:]])
    calm = torch.stack([padded[:-2], padded[1:-1], padded[2:]]).median(0).values
    usual = calm[tracking.used].median(0).values  # what is always so is the person's face
    return Slips(tracking.head[marks], (calm - usual) * tracking.used[:, None, None])


def rested(tracking: Tracking, au: Tensor) -> Tensor:
    """(P, 3) metres: the face's landmarks at rest.

    Somebody who speaks all the time rests between words with open lips, which a performer's closed ones cannot be bent
    to; pictures with closed lips are preferred even to calm ones.

    Args:
        tracking: see there.
        au: (F, 17) intensities 0–5.
    """
    marks = tracking.landmarks_3d
    if marks.shape[1] <= max(AROUND) or not bool(tracking.used.any()):
        return tracking.head
    eye = (marks[:, 33] - marks[:, 133]).norm(dim=1).median().clamp_min(1e-6)
    gap = (marks[:, 13] - marks[:, 14]).norm(dim=1) / eye
    action = au.sum(1) / 5.0 + _GAP_COUNTS * gap
    action[~tracking.used] = torch.inf
    calm = action.argsort(stable=True)[: max(5, round(_REST_SHARE * int(tracking.used.sum())))]
    return marks[calm[tracking.used[calm]]].median(0).values


def _articulation(tracking: Tracking, au: Tensor, heard: Tensor, prior: Prior) -> Tensor:
    """(F, 10) articulation nearest to what is heard that puts the lips where they are seen, where they are seen."""
    marks = [*UPPER, *LOWER, *AROUND]
    if tracking.landmarks_3d.shape[1] <= max(marks):
        return heard
    head = tracking.head.double().numpy()
    used = tracking.used.numpy()
    seen = (tracking.landmarks_3d.double().numpy()[used][:, marks] - head[marks])[..., :2]
    weight = np.repeat(np.where(np.isin(marks, AROUND), 0.7, 1.4), 2)  # the opening matters most
    slopes = prior.warp(head).slope
    modes = np.einsum("umc,dc->umd", _modes_at(prior), slopes)[..., :2].reshape(len(prior.bare.mode_names), -1)
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


def _modes_at(prior: Prior, further: tuple[int, ...] = ()) -> F64:
    """(U, m, 3) how the performer's modes move the landmarks of her lips, and further ones."""
    bare = prior.bare
    outside = ~bare.of("teeth", "tongue", "eye_left", "eye_right", "lash", "brow")
    places, modes = bare.points[outside], bare.modes[:, outside]
    jaw = np.linalg.norm(modes[bare.mode_names.index("jaw")], axis=1)
    tree = cKDTree(places)
    rows = []
    for mark in (*UPPER, *LOWER, *AROUND, *further):
        near = np.array(tree.query_ball_point(prior.marks[mark], _NEAR_M))
        if mark not in (*UPPER, *LOWER) or len(near) < 3:
            chosen = tree.query(prior.marks[mark], k=3)[1]
        else:  # inner edges touch at rest: the jaw tells the lower from the upper
            order = near[np.argsort(jaw[near])]
            chosen = order[:3] if mark in UPPER else order[-3:]
        rows.append(modes[:, chosen].mean(1))
    return np.stack(rows, axis=1).astype(np.float64)
