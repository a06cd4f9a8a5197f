from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from studio.document.model import ExportSettings, Media, Project
from studio.engine.backdrop import Backdrop, background_of, fitted, frame_size, load_image
from studio.errors import StudioError


def _halves(width: int, height: int) -> np.ndarray:
    """Left red, right blue."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, : width // 2, 0] = 255
    pixels[:, width // 2 :, 2] = 255
    return pixels


def test_an_image_covers_the_picture_and_keeps_its_shape() -> None:
    image = fitted(Backdrop(_halves(200, 100)), 60, 60)
    assert image.shape == (60, 60, 3)
    assert image.dtype == np.float32
    assert image[30, 10] == pytest.approx([1, 0, 0], abs=0.01)
    assert image[30, 50] == pytest.approx([0, 0, 1], abs=0.01)
    assert fitted(Backdrop(np.full((3, 3, 3), 128, np.uint8)), 40, 20)[7, 9] == pytest.approx([128 / 255] * 3)


def test_the_frame_shows_the_same_part_in_a_wider_viewport() -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (40, 60, 3)).astype(np.uint8)
    export = fitted(Backdrop(pixels, 1.0), 80, 80)
    viewport = fitted(Backdrop(pixels, 1.0), 160, 80)
    assert np.array_equal(viewport[:, 40:120], export)
    assert np.array_equal(viewport[:, 0], viewport[:, 10])  # beyond the image its edge goes on


def test_a_wide_frame_fits_where_the_viewport_frames_it() -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (40, 80, 3)).astype(np.uint8)
    export = fitted(Backdrop(pixels, 2.0), 80, 40)
    assert np.array_equal(fitted(Backdrop(pixels, 2.0, framed=True), 80, 80)[20:60], export)


@pytest.mark.parametrize("framed", [False, True])
def test_a_viewport_of_the_exports_size_shows_the_exports_pixels(framed: bool) -> None:
    pixels = np.random.default_rng(1).integers(0, 255, (37, 90, 3)).astype(np.uint8)
    for width, height in ((64, 36), (36, 64), (50, 50)):
        viewport = fitted(Backdrop(pixels, width / height, framed=framed), width, height)
        assert np.array_equal(viewport, fitted(Backdrop(pixels), width, height))


@given(st.floats(1, 5000), st.floats(1, 5000), st.floats(0.1, 10))
def test_a_framed_frame_fits(width: float, height: float, aspect: float) -> None:
    w, h = frame_size(width, height, aspect, framed=True)
    assert w <= width * (1 + 1e-9)
    assert h <= height * (1 + 1e-9)
    assert w / h == pytest.approx(aspect)
    assert w == pytest.approx(width) or h == pytest.approx(height)
    assert frame_size(width, height, aspect, framed=False)[1] == height


def test_images_are_read_upright_and_flat(tmp_path: Path) -> None:
    rgba = np.zeros((4, 6, 4), np.uint8)
    rgba[..., 1], rgba[..., 3] = 200, 255
    rgba[0, 0, 3] = 0
    Image.fromarray(rgba).save(tmp_path / "a.png")
    pixels = load_image(tmp_path / "a.png")
    assert pixels.shape == (4, 6, 3)
    assert pixels[0, 0].tolist() == [0, 0, 0]
    assert pixels[1, 1].tolist() == [0, 200, 0]
    turned = Image.fromarray(_halves(8, 4))
    exif = turned.getexif()
    exif[0x0112] = 6  # to be turned by a quarter
    turned.save(tmp_path / "b.jpg", exif=exif, quality=95)
    assert load_image(tmp_path / "b.jpg").shape == (8, 4, 3)


@pytest.mark.parametrize("content", [b"", b"no image at all", b"\x89PNG\r\n\x1a\n" + b"\0" * 40])
def test_what_is_no_image_is_said_in_one_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.png").write_bytes(content)
    with pytest.raises(StudioError, match=r"x\.png cannot be read"):
        load_image(tmp_path / "x.png")
    with pytest.raises(StudioError, match="missing"):
        load_image(tmp_path / "y.png")


def test_a_truncated_image_is_refused(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3)).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / "x.png")
    data = (tmp_path / "x.png").read_bytes()
    for cut in range(0, len(data) - 12, 997):
        (tmp_path / "x.png").write_bytes(data[:cut])
        with pytest.raises(StudioError):
            load_image(tmp_path / "x.png")


def test_a_huge_image_is_refused_before_it_is_read(tmp_path: Path) -> None:
    Image.new("1", (9000, 8000)).save(tmp_path / "big.png")
    with pytest.raises(StudioError, match="9000×8000"):
        load_image(tmp_path / "big.png")


def test_the_background_of_a_project(tmp_path: Path) -> None:
    assert background_of(Project(export=ExportSettings(background=None))) is None
    assert background_of(Project(export=ExportSettings(background=(0.1, 0.2, 0.3)))) == (0.1, 0.2, 0.3)
    Image.fromarray(_halves(8, 4)).save(tmp_path / "a.png")
    image = background_of(Project(backdrop=Media.file(tmp_path / "a.png")))
    assert isinstance(image, Backdrop)
    assert np.array_equal(image.pixels, _halves(8, 4))
    with pytest.raises(StudioError, match="relink"):
        background_of(Project(backdrop=Media("/somewhere/a.png", trusted=False)))
