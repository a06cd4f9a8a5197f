"""The encoder's training material: synthetic sentences in many voices and languages, with their true articulation."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from studio.engine.performer.coarticulation import articulate
from studio.engine.performer.sentences import ENGLISH, FOREIGN, HELD_OUT, HELD_OUT_FOREIGN
from studio.engine.performer.voices import VOICE_RATE_HZ, Utterance, Voice, available_voices, speak
from studio.engine.speech import augment
from studio.engine.speech.articulators import N_ARTICULATORS
from studio.engine.speech.encoder import OUTPUT_RATE_HZ
from studio.engine.speech.mel import hear, n_frames
from studio.engine.speech.phonemes import PHONEME_INDEX, SILENCE, Phoneme
from studio.errors import StudioError

log = logging.getLogger(__name__)

TUNING_VOICES = (
    Voice("flite", "kal", "en"),
    Voice("festival", "ked_diphone", "en"),
    Voice("espeak", "en-us+Denis", "en-us"),
    Voice("espeak", "de+Denis", "de"),
)
"""Not in the corpus; amplitudes and the thresholds of contacts are chosen with them."""

HELD_OUT_VOICES = (
    Voice("flite", "awb", "en"),
    Voice("espeak", "en-us+f5", "en-us"),
    Voice("espeak", "de+f5", "de"),
    Voice("espeak", "cmn-latn-pinyin+f5", "cmn-latn-pinyin"),
)
"""In neither the corpus nor any choice after it: the figures are measured on them. The first is cut from recordings of
a man with a Scottish accent, the others have a larynx that no other voice has."""

_APART = ("+Denis", "+linda")
"""Larynxes of espeak-ng that are left out of the corpus in every language."""

_ENGLISH = ENGLISH[:106]
"""What the performer learns to say later leaves the corpus as it is, and with it the encoder that a command gives."""

_SHARES = {"flite": 0.40, "festival": 0.33, "espeak": 0.27}
"""Share of the minutes each kind of synthesis gets: voices cut from recordings first, formant voices for variety."""

_NO_SPEECH = 0.12
"""Share of clips in which nobody speaks: most are music, which is what else is found on sound tracks."""


@dataclass(frozen=True)
class Clip:
    """One training example."""

    mel: NDArray[np.float16]  # (T, 121) as `hear` gives it, 100 Hz
    articulators: NDArray[np.float16]  # (ceil(T/2), 10), 50 Hz
    phonemes: NDArray[np.uint8]  # (ceil(T/2),) indices into PHONEMES


def synthesise(minutes: float, seed: int, workers: int = 2) -> dict[Voice, list[Utterance]]:
    """Speaks about `minutes` of sentences with every installed voice except those that are held out.

    Raises:
        StudioError: flite is missing; Festival and espeak-ng only make the corpus better.
    """
    rng = np.random.default_rng([seed, 11])
    apart = {*TUNING_VOICES, *HELD_OUT_VOICES}
    voices = [v for v in available_voices() if v not in apart and not v.name.endswith(_APART)]
    if not any(v.engine == "flite" for v in voices):
        raise StudioError("Training the speech encoder needs flite; install the Debian package flite.")
    jobs: list[tuple[str, Voice, float]] = []
    for engine, share in _SHARES.items():
        able = [v for v in voices if v.engine == engine and _texts(v)]
        budget_s = minutes * 60.0 * share
        while able and budget_s > 0.0:
            for i in rng.permutation(len(able)):
                voice = able[int(i)]
                text = _random_text(voice, rng)
                tempo = round(float(np.exp(rng.uniform(np.log(0.8), np.log(1.3)))), 2)
                jobs.append((text, voice, tempo))
                budget_s -= len(text) * 0.062 / tempo
                if budget_s <= 0.0:
                    break
    with ThreadPoolExecutor(workers) as pool:
        said = list(pool.map(_try_speak, jobs))
    out: dict[Voice, list[Utterance]] = {}
    for utterance in said:
        if utterance is not None:
            out.setdefault(utterance.voice, []).append(utterance)
    return out


def speak_held_out(voices: Sequence[Voice]) -> dict[Voice, list[Utterance]]:
    """Sentences that no training hears, by each of the voices that is installed."""
    installed = {(v.engine, v.name if v.engine != "espeak" else "") for v in available_voices()}
    able = [v for v in voices if (v.engine, v.name if v.engine != "espeak" else "") in installed]
    return {v: [speak(text, v) for text in _held_out_texts(v)] for v in able}


def _held_out_texts(voice: Voice) -> Sequence[str]:
    return HELD_OUT if voice.language.startswith("en") else HELD_OUT_FOREIGN[voice.language]


def _try_speak(job: tuple[str, Voice, float]) -> Utterance | None:
    text, voice, tempo = job
    try:
        said = speak(text, voice, tempo=tempo)
    except StudioError as error:
        log.warning("left out: %s", error)
        return None
    return said if 0.5 < said.duration_s < 30.0 and np.abs(said.samples).max() > 0.01 else None


def _texts(voice: Voice) -> Sequence[str]:
    if voice.language.startswith("en"):
        return _ENGLISH
    if voice.language in FOREIGN:
        return FOREIGN[voice.language]
    return FOREIGN.get(voice.language + "-latn-pinyin", ())


def _random_text(voice: Voice, rng: np.random.Generator) -> str:
    """A sentence, words of several sentences thrown together, or words that mean nothing: sounds meet that seldom do.

    A hundred sentences hold each pair of sounds a few times at best, and always in the same words, which a net learns
    by heart; a word nobody has heard must be read from its sounds.
    """
    texts = _texts(voice)
    kind = rng.random()
    if kind < 0.3:
        return texts[int(rng.integers(len(texts)))]
    language = voice.language.split("-")[0]
    if kind < 0.65 and language in (*_LATIN, "en"):
        syllables = _ENGLISH_SYLLABLES if language == "en" else _PLAIN_SYLLABLES
        return " ".join(_invented_word(syllables, rng) for _ in range(int(rng.integers(4, 10)))) + "."
    words = " ".join(texts[int(i)] for i in rng.integers(len(texts), size=6)).rstrip(".").split()
    chosen = [words[int(i)] for i in rng.integers(len(words), size=int(rng.integers(5, 14)))]
    return " ".join(word.rstrip(".!?:") for word in chosen) + "."


@dataclass(frozen=True)
class _Syllables:
    """What the syllables of a spelling are made of, separated by spaces; the more often, the likelier."""

    onsets: str
    nuclei: str
    codas: str
    open_share: int  # entries without a coda

    def parts(self) -> tuple[list[str], list[str], list[str]]:
        return self.onsets.split(), self.nuclei.split(), [*[""] * self.open_share, *self.codas.split()]


_ENGLISH_SYLLABLES = _Syllables(
    "b p m b p m f v w d t n g k l r s z h th sh ch j y bl br pl pr fl fr tr dr gr kl kr st sp sm sn d t n g k",
    "a e i o u ee oo ay oy ow ar er or ai ea oa",
    "b p m d t n g k l r s f v sh th mp nt nd st ns ft lk",
    3,
)
_PLAIN_SYLLABLES = _Syllables("b p m b p m f v f v d t n g k l r s d t n g k", "a e i o u", "n r l s m t", 4)
_LATIN = ("de", "fr", "es", "it", "pt", "nl", "sv", "pl", "cs", "tr", "hu", "fi", "id", "sw", "ca")
"""Languages in which any syllables of these letters can be read."""


def _invented_word(syllable: _Syllables, rng: np.random.Generator) -> str:
    """One to three syllables that the spelling allows; lips close more often than in sentences."""
    onsets, nuclei, codas = syllable.parts()
    n = int(rng.integers(1, 4))
    return "".join(
        onsets[int(rng.integers(len(onsets)))]
        + nuclei[int(rng.integers(len(nuclei)))]
        + (codas[int(rng.integers(len(codas)))] if i == n - 1 or rng.random() < 0.3 else "")
        for i in range(n)
    )


def make_clips(speech: dict[Voice, list[Utterance]], n: int, seed: int, *, clean: bool = False) -> list[Clip]:
    """Augmented clips of one to four sentences by one speaker each; some hold no speech at all.

    Args:
        speech: From `synthesise`.
        n: How many.
        seed: Of the augmentation.
        clean: Only the sentences, undisturbed, each once in order (for measuring).
    """
    rng = np.random.default_rng([seed, 12])
    everyone = [u for said in speech.values() for u in said]
    if clean:
        return [_clip(*_join([u], rng), None, None) for u in everyone[:n]]
    weights = np.array([len(u.samples) for u in everyone], np.float64)
    firsts = rng.choice(len(everyone), n, p=weights / weights.sum())
    clips = []
    for i in firsts:
        mates = speech[everyone[i].voice]
        more = [mates[int(k)] for k in rng.integers(len(mates), size=int(rng.integers(0, 4)))]
        samples, phonemes = _join([everyone[i], *more], rng)
        clips.append(_clip(samples, phonemes, _babble(everyone, len(samples), rng), rng))
    return clips


def _join(said: Sequence[Utterance], rng: np.random.Generator) -> tuple[NDArray[np.float32], list[Phoneme]]:
    parts: list[NDArray[np.float32]] = []
    phonemes: list[Phoneme] = []
    at = 0
    loudness = 0.08 * 10 ** (rng.uniform(-1.0, 1.0) / 20)
    for utterance in said:
        gap = int(rng.uniform(0.02, 0.9) * VOICE_RATE_HZ)
        gain = loudness / (float(np.sqrt(np.mean(np.square(utterance.samples)))) + 1e-6)
        parts += [np.zeros(gap, np.float32), utterance.samples * np.float32(gain * 10 ** (rng.uniform(-4, 2) / 20))]
        shift_s = (at + gap) / VOICE_RATE_HZ
        phonemes += [
            Phoneme(p.label, p.start_s + shift_s, p.end_s + shift_s) for p in utterance.phonemes if p.label != SILENCE
        ]
        at += gap + len(utterance.samples)
    return np.concatenate(parts), phonemes


def _babble(everyone: Sequence[Utterance], n: int, rng: np.random.Generator) -> NDArray[np.float32]:
    out = np.zeros(n, np.float32)
    for i in rng.integers(len(everyone), size=int(rng.integers(3, 7))):
        other = everyone[int(i)].samples
        out += np.resize(np.roll(other, int(rng.integers(len(other)))), n)
    return out


def _clip(
    samples: NDArray[np.float32],
    phonemes: Sequence[Phoneme],
    babble: NDArray[np.float32] | None,
    rng: np.random.Generator | None,
) -> Clip:
    if rng is None or babble is None:
        return _example(samples, samples, phonemes)
    factor = float(np.exp(rng.uniform(np.log(0.75), np.log(1.35))))
    samples, babble = augment.change_speed(samples, factor), augment.change_speed(babble, factor)
    phonemes = [Phoneme(p.label, p.start_s / factor, p.end_s / factor) for p in phonemes]
    if rng.random() < _NO_SPEECH:
        alone = augment.noise(len(samples), rng) if rng.random() < 0.3 else augment.music(len(samples), rng)
        return _example(augment.degrade(alone, np.roll(alone, 4000), rng), np.zeros_like(samples), ())
    return _example(augment.degrade(samples, babble, rng), samples, phonemes)


def _example(heard: NDArray[np.float32], clean: NDArray[np.float32], phonemes: Sequence[Phoneme]) -> Clip:
    mel = hear(heard)
    n = (n_frames(len(heard)) + 1) // 2
    curves = articulate(phonemes, n / OUTPUT_RATE_HZ, OUTPUT_RATE_HZ, clean)
    if not phonemes:
        curves = np.zeros((n, N_ARTICULATORS), np.float32)
    labels = np.zeros(n, np.uint8)
    for p in phonemes:
        labels[round(p.start_s * OUTPUT_RATE_HZ) : max(round(p.end_s * OUTPUT_RATE_HZ), 1)] = PHONEME_INDEX[p.label]
    return Clip(mel.astype(np.float16), curves[:n].astype(np.float16), labels)
