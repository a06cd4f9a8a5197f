"""LMD: how far the avatar's landmarks are from the performer's, in pixels.

A capture knows where the performer's landmarks are in every picture. They are carried to the avatar without a
detector: a landmark's place at rest is triangulated from the pictures while the surface that it is on moves as the
capture says; then it is bound, as Gaussians are bound to the surface, to the avatar's nearest Gaussians that ought to
move alike. At rest both therefore coincide, and the distance is that of their motion, as a camera sees it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import Tensor

from studio.engine.avatar import Avatar
from studio.engine.camera import Camera
from studio.engine.controls import Pose
from studio.engine.measures.binding import Mover, attach, gaussian_normals
from studio.engine.rig import Rig
from studio.engine.training.capture import Capture, Surface

PICTURES = 200
"""At most this many pictures triangulate a landmark."""

CANDIDATES = 12
"""Surface points near a landmark whose motion is tried."""

NEAR = 24
"""Gaussians near a landmark among which three are chosen."""

BINDING_PX = 2.0
"""Landmarks that the surface's motion explains no better than this are not this surface's."""


@dataclass(frozen=True)
class Marks:
    """A capture's L landmarks on its surface."""

    points: Tensor  # (L, 3) metres at rest
    normals: Tensor  # (L, 3) unit, of the surface
    modes: Tensor  # (U, L, 3) metres
    skinning: Tensor  # (L, 4)
    mouth: Tensor  # (L,) bool, of lips and mouth
    residual_px: float  # root mean square distance of their projections from the capture's landmarks


def find_marks(capture: Capture) -> Marks | None:
    """Find landmarks on the surface.

    Returns:
        None where the capture knows no landmarks or no surface, or where they do not belong together (landmarks
        that a detector has guessed stay where they were guessed).
    """
    surface, names = capture.surface, capture.info.landmarks
    if surface is None or capture.landmarks is None or not names:
        return None
    picked = np.unique(np.linspace(0, len(capture.images) - 1, min(PICTURES, len(capture.images))).round().astype(int))
    seen = capture.landmarks[torch.from_numpy(picked)].double()
    views = _Views(capture, picked.tolist())
    tree = cKDTree(surface.points.double().numpy())
    found = [_on_surface(views, seen[:, i], surface, tree) for i in range(len(names))]
    points, rows, weight = (torch.stack(each) for each in zip(*found, strict=True))
    modes = torch.einsum("lk,ulkc->ulc", weight, surface.modes[:, rows])
    skinning = torch.einsum("lk,lkj->lj", weight, surface.skinning[rows])
    motion = torch.einsum("iu,ulc->ilc", views.weights, modes.double())
    shown = torch.stack([views.project(points[i].double(), motion[:, i], skinning[i]) for i in range(len(names))], 1)
    residual = float((shown - seen).square().sum(2).mean().sqrt())
    if residual > BINDING_PX:
        return None
    mouth = torch.tensor(["lip" in name.lower() or "mouth" in name.lower() for name in names])
    return Marks(points.float(), surface.normals[rows[:, 0]], modes, skinning, mouth, residual)


def front_camera(capture: Capture) -> Camera:
    """The capture's camera that is nearest to the front of a head that looks ahead."""

    def aside(camera: Camera) -> float:
        x, y, z = camera.position - np.asarray(capture.info.target)
        return float(np.hypot(x, y) / max(float(np.linalg.norm([x, y, z])), 1e-9)) + (2.0 if z <= 0 else 0.0)

    return min(capture.cameras, key=aside)


