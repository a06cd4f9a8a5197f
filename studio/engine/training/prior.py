"""What a portrait's avatar starts from: a performer whose face, motion and trained deformer are known.

A performer's surface follows every control by a known law, and a shipped avatar of the same performer has learned it.
Bent onto a tracked person's face, both say how expressions and speech would move it that the person's clip never shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file
from scipy.spatial import cKDTree
from torch import Tensor, nn

from studio.document.action_units import AU_KEYS, MAX_INTENSITY
from studio.engine.assets import assets_dir
from studio.engine.avatar import Avatar, find_avatar, load_avatar
from studio.engine.controls import WINDOW
from studio.engine.deform.deformer import HEADS, Deformer
from studio.engine.measures.binding import gaussian_normals
from studio.engine.speech.articulators import N_ARTICULATORS
from studio.engine.training.warp import FaceWarp, fit_warp
from studio.errors import StudioError

F64 = NDArray[np.float64]

MESH_MARKS = 468
"""Landmarks of the face's mesh; the ten of the irises after them follow the gaze and bend nothing."""

EYES: tuple[tuple[int, ...], tuple[int, ...]] = (
    (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466),
    (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246),
)
"""Landmarks around the left and the right eye; the first and the ninth of each are its corners."""

SEED = 7

_UNITS = len(AU_KEYS)
_CANDIDATES, _TWINS = 24, 4
_BLEND_M = 0.001
_MOTION_COUNTS = 4.0
"""A millimetre of motion, averaged over all controls, counts as so many of distance: most controls move no point."""


@dataclass(frozen=True)
class Bare:
    """A performer's surface without hair, P points in the performer's head space."""

    points: F64  # (P, 3) metres
    normals: F64  # (P, 3)
    colours: F64  # (P, 3) display sRGB
    parts: NDArray[np.uint8]  # (P,) index into `part_names`
    zones: NDArray[np.uint8]  # (P,)
    skinning: F64  # (P, 4)
    modes: NDArray[np.float32]  # (U, P, 3) metres
    scalp: F64  # (P,) 1 where hair grows, 0 on the face
    part_names: tuple[str, ...]
    mode_names: tuple[str, ...]
    pivots: F64  # (4, 3) metres
    height_m: float  # of the head

    def of(self, *names: str) -> NDArray[np.bool_]:
        """(P,) which points belong to one of the named parts."""
        return np.isin(self.parts, [self.part_names.index(name) for name in names])


