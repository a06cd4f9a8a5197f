"""Expression presets: whole faces by name, placed on the timeline as clips with intensity and fades."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from studio.document.action_units import AU_INDEX, MAX_INTENSITY
from studio.document.extra import Extra

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Preset:
    """An expression: intensities 0–5 of some action units at full strength."""

    name: str
    au: tuple[tuple[str, float], ...]  # ((AU name, intensity 0–5), …) in channel order
    extra: Extra = ()

    def __post_init__(self) -> None:
        for key, intensity in self.au:
            if key not in AU_INDEX:
                raise ValueError(f"preset {self.name!r} names the unknown action unit {key!r}")
            if not 0 <= intensity <= MAX_INTENSITY:
                raise ValueError(f"preset {self.name!r} sets {key} to {intensity}, expected 0 to {MAX_INTENSITY:g}")
        ordered = sorted(dict(self.au).items(), key=lambda item: AU_INDEX[item[0]])
        object.__setattr__(self, "au", tuple((key, float(intensity)) for key, intensity in ordered))

    @classmethod
    def of(cls, name: str, **au: float) -> Preset:
        """`Preset.of("happy", AU6=3, AU12=4)`."""
        return cls(name, tuple(au.items()))

    @classmethod
    def from_vector(cls, name: str, au: Floats) -> Preset:
        """The preset that shows the intensities `au` (17,); zeros are left out."""
        return cls(name, tuple((key, float(au[i])) for key, i in AU_INDEX.items() if au[i] > 0))

    def vector(self) -> Floats:
        """(17,) intensities at full strength."""
        result = np.zeros(len(AU_INDEX))
        for key, intensity in self.au:
            result[AU_INDEX[key]] = intensity
        return result


EXPRESSIONS: tuple[Preset, ...] = (
    Preset.of("happy", AU6=3.5, AU12=4.0, AU25=1.5),
    Preset.of("sad", AU1=3.5, AU4=2.5, AU15=3.5, AU17=1.5),
    Preset.of("surprise", AU1=4.0, AU2=4.0, AU5=3.0, AU25=2.5, AU26=3.0),
    Preset.of("fear", AU1=3.5, AU2=2.5, AU4=2.5, AU5=4.0, AU7=2.0, AU20=3.5, AU25=2.0, AU26=1.5),
    Preset.of("anger", AU4=4.5, AU5=2.5, AU7=3.5, AU23=3.5),
    Preset.of("disgust", AU9=4.0, AU10=2.5, AU15=2.0, AU17=2.0),
    Preset.of("contempt", AU12=1.0, AU14=4.0),
)
"""The seven prototypes (Ekman, Friesen, Hager: FACS Investigator's Guide 2002, ch. 12, table of emotion predictions),
with intensities chosen so that each reads at a glance; contempt, one-sided in life, is shown on both sides because the
action units of the studio are."""


@dataclass(frozen=True)
class Clip:
    """An expression shown from `start_s` to `end_s`, fading in and out inside that span.

    Fades are smoothsteps. Where one clip fades out exactly while the next fades in, their weights sum to one: a
    cross-fade. Longer fades than fit are shortened in proportion.
    """

    preset: str
    start_s: float
    end_s: float
    intensity: float = 1.0  # 0 = invisible, 1 = the preset, up to 2
    fade_in_s: float = 0.3
    fade_out_s: float = 0.3
    extra: Extra = ()

    MAX_INTENSITY = 2.0

    def __post_init__(self) -> None:
        if not (np.isfinite([self.start_s, self.end_s]).all() and self.start_s < self.end_s):
            raise ValueError(f"an expression clip runs from {self.start_s} to {self.end_s} s, expected start < end")
        if not 0 <= self.intensity <= self.MAX_INTENSITY:
            raise ValueError(f"an expression clip has the intensity {self.intensity}, expected 0 to 2")
        if not (0 <= self.fade_in_s < np.inf and 0 <= self.fade_out_s < np.inf):
            raise ValueError("fades of an expression clip must be zero or longer")

    def envelope(self, times_s: Floats) -> Floats:
        """(T,) weight of the preset, 0 outside the clip, `intensity` where fully shown."""
        length = self.end_s - self.start_s
        squeeze = min(1.0, length / max(self.fade_in_s + self.fade_out_s, 1e-12))
        rise = _smoothstep((times_s - self.start_s) / max(self.fade_in_s * squeeze, 1e-12))
        fall = _smoothstep((self.end_s - times_s) / max(self.fade_out_s * squeeze, 1e-12))
        inside = (times_s >= self.start_s) & (times_s < self.end_s)
        return np.where(inside, self.intensity * np.minimum(rise, fall), 0.0)


@dataclass(frozen=True)
class Expressions:
    """The second layer: clips that add onto the base; overlapping clips add up."""

    clips: tuple[Clip, ...] = ()
    mute: bool = False
    solo: bool = False
    weight: float = 1.0
    extra: Extra = ()

    def __post_init__(self) -> None:
        if not 0 <= self.weight <= 1:
            raise ValueError(f"the weight of the expressions is {self.weight}, expected 0 to 1")

    def sample(self, times_s: Floats, presets: Mapping[str, Preset]) -> Floats:
        """(T, 17) intensities that the clips add, unweighted; a clip whose preset is unknown adds nothing."""
        total = np.zeros((len(times_s), len(AU_INDEX)))
        for clip in self.clips:
            preset = presets.get(clip.preset)
            if preset is not None and (times_s[-1:].size and _touches(clip, times_s)):
                total += clip.envelope(times_s)[:, None] * preset.vector()
        return total


def crossfaded(clips: Sequence[Clip]) -> tuple[Clip, ...]:
    """The clips in order of time, with fades set so that each overlap of neighbours is an exact cross-fade."""
    ordered = sorted(clips, key=lambda clip: (clip.start_s, clip.end_s))
    fades_in = [clip.fade_in_s for clip in ordered]
    fades_out = [clip.fade_out_s for clip in ordered]
    for i in range(len(ordered) - 1):
        overlap = ordered[i].end_s - ordered[i + 1].start_s
        if 0 < overlap < ordered[i + 1].end_s - ordered[i + 1].start_s:
            fades_out[i] = fades_in[i + 1] = overlap
    return tuple(
        Clip(c.preset, c.start_s, c.end_s, c.intensity, rise, fall, c.extra)
        for c, rise, fall in zip(ordered, fades_in, fades_out, strict=True)
    )


def _touches(clip: Clip, times_s: Floats) -> bool:
    return bool(times_s.min() < clip.end_s and times_s.max() >= clip.start_s)


def _smoothstep(x: Floats) -> Floats:
    x = np.clip(x, 0.0, 1.0)
    result: Floats = x * x * (3 - 2 * x)
    return result
