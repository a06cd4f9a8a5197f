"""The command line as scripts rely on it: what comes out of it."""

from __future__ import annotations

import json
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from tests.cli.conftest import Run, refused


def test_export_makes_the_whole_clip(run: Run, avatar: Path, speech: Path, out: Path) -> None:
    code, told, _ = run("export", "--avatar", avatar, "--audio", speech, "-o", out, "--size", 64)
    assert code == 0
    assert told.startswith(f"{out}: 25 frames, 1.00 s, 64×64, 25 fps")
    with av.open(str(out)) as file:
        assert file.streams.video[0].frames == 25
        assert len(file.streams.audio) == 1


def test_export_takes_every_option(run: Run, avatar: Path, speech: Path, out: Path) -> None:
    options = "--size 96x64 --fps 29.97 --start 0.2 --end 0:00.8 --camera -30,5,4 --background #102030 --backend cpu"
    code, told, _ = run(
        "export", "--avatar", avatar, "--audio", speech, "-o", out, "--json", "--au", "AU12=3", "--au", "au4=1.5",
        *options.split(),
    )  # fmt: skip
    assert code == 0
    found = json.loads(told)
    assert (found["width"], found["height"], found["frames"], found["backend"]) == (96, 64, 18, "cpu")
    assert found["fps"] == pytest.approx(30000 / 1001)
    with av.open(str(out)) as file:
        corner = next(file.decode(video=0)).to_ndarray(format="rgb24")[0, 0].astype(int)
    assert np.abs(corner - [0x10, 0x20, 0x30]).max() <= 4


def test_export_shows_action_units_and_camera(run: Run, avatar: Path, speech: Path, out: Path) -> None:
    def picture(*options: str) -> np.ndarray:
        assert run(
            "export", "--avatar", avatar, "--audio", speech, "-o", out, "--size", "64", "--end", "0.1", *options
        )[0] == (0)
        with av.open(str(out)) as file:
            return next(file.decode(video=0)).to_ndarray(format="rgb24").astype(float)

    plain = picture()
    assert np.abs(picture("--au", "AU26=5") - plain).max() > 20
    assert np.abs(picture("--camera", "-60,0") - plain).max() > 20
    assert np.abs(picture("--camera=0,0") - plain).max() == 0


def test_a_project_is_exported_as_it_says(run: Run, avatar: Path, speech: Path, out: Path, tmp_path: Path) -> None:
    from studio.document.model import ExportSettings, Media
    from studio.document.performance import Performance
    from studio.document.project import Project, save_project

    project = Project(
        avatar=Media.file(avatar),
        audio=Media.file(speech),
        fps=20.0,
        in_s=0.2,
        out_s=0.7,
        performance=Performance.held({"AU12": 4.0}),
        export=ExportSettings(width_px=96, height_px=64),
    )
    path = out.parent.parent / "p.emozone"
    save_project(project, path)
    code, told, err = run("export", path, "-o", out, "--json")
    assert code == 0, err
    found = json.loads(told)
    assert (found["frames"], found["fps"], found["width"], found["height"]) == (10, 20.0, 96, 64)
    code, told, _ = run("export", path, "-o", out, "--json", "--end", "1.0", "--size", "32", "--fps", "25")
    assert json.loads(told)["frames"] == 25
    code, told, _ = run("info", path, "--json")
    assert json.loads(told) | {"avatar_state": "ok", "audio_state": "ok", "fps": 20.0} == json.loads(told)


def test_export_writes_pictures_and_gaussians(run: Run, avatar: Path, speech: Path, out: Path) -> None:
    def export(target: str, *options: str) -> str:
        words = ("export", "--avatar", avatar, "--audio", speech, "-o", out.parent / target, *options)
        code, told, err = run(*words)
        assert code == 0, err
        return told

    told = export("frames/", "--png", "--size", "33x31", "--end", "0.2")
    assert "frames: 5 frames, 0.20 s, 33×31, 25 fps" in told
    names = [f"frame_{i:04d}" for i in range(5)]
    assert sorted(path.name for path in (out.parent / "frames").iterdir()) == [f"{name}.png" for name in names]
    with Image.open(out.parent / "frames" / "frame_0000.png") as image:
        assert image.mode == "RGBA", "pictures are transparent unless a background is asked for"
    told = export("clip/", "--ply", "--end", "0.2")
    assert told.startswith(f"{out.parent / 'clip'}: 5 frames, 0.20 s, 25 fps")
    assert sorted(path.name for path in (out.parent / "clip").iterdir()) == [f"{name}.ply" for name in names]
    assert "one frame, " in export("frame.ply", "--frame", "0.16")
    bodies = [
        (out.parent / name).read_bytes().partition(b"end_header")[2] for name in ("frame.ply", "clip/frame_0004.ply")
    ]
    assert bodies[0] == bodies[1]
    for options in (["--background", "#102030"], ["--no-alpha"]):
        export("one.png", "--frame", "0.1", "--size", "64", *options)
        with Image.open(out.parent / "one.png") as image:
            assert image.mode == "RGB"
    refused(run("export", "--audio", speech, "--avatar", avatar, "-o", out.parent, "--png"), says="holds other files")
    refused(run("export", "--audio", speech, "-o", out.parent / "x.ply", "--frame", "9"), says="past the end")


def test_export_writes_transparent_videos(run: Run, avatar: Path, speech: Path, out: Path) -> None:
    from studio.engine.encoders import missing

    words = ("export", "--avatar", avatar, "--audio", speech, "--size", "64", "--end", "0.2", "--alpha", "-o")
    refused(run(*words, out), says="keep no transparency")
    for name, pixels in (("a.mov", "yuva444p12le"), ("a.webm", "yuv420p")):
        if missing(Path(name).suffix, alpha=True):
            continue
        code, told, err = run(*words, out.parent / name, "--json")
        assert code == 0, err
        assert json.loads(told)["alpha"] is True
        with av.open(str(out.parent / name)) as file:
            assert file.streams.video[0].codec_context.pix_fmt == pixels
            assert name == "a.mov" or file.streams.video[0].metadata["alpha_mode"] == "1"


def test_bookmarks_and_moved_cameras(run: Run, avatar: Path, speech: Path, out: Path, tmp_path: Path) -> None:
    from studio.document.model import Bookmark, Media
    from studio.document.performance import CameraView
    from studio.document.project import Project, save_project

    view = CameraView(-35.0, 8.0, None, (0.02, 0.01, 0.0))
    project = Project(Media.file(avatar), Media.file(speech), bookmarks=(Bookmark("three quarters", view),))
    path = tmp_path / "p.emozone"
    save_project(project, path)

    def picture(*options: str) -> bytes:
        assert run("export", path, "-o", out.parent / "a.png", "--frame", "0.2", "--size", "64", *options)[0] == 0
        return (out.parent / "a.png").read_bytes()

    marked = picture("--bookmark", "three quarters")
    assert marked == picture("--camera", "-35,8,auto,0.02,0.01,0")
    assert marked != picture("--camera", "-35,8")
    refused(run("export", path, "-o", out, "--bookmark", "none"), says="choose from three quarters")


def test_info_tells_what_an_avatar_is(run: Run, avatar: Path) -> None:
    code, told, _ = run("info", avatar, "--json")
    found = json.loads(told)
    assert code == 0
    assert (found["kind"], found["name"], found["gaussians"]) == ("avatar", "Toy", 300)
    code, told, _ = run("info", avatar)
    assert "gaussians" in told
    assert "AU12" in told
