"""OpenFace CSV: `frame, timestamp, confidence, success, …, AU01_r, …, AU45_r`.

Headers come with or without spaces after the commas and with hundreds of other columns; only the `_r` intensities
(0–5), head pose and gaze are read. OpenFace's angles are radians in a camera that looks at the face, x to the image's
right (the subject's left), y down, z away: a positive `pose_Ry` turns to the subject's right, a positive `pose_Rx`
nods down, a positive `pose_Rz` tips to the subject's left shoulder. `gaze_angle_x` and `_y` are the direction of the
gaze in the same camera, to the image's right and down, with the head's turn in it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from studio.document.action_units import ACTION_UNITS, AU_INDEX
from studio.document.interchange.tables import MAX_FPS, Imported, Table, rate_of, read_table, resampled, write_table
from studio.document.takes import Take
from studio.errors import StudioError

KIND = "OpenFace CSV"
DEFAULT_FPS = 30.0

_POSE = ("pose_ry", "pose_rx", "pose_rz", "gaze_angle_x", "gaze_angle_y")
_POSE_SIGNS = np.array([-1.0, -1.0, 1.0, 1.0, -1.0])
"""OpenFace → [yaw, pitch, roll, gaze yaw, gaze pitch], positive to the subject's left, up, and to its left shoulder."""


def import_openface(path: str | Path) -> Imported:
    """A take from an OpenFace CSV.

    Missing action units are zero; frames without success or confidence are bridged linearly from their neighbours.
    Both are listed in the warnings.

    Raises:
        StudioError: No OpenFace CSV, damaged, or without a usable frame.
    """
    path = Path(path)
    table = read_table(path, KIND)
    found = {au.key: table.column(au.openface_column) for au in ACTION_UNITS}
    columns = {key: column for key, column in found.items() if column is not None}
    if not columns:
        raise StudioError(f"{path.name} has no column such as AU12_r; choose an {KIND} with action-unit intensities.")
    warnings = []
    missing = [key for key, column in found.items() if column is None]
    if missing:
        warnings.append(f"{', '.join(missing)} are not in the file and stay at zero.")
    face = table.column("face_id")
    if face is not None:
        table, left_out = _one_face(table, face)
        if left_out:
            warnings.append(f"The file shows several faces; {left_out} rows of the others were left out.")
    good = _tracked(table)
    if not good.any():
        raise StudioError(f"{path.name} has no frame in which the face was tracked; record it again.")
    if not good.all():
        warnings.append(f"{int((~good).sum())} frames without a tracked face were bridged from their neighbours.")
    times, fps = _times(table, warnings)
    au = table.numbers(list(columns.values()))
    if au.max() > 5.0 or au.min() < 0.0:
        warnings.append("Intensities outside 0 to 5 were clipped.")
    values = np.zeros((len(au), len(AU_INDEX)))
    values[:, [AU_INDEX[key] for key in columns]] = np.clip(au, 0, 5)
    pose_columns = [table.column(name) for name in _POSE]
    known = [(i, column) for i, column in enumerate(pose_columns) if column is not None]
    pose = np.zeros((len(au), len(_POSE)))
    if known:
        at = [i for i, _ in known]
        pose[:, at] = np.degrees(table.numbers([column for _, column in known])) * _POSE_SIGNS[at]
        pose[:, 3:] = (pose[:, 3:] - pose[:, :2]) * [column is not None for column in pose_columns[3:]]
    both = resampled(times[good], np.concatenate([values, pose], 1)[good], fps, path.name)
    frames = both.astype(np.float32)
    take = Take(path.stem, fps, frames[:, : len(AU_INDEX)], frames[:, len(AU_INDEX) :] if known else None)
    return Imported(take, tuple(warnings))


def export_openface(take: Take, path: str | Path) -> None:
    """Writes a take as OpenFace does: 1-based frames, all 17 intensities, pose and gaze where the take has them.

    Raises:
        StudioError: The file cannot be written.
    """
    order = sorted(ACTION_UNITS, key=lambda au: au.number)
    header = ["frame", "timestamp", "confidence", "success"]
    columns = [take.au[:, AU_INDEX[au.key]].astype(np.float64) for au in order]
    if take.pose is not None:
        names = ("pose_Ry", "pose_Rx", "pose_Rz", "gaze_angle_x", "gaze_angle_y")
        header += names
        pose = take.pose.astype(np.float64)
        pose[:, 3:] += pose[:, :2]
        columns = [*(np.radians(pose) * _POSE_SIGNS).T, *columns]
    header += [au.openface_column for au in order]
    values = np.stack(columns, 1)
    rows = (
        [str(i + 1), f"{i / take.fps:.6f}", "1.00", "1", *(f"{value:.6g}" for value in row)]
        for i, row in enumerate(values)
    )
    write_table(path, header, rows)


def _one_face(table: Table, column: int) -> tuple[Table, int]:
    """The rows of the face that is seen most often, and how many others there are."""
    faces = table.numbers([column])[:, 0]
    names, counts = np.unique(faces, return_counts=True)
    chosen = faces == names[np.argmax(counts)]
    rows = [row for row, keep in zip(table.rows, chosen, strict=True) if keep]
    return Table(table.file, table.header, rows), int((~chosen).sum())


def _tracked(table: Table) -> NDArray[np.bool_]:
    good = np.ones(len(table.rows), bool)
    success, confidence = table.column("success"), table.column("confidence")
    if success is not None:
        good &= table.numbers([success])[:, 0] > 0.5
    if confidence is not None:
        good &= table.numbers([confidence])[:, 0] > 0.0
    return good


def _times(table: Table, warnings: list[str]) -> tuple[NDArray[np.float64], float]:
    """Times in seconds and the rate; without useful time stamps the frame number at 30 fps."""
    stamps = table.column("timestamp")
    if stamps is not None:
        times = table.numbers([stamps])[:, 0]
        fps = rate_of(times)
        if fps is not None and 1 <= fps <= MAX_FPS:
            return times, fps
    if len(table.rows) > 1:
        warnings.append(f"The file has no usable time stamps; {DEFAULT_FPS:g} frames per second were assumed.")
    return np.arange(len(table.rows)) / DEFAULT_FPS, DEFAULT_FPS
