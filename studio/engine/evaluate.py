"""How well an avatar reproduces a capture it has not seen: pictures of held-out frames against the truth.

By default speech comes from the sound, through the same encoder as in the studio, so that the figures say what a user
gets; with the capture's true articulation they say what the head alone could do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from studio.engine.avatar import Avatar
from studio.engine.metrics import crop_psnr, psnr, ssim
from studio.engine.renderer import Renderer
from studio.engine.training.capture import Capture, Split
from studio.errors import StudioError

Speech = Literal["sound", "truth"]

BACKGROUND = (0.5, 0.5, 0.5)
"""Pictures are compared over mid grey, which flatters neither dark nor bright fringes."""

NOT_MEASURED = ("st_lpips", "lmd_px", "sync_confidence", "sync_offset_ms", "aue_u", "aue_l", "au_jerk", "leakage")
"""Metrics of the contract that need judges; null until there are some."""


def evaluate(
    avatar: Avatar,
    capture: Capture,
    *,
    split: Split = "test",
    speech: Speech = "sound",
    backend: str = "auto",
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Draw every picture of a split and compare.

    Args:
        avatar: the head.
        capture: the truth.
        split: which pictures.
        speech: `sound` drives the mouth from speech.wav, and reports the capture's true articulation beside it;
            `truth` uses the true articulation alone.
        backend: of the renderer.
        progress: hears (pictures done, pictures in all).

    Returns:
        Means over the pictures: psnr_db, ssim, mouth_psnr_db, head_psnr_db (the crop that the mask fills), what they
        were measured with, the same from the truth under `truth` where speech is the sound, and null for every metric
        that is not measured.

    Raises:
        StudioError: if the capture has no pictures of the split, or its sound cannot be read.
    """
    images = capture.indices(split)
    if not images:
        raise StudioError(f"The capture {capture.root} has no pictures of the split {split!r}: record it with some.")
    renderer = Renderer(avatar, backend=backend)
    drivers: dict[Speech, _Driver] = {}
    if speech == "sound":
        drivers["sound"] = _sound(capture)
    if speech == "truth" or capture.articulators is not None:
        drivers["truth"] = lambda frame: capture.articulator_windows([frame])[0].numpy()
    scores: dict[Speech, list[dict[str, float]]] = {kind: [] for kind in drivers}
    for done, index in enumerate(images):
        for kind, driver in drivers.items():
            scores[kind].append(_score(renderer, capture, index, driver))
        if progress is not None:
            progress(done + 1, len(images))
    result: dict[str, Any] = _mean(scores[speech])
    result |= dict.fromkeys(NOT_MEASURED) | {"conflict_error": None, "per_au": None}
    result |= {"pictures": len(images), "split": split, "speech": speech, "backend": renderer.backend}
    if speech == "sound":
        result["truth"] = _mean(scores["truth"]) if "truth" in scores else None
    return result


_Driver = Callable[[int], "NDArray[np.float32]"]
"""Speech window (8, F) of a frame."""


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
