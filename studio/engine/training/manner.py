"""How a tracked person's face follows its controls: not quite as the performer's whom the avatar starts from.

Brows of one rise twice as far, another smiles with one corner. The performer's law says which modes an expression
weighs how much; where those modes carry each landmark is learned from the clip, and stays the performer's where the
clip says nothing (a ridge regression, as in example-based facial rigging: Li, Weise and Pauly 2010). The other way
round, the same law says which intensities put the landmarks where they are seen (`read_units`): what single features
of a face say of its muscles fits no two people alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from torch import Tensor

from studio.document.action_units import AU_KEYS, MAX_INTENSITY
from studio.document.action_units import UPPER as UPPER_FACE
from studio.engine.training.capture import Capture
from studio.engine.training.prior import MESH_MARKS, Prior

F64 = NDArray[np.float64]
Flags = NDArray[np.bool_]
Law = Callable[[F64, F64], F64]
"""Mode weights (F, U) of intensities (F, 17) and articulation (F, 10)."""

UPPER = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
LOWER = (95, 88, 178, 87, 14, 317, 402, 318, 324)
AROUND = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146)
"""Landmarks of the lips' inner edges and of their outline."""

CHIN = (18, 83, 313, 200, 201, 421, 194, 418, 199, 204, 424, 152, 148, 377, 176, 400)
"""Landmarks between the lower lip and the chin's tip."""

_BROWS = (
    70, 63, 105, 66, 107, 55, 65, 52, 53, 46, 300, 293, 334, 296, 336, 285, 295, 282, 283, 276,
)  # fmt: skip
_LIDS = (33, 160, 159, 158, 133, 153, 144, 145, 263, 387, 386, 385, 362, 380, 373, 374)

_BALLS, _JAWED, _THREADS = ("eye_left", "eye_right"), ("teeth", "tongue", "mouth"), ("lash", "brow")

_AS_THEY_ARE = ("AU45", "blink_arc", "press", "tuck", "tongue_up", "tongue_out", "round_open")
"""Modes that make lids and lips meet: a person's meet too, whatever the landmarker sees of it."""

_REST_SHARE = 0.03
"""Share of a clip's pictures, the calmest with closed lips, that the face at rest is taken from."""

_GAP_COUNTS = 12.0
"""An opening as wide as the eye is counts as so many units of the sum of action units (each 0–1)."""

_HOLD = 10.0
"""Pictures of a mode at full weight that the performer's motion counts for.

Landmarks err by 1.5 mm, in ten pictures on end alike, and people's motion differs from hers by about as much.
"""

_LEAST = 0.75
"""Share of the performer's motion that a unit keeps at least: a unit that is read where it does not act fades else."""

_ELSEWHERE = 0.15
"""Share of a mode's greatest motion below which changes fade: a clip in which brows rise whenever the mouth twists must
not teach brows to twist the mouth."""

_MOST_ELSE = 0.6
"""Changes other than of strength are at most so large, as a share of the performer's motion."""

_ROUNDS = 2
"""Of reading intensities and learning motion by turns; a third changes little."""

_TRUST, _TRUST_MOUTH = 0.08, 0.15
"""Shares of full intensity by which what features say of a unit may be wrong: a frown is told well from raised brows,
what speech does to a mouth badly from what it expresses."""

_ERROR_M = 0.0012
_TELLING = 24.0
"""Landmarks err by about this much, and many of them alike: all say as much as so many numbers."""

_STEPS, _SWEEPS, _STRIDE = 6, 30, 0.04

_NEAR_M = 0.006
_REACH_M, _LENDERS, _OWN = 0.007, 12, 0.3
"""Standard deviation of the kernels that carry what landmarks do to the skin around them, how many lend to a point, and
how much it keeps of the performer's, counted in landmarks."""

_MOST_JAW = 0.5
"""Jaws drop by at most so much more or less than the performer's."""

_APART = 1.5
"""Points that move apart are apart: metres of motion by the jaw and in a blink count as so many of distance."""


