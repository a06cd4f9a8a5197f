"""What a job is asked for, in words and as a command."""

from __future__ import annotations

import shlex
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from studio import cli
from studio.document.model import Project
from studio.document.performance import CameraView
from studio.engine.export import ExportProgress
from studio.widgets.exports import words
from studio.widgets.exports.jobs import Job, State, command_line
from studio.widgets.exports.reveal import reveal_command, show_in_folder
from tests.widgets.exports.conftest import WISH, Work, report

PROJECT = Path("/tmp/my film.emozone")


@pytest.mark.skipif(sys.platform == "win32", reason="words are joined as a POSIX shell reads them")
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "-o /tmp/clip.mp4 --fps 25 --start 0 --end 8 --size 512x512"),
        (
            {"path": Path("/tmp/it's.mov"), "form": "mov", "alpha": True, "fps": 29.97},
            '-o "/tmp/it\'s.mov" --fps 29.97 --start 0 --end 8 --size 512x512 --alpha',
        ),
        (
            {"path": Path("/tmp/f"), "form": "png-frames", "view": CameraView(-30.5, 5.0)},
            "-o /tmp/f --png --fps 25 --start 0 --end 8 --size 512x512 --camera=-30.5,5 --no-alpha",
        ),
        (
            {"path": Path("/tmp/f.png"), "form": "png", "start_s": 0.1 + 0.2, "alpha": True},
            "-o /tmp/f.png --frame 0.30000000000000004 --size 512x512 --alpha",
        ),
        (
            {"path": Path("/tmp/g"), "form": "ply-frames", "view": CameraView(1.0, 2.0, 3.0)},
            "-o /tmp/g --ply --fps 25 --start 0 --end 8",
        ),
        ({"path": Path("/tmp/g.ply"), "form": "ply", "start_s": 1.2}, "-o /tmp/g.ply --frame 1.2"),
        (
            {"view": CameraView(0.1, 0.0, None, (0.0, 0.01, 0.0))},
            "-o /tmp/clip.mp4 --fps 25 --start 0 --end 8 --size 512x512 --camera=0.1,0,auto,0,0.01,0",
        ),
    ],
)
def test_a_command_says_everything_and_is_understood(changes: dict[str, object], said: str) -> None:
    command = command_line(replace(WISH, **changes), PROJECT)  # type: ignore[arg-type]
    found = shlex.split(command)
    assert found == ["emozone", "export", str(PROJECT), *shlex.split(said)]
    args = cli.parser().parse_args(found[1:])
    assert args.project == PROJECT


def test_summaries() -> None:
    job = Job(1, replace(WISH, form="webm", alpha=True), Project(), Work())
    assert words.summary(job) == "WebM with transparency  ·  512 × 512  ·  25 fps  ·  0.00–8.00 s  ·  front"
    job.wish = replace(WISH, form="ply", start_s=1.25)
    assert words.summary(job) == "PLY  ·  at 1.25 s"


def test_standings() -> None:
    job = Job(1, WISH, Project(), Work())
    assert words.standing(job) == "Not started"
    job.state = State.RUNNING
    assert words.standing(job) == "Starting…"
    job.progress = ExportProgress(50, 200, 75.0)
    assert words.standing(job) == "25 %"
    assert words.note(job, 75.0) == "Frame 50 of 200  ·  1 min 15 s left"
    job.cancel.set()
    assert words.standing(job) == "Stopping…"
    job.state, job.report = State.DONE, report(WISH)
    assert words.note(job, None) == "200 frames, 1.5 MB in 10 s"
    assert [words.duration(s) for s in (0.2, 59.4, 60, 3725)] == ["1 s", "59 s", "1 min 00 s", "1 h 02 min"]


def test_a_folder_is_shown_as_each_system_does_it() -> None:
    path = Path("/tmp/a, b/ä.mp4")
    assert reveal_command(path, "darwin") == ("open", ["-R", str(path)])
    assert reveal_command(path, "win32") == ("explorer", [f"/select,{path}"])
    program, arguments = reveal_command(path, "linux")
    assert program == "dbus-send"
    assert "array:string:file:///tmp/a%2C%20b/%C3%A4.mp4" in arguments


def test_what_is_gone_is_not_shown(tmp_path: Path) -> None:
    assert not show_in_folder(tmp_path / "gone.mp4")


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(1, "5 s"), (58, "1 min"), (121, "2 min"), (140, "2 min 30 s"), (650, "11 min"), (4000, "1 h 07 min")],
)
def test_estimates_are_told_as_exactly_as_they_are_known(seconds: float, told: str) -> None:
    assert words.estimate(seconds) == told
