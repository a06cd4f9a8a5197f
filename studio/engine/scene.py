"""What happens when: speech and performance, sampled into the controls of one frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from studio.engine.controls import WINDOW, Controls, Pose, window_times
from studio.engine.speech.articulators import N_ARTICULATORS

if TYPE_CHECKING:
    from studio.document.performance import Performance
    from studio.engine.speech.features import SpeechFeatures


@dataclass(frozen=True)
class Scene:
    """A performance over speech; immutable, so that threads may share it."""

    speech: SpeechFeatures | None  # None is silence
    performance: Performance

    def controls(self, time_s: float) -> Controls:
        """What drives the avatar at `time_s`: the one path for viewport, export and tests."""
        au = np.asarray(self.performance.sample(window_times(time_s)), dtype=np.float32)
        silent = np.zeros((WINDOW, N_ARTICULATORS), np.float32)
        speech = silent if self.speech is None else self.speech.window(time_s)
        return Controls(au, speech, Pose(*(float(angle) for angle in self.performance.pose(time_s))))
