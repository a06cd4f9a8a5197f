"""Pictures of a capture, drawn with an avatar and compared with the true ones."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from studio.engine.measures.identity import FACING_DEG, Recogniser, alike
from studio.engine.measures.perceptual import PerceptualDistance
from studio.engine.metrics import Box, crop_psnr, psnr, ssim
from studio.engine.renderer import Renderer
from studio.engine.splat.compose import compose_rgba8
from studio.engine.training.capture import Capture

BACKGROUND = (0.5, 0.5, 0.5)
"""Pictures are compared over mid grey, which flatters neither dark nor bright fringes."""

YAW_BINS_DEG = (0, 15, 30, 45, 60, 75, 90)
"""Borders of the bins in which pictures are gathered by how far the face is turned away from the camera."""

FRONT_DEG, SIDE_DEG = (0.0, 15.0), (45.0, 75.0)
"""Angles whose pictures are compared for `view_drop_db`: the front, and around 60°."""

WORST = 4
"""How many of the least faithful pictures are named."""

SCORES = (
    "psnr_db",
    "ssim",
    "mouth_psnr_db",
    "head_psnr_db",
    "silhouette_error",
    "st_lpips",
    "identity_similarity",
    "identity_distance",
)
"""Figures of a picture; it need not have all."""

Scores = dict[str, float]


@dataclass(frozen=True)
class Truth:
    """One true picture and what is known of it, shared by all drivers of the mouth."""

    index: int
    picture: Tensor  # (H, W, 3) over `BACKGROUND`
    alpha: Tensor  # (H, W)
    mouth: Box | None
    head: Box | None
    features: list[Tensor] | None
    face: NDArray[np.float64] | None
    marks: dict[str, tuple[float, float]]


class PictureJudge:
    """Draws an avatar as a capture has filmed its performer.

    Args:
        avatar_renderer: draws the avatar.
        capture: the truth.
        perceptual: measures st_lpips, if given.
        recogniser: measures identity, if given.
    """

    def __init__(
        self,
        avatar_renderer: Renderer,
        capture: Capture,
        perceptual: PerceptualDistance | None = None,
        recogniser: Recogniser | None = None,
    ) -> None:
        self._renderer, self._capture = avatar_renderer, capture
        self._perceptual, self._recogniser = perceptual, recogniser

    def truth(self, index: int) -> Truth:
        """Image `index` of the capture."""
        capture = self._capture
        target = capture.target(index)
        picture = target.over(torch.tensor(BACKGROUND))
        marks: dict[str, tuple[float, float]] = {}
        if capture.landmarks is not None:
            places = capture.landmarks[index].tolist()
            marks = {name: (x, y) for name, (x, y) in zip(capture.info.landmarks, places, strict=True)}
        face = None
        if self._recogniser is not None and turned_deg(capture, index) < FACING_DEG:
            face = self._recogniser.embedding(_bytes(picture), marks)
        return Truth(
            index,
            picture,
            target.alpha,
            capture.mouth_box(index, capture.info.size_px),
            target.extent(),
            None if self._perceptual is None else self._perceptual.measured(picture),
            face,
            marks,
        )

    def draw(
        self, index: int, speech: NDArray[np.float32], au: NDArray[np.float32] | None = None
    ) -> tuple[Tensor, Tensor]:
        """(H, W, 3) the avatar's picture over `BACKGROUND`, in 8-bit steps, and its coverage (H, W).

        Args:
            index: of the capture's image.
            speech: (8, F) speech window.
            au: (8, 17) window of intensities in place of the capture's own.
        """
        capture = self._capture
        controls = capture.controls(capture.images[index].frame, speech)
        if au is not None:
            controls = type(controls)(au, controls.speech, controls.pose)
        raster = self._renderer.raster(controls, capture.camera_of(index))
        rgb = compose_rgba8(raster, BACKGROUND)[..., :3]
        return torch.from_numpy(rgb.astype(np.float32)) / 255, raster.alpha.cpu().clamp(0, 1)

    def score(self, truth: Truth, speech: NDArray[np.float32]) -> Scores:
        """Figures of the avatar's picture beside a true one."""
        picture, alpha = self.draw(truth.index, speech)
        scores = {
            "psnr_db": psnr(picture, truth.picture),
            "ssim": ssim(picture, truth.picture),
            "silhouette_error": silhouette_error(alpha, truth.alpha),
        }
        if truth.mouth is not None:
            scores["mouth_psnr_db"] = crop_psnr(picture, truth.picture, truth.mouth)
        if truth.head is not None:
            scores["head_psnr_db"] = crop_psnr(picture, truth.picture, truth.head)
        if self._perceptual is not None and truth.features is not None:
            scores["st_lpips"] = float(self._perceptual.between(self._perceptual.measured(picture), truth.features))
        if self._recogniser is not None and truth.face is not None:
            face = self._recogniser.embedding(_bytes(picture), truth.marks)
            scores |= {} if face is None else alike(face, truth.face)
        return scores


