"""The judges as measures of an avatar: does it speak in time, and does it show what the truth shows?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from studio.document.action_units import ACTION_UNITS, AU_KEYS
from studio.engine.judges.framing import FACE_PX, MOUTH_PX, cut, face_camera, find_face
from studio.engine.judges.losses import FPS, FaceFinder
from studio.engine.judges.nets import SyncNet, UnitNet, shipped_units
from studio.engine.judges.sync import sync_figures
from studio.engine.motion_metrics import Speech
from studio.engine.renderer import Renderer
from studio.engine.speech.audio import load_audio
from studio.engine.training.capture import Capture

SECONDS = 10.0
"""Length of the shot whose sync is judged."""

PICTURES = 60
"""Pictures at most whose action units are compared."""

_DRAWN_PX = 160
_GREY = (0.5, 0.5, 0.5)


class SyncMeter:
    """The lip-sync judge's opinion on an avatar that performs the first ten seconds of a capture, seen from the front.

    Args:
        net: the judge; the shipped one if None.
    """

    def __init__(self, net: SyncNet | None = None) -> None:
        self._net = net

    def measure(self, renderer: Renderer, capture: Capture, speech: Speech) -> Mapping[str, float | None]:
        """sync_confidence, sync_distance and sync_offset_ms; None where the capture is too short or not at 25 fps.

        Args:
            renderer: draws the avatar.
            capture: whose action units, pose and sound are performed.
            speech: gives the speech windows of frames.
        """
        frames = min(capture.info.frames, round(SECONDS * FPS))
        if capture.info.fps != FPS or frames < 2 * FPS:
            return dict.fromkeys(("sync_confidence", "sync_distance", "sync_offset_ms"))
        mouths = avatar_mouths(renderer, capture, speech, frames)
        found = sync_figures(mouths, load_audio(capture.sound_file), self._net)
        return {
            "sync_confidence": found.confidence,
            "sync_distance": found.distance,
            "sync_offset_ms": found.offset_ms,
        }


def avatar_mouths(renderer: Renderer, capture: Capture, speech: Speech, frames: int) -> Tensor:
    """(frames, 3, 48, 48) mouth crops of the avatar performing the beginning of a capture, seen from the front."""
    avatar = renderer.avatar
    windows = speech(range(frames)).numpy()
    mouths = []
    for frame in range(frames):
        pose = capture.pose_at(frame)
        camera = face_camera(pose, avatar.info.head_height_m, avatar.rig.pivots, _DRAWN_PX)
        shown = renderer.frame(capture.controls(frame, windows[frame]), camera, background=_GREY)
        face = find_face(camera, pose, avatar.info.head_height_m, avatar.rig.pivots)
        assert face is not None  # heads turn by less than TURNED_DEG
        mouths.append(cut(torch.from_numpy(shown.rgba[..., :3]).float() / 255, face.mouth, MOUTH_PX))
    return torch.stack(mouths)


class UnitMeter:
    """The action-unit judge's opinion on pictures of an avatar beside the true ones.

    Args:
        net: the judge; the shipped one if None.
    """

    def __init__(self, net: UnitNet | None = None) -> None:
        self._net = net

    def measure(self, renderer: Renderer, capture: Capture, speech: Speech) -> Mapping[str, float | None]:
        """judged_au_u, judged_au_l and judged_au_r: see `au_figures`; None without test pictures of the face."""
        find = FaceFinder(capture)
        shown = [(i, find(i, capture.info.size_px[1])) for i in capture.indices("test")]
        seen = [(i, face.face) for i, face in shown if face is not None]
        if len(seen) < 2:
            return dict.fromkeys(("judged_au_u", "judged_au_l", "judged_au_r"))
        chosen = [seen[i] for i in np.linspace(0, len(seen) - 1, min(len(seen), PICTURES)).round().astype(int)]
        drawn, true = [], []
        for image, square in chosen:
            frame = capture.images[image].frame
            controls = capture.controls(frame, speech([frame])[0].numpy())
            picture = renderer.frame(controls, capture.camera_of(image), background=_GREY)
            drawn.append(cut(torch.from_numpy(picture.rgba[..., :3]).float() / 255, square, FACE_PX))
            true.append(cut(capture.target(image).over(torch.tensor(_GREY)), square, FACE_PX))
        found = au_figures(torch.stack(drawn), torch.stack(true), self._net)
        return {f"judged_{name}": value for name, value in found.items()}


def au_figures(faces: Tensor, truth: Tensor, net: UnitNet | None = None) -> dict[str, float]:
    """What the judge reads from pictures of one face compared with what it reads from the true ones.

    Args:
        faces: (F, 3, 80, 80) face crops (`framing.cut`), display sRGB in [0, 1].
        truth: (F, 3, 80, 80) the same of the truth.
        net: the judge; the shipped one if None.

    Returns:
        au_u and au_l: mean absolute difference of intensity (of 5) over the upper and the lower units; au_r: mean over
        the units of the correlation of what is read from both.
    """
    net = net or shipped_units()
    with torch.inference_mode():
        read, wanted = (net(part).numpy() for part in (faces, truth))
    off = np.abs(read - wanted).mean(0)

    def mean(values: Sequence[float]) -> float:
        return float(np.mean(values))

    halves = {name: [off[i] for i, au in enumerate(ACTION_UNITS) if au.face == half] for name, half in
              (("au_u", "upper"), ("au_l", "lower"))}  # fmt: skip
    spread = (read.std(0) > 1e-3) & (wanted.std(0) > 1e-3)
    r = [float(np.corrcoef(read[:, i], wanted[:, i])[0, 1]) for i in range(len(AU_KEYS)) if spread[i]]
    return {name: mean(values) for name, values in halves.items()} | {"au_r": mean(r) if r else 0.0}


def shipped_meters() -> tuple[SyncMeter, UnitMeter]:
    """The shipped judges as measures."""
    return SyncMeter(), UnitMeter()
