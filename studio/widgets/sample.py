"""The sample: the shipped speech with a little performance, so that a new user sees what editing is."""

from __future__ import annotations

from pathlib import Path

from studio.document.curves import Curve
from studio.document.expressions import Clip, Expressions
from studio.document.lanes import Lane
from studio.document.model import Marker, Media, Project
from studio.document.performance import Performance
from studio.document.takes import Base, Blinks
from studio.engine.assets import assets_dir

SPEECH_SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")
SAMPLE_SPEECH = "welcome.flac"

KEYS: dict[str, tuple[tuple[float, float], ...]] = {
    "AU4": ((10.40, 0.0), (10.68, 3.6), (10.95, 3.2), (11.25, 0.0)),
    "AU1": ((0.30, 0.0), (0.55, 1.8), (1.10, 0.0), (11.40, 0.0), (11.75, 3.8), (12.05, 3.4), (12.40, 0.0)),
    "AU2": ((11.40, 0.0), (11.75, 3.2), (12.05, 2.8), (12.40, 0.0)),
    "head_pitch": ((0.30, 0.0), (0.60, -5.0), (1.00, 1.0), (1.40, 0.0)),
}
"""Moments in seconds and values: a nod with the hello, then what the words say: frown, and lift my brows."""

SMILE = Clip("happy", 9.15, 10.60, 0.8, 0.35, 0.35)
MARKERS = (Marker(9.67, "smile"), Marker(10.49, "frown"), Marker(11.67, "brows"))


def sample_speech() -> Path | None:
    """The clip that the studio opens with."""
    folder = assets_dir() / "speech"
    if (folder / SAMPLE_SPEECH).is_file():
        return folder / SAMPLE_SPEECH
    clips = sorted(p for p in folder.glob("*") if p.suffix in SPEECH_SUFFIXES) if folder.is_dir() else []
    return clips[0] if clips else None


def sample_project() -> Project:
    """The shipped avatar says hello, and does what the words say."""
    lanes = []
    for key, points in KEYS.items():
        curve = Curve()
        for time_s, value in points:
            curve = curve.with_key(time_s, value)
        lanes.append(Lane(key, curve))
    performance = Performance(
        base=Base(blinks=Blinks(per_minute=16, seed=4)),
        expressions=Expressions(clips=(SMILE,)),
        lanes=tuple(lanes),
    )
    speech = sample_speech()
    return Project(audio=None if speech is None else Media(str(speech)), performance=performance, markers=MARKERS)
