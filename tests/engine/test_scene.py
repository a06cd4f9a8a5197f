import numpy as np

from studio.document.performance import Performance
from studio.engine.controls import WINDOW, Pose, window_times
from studio.engine.scene import Scene


class _Speech:
    """Speech whose features tell the time they were asked for."""

    def window(self, time_s):
        return np.full((WINDOW, 10), time_s, np.float32)


class _Performance:
    """A performance whose first action unit tells the time, and whose pose counts."""

    def sample(self, times_s):
        return np.stack([np.asarray(times_s)] + [np.zeros(len(times_s))] * 16, 1)

    def pose(self, time_s):
        return np.arange(5) + time_s


def test_window_is_sampled_around_the_moment_drawn():
    controls = Scene(_Speech(), _Performance()).controls(2.0)
    assert controls.au.dtype == np.float32
    assert np.allclose(controls.au[:, 0], window_times(2.0))
    assert controls.au[4, 0] == 2.0
    assert (controls.speech == 2.0).all()
    assert controls.pose == Pose(2.0, 3.0, 4.0, 5.0, 6.0)


def test_without_speech_it_is_silent():
    assert not Scene(None, _Performance()).controls(1.0).speech.any()


def test_held_action_unit_is_held_over_the_whole_window():
    controls = Scene(None, Performance.held({"AU12": 3.0})).controls(0.0)
    assert (controls.au[:, 9] == 3.0).all()
    assert controls.au.sum() == 3.0 * WINDOW
