"""Audio2Face JSON: `exportFps`, `facsNames` (ARKit's) and `weightMat`, one row of weights per frame.

Head joints, which some exports carry too, are not read.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from studio.document.fields import Fields
from studio.document.interchange.arkit import ARKIT, ARKIT_INDEX, match, to_action_units
from studio.document.interchange.live_link import LEAST_CHANNELS
from studio.document.interchange.tables import MAX_FPS, MAX_ROWS, Imported
from studio.document.jsontext import MAX_BYTES, parse
from studio.document.storage import read_bounded
from studio.document.takes import Take
from studio.errors import StudioError

DEFAULT_FPS = 60.0
MAX_NAMES = 4096


def import_audio2face(path: str | Path) -> Imported:
    """A take from the blendshape JSON that Audio2Face exports.

    Raises:
        StudioError: No such JSON, damaged, or with blendshapes that are not ARKit's.
    """
    path = Path(path)
    tree = parse(read_bounded(path, MAX_BYTES), path.name)
    if not isinstance(tree, dict) or "weightMat" not in tree or "facsNames" not in tree:
        raise StudioError(f"{path.name} has no facsNames and weightMat; choose a blendshape JSON from Audio2Face.")
    fields = Fields(tree, path.name)
    names = fields.items("facsNames", MAX_NAMES)
    texts = tuple(name for name in names if isinstance(name, str))
    if len(texts) != len(names):
        fields.refuse("facsNames", "a list of names")
    channels = match(texts)
    if len(channels) < LEAST_CHANNELS:
        raise StudioError(f"{path.name} holds blendshapes that are not ARKit's; export it with the ARKit names.")
    rows = fields.items("weightMat", MAX_ROWS)
    if not rows:
        raise StudioError(f"{path.name} has no frames; export it again.")
    weights = np.empty((len(rows), len(names)))
    for i, row in enumerate(rows):
        numbers = [item for item in row if type(item) in (int, float)] if isinstance(row, list) else []
        if not isinstance(row, list) or len(numbers) != len(row) or len(row) != len(names):
            fields.refuse(f"weightMat[{i}]", f"{len(names)} numbers")
        weights[i] = np.clip(np.array(row, np.float64), -1e9, 1e9)
    warnings = []
    fps = fields.optional_number("exportFps", 1, MAX_FPS)
    if fps is None:
        fps = DEFAULT_FPS
        warnings.append(f"The file does not say its rate; {fps:g} frames per second were assumed.")
    promised = fields.optional_number("numFrames")
    if promised is not None and promised != len(rows):
        warnings.append(f"The file promises {promised:g} frames and has {len(rows)}.")
    values = np.zeros((len(rows), len(ARKIT)))
    values[:, [ARKIT_INDEX[name] for name in channels]] = weights[:, list(channels.values())]
    au, gaze, losses = to_action_units(values, frozenset(channels))
    pose = None if gaze is None else np.concatenate([np.zeros((len(au), 3)), gaze], 1).astype(np.float32)
    return Imported(Take(path.stem, fps, au.astype(np.float32), pose), (*warnings, *losses))
