"""Trains the speech encoder from nothing but free synthesisers, on a CPU, in minutes.

    python -m studio.engine.speech.train_encoder assets/speech/encoder.safetensors --minutes 75

The same arguments give the same corpus and the same random choices. A checkpoint is written as training goes on; the
same command started again continues from there and ends with the same encoder.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import shlex
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor, nn

from studio.engine.performer.voices import Utterance, Voice
from studio.engine.speech.articulators import ARTICULATORS
from studio.engine.speech.corpus import (
    HELD_OUT_VOICES,
    TUNING_VOICES,
    Clip,
    make_clips,
    speak_held_out,
    synthesise,
)
from studio.engine.speech.encoder import Encoder, EncoderNet, load_encoder
from studio.engine.speech.measure import NOISE_SEED, contact_figures, drive
from studio.engine.speech.mel import N_BANDS, N_INPUTS
from studio.engine.speech.phonemes import PHONEMES

log = logging.getLogger(__name__)

_CROP = 320
"""Mel frames per training crop: 3.2 s."""
_BATCH = 12
_PEAK_RATE = 3e-3
_PEAK_RATE_AGAIN = 1.5e-3
"""Of a training that continues finished weights."""
_BAND_GROUPS = (0, N_BANDS + 1, 2 * N_BANDS + 1)
"""First columns of the three spectra in what is heard; the level follows the first."""
_KNOTS = 33
_SAVE_EVERY = 200
_PHONEME_WEIGHT = 0.7
_THRESHOLDS = (0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.1, 0.12, 0.14, 0.16, 0.18, 0.2, 0.25, 0.3, 0.4, 0.5, 1.0)
_CLOSED = 0.9
"""Share of p, b and m whose closure is wanted …"""
_COST = 0.03
"""… and what it may cost of the opening's correlation: a missed one is seen more than a brief one that is wrong."""
_TUCK_COST = 0.02
_GAINS = (1.0, 1.05, 1.1, 1.15, 1.2, 1.25, 1.3)
"""By which jaw and lips may open further to make up for closures."""
_LABEL_WEIGHTS = tuple(2.0 if label in {"P", "B", "M", "F", "V"} else 1.0 for label in PHONEMES)
"""A sound that the lips make is seen when it is missed."""
_CHANNEL_WEIGHTS = (3.0, 2.0, 4.0, 2.0, 2.0, 2.0, 3.0, 1.0, 1.0, 1.0)
"""What is seen most counts most: jaw and closed lips first, tongue last."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m studio.engine.speech.train_encoder", description=__doc__)
    parser.add_argument("out", type=Path, help="the .safetensors file to write")
    parser.add_argument("--minutes", type=float, default=75.0, help="clean speech to synthesise")
    parser.add_argument("--clips", type=int, default=1600, help="augmented clips made of it")
    parser.add_argument("--steps", type=int, default=8000, help="0 only calibrates and measures what --start names")
    parser.add_argument("--hidden", type=int, help="channels inside a block, at least those of --start")
    parser.add_argument("--fine", action="store_true", help="hear short windows, too")
    parser.add_argument("--start", type=Path, help="an encoder to continue from")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(message)s")
    torch.set_num_threads(options.threads)
    start = None if options.start is None else load_encoder(options.start)
    if options.steps == 0 and start is None:
        parser.error("--steps 0 needs --start")
    speech = synthesise(options.minutes, options.seed, workers=options.threads) if options.steps else {}
    spoken = sum(u.duration_s for said in speech.values() for u in said) / 60.0
    log.info("%.1f minutes by %d voices", spoken, len(speech))
    clips = make_clips(speech, options.clips, options.seed) if speech else []
    log.info("%d clips, %.1f hours", len(clips), sum(len(c.mel) for c in clips) / 360_000)
    info = {
        "name": "emozone-articulators",
        "version": 2,
        "articulators": ARTICULATORS,
        "phonemes": PHONEMES,
        "command": "python -m studio.engine.speech.train_encoder " + shlex.join(_relative(arguments or sys.argv[1:])),
        "minutes": round(spoken, 1),
        "voices": len(speech),
    }
    tuning = speak_held_out(TUNING_VOICES)
    held = [Held(voice.name, *_clips_of({voice: said})) for voice, said in speak_held_out(HELD_OUT_VOICES).items()]
    if start is not None:
        info["started_from"] = start.info["command"]
    if start is not None and not options.steps:
        info |= {"minutes": start.info["minutes"], "voices": start.info["voices"]}
    fit(clips, tuning=[c for part in _clips_of(tuning) for c in part], held=held, info=info, out=options.out,
        steps=options.steps, seed=options.seed, start=start,
        shape=_shape(options, start))  # fmt: skip


def _shape(options: argparse.Namespace, start: Encoder | None) -> dict[str, Any]:
    shape: dict[str, Any] = {} if start is None else start.net.shape
    if options.hidden is not None:
        shape["hidden"] = options.hidden
    if options.fine:
        shape["fine"] = True
    return shape


@dataclass(frozen=True)
class Held:
    """Clips of a voice that is not trained on."""

    voice: str
    clean: Sequence[Clip]  # undisturbed
    noisy: Sequence[Clip]  # as recordings sound


def _clips_of(speech: dict[Voice, list[Utterance]]) -> tuple[list[Clip], list[Clip]]:
    """Each sentence once as it is, and as many clips as recordings sound, of one to four sentences each."""
    n = sum(map(len, speech.values()))
    return make_clips(speech, n, NOISE_SEED, clean=True), make_clips(speech, n, NOISE_SEED)


def _relative(arguments: Sequence[str]) -> list[str]:
    return [Path(a).name if os.sep in a else a for a in arguments]


def fit(
    clips: Sequence[Clip],
    *,
    tuning: Sequence[Clip],
    held: Sequence[Held],
    info: dict[str, object],
    out: Path,
    steps: int,
    seed: int,
    start: Encoder | None = None,
    shape: dict[str, Any] | None = None,
) -> Encoder:
    """Trains, calibrates, measures and writes an encoder.

    Args:
        clips: To train on.
        tuning: Clips of voices that are not among `clips`, for the calibration.
        held: Voices that are in neither, for the figures.
        info: Metadata to write with the weights; figures are added.
        out: File to write.
        steps: Of AdamW under a one-cycle rate.
        seed: Of weights and crops.
        start: Weights to continue from, more gently and without dropout; new ones without it.
        shape: Of the net, as `EncoderNet.shape`; at least that of `start`.

    Returns:
        The encoder that was written. A checkpoint `out`.checkpoint, left by an interrupted call with the same steps
        and seed, is continued from and removed at the end.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng([seed, 13])
    net = EncoderNet(**(shape or {}), dropout=0.0 if start else 0.1)
    if start is not None:
        net.grow_from(start.net)
    rate = _PEAK_RATE_AGAIN if start else _PEAK_RATE
    optimiser = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=max(steps, 1), pct_start=0.15)
    parts: dict[str, Any] = {"net": net, "optimiser": optimiser, "schedule": schedule}
    weights = np.array([len(c.mel) for c in clips], np.float64)
    began, running = time.monotonic(), 0.0
    checkpoint = out.with_name(out.name + ".checkpoint")
    done = _resume(checkpoint, parts, rng, (steps, seed))
    for step in range(done + 1, steps + 1):
        chosen = rng.choice(len(clips), _BATCH, p=weights / weights.sum())
        mel, target, phonemes = _batch([clips[i] for i in chosen], rng)
        loss = _loss(net, mel, target, phonemes)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        running += (loss.item() - running) / min(step, 50)
        if step % 50 == 0:
            log.info("step %d loss %.4f, %.0f s", step, running, time.monotonic() - began)
        if step % _SAVE_EVERY == 0:
            state: dict[str, Any] = {name: part.state_dict() for name, part in parts.items()}
            random = {"torch": torch.get_rng_state(), "numpy": json.dumps(rng.bit_generator.state)}
            torch.save(state | random | {"step": step, "settings": (steps, seed)}, f"{checkpoint}.part")
            os.replace(f"{checkpoint}.part", checkpoint)
    encoder = finished(net, tuning, held, info)
    save(encoder, out)
    checkpoint.unlink(missing_ok=True)
    return encoder


