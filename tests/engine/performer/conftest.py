"""One small performer for all tests: building it takes a second."""

import numpy as np
import pytest

from studio.document.action_units import AU_INDEX
from studio.engine.performer.performer import Performer, load_performer
from studio.engine.speech.articulators import ARTICULATORS


@pytest.fixture(scope="session")
def nora() -> Performer:
    return load_performer("nora")


@pytest.fixture(scope="session")
def controls(nora):
    """Control vertices for action units and articulators given by name."""

    def make(**wanted: float):
        au, articulators = np.zeros((1, 17)), np.zeros((1, 10))
        for name, value in wanted.items():
            if name in AU_INDEX:
                au[0, AU_INDEX[name]] = value
            else:
                articulators[0, ARTICULATORS.index(name)] = value
        return nora.controls(nora.weights(au, articulators)[0])

    return make
