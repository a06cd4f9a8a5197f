"""What the performer says and how: sentences in many voices, passages with and without an emotion, recorded in rooms.

A performance is a chain of passages. In each, one speaker says a few sentences in one room; in acted passages tempo,
pitch and effort of the voice are those of an emotion. The clean voice gives the truth of articulation; what a capture
hears of it has a room, a microphone and noise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from studio.engine.performer.emotions import BLENDS, EMOTIONS, Emotion, blended
from studio.engine.performer.voices import VOICE_RATE_HZ, Engine, Utterance, Voice, available_voices, speak
from studio.engine.speech import augment
from studio.engine.speech.phonemes import SILENCE, Phoneme
from studio.errors import StudioError

Samples = NDArray[np.float32]  # (n,) 16 kHz mono

FPS = 25
SAMPLES_PER_FRAME = VOICE_RATE_HZ // FPS

TRAINING_VOICES: tuple[tuple[Engine, str], ...] = (
    ("flite", "slt"),
    ("festival", "kal_diphone"),
    ("espeak", "en-us+f2"),
    ("flite", "rms"),
    ("festival", "cmu_us_slt_arctic_hts"),
    ("espeak", "en-gb-x-rp+m3"),
    ("flite", "kal16"),
    ("festival", "ked_diphone"),
    ("espeak", "en-us+Annie"),
)
"""Who speaks for training, as far as installed."""

HELD_OUT_VOICES: tuple[tuple[Engine, str], ...] = (
    ("flite", "awb"),
    ("espeak", "en-gb-scotland+m7"),
    ("espeak", "en-gb-scotland+f4"),
)
"""Who speaks in held-out performances: the speaker that the speech encoder never heard if flite is installed, else
espeak-ng's Scots; none of them speaks for training."""

_LOUDNESS = 0.08
"""Root mean square of neutral speech."""


@dataclass(frozen=True)
class Sentence:
    """One sentence in time."""

    text: str
    voice: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Passage:
    """Acted sentences: frames from the middle of one pause to the middle of another."""

    emotions: tuple[str, ...]  # one of EMOTIONS; two of them in held-out blends
    strength: float  # 0–1
    start: int  # first frame
    end: int  # the frame after the last


@dataclass(frozen=True)
class Talk:
    """Everything that is said."""

    voice: Samples  # (F·640,) clean
    heard: Samples  # (F·640,) as recorded
    phonemes: tuple[Phoneme, ...]
    sentences: tuple[Sentence, ...]
    passages: tuple[Passage, ...]  # acted ones only, in order


@dataclass(frozen=True)
class _Take:
    start: int  # samples
    emotions: tuple[str, ...] | None
    strength: float
    emotion: Emotion
    voice: Voice
    size: float  # above 1 a smaller speaker: pitch and formants are so many times higher


def voices_for(held_out: bool) -> tuple[Voice, ...]:
    """Installed voices that speak in performances, or in held-out ones.

    Raises:
        StudioError: No English voice is installed.
    """
    installed = {(v.engine, v.name): v for v in available_voices() if v.language.startswith("en")}
    wanted = HELD_OUT_VOICES if held_out else TRAINING_VOICES
    found = tuple(installed[key] for key in wanted if key in installed)
    if held_out and found and found[0].engine == "flite":
        found = found[:1]
    found = found or tuple(v for key, v in installed.items() if key not in HELD_OUT_VOICES) or tuple(installed.values())
    if not found:
        raise StudioError("The performer needs a voice; install the Debian package flite or espeak-ng.")
    return found


