"""Phonemes to articulation: how a mouth glides through the sounds of speech.

Shape channels (jaw, lips apart, rounded, funnelled, spread) are blended with dominance functions after Cohen and
Massaro (1993): every phoneme pulls towards its target with a weight that is flat over its core and decays
exponentially before and after; phonemes that do not care about a channel pull weakly, so their neighbours shine
through. Contacts (lips closed, lip to teeth, tongue to ridge, tongue between teeth) are gestures that must complete:
raised-cosine bumps with a plateau. Everything leads the sound by `LIP_LEAD_S`, as real lips do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from studio.engine.speech.articulators import ARTICULATORS, LIP_LEAD_S
from studio.engine.speech.mel import MEL_RATE_HZ, loudness
from studio.engine.speech.phonemes import BILABIALS, PHONEMES, SILENCE, VOWELS, Phoneme

_INDEX = {name: i for i, name in enumerate(ARTICULATORS)}
JAW, PART, CLOSE, ROUND, FUNNEL, SPREAD, TUCK, TIP_UP, TIP_OUT, VOICE = (_INDEX[name] for name in ARTICULATORS)
_SHAPE = (JAW, PART, ROUND, FUNNEL, SPREAD)

_REACH_BEFORE_S = np.array([0.040, 0.040, 0.070, 0.060, 0.045])
"""Decay of dominance before the core, per shape channel: rounding is anticipated longest."""
_REACH_AFTER_S = np.array([0.045, 0.040, 0.050, 0.050, 0.045])
_EDGE = 0.20
_EDGE_S = 0.05
"""A phoneme's core is what remains without this share of its duration, at most so many seconds, at either end."""
_SMOOTH_S = 0.012

_CONTACT_LEAD_S = 0.06
"""Lips that must be shut for a sound shut this long before it, and open `_RELEASE_LEAD_S` before it ends: the
closure both leads the sound and holds while it is heard."""
_RELEASE_LEAD_S = 0.050
_RISE_S = 0.065
_FALL_S = 0.050
_FASTEST_S = 0.040
"""No contact is made faster than this."""

_SILENCE_FULL_S = 0.25
"""Pauses shorter than this let the mouth close only in part."""


@dataclass(frozen=True)
class Target:
    """Where one phoneme wants the mouth and how much it insists; shape channels in the order of `_SHAPE`."""

    shape: tuple[float, float, float, float, float]  # jaw_open, lips_part, lips_round, lips_funnel, lips_spread
    weight: tuple[float, float, float, float, float]
    contacts: tuple[tuple[int, float], ...] = ()  # (channel, strength)


_VOWEL = (1.7, 1.4, 1.0, 1.0, 1.0)
_OBSTRUENT = (1.0, 1.0, 0.25, 0.3, 0.35)
_LAX = (0.25, 0.3, 0.1, 0.1, 0.1)

