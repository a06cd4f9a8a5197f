"""A picture of a training so far: what the camera saw beside what the avatar makes of it."""

from __future__ import annotations

import io
import logging
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from studio.document.action_units import AU_INDEX
from studio.engine.avatar import Avatar
from studio.engine.renderer import Renderer
from studio.engine.targets import write_file
from studio.engine.training.capture import MATTE, Capture
from studio.errors import StudioError

log = logging.getLogger(__name__)

EDGE_PX = 320
"""Of each of the two pictures, at most."""


class Preview:
    """Writes the picture anew at every call.

    Args:
        capture: whose moment is shown: the one of the pictures for testing, which the training never sees, that has the
            most expression, blinks aside.
        path: a PNG.
    """

    def __init__(self, capture: Capture, path: Path) -> None:
        self._path = path
        indices = capture.indices("test") or capture.indices("train")
        shown = [unit for unit in range(capture.acted.shape[1]) if unit != AU_INDEX["AU45"]]  # a blink hides the eyes
        self._index = max(indices, key=lambda i: float(capture.acted[capture.images[i].frame][shown].sum()))
        self._capture = capture

    def __call__(self, avatar: Avatar) -> None:
        """Draw the avatar as it stands; a disk that refuses costs the picture, not the training."""
        capture, index = self._capture, self._index
        width, height = capture.info.size_px
        scale = min(1.0, EDGE_PX / max(width, height))
        size = max(2, round(width * scale)), max(2, round(height * scale))
        seen = capture.target(index, size).over(torch.full((3,), MATTE)).numpy()
        camera = capture.camera_of(index).resized(*size)
        made = Renderer(avatar).frame(
            capture.controls(capture.images[index].frame), camera, background=(MATTE, MATTE, MATTE)
        )
        both = np.hstack([np.round(seen.clip(0, 1) * 255).astype(np.uint8), made.rgba[..., :3]])
        stream = io.BytesIO()
        Image.fromarray(both).save(stream, "PNG", compress_level=3)
        try:
            write_file(self._path, stream.getvalue())
        except StudioError as error:
            log.warning("%s", error)
