"""Pictures hold the renderer's pixels, and say where they come from."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from studio.engine.pictures import png_bytes
from studio.engine.provenance import DIGITAL_SOURCE_TYPE, SOFTWARE, Provenance


def test_pixels_and_straight_alpha_survive() -> None:
    rgba = np.random.default_rng(0).integers(0, 256, (17, 33, 4)).astype(np.uint8)
    with Image.open(io.BytesIO(png_bytes(rgba, Provenance("smile")))) as image:
        assert image.mode == "RGBA"
        assert (np.asarray(image) == rgba).all()
        assert image.info["srgb"] == 0


def test_opaque_pictures_carry_no_alpha() -> None:
    rgba = np.full((8, 8, 4), 255, np.uint8)
    with Image.open(io.BytesIO(png_bytes(rgba, Provenance("smile")))) as image:
        assert image.mode == "RGB"


def test_they_say_what_they_are() -> None:
    with Image.open(io.BytesIO(png_bytes(np.zeros((8, 8, 4), np.uint8), Provenance("Lächeln & mehr")))) as image:
        image.load()
        assert image.info["Title"] == "Lächeln & mehr"
        assert image.info["Software"] == SOFTWARE
        xmp = image.info["xmp"].decode()
    assert DIGITAL_SOURCE_TYPE in xmp
    assert "Lächeln &amp; mehr" in xmp
