"""Work that users wait for: an export, and the pass over a speech."""

from __future__ import annotations

import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np

from studio.engine.assets import assets_dir
from studio.engine.bench.figures import Figure, Findings
from studio.engine.bench.frames import BusyScene, Setting
from studio.engine.export import BACKGROUND, export_clip
from studio.engine.renderer import Renderer
from studio.engine.speech.audio import Audio, load_audio
from studio.engine.speech.features import extract_features
from studio.errors import StudioError

EXPORT_S = 2.0
"""Length of the exported clip: long enough for the encoder to reach its pace."""

EXPORT_PX = 512
"""Where it is among the sizes; else the largest of them."""

EXPORT_RUNS = 3
FPS = 25
SPEECH_S = 12.0
SPEECH_RATE_HZ = 16_000


def measure_export(setting: Setting) -> Findings:
    """Frames per second of whole exports with sound, from the first frame to the finished file."""
    size = EXPORT_PX if EXPORT_PX in setting.sizes_px else max(setting.sizes_px)
    size += size % 2
    renderer = Renderer(setting.avatar, backend=setting.backend)
    camera = setting.avatar.camera(width=size, height=size)
    renderer.frame(BusyScene().controls(0.0), camera, background=BACKGROUND)
    runs = []
    with tempfile.TemporaryDirectory() as folder:
        for run in range(EXPORT_RUNS):
            setting.tell("export", run / EXPORT_RUNS)
            setting.yardstick.measure()
            path = Path(folder) / "bench.mp4"
            report = export_clip(renderer, BusyScene(), hum(EXPORT_S), path, fps=FPS, size=size, camera=camera)
            runs.append(report.frames / report.elapsed_s)
    figure = Figure.of(
        "export.fps", f"export at {size}²", "fps", runs, better="higher", aim=FPS if size <= 512 else None
    )
    real = [run / FPS for run in runs]
    pace = Figure.of("export.pace", f"export at {size}²", "× real time", real, better="higher")
    facts = {"export_fps": round(figure.value, 2), "export_size_px": size, "export_encoder": report.encoder}
    return Findings(facts, [figure, pace])


def measure_encoder(setting: Setting) -> Findings:
    """How many times faster than it is spoken a speech becomes articulators."""
    speech = spoken(SPEECH_S)
    encode_s(speech)  # loads the encoder
    runs = []
    for _ in range(setting.runs):
        setting.yardstick.measure()
        runs.append(speech.duration_s / encode_s(speech))
    figure = Figure.of("encoder.pace", "speech encoder", "× real time", runs, better="higher", aim=1.0)
    return Findings({"encoder_pace": round(figure.value, 1)}, [figure])


def encode_s(audio: Audio) -> float:
    """Seconds of one pass over a speech."""
    began = perf_counter()
    extract_features(audio, cache=False)
    return perf_counter() - began


def spoken(seconds: float) -> Audio:
    """The shipped speech, repeated or cut to that length; a hum where there is none."""
    clips = sorted((assets_dir() / "speech").glob("*.flac"))
    try:
        audio = load_audio(clips[0]) if clips else hum(seconds)
    except StudioError:
        audio = hum(seconds)
    wanted = round(seconds * audio.rate_hz)
    rounds = -(-wanted // max(1, len(audio.samples)))
    return Audio(np.tile(audio.samples, (rounds, 1))[:wanted], audio.rate_hz)


def hum(seconds: float) -> Audio:
    """A sound of that length."""
    time = np.arange(round(seconds * SPEECH_RATE_HZ)) / SPEECH_RATE_HZ
    return Audio(0.2 * np.sin(2 * np.pi * 120 * time).astype(np.float32)[:, None], SPEECH_RATE_HZ)