def talk(frames: int, rng: np.random.Generator, texts: Sequence[str], *, acting: float, held_out: bool = False) -> Talk:
    """Passages one after another, with pauses between sentences; what does not fit at the end is cut off.

    Args:
        frames: Length.
        rng: Decides everything.
        texts: English sentences; every one is said before one is said again.
        acting: Share of the time that is acted, 0–1.
        held_out: Speak with the voices, and act the blends, that no training uses.
    """
    voice = np.zeros(frames * SAMPLES_PER_FRAME, np.float32)
    total_s = frames / FPS
    phonemes: list[Phoneme] = []
    sentences: list[Sentence] = []
    takes: list[_Take] = []
    lines, speakers, moods = _deck(texts, rng), _deck(voices_for(held_out), rng), _moods(held_out, rng)
    at_s = float(rng.uniform(0.15, 0.5)) if total_s > 2.0 else 0.0
    free_s, pause_s, take_start_s, take_end_s = 0.0, 0.0, 0.0, 0.0
    while at_s < total_s - 0.3 or not sentences:
        if at_s >= take_end_s:
            if takes and takes[-1].emotions is None:
                free_s += at_s - take_start_s
            acted = acting > 0.0 and free_s > (1.0 - acting) * at_s - 1e-9 and (bool(takes) or acting >= 1.0)
            names = next(moods) if acted else None
            take_start_s = at_s - 0.5 * pause_s if takes else 0.0
            take_end_s = at_s + float(rng.uniform(2.5, 5.5))
            takes.append(
                _Take(
                    int(take_start_s * FPS) * SAMPLES_PER_FRAME,
                    names,
                    float(rng.uniform(0.55, 1.0)),
                    blended(names) if names else EMOTIONS["neutral"],
                    next(speakers),
                    float(np.exp(rng.uniform(np.log(0.88), np.log(1.16)))),
                )
            )
        said = _say(next(lines), takes[-1], rng)
        first = round(at_s * VOICE_RATE_HZ)
        samples = said.samples[: len(voice) - first].copy()
        fade = min(400, len(samples))
        if len(samples) < len(said.samples):
            samples[len(samples) - fade :] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)
        voice[first : first + len(samples)] += samples
        offset_s = first / VOICE_RATE_HZ
        for p in said.phonemes:
            start_s, end_s = p.start_s + offset_s, min(p.end_s + offset_s, total_s)
            if p.label != SILENCE and end_s - start_s > 1e-3:
                phonemes.append(Phoneme(p.label, start_s, end_s, p.stress))
        end_s = min(offset_s + said.duration_s, total_s)
        speaker = takes[-1].voice
        sentences.append(Sentence(said.text, f"{speaker.engine}:{speaker.name}", offset_s, end_s))
        pause_s = float(rng.uniform(0.2, 0.7))
        at_s = offset_s + said.duration_s + pause_s
    ends = [take.start for take in takes[1:]] + [len(voice)]
    return Talk(
        voice,
        _recorded(voice, takes, ends, rng),
        tuple(phonemes),
        tuple(sentences),
        tuple(
            Passage(take.emotions, take.strength, take.start // SAMPLES_PER_FRAME, end // SAMPLES_PER_FRAME)
            for take, end in zip(takes, ends, strict=True)
            if take.emotions is not None
        ),
    )


_T = TypeVar("_T")


def _deck(items: Sequence[_T], rng: np.random.Generator) -> Iterator[_T]:
    """All items shuffled, again and again."""
    while True:
        yield from (items[int(i)] for i in rng.permutation(len(items)))


def _moods(held_out: bool, rng: np.random.Generator) -> Iterator[tuple[str, ...]]:
    """Emotions in turn; held-out performances act a blend before each."""
    plain, blends = _deck(tuple(EMOTIONS), rng), _deck(BLENDS, rng)
    while True:
        if held_out:
            yield next(blends)
        yield (next(plain),)


def _say(text: str, take: _Take, rng: np.random.Generator) -> Utterance:
    """A sentence at the take's tempo, pitch and effort."""
    mood, strength = take.emotion, take.strength
    tempo = mood.tempo**strength * float(rng.uniform(0.88, 1.12))
    factor = round(take.size * mood.pitch**strength * float(np.exp(rng.normal(0.0, 0.01))), 3)
    said = speak(text, take.voice, tempo=round(tempo / factor, 3))
    samples = augment.change_speed(said.samples, factor)
    level_db = mood.loudness_db * strength + float(rng.uniform(-1.5, 1.5))
    gain = _LOUDNESS * 10 ** (level_db / 20) / (float(np.sqrt(np.mean(np.square(samples)))) + 1e-6)
    phonemes = tuple(Phoneme(p.label, p.start_s / factor, p.end_s / factor, p.stress) for p in said.phonemes)
    return Utterance(text, take.voice, np.asarray(np.clip(samples * gain, -0.99, 0.99), np.float32), phonemes)


def _recorded(voice: Samples, takes: Sequence[_Take], ends: Sequence[int], rng: np.random.Generator) -> Samples:
    """The voice through each take's room and microphone: half of them have a room, most some noise, none much."""
    out = np.zeros_like(voice)
    for take, end in zip(takes, ends, strict=True):
        sound = voice[take.start : end]
        if len(sound) == 0:
            continue
        level = float(np.sqrt(np.mean(np.square(sound)))) + 1e-6
        if rng.random() < 0.5:
            sound = augment.reverberate(sound, rng)
        if rng.random() < 0.7:
            sound = augment.equalise(sound, rng, depth_db=5.0)
        if rng.random() < 0.7:
            snr_db = float(rng.uniform(20.0, 40.0))
            sound = sound + np.float32(level * 10 ** (-snr_db / 20)) * augment.noise(len(sound), rng)
        sound = sound * np.float32(10 ** (rng.uniform(-3.0, 3.0) / 20))
        edge = min(160, len(sound) // 2)
        if edge:
            sound[:edge] *= np.linspace(0.0, 1.0, edge, dtype=np.float32)
            sound[-edge:] *= np.linspace(1.0, 0.0, edge, dtype=np.float32)
        out[take.start : end] = sound
    peak = float(np.abs(out).max())
    return out if peak <= 0.99 else np.asarray(out * np.float32(0.99 / peak), np.float32)
