from __future__ import annotations

import numpy as np
import pytest

from studio.document.action_units import AU_INDEX, AU_KEYS
from studio.engine.capture.actions import FEATURES, explain, find_actions, load_table, neutral_face
from studio.engine.speech.articulators import ARTICULATORS, N_ARTICULATORS

TABLE = load_table()
SILENT = np.zeros((1, N_ARTICULATORS))


@pytest.mark.parametrize("key", AU_KEYS)
def test_a_face_that_moves_as_one_action_unit_does_is_read_as_it(key: str) -> None:
    change = 0.7 * TABLE.units[AU_INDEX[key]][None]
    shares, explained = explain(change, SILENT, TABLE)
    assert int(np.argmax(shares[0])) == AU_INDEX[key]
    assert shares[0, AU_INDEX[key]] > 0.35
    assert explained[0] > 0.6


def test_more_of_it_is_read_as_more() -> None:
    grades = np.linspace(0, 1, 6)[:, None]
    shares, _ = explain(grades * TABLE.units[AU_INDEX["AU12"]], np.repeat(SILENT, 6, 0), TABLE)
    assert (np.diff(shares[:, AU_INDEX["AU12"]]) > 0.05).all()


def test_a_mouth_opened_by_speech_is_no_dropped_jaw() -> None:
    said = SILENT.copy()
    said[0, ARTICULATORS.index("jaw_open")], said[0, ARTICULATORS.index("voice")] = 0.8, 1.0
    change = 0.8 * TABLE.speech[ARTICULATORS.index("jaw_open")][None]
    speaking, _ = explain(change, said, TABLE)
    silent, _ = explain(change, SILENT, TABLE)
    opened = [AU_INDEX["AU25"], AU_INDEX["AU26"]]
    assert speaking[0, opened].max() < 0.15
    assert silent[0, opened].max() > 0.4


def test_neutral_is_the_persons_own() -> None:
    rng = np.random.default_rng(0)
    own = rng.uniform(0, 0.3, len(FEATURES))
    au = np.zeros((300, len(AU_KEYS)))
    au[100:160, AU_INDEX["AU12"]] = np.hanning(60)
    au[200:240, AU_INDEX["AU2"]] = np.hanning(40)
    features = own + au @ TABLE.units + 0.002 * rng.normal(size=(300, len(FEATURES)))
    assert np.abs(neutral_face(features) - own).max() < 0.02
    good = np.ones(300, bool)
    good[50:60] = False
    features[50:60] = np.nan
    found = find_actions(features, good, np.zeros((300, N_ARTICULATORS)), TABLE, np.arange(300) / 25)
    assert np.isfinite(found.au).all()
    assert int(np.argmax(found.au[130])) == AU_INDEX["AU12"]
    assert int(np.argmax(found.au[220])) == AU_INDEX["AU2"]
    assert found.au[20].max() < 0.5