class LandmarkJudge:
    """Compares landmarks of one avatar with those of one capture, as the capture's front camera sees them.

    Args:
        avatar: the head.
        capture: the truth.
        marks: its landmarks.
    """

    def __init__(self, avatar: Avatar, capture: Capture, marks: Marks) -> None:
        surface = capture.surface
        assert surface is not None
        self._capture, self._marks, self._camera = capture, marks, front_camera(capture)
        self._rigs = (Rig(marks.skinning, surface.pivots), avatar.rig)
        index, at, self._weight = _near_gaussians(avatar, surface, marks)
        self._mover, self._at = Mover(avatar, index), at
        rows = torch.einsum("lk,lkj->lj", self._weight, avatar.rig.weights[index][at])
        self._skinning = (marks.skinning, rows)

    def measure(self, frames: Sequence[int], au: Tensor, speech: Tensor) -> dict[str, float]:
        """Mean distances over frames.

        Args:
            frames: (S,) of the performance; their head pose and gaze are those of both.
            au: (S, 8, 17) windows of intensities that the avatar is given.
            speech: (S, 8, F) speech windows.

        Returns:
            lmd_px over landmarks of lips and mouth, lmd_face_px over all, in pixels of the capture's pictures.
        """
        at = torch.as_tensor(frames)
        pose = self._capture.pose[at]
        surface = self._capture.surface
        assert surface is not None
        true = torch.einsum("su,ulc->slc", surface.mode_weights[at], self._marks.modes)
        moved = self._mover.motion(au, speech, pose)[:, self._at]  # (S, L, 3, 3)
        shown = torch.einsum("lk,slkc->slc", self._weight, moved)
        pixels = [
            _project(_posed(self._marks.points + motion, pose, rig, skinning), self._camera)
            for motion, rig, skinning in zip((true, shown), self._rigs, self._skinning, strict=True)
        ]
        distance = (pixels[0] - pixels[1]).norm(dim=2).mean(0)
        found = {"lmd_face_px": float(distance.mean())}
        if bool(self._marks.mouth.any()):
            found["lmd_px"] = float(distance[self._marks.mouth].mean())
        return found


class _Views:
    """What is known of the pictures that triangulate: cameras, rig, and the weights of the surface's modes."""

    def __init__(self, capture: Capture, images: Sequence[int]) -> None:
        surface = capture.surface
        assert surface is not None
        frames = [capture.images[i].frame for i in images]
        cameras = [capture.camera_of(i) for i in images]
        joints = [Rig(surface.skinning, surface.pivots).transforms(capture.pose_at(frame)) for frame in frames]
        self.turn = torch.stack([turn for turn, _ in joints]).double()  # (I, 4, 3, 3)
        self.shift = torch.stack([shift for _, shift in joints]).double()  # (I, 4, 3)
        self.matrix = torch.tensor(np.stack([c.intrinsics @ c.world_to_camera[:3] for c in cameras]))  # (I, 3, 4)
        self.weights = surface.mode_weights[torch.tensor(frames)].double()  # (I, U)

    def map(self, motion: Tensor, skinning: Tensor) -> tuple[Tensor, Tensor]:
        """Matrix (I, 3, 3) and offset (I, 3) from a place at rest to its homogeneous pixels."""
        skinning = skinning.double()
        turn = torch.einsum("j,ijab->iab", skinning, self.turn)
        shift = torch.einsum("j,ija->ia", skinning, self.shift) + torch.einsum("iab,ib->ia", turn, motion)
        camera = self.matrix[:, :, :3]
        return camera @ turn, torch.einsum("iab,ib->ia", camera, shift) + self.matrix[:, :, 3]

    def project(self, point: Tensor, motion: Tensor, skinning: Tensor) -> Tensor:
        """(I, 2) pixels of a place (3,) at rest that moves by `motion` (I, 3)."""
        matrix, offset = self.map(motion, skinning)
        seen = matrix @ point + offset
        return seen[:, :2] / seen[:, 2:]

    def triangulate(self, seen: Tensor, motion: Tensor, skinning: Tensor) -> tuple[Tensor, float]:
        """The place (3,) at rest that is seen at pixels (I, 2), and its root mean square error in pixels."""
        matrix, offset = self.map(motion, skinning)
        rows = seen[:, :, None] * matrix[:, None, 2] - matrix[:, :2]  # (I, 2, 3): zero where the pixel is right
        right = offset[:, :2] - seen * offset[:, 2:]
        point = matrix.new_zeros(3)
        depth = matrix.new_ones(len(matrix))
        for _ in range(2):  # the second time, errors count in pixels
            a, b = (rows / depth[:, None, None]).reshape(-1, 3), (right / depth[:, None]).reshape(-1)
            normal = a.T @ a
            point = torch.linalg.solve(normal + 1e-12 * normal.diagonal().mean() * torch.eye(3), a.T @ b)
            depth = ((matrix @ point)[:, 2] + offset[:, 2]).abs().clamp_min(1e-6)
        error = self.project(point, motion, skinning) - seen
        return point, float(error.square().sum(1).mean().sqrt())


