"""A torso that moves by known amounts is followed; one that is not there rests, and the report says so."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from studio.engine.capture.analysis import Clip
from studio.engine.capture.filming import Window
from studio.engine.capture.matte import REGIONS
from studio.engine.capture.pose import FLIP
from studio.engine.capture.torso import NOT_FOUND, NOT_SEEN, Torso, follow_torso
from studio.engine.controls import Pose
from studio.engine.rig import Rig
from tests.engine.capture.test_registration import world

F64 = NDArray[np.float64]
FRAMES, EDGE, FOCAL, NECK_M = 36, 96, 180.0, 0.6
PX = NECK_M / FOCAL
PIVOT = np.array([0.0, -0.08, -0.08])


@dataclass
class Seen:
    points: F64
    time_s: F64 = field(default_factory=lambda: np.arange(FRAMES) / 25)

    def __len__(self) -> int:
        return FRAMES


def clip_of(sway: F64) -> Clip:
    """A clip whose head is above row 40 of the pictures, and whose neck is `sway` (F, 3) away from the usual."""
    points = np.zeros((FRAMES, 478, 3))
    points[:, :, :2] = EDGE / 2, 20
    points[:, 152, 1] = 36
    points[:, 234, 0], points[:, 454, 0] = 36, 60
    home = [0.0, 0.0, NECK_M] - FLIP @ PIVOT
    return cast(
        Clip,
        SimpleNamespace(
            seen=Seen(points), sifted=SimpleNamespace(breaks=np.zeros(FRAMES, dtype=bool)), reference=FLIP,
            sway=home + sway, pivots=np.stack([np.zeros(3), PIVOT, PIVOT, PIVOT]),
            track=SimpleNamespace(focal=FOCAL, centre=(EDGE / 2, EDGE / 2)),
        ),
    )  # fmt: skip


def follow(folder: Path, shifts_px: F64, *, label: str = "torso", sway: F64 | None = None, covered: int = 0) -> Torso:
    """Pictures with a torso that is shifted, under a head that rests; the last `covered` show something else."""
    for name in ("frames", "regions"):
        (folder / name).mkdir()
    look, other = world(3), world(8)
    for i, (x, y) in enumerate(shifts_px):
        moved = Image.fromarray((other if i >= FRAMES - covered else look).astype(np.uint8)).transform(
            (EDGE, EDGE), Image.Transform.AFFINE, (1, 0, -x, 0, 1, -y), Image.Resampling.BICUBIC
        )
        labels = np.zeros((EDGE, EDGE), np.uint8)
        labels[44:90, 8:88] = REGIONS.index(label)
        picture = np.asarray(moved).copy()
        picture[:40] = 128
        Image.fromarray(picture).save(folder / "frames" / f"{i:06d}.png")
        Image.fromarray(labels).save(folder / "regions" / f"{i:06d}.png")
    window = Window((EDGE, EDGE), 0, 0, EDGE, (1.0, 1.0))
    clip = clip_of(np.zeros((FRAMES, 3)) if sway is None else sway)
    every = list(range(FRAMES))
    return follow_torso(clip, window, every, every[:30], folder, lambda done, of: None)


def seen_at(torso: Torso, sway: F64, frame: int) -> F64:
    """Where a point beneath the neck is seen, by the rig and the picture's camera."""
    import torch

    rig = Rig(torch.zeros(0, 4), torch.from_numpy(np.stack([np.zeros(3), PIVOT, PIVOT, PIVOT])))
    row: list[Any] = torso.motion[frame].tolist()
    turns, moves = rig.transforms(Pose(torso_turn_deg=tuple(row[:3]), torso_shift_m=tuple(row[3:])))
    point = turns[0].numpy() @ (PIVOT - np.array([0.0, 0.05, 0.0])) + moves[0].numpy()
    there = FLIP @ point + [0.0, 0.0, NECK_M] - FLIP @ PIVOT + sway[frame]
    return np.asarray(there[:2] / there[2] * FOCAL + EDGE / 2)


def swaying() -> F64:
    phase = np.arange(FRAMES) / FRAMES * 2 * np.pi
    return np.stack([3 * np.sin(phase), 2 * np.cos(2 * phase)], axis=1)


def test_a_torso_that_moves_is_drawn_where_it_is_seen(tmp_path: Path) -> None:
    """Also while the neck, which the camera follows, moves differently."""
    truth = swaying()
    sway = np.zeros((FRAMES, 3))
    sway[:, 0] = np.linspace(-0.01, 0.01, FRAMES)
    torso = follow(tmp_path, truth, sway=sway)
    assert not torso.why
    assert torso.found > 0.95
    assert torso.range_px == pytest.approx(6.0, abs=0.6)
    found = np.stack([seen_at(torso, sway, frame) for frame in range(FRAMES)])
    wrong = (found - found.mean(0)) - (truth - truth.mean(0))
    assert np.abs(wrong).max() < 0.35
    assert np.sqrt((wrong**2).mean()) < 0.12


def test_a_still_torso_stays_still(tmp_path: Path) -> None:
    torso = follow(tmp_path, np.zeros((FRAMES, 2)))
    assert not torso.why
    assert torso.jitter_px < 0.02
    assert np.abs(torso.motion[:, 3:]).max() < 0.03 * PX


def test_without_shoulders_in_the_picture_it_rests(tmp_path: Path) -> None:
    torso = follow(tmp_path, swaying(), label="neck")
    assert torso.why == NOT_SEEN
    assert not torso.motion.any()
    assert torso.report()["followed"] is False


def test_covered_in_some_pictures_it_goes_on_as_it_was(tmp_path: Path) -> None:
    torso = follow(tmp_path, np.zeros((FRAMES, 2)), covered=5)
    assert not torso.why
    assert torso.found == pytest.approx(31 / 36, abs=0.03)
    assert np.abs(torso.motion[:, 3:]).max() < 0.1 * PX


def test_covered_in_most_pictures_it_rests(tmp_path: Path) -> None:
    torso = follow(tmp_path, np.zeros((FRAMES, 2)), covered=18)
    assert torso.why == NOT_FOUND
    assert torso.found == pytest.approx(0.5, abs=0.05)
    assert not torso.motion.any()
