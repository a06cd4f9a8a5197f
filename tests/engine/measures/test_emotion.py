"""A face is taken for the emotion whose prototype it shows, at any strength, and for neutral when it shows nothing."""

from dataclasses import replace

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from studio.document.action_units import AU_INDEX, AU_KEYS
from studio.document.expressions import EXPRESSIONS, Preset
from studio.engine.measures.emotion import ALSO_CALLED, NEUTRAL, emotion_score, shown_emotion
from studio.engine.motion_metrics import MotionJudge
from studio.engine.training.capture import Capture, CapturePassage
from tests.engine.known import head


@given(preset=st.sampled_from(EXPRESSIONS), strength=st.floats(0.4, 1.5), blink=st.floats(0, 5))
def test_prototypes_are_recognised_at_any_strength(preset: Preset, strength: float, blink: float) -> None:
    face = strength * preset.vector()
    face[AU_INDEX["AU45"]] = blink
    assert shown_emotion(AU_KEYS, face) == ALSO_CALLED.get(preset.name, preset.name)


def test_a_resting_face_is_neutral() -> None:
    assert shown_emotion(AU_KEYS, np.full(len(AU_KEYS), 0.1)) == NEUTRAL
    assert shown_emotion(AU_KEYS, np.full(len(AU_KEYS), -3.0)) == NEUTRAL


def test_passages_are_counted() -> None:
    happy, angry = (next(p.vector() for p in EXPRESSIONS if p.name == name) for name in ("happy", "anger"))
    frames = list(range(60))
    true = torch.zeros(60, len(AU_KEYS))
    true[:20], true[20:40] = torch.tensor(happy), torch.tensor(angry)
    shown = true.clone()
    shown[20:40] = torch.tensor(happy)
    passages = [
        CapturePassage(("happiness",), 1.0, 0, 20),
        CapturePassage(("anger",), 1.0, 20, 40),
        CapturePassage(("neutral",), 1.0, 40, 60),
        CapturePassage(("anger", "happiness"), 1.0, 20, 40),
        CapturePassage(("boredom",), 1.0, 0, 20),
        CapturePassage(("anger",), 1.0, 55, 90),
    ]
    found = emotion_score(passages, frames, AU_KEYS, shown, true)
    assert found["emotion_score"] == 0.75
    assert found["emotion_score_truth"] == 1.0
    assert found["emotion_passages"] == 4
    assert found["emotion_per_kind"] == {"happiness": 1, "anger": 0, "neutral": 1, "anger+happiness": 1}
    assert set(emotion_score([], frames, AU_KEYS, shown, true).values()) == {None}


def test_words_are_no_emotion_but_a_face_that_words_silence_is_found_out(egg: Capture) -> None:
    surface = egg.surface
    assert surface is not None
    au = torch.zeros_like(egg.au)
    au[:25, AU_INDEX["AU12"]] = au[25:, AU_INDEX["AU4"]] = 4.0
    weights = surface.mode_weights.clone()
    weights[:, 2], weights[:, 3] = au[:, AU_INDEX["AU4"]] / 5, au[:, AU_INDEX["AU12"]] / 5
    # The toy shows AU4 and AU12 alone, which several prototypes share.
    smiles = CapturePassage(("happiness", "contempt"), 1.0, 0, 25)
    frowns = CapturePassage(("anger", "fear", "sadness"), 1.0, 25, 50)
    acted = replace(
        egg,
        au=au,
        surface=replace(surface, mode_weights=weights),
        info=replace(egg.info, passages=(smiles, frowns)),
    )

    def score(**faults: bool) -> dict[str, object]:
        return MotionJudge(head(acted, **faults), acted).performance(range(50), acted.articulator_windows)

    assert score()["emotion_score"] == score()["emotion_score_truth"] == 1.0
    assert score(deaf=True)["emotion_per_kind"] == {"anger+fear+sadness": 0.0, "contempt+happiness": 1.0}
