from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.document.action_units import AU_INDEX, AU_KEYS
from studio.document.interchange.arkit import (
    ARKIT,
    ARKIT_INDEX,
    AU_TO_ARKIT,
    GAZE_CHANNELS,
    UNMAPPED,
    channels_of,
    from_action_units,
    match,
    to_action_units,
)

EVERYTHING = frozenset(ARKIT)


def test_each_of_the_52_channels_has_one_meaning() -> None:
    assert len(set(ARKIT)) == 52
    mapped = [name for key in AU_KEYS for name in channels_of(key)]
    assert sorted([*mapped, *UNMAPPED, *GAZE_CHANNELS]) == sorted(ARKIT)
    assert set(AU_TO_ARKIT) == set(AU_KEYS)


@given(st.lists(st.floats(0, 5), min_size=17, max_size=17), st.floats(-35, 35), st.floats(-30, 30))
def test_action_units_and_gaze_survive_the_way_there_and_back(au: list[float], yaw: float, pitch: float) -> None:
    values = np.array([au], np.float32)
    weights = from_action_units(values, np.array([[yaw, pitch]]))
    assert ((weights >= 0) & (weights <= 1)).all()
    back, gaze, _ = to_action_units(weights, EVERYTHING)
    np.testing.assert_allclose(back, values, atol=1e-5)
    np.testing.assert_allclose(gaze, [[yaw, pitch]], atol=1e-6)


@pytest.mark.parametrize(
    "spell",
    [
        str,
        str.lower,
        str.upper,
        lambda n: n[0].lower() + n[1:],
        lambda n: n.replace("Left", "_L").replace("Right", "_R"),
    ],
)
def test_names_are_matched_whatever_their_case(spell: object) -> None:
    names = tuple(spell(name) if name not in ("JawLeft", "JawRight") else name for name in ARKIT)  # type: ignore[operator]
    assert match(names) == ARKIT_INDEX


def test_what_is_lost_is_listed_channel_by_channel() -> None:
    weights = np.zeros((2, 52))
    weights[1, ARKIT_INDEX["MouthFunnel"]] = 0.7
    weights[1, ARKIT_INDEX["MouthSmileLeft"]] = 0.8
    weights[1, ARKIT_INDEX["MouthPressLeft"]] = weights[1, ARKIT_INDEX["MouthPressRight"]] = 0.5
    au, _, warnings = to_action_units(weights, EVERYTHING - {"BrowInnerUp"})
    assert au[1, AU_INDEX["AU12"]] == pytest.approx(2.0)
    text = "\n".join(warnings)
    assert "MouthFunnel (up to 0.70) has no action unit" in text
    assert "MouthSmileLeft and MouthSmileRight differ by up to 0.80" in text
    assert "BrowInnerUp are not in the file; AU1 stays at zero" in text
    assert "AU23: MouthPress" in text
    assert len(warnings) == 4


def test_looking_left_turns_both_eyes() -> None:
    weights = from_action_units(np.zeros((1, 17), np.float32), np.array([[35.0, 15.0]]))[0]
    seen = {name: weights[i] for name, i in ARKIT_INDEX.items() if weights[i]}
    assert seen == pytest.approx(
        {"EyeLookOutLeft": 1, "EyeLookInRight": 1, "EyeLookUpLeft": 0.5, "EyeLookUpRight": 0.5}
    )
