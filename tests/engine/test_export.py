"""An exported video is the scene, frame for frame and sample for sample, or there is none."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
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
from PIL import Image

from studio.document.curves import Curve
from studio.document.performance import Performance
from studio.engine.avatar import Avatar
from studio.engine.camera import Camera, orbit_camera
from studio.engine.export import (
    BACKGROUND,
    ExportCancelledError,
    ExportProgress,
    export_clip,
    frame_span,
    sound_between,
)
from studio.engine.provenance import Provenance
from studio.engine.renderer import Renderer
from studio.engine.scene import Scene
from studio.engine.splat_files import ply_bytes
from studio.engine.video import SOUND_RATE_HZ, VideoWriter
from studio.errors import StudioError
from studio.playback.engine_thread import EngineThread, FrameRequest
from tests.support import toy_avatar


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
        rgba = np.full((camera.height, camera.width, 4), 255 if background is not None else 128, np.uint8)
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
    return export_clip(renderer or GreyRenderer(), CLOCK, audio, path, **options)


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


# ---- pictures, transparency, Gaussians ----


@pytest.fixture(scope="module")
def head() -> Avatar:
    return toy_avatar(300)


def test_pictures_are_numbered_from_zero(tmp_path: Path) -> None:
    folder = tmp_path / "frames"
    report = export(folder, tone(2.0), form="png-frames", alpha=True, start_s=1.0, end_s=1.2, size=(33, 31))
    assert (report.frames, report.alpha, report.encoder, report.format) == (5, True, "png", "png-frames")
    assert report.size_bytes == sum(path.stat().st_size for path in folder.iterdir())
    assert sorted(path.name for path in folder.iterdir()) == [f"frame_{i:04d}.png" for i in range(5)]
    for i in range(5):
        with Image.open(folder / f"frame_{i:04d}.png") as image:
            assert image.size == (33, 31)
            assert image.getpixel((3, 3)) == (100 + 4 * i, 100 + 4 * i, 100 + 4 * i, 128)
            assert image.info["Title"] == "frames"
    assert [path.name for path in tmp_path.iterdir()] == ["frames"]


def test_one_picture_shows_exactly_its_moment(tmp_path: Path) -> None:
    renderer = GreyRenderer()
    report = export(tmp_path / "a.png", None, renderer, form="png", start_s=1.237)
    assert [time_s for time_s, _, _ in renderer.asked] == [1.237]
    assert (report.frames, report.duration_s) == (1, 0.0)
    with Image.open(tmp_path / "a.png") as image:
        assert image.mode == "RGB", "over a background it is opaque"


@pytest.mark.parametrize("name", ["a.mov", "a.webm"])
def test_transparent_videos_get_straight_alpha(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    shapes: list[tuple[int, ...]] = []
    write = VideoWriter.write

    def spy(self: VideoWriter, picture: NDArray[np.uint8]) -> None:
        shapes.append((*picture.shape, int(picture[0, 0, 3])))
        write(self, picture)

    monkeypatch.setattr(VideoWriter, "write", spy)
    export(tmp_path / name, tone(0.2), alpha=True)
    assert shapes == [(32, 32, 4, 128)] * 5


def test_gaussians_are_those_of_the_moment(tmp_path: Path, head: Avatar) -> None:
    renderer = Renderer(head, backend="cpu")
    scene = Scene(None, Performance.held({"AU26": 5.0}))
    folder = tmp_path / "clip"
    report = export_clip(renderer, scene, None, folder, form="ply-frames", end_s=0.12)
    assert sorted(path.name for path in folder.iterdir()) == [f"frame_{i:04d}.ply" for i in range(3)]
    assert report.encoder == "ply"
    export_clip(renderer, scene, None, tmp_path / "one.ply", form="ply", start_s=0.04, title="clip")
    expected = ply_bytes(renderer.deformed(scene.controls(0.04)), Provenance("clip"))
    assert (folder / "frame_0001.ply").read_bytes() == (tmp_path / "one.ply").read_bytes() == expected


def test_an_earlier_export_is_replaced_as_a_whole(tmp_path: Path) -> None:
    folder = tmp_path / "frames"
    export(folder, tone(2.0), form="png-frames")
    assert export(folder, tone(0.2), form="png-frames").frames == 5
    assert len(list(folder.iterdir())) == 5
    assert [path.name for path in tmp_path.iterdir()] == ["frames"]


@pytest.mark.parametrize("name", ["holiday.jpg", "frame_0001.ply", "frame_1.png"])
def test_a_folder_with_other_files_is_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / "frames").mkdir()
    (tmp_path / "frames" / name).write_text("precious")
    with pytest.raises(StudioError, match=re.escape(f"holds other files ({name})")):
        export(tmp_path / "frames", tone(0.2), form="png-frames")
    assert (tmp_path / "frames" / name).read_text() == "precious"


@pytest.mark.parametrize("form", ["png-frames", "mp4"])
def test_cancelling_keeps_what_was_there(tmp_path: Path, form: str) -> None:
    path = tmp_path / ("a" if form == "png-frames" else "a.mp4")
    export(path, tone(0.2), form=form)
    before = [p.read_bytes() for p in (sorted(path.iterdir()) if path.is_dir() else [path])]
    renderer = GreyRenderer()
    with pytest.raises(ExportCancelledError):
        export(path, tone(2.0), renderer, form=form, cancelled=lambda: len(renderer.asked) == 20)
    assert [p.read_bytes() for p in (sorted(path.iterdir()) if path.is_dir() else [path])] == before
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_transparency_where_there_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StudioError, match="keep no transparency"):
        export(tmp_path / "a.mp4", tone(0.2), alpha=True)
    with pytest.raises(StudioError, match=r"does not end in \.png"):
        export(tmp_path / "a.jpg", tone(0.2), form="png")


# ---- the same frames as the viewport ----


@pytest.mark.parametrize("turning", [False, True])
def test_what_is_encoded_equals_the_viewport_to_the_last_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, head: Avatar, turning: bool
) -> None:
    performance = Performance.held({"AU4": 2.5}).with_curve("AU12", Curve().with_key(0.0, 0.0).with_key(0.4, 5.0))
    scene, background = Scene(None, performance), (0.2, 0.3, 0.4)

    def camera(time_s: float) -> Camera:
        return orbit_camera(90 * time_s if turning else 25.0, 5, 0.8, width=64, height=48, target=head.info.target)

    encoded: list[NDArray[np.uint8]] = []
    monkeypatch.setattr(VideoWriter, "write", _taking(encoded, VideoWriter.write))
    export_clip(
        Renderer(head, backend="cpu"), scene, None, tmp_path / "a.mp4", size=(64, 48), end_s=0.4, camera=camera,
        background=background,
    )  # fmt: skip
    woken = threading.Event()
    engine = EngineThread(lambda _path: Renderer(head, backend="cpu"), woken.set)
    try:
        engine.load_avatar(None)
        assert len(encoded) == 10
        for i, picture in enumerate(encoded):
            engine.request(FrameRequest(i / 25, scene, camera(i / 25), background))
            while (seen := engine.take_result()) is None:
                assert woken.wait(60)
                woken.clear()
            assert np.array_equal(seen.rgba[..., :3], picture)
    finally:
        engine.close()


def _taking(taken: list[NDArray[np.uint8]], write: Callable[..., None]) -> Callable[..., None]:
    def spy(self: VideoWriter, picture: NDArray[np.uint8]) -> None:
        taken.append(picture.copy())
        write(self, picture)

    return spy
