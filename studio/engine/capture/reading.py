"""Action units of a clip, read once more from where the landmarks go.

What single features say of muscles (`actions`) was measured on performers and fits no person quite. An avatar of the
person moves by a performer's law, corrected to the person's manner; intensities that this law needs to put the
landmarks where they are seen are near those, and explain the face (`manner.read_units`). Landmarks are laid into the
head once more for it, as the pictures have corrected its pose.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from studio.document.action_units import MAX_INTENSITY
from studio.engine.capture.analysis import Clip
from studio.engine.capture.mesh import RIGID
from studio.engine.capture.pose import Tracked
from studio.engine.capture.smoothing import smooth
from studio.engine.training.manner import read_units, rested
from studio.engine.training.prior import load_prior
from studio.engine.training.recipes import find_recipe

F64 = NDArray[np.float64]

RECIPE = find_recipe("portrait")


def read_again(clip: Clip, train: list[int], *, units: bool = True) -> Clip:
    """The clip with landmarks as its poses leave them, and action units that put them there.

    Args:
        clip: with its final poses.
        train: pictures from which the person's manner may be learned.
        units: whether action units are read; otherwise they stay.
    """
    used = clip.sifted.used
    points = clip.points.copy()
    points[used] = placed(clip.seen.points.astype(np.float64), clip.track)[used]
    clip = replace(clip, points=points)
    if not units:
        return clip
    learn = np.zeros(len(points), dtype=bool)
    learn[train] = True
    au = np.clip(clip.actions.au, 0.0, MAX_INTENSITY)
    head = rested(torch.from_numpy(points), torch.from_numpy(used), torch.from_numpy(au)).numpy()
    prior = load_prior(RECIPE.prior, RECIPE.prior_points)
    found = read_units(prior, head, points, learn & used, au, clip.articulators)
    found = np.clip(smooth(found, used, clip.seen.time_s), 0.0, MAX_INTENSITY)
    return replace(clip, actions=replace(clip.actions, au=found))


def placed(marks: F64, track: Tracked) -> F64:
    """(F, n, 3) metres: landmarks (F, n, 3), pixels, in the head's own space; its rigid part says how deep."""
    scale = track.translation[:, 2] / track.focal
    middle = (track.rotation @ track.shape.mean(0) + track.translation)[:, 2]
    depth = middle[:, None] + (marks[..., 2] - marks[:, list(RIGID), 2].mean(1, keepdims=True)) * scale[:, None]
    seen = np.concatenate([(marks[..., :2] - track.centre) / track.focal * depth[..., None], depth[..., None]], axis=2)
    return np.asarray(np.einsum("fij,fni->fnj", track.rotation, seen - track.translation[:, None]))
