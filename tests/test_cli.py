"""The command line: what scripts rely on, and one clear line for everything that can go wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import wave
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from studio import cli
from studio.commands import report
from studio.engine.avatar import save_avatar
from studio.engine.speech import features
from studio.engine.speech.audio import Audio
from tests.support import toy_avatar, toy_speech

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="session")
def avatar(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("avatar") / "toy.safetensors"
    save_avatar(toy_avatar(400), path)
    return path


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    path = tmp_path / "speech.wav"
    write_wav(path, 1.0)
    return path


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder / "a.mp4"


@pytest.fixture(autouse=True)
def quick_features(monkeypatch: pytest.MonkeyPatch) -> None:
    """The speech encoder has tests of its own; here the mouth rests."""

    def rest(audio: Audio) -> features.SpeechFeatures:
        return features.silence(audio.duration_s)

    monkeypatch.setattr(features, "extract_features", rest)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process: exit code, standard output, standard error."""

    def command(*words: object) -> tuple[int, str, str]:
        try:
            code = cli.main([str(word) for word in words])
        except SystemExit as stop:
            code = int(stop.code or 0)
        text = capsys.readouterr()
        return code, text.out, text.err

    return command


def write_wav(path: Path, seconds: float) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes((toy_speech(seconds) * 32767).astype("<i2").tobytes())


def refused(result: tuple[int, str, str], *, code: int = 1, says: str) -> None:
    """One line on standard error, nothing on standard output."""
    got, out, err = result
    assert got == code, err
    assert out == ""
    assert err.count("\n") == 1, err
    assert says in err
    assert "Traceback" not in err


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


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("export", "-o"),
        ("export -o a.mp4", "give a PROJECT"),
        ("export p.emozone --audio b.wav -o a.mp4", "not both"),
        ("export --audio b.wav -o a.mp4 --au AU99=3", "AU99"),
        ("export --audio b.wav -o a.mp4 --au AU12=5.1", "outside 0 to 5"),
        ("export --audio b.wav -o a.mp4 --au AU12=-1", "outside 0 to 5"),
        ("export --audio b.wav -o a.mp4 --au AU12=nan", "not finite"),
        ("export --audio b.wav -o a.mp4 --au AU12", "AU12=3"),
        ("export --audio b.wav -o a.mp4 --camera 1", "YAW,PITCH"),
        ("export --audio b.wav -o a.mp4 --camera 1,2,x", "no number"),
        ("export --audio b.wav -o a.mp4 --camera 1,95,3", "too far"),
        ("export --audio b.wav -o a.mp4 --camera 1,2,0", "head heights"),
        ("export --audio b.wav -o a.mp4 --size big", "no size"),
        ("export --audio b.wav -o a.mp4 --fps fast", "no frame rate"),
        ("export --audio b.wav -o a.mp4 --fps 1/0", "no frame rate"),
        ("export --audio b.wav -o a.mp4 --start -1", "before the start"),
        ("export --audio b.wav -o a.mp4 --background red", "no colour"),
        ("export --audio b.wav -o a.mp4 --camera 1,2,3,4", "YAW,PITCH"),
        ("export --audio b.wav -o a.mp4 --camera 1,2,auto,0,0,99", "metres"),
        ("export --audio b.wav -o a.mp4 --bookmark left", "of a PROJECT"),
        ("export --audio b.wav -o a --png --ply", "not both"),
        ("export --audio b.wav -o a.png", "add --frame S, or write a folder with --png"),
        ("export --audio b.wav -o a.mp4 --frame 1", "write a .png or a .ply"),
        ("export --audio b.wav -o a.png --frame 1 --end 2", "without --start"),
        ("export --audio b.wav -o a --ply --size 64", "leave --size out"),
        ("export --audio b.wav -o a --ply --alpha", "leave --alpha out"),
        ("export --audio b.wav -o a --png --alpha --background #000000", "not both"),
        ("export --audio b.wav -o a.mp4 --backend magic", "magic"),
        ("train c -o a.safetensors --iterations 0", "above 0"),
        ("bench --sizes 8", "outside 16"),
        ("bench --parts frame,speed", "'speed' is no part"),
        ("bench --parts ,", "names no part"),
        ("bench --plot cost.pdf", ".svg or .png"),
        ("bench --soak 0", "above 0"),
        ("bench --full --parts frame", "not allowed with"),
        ("frobnicate", "frobnicate"),
        ("", "COMMAND"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(run: Run, words: str, says: str) -> None:
    refused(run(*words.split()), code=2, says=says)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("--start 5", "past the end"),
        ("--end 9", "past the end"),
        ("--start 0.5 --end 0.5", "empty"),
        ("--size 65", "66×66"),
        ("--size 8", "16 to"),
        ("--fps 1000", "frame rate"),
    ],
)
def test_impossible_exports_are_refused(
    run: Run, avatar: Path, speech: Path, out: Path, options: str, says: str
) -> None:
    refused(run("export", "--avatar", avatar, "--audio", speech, "-o", out, *options.split()), says=says)
    assert list(out.parent.iterdir()) == []


