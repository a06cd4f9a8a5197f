from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from studio.engine.renderer import Renderer
from studio.errors import StudioError
from studio.playback.clock import Segment
from studio.playback.device import SilentOutput
from studio.playback.sync_probe import SlowRenderer, main, measure
from studio.playback.sync_report import Seen, Statements, SyncReport, offset_s, offsets_ms
from tests.support import toy_avatar

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def jack() -> Iterator[None]:
    """A JACK server without hardware, which keeps real time; one that runs already is used."""
    if shutil.which("jackd") is None or shutil.which("jack_wait") is None:
        pytest.skip("JACK is not installed")
    server = subprocess.Popen(
        ["jackd", "--no-realtime", "-d", "dummy", "-r", "48000", "-p", "1024"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        subprocess.run(["jack_wait", "-w", "-t", "20"], check=True, capture_output=True)
        yield
    finally:
        server.terminate()
        server.wait(20)


def test_without_sound_hardware_the_pacing_is_measured_on_the_computers_clock() -> None:
    renderer = SlowRenderer(Renderer(toy_avatar(300), backend="cpu"), 0.005)
    report = measure(SilentOutput(), renderer, 2.0, height_px=32)
    assert report.shown > 3
    assert report.clock_residual_p95_ms < 1.0
    assert json.loads(json.dumps(report.rounded()))["mode"] == "plain"
    assert report.sentence().startswith("plain: ")


@pytest.mark.jack
def test_picture_and_sound_stay_together_on_a_real_device(jack: None, avatar_file: Path) -> None:
    # A process of its own: PortAudio looks for sound servers only once.
    command = [sys.executable, "-m", "studio.playback.sync_probe", "--seconds", "5", "--size", "64", "--json"]
    environment = {**os.environ, "JACK_NO_START_SERVER": "1"}
    done = subprocess.run(
        [*command, "--avatar", str(avatar_file)], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=200
    )
    report = json.loads(done.stdout)
    if report["device"] == "silent":
        pytest.skip("this PortAudio was built without JACK")
    if report["underflows"] > 5 / (1024 / 48000) * 0.05:
        pytest.skip("the machine is too busy to play sound without dropouts")
    assert abs(report["median_ms"]) <= 10.0
    assert report["p95_ms"] <= 20.0
    assert done.returncode == (0 if report["good"] else 1)


def test_statements_are_believed_between_and_extended_beyond() -> None:
    said = Statements(np.array([10.0, 11.0, 13.0]), np.array([0.0, 1000.0, 2000.0]), 1000.0)
    assert said.running_at(10.5) == 500
    assert said.running_at(12.0) == 1500  # half of the sound was lost there
    assert said.running_at(9.0) == -1000
    assert said.running_at(14.0) == 3000
    assert said.residual_s() > 0.05


def test_a_missing_avatar_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--avatar", "nobody", "--seconds", "2"]) == 1
    assert "nobody" in capsys.readouterr().err


SAID = Statements(np.array([10.0, 110.0]), np.array([0.0, 100_000.0]), 1000.0)


def seen(at_s: float, time_s: float, segment: Segment) -> Seen:
    return Seen(at_s, time_s, segment)


def test_an_offset_is_picture_minus_sound_in_seconds_of_playback() -> None:
    plain = Segment(1, 0, 500, 90_000)
    assert offset_s(seen(12.0, 2.53, plain), SAID) == pytest.approx(0.03)
    half = Segment(1, 0, 0, 90_000, speed=0.5)
    assert offset_s(seen(12.0, 1.01, half), SAID) == pytest.approx(0.02)


def test_a_picture_before_its_sound_is_heard_does_not_count() -> None:
    assert offset_s(seen(12.0, 7.0, Segment(2, 2500, 7000, 90_000)), SAID) is None


def test_the_seam_of_a_loop_is_no_offset() -> None:
    loop = Segment(1, 0, 0, 90_000, (1000, 2000))
    assert offset_s(seen(11.99, 1.01, loop), SAID) == pytest.approx(0.02)


def test_too_few_pictures_say_nothing() -> None:
    with pytest.raises(StudioError, match="Only 1 pictures"):
        offsets_ms([seen(12.0, 2.0, Segment(1, 0, 0, 90_000))], SAID)


@pytest.mark.parametrize(
    ("median", "p95", "worst", "good"),
    [(9, 19, 44, True), (-11, 15, 20, False), (0, 21, 30, False), (0, 10, 46, False)],
)
def test_the_gates(median: float, p95: float, worst: float, good: bool) -> None:
    report = SyncReport("plain", "d", True, 60, 1500, 0, 25, 10, median, 0, p95, worst, 0, 0, 0)
    assert report.good is good
    assert ("NOT GOOD" in report.sentence()) is not good