def _on_surface(views: _Views, seen: Tensor, surface: Surface, tree: cKDTree) -> tuple[Tensor, Tensor, Tensor]:
    """A landmark's place (3,) at rest, and the three surface points (3,) with shares (3,) whose motion explains it."""
    still = torch.zeros(len(seen), 3, dtype=torch.float64)
    point, _ = views.triangulate(seen, still, torch.tensor([0.0, 1.0, 0.0, 0.0]))
    near = min(CANDIDATES, len(surface))
    for _ in range(2):
        candidates = np.atleast_1d(tree.query(point.numpy(), k=near)[1])
        tried = [
            (*views.triangulate(seen, views.weights @ surface.modes[:, row].double(), surface.skinning[row]), row)
            for row in candidates.tolist()
        ]
        tried.sort(key=lambda one: one[1])
        point = tried[0][0]
    best = tried[:3]
    rows = torch.tensor([row for _, _, row in best])
    share = torch.tensor([1.0 / (error**2 + 1e-4) for _, error, _ in best])
    weight = share / share.sum()
    motion = torch.einsum("iu,ukc,k->ic", views.weights, surface.modes[:, rows].double(), weight.double())
    point, _ = views.triangulate(seen, motion, weight @ surface.skinning[rows])
    return point, rows, weight


def _near_gaussians(avatar: Avatar, surface: Surface, marks: Marks) -> tuple[Tensor, Tensor, Tensor]:
    """Three Gaussians per landmark: those near it whose places on the surface move as the landmark does.

    Returns:
        (G,) Gaussians in use, (L, 3) positions in it, (L, 3) shares.
    """
    means, quats = avatar.gaussians.means.detach().cpu(), avatar.gaussians.quats.detach().cpu()
    near = min(NEAR, len(means))
    distance, found = cKDTree(means.double().numpy()).query(marks.points.double().numpy(), k=near)
    index, flat = np.unique(np.asarray(found).reshape(-1), return_inverse=True)
    at = torch.from_numpy(flat.reshape(-1, near))
    used = torch.from_numpy(index)
    inherited = attach(means[used], gaussian_normals(quats[used]), surface).modes(surface)  # (U, G, 3)
    usual = surface.mode_weights.square().mean(0).sqrt()
    unlike = ((inherited[:, at] - marks.modes[:, :, None]) * usual[:, None, None, None]).square().sum((0, 3))
    cost = torch.from_numpy(np.asarray(distance).reshape(-1, near)).float().square() + unlike
    best = cost.argsort(1)[:, :3]
    share = 1.0 / (cost.gather(1, best) + 1e-10)
    return used, at.gather(1, best), share / share.sum(1, keepdim=True)


def _posed(points: Tensor, pose: Tensor, rig: Rig, skinning: Tensor) -> Tensor:
    """(S, L, 3) canonical places (S, L, 3) in the poses (S, 5)."""
    joints = [rig.transforms(Pose(*row.tolist())) for row in pose]
    turn = torch.einsum("lj,sjab->slab", skinning, torch.stack([t for t, _ in joints]))
    shift = torch.einsum("lj,sja->sla", skinning, torch.stack([s for _, s in joints]))
    return torch.einsum("slab,slb->sla", turn, points) + shift


def _project(points: Tensor, camera: Camera) -> Tensor:
    """(S, L, 2) pixels of places (S, L, 3)."""
    matrix = torch.tensor(camera.intrinsics @ camera.world_to_camera[:3], dtype=points.dtype)
    seen = points @ matrix[:, :3].T + matrix[:, 3]
    return seen[..., :2] / seen[..., 2:]
