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
from scipy.ndimage import uniform_filter1d
from scipy.signal import find_peaks
from torch import Tensor, nn

from studio.engine.performer.coarticulation import contact, yield_to_contacts
from studio.engine.speech.articulators import ARTICULATORS, N_ARTICULATORS
from studio.engine.speech.audio import Audio
from studio.engine.speech.mel import N_BANDS, N_FINE, SAMPLE_RATE_HZ, SILENT_LEVEL, hear, loudness
from studio.engine.speech.phonemes import N_PHONEMES, PHONEME_INDEX, PHONEMES, SILENCE, Phoneme
from studio.errors import StudioError

log = logging.getLogger(__name__)

OUTPUT_RATE_HZ = 50.0
_N_COARSE = N_BANDS + 1
DILATIONS = (1, 2, 4, 8, 1, 2, 4)
"""Receptive field ±0.46 s: 22 output frames of 20 ms to either side, and the first layer's window."""
WIDTH = 96

_CHUNK = 6000
"""Mel frames per forward pass: one minute, so that two hours need no more memory than one minute."""
_OVERLAP = 100
"""Mel frames of context to either side of a chunk; more than the receptive field."""

_SWITCH = 5.0
"""Natural-log cost of changing the phoneme between two frames; keeps segments from flickering."""

_CONTACTS = {
    "lips_close": [PHONEME_INDEX[label] for label in ("P", "B", "M")],
    "lip_tuck": [PHONEME_INDEX[label] for label in ("F", "V")],
}
"""Contacts of the lips and the sounds that need them."""
_OPEN_LIPS = [i for i, label in enumerate(PHONEMES) if label in {SILENCE, "TH", "DH", "S", "Z", "SH", "ZH", "CH", "JH",
              "HH", "L", "R", "W", "Y", "UW"}]  # fmt: skip