@dataclass(frozen=True)
class Prior:
    """A performer: bare surface, landmarks, and the avatar that was trained on it."""

    name: str
    bare: Bare
    marks: F64  # (478, 3) metres: where the landmarks are
    seen: F64  # (478, 3) metres: where the landmarker sees them
    avatar: Avatar

    def warp(self, head: F64) -> FaceWarp:
        """The map onto a person whose tracked neutral landmarks are `head` (≥ 468, 3)."""
        rows = slice(0, MESH_MARKS)
        return fit_warp(self.marks[rows], self.seen[rows], head[rows])

    def law(self, au: Tensor, articulators: Tensor) -> Tensor:
        """(S, U) mode weights of intensities (S, 17) and articulation (S, 10)."""
        from studio.engine.performer.mapping import mode_weights

        return torch.from_numpy(mode_weights(au.double().numpy(), articulators.double().numpy())).float()

    @torch.no_grad()
    def deformer(self, points: Tensor, sources: Tensor, normals: Tensor, slope: Tensor) -> Deformer:
        """The avatar's deformer for other Gaussians: each moves as the one of the performer's that fits its source.

        The tri-planes are stretched over the new points; what a performer's Gaussian had beyond them goes into the
        residual of those that take after it. Motion grows with the head.

        Args:
            points: (N, 3) metres, the Gaussians in the person's head space.
            sources: (N, 3) metres, where they come from in the performer's.
            normals: (N, 3) unit, there.
            slope: (3, 3) how small steps in the performer's head space are carried into the person's.
        """
        old = self.avatar.deformer
        fresh = Deformer.for_means(old.config, points)
        state = {k: v for k, v in old.state_dict().items() if k not in ("residual", "moving", "triplane.aabb")}
        fresh.load_state_dict(state, strict=False)
        rows, shares = self._twins(sources, normals)
        features = old.triplane(self.avatar.gaussians.means) + old.residual
        fresh.residual = nn.Parameter((features[rows] * shares[..., None]).sum(1) - fresh.triplane(points))
        motion = HEADS["means"]
        fresh.head_out.weight[motion] = slope @ fresh.head_out.weight[motion]
        return fresh

    def _twins(self, sources: Tensor, normals: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 4) the avatar's Gaussians that fit best, and their shares: near, facing and moving as the source does.

        Lips and lids touch at rest; only their motion tells the upper from the lower. A single one's own errors would
        rip the skin open between neighbours that take after different ones.
        """
        means, zones = self.avatar.gaussians.means, self.avatar.zones
        places = sources.double().numpy()
        distance, near = cKDTree(means.double().numpy()).query(places, k=_CANDIDATES)
        facing = gaussian_normals(self.avatar.gaussians.quats)
        agree = torch.einsum("nc,nkc->nk", normals, facing[near]).abs()
        au = torch.cat([MAX_INTENSITY * torch.eye(_UNITS), torch.zeros(N_ARTICULATORS, _UNITS)])
        said = torch.cat([torch.zeros(_UNITS, N_ARTICULATORS), torch.eye(N_ARTICULATORS)])
        windows = (values[:, None].expand(-1, WINDOW, -1) for values in (au, said))
        has = self.avatar.deformer(means, zones, *windows, torch.zeros(len(au), 5)).means
        modes = torch.from_numpy(self.bare.modes[:, cKDTree(self.bare.points).query(places)[1]])
        wanted = torch.einsum("su,unc->snc", self.law(au, said), modes)
        apart = torch.zeros(near.shape)
        for shown, true in zip(has, wanted, strict=True):
            apart += (shown[near] - true[:, None]).square().sum(2)
        apart = (apart / len(au)).sqrt()
        score = torch.from_numpy(distance).float() + 0.002 * (1.0 - agree) + _MOTION_COUNTS * apart
        best, at = score.topk(_TWINS, dim=1, largest=False)
        return torch.from_numpy(near).gather(1, at), torch.softmax(-best / _BLEND_M, dim=1)


@lru_cache(maxsize=2)
def load_prior(name: str, points: int) -> Prior:
    """A shipped performer as a prior; cached.

    Args:
        name: of the performer, of its avatar and of its landmarks.
        points: how many surface points to scatter.

    Raises:
        StudioError: something of it is missing.
    """
    path = assets_dir() / "portrait" / f"{name}_face.safetensors"
    try:
        marks = load_file(path)
        true, seen = (marks[key].astype(np.float64) for key in ("points", "seen"))
    except (OSError, SafetensorError, KeyError) as error:
        raise StudioError(f"{path} is missing or damaged: install EmoZone Studio again.") from error
    return Prior(name, _bare(name, points), true, seen, load_avatar(find_avatar(name)))


def _bare(name: str, count: int) -> Bare:
    """The performer's surface without hair."""
    from studio.engine.performer.hair import scalp_mask
    from studio.engine.performer.head import FACE
    from studio.engine.performer.mapping import MODES
    from studio.engine.performer.performer import load_performer
    from studio.engine.performer.sampling import PARTS, sample_surface
    from studio.engine.performer.strands import brows, lashes

    performer = load_performer(name)
    head, anatomy = performer.head, performer.anatomy
    rng = np.random.default_rng(SEED)
    samples = sample_surface(performer, [brows(head, rng), lashes(head, rng)], count, rng)
    mask = scalp_mask(head, anatomy) * (head.island == FACE)
    nearest = cKDTree(anatomy.rest).query(samples.points)[1]
    skin = samples.parts == PARTS.index("skin")
    return Bare(
        samples.points,
        samples.normals,
        samples.colours,
        samples.parts,
        samples.zones,
        samples.skinning,
        samples.modes,
        mask[nearest] * skin,
        PARTS,
        MODES,
        np.asarray(head.pivots, np.float64),
        float(head.height),
    )
