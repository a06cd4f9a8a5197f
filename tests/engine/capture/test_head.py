"""Poses that tremble are mended by the pictures; a matte that loses hair in one picture gets it back."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy.spatial.transform import Rotation

from studio.engine.capture import head
from studio.engine.capture.analysis import Clip
from studio.engine.capture.filming import Window
from studio.engine.capture.head import SLIDING, Outline, refine_head, slide
from studio.engine.capture.mesh import MESH_POINTS
from studio.engine.capture.pose import FLIP, Tracked
from studio.engine.capture.registration import as_motion, as_parameters
from tests.engine.capture.test_registration import DEPTH, LENS, PX, SIZE, shown, world
from tests.engine.capture.test_torso import Seen

F64 = NDArray[np.float64]
FRAMES = 36
MIDDLE = np.array([0.0, 0.0, DEPTH])


def filmed(folder: Path, errors: F64, monkeypatch: pytest.MonkeyPatch) -> tuple[F64, Clip]:
    """A flat head that moves smoothly, and a clip whose tracked poses are off by `errors` (F, 6); the true motions."""
    for name in ("pictures", "mattes"):
        (folder / name).mkdir()
    phase = np.arange(FRAMES) / FRAMES * 2 * np.pi
    none = np.zeros(FRAMES)
    truth = np.stack([none, none, 0.05 * np.sin(phase), 3 * PX * np.cos(phase), 2 * PX * np.sin(phase), none], axis=1)
    tracked = np.tile(np.eye(4), (FRAMES, 1, 1))
    for i in range(FRAMES):
        picture = Image.fromarray(shown(world(), as_motion(truth[i], MIDDLE), seed=i))
        picture.save(folder / "pictures" / f"{i:06d}.jpg", quality=95)
        Image.new("L", (SIZE, SIZE), 255).save(folder / "mattes" / f"{i:06d}.png")
        tracked[i] = as_motion(truth[i] + errors[i], MIDDLE)
    home = np.eye(4)
    home[:3, :3], home[2, 3] = FLIP, DEPTH
    heads = tracked @ home
    random = np.random.default_rng(1)
    points = np.concatenate([random.uniform(-0.15, 0.15, size=(478, 2)), np.zeros((478, 1))], axis=1)
    seen = Seen(np.zeros((FRAMES, 478, 3)))
    seen.points[:, 454, 0] = 60.0
    where = np.zeros((SIZE, SIZE), dtype=bool)
    where[16:80, 16:80] = True
    monkeypatch.setattr(head, "_region", lambda *args: where)
    monkeypatch.setattr(head, "_near", lambda *args: where)
    nobody = np.zeros((len(points[:MESH_POINTS]), 3))
    track = Tracked(
        heads[:, :3, :3], heads[:, :3, 3], LENS.fx, (LENS.cx, LENS.cy), nobody, np.ones(FRAMES),
        np.ones(FRAMES, dtype=bool), np.zeros(6),
    )  # fmt: skip
    known: dict[str, Any] = {
        "seen": seen, "size_px": (SIZE, SIZE), "sifted": SimpleNamespace(breaks=np.zeros(FRAMES, dtype=bool)),
        "raw": track, "track": track, "reference": FLIP, "pose": np.zeros((FRAMES, 5)), "sway": np.zeros((FRAMES, 3)),
        "pivots": np.zeros((4, 3)), "points": np.tile(points, (FRAMES, 1, 1)),
        "actions": SimpleNamespace(au=np.zeros((FRAMES, 17))), "offset": None, "speech_heard": False,
        "articulators": np.zeros((FRAMES, 10)), "crop": None, "notes": (),
    }  # fmt: skip
    clip = Clip(**known)
    return truth, clip


def test_poses_that_tremble_are_mended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    errors = np.random.default_rng(4).normal(size=(FRAMES, 6)) * [0, 0, 0.012, 0.6 * PX, 0.6 * PX, 0]
    truth, clip = filmed(tmp_path, errors, monkeypatch)
    window, every = Window((SIZE, SIZE), 0, 0, SIZE, (1.0, 1.0)), list(range(FRAMES))
    found, outline = refine_head(clip, window, every, every[:30], tmp_path, lambda done, of: None)
    assert outline is not None
    home = np.eye(4)
    home[:3, :3], home[2, 3] = FLIP, DEPTH
    heads = np.tile(np.eye(4), (FRAMES, 1, 1))
    heads[:, :3, :3], heads[:, :3, 3] = found.track.rotation, found.track.translation
    left = np.stack([as_parameters(each @ np.linalg.inv(home), MIDDLE) for each in heads]) - truth
    left -= left.mean(0)
    assert left[:, 2].std() < 0.3 * errors[:, 2].std()
    assert left[:, 3:5].std() < 0.35 * errors[:, 3:5].std()
    turned = Rotation.from_matrix(FLIP.T @ found.track.rotation).as_euler("YXZ", degrees=True)
    assert np.allclose(-turned[:, 2], found.pose[:, 2], atol=1e-6)  # what is written follows the new pose


@pytest.mark.parametrize("shift", [0.0, 5.0])
def test_a_matte_stays_within_what_is_usual(shift: float) -> None:
    """Also where the head has moved."""
    band = np.zeros((SIZE, SIZE), np.float32)
    band[20:60, 30:70] = 1.0
    motion = as_motion(np.array([0, 0, 0, shift * PX, 0, 0]), MIDDLE)
    near = np.ones((SIZE, SIZE), np.float32)
    near[40:] = 0.0
    outline = Outline(LENS, np.full((SIZE, SIZE), DEPTH), motion[None], 0.9 * band, band, near)
    alpha = np.roll(band, round(shift), axis=1).copy()
    alpha[22:30, 40:50] = 0.0  # a knot of hair that this picture's matte has lost …
    alpha[22:30, 4:10] = 1.0  # … something on the wall that it has taken for hair …
    alpha[50:55, 4:10] = 1.0  # … and far from the head, where nothing is known
    differs = 60.0 * alpha
    differs[22:30, 40:50], differs[22:30, 4:10] = 60.0, 5.0
    steady = outline.steadied(alpha, differs, 0)
    assert steady[23:29, 41:49].min() > 0.85
    assert steady[23:29, 5:9].max() < 0.05
    assert np.array_equal(steady[50:55, 4:10], alpha[50:55, 4:10])
    differs[22:30, 4:10] = 90.0  # but a hand that is clearly no wall stays
    differs[22:30, 40:50] = 5.0  # and where the wall shows there is no hair
    steady = outline.steadied(alpha, differs, 0)
    assert steady[23:29, 5:9].min() > 0.95
    assert steady[23:29, 41:49].max() < 0.05


def test_larger_pictures_are_steadied_too() -> None:
    band = np.ones((SIZE, SIZE), np.float32)
    outline = Outline(LENS, np.full((SIZE, SIZE), DEPTH), np.eye(4)[None], 0.5 * band, band, band)
    alpha = np.zeros((2 * SIZE, 2 * SIZE), np.float32)
    assert np.allclose(outline.steadied(alpha, alpha + 60, 0), 0.5, atol=1e-5)


def test_landmarks_that_slide_are_overruled_by_more_than_those_that_tremble() -> None:
    steady, twice, grimace = (np.array(slide(share)) for share in (SLIDING / 2, SLIDING, 2 * SLIDING))
    np.testing.assert_allclose(twice, 2 * steady)
    np.testing.assert_allclose(grimace, 4 * twice)
