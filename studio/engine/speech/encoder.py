"""The speech encoder: mel energies to articulators and phonemes, by a small dilated convolution net of our own.

It was trained only on synthesised speech in many voices and languages with strong augmentation (`train_encoder`);
the weights and what was measured on held-out voices ship in `assets/speech/encoder.safetensors`.
"""

from __future__ import annotations

import functools
import hashlib
import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from studio.engine.speech.articulators import ARTICULATORS, N_ARTICULATORS
from studio.engine.speech.audio import Audio
from studio.engine.speech.mel import N_BANDS, SAMPLE_RATE_HZ, SILENT_LEVEL, loudness, mel_energies, normalise
from studio.engine.speech.phonemes import N_PHONEMES, PHONEMES, SILENCE, Phoneme
from studio.errors import StudioError

log = logging.getLogger(__name__)

OUTPUT_RATE_HZ = 50.0
N_INPUTS = N_BANDS + 1
DILATIONS = (1, 2, 4, 8, 1, 2, 4)
"""Receptive field ±0.46 s: 22 output frames of 20 ms to either side, and the first layer's window."""
WIDTH = 96

_CHUNK = 6000
"""Mel frames per forward pass: one minute, so that two hours need no more memory than one minute."""
_OVERLAP = 100
"""Mel frames of context to either side of a chunk; more than the receptive field."""

_SWITCH = 5.0
"""Natural-log cost of changing the phoneme between two frames; keeps segments from flickering."""

DEFAULT_WEIGHTS = Path(__file__).resolve().parents[3] / "assets" / "speech" / "encoder.safetensors"