def _resume(checkpoint: Path, parts: dict[str, Any], rng: np.random.Generator, settings: tuple[int, int]) -> int:
    """Restores everything from a checkpoint with the same settings; returns the steps done, 0 without one."""
    if not checkpoint.exists():
        return 0
    saved = torch.load(checkpoint, weights_only=True)
    if tuple(saved["settings"]) != settings:
        log.info("%s belongs to another training and is left aside", checkpoint)
        return 0
    for name, part in parts.items():
        part.load_state_dict(saved[name])
    rng.bit_generator.state = json.loads(saved["numpy"])
    torch.set_rng_state(saved["torch"])
    log.info("continued after step %d", saved["step"])
    return int(saved["step"])


def _batch(clips: Sequence[Clip], rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Random crops at a random tempo, spoken through vocal tracts of random length, with holes in time and pitch."""
    n_out = _CROP // 2
    mels = np.full((len(clips), _CROP, N_INPUTS), -1.0, np.float32)
    targets = np.zeros((len(clips), n_out, clips[0].articulators.shape[1]), np.float32)
    labels = np.zeros((len(clips), n_out), np.int64)
    for row, clip in enumerate(clips):
        tempo = float(np.exp(rng.uniform(-0.2, 0.2)))
        first = float(rng.integers(max(len(clip.mel) - int(_CROP * tempo), 0) // 2 + 1)) * 2.0
        at = np.asarray(first + tempo * np.arange(_CROP), np.float64)
        at = at[at <= len(clip.mel) - 1]
        mels[row, : len(at)] = _between(clip.mel, at)
        half = at[: len(at) // 2 * 2 : 2] / 2
        half = half[half <= len(clip.phonemes) - 1]
        targets[row, : len(half)] = _between(clip.articulators, half)
        labels[row, : len(half)] = clip.phonemes[np.round(half).astype(np.int64)]
        bands = np.asarray(np.arange(N_BANDS) * np.exp(rng.uniform(-0.1, 0.1)))
        for low in _BAND_GROUPS:
            group = mels[row, :, low : low + N_BANDS]
            group[:] = _between(np.ascontiguousarray(group.T), bands).T
        for _ in range(2):
            band, moment = int(rng.integers(N_BANDS - 4)), int(rng.integers(_CROP - 8))
            high, end = band + int(rng.integers(1, 6)), moment + int(rng.integers(1, 4))
            for low in _BAND_GROUPS:
                mels[row, :, low + band : low + high] = -1.0
                mels[row, moment:end, low : low + N_BANDS] = -1.0
    mels += rng.standard_normal(mels.shape, np.float32) * 0.08
    return torch.from_numpy(mels).transpose(1, 2), torch.from_numpy(targets), torch.from_numpy(labels)


def _between(rows: NDArray[Any], at: NDArray[np.float64]) -> NDArray[np.float32]:
    """(len(at), columns) rows at fractional positions, linear."""
    at = np.minimum(at, len(rows) - 1.0)
    low = at.astype(np.int64)
    high = np.minimum(low + 1, len(rows) - 1)
    part = (at - low).astype(np.float32)[:, None]
    return np.asarray(rows[low].astype(np.float32) * (1 - part) + rows[high].astype(np.float32) * part)


def _loss(net: EncoderNet, mel: Tensor, target: Tensor, phonemes: Tensor) -> Tensor:
    """Cross entropy of articulators and phonemes, and squared error of the articulators' velocity.

    Cross entropy rather than absolute error: contacts are rare, and the median of something rare is nothing.
    """
    articulators, logits = net(mel)
    scale = torch.tensor(_CHANNEL_WEIGHTS)
    raw = articulators.transpose(1, 2)
    position = (nn.functional.binary_cross_entropy_with_logits(raw, target, reduction="none") * scale).mean()
    value = torch.sigmoid(raw)
    swing = (value - target).diff(dim=1)
    velocity = (swing.square() * scale).mean()
    named = nn.functional.cross_entropy(logits, phonemes, torch.tensor(_LABEL_WEIGHTS))
    return position + 4.0 * velocity + _PHONEME_WEIGHT * named


def finished(net: EncoderNet, tuning: Sequence[Clip], held: Sequence[Held], info: dict[str, object]) -> Encoder:
    """The net as it ships: weights in half precision, calibrated, with thresholds of its contacts and its figures."""
    shipped = EncoderNet(**net.shape)
    shipped.load_state_dict({key: value.half().float() for key, value in net.state_dict().items()})
    encoder = calibrated(shipped.eval(), tuning, info | net.shape)
    encoder.info["thresholds"] = _thresholds(encoder, tuning)
    encoder = opened(encoder, tuning)
    encoder.info["figures"] = {
        h.voice: {"clean": measure(encoder, h.clean), "noisy": measure(encoder, h.noisy)} for h in held
    }
    log.info("%s, held out: %s", encoder.info["thresholds"], json.dumps(encoder.info["figures"]))
    return encoder


def _thresholds(encoder: Encoder, clips: Sequence[Clip]) -> dict[str, float]:
    """The highest threshold that closes `_CLOSED` of the sounds, or the lowest that does not cost too much; the tuck's.

    Lips that close for nothing are seen as well: the opening's correlation with the truth may fall by `_COST` below
    the best. The tuck of the lower lip shows less of a mouth; it takes what finds most and invents least (F1, and the
    lowest threshold among those that are nearly as good).
    """
    heard = [encoder.run(clip.mel.astype(np.float32)) for clip in clips]

    def figures(closed: float, tucked: float) -> dict[str, float]:
        encoder.info["thresholds"] = {"lips_close": closed, "lip_tuck": tucked}
        found = contact_figures([encoder.mouth(*h) for h in heard], clips)
        log.info("thresholds %.2f and %.2f: %s", closed, tucked, found)
        return found

    found = {t: figures(t, 1.0) for t in _THRESHOLDS}
    least = max(f["opening_r"] for f in found.values()) - _COST
    able = [t for t, f in found.items() if f["opening_r"] >= least]
    closed = max((t for t in able if found[t]["closed"] >= _CLOSED), default=min(able))
    finds = {t: figures(closed, t)["tucked_f1"] for t in _THRESHOLDS}
    tucked = min(t for t, f1 in finds.items() if f1 >= max(finds.values()) - _TUCK_COST)
    return {"lips_close": closed, "lip_tuck": tucked}


def opened(encoder: Encoder, clips: Sequence[Clip]) -> Encoder:
    """The encoder with jaw and lips opening so much further that the mouth is as open on average as the true one.

    Closures for nothing, and long ones, take from the opening what the rest of the speech has to give back.
    """
    heard = [encoder.run(clip.mel.astype(np.float32)) for clip in clips]
    channels = [ARTICULATORS.index(name) for name in ("jaw_open", "lips_part")]

    def wider(gain: float) -> Encoder:
        levels = encoder.levels.copy()
        levels[channels] = np.minimum(gain * levels[channels], 1.0)
        return replace(encoder, levels=levels)

    def off(gain: float) -> float:
        wide = wider(gain)
        return abs(contact_figures([wide.mouth(*h) for h in heard], clips)["mean_opening"] - 1.0)

    best = min(_GAINS, key=off)
    log.info("jaw and lips open %.2f times as far", best)
    return wider(best)


def calibrated(net: EncoderNet, clips: Sequence[Clip], info: dict[str, object]) -> Encoder:
    """The net with the map from the distribution of its outputs to that of the truth, per channel (quantiles)."""
    identity = np.tile(np.linspace(0.0, 1.0, _KNOTS, dtype=np.float32), (len(ARTICULATORS), 1))
    plain = Encoder(net, identity, identity, dict(info))
    raw = np.concatenate([plain.run(c.mel.astype(np.float32))[0] for c in clips])
    true = np.concatenate([c.articulators.astype(np.float32) for c in clips])
    probabilities = np.linspace(0.0, 1.0, 401)
    knots, levels = np.empty_like(identity), np.empty_like(identity)
    for channel in range(len(ARTICULATORS)):
        x = np.quantile(raw[:, channel].astype(np.float64), probabilities)
        y = np.quantile(true[:, channel].astype(np.float64), probabilities)
        grid = np.linspace(0.0, 1.0, _KNOTS)
        mapped = np.interp(grid, *_strictly(x, y))
        knots[channel], levels[channel] = grid, np.maximum.accumulate(mapped)
    return Encoder(net, knots, levels, dict(info))


def _strictly(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Quantile pairs with equal x merged to their mean y, from (0, 0) to (1, y max)."""
    merged, where = np.unique(np.round(x, 4), return_inverse=True)
    mean = np.bincount(where, y) / np.bincount(where)
    return np.concatenate([[-1e-3], merged, [1.001]]), np.concatenate([[0.0], mean, [mean[-1]]])


def measure(encoder: Encoder, clips: Sequence[Clip]) -> dict[str, object]:
    """Correlation and amplitude ratio per articulator, the share of frames with the right phoneme, and the mouth."""
    driven = drive(encoder, clips)
    raw, true = np.concatenate(driven), np.concatenate([c.articulators.astype(np.float32) for c in clips])
    moving = [(i, n) for i, n in enumerate(ARTICULATORS) if true[:, i].std() > 1e-3]  # no language has every sound
    r = {n: round(float(np.corrcoef(raw[:, i], true[:, i])[0, 1]), 3) for i, n in moving}
    amplitude = {n: round(float(raw[:, i].std() / true[:, i].std()), 2) for i, n in moving}
    right = [encoder.run(c.mel.astype(np.float32))[1].argmax(axis=1) == c.phonemes for c in clips]
    return {
        "r": r,
        "amplitude": amplitude,
        "phoneme_accuracy": round(float(np.concatenate(right).mean()), 3),
        "mouth": contact_figures(driven, clips),
    }


def save(encoder: Encoder, out: Path) -> None:
    """Writes weights (half precision), calibration and metadata, whole or not at all."""
    tensors = {key: value.half().contiguous() for key, value in encoder.net.state_dict().items()}
    tensors["calibration.knots"] = torch.from_numpy(encoder.knots)
    tensors["calibration.levels"] = torch.from_numpy(encoder.levels)
    part = out.with_name(out.name + ".part")
    out.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, part, metadata={"encoder": json.dumps(encoder.info)})
    os.replace(part, out)


if __name__ == "__main__":
    main()
