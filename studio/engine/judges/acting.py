"""What the people in the judges' films do: they talk with a moving face, or make one face after another.

Expressions are drawn independently of the words, so that a lip-sync judge cannot lean on them.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from studio.document.action_units import AU_INDEX, AU_KEYS, MAX_INTENSITY
from studio.engine.performer.coarticulation import articulate
from studio.engine.performer.sentences import ENGLISH, HELD_OUT
from studio.engine.performer.voices import VOICE_RATE_HZ, Voice, available_voices, speak
from studio.engine.speech.articulators import N_ARTICULATORS
from studio.engine.speech.augment import degrade
from studio.engine.speech.mel import mel_energies, normalise
from studio.engine.speech.phonemes import SILENCE, Phoneme
from studio.errors import StudioError

FPS = 25

HELD_OUT_VOICES = ("rms", "ked_diphone", "en-gb-scotland", "en-gb-scotland+f4")
"""Voices that no judge is trained with."""

VOICES = (
    "slt", "awb", "kal16", "slt", "awb", "cmu_us_slt_arctic_hts", "kal_diphone", "en-us", "en-us+f2", "en-us+m7",
    "en-us+Andrea", "en-gb-x-rp", "en-gb-x-rp+m3", "en-gb-x-rp+linda",
)  # fmt: skip
"""Voices that judges are trained with, those that sound most like people more often."""


@dataclass(frozen=True)
class Act:
    """F frames at 25 fps of what a person does."""

    au: NDArray[np.float32]  # (F, 17) intensities 0–5 that are asked for
    articulators: NDArray[np.float32]  # (F, 10) in [0, 1]
    pose: NDArray[np.float32]  # (F, 5) degrees: yaw, pitch, roll, gaze yaw, gaze pitch
    mels: tuple[NDArray[np.float32], ...] = ()  # (T, 41) at 100 Hz, recordings of the same words; none for faces

    def __len__(self) -> int:
        return len(self.au)


def talk(frames: int, rng: np.random.Generator, *, held_out: bool = False) -> Act:
    """Speaks for a while with one voice; the mels are a clean and a bad recording.

    Args:
        frames: length.
        rng: decides everything.
        held_out: whether voice and sentences are those that judges are not trained with.

    Raises:
        StudioError: if no voice is installed.
    """
    speech, articulators = _say(frames, rng, held_out)
    bad = degrade(speech, np.roll(speech[::-1], len(speech) // 3), rng)
    strength = 0.0 if rng.random() < 0.4 else float(rng.uniform(0.2, 0.8))
    au = np.zeros((frames, len(AU_KEYS)))
    for column in range(len(AU_KEYS)):
        wander = _wander(frames, rng, float(rng.uniform(6, 14)))
        au[:, column] = strength * np.clip(2.2 * wander - 1.2, 0.0, MAX_INTENSITY)
    au[:, AU_INDEX["AU45"]] = _blinks(frames, rng)
    spread = ((7.0, 10), (4.0, 10), (2.5, 10), (5.0, 8), (3.0, 8))
    pose = np.stack([np.clip(sigma * _wander(frames, rng, slow), -12, 12) for sigma, slow in spread], axis=1)
    mels = tuple(normalise(mel_energies(sound)) for sound in (speech, bad))
    return Act(au.astype(np.float32), articulators, pose.astype(np.float32), mels)


def make_faces(count: int, rng: np.random.Generator, articulators: NDArray[np.float32]) -> Act:
    """Single faces of a few random units each, half of them while saying something from (F, 10) `articulators`."""
    au = np.zeros((count, len(AU_KEYS)), np.float32)
    for row in au:
        active = rng.choice(len(AU_KEYS), size=int(rng.choice([0, 1, 2, 3, 5], p=[0.1, 0.3, 0.25, 0.2, 0.15])))
        row[active] = rng.uniform(0.5, MAX_INTENSITY, len(active))
    words = articulators[rng.integers(len(articulators), size=count)] * (rng.random((count, 1)) < 0.5)
    pose = rng.normal(0, (7.0, 4.0, 3.0, 6.0, 3.5), (count, 5)).clip(-12, 12)
    return Act(au, words.astype(np.float32), pose.astype(np.float32))


def _say(frames: int, rng: np.random.Generator, held_out: bool) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(F·640,) 16 kHz sound and (F, 10) articulators."""
    voices = _voices(held_out)
    voice = voices[int(rng.integers(len(voices)))]
    texts = HELD_OUT if held_out else ENGLISH
    length_s = frames / FPS
    speech = np.zeros(round(length_s * VOICE_RATE_HZ), np.float32)
    phonemes: list[Phoneme] = []
    at_s = float(rng.uniform(0.0, 0.3))
    while at_s < length_s - 0.3:
        text = texts[int(rng.integers(len(texts)))]
        said = speak(text, voice, tempo=float(rng.uniform(0.85, 1.2)))
        first = round(at_s * VOICE_RATE_HZ)
        samples = said.samples[: len(speech) - first]
        speech[first : first + len(samples)] += samples
        start_s = first / VOICE_RATE_HZ
        for one in said.phonemes:
            end_s = min(one.end_s + start_s, length_s)
            if one.label != SILENCE and end_s - one.start_s - start_s > 1e-3:
                phonemes.append(Phoneme(one.label, one.start_s + start_s, end_s, one.stress))
        at_s = start_s + said.duration_s + float(rng.uniform(0.0, 0.3))
    speech *= 0.08 / (float(np.sqrt(np.mean(np.square(speech)))) + 1e-6)
    speech = speech.clip(-0.99, 0.99)
    moved = np.asarray(articulate(tuple(phonemes), length_s, FPS, speech), np.float32)
    return speech, moved.reshape(frames, N_ARTICULATORS)


@functools.cache
def _voices(held_out: bool) -> tuple[Voice, ...]:
    installed = {voice.name: voice for voice in available_voices()}
    found = tuple(installed[name] for name in (HELD_OUT_VOICES if held_out else VOICES) if name in installed)
    if not found:
        raise StudioError("Judges learn from speech; install the Debian packages flite and espeak-ng.")
    return found


def _wander(frames: int, rng: np.random.Generator, sigma: float) -> NDArray[np.float64]:
    """(frames,) smooth noise of unit variance."""
    pad = int(4 * sigma) + 1
    noise = gaussian_filter1d(rng.standard_normal(frames + 2 * pad), sigma)[pad : pad + frames]
    return np.asarray(noise * np.sqrt(2.0 * sigma * np.sqrt(np.pi)))


def _blinks(frames: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """(frames,) AU45: a blink of a third of a second every few seconds."""
    out = np.zeros(frames)
    at = float(rng.uniform(0, 75))
    while at < frames:
        out = np.maximum(out, MAX_INTENSITY * np.clip(1.4 - np.abs(np.arange(frames) - at) / 3.0, 0.0, 1.0))
        at += float(rng.uniform(40, 120))
    return out
