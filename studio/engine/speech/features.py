"""Speech features: what the avatar hears, ten articulators over time, cached by the content of the sound.

An avatar records `EXTRACTOR`; features of another extractor must not drive it.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import platformdirs
from numpy.typing import NDArray

from studio.engine.controls import window_times
from studio.engine.speech.articulators import N_ARTICULATORS
from studio.engine.speech.audio import Audio
from studio.engine.speech.phonemes import PHONEME_INDEX, Phoneme

log = logging.getLogger(__name__)

EXTRACTOR = "emozone-articulators/1"
"""Name and version of what `extract_features` computes; avatars say which they were trained with."""

FEATURE_RATE_HZ = 50.0
"""Articulator frames per second."""

_MAX_CACHED = 200
"""Files kept in the cache; the oldest go first. Ten seconds of speech take about 20 kB."""


@dataclass(frozen=True)
class SpeechFeatures:
    """Articulation of a clip over time."""

    values: NDArray[np.float32]  # (n, 10) in [0, 1], channels as ARTICULATORS; frame i at i / rate_hz seconds
    rate_hz: float
    extractor: str
    duration_s: float
    phonemes: tuple[Phoneme, ...] = ()

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.rate_hz <= 0:
            raise ValueError(f"features {self.values.shape} at {self.rate_hz} Hz, expected (n, channels)")

    def sample(self, times_s: NDArray[np.float64]) -> NDArray[np.float32]:
        """(T, 10) articulators at any times, linear between frames, zero (silence) outside the clip.

        Args:
            times_s: (T,) seconds in the clip's time.
        """
        out = np.zeros((len(times_s), self.values.shape[1]), np.float32)
        n = len(self.values)
        if n == 0:
            return out
        position = np.asarray(times_s, np.float64) * self.rate_hz
        inside = (position > -1.0) & (position < n)
        low = np.floor(position[inside]).astype(np.int64)
        part = (position[inside] - low).astype(np.float32)[:, None]
        padded = np.zeros((n + 2, self.values.shape[1]), np.float32)  # one frame of silence at either end
        padded[1:-1] = self.values
        out[inside] = padded[low + 1] * (1 - part) + padded[low + 2] * part
        return out

    def window(self, time_s: float) -> NDArray[np.float32]:
        """(8, 10) articulators at `window_times(time_s)`: what the audio token is made of."""
        return self.sample(window_times(time_s))


def silence(duration_s: float) -> SpeechFeatures:
    """Features of a clip in which nobody speaks: the mouth stays at rest."""
    n = max(int(np.ceil(duration_s * FEATURE_RATE_HZ)), 1)
    return SpeechFeatures(np.zeros((n, N_ARTICULATORS), np.float32), FEATURE_RATE_HZ, EXTRACTOR, duration_s)


def extract_features(audio: Audio, *, cache: bool = True) -> SpeechFeatures:
    """Articulators and phonemes of a sound.

    The first call loads the encoder (seconds, torch); later ones run at several hundred times real time. Results
    are kept in the user's cache folder under the hash of the samples; a folder that cannot be written or a damaged
    file only costs the time to compute again.

    Args:
        audio: Any sound; silence, noise and music leave the mouth nearly at rest.
        cache: False neither reads nor writes the cache.

    Raises:
        StudioError: The encoder's weights are missing or damaged.
    """
    from studio.engine.speech.encoder import default_encoder  # here, so that importing features needs no torch

    path = _cache_path(audio) if cache else None
    if path is not None and (hit := _read(path)) is not None:
        return hit
    encoder = default_encoder()
    values, phonemes = encoder.encode(audio)
    features = SpeechFeatures(values, FEATURE_RATE_HZ, EXTRACTOR, audio.duration_s, phonemes)
    if path is not None:
        _write(path, features)
    return features


def _cache_path(audio: Audio) -> Path:
    from studio.engine.speech.encoder import weights_digest

    digest = hashlib.sha256(f"{EXTRACTOR} {weights_digest()} {audio.rate_hz} {audio.samples.shape}".encode())
    digest.update(np.ascontiguousarray(audio.samples).data)
    return Path(platformdirs.user_cache_dir("emozone-studio", appauthor=False)) / "speech" / f"{digest.hexdigest()}.npz"


def _read(path: Path) -> SpeechFeatures | None:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as data:
            values = data["values"].astype(np.float32)
            head = json.loads(str(data["head"]))
            phonemes = tuple(Phoneme(str(p), float(a), float(b)) for p, a, b in head["phonemes"])
            duration_s = float(head["duration_s"])
    except FileNotFoundError:
        return None
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        log.info("cached speech features %s are unreadable and will be made again: %s", path, error)
        return None
    sound = values.ndim == 2 and values.shape[1] == N_ARTICULATORS and bool(np.isfinite(values).all())
    if not sound or any(p.label not in PHONEME_INDEX for p in phonemes):
        return None
    return SpeechFeatures(values, FEATURE_RATE_HZ, EXTRACTOR, duration_s, phonemes)


def _write(path: Path, features: SpeechFeatures) -> None:
    head = json.dumps(
        {
            "duration_s": features.duration_s,
            "phonemes": [(p.label, p.start_s, p.end_s) for p in features.phonemes],
        }
    )
    part = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(dir=path.parent, suffix=".part")
        with os.fdopen(handle, "wb") as file:
            np.savez(file, values=features.values, head=np.array(head))
        os.replace(part, path)
        kept = sorted(path.parent.glob("*.npz"), key=lambda p: p.stat().st_mtime, reverse=True)
        for old in kept[_MAX_CACHED:]:
            old.unlink(missing_ok=True)
    except OSError as error:
        log.info("speech features are not cached: %s", error)
        if part:
            Path(part).unlink(missing_ok=True)
