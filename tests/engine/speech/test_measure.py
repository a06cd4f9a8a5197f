from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from studio.engine.performer.coarticulation import articulate
from studio.engine.performer.voices import available_voices
from studio.engine.speech.articulators import ARTICULATORS
from studio.engine.speech.corpus import HELD_OUT_VOICES, Clip, make_clips, speak_held_out
from studio.engine.speech.encoder import contacts, default_encoder
from studio.engine.speech.measure import NOISE_SEED, contact_figures, drive, opening
from studio.engine.speech.mel import N_INPUTS
from studio.engine.speech.phonemes import N_PHONEMES, PHONEME_INDEX, Phoneme

CLOSE, TUCK = ARTICULATORS.index("lips_close"), ARTICULATORS.index("lip_tuck")


def _clip(labels: str) -> Clip:
    said = [Phoneme(label, 0.2 + 0.12 * i, 0.32 + 0.12 * i) for i, label in enumerate(labels.split())]
    n = round((said[-1].end_s + 0.3) * 50)
    index = np.zeros(n, np.uint8)
    for p in said:
        index[round(p.start_s * 50) : round(p.end_s * 50)] = PHONEME_INDEX[p.label]
    curves = articulate(said, n / 50, 50)
    return Clip(np.zeros((2 * n, N_INPUTS), np.float16), curves.astype(np.float16), index)


def _truth(clip: Clip) -> NDArray[np.float32]:
    return clip.articulators.astype(np.float32)


def test_the_opening_follows_jaw_and_lips() -> None:
    rest, jaw, shut = np.zeros((3, len(ARTICULATORS)))
    jaw[ARTICULATORS.index("jaw_open")] = 1.0
    shut[ARTICULATORS.index("jaw_open")] = 0.12
    shut[CLOSE] = 1.0
    heights = opening(np.stack([rest, jaw, shut]))
    assert heights[0] < 0.0005
    assert 0.005 < heights[1] < 0.03
    assert heights[2] < 0.1 * heights[1]


def test_the_truth_makes_every_contact_and_none_for_nothing() -> None:
    clips = [
        _clip("AA B AE M IY P AA F EH V AA"),
        _clip("EH M AA F IY"),
    ]
    figures = contact_figures([_truth(c) for c in clips], clips)
    assert figures["sounds"] == 4
    for name in ("closed", "tucked", "closed_true", "tucked_true", "precision", "tucked_f1"):
        assert figures[name] == 1.0, name
    assert figures["false_closed"] == figures["false_tucked"] == figures["lag_ms"] == 0.0
    assert figures["opening_r"] == figures["mean_opening"] == 1.0


def test_lips_that_never_meet_or_meet_for_nothing_are_found() -> None:
    clips = [_clip("AA B AE D IY AA T EH AA F AA")]
    open_mouth = _truth(clips[0])
    open_mouth[:, [CLOSE, TUCK]] = 0.0
    open_mouth[:, ARTICULATORS.index("jaw_open")] += 0.3
    figures = contact_figures([open_mouth], clips)
    assert figures["closed"] == figures["tucked"] == 0.0
    busy = _truth(clips[0])
    vowel = np.flatnonzero(clips[0].phonemes == PHONEME_INDEX["IY"])[:4]
    busy[vowel, CLOSE] = 1.0
    busy[vowel + 15, TUCK] = 1.0
    figures = contact_figures([busy], clips)
    assert figures["false_closed"] > 0
    assert figures["precision"] < 1.0
    late = np.roll(_truth(clips[0]), 3, axis=0)
    assert contact_figures([late], clips)["lag_ms"] == 60.0


def test_a_probable_sound_makes_one_whole_contact_that_leads_it() -> None:
    probability = np.zeros(60, np.float32)
    probability[30:34] = (0.3, 0.5, 0.6, 0.4)
    curve = contacts(probability, 0.4)
    full = np.flatnonzero(curve > 0.99)
    assert 2 <= len(full) <= 8
    assert full[0] < 30
    assert curve[:20].max() == curve[40:].max() == 0.0
    assert contacts(probability, 0.7).max() == 0.0
    assert contacts(np.zeros(0, np.float32), 0.5).shape == (0,)


