"""What a mouth driven by the encoder does, measured on the performer's lips against the truth.

    python -m studio.engine.speech.measure                                # the shipped encoder
    python -m studio.engine.speech.measure encoder.safetensors --noisy

Synthesised sentences of voices that the encoder's training did not hear. Their true and their recognised articulation
drive the same performer's mouth, and the height of its opening, not the channels, says whether lips have met.
"""

from __future__ import annotations

import argparse
import functools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from studio.document.action_units import AU_KEYS
from studio.engine.performer.mapping import mode_weights
from studio.engine.performer.performer import load_performer
from studio.engine.performer.voices import Voice
from studio.engine.speech.articulators import ARTICULATORS
from studio.engine.speech.corpus import HELD_OUT_VOICES, Clip, make_clips, speak_held_out
from studio.engine.speech.encoder import DEFAULT_WEIGHTS, OUTPUT_RATE_HZ, Encoder, load_encoder
from studio.engine.speech.phonemes import PHONEME_INDEX

F64 = NDArray[np.float64]

HEARD_VOICES = (Voice("flite", "slt", "en"),)
"""Voices that trainings hear, for comparison: only the sentences are new."""

NOISE_SEED = 7
"""Of the rooms, microphones and noises that figures are measured with, here and at the end of a training."""
CLOSED = 0.10
"""Share of the open vowels' opening up to which lips count as closed."""
_PARTED = 0.20
"""Share above which the true mouth is surely not closed."""
_LEAD = 4
"""Output frames (80 ms) by which a contact may come before its sound."""
_SEEN = 2
"""Output frames (40 ms) that a contact must last, so that a video of 25 frames per second shows it."""
_TUCKED = 0.5

_OPEN = [PHONEME_INDEX[label] for label in ("AA", "AE", "AO", "AY", "AW", "EH")]
_BILABIAL = [PHONEME_INDEX[label] for label in ("P", "B", "M")]
_LABIODENTAL = [PHONEME_INDEX[label] for label in ("F", "V")]
_TUCK = ARTICULATORS.index("lip_tuck")


@functools.cache
def _mouth() -> tuple[float, F64]:
    """Opening between the lips at rest, and its change per mode: modes are linear, so that these tell every opening."""
    performer = load_performer()
    rest = performer.lip_gap(performer.head.controls)
    return rest, np.array([performer.lip_gap(performer.head.controls + mode) - rest for mode in performer.modes])


def opening(articulators: NDArray[np.floating]) -> F64:
    """(T,) metres between the performer's lips for articulators (T, 10); 0 where they are pressed together."""
    rest, change = _mouth()
    weights = mode_weights(np.zeros((len(articulators), len(AU_KEYS))), articulators.astype(np.float64))
    return np.asarray(np.maximum(rest + weights @ change, 0.0))


