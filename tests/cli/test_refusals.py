"""One clear line for everything that can go wrong with words, files and folders."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run, refused, write_wav


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
        ("refine a.safetensors -o b.safetensors", "CAPTURE"),
        ("refine a.safetensors c -o b.safetensors --steps 0", "above 0"),
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
    refused(run("refine", "adam", tmp_path, "-o", tmp_path / "a.safetensors"), says="capture.json")
    refused(run("refine", "adam", tmp_path, "-o", tmp_path / "a.bin"), says=".safetensors")
    refused(run("evaluate", avatar, tmp_path), says="capture.json")


def test_captures_of_videos_say_what_they_cannot_use(run: Run, tmp_path: Path) -> None:
    refused(run("capture", "me.mp4", "-o", tmp_path / "c"), says="me.mp4")
    refused(run("capture", __file__, "-o", tmp_path / "c"), says="not a video")
    refused(run("capture", "me.mp4", "-o", tmp_path), says="exists already")
    refused(run("capture", "me.mp4", "-o", tmp_path / "c", "--start", "5", "--end", "4"), says="--end 4")
    assert list(tmp_path.iterdir()) == []


def test_the_studio_needs_a_display(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    refused(run("studio"), says="no display")
