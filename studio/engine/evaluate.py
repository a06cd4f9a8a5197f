"""How well an avatar reproduces a capture that it has not seen: pictures and motion of the face against the truth.

By default speech comes from the sound, through the same encoder as in the studio, so that the figures say what a user
gets; with the capture's true articulation they say what the head alone could do.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from studio.engine.avatar import Avatar
from studio.engine.metrics import crop_psnr, psnr, ssim
from studio.engine.motion_metrics import MotionJudge, measured_frames, moves
from studio.engine.motion_metrics import Speech as SpeechWindows
from studio.engine.renderer import Renderer
from studio.engine.training.capture import Capture, Split
from studio.errors import StudioError

Speech = Literal["sound", "truth"]

BACKGROUND = (0.5, 0.5, 0.5)
"""Pictures are compared over mid grey, which flatters neither dark nor bright fringes."""

NOT_MEASURED = ("st_lpips", "lmd_px", "sync_confidence", "sync_offset_ms")
"""Metrics of the contract that need judges; null until there are some."""

OF_MOTION = ("motion_error", "motion_error_mm", "aue_u", "aue_l", "aue_per_au", "au_jerk", "au_jerk_truth")
OF_TRIALS = ("conflict_error", "conflict_per_kind", "noise")
OF_UNITS = ("leakage", "response_e", "monotonic", "per_au")
"""Metrics that need the true motion of the surface; null where a capture does not know it."""

YAW_BINS_DEG = (0, 15, 30, 45, 60, 75, 90)
"""Borders of the bins in which pictures are gathered by how far the face is turned away from the camera."""

WORST = 4
"""How many of the least faithful pictures are named."""


def evaluate(
    avatar: Avatar,
    capture: Capture,
    *,
    split: Split = "test",
    speech: Speech = "sound",
    backend: str = "auto",
    pictures: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Draw every picture of a split and compare; compare the motion of the surface where it is known.

    Args:
        avatar: the head.
        capture: the truth.
        split: which pictures.
        speech: `sound` drives the mouth from speech.wav, and reports the capture's true articulation beside it;
            `truth` uses the true articulation alone.
        backend: of the renderer.
        pictures: whether pictures are drawn; motion alone takes seconds.
        progress: hears (pictures done, pictures in all).

    Returns:
        Means over the pictures: psnr_db, ssim, mouth_psnr_db, head_psnr_db (the crop that the mask fills), `views`
        (the same by how far the face is turned away: "0-15" degrees and so on, with the number of pictures) and
        `worst` (number, frame, camera and psnr_db of the least faithful, by the mouth if it is seen). Of the motion
        what `MotionJudge.performance` returns, and of the action units per_au from `MotionJudge.responses` with
        leakage and response_e (means over units) and monotonic (share of units). What they were measured with; what
        depends on speech also from the truth under `truth` where speech is the sound. Null for every metric that is
        not measured.

    Raises:
        StudioError: if the capture has no pictures of the split, its sound cannot be read, or it neither has pictures
            to draw nor knows its motion.
    """
    images = capture.indices(split)
    if not images:
        raise StudioError(f"The capture {capture.root} has no pictures of the split {split!r}: record it with some.")
    drivers: dict[Speech, _Driver] = {}
    if speech == "sound":
        drivers["sound"] = _sound(capture)
    if speech == "truth" or capture.articulators is not None:
        drivers["truth"] = lambda frame: capture.articulator_windows([frame])[0].numpy()
    known = capture.surface is not None and moves(capture.surface)
    judge = MotionJudge(avatar, capture) if known else None
    if judge is None and not pictures:
        raise StudioError(f"{capture.root} does not know its surface motion; measure its pictures instead.")
    measured: dict[Speech, dict[str, Any]] = {kind: dict.fromkeys((*OF_MOTION, *OF_TRIALS)) for kind in drivers}
    units: dict[str, Any] = dict.fromkeys(OF_UNITS)
    facts: dict[str, Any] = {"split": split, "speech": speech}
    if judge is not None:
        frames = measured_frames(capture, [capture.images[i].frame for i in images]).tolist()
        for kind, driver in drivers.items():
            measured[kind] = judge.performance(frames, _windows(driver))
        units = _of_units(judge.responses())
        facts |= {"frames": len(frames), "bound_gaussians": len(judge.bound.index), "law": judge.law}
        facts["binding_mm"] = 1e3 * judge.bound.distance_m
    if pictures:
        renderer = Renderer(avatar, backend=backend)
        scores: dict[Speech, list[dict[str, float]]] = {kind: [] for kind in drivers}
        for done, index in enumerate(images):
            for kind, driver in drivers.items():
                scores[kind].append(_score(renderer, capture, index, driver))
            if progress is not None:
                progress(done + 1, len(images))
        for kind, each in scores.items():
            turned = _turned_deg(capture, images)
            measured[kind] = {**_mean(each), **measured[kind], "views": _views(each, turned)}
            measured[kind]["worst"] = _worst(capture, images, each)
        facts |= {"pictures": len(images), "backend": renderer.backend}
    else:
        measured = {kind: {**_mean([]), **found} for kind, found in measured.items()}
        facts["pictures"] = 0
    result: dict[str, Any] = measured[speech] | dict.fromkeys(NOT_MEASURED) | units | facts
    if speech == "sound":
        result["truth"] = measured.get("truth")
    return result