def test_bad_targets_are_refused(run: Run, avatar: Path, speech: Path, tmp_path: Path) -> None:
    def export(target: Path) -> tuple[int, str, str]:
        return run("export", "--avatar", avatar, "--audio", speech, "-o", target)

    (tmp_path / "folder.mp4").mkdir()
    refused(export(tmp_path / "folder.mp4"), says="is a folder")
    refused(export(tmp_path / "missing" / "a.mp4"), says="does not exist")
    refused(export(tmp_path / "a.avi"), says="does not end in")
    refused(export(speech / "a.mp4"), says="does not exist")


def test_bad_sounds_are_refused(run: Run, avatar: Path, speech: Path, out: Path, tmp_path: Path) -> None:
    def export(audio: Path) -> tuple[int, str, str]:
        return run("export", "--avatar", avatar, "--audio", audio, "-o", out)

    empty, text, silent = tmp_path / "empty.wav", tmp_path / "text.wav", tmp_path / "nothing.wav"
    empty.touch()
    text.write_text("not a sound")
    write_wav(silent, 0.0)
    for path in (tmp_path / "missing.wav", empty, text, silent, tmp_path):
        refused(export(path), says=path.name)
    assert list(out.parent.iterdir()) == []


def test_bad_avatars_are_refused(run: Run, avatar: Path, speech: Path, out: Path, tmp_path: Path) -> None:
    data = avatar.read_bytes()
    bad = tmp_path / "bad.safetensors"
    for content in (b"", data[:100], data[: len(data) // 2], b"RIFF" + data[4:]):
        bad.write_bytes(content)
        refused(run("export", "--avatar", bad, "--audio", speech, "-o", out), says="bad.safetensors")
        refused(run("info", bad), says="bad.safetensors")
    refused(run("export", "--avatar", "nobody", "--audio", speech, "-o", out), says="nobody")
    assert list(out.parent.iterdir()) == []


def test_bad_captures_and_projects_are_refused(run: Run, avatar: Path, out: Path, tmp_path: Path) -> None:
    project = tmp_path / "p.emozone"
    refused(run("export", project, "-o", out), says="p.emozone")
    project.write_text("{")
    refused(run("export", project, "-o", out), says="p.emozone")
    refused(run("info", project), says="p.emozone")
    refused(run("info", tmp_path), says="capture.json")
    refused(run("train", tmp_path, "-o", tmp_path / "a.safetensors"), says="capture.json")
    refused(run("train", tmp_path, "-o", tmp_path / "a.bin"), says=".safetensors")
    refused(run("evaluate", avatar, tmp_path), says="capture.json")


def test_captures_of_videos_say_what_they_cannot_use(run: Run, tmp_path: Path) -> None:
    refused(run("capture", "me.mp4", "-o", tmp_path / "c"), says="me.mp4")
    refused(run("capture", __file__, "-o", tmp_path / "c"), says="not a video")
    refused(run("capture", "me.mp4", "-o", tmp_path), says="exists already")
    refused(run("capture", "me.mp4", "-o", tmp_path / "c", "--start", "5", "--end", "4"), says="--end 4")
    assert list(tmp_path.iterdir()) == []


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
    assert (found["kind"], found["name"], found["gaussians"]) == ("avatar", "Toy", 400)
    code, told, _ = run("info", avatar)
    assert "gaussians" in told
    assert "AU12" in told


def test_the_studio_needs_a_display(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    refused(run("studio"), says="no display")


def test_ctrl_c_cleans_up(run: Run, avatar: Path, speech: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(self: report.ProgressLine, text: str, share: float) -> None:
        if share > 0.3:
            raise KeyboardInterrupt

    monkeypatch.setattr(report.ProgressLine, "show", interrupt)
    code, _, err = run("export", "--avatar", avatar, "--audio", speech, "-o", out, "--size", 32)
    assert code == cli.STOPPED
    assert "stopped" in err
    assert list(out.parent.iterdir()) == []


def emozone(*words: object, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "studio.cli", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | environment, check=False)


def test_help_loads_nothing_heavy() -> None:
    code = "import sys, studio.cli\nstudio.cli.parser()\nprint(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "numpy", "numba", "av", "PySide6", "scipy", "librosa"} & set(loaded)
    assert "COMMAND" in emozone("--help").stdout


def test_a_polite_kill_cleans_up(avatar: Path, out: Path, tmp_path: Path) -> None:
    """The .part file is seen, then SIGTERM is sent, then it is gone."""
    sound = tmp_path / "long.wav"
    write_wav(sound, 60.0)
    code = (
        "import sys\n"
        "from studio.engine.speech import features\n"
        "features.extract_features = lambda audio: features.silence(audio.duration_s)\n"
        "from studio import cli\n"
        "sys.exit(cli.main())"
    )
    words = ["export", "--avatar", str(avatar), "--audio", str(sound), "-o", str(out), "--size", "256"]
    with subprocess.Popen([sys.executable, "-c", code, *words], stderr=subprocess.PIPE, text=True) as process:
        until = time.monotonic() + 100
        while not out.with_name("a.mp4.part").exists() and process.poll() is None and time.monotonic() < until:
            os.sched_yield()
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM, err
    assert list(out.parent.iterdir()) == []


def test_defects_go_to_a_log(tmp_path: Path) -> None:
    code = "\n".join(  # a command that has a defect
        (
            "import sys; from studio import cli; from studio.commands import make",
            "make.capture = lambda args: 1 / 0",
            "sys.exit(cli.main())",
        )
    )
    command = [sys.executable, "-c", code, "capture", "v.mp4", "-o", "c"]
    environment = os.environ | {"XDG_STATE_HOME": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "ZeroDivisionError" in done.stderr
    log = next(tmp_path.rglob("error.log"))
    assert str(log) in done.stderr
    assert "Traceback" in log.read_text()
    shown = subprocess.run(
        command, capture_output=True, text=True, env=environment | {"EMOZONE_DEBUG": "1"}, check=False
    )
    assert "Traceback" in shown.stderr


class Terminal:
    """A stream that remembers, and is a terminal or not."""

    def __init__(self, live: bool) -> None:
        self.live, self.text = live, ""

    def isatty(self) -> bool:
        return self.live

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None:
        pass


def test_progress_is_one_line_on_a_terminal_and_few_in_a_log() -> None:
    terminal, log = Terminal(live=True), Terminal(live=False)
    for stream in (terminal, log):
        with report.ProgressLine(stream) as line:  # type: ignore[arg-type]
            for i in range(1, 1001):
                line.show(f"frame {i} of 1000", i / 1000)
    assert terminal.text.count("\n") == 1
    assert "\rframe 1000 of 1000" in terminal.text
    assert 9 <= log.text.count("\n") <= 12
    assert log.text.endswith("frame 1000 of 1000\n")