_TARGETS: dict[str, Target] = {
    SILENCE: Target((0.0, 0.0, 0.0, 0.0, 0.0), (1.4, 1.3, 0.8, 0.8, 0.8)),
    "AA": Target((1.00, 0.60, 0.00, 0.10, 0.00), _VOWEL),
    "AE": Target((0.85, 0.85, 0.00, 0.00, 0.35), _VOWEL),
    "AH": Target((0.62, 0.50, 0.00, 0.00, 0.05), (1.3, 1.0, 0.5, 0.5, 0.5)),
    "AO": Target((0.75, 0.40, 0.15, 0.85, 0.00), _VOWEL),
    "EH": Target((0.65, 1.00, 0.00, 0.00, 0.40), _VOWEL),
    "ER": Target((0.35, 0.35, 0.40, 0.35, 0.00), _VOWEL),
    "IH": Target((0.38, 0.65, 0.00, 0.00, 0.50), _VOWEL),
    "IY": Target((0.24, 0.65, 0.00, 0.00, 1.00), _VOWEL),
    "UH": Target((0.35, 0.25, 0.60, 0.25, 0.00), _VOWEL),
    "UW": Target((0.20, 0.10, 1.00, 0.10, 0.00), _VOWEL),
    "P": Target((0.08, 0.00, 0.00, 0.00, 0.00), (0.9, 0.7, 0.1, 0.1, 0.2), ((CLOSE, 1.0),)),
    "F": Target((0.20, 0.25, 0.00, 0.00, 0.10), (0.9, 1.0, 0.3, 0.4, 0.2), ((TUCK, 1.0),)),
    "TH": Target((0.22, 0.45, 0.00, 0.00, 0.10), _OBSTRUENT, ((TIP_OUT, 1.0),)),
    "T": Target((0.16, 0.40, 0.00, 0.00, 0.15), (0.9, 0.6, 0.15, 0.15, 0.2), ((TIP_UP, 1.0),)),
    "L": Target((0.30, 0.45, 0.00, 0.00, 0.10), (0.6, 0.5, 0.15, 0.15, 0.2), ((TIP_UP, 1.0),)),
    "S": Target((0.06, 0.50, 0.00, 0.00, 0.35), _OBSTRUENT, ((TIP_UP, 0.6),)),
    "SH": Target((0.08, 0.45, 0.25, 0.60, 0.00), (1.2, 1.0, 0.8, 1.0, 0.5)),
    "CH": Target((0.08, 0.45, 0.25, 0.60, 0.00), (1.2, 1.0, 0.8, 1.0, 0.5), ((TIP_UP, 0.8),)),
    "K": Target((0.28, 0.40, 0.00, 0.00, 0.10), (0.5, 0.4, 0.1, 0.1, 0.15)),
    "HH": Target((0.40, 0.45, 0.00, 0.00, 0.10), _LAX),
    "R": Target((0.22, 0.28, 0.50, 0.35, 0.00), (0.7, 0.7, 0.8, 0.7, 0.5)),
    "W": Target((0.12, 0.05, 1.00, 0.15, 0.00), (1.0, 1.2, 1.3, 0.8, 0.6)),
    "Y": Target((0.18, 0.50, 0.00, 0.00, 0.65), (0.7, 0.6, 0.5, 0.4, 0.7)),
}
for _same, _like in {"BM": "P", "V": "F", "DN": "T", "Z": "S", "G": "K"}.items():
    _TARGETS.update({label: _TARGETS[_like] for label in _same})
_TARGETS.update({"DH": _TARGETS["TH"], "NG": _TARGETS["K"], "ZH": _TARGETS["SH"], "JH": _TARGETS["CH"]})

_GLIDES: dict[str, tuple[tuple[str, float], ...]] = {
    "AW": (("AA", 0.6), ("UH", 0.4)),
    "AY": (("AA", 0.6), ("IH", 0.4)),
    "EY": (("EH", 0.55), ("IY", 0.45)),
    "OW": (("AO", 0.5), ("UW", 0.5)),
    "OY": (("AO", 0.55), ("IH", 0.45)),
}
"""Diphthongs as two vowels with the share of time each takes."""

TARGETS: dict[str, Target] = dict(_TARGETS)
"""Targets per phoneme class; diphthongs are made of two of them."""


def articulate(
    phonemes: Sequence[Phoneme],
    duration_s: float,
    rate_hz: float,
    speech: NDArray[np.float32] | None = None,
    *,
    effort: float = 1.0,
) -> NDArray[np.float32]:
    """Articulator curves of spoken phonemes.

    Args:
        phonemes: In time order, without overlap; what is not covered counts as silence.
        duration_s: Length of the curves.
        rate_hz: Frames per second of the curves; frame i is at i / rate_hz.
        speech: (n,) the sound at 16 kHz; gives the loudness of vowels (loud ones open wider) and the voice channel.
            Without it every vowel is of middle strength.
        effort: Scales how far vowels open: 0.6 mumbled, 1 clear, 1.2 declaimed.

    Returns:
        (round(duration_s·rate_hz), 10) in [0, 1], channels as ARTICULATORS.
    """
    n = round(duration_s * rate_hz)
    out = np.zeros((n, len(ARTICULATORS)), np.float64)
    if n == 0:
        return out.astype(np.float32)
    times = np.arange(n) / rate_hz
    out[:, VOICE] = _voice(phonemes, times, speech)
    whole = _with_silences(phonemes, duration_s)
    out[:, _SHAPE] = _blend(_split(whole, speech, effort), times)
    sigma = _SMOOTH_S * rate_hz
    if sigma > 0.2:
        out[:, _SHAPE] = gaussian_filter1d(out[:, _SHAPE], sigma, axis=0, mode="nearest")
    for before, phoneme in zip([whole[0], *whole[:-1]], whole, strict=True):
        for channel, strength in _target(phoneme.label).contacts:
            rows, bump = contact(phoneme, before.duration_s, times)
            out[rows, channel] = np.maximum(out[rows, channel], strength * bump)
    yield_to_contacts(out)
    return np.clip(out, 0.0, 1.0).astype(np.float32)


