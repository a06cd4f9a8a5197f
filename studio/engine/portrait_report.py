"""The quality report of a portrait capture in words: report.json as people read it, on a page or in a window."""

from __future__ import annotations

from typing import Any

REPORT, SHEET, PAGE = "report.json", "sheet.jpg", "report.html"
"""Files of a report in a capture's folder, or in the work folder of one that cannot be used."""

GOOD, LIMITED, UNUSABLE = "good", "usable with limits", "not usable"
"""Verdicts."""


def in_words(report: dict[str, Any]) -> str:
    """The verdict as one line."""
    verdict = str(report["verdict"])
    if verdict == GOOD:
        return "Good: nothing stands against training on this clip."
    if verdict == LIMITED:
        return "Usable with limits."
    return f"Not usable: {report['limits'][0]}"


def figures(report: dict[str, Any]) -> list[tuple[str, str]]:
    """Names and values for people."""
    pose, speech, offset = report["pose_deg"], report["speech"], report["offset"]
    spans = ", ".join(f"{name} {value['low']:z.0f}° to {value['high']:z.0f}°" for name, value in pose.items())
    left = ", ".join(f"{count} {reason}" for reason, count in report["left_out"].items()) or "none"
    shown = ", ".join(report["action_units_shown"]) or "none"
    if not speech["has_sound"]:
        said = "no sound"
    elif not speech["is_the_persons"]:
        said = "the sound is not this person's speech"
    else:
        said = f"{speech['seconds']:.0f} s, {len(speech['sounds'])} of 39 sounds ({100 * speech['coverage']:.0f} %)"
    found = offset["found_ms"]
    beside = "could not be told" if found is None else f"{found:+d} ms (positive: the sound is late)"
    if offset["corrected_ms"]:
        beside += ", corrected"
    still, fitted = report["jitter_deg"]["smoothed"], report["jitter_deg"]["as_fitted"]
    jitter = "too short to tell" if still is None else f"{still:.2f}° rms in still moments ({fitted:.2f}° as fitted)"
    torso, shoulders = report.get("torso"), "not looked for"
    if torso is not None and torso["followed"]:
        shoulders = f"move by {torso['range_px']:.0f} pixels, trembled by {torso['jitter_px']:.2f} as found"
    elif torso is not None:
        shoulders = f"not followed: {torso['why']}"
    width, height = report["video_size_px"]
    background = "stands still" if report["background"]["still"] else "moves"
    return [
        ("Used", f"{report['seconds_used']:.1f} s, {report['frames_used']} of {report['frames']} pictures"),
        ("Left out", left),
        ("Video", f"{width}×{height}, {report['video_fps']:g} pictures a second"),
        ("Face", f"{report['face_px']:.0f} pixels wide; pictures are {report['picture_px']} pixels square"),
        ("Tracking error", f"{report['tracking_error_px']:.2f} pixels, "
                           f"{100 * report['tracking_error_share']:.2f} % of the face's width"),
        ("Head", spans),
        ("Pose jitter", jitter),
        ("Shoulders", shoulders),
        ("Lens", f"{report['focal_over_edge']:.1f} picture edges"),
        ("Speech", said),
        ("Sound beside the lips", beside),
        ("Action units shown", shown),
        ("Light", f"changes by {100 * report['light']['change']:.0f} %"),
        ("Background", f"{background}; {100 * report['background']['seen']:.0f} % of it was seen"),
    ]  # fmt: skip
