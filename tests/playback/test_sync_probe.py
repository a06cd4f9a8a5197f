from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.engine.avatar import save_avatar
from studio.engine.renderer import Renderer
from studio.playback.device import SilentOutput
from studio.playback.sync_probe import SlowRenderer, Statements, main, measure
from tests.support import toy_avatar

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def avatar_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("avatar") / "toy.safetensors"
    save_avatar(toy_avatar(300), path)
    return path


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
    renderer = SlowRenderer(Renderer(toy_avatar(300), backend="cpu"), 5.0)
    report = measure(SilentOutput(), renderer, 2.0, height_px=32)
    assert report.shown > 3
    assert report.clock_residual_p95_ms < 1.0


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
    assert abs(report["median_ms"]) <= 20.0
    assert report["good"]
    assert done.returncode == 0


def test_statements_are_believed_between_and_extended_beyond() -> None:
    import numpy as np

    said = Statements(np.array([10.0, 11.0, 13.0]), np.array([0.0, 1000.0, 2000.0]), 1000.0)
    assert said.running_at(10.5) == 500
    assert said.running_at(12.0) == 1500  # half of the sound was lost there
    assert said.running_at(9.0) == -1000
    assert said.running_at(14.0) == 3000
    assert said.residual_s() > 0.05


def test_a_missing_avatar_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--avatar", "nobody", "--seconds", "2"]) == 1
    assert "nobody" in capsys.readouterr().err