class _ChannelNorm(nn.Module):
    """Root-mean-square normalisation over channels, frame by frame: independent of where a chunk begins."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(channels, 1))

    def forward(self, x: Tensor) -> Tensor:  # (B, C, T)
        return x * torch.rsqrt(x.square().mean(dim=1, keepdim=True) + 1e-5) * self.gain


class _Block(nn.Module):
    """Residual dilated convolution."""

    def __init__(self, channels: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.norm = _ChannelNorm(channels)
        self.wide = nn.Conv1d(channels, channels, 3, padding=dilation, dilation=dilation)
        self.mix = nn.Conv1d(channels, channels, 1)
        self.dropout = nn.Dropout(dropout)
        nn.init.zeros_(self.mix.weight)
        nn.init.zeros_(self.mix.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:  # (B, C, T)
        y: Tensor = self.mix(self.dropout(nn.functional.gelu(self.wide(self.norm(x)))))
        return x + y


class EncoderNet(nn.Module):
    """Mel (B, 41, T) at 100 Hz → logits of articulators (B, 10, ceil(T/2)) and phonemes (B, 40, ceil(T/2))."""

    def __init__(self, width: int = WIDTH, dropout: float = 0.1) -> None:
        super().__init__()
        self.enter = nn.Conv1d(N_INPUTS, width, 5, stride=2, padding=2)
        self.blocks = nn.Sequential(*(_Block(width, dilation, dropout) for dilation in DILATIONS))
        self.norm = _ChannelNorm(width)
        self.articulators = nn.Conv1d(width, N_ARTICULATORS, 1)
        self.phonemes = nn.Conv1d(width, N_PHONEMES, 1)

    def forward(self, mel: Tensor) -> tuple[Tensor, Tensor]:
        """Raw outputs; a sigmoid makes articulators, a softmax phoneme probabilities."""
        x = self.norm(self.blocks(self.enter(mel)))
        return self.articulators(x), self.phonemes(x)


@dataclass(frozen=True)
class Encoder:
    """A trained net with the calibration of its outputs."""

    net: EncoderNet
    knots: NDArray[np.float32]  # (10, K) raw outputs …
    levels: NDArray[np.float32]  # (10, K) … and the articulation each stands for
    info: dict[str, Any]  # name, version, training command, held-out figures

    def encode(self, audio: Audio) -> tuple[NDArray[np.float32], tuple[Phoneme, ...]]:
        """Articulators at 50 Hz and phoneme segments.

        Args:
            audio: Any sound.

        Returns:
            (ceil(duration·50), 10) in [0, 1] and the segments without silences, in time order.
        """
        samples = audio.mono(SAMPLE_RATE_HZ)
        n_out = int(np.ceil(audio.duration_s * OUTPUT_RATE_HZ))
        level = loudness(samples)
        if len(samples) == 0 or float(level.max(initial=0.0)) < SILENT_LEVEL:
            return np.zeros((n_out, N_ARTICULATORS), np.float32), ()
        raw, log_probability = self.run(normalise(mel_energies(samples)))
        values = self.calibrate(raw)
        values *= _audible(level)[: len(values), None]
        segments = decode_phonemes(log_probability, audio.duration_s)
        return _fit(values, n_out), segments

    def run(self, mel: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Uncalibrated articulators (T/2, 10) and log phoneme probabilities (T/2, 40) of normalised mel (T, 41)."""
        values, probabilities = [], []
        with torch.inference_mode():
            for first in range(0, len(mel), _CHUNK):
                low, high = max(first - _OVERLAP, 0), min(first + _CHUNK + _OVERLAP, len(mel))
                a, p = self.net(torch.from_numpy(mel[low:high].T.copy())[None])
                keep = slice((first - low) // 2, (first - low) // 2 + (min(_CHUNK, len(mel) - first) + 1) // 2)
                values.append(torch.sigmoid(a[0].T[keep]).numpy())
                probabilities.append(torch.log_softmax(p[0].T[keep], dim=1).numpy())
        return np.concatenate(values), np.concatenate(probabilities)

    def calibrate(self, raw: NDArray[np.float32]) -> NDArray[np.float32]:
        """(T, 10) raw outputs stretched to natural amplitude, channel by channel.

        A net that is unsure answers with something near the mean, and a mouth driven by means mumbles. The map takes
        the distribution of outputs on held-out speech to the distribution of true articulation.
        """
        out = np.empty_like(raw)
        for channel in range(raw.shape[1]):
            out[:, channel] = np.interp(raw[:, channel], self.knots[channel], self.levels[channel])
        return out


def _audible(level: NDArray[np.float32]) -> NDArray[np.float32]:
    """(T/2,) 0 where the sound is digitally silent for 150 ms around, so that dead pauses are surely at rest."""
    heard = level > SILENT_LEVEL * 0.3
    near = np.convolve(heard, np.ones(31), mode="same") > 0.5
    soft = np.convolve(near, np.ones(9) / 9, mode="same")
    return soft[::2].astype(np.float32)


def _fit(values: NDArray[np.float32], n: int) -> NDArray[np.float32]:
    if len(values) >= n:
        return np.ascontiguousarray(values[:n])
    return np.concatenate([values, np.repeat(values[-1:], n - len(values), axis=0)])


def decode_phonemes(log_probability: NDArray[np.float32], duration_s: float) -> tuple[Phoneme, ...]:
    """The best sequence of phonemes under a constant cost per change (Viterbi), silences left out.

    Args:
        log_probability: (T, 40) at 50 Hz.
        duration_s: Segments end here at the latest.
    """
    n = len(log_probability)
    if n == 0:
        return ()
    came_from = np.empty((n, N_PHONEMES), np.int16)
    own = np.arange(N_PHONEMES, dtype=np.int16)
    score = log_probability[0].astype(np.float64)
    for i in range(1, n):
        best = int(np.argmax(score))
        switch = score[best] - _SWITCH
        stay = score >= switch
        came_from[i] = np.where(stay, own, best)
        score = np.where(stay, score, switch) + log_probability[i]
    path = np.empty(n, np.int64)
    path[-1] = int(np.argmax(score))
    for i in range(n - 1, 0, -1):
        path[i - 1] = came_from[i, path[i]]
    edges = np.flatnonzero(np.diff(path)) + 1
    starts, ends = np.concatenate([[0], edges]), np.concatenate([edges, [n]])
    half = 0.5 / OUTPUT_RATE_HZ
    out = []
    for a, b in zip(starts, ends, strict=True):
        label = PHONEMES[path[a]]
        start_s = max(a / OUTPUT_RATE_HZ - half, 0.0)
        end_s = min(b / OUTPUT_RATE_HZ - half, duration_s)
        if label != SILENCE and end_s > start_s:
            out.append(Phoneme(label, start_s, end_s))
    return tuple(out)


def load_encoder(path: Path) -> Encoder:
    """Reads an encoder.

    Raises:
        StudioError: The file is missing, damaged or of another shape.
    """
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (safe_open is not a mapping)
            info = json.loads((file.metadata() or {})["encoder"])
        knots, levels = tensors.pop("calibration.knots").numpy(), tensors.pop("calibration.levels").numpy()
        net = EncoderNet(int(info["width"]))
        net.load_state_dict({key: value.float() for key, value in tensors.items()})
    except FileNotFoundError as error:
        raise StudioError(f"The speech encoder {path} is missing; install the studio again.") from error
    except (OSError, SafetensorError, KeyError, ValueError, TypeError, RuntimeError) as error:
        raise StudioError(f"The speech encoder {path} is damaged; install the studio again.") from error
    if tuple(info["articulators"]) != ARTICULATORS:
        raise StudioError(f"The speech encoder {path} belongs to another version; install the studio again.")
    return Encoder(net.eval(), knots.astype(np.float32), levels.astype(np.float32), info)


@functools.cache
def default_encoder() -> Encoder:
    """The shipped encoder, loaded once."""
    return load_encoder(DEFAULT_WEIGHTS)


@functools.cache
def weights_digest() -> str:
    """Identifies the shipped weights, so that cached features of other weights are not taken for theirs."""
    try:
        return hashlib.sha256(DEFAULT_WEIGHTS.read_bytes()).hexdigest()[:16]
    except OSError as error:
        raise StudioError(f"The speech encoder {DEFAULT_WEIGHTS} is missing; install the studio again.") from error
