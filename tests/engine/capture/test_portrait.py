"""From a video file to a capture folder, and what happens to videos that are no portraits."""

from __future__ import annotations

import errno
import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from studio.cli import main
from studio.engine.capture import filming, portrait
from studio.engine.capture.analysis import Clip, analyse
from studio.engine.capture.faces import FaceDetector, FaceTracker
from studio.engine.capture.mesh import FACE_OVAL, canonical_face
from studio.engine.capture.models import ModelFiles
from studio.engine.capture.portrait import Options, StoppedError, UnusableError, make_portrait
from studio.engine.training.capture_files import load_capture
from studio.errors import StudioError
from tests.engine.capture.conftest import placed, write_video

Faces = list[NDArray[np.uint8]]
FRAMES = 110
SPAN = {"low": 0.0, "middle": 1.0, "high": 2.0}
REPORT = json.dumps(
    {
        "video": "film.mp4", "frames": 110, "frames_used": 110, "seconds_used": 4.4, "left_out": {},
        "video_size_px": [240, 208], "video_fps": 25, "picture_px": 64, "face_px": 40.0, "tracking_error_px": 1.0,
        "tracking_error_share": 0.01, "focal_over_edge": 2.0, "jitter_deg": {"as_fitted": None, "smoothed": None},
        "pose_deg": {"yaw": SPAN}, "action_units": {}, "action_units_shown": [],
        "speech": {"has_sound": False}, "offset": {"found_ms": None, "corrected_ms": 0}, "light": {"change": 0.0},
        "background": {"still": True, "seen": 1.0},
    }
)  # fmt: skip


