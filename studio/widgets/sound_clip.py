"""An opened sound, and what makes one out of a file: slow steps that run in the session's worker."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from studio.document.model import Media, SoundEdit
from studio.widgets.peaks import Peaks

if TYPE_CHECKING:
    from studio.engine.speech.audio import Audio
    from studio.engine.speech.features import SpeechFeatures


@dataclass(frozen=True)
class Source:
    """A sound file, before the project makes anything of it."""

    media: Media
    audio: Audio
    peaks: Peaks
    peak_db: float  # of its loudest sample, below full scale; -inf for silence


@dataclass(frozen=True)
class Clip:
    """An opened sound, as the project has trimmed it and made it louder or quieter."""

    source: Source
    edit: SoundEdit
    samples: NDArray[np.float32]  # (n, channels)
    rate_hz: int
    duration_s: float
    peaks: Peaks
    features: SpeechFeatures | None = None  # None until the speech pass is done

    @property
    def media(self) -> Media:
        """The file."""
        return self.source.media

    def same_sound(self, other: Clip) -> bool:
        """Whether both sound alike; features may differ."""
        return same_file(self.media, other.media) and self.edit == other.edit


def same_file(one: Media, other: Media) -> bool:
    """Whether two media hold the same, wherever they lie."""
    return one == other or (one.sha256 is not None and one.sha256 == other.sha256)


def load_source(media: Media) -> Source:
    """Read a sound file. Slow; raises StudioError."""
    from studio.engine.speech.audio import load_audio
    from studio.engine.speech.project_sound import peak_db

    audio = load_audio(Path(media.location()))
    return Source(media, audio, _peaks(audio), peak_db(audio.samples))


def edited_clip(source: Source, edit: SoundEdit) -> Clip:
    """A sound as the project wants it. Slow with long sounds."""
    from studio.engine.speech.project_sound import edited

    audio = edited(source.audio, edit)
    peaks = source.peaks if audio.samples is source.audio.samples else _peaks(audio)
    return Clip(source, edit, audio.samples, audio.rate_hz, audio.duration_s, peaks)


def _peaks(audio: Audio) -> Peaks:
    mixed = audio.samples[:, 0] if audio.samples.shape[1] == 1 else audio.samples.mean(axis=1)
    return Peaks(np.ascontiguousarray(mixed, dtype=np.float32), audio.rate_hz)


def with_features(clip: Clip) -> Clip:
    """The clip after the speech pass. Slow."""
    from studio.engine.speech.audio import Audio
    from studio.engine.speech.features import extract_features

    return replace(clip, features=extract_features(Audio(clip.samples, clip.rate_hz)))