@dataclass(frozen=True)
class Manner:
    """Where each mode carries the 468 landmarks of a person's face."""

    modes: F64  # (U, 468, 3) metres at a weight of 1, in the person's head space
    changes: F64  # (U, 468, 3) metres: what of these the performer's modes lack; 0 along z, which is seen poorly
    usual: F64  # (468, 3) metres off the face at rest where nothing acts

    def carried(self, weights: F64) -> F64:
        """(F, 468, 3) metres off the face at rest, of mode weights (F, U)."""
        moved = weights @ self.modes.reshape(len(self.modes), -1)
        return np.asarray(self.usual + moved.reshape(len(weights), *self.usual.shape))


def unchanged(performer: F64) -> Manner:
    """The manner of the performer herself, whose modes (U, 468, 3) are given."""
    return Manner(performer, np.zeros_like(performer), np.zeros(performer.shape[1:]))


def law_of(prior: Prior) -> Law:
    """The performer's law for arrays."""

    def law(au: F64, articulators: F64) -> F64:
        return np.asarray(prior.law(torch.from_numpy(au), torch.from_numpy(articulators)).double().numpy())

    return law


def modes_at(prior: Prior, head: F64) -> F64:
    """(U, 468, 3) metres: where the performer's modes would carry a person's landmarks.

    Lips touch at rest: there the jaw tells the points of the lower one from those of the upper.

    Args:
        prior: the performer.
        head: (≥ 468, 3) metres, the person's landmarks at rest.
    """
    bare = prior.bare
    skin = ~bare.of(*_BALLS, "teeth", "tongue", *_THREADS)
    places, modes = bare.points[skin], bare.modes[:, skin]
    jaw = np.linalg.norm(modes[bare.mode_names.index("jaw")], axis=1)
    tree = cKDTree(places)
    chosen = np.asarray(tree.query(prior.marks[:MESH_MARKS], k=3)[1])
    for mark in (*UPPER, *LOWER):
        near = np.array(tree.query_ball_point(prior.marks[mark], _NEAR_M))
        if len(near) >= 3:
            order = near[np.argsort(jaw[near])]
            chosen[mark] = order[:3] if mark in UPPER else order[-3:]
    slope = prior.warp(head).slope
    return np.asarray(np.einsum("umc,dc->umd", modes[:, chosen].mean(2).astype(np.float64), slope))


def manner_of(seen: F64, weights: F64, performer: F64, names: tuple[str, ...], other_side: NDArray[np.intp]) -> Manner:
    """Learns how a person moves.

    Args:
        seen: (F, 468, 3) metres off the face at rest, of pictures that may be learned from.
        weights: (F, U) of the modes in them.
        performer: (U, 468, 3) as `modes_at` has it.
        names: of the U modes.
        other_side: (468,) as `sides_of` has it.
    """
    free = [i for i, name in enumerate(names) if name not in (*_AS_THEY_ARE, "jaw_sealed")]
    left = seen - (weights @ performer.reshape(len(performer), -1)).reshape(seen.shape)
    usual, acting = left.mean(0), weights[:, free].mean(0)
    a, b = weights[:, free] - acting, (left - usual).reshape(len(left), -1)
    found = np.linalg.solve(a.T @ a + _HOLD * np.eye(len(free)), a.T @ b)
    changes = np.zeros_like(performer)
    changes[free] = found.reshape(len(free), *usual.shape)
    changes = _sane(changes, performer, other_side)
    if "jaw" in names and "jaw_sealed" in names:  # lips that are sealed over a dropped jaw stay so
        lips = [*UPPER, *LOWER, *AROUND]
        changes[names.index("jaw_sealed"), lips] = -changes[names.index("jaw"), lips]
    usual = left.mean(0) - np.einsum("u,umd->md", weights.mean(0), changes)
    return Manner(performer + changes, changes, usual)


def _sane(changes: F64, performer: F64, other_side: NDArray[np.intp]) -> F64:
    """Changes (U, 468, 3) that leave each mode what it is: as strong as it was or nearly, where it was, on both sides.

    What a face does on one side alone belongs to no control.
    """
    out = (changes + changes[:, other_side] * [-1.0, 1.0, 1.0]) / 2
    out[..., 2] = 0.0  # depth is seen poorly
    reach = np.linalg.norm(performer[..., :2], axis=2)
    reach = np.maximum(reach, reach[:, other_side])
    out *= np.clip(reach / (_ELSEWHERE * reach.max(1, keepdims=True) + 1e-9), 0.0, 1.0)[..., None]
    for mine, hers in zip(out[..., :2], performer[..., :2], strict=True):
        size = float((hers**2).sum())
        if size < 1e-12:
            mine[:] = 0.0
            continue
        along = float((mine * hers).sum()) / size
        rest = mine - along * hers
        rest *= min(1.0, _MOST_ELSE * size**0.5 / max(float((rest**2).sum()) ** 0.5, 1e-12))
        mine[:] = max(along, _LEAST - 1.0) * hers + rest
    return out


