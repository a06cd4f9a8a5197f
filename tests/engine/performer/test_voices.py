from __future__ import annotations

import shutil

import numpy as np
import pytest

from studio.engine.performer import voices as module
from studio.engine.performer.voices import VOICE_RATE_HZ, Voice, available_voices, speak
from studio.engine.speech.phonemes import BILABIALS, PHONEMES, SILENCE, VOWELS, from_arpabet, from_ipa
from studio.errors import StudioError

needs_flite = pytest.mark.skipif(shutil.which("flite") is None, reason="flite is not installed")
needs_festival = pytest.mark.skipif(not available_voices("festival"), reason="Festival or its voices are not installed")
needs_espeak = pytest.mark.skipif(not available_voices("espeak"), reason="libespeak-ng is not installed")

SPOKEN = [
    pytest.param(Voice("flite", "slt", "en"), marks=needs_flite),
    pytest.param(Voice("flite", "kal16", "en"), marks=needs_flite),
    pytest.param(Voice("espeak", "en-us", "en"), marks=needs_espeak),
    pytest.param(Voice("festival", "kal_diphone", "en"), marks=needs_festival),
]


@pytest.mark.parametrize("voice", SPOKEN)
def test_phonemes_cover_the_sound_without_gaps(voice: Voice) -> None:
    said = speak("My mother baked a map.", voice)
    assert np.isfinite(said.samples).all()
    assert 0.1 < np.abs(said.samples).max() <= 1.0
    assert said.phonemes[0].start_s == 0.0
    assert said.phonemes[-1].end_s == pytest.approx(said.duration_s, abs=1e-3)
    for a, b in zip(said.phonemes, said.phonemes[1:], strict=False):
        assert a.end_s == pytest.approx(b.start_s)
        assert not a.label == b.label == SILENCE
    assert {p.label for p in said.phonemes} <= set(PHONEMES)


@pytest.mark.parametrize("voice", SPOKEN)
def test_times_are_those_of_the_sound(voice: Voice) -> None:
    said = speak("My mother baked a map, papa.", voice)
    loud: dict[str, list[float]] = {"vowel": [], "stop": []}
    for p in said.phonemes:
        piece = said.samples[round(p.start_s * VOICE_RATE_HZ) : round(p.end_s * VOICE_RATE_HZ)]
        rms = float(np.sqrt(np.mean(np.square(piece)))) if len(piece) else 0.0
        if p.label in VOWELS:
            loud["vowel"].append(rms)
        elif p.label in {"P", "B", "K", "T"}:
            loud["stop"].append(rms)
    assert sum(p.label in BILABIALS for p in said.phonemes) == 7
    assert np.median(loud["vowel"]) > 2.5 * np.median(loud["stop"])


@pytest.mark.parametrize("voice", SPOKEN)
def test_the_same_words_sound_the_same_again(voice: Voice) -> None:
    one = speak("Puppies.", voice)
    speak("Something else.", voice)
    again = speak("Puppies.", voice)
    assert np.array_equal(again.samples, one.samples)
    assert again.phonemes == one.phonemes


@needs_flite
def test_tempo_scales_the_duration() -> None:
    voice = Voice("flite", "slt", "en")
    slow, fast = (speak("We walked to the window.", voice, tempo=t).duration_s for t in (0.8, 1.25))
    assert slow / fast == pytest.approx(1.25 / 0.8, rel=0.1)


@needs_espeak
@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("de", "Mama baut Boote.", ["M", "AA", "M", "AA", "B"]),
        ("es", "Mi mamá bebe.", ["M", "IY", "M", "AA", "M", "AA"]),
        ("cmn-latn-pinyin", "ma1 ma5", ["M", "AA", "M", "AA"]),
    ],
)
def test_other_languages(language: str, text: str, expected: list[str]) -> None:
    said = speak(text, Voice("espeak", language, language))
    assert [p.label for p in said.phonemes if p.label != SILENCE][: len(expected)] == expected


def test_a_missing_program_names_its_package(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for engine in ("flite", "festival"):
        with pytest.raises(StudioError, match=f"Debian package {engine}"):
            speak("Hello.", Voice(engine, "slt", "en"))  # type: ignore[arg-type]
    monkeypatch.setattr(module, "_has_espeak", lambda: False)
    with pytest.raises(StudioError, match="Debian package libespeak-ng1"):
        speak("Hello.", Voice("espeak", "en-us", "en"))
    assert available_voices() == ()


@needs_espeak
def test_an_unknown_voice_is_named() -> None:
    with pytest.raises(StudioError, match="no voice klingon9"):
        speak("Hello.", Voice("espeak", "klingon9", "en"))


@pytest.mark.parametrize(
    ("name", "label"), [("ax", "AH"), ("pau", SILENCE), ("AH0", "AH"), ("h#", SILENCE), ("dx", "D"), ("zh", "ZH")]
)
def test_arpabet_names(name: str, label: str) -> None:
    assert from_arpabet(name) == label


@pytest.mark.parametrize(
    ("ipa", "labels"),
    [
        ("iː", ("IY",)),
        ("ɔːɹ", ("AO", "R")),
        ("tʃ", ("CH",)),
        ("eɪ", ("EY",)),
        ("ɔ̃", ("AO",)),
        ("ç", ("HH",)),
        ("", ()),
        ("ʔ", ()),
        ("ˈa", ("AA",)),
        ("pʰ", ("P",)),
    ],
)
def test_ipa_names(ipa: str, labels: tuple[str, ...]) -> None:
    assert from_ipa(ipa) == labels
