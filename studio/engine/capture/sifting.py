"""Which pictures are fit to learn from, and why the others are not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from studio.engine.capture.mesh import FACE_OVAL
from studio.engine.capture.observing import Observed
from studio.engine.capture.pose import FLIP, Tracked, angles_deg

F64 = NDArray[np.float64]
Flags = NDArray[np.bool_]

NO_FACE = "no face"
OTHER_SHOT = "another shot after a cut"
OTHER_FACE = "another face"
OUTSIDE = "the face leaves the picture"
TURNED = "turned too far"
COVERED = "the face is covered or was not followed well"
BLURRED = "blurred"
FROZEN = "the picture stands still"

MAX_YAW_DEG, MAX_PITCH_DEG, MAX_ROLL_DEG = 50.0, 35.0, 45.0

_CUT, _SUDDEN = 14.0, 6.0
"""Mean change of the small grey picture from one moment to the next that is a cut, and over the usual change."""

_JUMP = 0.6
"""Widths of the face by which it cannot move from one picture to the next."""

_SAME_VIEW = 16.0
"""Mean difference of two shots' small grey pictures, away from the face, below which they are one set-up."""


@dataclass(frozen=True)
class Sifted:
    """Why pictures are left out."""

    reasons: tuple[str, ...]  # (F,) "" where a picture is used
    breaks: Flags  # (F,) true at the first picture of a shot, and where the face was lost before

    @property
    def used(self) -> Flags:
        """(F,) pictures to learn from."""
        return np.array([not reason for reason in self.reasons], dtype=bool)

    def spans(self) -> list[dict[str, object]]:
        """Runs of pictures that are left out: first, the one after the last, why."""
        out: list[dict[str, object]] = []
        for i, reason in enumerate(self.reasons):
            if not reason:
                continue
            if out and out[-1]["end"] == i and out[-1]["reason"] == reason:
                out[-1]["end"] = i + 1
            else:
                out.append({"start": i, "end": i + 1, "reason": reason})
        return out


def first_sift(seen: Observed, size_px: tuple[int, int]) -> Sifted:
    """What can be told before the head is fitted: faces, shots, frozen pictures, edges of the picture."""
    found = np.isfinite(seen.points[:, 0, 0])
    breaks = _cuts(seen, found)
    reasons = np.where(found, "", NO_FACE).astype(object)
    reasons[found & ~_main_shots(seen, found, breaks, size_px)] = OTHER_SHOT
    _mark(reasons, _frozen(seen), FROZEN)
    _mark(reasons, _others(seen), OTHER_FACE)
    oval = seen.points[:, list(FACE_OVAL), :2]
    with np.errstate(invalid="ignore"):
        out = (oval < -2).any(2) | (oval > np.array(size_px) + 2).any(2)
    _mark(reasons, out.mean(1) > 0.12, OUTSIDE)
    lost = np.concatenate([[True], ~found[:-1]]) & found
    return Sifted(tuple(str(r) for r in reasons), breaks | lost)


def second_sift(first: Sifted, seen: Observed, track: Tracked) -> Sifted:
    """What the fitted head adds: turned away, covered; and blur, measured against the clip itself."""
    reasons = np.array(first.reasons, dtype=object)
    limits = np.array([MAX_YAW_DEG, MAX_PITCH_DEG, MAX_ROLL_DEG])
    turned: Flags = np.abs(angles_deg(FLIP @ track.rotation)) > limits
    _mark(reasons, np.asarray(turned.any(axis=1)), TURNED)
    used = reasons == ""
    width = np.linalg.norm(seen.points[:, 454, :2] - seen.points[:, 234, :2], axis=1)
    with np.errstate(invalid="ignore"):
        share = track.error_px / np.maximum(width, 1.0)
        usual = float(np.nanmedian(share[used])) if used.any() else 0.0
        _mark(reasons, (share > max(3.0 * usual, 0.02)) | (seen.presence < 0.6), COVERED)
        usual = float(np.median(seen.sharpness[used])) if used.any() else 0.0
        _mark(reasons, seen.sharpness < 0.3 * usual, BLURRED)
    return Sifted(tuple(str(r) for r in reasons), first.breaks)


