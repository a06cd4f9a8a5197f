from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from studio import app
from studio.engine.avatar import save_avatar
from studio.errors import StudioError
from studio.widgets import appearance, sample
from tests.support import toy_avatar

ROOT = Path(__file__).resolve().parents[1]

FIRST_PAINT = """
import sys
from studio import app
from studio.playback.device import SilentOutput
from studio.widgets.main_window import MainWindow
application = app.make_application(["test"])
window = MainWindow(SilentOutput(), app.load_renderer)
window.show()
application.processEvents()
heavy = [name for name in ("torch", "numba", "librosa", "scipy", "av", "sounddevice") if name in sys.modules]
image = window.grab().toImage()
colours = {image.pixel(x, y) for x in range(0, 600, 7) for y in range(100, 400, 7)}
print(heavy, window.viewport.presenter.kind, image.width() > 600, len(colours) > 1)
window.close()
"""


def test_the_window_is_painted_before_anything_heavy_is_imported_also_without_opengl() -> None:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(
        [sys.executable, "-c", FIRST_PAINT], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.stdout.split("\n")[0] == "[] raster True True", done.stderr


def test_an_avatar_is_loaded_by_path(tmp_path: Path) -> None:
    path = tmp_path / "toy.safetensors"
    save_avatar(toy_avatar(300), path)
    assert app.load_renderer(path).avatar.info.name == "Toy"
    with pytest.raises(StudioError, match="nobody"):
        app.load_renderer(Path("nobody"))


def test_the_first_clip_is_a_shipped_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = sample.sample_speech()
    assert clip is None or clip.parent.name == "speech"
    monkeypatch.setattr(sample, "assets_dir", lambda: tmp_path)
    assert sample.sample_speech() is None
    (tmp_path / "speech").mkdir()
    for name in ("b.wav", "a.flac", "README.md"):
        (tmp_path / "speech" / name).touch()
    assert sample.sample_speech() == tmp_path / "speech" / "a.flac"


@pytest.mark.parametrize("arguments", [["--help"], ["a", "b"]])
def test_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        app.main(arguments)
    assert stopped.value.code == (0 if arguments == ["--help"] else 2)
    assert "project" in capsys.readouterr().out + capsys.readouterr().err or stopped.value.code == 2


def test_a_restart_opens_the_same_project_at_the_size_chosen_last(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[tuple[list[str], dict[str, str]]] = []

    def popen(words: list[str], env: dict[str, str]) -> None:
        begun.append((words, env))

    monkeypatch.setattr(subprocess, "Popen", popen)
    monkeypatch.setenv(appearance.SCALE_VARIABLE, "1.5")
    app.restart("/tmp/a.emozone", own_scale=True)
    app.restart("", own_scale=False)
    assert [words[-1] for words, _ in begun] == ["/tmp/a.emozone", "studio"]
    assert [appearance.SCALE_VARIABLE in env for _, env in begun] == [False, True]
    assert begun[0][0][:3] == [sys.executable, "-m", "studio.cli"]
