"""Videos hold exactly the frames, the length and the colours they were given, or do not exist."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from studio.engine import encoders, targets
from studio.engine.provenance import DIGITAL_SOURCE_TYPE, SOFTWARE
from studio.engine.video import SOUND_RATE_HZ, VideoWriter, check_size, check_target, exact_rate
from studio.errors import StudioError

RATES = [Fraction(25), Fraction(30000, 1001), Fraction(60)]


def picture(width: int = 64, height: int = 48, value: int = 90) -> NDArray[np.uint8]:
    return np.full((height, width, 3), value, np.uint8)


def tone(seconds: float, channels: int = 1) -> NDArray[np.float32]:
    time = np.arange(round(seconds * SOUND_RATE_HZ)) / SOUND_RATE_HZ
    return np.repeat(0.5 * np.sin(2 * np.pi * 440 * time)[:, None], channels, 1).astype(np.float32)


def film(
    path: Path,
    frames: int,
    fps: Fraction = RATES[0],
    sound: NDArray[np.float32] | None = None,
    size: tuple[int, int] = (64, 48),
) -> VideoWriter:
    with VideoWriter(path, width=size[0], height=size[1], fps=fps, frames=frames, sound=sound) as writer:
        for i in range(frames):
            writer.write(picture(*size, value=min(250, 10 * i)))
        writer.finish()
    return writer


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("fps", RATES)
@pytest.mark.parametrize("frames", [1, 2, 23])
def test_frames_stand_at_their_times(tmp_path: Path, fps: Fraction, frames: int) -> None:
    path = tmp_path / "film.mp4"
    film(path, frames, fps, tone(frames / float(fps)))
    with av.open(str(path)) as file:
        stream = file.streams.video[0]
        assert stream.average_rate == fps
        assert stream.frames == frames
        assert stream.duration * stream.time_base == frames / fps
        decoded = list(file.decode(video=0))
    assert [f.pts * f.time_base for f in decoded] == [i / fps for i in range(frames)]
    levels = [float(f.to_ndarray(format="rgb24").mean()) for f in decoded]
    assert levels == pytest.approx([min(250, 10 * i) for i in range(frames)], abs=2)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("seconds", [0.2, 1.0, 5.0])
def test_sound_is_as_long_as_the_picture(tmp_path: Path, channels: int, seconds: float) -> None:
    path = tmp_path / "film.mp4"
    film(path, 25, sound=tone(seconds, channels))
    with av.open(str(path)) as file:
        audio = file.streams.audio[0]
        assert float(audio.duration * audio.time_base) == pytest.approx(1.0, abs=0.001)
        assert audio.codec_context.name == "aac"
        assert (audio.rate, audio.channels) == (SOUND_RATE_HZ, channels)
        heard = np.concatenate([f.to_ndarray() for f in file.decode(audio)], 1)[0]
    expected = tone(min(seconds, 1.0))[:, 0]
    assert np.abs(heard[: len(expected)] - expected).max() < 0.05, "the sound begins with the first frame"
    assert np.abs(heard[len(expected) + 2048 : SOUND_RATE_HZ]).max(initial=0) < 0.01


def test_colours_survive_as_bt709(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    colours = random.integers(0, 256, (64, 3)).astype(np.uint8)
    colours[:7] = [200, 60, 40], [0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255], [128, 128, 128]
    chart = colours.reshape(8, 8, 3).repeat(32, 0).repeat(32, 1)
    path = tmp_path / "chart.mp4"
    with VideoWriter(path, width=256, height=256, fps=Fraction(25), frames=3) as writer:
        for _ in range(3):
            writer.write(chart)
        writer.finish()
    with av.open(str(path)) as file:
        context = file.streams.video[0].codec_context
        tags = (context.color_range, context.colorspace, context.color_primaries, context.color_trc)
        assert tags == (1, 1, 1, 1), "limited range, BT.709 matrix, primaries and transfer"
        planes = next(file.decode(video=0)).to_ndarray(format="yuv420p").astype(float)
    luma = (planes[:256] - 16) / 219
    blue, red = ((plane.reshape(128, 128).repeat(2, 0).repeat(2, 1) - 128) / 224 for plane in np.split(planes[256:], 2))
    # ITU-R BT.709: the inverse of its luma coefficients 0.2126, 0.7152, 0.0722.
    rgb = np.stack([luma + 1.5748 * red, luma - 0.18732 * blue - 0.46812 * red, luma + 1.8556 * blue], -1) * 255
    seen = rgb.clip(0, 255)[16::32, 16::32].reshape(-1, 3)
    assert np.abs(seen - colours).max() <= 2.0


def test_index_comes_first_so_that_players_can_stream(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    film(path, 3)
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


@pytest.mark.parametrize(
    ("asked", "exact"),
    [
        (25, Fraction(25)),
        (25.0, Fraction(25)),
        (29.97, Fraction(30000, 1001)),
        (23.976, Fraction(24000, 1001)),
        (59.94, Fraction(60000, 1001)),
        (30, Fraction(30)),
        (12.5, Fraction(25, 2)),
        (Fraction(30000, 1001), Fraction(30000, 1001)),
    ],
)
def test_rates_are_exact(asked: float, exact: Fraction) -> None:
    assert exact_rate(asked) == exact


@pytest.mark.parametrize("asked", [0, -25, 0.5, 1000, float("nan"), float("inf")])
def test_impossible_rates_are_refused(asked: float) -> None:
    with pytest.raises(StudioError, match="frame rate"):
        exact_rate(asked)


@pytest.mark.parametrize(("width", "height", "hint"), [(511, 512, "512×512"), (4, 4, "16 to"), (9000, 512, "16 to")])
def test_impossible_sizes_are_refused(width: int, height: int, hint: str) -> None:
    with pytest.raises(StudioError, match=hint):
        check_size(width, height)


def test_impossible_targets_are_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "file").touch()
    for path, reason in [
        (tmp_path / "folder.mp4", "is a folder"),
        (tmp_path / "film.gif", "does not end in"),
        (tmp_path / "film", "does not end in"),
        (tmp_path / "missing" / "film.mp4", "does not exist"),
        (tmp_path / "file" / "film.mp4", "does not exist"),
    ]:
        with pytest.raises(StudioError, match=reason):
            check_target(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_write_protected_targets_are_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StudioError, match="cannot be written"):
        check_target(tmp_path / "film.mp4")


def test_folder_that_refuses_files_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets.os, "access", lambda path, mode: False)
    with pytest.raises(StudioError, match="cannot be written"):
        check_target(tmp_path / "film.mp4")


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(b"precious")

    def fail() -> None:
        with VideoWriter(path, width=64, height=48, fps=Fraction(25), frames=10) as writer:
            writer.write(picture())
            assert writer.part.exists()
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        fail()
    assert [p.name for p in tmp_path.iterdir()] == ["film.mp4"]
    assert path.read_bytes() == b"precious"


@pytest.mark.parametrize("limit", [0, 100, 20_000])
def test_a_full_disk_is_one_sentence_and_leaves_nothing(tmp_path: Path, limit: int) -> None:
    random = np.random.default_rng(0)
    noise = random.integers(0, 256, (40, 128, 128, 3)).astype(np.uint8)

    def write() -> None:
        with VideoWriter(
            tmp_path / "film.mp4", width=128, height=128, fps=Fraction(25), frames=40, sound=tone(2.0)
        ) as writer:
            for frame in noise:
                writer.write(frame)
            writer.finish()

    with file_size_limit(limit), pytest.raises(StudioError, match=r"film\.mp4"):
        write()
    assert list(tmp_path.iterdir()) == []


def test_too_little_free_space_is_told_before_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr(targets.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(StudioError, match="not enough space"):
        VideoWriter(tmp_path / "film.mp4", width=64, height=48, fps=Fraction(25), frames=10)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_lost_frames_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with VideoWriter(tmp_path / "film.mp4", width=64, height=48, fps=Fraction(25), frames=5) as writer:
        for _ in range(5):
            writer.write(picture())
        writer.frames = 6  # as if one had been lost on its way to the disk
        writer.written = 6
        with pytest.raises(StudioError, match="all its 6 frames"):
            writer.finish()
    assert list(tmp_path.iterdir()) == []


def test_misuse_is_a_defect(tmp_path: Path) -> None:
    writer = VideoWriter(tmp_path / "film.mp4", width=64, height=48, fps=Fraction(25), frames=1)
    with writer:
        with pytest.raises(ValueError, match="frame is"):
            writer.write(picture(48, 64))
        with pytest.raises(ValueError, match="0 of 1"):
            writer.finish()
        writer.write(picture())
        with pytest.raises(ValueError, match="all 1"):
            writer.write(picture())


@pytest.mark.parametrize("encoder", encoders.H264, ids=lambda e: e.name)
def test_every_encoder_that_opens_writes_exact_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoder: encoders.Encoder
) -> None:
    alone = replace(encoders.RECIPES[".mp4", False], encoders=(encoder,))
    monkeypatch.setitem(encoders.RECIPES, (".mp4", False), alone)
    if encoders.missing(".mp4", alpha=False):
        pytest.skip(f"{encoder.name} does not open here")
    film(tmp_path / "film.mp4", 7, sound=tone(1), size=(256, 256))
    with av.open(str(tmp_path / "film.mp4")) as file:
        assert len(list(file.decode(video=0))) == 7


def straight(width: int = 64, height: int = 48) -> NDArray[np.uint8]:
    """A soft disc of many colours on nothing."""
    y, x = np.mgrid[:height, :width]
    alpha = np.clip(255 * (1.3 - np.hypot(x - width / 2, y - height / 2) / (height / 3)), 0, 255)
    rgba = np.dstack([np.full((height, width), 200), x * 255 // width, y * 255 // height, alpha]).astype(np.uint8)
    rgba[rgba[..., 3] == 0] = 0
    return rgba


def transparent_frames(path: Path) -> list[NDArray[np.uint8]]:
    """Decoded with the decoder that knows the format's alpha."""
    with av.open(str(path)) as file:
        if path.suffix == ".mov":
            return [frame.to_ndarray(format="rgba") for frame in file.decode(video=0)]
        decoder = av.CodecContext.create("libvpx-vp9", "r")
        packets = [packet for packet in file.demux(video=0) if packet.size]
        return [frame.to_ndarray(format="rgba") for packet in packets for frame in decoder.decode(packet)]


