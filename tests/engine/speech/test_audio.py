from __future__ import annotations

import contextlib
import subprocess
import sys
import wave
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from studio.engine.speech import audio as module
from studio.engine.speech.audio import MIN_DURATION_S, Audio, load_audio, resample
from studio.errors import StudioError


def tone(seconds: float, rate_hz: int, hz: float = 440.0, channels: int = 1) -> NDArray[np.float32]:
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    return np.repeat(0.5 * np.sin(2 * np.pi * hz * t)[:, None], channels, axis=1).astype(np.float32)


def write_wav(path: Path, samples: NDArray[np.float32], rate_hz: int) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return path


def write_float_wav(path: Path, samples: NDArray[np.float32], rate_hz: int) -> Path:
    data = samples.astype("<f4").tobytes()
    header = b"RIFF" + (36 + len(data)).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little")
    header += (3).to_bytes(2, "little") + (1).to_bytes(2, "little") + rate_hz.to_bytes(4, "little")
    header += (rate_hz * 4).to_bytes(4, "little") + (4).to_bytes(2, "little") + (32).to_bytes(2, "little")
    path.write_bytes(header + b"data" + len(data).to_bytes(4, "little") + data)
    return path


def encode(
    path: Path,
    samples: NDArray[np.float32] | None,
    rate_hz: int,
    codec: str,
    *,
    video: bool = False,
    sound_at_s: float = 0.0,
) -> Path:
    """A sound or video file made by FFmpeg; the sound may start after the picture."""
    with av.open(str(path), "w") as out:
        pictures = out.add_stream("mpeg4", rate=25) if video else None
        if pictures is not None:
            pictures.width = pictures.height = 32
            pictures.pix_fmt = "yuv420p"
        sound = None
        if samples is not None:
            layout = "mono" if samples.shape[1] == 1 else "stereo"
            sound = out.add_stream(codec, rate=rate_hz, layout=layout)
        if pictures is not None:
            for i in range(50):
                frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 5 * i, np.uint8), format="rgb24")
                frame.pts, frame.time_base = i, Fraction(1, 25)
                out.mux(pictures.encode(frame))
            out.mux(pictures.encode(None))
        if sound is not None and samples is not None:
            for first in range(0, len(samples), 1024):
                block = np.ascontiguousarray(samples[first : first + 1024].T)
                chunk = av.AudioFrame.from_ndarray(block, format="fltp", layout=layout)
                chunk.rate, chunk.time_base = rate_hz, Fraction(1, rate_hz)
                chunk.pts = first + round(sound_at_s * rate_hz)
                out.mux(sound.encode(chunk))
            out.mux(sound.encode(None))
    return path


def sentence(error: pytest.ExceptionInfo[StudioError], path: Path) -> str:
    text = str(error.value)
    assert str(path) in text
    assert "\n" not in text
    assert text.endswith(".")
    assert "Traceback" not in text
    return text


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.wav", "pcm_s16le"), ("a.flac", "flac"), ("a.mp3", "mp3"), ("a.m4a", "aac"), ("a.ogg", "vorbis")],
)
@pytest.mark.parametrize("channels", [1, 2])
def test_reads_every_format_at_its_own_rate(tmp_path: Path, name: str, codec: str, channels: int) -> None:
    path = tmp_path / name
    if codec == "vorbis":
        codec = "libvorbis" if "libvorbis" in av.codecs_available else "libopus"
    rate = 48_000
    heard = load_audio(encode(path, tone(1.5, rate, channels=channels), rate, codec))
    assert heard.rate_hz == rate
    assert heard.samples.shape[1] == channels
    assert heard.duration_s == pytest.approx(1.5, abs=0.05)
    middle = heard.samples[rate // 2 : rate, 0]
    spectrum = np.abs(np.fft.rfft(middle))
    assert np.argmax(spectrum) * rate / len(middle) == pytest.approx(440, abs=3)


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44100, 96000])
def test_resampling_keeps_frequency_amplitude_and_time(tmp_path: Path, rate: int) -> None:
    heard = load_audio(write_wav(tmp_path / "a.wav", tone(1.0, rate), rate))
    assert heard.rate_hz == min(rate, 48_000)
    mono = heard.mono(16_000)
    assert len(mono) == 16_000
    expected = tone(1.0, 16_000)[:, 0]
    inside = slice(800, -800)
    assert np.abs(mono[inside] - expected[inside]).max() < 0.01


