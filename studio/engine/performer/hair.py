"""Scalp hair: strands grown along a flow over the head."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from studio.engine.performer.head import FACE, Head
from studio.engine.performer.landmarks import Anatomy
from studio.engine.performer.materials import linear
from studio.engine.performer.strands import Strands
from studio.engine.performer.surface import hermite_curve

F64 = NDArray[np.float64]


def grow_hair(head: Head, anatomy: Anatomy, rng: np.random.Generator) -> Strands:
    n, k = 10, 4
    return Strands("hair", np.zeros((n, k, 3)), None, np.full((n, k), 1e-5), np.zeros((n, k, 3)))
