from __future__ import annotations

import numpy as np
import pytest

from studio.document.curves import Curve
from studio.document.expressions import Clip, Expressions
from studio.document.lanes import Lane
from studio.document.performance import Performance
from studio.document.takes import Base, Blinks, Take
from studio.widgets.layers.explain import winner_text

HALF = Lane("AU12", held=1.0, mode="add", weight=0.5)
TAKE = Take("monday", 25, np.full((50, 17), 0.5, np.float32))
HAPPY = Expressions((Clip("happy", 0.0, 4.0, 0.6),))
KEYS = Lane("AU12", Curve().with_key(1.0, 1.8))


def test_all_layers_are_named_the_deciding_one_first() -> None:
    performance = Performance(Base(TAKE), HAPPY, (KEYS,))
    assert winner_text(performance, "AU12", 2.0) == "AU12 1.80: keys over happy 0.6 over take"


@pytest.mark.parametrize(
    ("performance", "target", "said"),
    [
        (Performance(), "AU4", "AU4 0.00: neutral"),
        (Performance.held({"AU4": 2.0}), "AU4", "AU4 2.00: slider"),
        (Performance(expressions=HAPPY), "AU4", "AU4 0.00: neutral"),
        (
            Performance(lanes=(Lane("AU12", held=1.0, mode="add", weight=0.5),)),
            "AU12",
            "AU12 0.50: slider (added, 50%)",
        ),
        (Performance(lanes=(Lane("AU12", held=1.0, mute=True),)), "AU12", "AU12 0.00: neutral"),
        (Performance(lanes=(Lane("head_yaw", Curve().with_key(0, 12)),)), "head_yaw", "Head turn 12.0°: keys"),
        (Performance(), "camera_yaw", "Camera orbit: the viewer's own camera"),
    ],
)
def test_what_is_said(performance: Performance, target: str, said: str) -> None:
    assert winner_text(performance, target, 2.0) == said


def test_blinks_are_named_while_the_lid_moves() -> None:
    performance = Performance(Base(blinks=Blinks()))
    times = np.arange(0, 20, 0.04)
    shut = float(times[np.argmax(performance.sample(times)[:, 7])])
    said = {winner_text(performance, "AU45", float(time)).partition(": ")[2] for time in (shut, *times[:3])}
    assert "blinks" in said


def test_the_value_is_what_the_face_shows() -> None:
    performance = Performance(Base(TAKE), HAPPY, (KEYS,))
    for key, value in zip(("AU6", "AU12"), performance.sample([1.5])[0, [4, 9]], strict=True):
        assert winner_text(performance, key, 1.5).startswith(f"{key} {value:.2f}")
