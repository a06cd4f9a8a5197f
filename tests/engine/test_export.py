"""An exported video is the scene, frame for frame and sample for sample, or there is none."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from studio.engine.camera import Camera, orbit_camera
from studio.engine.export import (
    BACKGROUND,
    ExportCancelledError,
    ExportProgress,
    export_video,
    frame_span,
    sound_between,
)
from studio.engine.video import SOUND_RATE_HZ, VideoWriter
from studio.errors import StudioError


@dataclass
class GreyRenderer:
    """Draws the time: the frame of moment t is grey of level 100 t, and remembers what it was asked."""

    backend: str = "grey"
    asked: list[tuple[float, Camera, Any]] = field(default_factory=list)
    threads: set[int] = field(default_factory=set)
    fails_at_s: float = np.inf

    @property
    def avatar(self) -> Any:
        return SimpleNamespace(camera=lambda width, height: orbit_camera(0, 0, 1, width=width, height=height))

    def frame(self, controls: float, camera: Camera, *, background: Any) -> Any:
        if controls >= self.fails_at_s:
            raise RuntimeError("drawing failed")
        self.asked.append((controls, camera, background))
        self.threads.add(threading.get_ident())
        rgba = np.full((camera.height, camera.width, 4), 255, np.uint8)
        rgba[..., :3] = round(100 * controls)
        return SimpleNamespace(rgba=rgba)


CLOCK: Any = SimpleNamespace(controls=lambda time_s: time_s)
"""A scene whose controls are the time itself."""


@dataclass(frozen=True)
class Sound:
    samples: NDArray[np.float32]
    rate_hz: int

    @property
    def duration_s(self) -> float:
        return len(self.samples) / self.rate_hz


def tone(seconds: float, rate_hz: int = 16000, channels: int = 1, hz: float = 440) -> Any:
    time = np.arange(round(seconds * rate_hz)) / rate_hz
    wave = (0.5 * np.sin(2 * np.pi * hz * time)).astype(np.float32)
    return Sound(np.repeat(wave[:, None], channels, 1), rate_hz)


def export(path: Path, audio: Any, renderer: Any = None, **options: Any) -> Any:
    options.setdefault("size", 32)
    return export_video(renderer or GreyRenderer(), CLOCK, audio, path, **options)


def levels(path: Path) -> list[float]:
    with av.open(str(path)) as file:
        return [float(frame.to_ndarray(format="rgb24").mean()) for frame in file.decode(video=0)]


def test_the_whole_sound_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    report = export(path, tone(2.0))
    assert (report.frames, report.duration_s, report.size_bytes) == (50, 2.0, path.stat().st_size)
    assert levels(path) == pytest.approx([round(100 * i / 25) for i in range(50)], abs=2)


@pytest.mark.parametrize(("fps", "frames"), [(25, 26), (29.97, 31), (60, 61)])
def test_a_last_piece_of_sound_gets_its_frame(tmp_path: Path, fps: float, frames: int) -> None:
    assert export(tmp_path / "a.mp4", tone(1.01), fps=fps).frames == frames


def test_a_range_shows_its_own_moments_and_sound(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    ramp: Any = Sound(np.linspace(0, 0.9, 48000, dtype=np.float32)[:, None], 16000)
    export(path, ramp, start_s=1.0, end_s=2.0)
    assert levels(path) == pytest.approx([round(100 * (1 + i / 25)) for i in range(25)], abs=2)
    with av.open(str(path)) as file:
        heard = np.concatenate([f.to_ndarray() for f in file.decode(audio=0)], 1)[0]
    assert heard[24000] == pytest.approx(0.45, abs=0.03)


def test_frames_are_drawn_in_the_calling_thread_at_the_asked_size(tmp_path: Path) -> None:
    renderer = GreyRenderer()
    camera = orbit_camera(30, 10, 0.8, width=999, height=333)
    export(tmp_path / "a.mp4", tone(0.2), renderer, size=(64, 48), camera=camera)
    assert renderer.threads == {threading.get_ident()}
    times, cameras, backgrounds = zip(*renderer.asked, strict=True)
    assert times == (0.0, 0.04, 0.08, 0.12, 0.16)
    assert {(c.width, c.height) for c in cameras} == {(64, 48)}
    assert set(backgrounds) == {BACKGROUND}


def test_a_camera_may_move(tmp_path: Path) -> None:
    renderer = GreyRenderer()
    export(tmp_path / "a.mp4", tone(0.2), renderer, camera=lambda time_s: orbit_camera(100 * time_s, 0, 1))
    turned = [np.degrees(np.arctan2(c.position[0], c.position[2])) for _, c, _ in renderer.asked]
    assert turned == pytest.approx([0, 4, 8, 12, 16])


def test_silent_films_need_an_end(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with pytest.raises(StudioError, match="give it an end"):
        export(path, None)
    export(path, None, end_s=0.4)
    with av.open(str(path)) as file:
        assert not file.streams.audio
        assert len(list(file.decode(video=0))) == 10


def test_progress_counts_every_frame(tmp_path: Path) -> None:
    seen: list[ExportProgress] = []
    export(tmp_path / "a.mp4", tone(0.4), progress=seen.append)
    assert [p.frames for p in seen] == list(range(1, 11))
    assert {p.total for p in seen} == {10}
    assert seen[0].seconds_left is None
    assert seen[-1].seconds_left == 0.0


def test_a_cancelled_export_leaves_the_old_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"precious")
    renderer = GreyRenderer()
    with pytest.raises(ExportCancelledError, match=r"a\.mp4 was not written"):
        export(path, tone(2.0), renderer, cancelled=lambda: len(renderer.asked) == 20)
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]
    assert path.read_bytes() == b"precious"


def test_a_failing_renderer_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="drawing failed"):
        export(tmp_path / "a.mp4", tone(2.0), GreyRenderer(fails_at_s=0.5))
    assert list(tmp_path.iterdir()) == []
    assert not [t for t in threading.enumerate() if t.name.startswith("encoder")]


def test_a_failing_encoder_stops_the_drawing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: VideoWriter, rgb: NDArray[np.uint8]) -> None:
        raise StudioError("The disk is full.")

    monkeypatch.setattr(VideoWriter, "write", full)
    renderer = GreyRenderer()
    with pytest.raises(StudioError, match="disk is full"):
        export(tmp_path / "a.mp4", tone(4.0), renderer)
    assert len(renderer.asked) < 10, "the error comes back through the queue, not at the end"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"start_s": 1.0, "end_s": 1.0}, "holds no frame"),
        ({"start_s": 3.0}, "holds no frame"),
        ({"start_s": -1.0}, "begin at 0"),
        ({"end_s": float("nan")}, "cannot be exported"),
        ({"size": 33}, "34×34"),
        ({"fps": 0}, "frame rate"),
    ],
)
def test_impossible_wishes_are_told_before_drawing(tmp_path: Path, options: dict[str, Any], reason: str) -> None:
    renderer = GreyRenderer()
    with pytest.raises(StudioError, match=reason):
        export(tmp_path / "a.mp4", tone(2.0), renderer, **options)
    assert renderer.asked == []
    assert list(tmp_path.iterdir()) == []


@given(
    start=st.integers(0, 500),
    frames=st.integers(1, 500),
    fps=st.sampled_from([Fraction(25), Fraction(30000, 1001), Fraction(60), Fraction(24000, 1001)]),
)
def test_a_range_named_by_frames_holds_exactly_those(start: int, frames: int, fps: Fraction) -> None:
    """Even when its bounds have gone through decimal text with six places, as a command line's do."""
    first, past = (float(f"{float(i / fps):.9f}") for i in (start, start + frames))
    assert frame_span(first, past, fps) == range(start, start + frames)


@pytest.mark.parametrize("rate_hz", [8000, 16000, 22050, 44100, 48000, 96000])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_slice_of_sound_equals_the_same_slice_of_the_whole(rate_hz: int, channels: int) -> None:
    start, length = Fraction(1, 3), Fraction(1, 2)
    piece = sound_between(tone(2.0, rate_hz, channels), start, length)
    assert piece.shape == (24000, channels)
    time = float(start) + np.arange(24000) / SOUND_RATE_HZ
    # a start between two samples is rounded to the nearest, 10 µs
    assert np.abs(piece[:, 0] - 0.5 * np.sin(2 * np.pi * 440 * time)).max() < 0.02


def test_past_the_end_is_silence() -> None:
    piece = sound_between(tone(1.0), Fraction(1, 2), Fraction(2))
    assert piece.shape == (96000, 1)
    assert np.abs(piece[24000:]).max() == 0
    assert np.abs(sound_between(tone(1.0), Fraction(5), Fraction(1))).max() == 0
