"""What stands behind the head: nothing, a colour, or an image fitted to the frame.

Viewport and export hand the same `Background` to `Renderer.frame`, so both composite in one way. An image covers the
export's frame; a viewport of another shape shows what lies beyond it too, with the image's edges drawn out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from studio.errors import StudioError

if TYPE_CHECKING:
    from studio.document.model import Project

MAX_PIXELS = 64_000_000
"""Larger images are refused: they would fill the memory and no screen shows them."""


@dataclass(frozen=True, eq=False)
class Backdrop:
    """An image behind the head; compared by identity, so that it is scaled once per size.

    Attributes:
        pixels: (H, W, 3) display sRGB.
        aspect: width / height of the frame that the image covers; None is the picture itself.
        framed: whether a frame wider than the picture was made to fit into it instead of
            reaching beyond its sides.
    """

    pixels: NDArray[np.uint8]
    aspect: float | None = None
    framed: bool = False


Background = tuple[float, float, float] | Backdrop | None
"""Display sRGB in [0, 1], an image, or transparency."""


def load_image(path: Path | str) -> NDArray[np.uint8]:
    """(H, W, 3) pixels of an image file, upright, transparency over black.

    Raises:
        StudioError: if it is missing, no image, damaged or too large.
    """
    from PIL import Image, ImageOps

    path = Path(path)
    try:
        with path.open("rb") as stream, Image.open(stream) as image:
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise StudioError(
                    f"{path.name} has {width}×{height} pixels; choose an image of at most {MAX_PIXELS / 1e6:g} million."
                )
            upright = ImageOps.exif_transpose(image).convert("RGBA")
            flat = Image.new("RGBA", upright.size, (0, 0, 0, 255))
            return np.asarray(Image.alpha_composite(flat, upright).convert("RGB"))
    except FileNotFoundError as error:
        raise StudioError(f"The background {path} is missing; choose another image.") from error
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise StudioError(f"{path.name} cannot be read as an image ({error}); choose a PNG or JPEG.") from error


def background_of(project: Project) -> Background:
    """What a project puts behind the head, for pictures of the export's shape. Reads the image's file.

    Raises:
        StudioError: if the project names an image that cannot be read.
    """
    if project.backdrop is not None:
        return Backdrop(load_image(project.backdrop.location()))
    return project.export.background


@lru_cache(maxsize=6)
def fitted(backdrop: Backdrop, width: int, height: int) -> NDArray[np.float32]:
    """(height, width, 3) display sRGB in [0, 1]: the image as a picture of that size shows it."""
    from PIL import Image

    frame_width, frame_height = frame_size(width, height, backdrop.aspect, framed=backdrop.framed)
    rows, columns = backdrop.pixels.shape[:2]
    scale = max(frame_width / columns, frame_height / rows)
    size = (max(1, round(columns * scale)), max(1, round(rows * scale)))
    scaled = np.asarray(Image.fromarray(backdrop.pixels).resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0))
    picked = scaled[_centred(size[1], height)][:, _centred(size[0], width)]
    result = np.ascontiguousarray(picked, dtype=np.float32) / np.float32(255)
    result.setflags(write=False)
    return result


def frame_size(width: float, height: float, aspect: float | None, *, framed: bool) -> tuple[float, float]:
    """Width and height of the export's frame in a viewport of `width` × `height`, all in the same unit.

    The frame has the viewport's height; with `framed`, one that is wider than the viewport fits its width instead.
    """
    if aspect is None:
        return width, height
    if framed and aspect > width / height:
        return width, width / aspect
    return height * aspect, height


def _centred(have: int, want: int) -> NDArray[np.intp]:
    """(want,) indices into `have` pixels, centred, the ends repeated."""
    return np.clip(np.arange(want) + (have - want) // 2, 0, have - 1)