def _target(label: str) -> Target:
    return TARGETS[_GLIDES[label][0][0]] if label in _GLIDES else TARGETS[label]


def _with_silences(phonemes: Sequence[Phoneme], duration_s: float) -> list[Phoneme]:
    """Phonemes with the holes between them, and a stretch before and after, filled with silence."""
    out: list[Phoneme] = []
    at = -1.0
    for phoneme in phonemes:
        if phoneme.label not in PHONEMES:
            raise ValueError(f"unknown phoneme {phoneme.label!r}")
        if phoneme.start_s < at - 1e-6 and at > 0.0:
            raise ValueError(f"phonemes overlap at {phoneme.start_s:.3f} s")
        if phoneme.start_s > at + 1e-6:
            out.append(Phoneme(SILENCE, at, phoneme.start_s))
        out.append(phoneme)
        at = phoneme.end_s
    if at < duration_s + 1.0:
        out.append(Phoneme(SILENCE, at, duration_s + 1.0))
    return out


@dataclass(frozen=True)
class _Pull:
    """One phoneme's pull on the shape channels."""

    centre_s: float
    half_core_s: float
    shape: NDArray[np.float64]  # (5,)
    weight: NDArray[np.float64]  # (5,)


def _split(phonemes: Sequence[Phoneme], speech: NDArray[np.float32] | None, effort: float) -> list[_Pull]:
    gains = _gains(phonemes, speech)
    pulls: list[_Pull] = []
    for phoneme, gain in zip(phonemes, gains, strict=True):
        at = phoneme.start_s
        for label, share in _GLIDES.get(phoneme.label, ((phoneme.label, 1.0),)):
            length = phoneme.duration_s * share
            target = TARGETS[label]
            shape, weight = np.array(target.shape), np.array(target.weight)
            if phoneme.label in VOWELS:
                openness = gain * effort * np.clip(length / 0.07, 0.7, 1.0)
                shape = shape * np.array([openness, openness, 1.0, 0.5 + 0.5 * openness, 0.5 + 0.5 * openness])
            elif label == SILENCE:
                weight = weight * np.clip(length / _SILENCE_FULL_S, 0.1, 1.0) ** 1.5
            pulls.append(_Pull(at + length / 2 - LIP_LEAD_S, length / 2 - min(_EDGE * length, _EDGE_S), shape, weight))
            at += length
    return pulls


def _gains(phonemes: Sequence[Phoneme], speech: NDArray[np.float32] | None) -> NDArray[np.float64]:
    """Opening per phoneme from its loudness among the vowels: +3 dB is 9 % wider, -10 dB 30 % narrower."""
    stress = np.array([p.stress for p in phonemes])
    vowels = np.array([p.label in VOWELS for p in phonemes])
    if speech is None or not vowels.any():
        return stress
    power = np.concatenate([[0.0], np.cumsum(np.square(speech, dtype=np.float64))])
    starts = np.clip([round(p.start_s * 16_000) for p in phonemes], 0, len(speech))
    ends = np.clip([round(p.end_s * 16_000) for p in phonemes], 0, len(speech))
    mean = (power[ends] - power[starts]) / np.maximum(ends - starts, 1)
    level_db = 10.0 * np.log10(mean + 1e-10)
    reference = np.percentile(level_db[vowels], 75)
    return np.asarray(stress * np.clip(1.0 + 0.03 * (level_db - reference), 0.55, 1.15))