def sides_of(prior: Prior) -> NDArray[np.intp]:
    """(468,) the landmark that mirrors each."""
    marks = prior.marks[:MESH_MARKS]
    mirrored = marks * [-1.0, 1.0, 1.0] + [2 * float(marks[:, 0].mean()), 0.0, 0.0]
    found = np.asarray(cKDTree(marks).query(mirrored)[1])
    for row in (UPPER, LOWER):  # lips touch: the nearest may be the other lip's
        found[list(row)] = row[::-1]
    return found


def read_units(prior: Prior, head: F64, marks: F64, learn: Flags, au: F64, said: F64) -> F64:
    """Intensities that put the landmarks where they are seen, near those that features suggest.

    Args:
        prior: the performer whose law is followed.
        head: (≥ 468, 3) metres, the person's landmarks at rest.
        marks: (F, ≥ 468, 3) metres, landmarks in head space, of every picture.
        learn: (F,) pictures that the person's manner may be learned from.
        au: (F, 17) intensities 0–5 as features suggest them.
        said: (F, 10) articulation, taken as it is.

    Returns:
        (F, 17) intensities 0–5.
    """
    law, performer, names = law_of(prior), modes_at(prior, head), prior.bare.mode_names
    seen, sides = marks[:, :MESH_MARKS] - head[:MESH_MARKS], sides_of(prior)
    found = au
    for _ in range(_ROUNDS):
        manner = manner_of(seen[learn], law(found, said)[learn], performer, names, sides)
        found = MAX_INTENSITY * _closest(law, manner, seen, au / MAX_INTENSITY, said)
    return found


def _closest(law: Law, manner: Manner, seen: F64, suggested: F64, said: F64) -> F64:
    """(F, 17) shares of full intensity: landmarks and suggestion together, by Gauss and Newton within the bounds."""
    weight = np.full(MESH_MARKS, 0.5)
    weight[[*_BROWS, *_LIDS, *AROUND, *CHIN]] = 1.0
    weight[[*UPPER, *LOWER]] = 1.4  # the opening matters most
    rows = (manner.modes[..., :2] * weight[:, None]).reshape(len(manner.modes), -1)
    wanted = ((seen - manner.usual)[..., :2] * weight[:, None]).reshape(len(seen), -1) @ rows.T  # (F, U)
    gram = rows @ rows.T
    data, hold = _TELLING / (rows.shape[1] * _ERROR_M**2), np.full(len(AU_KEYS), 1.0 / _TRUST_MOUTH**2)
    hold[list(UPPER_FACE)] = 1.0 / _TRUST**2
    units = suggested.shape[1]
    x = np.clip(suggested, 0.0, 1.0)
    for _ in range(_STEPS):
        now = law(MAX_INTENSITY * x, said)
        slope = np.empty((*now.shape, units))
        for k in range(units):
            step = np.where(x[:, k] < 0.5, _STRIDE, -_STRIDE)
            there = x.copy()
            there[:, k] += step
            slope[..., k] = (law(MAX_INTENSITY * there, said) - now) / step[:, None]
        bent = np.einsum("uv,fvl->ful", gram, slope, optimize=True)
        matrix = data * np.matmul(slope.transpose(0, 2, 1), bent) + np.diag(hold)
        side = data * np.einsum("fuk,fu->fk", slope, wanted - now @ gram) + hold * (suggested - x)
        move = np.zeros_like(x)
        for _ in range(_SWEEPS):
            for k in range(units):
                slack = side[:, k] - np.einsum("fl,fl->f", matrix[:, k], move)
                move[:, k] = np.clip(move[:, k] + slack / matrix[:, k, k], -x[:, k], 1.0 - x[:, k])
        x = np.clip(x + 0.8 * move, 0.0, 1.0)
    return x