@pytest.mark.parametrize(("name", "step"), [("film.mov", 2), ("film.webm", 16)])
@pytest.mark.parametrize("fps", RATES)
def test_transparent_videos_keep_colours_and_alpha(tmp_path: Path, name: str, step: int, fps: Fraction) -> None:
    if encoders.missing(Path(name).suffix, alpha=True):
        pytest.skip("this FFmpeg has no such encoder")
    path, rgba = tmp_path / name, straight()
    with VideoWriter(path, width=64, height=48, fps=fps, frames=4, sound=tone(1.0, 2), alpha=True) as writer:
        for _ in range(4):
            writer.write(rgba)
        assert not path.exists()
        writer.finish()
    frames = transparent_frames(path)
    assert len(frames) == 4
    wrong = np.abs(frames[-1].astype(int) - rgba)
    assert wrong[..., 3].max() <= step / 2
    assert (wrong[..., :3] * (rgba[..., 3:] / 255)).max() <= step, "as seen over black"
    with av.open(str(path)) as file:
        assert (file.streams.audio[0].rate, file.streams.audio[0].channels) == (SOUND_RATE_HZ, 2)
        seconds = sum(frame.samples for frame in file.decode(audio=0)) / SOUND_RATE_HZ
    assert seconds == pytest.approx(4 / float(fps), abs=0.022)


