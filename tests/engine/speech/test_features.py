from __future__ import annotations

from pathlib import Path

import numpy as np
import platformdirs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.engine.controls import window_times
from studio.engine.performer.voices import available_voices, speak
from studio.engine.speech import features as module
from studio.engine.speech.articulators import ARTICULATORS, N_ARTICULATORS
from studio.engine.speech.audio import Audio, load_audio
from studio.engine.speech.features import EXTRACTOR, SpeechFeatures, extract_features, silence
from studio.engine.speech.phonemes import BILABIALS, Phoneme

JAW, CLOSE = ARTICULATORS.index("jaw_open"), ARTICULATORS.index("lips_close")
WELCOME = Path(__file__).resolve().parents[3] / "assets" / "speech" / "welcome.flac"
needs_voice = pytest.mark.skipif(not available_voices("flite"), reason="flite is not installed")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda *_, **__: str(tmp_path / "cache"))
    return tmp_path / "cache" / "speech"


@pytest.fixture(scope="module")
def welcome() -> Audio:
    return load_audio(WELCOME)


def ramp(n: int = 51, rate_hz: float = 50.0) -> SpeechFeatures:
    values = np.repeat(np.linspace(0.0, 1.0, n)[:, None], N_ARTICULATORS, axis=1).astype(np.float32)
    return SpeechFeatures(values, rate_hz, EXTRACTOR, n / rate_hz)


@given(st.floats(0.2, 0.8))
def test_window_is_linear_between_frames(time_s: float) -> None:
    window = ramp().window(time_s)
    assert window.shape == (8, N_ARTICULATORS)
    assert window.dtype == np.float32
    assert np.allclose(window[:, 0], window_times(time_s), atol=1e-5)


@given(st.one_of(st.floats(-1e6, -0.3), st.floats(1.6, 1e6)))
def test_outside_the_clip_is_silence(time_s: float) -> None:
    assert not ramp().window(time_s).any()


def test_the_clip_fades_out_within_one_frame() -> None:
    at = ramp().sample(np.array([1.0, 1.01, 1.02, 1.03]))[:, 0]
    assert at == pytest.approx([1.0, 0.5, 0.0, 0.0], abs=1e-6)


def test_silence() -> None:
    quiet = silence(2.5)
    assert quiet.duration_s == 2.5
    assert quiet.extractor == EXTRACTOR
    assert quiet.values.shape == (125, N_ARTICULATORS)
    assert not quiet.values.any()
    assert silence(0.0).window(0.0).shape == (8, N_ARTICULATORS)


def test_features_of_the_welcome_clip(welcome: Audio) -> None:
    features = extract_features(welcome)
    assert features.extractor == EXTRACTOR
    assert features.values.shape == (int(np.ceil(welcome.duration_s * 50)), N_ARTICULATORS)
    assert features.values.min() >= 0.0
    assert features.values.max() <= 1.0
    assert features.values[:, JAW].max() > 0.6
    assert features.values[:10].max() < 0.15  # nobody speaks yet
    assert len(features.phonemes) > 80
    assert all(a.end_s <= b.start_s + 1e-6 for a, b in zip(features.phonemes, features.phonemes[1:], strict=False))


