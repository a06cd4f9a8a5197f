"""The figures that people are told, in order, and what we aim at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Figure:
    """One figure of an evaluation."""

    key: str
    title: str
    unit: str = ""
    goal: str = ""  # for people
    reached: Callable[[float], bool] | None = None  # whether a value meets the goal

    def value(self, found: Mapping[str, Any]) -> float | None:
        """The figure in an evaluation; `a.b` is b within a."""
        value: Any = found
        for name in self.key.split("."):
            value = value.get(name) if isinstance(value, Mapping) else None
        return None if value is None else float(value)

    def text(self, found: Mapping[str, Any]) -> str:
        """The value for people, without its unit; a dash where it is not measured."""
        value = self.value(found)
        if value is None:
            return "-"
        return f"{100 * value:.1f}" if self.unit == "%" else f"{value:.4g}"


def _least(bound: float) -> Callable[[float], bool]:
    return lambda value: value >= bound


def _most(bound: float) -> Callable[[float], bool]:
    return lambda value: value <= bound


FIGURES: tuple[Figure, ...] = (
    Figure("psnr_db", "Picture, PSNR", "dB", "33 or more", _least(33)),
    Figure("ssim", "Picture, SSIM", "", "0.95 or more", _least(0.95)),
    Figure("st_lpips", "Picture, ST-LPIPS"),
    Figure("aligned_psnr_db", "Picture, poses fitted", "dB"),
    Figure("aligned_ssim", "SSIM, poses fitted"),
    Figure("head_psnr_db", "Head, PSNR", "dB"),
    Figure("mouth_psnr_db", "Mouth, PSNR", "dB", "28 or more", _least(28)),
    Figure("aligned_mouth_psnr_db", "Mouth, poses fitted", "dB"),
    Figure("silhouette_error", "Outline, share of area", "%"),
    Figure("view_drop_db", "60 degrees behind front", "dB", "2 or less", _most(2)),
    Figure("identity_similarity", "Identity, cosine (CSIM)"),
    Figure("identity_distance", "Identity, distance", "", "below 0.6", lambda value: value < 0.6),
    Figure("motion_error_mm", "Motion, error", "mm"),
    Figure("lmd_px", "LMD of the mouth", "px"),
    Figure("lmd_face_px", "LMD of the face", "px"),
    Figure("sync_confidence", "Sync, confidence"),
    Figure("sync_offset_ms", "Sync, offset", "ms"),
    Figure("judged_au_u", "Judge, upper units off by"),
    Figure("judged_au_l", "Judge, lower units off by"),
    Figure("judged_au_r", "Judge, units agree (r)"),
    Figure("aue_u", "AUE-U"),
    Figure("aue_l", "AUE-L"),
    Figure("au_jerk", "AU-Jerk"),
    Figure("au_jerk_truth", "AU-Jerk of the truth"),
    Figure("emotion_score", "Emotions recognised", "%"),
    Figure("emotion_score_truth", "Emotions, of the truth", "%"),
    Figure("conflict_error", "Conflict, relative error", "%"),
    Figure("noise.removed", "Jitter taken away", "%", "61 or more", _least(0.61)),
    Figure("noise.peak", "Peaks kept at", "%", "90 to 110", lambda value: 0.9 <= value <= 1.1),
)
"""Told of every driver of the mouth."""

OF_THE_HEAD: tuple[Figure, ...] = (
    Figure("least_response_e", "Faintest unit at level E", "%", "80 or more", _least(0.8)),
    Figure("monotonic", "Units that only rise", "%", "100", _least(1.0)),
    Figure("leakage", "Leakage, mean", "%", "5 or less", _most(0.05)),
    Figure("most_leakage", "Leakage, worst unit", "%", "5 or less", _most(0.05)),
    Figure("held_jitter_px", "Held expression moves", "px", "below 0.05", lambda value: value < 0.05),
)
"""Told once: speech has no part in them."""