def contact_figures(driven: Sequence[NDArray[np.float32]], clips: Sequence[Clip]) -> dict[str, float]:
    """How surely lips meet for p, b and m and tuck for f and v, and how often they do so for nothing.

    Args:
        driven: (T, 10) recognised articulators per clip.
        clips: With their truth.

    Returns:
        closed, tucked: share of the sounds whose contact is seen for 40 ms, within 80 ms before the sound or in it.
        closed_true, tucked_true: the same for the true articulation, which says what the measure itself grants.
        false_closed, false_tucked: contacts per minute where the truth has none near.
        precision: share of the seen closures that are true. tucked_f1: harmonic mean of `tucked` and its precision.
        opening_r: correlation of the opening with the true one. lag_ms: where it is greatest; positive is late.
        mean_opening: over the true mean.
    """
    hits: dict[str, list[bool]] = {"closed": [], "tucked": [], "closed_true": [], "tucked_true": []}
    false_closed = false_tucked = right = right_tucked = 0
    moved, wanted, frames = [], [], 0
    for given, clip in zip(driven, clips, strict=True):
        truth = clip.articulators.astype(np.float32)
        gaps, labels = (opening(given), opening(truth)), clip.phonemes
        vowels = np.isin(labels, _OPEN)
        if not vowels.any():
            continue
        scales = [float(np.percentile(gap[vowels], 75)) for gap in gaps]
        shut = [gap <= CLOSED * max(scale, 1e-4) for gap, scale in zip(gaps, scales, strict=True)]
        tucked = [x[:, _TUCK] > _TUCKED for x in (given, truth)]
        for name, found, sounds in (("closed", shut, _BILABIAL), ("tucked", tucked, _LABIODENTAL)):
            for first, last in _runs(np.isin(labels, sounds)):
                near = slice(max(first - _LEAD, 0), last + 1)
                hits[name].append(_seen(found[0][near]))
                hits[f"{name}_true"].append(_seen(found[1][near]))
        apart = gaps[1] > _PARTED * scales[1]
        for first, last in _runs(shut[0]):
            if last - first >= _SEEN:
                wrong = bool(apart[first:last].all()) and not np.isin(labels[first : last + _LEAD], _BILABIAL).any()
                false_closed += wrong
                right += not wrong
        for first, last in _runs(tucked[0]):
            if last - first >= _SEEN:
                around = labels[max(first - 2, 0) : last + _LEAD]
                wrong = not np.isin(around, _LABIODENTAL).any()
                false_tucked += wrong
                right_tucked += not wrong
        moved.append(gaps[0] / max(scales[1], 1e-4))
        wanted.append(gaps[1] / max(scales[1], 1e-4))
        frames += len(labels)
    minutes = frames / OUTPUT_RATE_HZ / 60.0
    tucked_precision = right_tucked / max(right_tucked + false_tucked, 1)
    tucked_recall = float(np.mean(hits["tucked"])) if hits["tucked"] else 0.0
    lag, r = _best_lag(moved, wanted)
    return {
        **{name: round(float(np.mean(found)), 3) for name, found in hits.items() if found},
        "sounds": len(hits["closed"]),
        "precision": round(right / max(right + false_closed, 1), 3),
        "tucked_f1": round(2 * tucked_precision * tucked_recall / max(tucked_precision + tucked_recall, 1e-9), 3),
        "false_closed": round(false_closed / minutes, 1),
        "false_tucked": round(false_tucked / minutes, 1),
        "opening_r": round(float(np.corrcoef(np.concatenate(moved), np.concatenate(wanted))[0, 1]), 3),
        "best_r": round(r, 3),
        "lag_ms": lag * 1000.0 / OUTPUT_RATE_HZ,
        "mean_opening": round(float(np.mean(np.concatenate(moved)) / np.mean(np.concatenate(wanted))), 3),
    }


def drive(encoder: Encoder, clips: Sequence[Clip]) -> list[NDArray[np.float32]]:
    """(T, 10) articulators that the encoder recognises in each clip."""
    return [encoder.mouth(*encoder.run(clip.mel.astype(np.float32))) for clip in clips]


def _runs(mask: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """(first, end) of every stretch of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def _seen(mask: NDArray[np.bool_]) -> bool:
    return any(last - first >= _SEEN for first, last in _runs(mask))


def _best_lag(driven: Sequence[F64], wanted: Sequence[F64], reach: int = 10) -> tuple[int, float]:
    """Frames by which the driven curves are late and the correlation there."""
    best = (0, -1.0)
    for lag in range(-reach, reach + 1):
        pairs = [
            (d[max(lag, 0) : len(d) + min(lag, 0)], w[max(-lag, 0) : len(w) + min(-lag, 0)])
            for d, w in zip(driven, wanted, strict=True)
        ]
        r = float(np.corrcoef(np.concatenate([d for d, _ in pairs]), np.concatenate([w for _, w in pairs]))[0, 1])
        if r > best[1]:
            best = (lag, r)
    return best


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m studio.engine.speech.measure", description=__doc__)
    parser.add_argument("encoder", type=Path, nargs="?", default=DEFAULT_WEIGHTS)
    parser.add_argument("--noisy", action="store_true", help="as recordings sound, instead of undisturbed")
    options = parser.parse_args(arguments)
    encoder = load_encoder(options.encoder)
    figures = {}
    for voice, said in speak_held_out((*HELD_OUT_VOICES, *HEARD_VOICES)).items():
        clips = make_clips({voice: said}, len(said), NOISE_SEED, clean=not options.noisy)
        figures[voice.name] = contact_figures(drive(encoder, clips), clips)
    print(json.dumps(figures, indent=1))  # noqa: T201 (a command's output)


if __name__ == "__main__":
    main()
