"""PNG pictures with straight alpha, tagged as sRGB, that say where they come from."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray

from studio.engine.provenance import SOFTWARE, Provenance

_COMPRESSION = 4
"""Of 9: a head at 1080p in about 60 ms; 6 needs twice as long for 2 % less."""


def png_bytes(rgba: NDArray[np.uint8], provenance: Provenance) -> bytes:
    """A PNG file.

    Args:
        rgba: (H, W, 4) display sRGB, straight alpha; written without alpha where it is opaque everywhere.
        provenance: its title and origin.
    """
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    opaque = bool((rgba[..., 3] == 255).all())
    picture = np.ascontiguousarray(rgba[..., :3]) if opaque else rgba
    info = PngInfo()
    info.add(b"sRGB", b"\x00")
    info.add_itxt("Title", provenance.title)
    info.add_text("Software", SOFTWARE)
    info.add_itxt("XML:com.adobe.xmp", provenance.xmp())
    stream = io.BytesIO()
    Image.fromarray(picture, "RGB" if opaque else "RGBA").save(stream, "PNG", pnginfo=info, compress_level=_COMPRESSION)
    return stream.getvalue()
