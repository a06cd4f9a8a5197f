from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.document.action_units import AU_INDEX
from studio.document.takes import N_AU, Base, Blinks, Take
from tests.document.strategies import takes

BLINK = AU_INDEX["AU45"]


@given(takes)
def test_a_take_shows_its_frames_at_their_moments(take: Take) -> None:
    moments = np.arange(take.frames) / take.fps
    np.testing.assert_allclose(take.sample(moments), take.au, atol=1e-5)
    if take.pose is not None:
        np.testing.assert_allclose(take.sample_pose(moments), take.pose, atol=1e-4)


@given(takes, st.floats(-10, 10))
def test_between_and_beyond_frames_a_take_stays_within_its_values(take: Take, time: float) -> None:
    value = take.sample(np.array([time]))[0]
    assert (value >= take.au.min(0) - 1e-6).all()
    assert (value <= take.au.max(0) + 1e-6).all()
    np.testing.assert_array_equal(take.sample(np.array([-5.0]))[0], take.au[0])
    np.testing.assert_array_equal(take.sample(np.array([1e5]))[0], take.au[-1])


def test_equal_takes_are_equal_whatever_their_identity() -> None:
    frames = np.ones((3, N_AU), np.float32)
    assert Take("a", 25, frames) == Take("a", 25, frames.copy())
    assert hash(Take("a", 25, frames)) == hash(Take("a", 25, frames.copy()))
    assert Take("a", 25, frames) != Take("a", 25, frames * 2)
    assert Take("a", 25, frames) != Take("a", 25, frames, np.zeros((3, 5), np.float32))


def test_a_take_clips_intensities_and_cannot_be_written_to() -> None:
    take = Take("a", 25, np.full((1, N_AU), 7, np.float32))
    assert take.au.max() == 5
    with pytest.raises(ValueError, match="read-only"):
        take.au[0, 0] = 1
    assert take.duration_s == pytest.approx(0.04)


@pytest.mark.parametrize(
    ("fps", "au", "pose"),
    [
        (25, np.zeros((0, N_AU)), None),
        (25, np.zeros((2, 3)), None),
        (0, np.zeros((2, N_AU)), None),
        (25, np.full((2, N_AU), np.nan), None),
        (25, np.zeros((2, N_AU)), np.zeros((3, 5))),
    ],
)
def test_senseless_takes_are_refused(fps: float, au: np.ndarray, pose: np.ndarray | None) -> None:
    with pytest.raises(ValueError, match="take"):
        Take("a", fps, au, pose)


@given(st.floats(1, 60), st.integers(0, 2**32 - 1), st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=20))
def test_blinks_depend_only_on_rate_seed_and_moment(rate: float, seed: int, moments: list[float]) -> None:
    blinks = Blinks(rate, seed)
    together = blinks.sample(np.array(moments))
    alone = [blinks.sample(np.array([t]))[0] for t in moments]
    np.testing.assert_array_equal(together, alone)
    assert ((together >= 0) & (together <= 5)).all()


@pytest.mark.parametrize("rate", [6.0, 14.0, 25.0])
def test_blinks_come_about_as_often_as_asked_and_irregularly(rate: float) -> None:
    lid = Blinks(rate, 3).sample(np.arange(0, 1800, 0.01))
    starts = np.flatnonzero((lid[1:] > 2.5) & (lid[:-1] <= 2.5)) * 0.01
    assert len(starts) / 30 == pytest.approx(rate * (1 + Blinks.DOUBLE_PROBABILITY), rel=0.1)
    assert np.diff(starts).std() > 0.3 * 60 / rate
    assert lid.max() == pytest.approx(5)
    assert (lid == 0).mean() > 0.7


def test_other_seeds_blink_at_other_moments() -> None:
    times = np.arange(0, 60, 0.04)
    assert not np.array_equal(Blinks(seed=1).sample(times), Blinks(seed=2).sample(times))


@pytest.mark.parametrize("values", [{"per_minute": 0}, {"per_minute": 100}, {"intensity": 6}, {"seed": -1}])
def test_senseless_blinks_are_refused(values: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="blink"):
        Blinks(**values)  # type: ignore[arg-type]


def test_the_stronger_of_take_and_blink_wins() -> None:
    frames = np.zeros((1, N_AU), np.float32)
    frames[:, BLINK] = 3
    base = Base(Take("a", 25, frames), blinks=Blinks())
    lid = base.sample(np.arange(0, 60, 0.02))[:, BLINK]
    assert lid.min() == 3
    assert lid.max() == pytest.approx(5)


def test_a_take_begins_where_it_is_put() -> None:
    frames = np.zeros((2, N_AU), np.float32)
    frames[1] = 4
    base = Base(Take("a", 25, frames), start_s=2.0)
    np.testing.assert_allclose(base.sample(np.array([2.0, 2.02, 2.04]))[:, 0], [0, 2, 4], atol=1e-6)


@given(rate=st.floats(1, 60), seed=st.integers(0, 999))
def test_the_moments_of_blinks_are_where_the_lid_begins_to_move(rate: float, seed: int) -> None:
    blinks = Blinks(per_minute=rate, seed=seed)
    moments = blinks.moments(90.0)
    assert moments == sorted(moments)
    assert all(0 <= moment < 90.0 for moment in moments)
    shut = np.array(moments) + blinks.CLOSE_S + blinks.SHUT_S / 2
    assert np.allclose(blinks.sample(shut), blinks.intensity)
    times = np.arange(0, 90, 0.01)
    moving = blinks.sample(times) > 0.01
    covered = np.zeros(len(times), bool)
    for moment in moments:
        covered |= (times >= moment - 1e-9) & (times <= moment + blinks.LENGTH_S)
    assert not (moving & ~covered & (times > blinks.LENGTH_S)).any()