def test_resampling_removes_what_the_lower_rate_cannot_hold() -> None:
    high = tone(1.0, 48_000, hz=12_000.0)[:, 0]
    assert np.abs(resample(high, 48_000, 16_000)[800:-800]).max() < 1e-3


def test_many_channels_become_two(tmp_path: Path) -> None:
    six = write_wav(tmp_path / "six.wav", tone(0.5, 16_000, channels=6), 16_000)
    assert load_audio(six).samples.shape == (8000, 2)


def test_sound_that_starts_after_the_picture_stays_aligned(tmp_path: Path) -> None:
    path = encode(tmp_path / "late.mkv", tone(1.0, 48_000), 48_000, "pcm_s16le", video=True, sound_at_s=0.5)
    heard = load_audio(path).samples[:, 0]
    onset = int(np.argmax(np.abs(heard) > 0.1)) / 48_000
    assert onset == pytest.approx(0.5, abs=0.005)
    assert np.abs(heard[: 48_000 // 3]).max() == 0.0


def test_sound_of_a_video_begins_with_its_picture(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mp4", tone(2.0, 44_100, channels=2), 44_100, "aac", video=True)
    heard = load_audio(path)
    assert heard.duration_s == pytest.approx(2.0, abs=0.05)
    assert heard.samples.shape[1] == 2


def test_video_without_sound(tmp_path: Path) -> None:
    path = encode(tmp_path / "mute.mp4", None, 0, "", video=True)
    with pytest.raises(StudioError) as error:
        load_audio(path)
    assert "no sound" in sentence(error, path)


def test_missing_folder_empty_and_device(tmp_path: Path) -> None:
    empty = tmp_path / "empty.wav"
    empty.touch()
    cases = [(tmp_path / "none.wav", "no file"), (tmp_path, "folder"), (empty, "empty")]
    for path, word in cases:
        with pytest.raises(StudioError) as error:
            load_audio(path)
        assert word in sentence(error, path)
    if Path("/dev/zero").exists():
        with pytest.raises(StudioError, match="ordinary file"):
            load_audio("/dev/zero")


@pytest.mark.parametrize(
    "content",
    [b"Hello, I am a text.\n" * 50, b"\x00" * 5000, b"RIFF\xff\xff\xff\xffWAVE", bytes(range(256)) * 40],
    ids=["text", "zeros", "header only", "bytes"],
)
@pytest.mark.parametrize("suffix", ["wav", "mp3", "mp4", "ogg"])
def test_what_is_not_media_says_so(tmp_path: Path, content: bytes, suffix: str) -> None:
    path = tmp_path / f"x.{suffix}"
    path.write_bytes(content)
    with pytest.raises(StudioError) as error:
        load_audio(path)
    sentence(error, path)


def test_a_playlist_opens_nothing_else(tmp_path: Path) -> None:
    write_wav(tmp_path / "secret.wav", tone(1.0, 16_000), 16_000)
    lists = {
        "a.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nsecret.wav\n#EXT-X-ENDLIST\n",
        "a.ffconcat": "ffconcat version 1.0\nfile secret.wav\n",
    }
    for name, text in lists.items():
        (tmp_path / name).write_text(text)
        with pytest.raises(StudioError):
            load_audio(tmp_path / name)


@pytest.mark.parametrize(("name", "codec"), [("a.wav", "pcm_s16le"), ("a.flac", "flac"), ("a.mp4", "aac")])
def test_truncated_at_many_points_never_passes_for_the_whole(tmp_path: Path, name: str, codec: str) -> None:
    whole = encode(tmp_path / name, tone(3.0, 16_000), 16_000, codec).read_bytes()
    path = tmp_path / f"cut-{name}"
    for share in (0.001, 0.01, 0.05, 0.2, 0.5, 0.8):
        path.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(StudioError) as error:
            load_audio(path)
        sentence(error, path)


@pytest.mark.parametrize(("name", "codec"), [("a.mp3", "mp3"), ("a.mkv", "aac")])
def test_truncated_streams_give_their_beginning_or_a_sentence(tmp_path: Path, name: str, codec: str) -> None:
    whole = encode(tmp_path / name, tone(3.0, 48_000), 48_000, codec).read_bytes()
    path = tmp_path / f"cut-{name}"
    for share in np.linspace(0.01, 0.95, 15):
        path.write_bytes(whole[: int(len(whole) * share)])
        try:
            heard = load_audio(path)
        except StudioError:
            continue
        assert heard.duration_s <= 3.1
        assert np.isfinite(heard.samples).all()


def test_damage_in_the_middle_never_raises_anything_else(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    for name, codec in (("a.mp4", "aac"), ("a.flac", "flac"), ("a.mp3", "mp3")):
        whole = bytearray(encode(tmp_path / name, tone(1.0, 48_000), 48_000, codec).read_bytes())
        for _ in range(12):
            broken = bytearray(whole)
            for at in rng.integers(0, len(broken), 20):
                broken[at] = int(rng.integers(256))
            (tmp_path / f"b-{name}").write_bytes(broken)
            with contextlib.suppress(StudioError):
                assert np.isfinite(load_audio(tmp_path / f"b-{name}").samples).all()


def test_no_samples_or_hardly_any(tmp_path: Path) -> None:
    for n in (0, 1, 100):
        path = write_wav(tmp_path / f"{n}.wav", tone(1.0, 16_000)[:n], 16_000)
        assert n / 16_000 < MIN_DURATION_S
        with pytest.raises(StudioError) as error:
            load_audio(path)
        sentence(error, path)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_samples_that_are_not_numbers(tmp_path: Path, bad: float) -> None:
    samples = tone(0.5, 16_000)[:, 0]
    samples[4000] = bad
    path = write_float_wav(tmp_path / "nan.wav", samples, 16_000)
    with pytest.raises(StudioError) as error:
        load_audio(path)
    assert "not numbers" in sentence(error, path)


def test_loud_floats_are_limited(tmp_path: Path) -> None:
    path = write_float_wav(tmp_path / "loud.wav", 1e30 * tone(0.5, 16_000)[:, 0], 16_000)
    assert np.abs(load_audio(path).samples).max() == 1.0


def test_more_than_the_limit_is_refused_before_and_while_decoding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_DURATION_S", 1.0)
    long = write_wav(tmp_path / "long.wav", tone(2.0, 16_000), 16_000)
    with pytest.raises(StudioError, match="longer than the limit"):
        load_audio(long)
    monkeypatch.setattr(module, "MAX_DURATION_S", 2.0)  # fits, but not after the silence before it
    late = encode(tmp_path / "late.mkv", tone(1.8, 16_000), 16_000, "pcm_s16le", video=True, sound_at_s=0.5)
    with pytest.raises(StudioError, match="longer than the limit"):
        load_audio(late)


def test_three_hours_are_refused_without_decoding(tmp_path: Path) -> None:
    path = tmp_path / "three-hours.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 1, 1000, 3 * 3600 * 1000, "NONE", ""))
        file.writeframes(b"\x80" * (3 * 3600 * 1000))
    with pytest.raises(StudioError) as error:
        load_audio(path)
    assert "3.0 h" in sentence(error, path)


def test_audio_checks_its_shape() -> None:
    with pytest.raises(ValueError, match="expected"):
        Audio(np.zeros(10, np.float32), 16_000)


def test_importing_audio_and_features_needs_no_torch() -> None:
    code = "import sys, studio.engine.speech.audio, studio.engine.speech.features; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