def personal_modes(prior: Prior, head: F64, manner: Manner, points: F64, modes: NDArray[np.float32]) -> F64:
    """(U, P, 3) metres: the performer's modes on a person's surface, changed to the person's.

    Landmarks lend their changes to the skin around them that moves as they do, so that lips that touch stay two. What
    lies inside the mouth goes with the jaw, by as much more or less as the chin does.

    Args:
        prior: the performer.
        head: (≥ 468, 3) metres, the person's landmarks at rest.
        manner: the person's.
        points: (P, 3) metres, the performer's bare surface on the person's head.
        modes: (U, P, 3) metres, the performer's there.
    """
    bare, performer = prior.bare, manner.modes - manner.changes
    jaw, blink = bare.mode_names.index("jaw"), bare.mode_names.index("AU45")
    marks = prior.warp(head)(prior.marks[:MESH_MARKS])
    lenders = np.concatenate([marks, _APART * performer[jaw], _APART * performer[blink]], axis=1)
    skin = ~bare.of(*_BALLS, *_JAWED)
    places = np.concatenate([points, _APART * modes[jaw], _APART * modes[blink]], axis=1)[skin]
    distance, near = (np.asarray(found) for found in cKDTree(lenders).query(places, k=_LENDERS))
    share = np.exp(-(distance**2) / (2 * _REACH_M**2))
    share /= share.sum(1, keepdims=True) + _OWN
    out = modes.astype(np.float64)
    out[:, skin] += np.einsum("umkc,mk->umc", manner.changes[:, near], share)
    chin = list(CHIN)
    size = float((performer[jaw, chin] ** 2).sum())
    gain = float((manner.changes[jaw, chin] * performer[jaw, chin]).sum()) / max(size, 1e-12)
    out[jaw, bare.of(*_JAWED)] *= 1.0 + float(np.clip(gain, -_MOST_JAW, _MOST_JAW))
    return out


def with_manner(capture: Capture, prior: Prior) -> tuple[Capture, Manner]:
    """The capture with its face at rest, lips closed, and how that face moves.

    Where the capture lacks the landmarks, as the performer's.
    """
    tracking, said = capture.tracking, capture.articulators
    assert tracking is not None
    assert said is not None
    learn = np.zeros(len(tracking.used), dtype=bool)
    learn[[capture.images[i].frame for i in capture.indices("train")]] = True
    learn &= tracking.used.numpy()
    followed = tracking.landmarks_3d.shape[1] >= MESH_MARKS and bool(learn.any())
    if followed:
        tracking = replace(tracking, head=rested(tracking.landmarks_3d, tracking.used, capture.au))
    head = tracking.head.double().numpy()
    performer = modes_at(prior, head)
    if followed:
        seen = tracking.landmarks_3d[:, :MESH_MARKS].double().numpy() - head[:MESH_MARKS]
        weights = prior.law(capture.au, said).double().numpy()
        manner = manner_of(seen[learn], weights[learn], performer, prior.bare.mode_names, sides_of(prior))
    else:
        manner = unchanged(performer)
    return replace(capture, tracking=tracking), manner


def rested(marks: Tensor, used: Tensor, au: Tensor) -> Tensor:
    """(P, 3) metres: a face's landmarks at rest.

    Somebody who speaks all the time rests between words with open lips, which a performer's closed ones cannot be bent
    to; pictures with closed lips are preferred even to calm ones.

    Args:
        marks: (F, P, 3) metres, landmarks in head space, P ≥ 468.
        used: (F,) bool, pictures that show the face; at least one.
        au: (F, 17) intensities 0–5.
    """
    eye = (marks[:, 33] - marks[:, 133]).norm(dim=1).median().clamp_min(1e-6)
    gap = (marks[:, 13] - marks[:, 14]).norm(dim=1) / eye
    action = au.sum(1) / MAX_INTENSITY + _GAP_COUNTS * gap
    action[~used] = torch.inf
    calm = action.argsort(stable=True)[: max(5, round(_REST_SHARE * int(used.sum())))]
    return marks[calm[used[calm]]].median(0).values
