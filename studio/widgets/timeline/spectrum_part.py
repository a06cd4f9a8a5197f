"""Shows and hides the spectrogram; it is made in the background when it is first looked at."""

from __future__ import annotations

import numpy as np

from studio.widgets.bridge import Worker
from studio.widgets.context import Studio
from studio.widgets.sound_clip import Clip
from studio.widgets.timeline.spectrum import Spectrum

SETTING = "timeline/spectrogram"


class SpectrumPart:
    """Between the action, the clip and the timeline."""

    def __init__(self, studio: Studio) -> None:
        self._studio, self._timeline = studio, studio.timeline
        self._action = studio.actions["timeline.spectrogram"]
        self._worker = Worker("spectrogram", studio.window)
        self._wanted: Clip | None = None
        self._of: object = None
        studio.actions.connect({"timeline.spectrogram": self._toggled})
        studio.session.clip_changed.connect(self._clip_changed)
        studio.timeline.canvas.header_clicked.connect(self._action.trigger)
        remembered = studio.settings is not None and studio.settings.value(SETTING, False, bool)
        self._action.setChecked(bool(remembered))
        self._show()

    def close(self) -> None:
        """End the worker."""
        self._worker.close()

    def _toggled(self) -> None:
        if self._studio.settings is not None:
            self._studio.settings.setValue(SETTING, self._action.isChecked())
        self._show()

    def _show(self) -> None:
        self._timeline.show_spectrum(self._action.isChecked())
        self._make()

    def _clip_changed(self, clip: Clip | None) -> None:
        self._wanted = clip
        if clip is None or clip.samples is not self._of:
            self._of = None
            self._timeline.set_spectrum(None)
        self._make()

    def _make(self) -> None:
        clip = self._wanted
        if clip is None or self._of is clip.samples or not self._action.isChecked():
            return
        self._of = clip.samples

        def deliver(spectrum: Spectrum) -> None:
            if self._of is clip.samples:
                self._timeline.set_spectrum(spectrum)

        def make() -> Spectrum:
            return Spectrum.of(np.ascontiguousarray(clip.samples.mean(axis=1), np.float32), clip.rate_hz)

        self._worker.run(make, deliver, self._studio.fail)
