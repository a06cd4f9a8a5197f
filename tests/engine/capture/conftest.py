"""Videos for the tests, made of four pictures of the synthetic performer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from studio.engine.capture import models as model_files
from studio.engine.capture.models import ModelFiles, load_models

FACES = Path(__file__).resolve().parents[2] / "data" / "faces.jpg"
"""Nora at rest, with her mouth open and eyes closed, smiling and frowning: 192 pixels each."""

TILE_PX = 192


@pytest.fixture(scope="session")
def faces() -> list[NDArray[np.uint8]]:
    """(192, 192, 3) each: rest, open, smile, frown."""
    with Image.open(FACES) as image:
        strip = np.asarray(image.convert("RGB"))
    return [np.ascontiguousarray(strip[:, i * TILE_PX : (i + 1) * TILE_PX]) for i in range(4)]


@pytest.fixture(scope="session")
def models() -> ModelFiles:
    pytest.importorskip("ai_edge_litert", reason="the extra `portrait` is not installed")
    if any(model_files._find(source) is None for source in model_files._SOURCES):
        pytest.skip("the face models have not been fetched")
    return load_models()


def placed(face: NDArray[np.uint8], size: tuple[int, int], x: float, y: float, edge: int) -> NDArray[np.uint8]:
    """A picture (height, width) with a face at a place, in front of stripes."""
    height, width = size
    wall = np.zeros((height, width, 3), np.uint8)
    wall[:] = (96, 120, 140)
    wall[:, :: max(8, width // 12)] = (150, 160, 170)
    image = Image.fromarray(wall)
    image.paste(Image.fromarray(face).resize((edge, edge), Image.Resampling.BICUBIC), (round(x), round(y)))
    return np.asarray(image)


def write_video(
    path: Path,
    pictures: Iterator[NDArray[np.uint8]],
    *,
    times_s: list[float] | None = None,
    fps: int = 25,
    sound: NDArray[np.float32] | None = None,
    rotation: int = 0,
) -> Path:
    """Writes an MP4; `sound` is 16 kHz mono."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps, options={"preset": "ultrafast", "crf": "18"})
        audio = container.add_stream("aac", rate=16_000) if sound is not None else None
        for i, picture in enumerate(pictures):
            if i == 0:
                stream.height, stream.width = picture.shape[:2]
                stream.pix_fmt = "yuv420p"
                stream.codec_context.time_base = Fraction(1, 12_800)
                if rotation:
                    stream.set_display_rotation(rotation)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = round((times_s[i] if times_s is not None else i / fps) * 12_800)
            frame.time_base = Fraction(1, 12_800)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if audio is not None and sound is not None:
            for at in range(0, len(sound), 1024):
                chunk = av.AudioFrame.from_ndarray(sound[None, at : at + 1024], format="fltp", layout="mono")
                chunk.sample_rate, chunk.pts = 16_000, at
                container.mux(audio.encode(chunk))
            container.mux(audio.encode(None))
    return path


@pytest.fixture
def grey_video(tmp_path: Path) -> Callable[..., Path]:
    """A video without any face whose brightness counts its pictures."""

    def make(name: str = "grey.mp4", frames: int = 120, size: tuple[int, int] = (96, 128), **options: object) -> Path:
        shades = (np.full((*size, 3), 40 + i % 150, np.uint8) for i in range(frames))
        return write_video(tmp_path / name, shades, **options)  # type: ignore[arg-type]

    return make
