"""For the command line: a toy to export, and hands to call a command with."""

from __future__ import annotations

import wave
from collections.abc import Callable
from pathlib import Path

import pytest

from studio import cli
from studio.engine.speech import features
from studio.engine.speech.audio import Audio
from tests.support import toy_speech

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="session")
def avatar(avatar_file: Path) -> Path:
    """The toy's file."""
    return avatar_file


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    path = tmp_path / "speech.wav"
    write_wav(path, 1.0)
    return path


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder / "a.mp4"


@pytest.fixture(autouse=True)
def quick_features(monkeypatch: pytest.MonkeyPatch) -> None:
    """The speech encoder has tests of its own; here the mouth rests."""

    def rest(audio: Audio) -> features.SpeechFeatures:
        return features.silence(audio.duration_s)

    monkeypatch.setattr(features, "extract_features", rest)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process: exit code, standard output, standard error."""

    def command(*words: object) -> tuple[int, str, str]:
        try:
            code = cli.main([str(word) for word in words])
        except SystemExit as stop:
            code = int(stop.code or 0)
        text = capsys.readouterr()
        return code, text.out, text.err

    return command


def write_wav(path: Path, seconds: float) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes((toy_speech(seconds) * 32767).astype("<i2").tobytes())


def refused(result: tuple[int, str, str], *, code: int = 1, says: str) -> None:
    """One line on standard error, nothing on standard output."""
    got, out, err = result
    assert got == code, err
    assert out == ""
    assert err.count("\n") == 1, err
    assert says in err
    assert "Traceback" not in err
