"""Trains the speech encoder from nothing but free synthesisers, on a CPU, in minutes.

    python -m studio.engine.speech.train_encoder assets/speech/encoder.safetensors --minutes 75

The same arguments give the same corpus and the same random choices. Weights and a checkpoint beside them are written as
training goes on; the same command started again continues from there and ends with the same encoder.
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
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor, nn

from studio.engine.speech.articulators import ARTICULATORS
from studio.engine.speech.corpus import HELD_OUT_VOICE, Clip, make_clips, speak_held_out, synthesise
from studio.engine.speech.encoder import N_INPUTS, WIDTH, Encoder, EncoderNet, load_encoder
from studio.engine.speech.mel import N_BANDS
from studio.engine.speech.phonemes import PHONEMES

log = logging.getLogger(__name__)

_CROP = 320
"""Mel frames per training crop: 3.2 s."""
_BATCH = 12
_PEAK_RATE = 3e-3
_KNOTS = 33
_SAVE_EVERY = 500
_PHONEME_WEIGHT = 0.5
_CHANNEL_WEIGHTS = (3.0, 2.0, 4.0, 2.0, 2.0, 2.0, 3.0, 1.0, 1.0, 1.0)
"""What is seen most counts most: jaw and closed lips first, tongue last."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m studio.engine.speech.train_encoder", description=__doc__)
    parser.add_argument("out", type=Path, help="the .safetensors file to write")
    parser.add_argument("--minutes", type=float, default=75.0, help="clean speech to synthesise")
    parser.add_argument("--clips", type=int, default=1600, help="augmented clips made of it")
    parser.add_argument("--steps", type=int, default=8000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(message)s")
    torch.set_num_threads(options.threads)
    speech = synthesise(options.minutes, options.seed, workers=options.threads)
    spoken = sum(u.duration_s for said in speech.values() for u in said) / 60.0
    log.info("%.1f minutes by %d voices", spoken, len(speech))
    clips = make_clips(speech, options.clips, options.seed)
    log.info("%d clips, %.1f hours", len(clips), sum(len(c.mel) for c in clips) / 360_000)
    held = {said[0].voice: said for said in [speak_held_out()]}
    info = {
        "name": "emozone-articulators",
        "version": 1,
        "width": WIDTH,
        "articulators": ARTICULATORS,
        "phonemes": PHONEMES,
        "command": "python -m studio.engine.speech.train_encoder " + shlex.join(_relative(arguments or sys.argv[1:])),
        "minutes": round(spoken, 1),
        "voices": len(speech),
    }
    fit(clips, held_clean=make_clips(held, 99, 0, clean=True), held_noisy=make_clips(held, 24, 5), info=info,
        out=options.out, steps=options.steps, seed=options.seed)  # fmt: skip


def _relative(arguments: Sequence[str]) -> list[str]:
    return [Path(a).name if os.sep in a else a for a in arguments]


def fit(
    clips: Sequence[Clip],
    *,
    held_clean: Sequence[Clip],
    held_noisy: Sequence[Clip],
    info: dict[str, object],
    out: Path,
    steps: int,
    seed: int,
) -> Encoder:
    """Trains, calibrates, measures and writes an encoder.

    Args:
        clips: To train on.
        held_clean: Undisturbed clips of a voice that is not among `clips`, for the figures and the calibration.
        held_noisy: The same voice as recordings sound, likewise.
        info: Metadata to write with the weights; figures are added.
        out: File to write.
        steps: Of AdamW under a one-cycle rate.
        seed: Of weights and crops.

    Returns:
        The encoder that was written. A checkpoint `out`.checkpoint, left by an interrupted call with the same steps
        and seed, is continued from and removed at the end.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng([seed, 13])
    net = EncoderNet()
    optimiser = torch.optim.AdamW(net.parameters(), lr=_PEAK_RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, _PEAK_RATE, total_steps=steps, pct_start=0.15)
    weights = np.array([len(c.mel) for c in clips], np.float64)
    began, running = time.monotonic(), 0.0
    checkpoint = out.with_name(out.name + ".checkpoint")
    done = _resume(checkpoint, net, optimiser, schedule, rng, (steps, seed))
    encoder: Encoder | None = None
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
        if step % _SAVE_EVERY == 0 or step == steps:
            net.eval()
            encoder = calibrated(net, [*held_clean, *held_noisy], info)
            encoder.info["figures"] = {
                "voice": HELD_OUT_VOICE,
                "clean": measure(encoder, held_clean),
                "noisy": measure(encoder, held_noisy),
            }
            log.info("held out: %s", json.dumps(encoder.info["figures"]))
            save(encoder, out)
            net.train()
            state = {"net": net.state_dict(), "optimiser": optimiser.state_dict(), "schedule": schedule.state_dict()}
            random = {"torch": torch.get_rng_state(), "numpy": json.dumps(rng.bit_generator.state)}
            torch.save(state | random | {"step": step, "settings": (steps, seed)}, f"{checkpoint}.part")
            os.replace(f"{checkpoint}.part", checkpoint)
    checkpoint.unlink(missing_ok=True)
    net.eval()
    return encoder or load_encoder(out)


def _resume(
    checkpoint: Path,
    net: EncoderNet,
    optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    rng: np.random.Generator,
    settings: tuple[int, int],
) -> int:
    """Restores everything from a checkpoint with the same settings; returns the steps done, 0 without one."""
    if not checkpoint.exists():
        return 0
    saved = torch.load(checkpoint, weights_only=True)
    if tuple(saved["settings"]) != settings:
        log.info("%s belongs to another training and is left aside", checkpoint)
        return 0
    net.load_state_dict(saved["net"])
    optimiser.load_state_dict(saved["optimiser"])
    schedule.load_state_dict(saved["schedule"])
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
        mels[row, :, :N_BANDS] = _between(np.ascontiguousarray(mels[row, :, :N_BANDS].T), bands).T
        for _ in range(2):
            band, moment = int(rng.integers(N_BANDS - 4)), int(rng.integers(_CROP - 8))
            mels[row, :, band : band + int(rng.integers(1, 6))] = -1.0
            mels[row, moment : moment + int(rng.integers(1, 8)), :N_BANDS] = -1.0
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
    return position + 4.0 * velocity + _PHONEME_WEIGHT * nn.functional.cross_entropy(logits, phonemes)


def calibrated(net: EncoderNet, clips: Sequence[Clip], info: dict[str, object]) -> Encoder:
    """The net with the map from the distribution of its outputs to that of the truth, per channel (quantiles)."""
    identity = np.tile(np.linspace(0.0, 1.0, _KNOTS, dtype=np.float32), (len(ARTICULATORS), 1))
    plain = Encoder(net, identity, identity, dict(info))
    raw, true = _outputs(plain, clips)
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


def _outputs(encoder: Encoder, clips: Sequence[Clip]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    raw = [encoder.calibrate(encoder.run(c.mel.astype(np.float32))[0]) for c in clips]
    return np.concatenate(raw), np.concatenate([c.articulators.astype(np.float32) for c in clips])


def measure(encoder: Encoder, clips: Sequence[Clip]) -> dict[str, object]:
    """Correlation and amplitude ratio per articulator and the share of frames with the right phoneme."""
    raw, true = _outputs(encoder, clips)
    r = {n: round(float(np.corrcoef(raw[:, i], true[:, i])[0, 1]), 3) for i, n in enumerate(ARTICULATORS)}
    amplitude = {n: round(float(raw[:, i].std() / (true[:, i].std() + 1e-6)), 2) for i, n in enumerate(ARTICULATORS)}
    right = [encoder.run(c.mel.astype(np.float32))[1].argmax(axis=1) == c.phonemes for c in clips]
    return {"r": r, "amplitude": amplitude, "phoneme_accuracy": round(float(np.concatenate(right).mean()), 3)}


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
