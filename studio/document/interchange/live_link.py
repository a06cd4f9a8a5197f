"""Live Link Face CSV: `Timecode, BlendShapeCount`, 52 ARKit channels and, in most files, 9 rotations.

Names come in PascalCase or camelCase and in any order; the count column says 52 or 61 (or 51, in old files) and is
not relied on. A time code is `HH:MM:SS:FF.sub`; the file does not tell its rate, so it is counted. Head rotations are
radians: yaw positive to the subject's left, pitch positive down, roll positive to the subject's left shoulder.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from studio.document.interchange.arkit import ARKIT, ARKIT_INDEX, from_action_units, match, to_action_units
from studio.document.interchange.tables import MAX_FPS, Imported, Table, rate_of, read_table, resampled, write_table
from studio.document.takes import Take
from studio.errors import StudioError

KIND = "Live Link Face CSV"
DEFAULT_FPS = 60.0
"""What the app records at unless told otherwise."""

ROTATIONS = [
    "HeadYaw",
    "HeadPitch",
    "HeadRoll",
    "LeftEyeYaw",
    "LeftEyePitch",
    "LeftEyeRoll",
    "RightEyeYaw",
    "RightEyePitch",
    "RightEyeRoll",
]
LEAST_CHANNELS = 8
"""A table with fewer ARKit names is something else."""

_HEAD_SIGNS = np.array([1.0, -1.0, 1.0])
_PERCENT = 2.0
_TIMECODE = re.compile(r"(\d{1,3})[:;](\d{1,2})[:;](\d{1,2})[:;](\d{1,4}(?:\.\d{1,9})?)")
Floats = NDArray[np.float64]


def import_live_link(path: str | Path, fps: float | None = None) -> Imported:
    """A take from a Live Link Face or other ARKit CSV.

    Args:
        path: The file.
        fps: Its rate where known; otherwise it is counted from the time codes.

    Raises:
        StudioError: No such CSV, or damaged.
    """
    path = Path(path)
    table = read_table(path, KIND)
    channels = match(table.header)
    if len(channels) < LEAST_CHANNELS:
        raise StudioError(f"{path.name} has no ARKit channels such as EyeBlinkLeft and JawOpen; choose a {KIND}.")
    warnings: list[str] = []
    values = np.zeros((len(table.rows), len(ARKIT)))
    values[:, [ARKIT_INDEX[name] for name in channels]] = table.numbers(list(channels.values()))
    if values.max() > _PERCENT:
        values /= 100.0
        warnings.append("Values above 1 were taken as percent.")
    au, gaze, losses = to_action_units(values, frozenset(channels))
    head_columns = [table.column(name) for name in ROTATIONS[:3]]
    known = [column for column in head_columns if column is not None]
    pose = None
    if gaze is not None or len(known) == len(head_columns):
        pose = np.zeros((len(au), 5))
        if len(known) == len(head_columns):
            pose[:, :3] = np.degrees(table.numbers(known)) * _HEAD_SIGNS
        if gaze is not None:
            pose[:, 3:] = gaze
    times, rate = _times(table, fps, warnings)
    both = au if pose is None else np.concatenate([au, pose], 1)
    frames = resampled(times, both, rate, path.name).astype(np.float32)
    take = Take(path.stem, rate, frames[:, : au.shape[1]], None if pose is None else frames[:, au.shape[1] :])
    return Imported(take, (*warnings, *losses))


def export_live_link(take: Take, path: str | Path) -> tuple[str, ...]:
    """Writes a take as the app does, with 61 channels; what has no action unit is zero.

    Returns:
        One sentence for each thing that the file cannot say.

    Raises:
        StudioError: The file cannot be written.
    """
    pose = np.zeros((take.frames, 5)) if take.pose is None else take.pose.astype(np.float64)
    weights = from_action_units(take.au, pose[:, 3:])
    head = np.radians(pose[:, :3] * _HEAD_SIGNS)
    yaw, pitch = np.radians(pose[:, 3]), np.radians(-pose[:, 4])
    none = np.zeros(take.frames)
    eyes = np.stack([yaw, pitch, none, yaw, pitch, none], 1)
    rows = np.concatenate([weights, head, eyes], 1)
    write_table(
        path,
        ("Timecode", "BlendShapeCount", *ARKIT, *ROTATIONS),
        (
            [_timecode(i, take.fps), str(rows.shape[1]), *(f"{value:.8g}" for value in row)]
            for i, row in enumerate(rows)
        ),
    )
    warnings = []
    for key, name in (("AU23", "MouthPress"), ("AU25", "MouthLowerDown")):
        warnings.append(f"{key} was written as {name}, the nearest channel.")
    if pose.size and (np.abs(pose[:, 3]).max() > 35 or np.abs(pose[:, 4]).max() > 30):
        warnings.append("Gaze beyond 35° sideways or 30° up and down was clipped in the EyeLook channels.")
    return tuple(warnings)


def _times(table: Table, fps: float | None, warnings: list[str]) -> tuple[Floats, float]:
    """Seconds from the first row on, and the rate."""
    count = len(table.rows)
    if fps is not None and not 1 <= fps <= MAX_FPS:
        raise StudioError(f"{fps:g} frames per second cannot be; choose 1 to {MAX_FPS:g}.")
    stamps = table.column("timecode")
    if stamps is not None:
        parsed = [_TIMECODE.fullmatch(row[stamps].strip()) for row in table.rows]
        codes = [tuple(float(part) for part in code.groups()) for code in parsed if code is not None]
        if len(codes) == count:
            whole = np.array([h * 3600 + m * 60 + s for h, m, s, _ in codes])
            whole = np.unwrap(whole, period=86400.0)  # a recording across midnight
            frame = np.array([code[3] for code in codes])
            rate = fps or _counted_rate(whole, frame)
            if rate is None:
                rate = DEFAULT_FPS
                warnings.append(f"The file is too short to count its rate; {rate:g} frames per second were assumed.")
            times = whole + frame / rate
            if (np.diff(times) > 0).all() and frame.max() < rate + 1:
                return times - times[0], rate
    else:
        seconds = next((c for c in map(table.column, ("timestamp", "time", "time_s")) if c is not None), None)
        if seconds is not None:
            times = table.numbers([seconds])[:, 0]
            rate = fps or rate_of(times)
            if rate is not None and 1 <= rate <= MAX_FPS and (np.diff(times) > 0).all():
                return times - times[0], rate
    rate = fps or DEFAULT_FPS
    warnings.append(f"The file has no usable time codes; its rows were taken as {rate:g} frames per second.")
    return np.arange(count) / rate, rate


def _counted_rate(whole: Floats, frame: Floats) -> float | None:
    """Frames per second: rows in a full second, or one more than the highest frame where rows were dropped."""
    seconds, counts = np.unique(whole, return_counts=True)
    if len(seconds) < 3:
        return None
    rate = max(float(counts[1:-1].max()), float(np.floor(frame.max())) + 1)
    return rate if rate > 1 else None


def _timecode(index: int, fps: float) -> str:
    whole = int((index + 1e-6) / fps)
    frame = max(index - whole * fps, 0.0)
    minutes, seconds = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}:{frame:06.3f}"