_Driver = Callable[[int], "NDArray[np.float32]"]
"""Speech window (8, F) of a frame."""


def _windows(driver: _Driver) -> SpeechWindows:
    """The driver's windows of many frames at once."""
    return lambda frames: torch.from_numpy(np.stack([driver(int(frame)) for frame in frames]))


def _of_units(per_au: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The responses and what they come to."""

    def mean(name: str) -> float | None:
        known = [float(unit[name]) for unit in per_au.values() if unit[name] is not None]
        return sum(known) / len(known) if known else None

    return {name: mean(name) for name in ("leakage", "response_e", "monotonic")} | {"per_au": per_au}


def _turned_deg(capture: Capture, images: list[int]) -> list[float]:
    """Angle in the horizontal plane between each picture's camera and where the head faces, 0–180°."""
    turned = []
    for index in images:
        centre = np.linalg.inv(capture.camera_of(index).world_to_camera)[:3, 3] - np.asarray(capture.info.target)
        azimuth = math.degrees(math.atan2(centre[0], centre[2])) - float(capture.pose[capture.images[index].frame, 0])
        turned.append(abs((azimuth + 180.0) % 360.0 - 180.0))
    return turned


def _views(scores: list[dict[str, float]], turned: list[float]) -> dict[str, dict[str, float | int | None]]:
    """Means per bin of angle, for bins that hold pictures."""
    found: dict[str, dict[str, float | int | None]] = {}
    for low, high in itertools.pairwise((*YAW_BINS_DEG, 180)):
        among = [s for s, angle in zip(scores, turned, strict=True) if low <= angle < high or angle == high == 180]
        if among:
            found[f"{low}-{high}"] = {**_mean(among), "pictures": len(among)}
    return found


def _worst(capture: Capture, images: list[int], scores: list[dict[str, float]]) -> list[dict[str, float | int]]:
    """The least faithful pictures, worst first."""
    ranked = sorted(zip(images, scores, strict=True), key=lambda pair: pair[1].get("mouth_psnr_db", pair[1]["psnr_db"]))
    return [
        {"image": i, "frame": capture.images[i].frame, "camera": capture.images[i].camera, **score}
        for i, score in ranked[:WORST]
    ]


def _sound(capture: Capture) -> _Driver:
    from studio.engine.speech.audio import load_audio
    from studio.engine.speech.features import extract_features

    features = extract_features(load_audio(capture.sound_file))
    return lambda frame: features.window(frame / capture.info.fps)


def _score(renderer: Renderer, capture: Capture, index: int, driver: _Driver) -> dict[str, float]:
    """Metrics of one picture."""
    frame = capture.images[index].frame
    shown = renderer.frame(capture.controls(frame, driver(frame)), capture.camera_of(index), background=BACKGROUND)
    picture = torch.from_numpy(shown.rgba[..., :3].astype(np.float32)) / 255
    target = capture.target(index)
    truth = target.over(torch.tensor(BACKGROUND))
    scores = {"psnr_db": psnr(picture, truth), "ssim": ssim(picture, truth)}
    mouth, head = capture.mouth_box(index, capture.info.size_px), target.extent()
    if mouth is not None:
        scores["mouth_psnr_db"] = crop_psnr(picture, truth, mouth)
    if head is not None:
        scores["head_psnr_db"] = crop_psnr(picture, truth, head)
    return scores


def _mean(scores: list[dict[str, float]]) -> dict[str, float | None]:
    """Mean of each metric over the pictures that have it."""
    names = ("psnr_db", "ssim", "mouth_psnr_db", "head_psnr_db")
    known = {name: [s[name] for s in scores if name in s] for name in names}
    return {name: sum(values) / len(values) if values else None for name, values in known.items()}
