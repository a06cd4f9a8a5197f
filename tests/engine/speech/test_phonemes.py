from __future__ import annotations

from studio.engine.speech.phonemes import _IPA, _IPA_GROUPS, BILABIALS, PHONEMES, VOWELS, Phoneme, from_ipa


def test_inventory() -> None:
    assert len(PHONEMES) == 40 == len(set(PHONEMES))
    assert set(PHONEMES) > VOWELS
    assert set(PHONEMES) - VOWELS > BILABIALS
    assert len(VOWELS) == 15


def test_every_mapping_leads_into_the_inventory() -> None:
    assert {label for label in _IPA.values() if label} | set(_IPA_GROUPS.values()) <= set(PHONEMES)


def test_every_bilabial_of_the_world_closes_the_lips() -> None:
    for symbol in ("p", "b", "m", "pʰ", "bʱ", "mː", "ɓ", "pʲ"):
        assert from_ipa(symbol)[0] in BILABIALS


def test_duration() -> None:
    assert Phoneme("AA", 0.5, 0.75).duration_s == 0.25