"""Sounds for which a p, b or m is seldom taken. Other plosives and nasals, and the vowels that follow, are not among
them: where one of those is heard, a p, b or m may have been missed."""
_LIKELIER = 0.8
"""Share of the most probable of these that p, b and m together must have for a merely possible contact to be made."""
_TUCKED = 0.2
"""Probability of f or v, averaged like a contact's, from which on it is not made."""
_HALF_WAY = 0.5
_BEFORE_S = 0.1
"""Duration that the sound before a contact is taken to have."""
_LONGEST = 5
"""Frames that a contact's sound lasts at most to either side of where it is most probable."""
_STEADY = 3
"""Frames over which a probability is averaged: a plosive's evidence is spread over its hold, burst and the vowel after
it, and what is high in one frame alone is seldom a sound."""
_APART = 6
"""Frames between two contacts at least; of two possible ones that are nearer, the likelier is made."""
_SURE = 0.5
"""Probability from which on a contact lasts as long as its sound; below, it is as brief as can be seen."""
_BRIEF = (0.05, 0.3, 1.0, 1.0, 1.0, 0.3)
"""A brief contact, frame by frame up to where its sound is most probable: whole for 60 ms before it, so that some
picture of a 25 Hz video shows it. Where it is wrong it costs little; where it is right the lips have met."""

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

    def __init__(self, channels: int, hidden: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.norm = _ChannelNorm(channels)
        self.wide = nn.Conv1d(channels, hidden, 3, padding=dilation, dilation=dilation)
        self.mix = nn.Conv1d(hidden, channels, 1)
        self.dropout = nn.Dropout(dropout)
        nn.init.zeros_(self.mix.weight)
        nn.init.zeros_(self.mix.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:  # (B, C, T)
        y: Tensor = self.mix(self.dropout(nn.functional.gelu(self.wide(self.norm(x)))))
        return x + y


class EncoderNet(nn.Module):
    """What is heard (B, 121, T) at 100 Hz → logits of articulators (B, 10, ceil(T/2)) and phonemes (B, 40, ceil(T/2)).

    Args:
        hidden: Channels inside a block.
        fine: Whether it hears the short windows, too.
    """

    def __init__(self, width: int = WIDTH, hidden: int = WIDTH, *, fine: bool = False, dropout: float = 0.1) -> None:
        super().__init__()
        self.enter = nn.Conv1d(_N_COARSE, width, 5, stride=2, padding=2)
        self.enter_fine = nn.Conv1d(N_FINE, width, 5, stride=2, padding=2, bias=False) if fine else None
        self.blocks = nn.Sequential(*(_Block(width, hidden, dilation, dropout) for dilation in DILATIONS))
        self.norm = _ChannelNorm(width)
        self.articulators = nn.Conv1d(width, N_ARTICULATORS, 1)
        self.phonemes = nn.Conv1d(width, N_PHONEMES, 1)

    def forward(self, heard: Tensor) -> tuple[Tensor, Tensor]:
        """Raw outputs; a sigmoid makes articulators, a softmax phoneme probabilities."""
        x = self.enter(heard[:, :_N_COARSE])
        if self.enter_fine is not None:
            x = x + self.enter_fine(heard[:, _N_COARSE:])
        x = self.norm(self.blocks(x))
        return self.articulators(x), self.phonemes(x)

    @property
    def shape(self) -> dict[str, Any]:
        """Arguments that make a net of the same shape."""
        first = self.blocks[0]
        assert isinstance(first, _Block)
        fine = self.enter_fine is not None
        return {"width": self.enter.out_channels, "hidden": first.wide.out_channels, "fine": fine}

    def grow_from(self, smaller: EncoderNet) -> None:
        """Takes over a net with fewer hidden channels or coarser hearing, so that both answer the same at first."""
        mine, theirs = self.state_dict(), smaller.state_dict()
        for key, value in mine.items():
            if key == "enter_fine.weight" and key not in theirs:
                value.zero_()
            elif key.endswith("mix.weight"):  # what is new is heard by nobody yet
                value.zero_()[:, : theirs[key].shape[1]] = theirs[key]
            else:
                value[tuple(slice(n) for n in theirs[key].shape)] = theirs[key]


@dataclass(frozen=True)
class Encoder:
    """A trained net with the calibration of its outputs."""

    net: EncoderNet
    knots: NDArray[np.float32]  # (10, K) raw outputs …
    levels: NDArray[np.float32]  # (10, K) … and the articulation each stands for
    info: dict[str, Any]  # name, version, training command, held-out figures

    @property
    def thresholds(self) -> dict[str, float]:
        """Per contact of the lips, the probability of its sounds from which on it is made; 1 leaves the net's curve."""
        chosen: dict[str, float] = self.info.get("thresholds", {})
        return dict.fromkeys(_CONTACTS, 1.0) | chosen

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
        raw, log_probability = self.run(hear(samples))
        values = self.mouth(raw, log_probability)
        values *= _audible(level)[: len(values), None]
        segments = decode_phonemes(log_probability, audio.duration_s)
        return _fit(values, n_out), segments

    def mouth(self, raw: NDArray[np.float32], log_probability: NDArray[np.float32]) -> NDArray[np.float32]:
        """Calibrated articulators whose lip contacts complete where a sound that needs them is probable.

        A net that is half sure of a "b" asks for lips half closed, which nobody's lips are: a contact is made or it
        is not. A probable one lasts as long as its sound, a possible one as briefly as can be seen unless a sound with
        open lips is likelier, and what stays below the threshold is kept below `_HALF_WAY`.
        """
        values = self.calibrate(raw)
        probability = np.exp(log_probability)
        for channel, sounds in _CONTACTS.items():
            threshold = self.thresholds[channel]
            if threshold < 1.0:
                otherwise = _lips_open(probability) if channel == "lips_close" else None
                certain = contacts(probability[:, sounds].sum(axis=1), threshold, otherwise)
                column = ARTICULATORS.index(channel)
                values[:, column] = np.maximum(np.minimum(values[:, column], _HALF_WAY), certain)
        if min(self.thresholds.values()) < 1.0:
            yield_to_contacts(values)
        return values

    def run(self, heard: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Uncalibrated articulators (T/2, 10) and log phoneme probabilities (T/2, 40) of heard sound (T, 121)."""
        values, probabilities = [], []
        with torch.inference_mode():
            for first in range(0, len(heard), _CHUNK):
                low, high = max(first - _OVERLAP, 0), min(first + _CHUNK + _OVERLAP, len(heard))
                a, p = self.net(torch.from_numpy(heard[low:high].T.copy())[None])
                keep = slice((first - low) // 2, (first - low) // 2 + (min(_CHUNK, len(heard) - first) + 1) // 2)
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


def _steady(probability: NDArray[np.float32]) -> NDArray[np.float64]:
    """(T, …) averaged over `_STEADY` frames."""
    return np.asarray(uniform_filter1d(probability.astype(np.float64), _STEADY, axis=0, mode="constant"))


def _lips_open(probability: NDArray[np.float32]) -> NDArray[np.bool_]:
    """(T,) where a sound without closed lips is likelier than p, b and m, or an f or v is heard; (T, 40) phonemes."""
    if not len(probability):
        return np.zeros(0, np.bool_)
    closed = _steady(probability[:, _CONTACTS["lips_close"]].sum(axis=1))
    likelier = closed < _LIKELIER * _steady(probability[:, _OPEN_LIPS]).max(axis=1)
    tucked = _steady(probability[:, _CONTACTS["lip_tuck"]]).max(axis=1) >= _TUCKED
    return np.asarray(likelier | tucked)


def contacts(
    probability: NDArray[np.float32], threshold: float, otherwise: NDArray[np.bool_] | None = None
) -> NDArray[np.float32]:
    """(T,) the curve of a contact of the lips: full where its sounds are probable, with the lead that lips have.

    Args:
        probability: (T,) of the sounds that need it, at 50 Hz.
        threshold: A peak of at least this, averaged over `_STEADY` frames, makes a contact. A sure one lasts while the
            probability is above half the peak.
        otherwise: (T,) where a merely possible contact is not made.
    """
    out = np.zeros(len(probability))
    times = np.arange(len(out)) / OUTPUT_RATE_HZ
    steady = _steady(probability)
    peaks, _ = find_peaks(np.concatenate([[0.0], steady, [0.0]]), height=threshold, distance=_APART)
    for peak in peaks - 1:
        if steady[peak] < _SURE:
            if otherwise is not None and otherwise[peak]:
                continue
            brief = _BRIEF[max(len(_BRIEF) - 1 - int(peak), 0) :]
            rows = slice(int(peak) + 1 - len(brief), int(peak) + 1)
            out[rows] = np.maximum(out[rows], brief)
            continue
        above = steady >= 0.5 * steady[peak]
        first = last = int(peak)
        while first > 0 and above[first - 1] and peak - first < _LONGEST:
            first -= 1
        while last < len(out) - 1 and above[last + 1] and last - peak < _LONGEST:
            last += 1
        sound = Phoneme("B", first / OUTPUT_RATE_HZ, max(last + 1, first + 2) / OUTPUT_RATE_HZ)
        rows, bump = contact(sound, _BEFORE_S, times)
        out[rows] = np.maximum(out[rows], bump)
    return out.astype(np.float32)


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
        width = int(info["width"])
        net = EncoderNet(width, int(info.get("hidden", width)), fine=bool(info.get("fine", False)))
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