def _blend(pulls: Sequence[_Pull], times: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 5) weighted mean of the targets; weights vanish beyond a second, so that work grows with length alone."""
    total = np.full((len(times), len(_SHAPE)), 1e-9)
    mean = np.zeros((len(times), len(_SHAPE)))
    for pull in pulls:
        reach = pull.half_core_s + 1.0
        low, high = np.searchsorted(times, [pull.centre_s - reach, pull.centre_s + reach])
        tau = times[low:high, None] - pull.centre_s
        outside = np.maximum(np.abs(tau) - pull.half_core_s, 0.0)
        decay = np.where(tau < 0, _REACH_BEFORE_S, _REACH_AFTER_S)
        weight = pull.weight * np.exp(-outside / decay)
        total[low:high] += weight
        mean[low:high] += weight * pull.shape
    return np.asarray(mean / total)


def contact(phoneme: Phoneme, room_s: float, times: NDArray[np.float64]) -> tuple[slice, NDArray[np.float64]]:
    """Rows and values of a gesture that is complete from before the sound until shortly before its end.

    Args:
        phoneme: The sound that needs the contact.
        room_s: Duration of the sound before it; a short one leaves less time to come, so that it is still seen.
        times: (n,) seconds.
    """
    begin = phoneme.start_s - min(_CONTACT_LEAD_S, 0.35 * room_s)
    end = max(phoneme.end_s - _RELEASE_LEAD_S, phoneme.start_s + 0.5 * phoneme.duration_s)
    rise_s = float(np.clip(0.5 * room_s, _FASTEST_S, _RISE_S))
    low, high = np.searchsorted(times, [begin - rise_s, end + _FALL_S])
    t = times[low:high]
    rise = np.clip((t - begin) / rise_s + 1.0, 0.0, 1.0)
    fall = np.clip((end - t) / _FALL_S + 1.0, 0.0, 1.0)
    bump = (0.5 - 0.5 * np.cos(np.pi * rise)) * (0.5 - 0.5 * np.cos(np.pi * fall))
    return slice(int(low), int(high)), np.asarray(bump)


def yield_to_contacts(out: NDArray[np.float64] | NDArray[np.float32]) -> None:
    """Shapes give way where a contact needs the lips.

    Args:
        out: (T, 10) articulators, changed in place.
    """
    close, tuck = out[:, CLOSE], out[:, TUCK]
    out[:, PART] *= (1.0 - close) * (1.0 - 0.5 * tuck)
    out[:, JAW] += close * (np.minimum(out[:, JAW], 0.12) - out[:, JAW])
    out[:, JAW] += tuck * (np.minimum(out[:, JAW], 0.32) - out[:, JAW])
    out[:, FUNNEL] *= (1.0 - 0.8 * close) * (1.0 - 0.6 * tuck)
    out[:, ROUND] *= (1.0 - 0.5 * close) * (1.0 - 0.5 * tuck)
    out[:, SPREAD] *= 1.0 - 0.5 * close
    out[:, TUCK] *= 1.0 - close
    out[:, TIP_OUT] *= 1.0 - close


def _voice(
    phonemes: Sequence[Phoneme], times: NDArray[np.float64], speech: NDArray[np.float32] | None
) -> NDArray[np.float64]:
    """(n,) loudness in [0, 1]: 0 at 35 dB below the clip's loud speech, smoothed over 30 ms."""
    if speech is None:
        level = np.zeros(len(times))
        for p in phonemes:
            strength = (
                0.0 if p.label == SILENCE else 0.85 if p.label in VOWELS else 0.4 if p.label in BILABIALS else 0.5
            )
            level[(times >= p.start_s) & (times < p.end_s)] = strength
        return level
    return np.interp(times, np.arange(len(speech) // 160 + 1) / MEL_RATE_HZ, voice_level(speech))


def voice_level(speech: NDArray[np.float32]) -> NDArray[np.float64]:
    """(n_frames,) at 100 Hz: loudness in [0, 1] relative to the clip's loud speech (95th percentile).

    Args:
        speech: (n,) 16 kHz mono.
    """
    rms = loudness(speech).astype(np.float64)
    loud = max(float(np.percentile(rms, 95)), 10 ** (-50 / 20))
    level = np.clip(1.0 + 20.0 * np.log10(np.maximum(rms, 1e-7) / loud) / 35.0, 0.0, 1.0)
    return np.asarray(gaussian_filter1d(level, 1.5, mode="nearest"))
