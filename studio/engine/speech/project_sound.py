"""The sound of a project: its file, trimmed, placed and made louder or quieter as the project says.

The one way from a project to what is heard, drawn and exported; the file itself is never changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from studio.engine.speech.audio import MAX_DURATION_S, MIN_DURATION_S, Audio, load_audio
from studio.errors import StudioError

if TYPE_CHECKING:
    from studio.document.model import Project, SoundEdit


def project_audio(project: Project) -> Audio | None:
    """What a project sounds like; None for one without sound.

    Raises:
        StudioError: the file is missing or no sound, or the result would last longer than two hours.
    """
    if project.audio is None:
        return None
    return edited(load_audio(project.audio.location()), project.sound)


def cut(duration_s: float, edit: SoundEdit) -> tuple[float, float]:
    """The part of a file of that length that is heard, seconds; cuts beyond its end leave the shortest sound."""
    out_s = duration_s if edit.out_s is None else min(edit.out_s, duration_s)
    in_s = min(edit.in_s, max(duration_s - MIN_DURATION_S, 0.0))
    return in_s, min(max(out_s, in_s + MIN_DURATION_S), duration_s)


def edited(audio: Audio, edit: SoundEdit) -> Audio:
    """The sound that an edit makes of a file's; loud parts that do not fit are cut off at ±1.

    Raises:
        StudioError: it would last longer than two hours.
    """
    in_s, out_s = cut(audio.duration_s, edit)
    if edit.start_s + out_s - in_s > MAX_DURATION_S:
        raise StudioError(
            f"The sound starts at {edit.start_s:.0f} s and would end after {MAX_DURATION_S / 3600:.0f} h; "
            "let it start earlier."
        )
    first, past, start = (round(time * audio.rate_hz) for time in (in_s, out_s, edit.start_s))
    if (first, past, start, edit.gain_db) == (0, len(audio.samples), 0, 0.0):
        return audio
    part = audio.samples[first:past]
    if edit.gain_db != 0.0:
        part = part * np.float32(edit.gain)
        np.clip(part, -1.0, 1.0, out=part)
    if start == 0:
        return Audio(part, audio.rate_hz)
    samples: NDArray[np.float32] = np.zeros((start + len(part), part.shape[1]), np.float32)
    samples[start:] = part
    return Audio(samples, audio.rate_hz)


def peak_db(samples: NDArray[np.float32]) -> float:
    """The loudest sample in decibels below full scale (0 is the loudest that fits); -inf for silence."""
    peak = max(float(samples.max(initial=0.0)), -float(samples.min(initial=0.0)))
    return float(20.0 * np.log10(peak)) if peak > 0.0 else -np.inf
