from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

from studio.document.action_units import ACTION_UNITS, AU_INDEX
from studio.document.interchange.openface import export_openface, import_openface
from studio.document.takes import Take
from studio.errors import StudioError
from tests.document.strategies import takes

COLUMNS = sorted(au.openface_column for au in ACTION_UNITS)


def recording(tmp_path: Path, rows: list[dict[str, float]], separator: str = ", ") -> Path:
    header = ["frame", "timestamp", "confidence", "success", *COLUMNS, "AU12_c", "x_0"]
    lines = [separator.join(header)]
    for i, row in enumerate(rows):
        full = {"frame": i + 1, "timestamp": round(i / 30, 3), "confidence": 0.98, "success": 1, "AU12_c": 1, **row}
        lines.append(separator.join(str(full.get(name, 0)) for name in header))
    path = tmp_path / "clip.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("separator", [",", ", ", " ,  "])
def test_intensities_are_read_whatever_the_spaces(tmp_path: Path, separator: str) -> None:
    path = recording(tmp_path, [{"AU12_r": 0.5 * i, "AU01_r": 1.25} for i in range(6)], separator)
    imported = import_openface(path)
    take = imported.take
    assert (take.name, take.fps, take.frames, take.pose) == ("clip", 30.0, 6, None)
    np.testing.assert_allclose(take.au[:, AU_INDEX["AU12"]], 0.5 * np.arange(6), atol=1e-6)
    np.testing.assert_allclose(take.au[:, AU_INDEX["AU1"]], 1.25)
    assert imported.warnings == ()


@given(takes)
def test_an_exported_take_is_imported_as_it_was(tmp_path_factory: pytest.TempPathFactory, take: Take) -> None:
    path = tmp_path_factory.getbasetemp() / "round.csv"
    export_openface(take, path)
    again = import_openface(path).take
    assert again.frames == take.frames
    np.testing.assert_allclose(again.au, take.au, atol=1e-3)
    if take.frames > 1:
        assert again.fps == pytest.approx(take.fps, rel=2e-3)
    if take.pose is None:
        assert again.pose is None
    else:
        np.testing.assert_allclose(again.pose, take.pose, atol=0.02)


def test_angles_have_the_signs_of_openface(tmp_path: Path) -> None:
    path = tmp_path / "pose.csv"
    path.write_text(
        "frame,timestamp,success,pose_Rx,pose_Ry,pose_Rz,gaze_angle_x,gaze_angle_y,AU12_r\n"
        "1,0,1,0.1,-0.2,0.3,0.25,-0.1,1\n2,0.04,1,0.1,-0.2,0.3,0.25,-0.1,1\n"
    )
    imported = import_openface(path)
    assert imported.take.pose is not None
    yaw, pitch, roll, gaze_yaw, gaze_pitch = np.radians(imported.take.pose[0])
    assert (yaw, pitch, roll) == pytest.approx((0.2, -0.1, 0.3), abs=1e-5)
    assert (gaze_yaw, gaze_pitch) == pytest.approx((0.25 - 0.2, 0.1 + 0.1), abs=1e-5)


def test_untracked_frames_are_bridged_and_missing_units_listed(tmp_path: Path) -> None:
    rows = [{"AU04_r": i} for i in range(4)]
    rows[1] |= {"success": 0, "AU04_r": 5}
    rows[2] |= {"confidence": 0, "AU04_r": 5}
    imported = import_openface(recording(tmp_path, rows))
    np.testing.assert_allclose(imported.take.au[:, AU_INDEX["AU4"]], [0, 1, 2, 3], atol=1e-6)
    assert "2 frames without a tracked face" in imported.warnings[0]
    path = tmp_path / "few.csv"
    path.write_text("frame,AU12_r\n1,1.5\n2,2.5\n")
    few = import_openface(path)
    assert few.take.fps == 30
    assert any("AU1, AU2" in warning for warning in few.warnings)
    assert any("time stamps" in warning for warning in few.warnings)


def test_of_several_faces_the_one_seen_most_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "faces.csv"
    path.write_text(
        "frame,face_id,timestamp,success,AU12_r\n1,0,0,1,1\n1,1,0,1,4\n2,0,0.04,1,1\n2,1,0.04,1,4\n3,1,0.08,1,4\n"
    )
    imported = import_openface(path)
    np.testing.assert_allclose(imported.take.au[:, AU_INDEX["AU12"]], 4)
    assert "2 rows of the others" in " ".join(imported.warnings)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", "no column such as AU12_r"),
        ("frame,success,AU12_r\n1,0,2\n", "no frame in which the face was tracked"),
        ("frame,timestamp,AU12_r\n1,0,2\n2,x,2\n", "column timestamp"),
        ("frame,timestamp,AU12_r\n1,5,2\n2,5.04,2\n3,0,1\n", "backwards"),
        ("frame,timestamp,AU12_r\n1,0,2\n2,0.04,2\n3,0.08,2\n4,0.12,2\n5,1e8,1\n", "too long"),
    ],
)
def test_damaged_files_are_one_sentence(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(StudioError, match=message):
        import_openface(path)


def test_the_export_has_the_columns_of_openface_in_order(tmp_path: Path) -> None:
    export_openface(Take("t", 25, np.ones((2, 17), np.float32)), tmp_path / "t.csv")
    header = (tmp_path / "t.csv").read_text().splitlines()[0].split(",")
    assert header == ["frame", "timestamp", "confidence", "success", *COLUMNS]
