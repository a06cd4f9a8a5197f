from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from studio.cli import main
from studio.engine.footage import RATE, glances, open_footage, pictures
from studio.errors import StudioError
from tests.engine.capture.conftest import write_video

GreyVideo = Callable[..., Path]


@pytest.mark.parametrize("fps", [24, 25, 30, 60])
def test_any_rate_becomes_25_a_second(grey_video: GreyVideo, fps: int) -> None:
    footage = open_footage(grey_video(frames=5 * fps, fps=fps))
    seen = list(pictures(footage, (64, 48)))
    assert [p.index for p in seen] == list(range(len(seen)))
    assert abs(len(seen) - 5 * RATE) <= 1
    assert max(abs(p.time_s - p.index / RATE) for p in seen) <= 0.5 / fps + 1e-3
    assert seen[0].rgb.shape == (48, 64, 3)


def test_a_variable_rate_is_met_in_time(grey_video: GreyVideo) -> None:
    times = np.concatenate([np.arange(30) / 30, 1 + np.arange(5) / 5, 2 + np.arange(60) / 20]).tolist()
    footage = open_footage(grey_video(frames=len(times), times_s=times, fps=30))
    seen = list(pictures(footage, (64, 48)))
    for picture in seen:
        nearest = min(times, key=lambda t: abs(t - picture.index / RATE))
        assert abs(picture.time_s - picture.index / RATE) <= abs(nearest - picture.index / RATE) + 0.002
    assert not all(p.fresh for p in seen)


def test_a_turned_video_stands_upright(tmp_path: Path) -> None:
    picture = np.zeros((96, 160, 3), np.uint8)
    picture[:, :40] = 255  # the stored left edge …
    path = write_video(tmp_path / "phone.mp4", (picture for _ in range(120)), rotation=90)
    footage = open_footage(path)
    assert (footage.width, footage.height) == (96, 160)
    seen = next(iter(pictures(footage, (96, 160))))
    assert seen.rgb.shape == (160, 96, 3)
    assert seen.rgb[130:].mean() > 200  # … is the lower edge after a quarter turn counter-clockwise
    assert seen.rgb[:60].mean() < 50


def test_a_part_begins_and_ends_where_it_is_asked_to(grey_video: GreyVideo) -> None:
    footage = open_footage(grey_video(frames=300), start_s=5.0, end_s=9.5)
    seen = list(pictures(footage, (64, 48)))
    assert footage.frames == 112
    assert abs(len(seen) - 112) <= 1
    late = list(pictures(footage, (64, 48), first=60))
    assert late[0].index == 60
    assert np.abs(late[0].rgb.astype(int) - seen[60].rgb).max() <= 2


def test_what_is_no_usable_video_is_told_in_one_sentence(grey_video: GreyVideo, tmp_path: Path) -> None:
    short, small = grey_video("short.mp4", frames=50), grey_video("small.mp4", size=(48, 64))
    noise = tmp_path / "noise.mp4"
    noise.write_bytes(bytes(range(256)) * 40)
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(grey_video("whole.mp4").read_bytes()[:400])
    (tmp_path / "empty.mp4").touch()
    for path, says in (
        (short, "2.0 s"),
        (small, "64×48"),
        (noise, "damaged"),
        (cut, "damaged"),
        (tmp_path / "empty.mp4", "is empty; choose another file"),
        (tmp_path / "nothing.mp4", "no file"),
        (tmp_path, "folder"),
    ):
        with pytest.raises(StudioError, match=says) as caught:
            open_footage(path)
        assert str(caught.value).count("\n") == 0


def test_glances_show_the_moments_asked_for(grey_video: GreyVideo) -> None:
    footage = open_footage(grey_video(frames=150), end_s=5.0)
    assert footage.total_s == pytest.approx(6.0, abs=0.05)
    assert footage.duration_s == pytest.approx(5.0)
    times = [4.0, 1.0, 5.9, 0.0]
    exact = [float(picture.mean()) for picture in glances(footage, times, 24, exact=True)]
    assert exact == pytest.approx([40 + 25 * t for t in times], abs=4)  # the film's brightness counts its pictures
    quick = list(glances(footage, times, 24, exact=False))
    assert [picture.shape for picture in quick] == [(24, 32, 3)] * 4


@pytest.mark.parametrize("damage", ["cut", "noise", "empty", "text", "folder", "missing"])
def test_the_command_says_one_sentence_about_a_damaged_file(
    grey_video: GreyVideo, tmp_path: Path, damage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "film.mp4"
    whole = grey_video().read_bytes()
    if damage == "folder":
        path.mkdir()
    elif damage != "missing":
        noise = np.random.default_rng(0).bytes(4000)
        path.write_bytes({"cut": whole[: len(whole) // 2], "noise": noise, "empty": b"", "text": b"Hello!"}[damage])
    assert main(["capture", str(path), "-o", str(tmp_path / "me"), "--consent", "Mia"]) == 1
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("emozone:")]
    assert len(told) == 1
    assert str(path) in told[0]
    assert "Error" not in told[0]
    assert not list(tmp_path.glob("me*"))


@pytest.mark.slow
def test_4k_at_60_pictures_a_second_is_read_as_any_other(tmp_path: Path) -> None:
    def shades() -> Iterator[NDArray[np.uint8]]:
        for i in range(4 * 60 + 2):
            yield np.full((2160, 3840, 3), 20 + i // 2, np.uint8)

    footage = open_footage(write_video(tmp_path / "uhd.mp4", shades(), fps=60))
    assert (footage.width, footage.height, footage.fps) == (3840, 2160, pytest.approx(60, abs=0.5))
    seen = list(pictures(footage, footage.scaled(270)))
    assert abs(len(seen) - 4 * RATE) <= 1
    assert seen[0].rgb.shape == (270, 480, 3)
    levels = [float(picture.rgb.mean()) for picture in seen]
    assert levels == pytest.approx([20 + i / RATE * 30 for i in range(len(seen))], abs=3)
