"""What a capture is worth: figures, and a verdict in words."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.document.action_units import AU_KEYS
from studio.engine.capture.analysis import Clip
from studio.engine.capture.filming import Background
from studio.engine.capture.pose import FLIP, angles_deg, jitter_deg
from studio.engine.capture.torso import NOT_SEEN, Torso
from studio.engine.footage import RATE, Footage
from studio.engine.portrait_report import GOOD, LIMITED, UNUSABLE
from studio.engine.speech.articulators import ARTICULATORS
from studio.engine.speech.features import SpeechFeatures
from studio.engine.speech.phonemes import PHONEMES, SILENCE

F64 = NDArray[np.float64]

SHOWN_AU = 1.5
"""An action unit whose 98th percentile reaches this is taken for shown by the clip."""


def assess(
    footage: Footage, clip: Clip, background: Background, torso: Torso, speech: SpeechFeatures, edge_px: int
) -> dict[str, Any]:
    """The report's contents; JSON has them as they are, with null for what cannot be had."""
    used = clip.sifted.used
    seen, track = clip.seen, clip.track
    width = float(np.median(np.linalg.norm(seen.points[used, 454, :2] - seen.points[used, 234, :2], axis=1)))
    to_file = footage.width / clip.size_px[0]
    angles = angles_deg(FLIP @ track.rotation)[used]
    light = seen.colour[used].mean(1)
    slow = np.convolve(light, np.ones(RATE) / RATE, mode="valid") if len(light) > RATE else light
    voice = speech.sample(np.arange(len(seen)) / RATE)[:, ARTICULATORS.index("voice")]
    heard = sorted({p.label for p in speech.phonemes} - {SILENCE}) if clip.speech_heard else []
    au = clip.actions.au[used]
    ranges = {
        key: {"low": _at(au[:, i], 2), "middle": _at(au[:, i], 50), "high": _at(au[:, i], 98)}
        for i, key in enumerate(AU_KEYS)
    }
    reasons, counts = np.unique([r for r in clip.sifted.reasons if r], return_counts=True)
    report: dict[str, Any] = {
        "video": footage.path.name,
        "frames": len(seen),
        "frames_used": int(used.sum()),
        "seconds_used": round(float(used.sum()) / RATE, 2),
        "left_out": {str(r): int(c) for r, c in zip(reasons, counts, strict=True)},
        "video_size_px": [footage.width, footage.height],
        "video_fps": round(footage.fps, 3),
        "picture_px": edge_px,
        "face_px": round(width * to_file, 1),
        "tracking_error_px": round(float(np.nanmedian(seen_error(clip)[used])) * to_file, 2),
        "tracking_error_share": round(float(np.nanmedian(seen_error(clip)[used])) / max(width, 1e-6), 4),
        "focal_over_edge": round(track.focal / max(clip.size_px), 2),
        "jitter_deg": {
            "as_fitted": _number(jitter_deg(clip.raw.rotation, used)),
            "smoothed": _number(jitter_deg(track.rotation, used)),
        },
        "torso": torso.report(),
        "pose_deg": {
            name: {"low": _at(angles[:, i], 2), "high": _at(angles[:, i], 98)}
            for i, name in enumerate(("yaw", "pitch", "roll"))
        },
        "action_units": ranges,
        "action_units_shown": [key for key in AU_KEYS if ranges[key]["high"] >= SHOWN_AU],
        "explained": _number(float(np.nanmedian(clip.actions.explained[used]))),
        "speech": {
            "has_sound": footage.has_sound,
            "is_the_persons": clip.speech_heard,
            "seconds": round(float((voice > 0.15).sum()) / RATE, 2),
            "sounds": heard,
            "coverage": round(len(heard) / (len(PHONEMES) - 1), 2),
        },
        "offset": {
            "found_ms": round(1000 * clip.offset.seconds) if clip.offset.believed else None,
            "corrected_ms": round(1000 * clip.offset.correction_s),
            "correlation": round(clip.offset.correlation, 3),
            "clearness": round(clip.offset.clearness, 2),
        },
        "light": {
            "change": round(float(np.ptp(slow) / max(float(slow.mean()), 1.0)), 3),
            "level": round(float(light.mean()) / 255, 3),
        },
        "background": {"seen": round(background.seen, 3), "still": background.still},
        "notes": list(clip.notes),
    }
    report["verdict"], report["limits"] = judge(report)
    return report


def seen_error(clip: Clip) -> F64:
    """(F,) root mean square distance of fitted points from landmarks, looked-at pixels."""
    return clip.raw.error_px


def judge(report: dict[str, Any]) -> tuple[str, list[str]]:
    """The verdict, and a sentence for each limit, the gravest first."""
    fatal: list[str] = []
    limits: list[str] = []
    seconds, share = report["seconds_used"], report["seconds_used"] * RATE / max(report["frames"], 1)
    if report["face_px"] < 60:
        fatal.append(f"The face is only {report['face_px']:.0f} pixels wide; film it closer.")
    elif report["face_px"] < 140:
        limits.append(f"The face is {report['face_px']:.0f} pixels wide; skin and teeth will be soft.")
    if report["tracking_error_share"] > 0.03:
        fatal.append("The head could not be followed well; film one face with even light and no filter.")
    elif report["tracking_error_share"] > 0.012:
        limits.append(
            "The head was followed less well than usual, often because a filter or a strong grimace bends it."
        )
    if seconds < 15:
        limits.append(f"{seconds:.0f} s can be used; a minute of speech makes a much better likeness.")
    if share < 0.7:
        worst = max(report["left_out"], key=report["left_out"].get)
        limits.append(f"{100 * (1 - share):.0f} % of the pictures are left out, mostly: {worst}.")
    speech = report["speech"]
    if not speech["has_sound"]:
        limits.append("The video is silent; the mouth cannot learn this person's way of speaking.")
    elif not speech["is_the_persons"]:
        limits.append("The sound does not go with the lips; it is not learned from.")
    elif speech["coverage"] < 0.6:
        limits.append(f"Only {len(speech['sounds'])} of {len(PHONEMES) - 1} speech sounds are heard.")
    pose = report["pose_deg"]["yaw"]
    if pose["high"] - pose["low"] < 12:
        limits.append(
            f"The head turns by only {pose['high'] - pose['low']:.0f}° in all; views from the side are guessed."
        )
    missing = [key for key in AU_KEYS if key not in report["action_units_shown"]]
    if len(missing) > 8:
        limits.append(f"{len(missing)} of {len(AU_KEYS)} action units are hardly shown: {', '.join(missing)}.")
    if report["light"]["change"] > 0.25:
        limits.append("The light on the face changes during the clip.")
    if report["light"]["level"] < 0.12:
        limits.append("The face is very dark.")
    if not report["torso"]["followed"] and report["torso"]["why"] != NOT_SEEN:
        limits.append(f"The shoulders could not be followed: {report['torso']['why']}; the avatar's will be soft.")
    if not report["background"]["still"]:
        limits.append("The background moves; hair against it will be less clean.")
    if fatal:
        return UNUSABLE, fatal + limits
    return (LIMITED if limits else GOOD), limits


def _at(values: F64, percent: float) -> float:
    return round(float(np.percentile(values, percent)), 2)


def _number(value: float) -> float | None:
    return round(value, 3) if np.isfinite(value) else None