def silhouette_error(alpha: Tensor, truth: Tensor) -> float:
    """Area that only one of two coverages (H, W) has, over the true one's area; 0 is the same outline."""
    return float((alpha - truth).abs().sum() / truth.sum().clamp_min(1.0))


def mean_scores(scores: Sequence[Scores]) -> dict[str, float | None]:
    """Mean of each figure over the pictures that have it."""
    known = {name: [s[name] for s in scores if name in s] for name in SCORES}
    return {name: sum(values) / len(values) if values else None for name, values in known.items()}


def turned_deg(capture: Capture, index: int) -> float:
    """Angle in the horizontal plane between a picture's camera and where the head faces, 0–180°."""
    centre = capture.camera_of(index).position - np.asarray(capture.info.target)
    azimuth = math.degrees(math.atan2(centre[0], centre[2])) - float(capture.pose[capture.images[index].frame, 0])
    return abs((azimuth + 180.0) % 360.0 - 180.0)


def by_view(scores: Sequence[Scores], turned: Sequence[float]) -> dict[str, dict[str, float | int | None]]:
    """Means per bin of angle, for bins that hold pictures, with drop_db: how far PSNR falls behind the first bin's."""
    found: dict[str, dict[str, float | int | None]] = {}
    front = _mean_psnr(scores, turned, FRONT_DEG)
    for low, high in itertools.pairwise((*YAW_BINS_DEG, 180)):
        among = [s for s, angle in zip(scores, turned, strict=True) if low <= angle < high or angle == high == 180]
        if among:
            here = mean_scores(among)
            psnr_db = here["psnr_db"]
            drop = None if front is None or psnr_db is None else front - psnr_db
            found[f"{low}-{high}"] = {**here, "drop_db": drop, "pictures": len(among)}
    return found


def view_drop_db(scores: Sequence[Scores], turned: Sequence[float]) -> float | None:
    """How many dB of PSNR pictures around 60° (`SIDE_DEG`) fall behind those from the front (`FRONT_DEG`)."""
    front, side = (_mean_psnr(scores, turned, span) for span in (FRONT_DEG, SIDE_DEG))
    return None if front is None or side is None else front - side


def worst(capture: Capture, images: Sequence[int], scores: Sequence[Scores]) -> list[dict[str, float | int]]:
    """The least faithful pictures, worst first, by the mouth where it is seen."""
    ranked = sorted(zip(images, scores, strict=True), key=lambda pair: pair[1].get("mouth_psnr_db", pair[1]["psnr_db"]))
    return [
        {"image": i, "frame": capture.images[i].frame, "camera": capture.images[i].camera, **score}
        for i, score in ranked[:WORST]
    ]


def _mean_psnr(scores: Sequence[Scores], turned: Sequence[float], span: tuple[float, float]) -> float | None:
    among = [s["psnr_db"] for s, angle in zip(scores, turned, strict=True) if span[0] <= angle < span[1]]
    return sum(among) / len(among) if among else None


def _bytes(picture: Tensor) -> NDArray[np.uint8]:
    return np.asarray((picture.numpy() * 255 + 0.5).astype(np.uint8))