def test_what_is_only_possible_closes_as_briefly_as_can_be_seen() -> None:
    probability = np.zeros(80, np.float32)
    probability[30:38] = 0.25
    curve = contacts(probability, 0.1)
    assert 3 <= (curve > 0.99).sum() <= 4
    probability[30:38] = 0.8
    assert (contacts(probability, 0.1) > 0.99).sum() > 6
    lone = np.zeros(80, np.float32)
    lone[30] = 0.25  # one frame is no sound
    assert contacts(lone, 0.1).max() == 0.0
    for at in (0, 1, 79):
        edge = np.zeros(80, np.float32)
        edge[at] = 0.6
        assert contacts(edge, 0.1).shape == (80,)


def _said(n: int, **probability: float) -> NDArray[np.float32]:
    """(n, 40) log probabilities: a schwa, and from frame 28 to 34 what is given."""
    out = np.full((n, N_PHONEMES), 1e-6, np.float32)
    out[:, PHONEME_INDEX["AH"]] = 1.0
    for label, share in probability.items():
        out[28:34, PHONEME_INDEX[label]] = share
    return np.asarray(np.log(out / out.sum(axis=1, keepdims=True)), np.float32)


@pytest.mark.parametrize(
    ("heard", "closes"),
    [
        ({"B": 0.25}, True),
        ({"B": 0.15, "P": 0.1, "D": 0.5}, True),  # plosives are taken for one another
        ({"B": 0.25, "S": 0.2}, True),
        ({"B": 0.25, "S": 0.6}, False),
        ({"B": 0.25, "W": 0.6}, False),
        ({"B": 0.35, "F": 0.35}, False),
        ({"B": 1.5, "S": 1.0}, True),  # sure
        ({"S": 0.6}, False),
    ],
)
def test_what_is_only_possible_gives_way_to_a_likelier_sound_with_open_lips(
    heard: dict[str, float], closes: bool
) -> None:
    encoder = default_encoder()
    assert 0.02 < encoder.thresholds["lips_close"] < 0.15
    mouth = encoder.mouth(np.zeros((60, len(ARTICULATORS)), np.float32), _said(60, **heard))
    assert bool(mouth[24:36, CLOSE].max() > 0.99) is closes
    assert encoder.mouth(mouth[:0], _said(60)[:0]).shape == (0, len(ARTICULATORS))


def test_of_two_possible_contacts_that_are_near_only_the_likelier_is_made() -> None:
    probability = np.zeros(80, np.float32)
    probability[30:33] = 0.3
    probability[35:38] = 0.2
    near = contacts(probability, 0.1)
    assert near[:32].max() == 1.0
    assert near[32:].max() == 0.0
    probability[35:38], probability[40:43] = 0.0, 0.2
    assert contacts(probability, 0.1)[35:].max() == 1.0


@pytest.mark.skipif(not available_voices("flite"), reason="flite is not installed")
def test_lips_of_an_unheard_voice_meet_as_often_as_stated() -> None:
    said = speak_held_out(HELD_OUT_VOICES[:1])
    clips = make_clips(said, 99, NOISE_SEED, clean=True)
    figures = contact_figures(drive(default_encoder(), clips), clips)
    stated = default_encoder().info["figures"]["awb"]["clean"]["mouth"]
    for name in ("closed", "tucked", "precision", "opening_r"):
        assert abs(figures[name] - stated[name]) < 0.02, name
    assert figures["closed"] > 0.93
    assert figures["precision"] > 0.72
    assert figures["opening_r"] > 0.76
    assert 0.95 < figures["mean_opening"] < 1.1
    assert abs(figures["lag_ms"]) <= 20
