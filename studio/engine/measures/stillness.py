"""Jitter of a held expression: a face that is told to stay must stay, also while a microphone hears a quiet room.

An expression is held for two seconds while the speech encoder hears no speech. How far the avatar's Gaussians then
move from one frame to the next is measured in pixels of a 512² portrait, root mean square over the movable face.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from studio.document.expressions import EXPRESSIONS
from studio.engine.avatar import Avatar
from studio.engine.camera import framing_distance_m, orbit_camera
from studio.engine.controls import WINDOW
from studio.engine.measures.binding import Mover
from studio.engine.speech.audio import Audio
from studio.engine.speech.features import SpeechFeatures, extract_features

SIZE_PX = 512
HOLD_S = 2.0
LEAD_S = 0.5
"""Before the hold: the encoder has settled by then."""

RATE_HZ = 16_000
FPS = 25

ROOM_DBFS = -50.0
"""Root mean square level of a quiet room through an ordinary microphone."""

MEASURED = 4_000
"""At most this many Gaussians, evenly picked among those that move."""


def quiet_room(seconds: float, level_dbfs: float = ROOM_DBFS, seed: int = 0) -> NDArray[np.float32]:
    """(seconds · 16000,) noise that falls by 3 dB per octave (pink), as rooms hum more than they hiss."""
    n = round(seconds * RATE_HZ)
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(n))
    spectrum /= np.sqrt(np.maximum(np.arange(len(spectrum)), 1.0))
    spectrum[0] = 0.0
    noise = np.fft.irfft(spectrum, n)
    return np.asarray(noise / max(float(np.sqrt(np.mean(noise**2))), 1e-12) * 10 ** (level_dbfs / 20), np.float32)


def held_jitter(avatar: Avatar, sound: SpeechFeatures | None = None) -> dict[str, Any]:
    """Measure an avatar.

    Args:
        avatar: the head.
        sound: what is heard: `LEAD_S` and then `HOLD_S` seconds without speech; a quiet room when left out.

    Returns:
        held_jitter_px (the largest over the expressions) and held_jitter (per expression, in pixels), every preset of
        the studio at its full strength; both null for an avatar that does not move.

    Raises:
        StudioError: if the speech encoder's weights are missing.
    """
    moving = avatar.deformer.moving.nonzero()[:, 0]
    if not len(moving):
        return {"held_jitter_px": None, "held_jitter": None}
    if sound is None:
        sound = extract_features(Audio(quiet_room(LEAD_S + HOLD_S)[:, None], RATE_HZ), cache=False)
    picked = moving[torch.linspace(0, len(moving) - 1, min(MEASURED, len(moving))).round().long()]
    mover = Mover(avatar, picked)
    times = LEAD_S + np.arange(round(HOLD_S * FPS)) / FPS
    speech = torch.from_numpy(np.stack([sound.window(float(time)) for time in times]))
    rest = avatar.gaussians.means.detach()[picked]
    found = {}
    for preset in EXPRESSIONS:
        au = torch.tensor(preset.vector(), dtype=torch.float32).expand(len(times), WINDOW, -1)
        found[preset.name] = _jitter(_pixels(avatar, rest + mover.motion(au, speech)))
    return {"held_jitter_px": max(found.values()), "held_jitter": found}


def _jitter(pixels: Tensor) -> float:
    """Root mean square step between frames of places (S, M, 2)."""
    return float(pixels.diff(dim=0).square().sum(2).mean().sqrt())


def _pixels(avatar: Avatar, points: Tensor) -> Tensor:
    """(S, M, 2) pixels of places (S, M, 3) in a portrait of the avatar."""
    info = avatar.info
    distance = framing_distance_m(info.head_height_m)
    camera = orbit_camera(0.0, 0.0, distance, target=info.target, width=SIZE_PX, height=SIZE_PX)
    seen = points.double() @ torch.tensor(camera.world_to_camera[:3, :3].T) + torch.tensor(
        camera.world_to_camera[:3, 3]
    )
    return seen[..., :2] / seen[..., 2:] * camera.fx + SIZE_PX / 2
