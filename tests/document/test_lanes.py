from __future__ import annotations

import pytest

from studio.document.action_units import AU_KEYS
from studio.document.curves import Curve
from studio.document.lanes import CHANNELS, FACE_KEYS, Lane


def test_every_action_unit_and_pose_channel_can_be_driven() -> None:
    assert set(AU_KEYS) < set(FACE_KEYS) < set(CHANNELS)
    for key in FACE_KEYS:
        channel = Lane(key).channel
        assert channel.low <= channel.neutral <= channel.high


def test_a_lane_is_silent_without_keys_and_held_value() -> None:
    assert Lane("AU4").silent
    assert not Lane("AU4", held=0.0).silent
    assert Lane("AU4", Curve().with_key(0, 1)).keyed


def test_a_second_lane_of_a_channel_has_a_name() -> None:
    assert Lane("AU4").id == "AU4"
    assert Lane("AU4", name="Frown on top").id == "Frown on top"


@pytest.mark.parametrize(
    "values",
    [
        {"target": "AU3"},
        {"target": "AU4", "weight": 2.0},
        {"target": "AU4", "held": float("nan")},
        {"target": "AU4", "mode": "mix"},
    ],
)
def test_senseless_lanes_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="lane"):
        Lane(**values)  # type: ignore[arg-type]
