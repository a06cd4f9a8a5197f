from __future__ import annotations

import shutil
import subprocess

import pytest

from studio.engine.renderer import Renderer
from studio.playback import device
from studio.playback.sync_probe import SlowRenderer, measure
from tests.support import toy_avatar


def test_without_sound_hardware_the_probe_still_measures_the_pacing() -> None:
    report = measure(
        device.SilentOutput(), SlowRenderer(Renderer(toy_avatar(300), backend="cpu"), 5.0), 2.0, height_px=32
    )
    assert report.shown > 5
    assert report.clock_residual_p95_ms < 1.0


@pytest.mark.jack
@pytest.mark.skipif(shutil.which("jack_lsp") is None and shutil.which("jackd") is None, reason="JACK is not installed")
def test_picture_and_sound_stay_together_on_a_real_device() -> None:
    server = subprocess.Popen(
        ["jackd", "--no-realtime", "-d", "dummy", "-r", "48000", "-p", "1024"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        output = device.open_output()
        if output.notice is not None:
            pytest.skip("PortAudio sees no JACK server")
        report = measure(output, SlowRenderer(Renderer(toy_avatar(300), backend="cpu"), 10.0), 5.0, height_px=64)
    finally:
        server.terminate()
        server.communicate(timeout=20)
    assert report.shown > 20
    assert abs(report.median_ms) <= 20.0
