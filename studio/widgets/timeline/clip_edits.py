"""What gestures do to expression clips and presets: pure functions. No Qt.

Indices of clips stay what they are while clips are moved; where two neighbours come to overlap because one of them was
moved or trimmed, their fades become an exact cross-fade.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from studio.document.expressions import EXPRESSIONS, Clip, Preset
from studio.document.performance import Performance

End = Literal["start", "end"]
Clips = tuple[Clip, ...]

SHORTEST_S = 0.08
USUAL_S = 2.0
"""Length of a new clip: about that of an expression in conversation."""

FAINT = 0.05
"""Intensities below this are left out of a saved face."""

SHIPPED = frozenset(preset.name for preset in EXPRESSIONS)


def with_clips(performance: Performance, clips: Sequence[Clip]) -> Performance:
    """The performance with these clips."""
    return replace(performance, expressions=replace(performance.expressions, clips=tuple(clips)))


def added(clips: Clips, preset: str, start_s: float, length_s: float = USUAL_S) -> Clips:
    """One more clip, the last one."""
    start_s = max(start_s, 0.0)
    fade_s = min(0.3, length_s / 3)
    new = Clip(preset, start_s, start_s + max(length_s, SHORTEST_S), fade_in_s=fade_s, fade_out_s=fade_s)
    return crossfaded((*clips, new), {len(clips)})


def moved(clips: Clips, chosen: Collection[int], time_s: float) -> Clips:
    """Clips moved by seconds, none of them before the start."""
    if not chosen:
        return clips
    time_s = max(time_s, -min(clips[i].start_s for i in chosen))
    result = tuple(
        replace(clip, start_s=clip.start_s + time_s, end_s=clip.end_s + time_s) if i in chosen else clip
        for i, clip in enumerate(clips)
    )
    return crossfaded(result, chosen)


def trimmed(clips: Clips, index: int, end: End, time_s: float) -> Clips:
    """One end of a clip at another moment; a clip never becomes shorter than two frames."""
    clip = clips[index]
    if end == "start":
        clip = replace(clip, start_s=min(max(time_s, 0.0), clip.end_s - SHORTEST_S))
    else:
        clip = replace(clip, end_s=max(time_s, clip.start_s + SHORTEST_S))
    return crossfaded((*clips[:index], clip, *clips[index + 1 :]), {index})


def faded(clips: Clips, index: int, end: End, fade_s: float) -> Clips:
    """Another length of a fade, at most what the other fade leaves of the clip."""
    clip = clips[index]
    other = clip.fade_out_s if end == "start" else clip.fade_in_s
    fade_s = min(max(fade_s, 0.0), max(0.0, clip.end_s - clip.start_s - other))
    clip = replace(clip, fade_in_s=fade_s) if end == "start" else replace(clip, fade_out_s=fade_s)
    return (*clips[:index], clip, *clips[index + 1 :])


def intensified(clips: Clips, chosen: Collection[int], intensity: float) -> Clips:
    """Clips at an intensity."""
    value = min(max(intensity, 0.0), Clip.MAX_INTENSITY)
    return tuple(replace(clip, intensity=value) if i in chosen else clip for i, clip in enumerate(clips))


def strengthened(clips: Clips, chosen: Collection[int], by: float) -> Clips:
    """Clips stronger by an amount."""
    return tuple(
        replace(clip, intensity=min(max(clip.intensity + by, 0.0), Clip.MAX_INTENSITY)) if i in chosen else clip
        for i, clip in enumerate(clips)
    )


def without(clips: Clips, chosen: Collection[int]) -> Clips:
    """The other clips."""
    return tuple(clip for i, clip in enumerate(clips) if i not in chosen)


def span_of(clips: Clips, chosen: Collection[int]) -> tuple[float, float] | None:
    """First and last moment of some clips."""
    there = [clips[i] for i in chosen if i < len(clips)]
    return (min(clip.start_s for clip in there), max(clip.end_s for clip in there)) if there else None


def crossfaded(clips: Clips, touched: Collection[int]) -> Clips:
    """Fades of neighbours that overlap set to the overlap, where one of them was touched."""
    order = sorted(range(len(clips)), key=lambda i: (clips[i].start_s, clips[i].end_s))
    result = list(clips)
    for a, b in pairwise(order):
        first, second = clips[a], clips[b]
        overlap = first.end_s - second.start_s
        proper = first.start_s < second.start_s and first.end_s < second.end_s
        if overlap > 0 and proper and (a in touched or b in touched):
            result[a] = replace(result[a], fade_out_s=overlap)
            result[b] = replace(result[b], fade_in_s=overlap)
    return tuple(result)


# ---- presets ----


def face_as_preset(name: str, au: NDArray[np.floating]) -> Preset | None:
    """What a face shows as a preset; None for a neutral one."""
    preset = Preset.from_vector(name, np.where(au >= FAINT, np.round(np.asarray(au, np.float64), 2), 0.0))
    return preset if preset.au else None


def with_preset(performance: Performance, preset: Preset) -> Performance:
    """A user's preset added, or put in place of the one of its name."""
    others = tuple(other for other in performance.presets if other.name != preset.name)
    return replace(performance, presets=(*others, preset))


def renamed_preset(performance: Performance, name: str, to: str) -> Performance:
    """A user's preset by another name; its clips go with it."""
    presets = tuple(replace(preset, name=to) if preset.name == name else preset for preset in performance.presets)
    clips = tuple(replace(c, preset=to) if c.preset == name else c for c in performance.expressions.clips)
    return replace(with_clips(performance, clips), presets=presets)


def without_preset(performance: Performance, name: str) -> Performance:
    """A user's preset gone, with its clips, unless a shipped one of its name stands in."""
    presets = tuple(preset for preset in performance.presets if preset.name != name)
    if name not in SHIPPED:
        kept = tuple(clip for clip in performance.expressions.clips if clip.preset != name)
        performance = with_clips(performance, kept)
    return replace(performance, presets=presets)
