from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from studio.engine.speech.audio import load_audio
from studio.errors import StudioError
from studio.playback import recorder as recorder_module
from studio.playback.recorder import Recorder, take_path
from tests.playback.fake_input import RATE_HZ, Microphones, tone
from tests.playback.test_sync_probe import ROOT, jack

__all__ = ["jack"]


@pytest.fixture
def microphones() -> Microphones:
    return Microphones()


@pytest.fixture
def recorder(microphones: Microphones) -> Recorder:
    return Recorder(partial(microphones.open, None))


def test_a_take_is_every_sample_that_was_heard(recorder: Recorder, microphones: Microphones, tmp_path: Path) -> None:
    samples = tone(1.5)
    microphones.newest.hear(tone(0.5))  # before: only the meter
    recorder.start(tmp_path / "takes" / "a.flac")
    microphones.newest.hear(samples)
    assert recorder.recording
    assert recorder.elapsed_s == pytest.approx(1.5)
    take = recorder.stop()
    microphones.newest.hear(tone(0.5))
    assert take.path == tmp_path / "takes" / "a.flac"
    assert (take.duration_s, take.peak) == (1.5, pytest.approx(0.5, abs=1e-3))
    assert not take.clipped
    audio = load_audio(take.path)
    assert (audio.rate_hz, audio.samples.shape) == (RATE_HZ, (12_000, 1))
    np.testing.assert_allclose(audio.samples[:, 0], samples, atol=2**-22)
    assert [path.name for path in (tmp_path / "takes").iterdir()] == ["a.flac"]


def test_the_level_says_what_is_heard_now(recorder: Recorder, microphones: Microphones) -> None:
    microphones.newest.hear(tone(0.1, 0.25))
    assert recorder.level.peak == pytest.approx(0.25, abs=0.01)
    assert recorder.level.rms == pytest.approx(0.25 / np.sqrt(2), abs=0.01)
    microphones.newest.hear(tone(0.1, 1.0))
    microphones.newest.hear(tone(0.1, 0.1))
    assert recorder.loudest() == (pytest.approx(1.0, abs=1e-3), True)
    assert recorder.loudest() == (0.0, False)


def test_too_loud_is_told_with_the_take(recorder: Recorder, microphones: Microphones, tmp_path: Path) -> None:
    recorder.start(tmp_path / "a.flac")
    microphones.newest.hear(np.clip(tone(0.2, 1.6), -1, 1))
    assert recorder.stop().clipped


def test_a_take_in_which_nothing_arrived_is_no_file(recorder: Recorder, tmp_path: Path) -> None:
    recorder.start(tmp_path / "a.flac")
    with pytest.raises(StudioError, match="Nothing was heard from fake microphone"):
        recorder.stop()
    assert list(tmp_path.iterdir()) == []


def test_a_cancelled_take_is_no_file(recorder: Recorder, microphones: Microphones, tmp_path: Path) -> None:
    recorder.start(tmp_path / "a.flac")
    microphones.newest.hear(tone(0.2))
    recorder.close()
    assert microphones.newest.closed
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_one_sentence(recorder: Recorder, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StudioError, match=r"a\.flac could not be written"):
        recorder.start(tmp_path / "file" / "a.flac")
    assert not recorder.recording


def test_a_disk_that_fails_meanwhile_is_one_sentence(
    recorder: Recorder, microphones: Microphones, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_writer: object, _block: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(recorder_module._TakeWriter, "_frame", full)
    recorder.start(tmp_path / "a.flac")
    microphones.newest.hear(tone(0.2))
    with pytest.raises(StudioError, match="No space left"):
        recorder.stop()
    assert list(tmp_path.iterdir()) == []


def test_a_take_ends_at_the_longest_sound_that_can_be_opened(
    recorder: Recorder, microphones: Microphones, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder_module, "MAX_TAKE_S", 0.5)
    recorder.start(tmp_path / "a.flac")
    microphones.newest.hear(tone(2.0))
    assert recorder.full
    assert recorder.stop().duration_s == 0.5


def test_orders_that_make_no_sense(recorder: Recorder, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no take runs"):
        recorder.stop()
    recorder.start(tmp_path / "a.flac")
    with pytest.raises(ValueError, match="a take runs already"):
        recorder.start(tmp_path / "b.flac")
    recorder.cancel()


def test_names_count_up_and_spare_what_is_there(tmp_path: Path) -> None:
    first = take_path(tmp_path)
    first.touch()
    second = take_path(tmp_path)
    second.with_name(second.name + ".part").touch()
    assert len({first, second, take_path(tmp_path)}) == 3


@pytest.mark.jack
def test_a_take_from_a_real_device(jack: None, tmp_path: Path) -> None:
    code = f"""
import sys, time
from functools import partial
from pathlib import Path
from studio.playback.devices import find_devices, open_microphone
from studio.playback.recorder import Recorder
if not any(device.system.startswith("JACK") for device in find_devices("input")):
    sys.exit(77)
key = next(device.key for device in find_devices("input") if device.system.startswith("JACK"))
recorder = Recorder(partial(open_microphone, key))
recorder.start(Path({str(tmp_path)!r}) / "a.flac")
until = time.monotonic() + 20
while recorder.elapsed_s < 1.0 and time.monotonic() < until:
    time.sleep(0.05)
take = recorder.stop()
recorder.close()
print(take.duration_s)
"""
    environment = {**os.environ, "JACK_NO_START_SERVER": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120
    )
    if done.returncode == 77:
        pytest.skip("this PortAudio was built without JACK")
    assert done.returncode == 0, done.stderr
    audio = load_audio(tmp_path / "a.flac")
    assert audio.duration_s == pytest.approx(float(done.stdout), abs=1e-3)
    assert audio.duration_s >= 1.0
    assert audio.rate_hz == 48_000
