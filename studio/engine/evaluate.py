"""How well an avatar reproduces a capture that it has not seen: pictures and motion of the face against the truth.

By default speech comes from the sound, through the same encoder as in the studio, so that the figures say what a user
gets; with the capture's true articulation they say what the head alone could do. What each figure is made of stands in
`studio.engine.measures` and `motion_metrics`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from studio.engine.avatar import Avatar
from studio.engine.measures import identity, perceptual
from studio.engine.measures.landmarks import LandmarkJudge, find_marks
from studio.engine.measures.pictures import (
    SCORES,
    PictureJudge,
    Scores,
    by_view,
    mean_scores,
    turned_deg,
    view_drop_db,
    worst,
)
from studio.engine.measures.stillness import held_jitter
from studio.engine.motion_metrics import MotionJudge, measured_frames, moves
from studio.engine.motion_metrics import Speech as SpeechWindows
from studio.engine.renderer import Renderer
from studio.engine.training.capture import Capture
from studio.errors import StudioError

Speech = Literal["sound", "truth"]
Part = Literal["train", "test", "all"]

FOR_TESTS = ("heldout", "conflict", "noise")
"""Kinds of captures that no avatar is trained on: all of their pictures are measured."""

OF_MOTION = ("motion_error", "motion_error_mm", "aue_u", "aue_l", "aue_per_au", "au_jerk", "au_jerk_truth")
OF_TRIALS = ("conflict_error", "conflict_per_kind", "noise")
OF_EMOTION = ("emotion_score", "emotion_score_truth", "emotion_per_kind", "emotion_passages")
OF_LANDMARKS = ("lmd_px", "lmd_face_px")
OF_UNITS = ("leakage", "most_leakage", "response_e", "least_response_e", "monotonic", "per_au")
OF_SYNC = ("sync_confidence", "sync_offset_ms")
OF_PICTURES = (*SCORES, "view_drop_db")
"""Names of figures; those that a capture cannot give are null."""


class Meter(Protocol):
    """A further opinion on an avatar that speaks, such as a lip-sync network's."""

    def measure(self, renderer: Renderer, capture: Capture, speech: SpeechWindows) -> Mapping[str, float | None]:
        """Figures by name, such as sync_confidence and sync_offset_ms.

        Args:
            renderer: draws the avatar.
            capture: what it is compared with.
            speech: gives the speech windows (S, 8, F) of frames.
        """
        ...


Driver = Callable[[int], "NDArray[np.float32]"]
"""Speech window (8, F) of a frame."""


def driver_of(capture: Capture, speech: Speech) -> Driver:
    """What moves the mouth: the capture's sound as the studio hears it, or its true articulation.

    Raises:
        StudioError: if the sound cannot be read.
    """
    if speech == "truth":
        return lambda frame: capture.articulator_windows([frame])[0].numpy()
    from studio.engine.speech.audio import load_audio
    from studio.engine.speech.features import extract_features

    features = extract_features(load_audio(capture.sound_file))
    return lambda frame: features.window(frame / capture.info.fps)


def measured_images(capture: Capture, split: Part) -> list[int]:
    """Pictures of a split, or all."""
    return sorted(i for part in (("train", "test") if split == "all" else (split,)) for i in capture.indices(part))


