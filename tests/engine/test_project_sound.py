from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.document.model import Media, Project, SoundEdit
from studio.engine.speech.audio import Audio
from studio.engine.speech.project_sound import cut, edited, peak_db, project_audio
from studio.errors import StudioError
from tests.widgets.conftest import write_wav

RATE_HZ = 8000
RAMP = Audio((np.arange(16_000, dtype=np.float32) / 16_000)[:, None], RATE_HZ)  # two seconds


def test_no_edit_is_the_file_itself() -> None:
    assert edited(RAMP, SoundEdit()) is RAMP
    assert edited(RAMP, SoundEdit(out_s=5.0)) is RAMP


def test_a_cut_is_heard_from_the_start_or_where_it_is_put() -> None:
    heard = edited(RAMP, SoundEdit(0.5, 1.5))
    np.testing.assert_array_equal(heard.samples, RAMP.samples[4000:12_000])
    later = edited(RAMP, SoundEdit(0.5, 1.5, start_s=0.5))
    assert later.duration_s == 1.5
    np.testing.assert_array_equal(later.samples[:4000], 0)
    np.testing.assert_array_equal(later.samples[4000:], RAMP.samples[4000:12_000])  # in place


def test_gain_is_in_decibels_and_what_does_not_fit_is_cut_off() -> None:
    quiet = edited(RAMP, SoundEdit(gain_db=-20.0))
    np.testing.assert_allclose(quiet.samples, RAMP.samples * 0.1, rtol=1e-5)
    loud = edited(RAMP, SoundEdit(gain_db=6.0206))
    np.testing.assert_allclose(loud.samples[:7000], RAMP.samples[:7000] * 2, rtol=1e-4)
    assert loud.samples.max() == 1.0


def test_the_file_stays_as_it_is() -> None:
    before = RAMP.samples.copy()
    edited(RAMP, SoundEdit(0.1, 1.0, 0.2, 12.0))
    np.testing.assert_array_equal(RAMP.samples, before)


def test_a_project_that_wants_hours_is_refused() -> None:
    with pytest.raises(StudioError, match="earlier"):
        edited(RAMP, SoundEdit(start_s=7200.0))


@given(st.floats(0.05, 20.0), st.floats(0, 30), st.none() | st.floats(0.01, 30), st.floats(0, 3))
def test_whatever_the_cuts_there_is_a_sound(duration_s: float, in_s: float, length: float | None, start: float) -> None:
    edit = SoundEdit(in_s, None if length is None else in_s + length, start)
    first, past = cut(duration_s, edit)
    assert 0 <= first < past <= duration_s
    assert past - first >= 0.039
    audio = Audio(np.zeros((round(duration_s * 1000), 1), np.float32), 1000)
    assert edited(audio, edit).duration_s == pytest.approx(start + past - first, abs=0.003)


def test_peaks() -> None:
    assert peak_db(np.array([[0.1], [-0.5]], np.float32)) == pytest.approx(-6.02, abs=0.01)
    assert peak_db(np.zeros((4, 1), np.float32)) == -np.inf


def test_a_projects_sound_is_its_file_as_edited(tmp_path: Path) -> None:
    media = Media.file(write_wav(tmp_path / "speech.wav", 2.0))
    assert project_audio(Project()) is None
    audio = project_audio(Project(audio=media, sound=SoundEdit(0.5, 1.0, gain_db=-6.0)))
    assert audio is not None
    assert audio.duration_s == 0.5
    assert peak_db(audio.samples) == pytest.approx(20 * np.log10(12000 / 32768) - 6.0, abs=0.1)
