from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from studio.engine.performer.coarticulation import TARGETS, articulate, voice_level
from studio.engine.speech.articulators import ARTICULATORS, LIP_LEAD_S
from studio.engine.speech.phonemes import BILABIALS, PHONEMES, SILENCE, VOWELS, Phoneme

CHANNEL = {name: i for i, name in enumerate(ARTICULATORS)}
FASTEST_PER_S = 42.0
"""A contact is made in 40 ms at the earliest: a raised cosine's steepest slope is π/2 over its length."""


def chain(labels: list[str], lengths_s: list[float], start_s: float = 0.3) -> list[Phoneme]:
    ends = start_s + np.cumsum(lengths_s)
    return [Phoneme(label, float(e - d), float(e)) for label, d, e in zip(labels, lengths_s, ends, strict=True)]


def said(*labels: str, each_s: float = 0.1, rate_hz: float = 1000.0) -> tuple[list[Phoneme], NDArray[np.float32]]:
    phonemes = chain(list(labels), [each_s] * len(labels))
    return phonemes, articulate(phonemes, phonemes[-1].end_s + 0.4, rate_hz)


phoneme_chains = st.lists(st.tuples(st.sampled_from(PHONEMES), st.floats(0.02, 0.4)), min_size=1, max_size=15).map(
    lambda pairs: chain([p[0] for p in pairs], [p[1] for p in pairs])
)


@settings(max_examples=60, deadline=None)
@given(phoneme_chains, st.sampled_from([25.0, 50.0, 100.0]), st.floats(0.3, 1.3))
def test_curves_stay_in_range_and_have_the_right_length(phonemes: list[Phoneme], rate_hz: float, effort: float) -> None:
    duration_s = phonemes[-1].end_s + 0.2
    curves = articulate(phonemes, duration_s, rate_hz, effort=effort)
    assert curves.shape == (round(duration_s * rate_hz), len(ARTICULATORS))
    assert np.isfinite(curves).all()
    assert curves.min() >= 0.0
    assert curves.max() <= 1.0


@settings(max_examples=60, deadline=None)
@given(phoneme_chains)
def test_nothing_moves_faster_than_a_mouth_can(phonemes: list[Phoneme]) -> None:
    curves = articulate(phonemes, phonemes[-1].end_s + 0.3, 1000.0)
    moving = [i for name, i in CHANNEL.items() if name not in ("voice", "tongue_out", "lip_tuck")]
    assert np.abs(np.diff(curves[:, moving], axis=0)).max() * 1000.0 <= FASTEST_PER_S


@settings(max_examples=60, deadline=None)
@given(phoneme_chains)
def test_every_bilabial_closes_the_lips_while_it_sounds(phonemes: list[Phoneme]) -> None:
    curves = articulate(phonemes, phonemes[-1].end_s + 0.3, 1000.0)
    for p in phonemes:
        if p.label in BILABIALS:
            inside = curves[round(p.start_s * 1000) : round(p.end_s * 1000)]
            shut = inside[:, CHANNEL["lips_close"]] >= 0.95
            assert shut.mean() >= 0.4
            assert shut[: len(shut) // 3].all()
            assert inside[shut, CHANNEL["lips_part"]].max() < 0.06
            assert inside[shut, CHANNEL["jaw_open"]].max() <= 0.2


@given(st.sampled_from(sorted(set(PHONEMES) - BILABIALS)), st.floats(0.05, 0.4))
def test_no_other_sound_closes_the_lips(label: str, length_s: float) -> None:
    phonemes = chain([label], [length_s])
    assert articulate(phonemes, 1.2, 100.0)[:, CHANNEL["lips_close"]].max() == 0.0


def test_contacts_belong_to_their_sounds() -> None:
    for label, channel in (("F", "lip_tuck"), ("TH", "tongue_out"), ("T", "tongue_up"), ("M", "lips_close")):
        phonemes, curves = said("AH", label, "AH", each_s=0.15)
        middle = curves[round((phonemes[1].start_s + 0.03) * 1000)]
        assert middle[CHANNEL[channel]] >= 0.95, label


def test_open_vowels_open_and_close_vowels_do_not() -> None:
    jaw = {}
    for vowel in sorted(VOWELS):
        _, curves = said("HH", vowel, "HH", each_s=0.2)
        jaw[vowel] = float(curves[:, CHANNEL["jaw_open"]].max())
    assert jaw["AA"] > 0.8
    assert jaw["AA"] > jaw["EH"] > jaw["IY"]
    assert max(jaw, key=jaw.__getitem__) == "AA"
    assert jaw["UW"] < 0.4


def test_lips_lead_the_sound() -> None:
    phonemes, curves = said("IY", "AA", "IY", each_s=0.3)
    jaw = curves[:, CHANNEL["jaw_open"]]
    centre_s = float((np.arange(len(jaw)) * jaw**4).sum() / (jaw**4).sum()) / 1000.0
    lead_s = 0.5 * (phonemes[1].start_s + phonemes[1].end_s) - centre_s
    assert lead_s == pytest.approx(LIP_LEAD_S, abs=0.015)


def test_a_vowel_between_two_closures_is_seen() -> None:
    phonemes = chain(["M", "EY", "B", "IY"], [0.07, 0.10, 0.06, 0.15])
    curves = articulate(phonemes, 1.2, 1000.0)
    vowel = curves[round(phonemes[1].start_s * 1000) : round(phonemes[1].end_s * 1000), CHANNEL["lips_close"]]
    assert vowel.min() < 0.1


def test_rounding_is_anticipated_through_consonants() -> None:
    _, rounded = said("S", "T", "UW")
    _, spread = said("S", "T", "IY")
    at = 350  # in the s, two sounds before the vowel
    assert rounded[at, CHANNEL["lips_round"]] > spread[at, CHANNEL["lips_round"]] + 0.02


def test_loud_vowels_open_wider() -> None:
    phonemes = chain(["AA", "T", "AA"], [0.2, 0.1, 0.2])
    t = np.arange(20_000) / 16_000
    wave = np.sin(2 * np.pi * 150 * t)
    amplitude = np.where(t < 0.55, 0.05, 0.5)
    curves = articulate(phonemes, 1.25, 100.0, (wave * amplitude).astype(np.float32))
    jaw = curves[:, CHANNEL["jaw_open"]]
    assert jaw[60:].max() > 1.2 * jaw[:50].max()


def test_silence_is_rest() -> None:
    assert articulate((), 2.0, 25.0, np.zeros(32_000, np.float32)).max() < 1e-3
    _, curves = said("AA", "M", "AA")
    assert curves[:80].max() < 0.08
    assert curves[-100:].max() < 0.05


def test_voice_follows_loudness() -> None:
    t = np.arange(32_000) / 16_000
    speech = (np.sin(2 * np.pi * 200 * t) * (t > 1.0) * 0.3).astype(np.float32)
    level = voice_level(speech)
    assert level[:90].max() < 0.05
    assert level[110:190].min() > 0.9


def test_phonemes_that_overlap_or_do_not_exist_are_defects() -> None:
    with pytest.raises(ValueError, match="overlap"):
        articulate([Phoneme("AA", 0.1, 0.5), Phoneme("M", 0.3, 0.6)], 1.0, 25.0)
    with pytest.raises(ValueError, match="unknown"):
        articulate([Phoneme("Q", 0.1, 0.5)], 1.0, 25.0)


def test_there_is_a_target_for_every_phoneme_that_is_not_a_diphthong() -> None:
    assert set(PHONEMES) - set(TARGETS) == {"AW", "AY", "EY", "OW", "OY"}
    assert TARGETS[SILENCE].shape == (0.0,) * 5