def _mark(reasons: NDArray[np.object_], where: Flags, reason: str) -> None:
    reasons[where & (reasons == "")] = reason


def _cuts(seen: Observed, found: Flags) -> Flags:
    """(F,) true where another shot begins."""
    n = len(seen)
    cuts = np.zeros(n, dtype=bool)
    if n < 2:
        return cuts
    change = np.abs(np.diff(seen.thumb.astype(np.float32), axis=0)).mean((1, 2))
    usual = float(np.median(change[change > 0])) if (change > 0).any() else 0.0
    cuts[1:] = change > max(_CUT, _SUDDEN * usual)
    middle = seen.points[:, list(FACE_OVAL), :2].mean(1)
    width = np.linalg.norm(seen.points[:, 454, :2] - seen.points[:, 234, :2], axis=1)
    both = found[1:] & found[:-1]
    moved = np.linalg.norm(np.diff(middle, axis=0), axis=1) / np.maximum(width[:-1], 1.0)
    cuts[1:] |= both & (np.nan_to_num(moved) > _JUMP)
    return cuts


def _main_shots(seen: Observed, found: Flags, breaks: Flags, size_px: tuple[int, int]) -> Flags:
    """(F,) pictures of the longest shot with a face, and of shots from the same place at the same size."""
    shot = np.cumsum(breaks)
    lengths = np.bincount(shot[found], minlength=int(shot.max(initial=0)) + 1) if found.any() else np.zeros(1, int)
    main = int(np.argmax(lengths))
    width = np.linalg.norm(seen.points[:, 454, :2] - seen.points[:, 234, :2], axis=1)

    def view(number: int) -> tuple[F64, Flags, float]:
        mine = (shot == number) & found
        picture = np.median(seen.thumb[mine], axis=0).astype(np.float64)
        cells = seen.thumb.shape[1:]
        low = np.nanmin(seen.points[mine, :, :2], axis=(0, 1)) / size_px * cells[0]
        high = np.nanmax(seen.points[mine, :, :2], axis=(0, 1)) / size_px * cells[0]
        away = np.ones(cells, dtype=bool)
        grow = 0.4 * (high - low)
        left, top = np.maximum(0, np.floor(low - grow)).astype(int)
        right, bottom = np.minimum(cells[0], np.ceil(high + grow)).astype(int)
        away[top:, left:right] = False
        del bottom
        return picture, away, float(np.median(width[mine]))

    kept: Flags = np.asarray(shot == main)
    if not found.any():
        return kept
    picture, away, size = view(main)
    for number in np.flatnonzero(lengths):
        if number == main:
            continue
        other, also, other_size = view(int(number))
        where = away & also
        if where.sum() < 40 or not 0.8 < other_size / size < 1.25:
            continue
        if float(np.abs(picture - other)[where].mean()) < _SAME_VIEW:
            kept = kept | np.asarray(shot == number)
    return kept


def _frozen(seen: Observed) -> Flags:
    """(F,) pictures that repeat one of more than 0.3 s ago."""
    still = np.zeros(len(seen), dtype=bool)
    run = 0
    for i, fresh in enumerate(seen.fresh):
        run = 0 if fresh else run + 1
        still[i] = run > 7
    return still


def _others(seen: Observed) -> Flags:
    """(F,) pictures with another face of at least a third of the followed one's size, or between two such."""
    edge = np.maximum(seen.other[:, 2] - seen.other[:, 0], seen.other[:, 3] - seen.other[:, 1])
    width = np.linalg.norm(seen.points[:, 454, :2] - seen.points[:, 234, :2], axis=1)
    with np.errstate(invalid="ignore"):
        seen_now = edge > 0.35 * width
    near = np.convolve(seen_now.astype(int), np.ones(9, int), mode="same")[: len(seen_now)] > 0
    return np.asarray(near & np.isfinite(width))