def test_a_cached_result_is_the_result(welcome: Audio, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = extract_features(welcome)
    assert len(list(cache.iterdir())) == 1

    def never() -> None:
        raise AssertionError("the encoder ran again")

    monkeypatch.setattr("studio.engine.speech.encoder.default_encoder", never)
    second = extract_features(welcome)
    assert np.array_equal(first.values, second.values)
    assert first.phonemes == second.phonemes
    assert first.duration_s == second.duration_s
    other = Audio(welcome.samples * np.float32(0.9), welcome.rate_hz)
    with pytest.raises(AssertionError, match="ran again"):
        extract_features(other)


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 rubbish", None])
def test_a_damaged_cache_is_made_again(welcome: Audio, cache: Path, damage: bytes | None) -> None:
    first = extract_features(welcome)
    (entry,) = cache.iterdir()
    entry.write_bytes(entry.read_bytes()[:-200] if damage is None else damage)
    assert np.array_equal(extract_features(welcome).values, first.values)
    assert np.array_equal(module._read(entry).values, first.values)  # type: ignore[union-attr]


def test_a_cache_of_wrong_content_is_not_believed(welcome: Audio, cache: Path) -> None:
    first = extract_features(welcome)
    (entry,) = cache.iterdir()
    bad = np.full_like(first.values, np.nan)
    module._write(entry, SpeechFeatures(bad, 50.0, EXTRACTOR, 1.0, ()))
    assert np.array_equal(extract_features(welcome).values, first.values)
    module._write(entry, SpeechFeatures(first.values, 50.0, EXTRACTOR, 1.0, (Phoneme("XX", 0.0, 0.1),)))
    assert extract_features(welcome).phonemes == first.phonemes


def test_an_unwritable_cache_only_costs_time(welcome: Audio, cache: Path) -> None:
    cache.parent.mkdir(parents=True)
    cache.write_text("a file where the folder should be")
    assert extract_features(welcome).values.any()
    assert cache.read_text().startswith("a file")


def test_the_cache_does_not_grow_for_ever(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAX_CACHED", 3)
    for i in range(6):
        module._write(cache / f"{i}.npz", silence(0.1))
    assert len(list(cache.iterdir())) == 3


@needs_voice
@pytest.mark.parametrize("name", ["awb", "slt"])
def test_lips_close_on_bilabials_and_open_on_open_vowels(name: str) -> None:
    voice = next(v for v in available_voices("flite") if v.name == name)
    said = speak("Papa bought my mother a pumpkin, and Bob hopped above the map.", voice)
    values = extract_features(Audio(said.samples[:, None], 16_000)).values
    peaks, opens = [], []
    for p in said.phonemes:
        inside = slice(max(int((p.start_s - 0.06) * 50), 0), int(np.ceil(p.end_s * 50)) + 1)
        if p.label in BILABIALS:
            peaks.append(values[inside, CLOSE].max())
        elif p.label in ("AA", "AE", "AO") and p.duration_s > 0.06:
            opens.append(values[inside, JAW].max())
    assert len(peaks) >= 10
    assert np.mean(np.array(peaks) > 0.6) >= 0.6  # a floor
    assert np.mean(opens) > 0.45


@needs_voice
def test_stereo_and_other_rates_change_nothing() -> None:
    said = speak("Move the lamp a bit.", next(v for v in available_voices("flite") if v.name == "slt"))
    from studio.engine.speech.audio import resample

    fast = resample(said.samples, 16_000, 44_100)
    one = extract_features(Audio(said.samples[:, None], 16_000)).values
    two = extract_features(Audio(np.stack([fast, fast], axis=1), 44_100)).values
    n = min(len(one), len(two))
    assert np.abs(one[:n] - two[:n]).mean() < 0.05


def test_what_is_not_speech_hardly_moves_the_mouth() -> None:
    rng = np.random.default_rng(0)
    t = np.arange(64_000) / 16_000
    sounds = {
        "digital silence": np.zeros(64_000),
        "hiss": 0.05 * rng.standard_normal(64_000),
        "hum": 0.2 * np.sin(2 * np.pi * 50 * t),
        "faint hiss": 1e-5 * rng.standard_normal(64_000),
    }
    for name, samples in sounds.items():
        values = extract_features(Audio(samples[:, None].astype(np.float32), 16_000), cache=False).values
        assert np.percentile(values[:, JAW], 90) < 0.15, name
        assert np.percentile(values[:, CLOSE], 90) < 0.15, name


@pytest.mark.parametrize("n", [1, 100, 640, 5000])
def test_very_short_sounds(n: int) -> None:
    rng = np.random.default_rng(0)
    audio = Audio((0.1 * rng.standard_normal((n, 1))).astype(np.float32), 16_000)
    values = extract_features(audio, cache=False).values
    assert len(values) == int(np.ceil(n / 16_000 * 50))
    assert np.isfinite(values).all()
