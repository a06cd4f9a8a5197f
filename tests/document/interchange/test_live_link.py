from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.document.action_units import AU_INDEX
from studio.document.interchange.arkit import ARKIT
from studio.document.interchange.live_link import ROTATIONS, export_live_link, import_live_link
from studio.document.takes import Take
from studio.errors import StudioError
from tests.document.strategies import seeds


def recording(path: Path, codes: list[str], names: tuple[str, ...] = ARKIT, jaw: str = "JawOpen") -> Path:
    lines = ["Timecode,BlendShapeCount," + ",".join(names)]
    for i, code in enumerate(codes):
        values = [str(i / len(codes)) if name.lower() == jaw.lower() else "0" for name in names]
        lines.append(f"{code},{len(names)}," + ",".join(values))
    path.write_text("\n".join(lines))
    return path


def codes(frames: range, fps: int) -> list[str]:
    return [f"14:{i // fps // 60:02d}:{i // fps % 60:02d}:{i % fps:02d}.{i % 1000:03d}" for i in frames]


@pytest.mark.parametrize("fps", [25, 30, 60])
def test_the_rate_is_counted_from_the_time_codes(tmp_path: Path, fps: int) -> None:
    imported = import_live_link(recording(tmp_path / "a.csv", codes(range(7, 7 + 4 * fps), fps)))
    assert imported.take.fps == fps
    assert abs(imported.take.frames - 4 * fps) <= 1
    jaw = imported.take.au[:, AU_INDEX["AU26"]]
    assert (np.diff(jaw) > 0).all()


@pytest.mark.parametrize(
    "names",
    [
        ARKIT,
        (*ARKIT, *ROTATIONS),
        tuple(name[0].lower() + name[1:] for name in reversed(ARKIT)),
        tuple(name.upper() for name in ARKIT[:51]),
    ],
)
def test_count_case_and_order_may_vary(tmp_path: Path, names: tuple[str, ...]) -> None:
    imported = import_live_link(recording(tmp_path / "a.csv", codes(range(240), 60), names))
    assert imported.take.au[:, AU_INDEX["AU26"]].max() == pytest.approx(5 * 239 / 240, abs=0.02)
    assert imported.take.pose is not None


def test_dropped_frames_are_bridged_and_midnight_is_passed(tmp_path: Path) -> None:
    before = [f"23:59:{58 + i // 60}:{i % 60:02d}.000" for i in range(120) if i % 10 != 3]
    after = [f"00:00:{i // 60:02d}:{i % 60:02d}.000" for i in range(120)]
    imported = import_live_link(recording(tmp_path / "a.csv", before + after))
    assert (imported.take.fps, imported.take.frames) == (60, 240)


@given(seeds, st.sampled_from([24.0, 25.0, 60.0]))
def test_an_exported_take_is_imported_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, seed: int, fps: float
) -> None:
    rng = np.random.default_rng(seed)
    frames = int(rng.integers(1, 200))
    pose = rng.uniform(-30, 30, (frames, 5)).astype(np.float32)
    take = Take("t", fps, rng.uniform(0, 5, (frames, 17)).astype(np.float32), pose)
    path = tmp_path_factory.getbasetemp() / "round.csv"
    export_live_link(take, path)
    again = import_live_link(path, fps).take
    assert (again.fps, again.frames) == (fps, frames)
    np.testing.assert_allclose(again.au, take.au, atol=0.02)
    np.testing.assert_allclose(again.pose, pose, atol=0.3)


def test_the_export_has_the_columns_of_the_app(tmp_path: Path) -> None:
    warnings = export_live_link(Take("t", 60, np.ones((61, 17), np.float32)), tmp_path / "t.csv")
    lines = (tmp_path / "t.csv").read_text().splitlines()
    assert lines[0].startswith("Timecode,BlendShapeCount,EyeBlinkLeft,")
    assert lines[0].endswith("RightEyeRoll")
    assert lines[1].startswith("00:00:00:00.000,61,0.2,")
    assert lines[61].startswith("00:00:01:00.000,61,")
    assert any("AU23" in warning for warning in warnings)


def test_head_rotations_are_radians(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    names = (*ARKIT, "HeadYaw", "HeadPitch", "HeadRoll")
    path.write_text(f"Timecode,BlendShapeCount,{','.join(names)}\n00:00:00:00.0,55,{'0,' * 52}0.1,0.2,0.3\n")
    take = import_live_link(path).take
    assert take.pose is not None
    assert np.radians(take.pose[0]) == pytest.approx([0.1, -0.2, 0.3, 0, 0], abs=1e-5)


@pytest.mark.parametrize("code", ["", "1.5 s", "00:00:00", "00:00:00:33.001"])
def test_useless_time_codes_are_counted_as_rows(tmp_path: Path, code: str) -> None:
    imported = import_live_link(recording(tmp_path / "a.csv", [code] * 5))
    assert (imported.take.frames, imported.take.fps) == (5, 60)
    assert "60 frames per second" in " ".join(imported.warnings)


def test_seconds_instead_of_time_codes_and_percent_are_understood(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("timestamp," + ",".join(ARKIT) + "\n" + "".join(f"{i * 0.02},{'50,' * 51}50\n" for i in range(9)))
    imported = import_live_link(path)
    assert imported.take.fps == 50
    np.testing.assert_allclose(imported.take.au, 2.5)
    assert "percent" in imported.warnings[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Timecode,BlendShapeCount\n0,0\n", "no ARKit channels"),
        ("Timecode,BlendShapeCount," + ",".join(ARKIT) + "\n0,52" + ",x" * 52 + "\n", "instead of a sensible number"),
        ("Timecode\n", "no rows"),
    ],
)
def test_damaged_files_are_one_sentence(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(StudioError, match=message):
        import_live_link(tmp_path / "a.csv")


def test_an_impossible_rate_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StudioError, match="frames per second cannot be"):
        import_live_link(recording(tmp_path / "a.csv", codes(range(5), 60)), 0.1)