def test_an_opaque_webm_is_a_video_too(tmp_path: Path) -> None:
    film(tmp_path / "film.webm", 7, sound=tone(1))
    with av.open(str(tmp_path / "film.webm")) as file:
        levels = [float(f.to_ndarray(format="rgb24").mean()) for f in file.decode(video=0)]
    assert levels == pytest.approx([10 * i for i in range(7)], abs=2)


def test_mp4_keeps_no_transparency(tmp_path: Path) -> None:
    with pytest.raises(StudioError, match=r"MP4 file keeps no transparency; write \.mov or \.webm"):
        VideoWriter(tmp_path / "film.mp4", width=64, height=48, fps=Fraction(25), frames=1, alpha=True)


def test_a_missing_encoder_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without = replace(encoders.RECIPES[".mov", True], encoders=(encoders.Encoder("no_such_encoder"),))
    monkeypatch.setitem(encoders.RECIPES, (".mov", True), without)
    assert encoders.missing(".mov", alpha=True) == without.missing
    assert encoders.missing(".mov", alpha=False) is None
    with pytest.raises(StudioError, match="no ProRes 4444 encoder"):
        VideoWriter(tmp_path / "film.mov", width=64, height=48, fps=Fraction(25), frames=1, alpha=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a & <b>.mp4", "a & <b>.mov", "a & <b>.webm"])
def test_videos_say_what_they_are(tmp_path: Path, name: str) -> None:
    film(tmp_path / name, 3, sound=tone(1))
    with av.open(str(tmp_path / name), options={"export_xmp": "1"}) as file:
        tags = {key.lower(): value for key, value in file.metadata.items()}
    assert tags["title"] == "a & <b>"
    for text in (tags["comment"], tags["xmp"]):
        assert SOFTWARE in text
        assert DIGITAL_SOURCE_TYPE in text
    packet = ElementTree.fromstring(tags["xmp"])
    assert packet.findtext(".//{http://www.w3.org/1999/02/22-rdf-syntax-ns#}li") == "a & <b>"
    described = packet.find(".//{http://www.w3.org/1999/02/22-rdf-syntax-ns#}Description")
    assert described is not None
    assert described.get("{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType") == DIGITAL_SOURCE_TYPE