def evaluate(
    avatar: Avatar,
    capture: Capture,
    *,
    split: Part | None = None,
    speech: Speech = "sound",
    backend: str = "auto",
    pictures: bool = True,
    meters: Sequence[Meter] = (),
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Draw every picture of a split and compare; compare the motion of the surface where it is known.

    Args:
        avatar: the head.
        capture: the truth.
        split: which pictures; when left out, those that training does not use.
        speech: `sound` drives the mouth from speech.wav, and reports the capture's true articulation beside it;
            `truth` uses the true articulation alone.
        backend: of the renderer.
        pictures: whether pictures are drawn; motion alone takes seconds.
        meters: further opinions; they are asked when pictures are drawn.
        progress: hears (pictures done, pictures in all).

    Returns:
        What docs/measures.md lists: means over the pictures, the same by view, the worst pictures, and of the motion
        what `MotionJudge` returns. What depends on speech is also told from the truth under `truth` where speech is
        the sound. Null for every figure that is not measured; `not_measured` says why.

    Raises:
        StudioError: if the capture has no pictures of the split, its sound cannot be read, or it neither has pictures
            to draw nor knows its motion.
    """
    split = split or ("all" if capture.info.kind in FOR_TESTS else "test")
    images = measured_images(capture, split)
    if not images:
        raise StudioError(f"The capture {capture.root} has no pictures of the split {split!r}: record it with some.")
    drivers: dict[Speech, Driver] = {}
    if speech == "sound":
        drivers["sound"] = driver_of(capture, "sound")
    if speech == "truth" or capture.articulators is not None:
        drivers["truth"] = driver_of(capture, "truth")
    known = capture.surface is not None and moves(capture.surface)
    if not known and not pictures:
        raise StudioError(f"{capture.root} does not know its surface motion; measure its pictures instead.")
    nothing = dict.fromkeys((*OF_MOTION, *OF_TRIALS, *OF_EMOTION, *OF_LANDMARKS, *OF_SYNC, *OF_PICTURES))
    measured: dict[Speech, dict[str, Any]] = {kind: dict(nothing) for kind in drivers}
    facts: dict[str, Any] = {"split": split, "speech": speech, "pictures": 0}
    shared: dict[str, Any] = dict.fromkeys(OF_UNITS)
    why: dict[str, str] = {}
    if known:
        found, more = _of_motion(avatar, capture, images, drivers, why)
        facts |= more
        shared = found.pop("units")
        for kind in drivers:
            measured[kind] |= found[kind]
    else:
        why |= dict.fromkeys((*OF_MOTION, *OF_LANDMARKS, *OF_UNITS), "The capture does not know its surface motion.")
    shared |= held_jitter(avatar)
    if pictures:
        renderer = Renderer(avatar, backend=backend)
        drawn = _of_pictures(renderer, capture, images, drivers, why, progress)
        for kind, driver in drivers.items():
            measured[kind] |= drawn[kind]
            for meter in meters:
                measured[kind] |= meter.measure(renderer, capture, _windows(driver))
        facts |= {"pictures": len(images), "backend": renderer.backend}
    result = {**measured[speech], **shared, **facts}
    if speech == "sound":
        result["truth"] = measured.get("truth")
    result["not_measured"] = _reasons(result, why, pictures)
    return result


def _windows(driver: Driver) -> SpeechWindows:
    """The driver's windows of many frames at once."""
    return lambda frames: torch.from_numpy(np.stack([driver(int(frame)) for frame in frames]))


def _of_motion(
    avatar: Avatar, capture: Capture, images: Sequence[int], drivers: Mapping[Speech, Driver], why: dict[str, str]
) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """Figures of motion by driver, those of the units under `units`, and facts about how they were measured."""
    judge, marks = MotionJudge(avatar, capture), find_marks(capture)
    frames = measured_frames(capture, [capture.images[i].frame for i in images]).tolist()
    facts: dict[str, Any] = {
        "frames": len(frames),
        "bound_gaussians": len(judge.bound.index),
        "binding_mm": 1e3 * judge.bound.distance_m,
        "law": judge.law,
    }
    found: dict[str, dict[str, Any]] = {kind: judge.performance(frames, _windows(drivers[kind])) for kind in drivers}
    if marks is None:
        why |= dict.fromkeys(OF_LANDMARKS, "The capture has no landmarks that move with its surface.")
    else:
        landmarks = LandmarkJudge(avatar, capture, marks)
        for kind, driver in drivers.items():
            found[kind] |= landmarks.measure(frames, capture.au_windows(frames), _windows(driver)(frames))
        facts["landmark_binding_px"] = marks.residual_px
    return found | {"units": _of_units(judge.responses())}, facts


def _of_units(per_au: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The responses and what they come to."""

    def mean(name: str) -> float | None:
        known = [float(unit[name]) for unit in per_au.values() if unit[name] is not None]
        return sum(known) / len(known) if known else None

    found: dict[str, Any] = {name: mean(name) for name in ("leakage", "response_e", "monotonic")}
    leaks = [float(unit["leakage"]) for unit in per_au.values() if unit["leakage"] is not None]
    found["most_leakage"] = max(leaks, default=None)
    found["least_response_e"] = min((float(unit["response_e"]) for unit in per_au.values()), default=None)
    return found | {"per_au": per_au}


def _of_pictures(
    renderer: Renderer,
    capture: Capture,
    images: Sequence[int],
    drivers: Mapping[Speech, Driver],
    why: dict[str, str],
    progress: Callable[[int, int], None] | None,
) -> dict[str, dict[str, Any]]:
    """Figures of pictures by driver."""
    distance = recogniser = None
    if perceptual.perceptual_weights() is None:
        why["st_lpips"] = f"ST-LPIPS is not installed: {perceptual.INSTALL}."
    else:
        distance = perceptual.PerceptualDistance.installed()
    lack = identity.missing()
    if lack is None:
        recogniser = identity.Recogniser()
        lack = "No picture shows the face from the front with the landmarks that align it."
    why |= dict.fromkeys(("identity_similarity", "identity_distance"), lack)
    judge = PictureJudge(renderer, capture, distance, recogniser)
    scores: dict[Speech, list[Scores]] = {kind: [] for kind in drivers}
    for done, index in enumerate(images):
        truth = judge.truth(index)
        for kind, driver in drivers.items():
            scores[kind].append(judge.score(truth, driver(capture.images[index].frame)))
        if progress is not None:
            progress(done + 1, len(images))
    turned = [turned_deg(capture, index) for index in images]
    return {
        kind: {
            **mean_scores(each),
            "views": by_view(each, turned),
            "view_drop_db": view_drop_db(each, turned),
            "worst": worst(capture, images, each),
        }
        for kind, each in scores.items()
    }


def _reasons(result: Mapping[str, Any], why: Mapping[str, str], drawn: bool) -> dict[str, str]:
    """Why figures are null, by name."""
    usual = {
        **dict.fromkeys(OF_SYNC, "No lip-sync judge was asked."),
        "conflict_error": "The capture has no trials in which the face acts against its words.",
        "noise": "The capture has no noisy action units beside true ones.",
        "emotion_score": "The capture does not say which emotion its passages play.",
        "view_drop_db": "There are no measured pictures both from the front and at 45 to 75 degrees.",
        "held_jitter_px": "The avatar has no Gaussians that move.",
        "mouth_psnr_db": "The capture has no landmarks of the mouth.",
        "lmd_px": "The capture has no landmarks of the mouth.",
    }
    undrawn = {} if drawn else dict.fromkeys((*OF_PICTURES, *OF_SYNC), "No pictures were drawn.")
    reasons = {**usual, **why, **undrawn}
    return {name: reasons[name] for name in reasons if name in result and result[name] is None}