def acted(faces: Faces, size: tuple[int, int] = (208, 240), frames: int = FRAMES) -> Iterator[NDArray[np.uint8]]:
    """A face that moves from side to side, opens its mouth, smiles and frowns."""
    for i in range(frames):
        face = faces[(0, 0, 1, 0, 2, 0, 3, 0)[i // 8 % 8]]
        yield placed(face, size, 30 + 8 * np.sin(i / 12), size[0] - 196, 192)


@pytest.fixture(scope="module")
def video(faces: Faces, tmp_path_factory: pytest.TempPathFactory) -> Path:
    hum = 0.2 * np.sin(np.arange(round(FRAMES / 25 * 16_000)) * 0.06).astype(np.float32)
    return write_video(tmp_path_factory.mktemp("video") / "portrait.mp4", acted(faces), sound=hum)


@pytest.fixture(scope="module")
def made(video: Path, models: ModelFiles, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("made") / "me"
    make_portrait(video, out, Options(size_px=128, consent="Nora Beck"))
    return out


def test_a_video_becomes_a_capture_that_trains(made: Path) -> None:
    capture = load_capture(made)
    assert capture.info.kind == "portrait"
    assert capture.info.fps == 25
    assert abs(capture.info.frames - FRAMES) <= 1
    assert len(capture.images) > 0.8 * FRAMES
    train, test = capture.indices("train"), capture.indices("test")
    assert max(capture.images[i].frame for i in train) < min(capture.images[i].frame for i in test)
    assert capture.tracking is not None
    assert capture.articulators is not None
    target = capture.target(len(capture.images) // 2)
    assert target.alpha[:, 64].max() > 0.9  # somebody is there …
    assert target.alpha[:40, :8].max() < 0.2  # … and not everywhere
    box = capture.mouth_box(0, (128, 128))
    assert box is not None
    assert not list(made.glob("*.part"))
    assert not (made / "seen").exists()


def test_the_camera_sees_the_tracked_head_where_the_landmarks_are(made: Path) -> None:
    capture = load_capture(made)
    tracking = capture.tracking
    assert tracking is not None
    assert capture.landmarks is not None
    for index in (0, len(capture.images) // 2):
        frame, camera = capture.images[index].frame, capture.camera_of(index)
        pose = capture.pose[frame].numpy()
        from studio.engine.performer.gl import euler

        pivot = tracking.pivots[1].numpy()
        points = (tracking.landmarks_3d[frame].numpy() - pivot) @ euler(*pose[:3]).T + pivot
        seen = points @ camera.world_to_camera[:3, :3].T + camera.world_to_camera[:3, 3]
        flat = seen[:, :2] / seen[:, 2:] * [camera.fx, camera.fy] + [camera.cx, camera.cy]
        miss = np.linalg.norm(flat - capture.landmarks[index].numpy(), axis=1)
        assert np.median(miss) < 2.5


def test_a_head_that_only_shifts_is_hardly_turned(made: Path) -> None:
    capture = load_capture(made)
    pose = capture.pose[[image.frame for image in capture.images]]
    assert float(pose[:, :3].std(0).max()) < 2.5


def test_the_report_says_what_it_saw(made: Path) -> None:
    report = json.loads((made / "report.json").read_text())
    assert report["verdict"] == "usable with limits"
    assert any("Only" in limit or "sound" in limit for limit in report["limits"])
    assert not report["speech"]["is_the_persons"]
    assert report["offset"]["found_ms"] is None
    assert report["background"]["still"]
    page = (made / "report.html").read_text()
    assert "Usable with limits." in page
    assert "http" not in page.replace("http-equiv", "")


def test_consent_and_the_video_it_was_given_for_are_in_the_capture(made: Path, video: Path) -> None:
    consent = load_capture(made).info.consent
    assert consent is not None
    assert consent.name == "Nora Beck"
    assert consent.video_sha256 == hashlib.sha256(video.read_bytes()).hexdigest()
    assert load_capture(made).info.portrait


def test_a_stopped_capture_goes_on_where_the_video_is_now(
    video: Path, models: ModelFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(video.read_bytes())
    clips: list[Clip] = []

    def once(*given: Any) -> Clip:
        clips[:] = clips or [analyse(*given)]  # has its own tests, and takes long
        return clips[0]

    monkeypatch.setattr(portrait, "analyse", once)
    asked = 0

    def soon() -> bool:
        nonlocal asked
        asked += 1
        return asked > 130  # in the middle of cutting out pictures

    with pytest.raises(StoppedError, match="run the same command again"):
        make_portrait(film, tmp_path / "me", Options(size_px=64, consent="Nora Beck"), cancelled=soon)
    assert not (tmp_path / "me").exists()
    given = json.loads((tmp_path / "me.part" / "work.json").read_text())["consent"]
    film = film.rename(tmp_path / "moved.mp4")
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "me.part" / "pictures").glob("*.jpg")}
    assert kept
    looked: list[str] = []
    options = Options(size_px=64, consent="Nora Beck")
    with monkeypatch.context() as patch:
        patch.setattr(
            portrait, "assess", lambda *_: json.loads(REPORT) | {"verdict": "not usable", "limits": ["Film."]}
        )
        with pytest.raises(UnusableError, match=r"cannot be used\. Not usable: Film\."):
            make_portrait(film, tmp_path / "me", options, progress=lambda _, what: looked.append(what))
    assert json.loads((tmp_path / "me.part" / "report.json").read_text())["verdict"] == "not usable"
    assert (tmp_path / "me.part" / "sheet.jpg").exists()
    make_portrait(film, tmp_path / "me", options, progress=lambda _, what: looked.append(what))
    consent = load_capture(tmp_path / "me").info.consent
    assert consent is not None
    assert consent.to_json() == given  # as it was given first
    assert not any(what.startswith("looking") for what in looked)
    assert all((tmp_path / "me" / "pictures" / p.name).stat().st_mtime_ns == when for p, when in kept.items())
    load_capture(tmp_path / "me")


def test_a_full_disk_is_one_sentence_and_loses_nothing(
    video: Path, models: ModelFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = 0
    save = filming._save

    def full(image: Image.Image, path: Path, kind: str, **options: int) -> None:
        nonlocal saved
        saved += 1
        if saved > 40:
            raise OSError(errno.ENOSPC, "No space left on device")
        save(image, path, kind, **options)

    monkeypatch.setattr(filming, "_save", full)
    with pytest.raises(StudioError, match="disk is full"):
        make_portrait(video, tmp_path / "me", Options(size_px=64))
    assert len(list((tmp_path / "me.part" / "pictures").glob("*.jpg"))) >= 19


def test_videos_that_are_no_portraits_are_told_apart(
    faces: Faces,
    models: ModelFiles,
    grey_video: Callable[..., Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def two() -> Iterator[NDArray[np.uint8]]:
        for _ in range(110):
            picture = placed(faces[0], (200, 400), 0, 8, 192).copy()
            picture[8:200, 200:392] = faces[2]
            yield picture

    films = {
        "no face": grey_video(size=(208, 240)),
        "more than one face": write_video(tmp_path / "two.mp4", two()),
        "at least 4 s": grey_video("short.mp4", frames=50),
    }
    for says, film in films.items():
        assert main(["capture", str(film), "-o", str(tmp_path / "out"), "--size", "64"]) == 1
        told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("emozone:")]
        assert len(told) == 1
        assert says in told[0]
        assert not (tmp_path / "out").exists()


def test_a_silent_video_in_portrait_format_is_no_failure(faces: Faces, models: ModelFiles, tmp_path: Path) -> None:
    film = write_video(tmp_path / "tall.mp4", acted(faces, (400, 240)))
    report = make_portrait(film, tmp_path / "me", Options(size_px=64))
    assert not report["speech"]["has_sound"]
    assert any("silent" in limit for limit in report["limits"])
    assert load_capture(tmp_path / "me").info.size_px == (64, 64)


def test_the_tracker_follows_a_moving_face_and_finds_it_again(faces: Faces, models: ModelFiles) -> None:
    tracker = FaceTracker(models)
    empty = placed(faces[0][:2, :2], (208, 300), 0, 0, 2)
    for x in (20, 30, 40):
        sight = tracker(placed(faces[0], (208, 300), x, 10, 192))
        assert sight.face is not None
        middle = sight.face.points[list(FACE_OVAL), 0].mean()
        assert middle == pytest.approx(x + 96, abs=8)
    assert tracker(empty).face is None
    assert tracker(placed(faces[0], (208, 300), 90, 10, 192)).face is not None


def test_scores_tell_a_smile_and_an_open_mouth(faces: Faces, models: ModelFiles) -> None:
    from studio.engine.capture.mesh import SCORE_INDEX

    def scores(face: NDArray[np.uint8]) -> NDArray[np.float32]:
        sight = FaceTracker(models)(placed(face, (208, 240), 20, 8, 192))
        assert sight.face is not None
        return sight.face.scores

    rest, opened, smile = (scores(face) for face in faces[:3])
    assert smile[SCORE_INDEX["mouthSmileLeft"]] > rest[SCORE_INDEX["mouthSmileLeft"]] + 0.1
    assert opened[SCORE_INDEX["jawOpen"]] > rest[SCORE_INDEX["jawOpen"]] + 0.1
    assert opened[SCORE_INDEX["eyeBlinkLeft"]] > 0.3


def test_two_faces_are_two_detections(faces: Faces, models: ModelFiles) -> None:
    picture = placed(faces[0], (200, 400), 0, 8, 192).copy()
    picture[8:200, 200:392] = faces[2]
    assert len(FaceDetector(models)(picture)) == 2


def test_the_canonical_face_faces_us(models: ModelFiles) -> None:
    face = canonical_face(models.geometry)
    assert face.shape == (468, 3)
    assert face[263, 0] > 0.03 > -0.03 > face[33, 0]
    assert face[10, 1] > 0.05 > -0.05 > face[152, 1]
    assert face[1, 2] == face[:, 2].max() or face[4, 2] == face[:, 2].max()
