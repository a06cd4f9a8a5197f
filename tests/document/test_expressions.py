from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.document.expressions import EXPRESSIONS, Clip, Expressions, Preset, crossfaded
from tests.document.strategies import clips, moments

PRESETS = {preset.name: preset for preset in EXPRESSIONS}


def test_the_seven_prototypes_hold_their_facs_units() -> None:
    defining = {
        "happy": {"AU6", "AU12"},
        "sad": {"AU1", "AU4", "AU15"},
        "surprise": {"AU1", "AU2", "AU5", "AU26"},
        "fear": {"AU1", "AU2", "AU4", "AU5", "AU7", "AU20", "AU26"},
        "anger": {"AU4", "AU5", "AU7", "AU23"},
        "disgust": {"AU9", "AU15"},
        "contempt": {"AU14"},
    }
    assert set(PRESETS) == set(defining)
    for name, units in defining.items():
        assert units <= {key for key, _ in PRESETS[name].au}


@given(clips(), st.lists(st.floats(-5, 80), min_size=1))
def test_an_envelope_stays_within_the_clip_and_its_intensity(clip: Clip, times: list[float]) -> None:
    at = np.array(times)
    weight = clip.envelope(at)
    assert ((weight >= 0) & (weight <= clip.intensity)).all()
    assert (weight[(at < clip.start_s) | (at >= clip.end_s)] == 0).all()


@given(clips())
def test_an_envelope_has_no_jump_where_there_are_fades(clip: Clip) -> None:
    if min(clip.fade_in_s, clip.fade_out_s) > 0.05 and clip.end_s - clip.start_s > 0.2:
        weight = clip.envelope(np.linspace(clip.start_s - 0.1, clip.end_s + 0.1, 20_001))
        assert np.abs(np.diff(weight)).max() <= clip.intensity * 0.2 + 1e-12


@given(moments, st.floats(0.1, 3), st.floats(0.2, 1))
def test_neighbours_cross_fade_exactly(start: float, overlap: float, intensity: float) -> None:
    a = Clip("happy", start, start + 5, intensity)
    b = Clip("sad", start + 5 - overlap, start + 10, intensity)
    first, second = crossfaded([b, a])
    assert first.preset == "happy"
    inside = np.linspace(b.start_s, a.end_s - 1e-9, 50)
    np.testing.assert_allclose(first.envelope(inside) + second.envelope(inside), intensity, atol=1e-6)


@given(st.lists(clips(), max_size=4), st.lists(moments, min_size=1, max_size=5))
def test_clips_add_up_whatever_their_order(several: list[Clip], times: list[float]) -> None:
    at = np.array(times)
    together = Expressions(tuple(several)).sample(at, PRESETS)
    alone = sum((Expressions((clip,)).sample(at, PRESETS) for clip in several), np.zeros_like(together))
    np.testing.assert_allclose(together, alone, atol=1e-12)
    np.testing.assert_allclose(Expressions(tuple(several[::-1])).sample(at, PRESETS), together, atol=1e-12)


def test_an_unknown_preset_shows_nothing() -> None:
    assert not Expressions((Clip("gone", 0, 5),)).sample(np.array([1.0]), PRESETS).any()


def test_a_preset_is_its_vector() -> None:
    preset = Preset.of("wry", AU12=2.0, AU4=1.0)
    assert Preset.from_vector("wry", preset.vector()) == preset
    assert preset.au[0][0] == "AU4"


@pytest.mark.parametrize(
    "make",
    [
        lambda: Preset.of("x", AU99=1),
        lambda: Preset.of("x", AU1=6),
        lambda: Clip("happy", 2, 1),
        lambda: Clip("happy", 0, float("nan")),
        lambda: Clip("happy", 0, 1, 3.0),
        lambda: Clip("happy", 0, 1, fade_in_s=-1),
        lambda: Expressions(weight=2),
    ],
)
def test_senseless_values_are_refused(make: object) -> None:
    with pytest.raises(ValueError, match=r"preset|clip|weight"):
        make()  # type: ignore[operator]
