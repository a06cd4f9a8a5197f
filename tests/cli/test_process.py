"""`emozone` as a process: interrupted, killed, failing, quick to explain itself, told of its progress."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from studio import cli
from studio.commands import report
from tests.cli.conftest import Run, write_wav


def emozone(*words: object, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "studio.cli", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | environment, check=False)


def test_ctrl_c_cleans_up(run: Run, avatar: Path, speech: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(self: report.ProgressLine, text: str, share: float) -> None:
        if share > 0.3:
            raise KeyboardInterrupt

    monkeypatch.setattr(report.ProgressLine, "show", interrupt)
    code, _, err = run("export", "--avatar", avatar, "--audio", speech, "-o", out, "--size", 32)
    assert code == cli.STOPPED
    assert "stopped" in err
    assert list(out.parent.iterdir()) == []


def test_help_loads_nothing_heavy() -> None:
    code = "import sys, studio.cli\nstudio.cli.parser()\nprint(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "numpy", "numba", "av", "PySide6", "scipy", "librosa"} & set(loaded)
    assert "COMMAND" in emozone("--help").stdout


def test_a_polite_kill_cleans_up(avatar: Path, out: Path, tmp_path: Path) -> None:
    """The .part file is seen, then SIGTERM is sent, then it is gone; the export stays at its first frame."""
    sound = tmp_path / "speech.wav"
    write_wav(sound, 2.0)
    code = (
        "import sys, time\n"
        "from studio.commands import report\n"
        "from studio.engine.speech import features\n"
        "def stay(*_):\n"
        "    while True:\n"
        "        time.sleep(0.02)\n"
        "report.ProgressLine.show = stay\n"
        "features.extract_features = lambda audio: features.silence(audio.duration_s)\n"
        "from studio import cli\n"
        "sys.exit(cli.main())"
    )
    words = ["export", "--avatar", str(avatar), "--audio", str(sound), "-o", str(out), "--size", "64"]
    with subprocess.Popen([sys.executable, "-c", code, *words], stderr=subprocess.PIPE, text=True) as process:
        while not out.with_name("a.mp4.part").exists() and process.poll() is None:
            os.sched_yield()
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM, err
    assert list(out.parent.iterdir()) == []


def test_defects_go_to_a_log(tmp_path: Path) -> None:
    code = "\n".join(  # a command that has a defect
        (
            "import sys; from studio import cli; from studio.commands import make",
            "make.capture = lambda args: 1 / 0",
            "sys.exit(cli.main())",
        )
    )
    command = [sys.executable, "-c", code, "capture", "v.mp4", "-o", "c"]
    environment = os.environ | {"XDG_STATE_HOME": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "ZeroDivisionError" in done.stderr
    log = next(tmp_path.rglob("error.log"))
    assert str(log) in done.stderr
    assert "Traceback" in log.read_text()
    shown = subprocess.run(
        command, capture_output=True, text=True, env=environment | {"EMOZONE_DEBUG": "1"}, check=False
    )
    assert "Traceback" in shown.stderr


class Terminal:
    """A stream that remembers, and is a terminal or not."""

    def __init__(self, live: bool) -> None:
        self.live, self.text = live, ""

    def isatty(self) -> bool:
        return self.live

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None:
        pass


def test_progress_is_one_line_on_a_terminal_and_few_in_a_log() -> None:
    terminal, log = Terminal(live=True), Terminal(live=False)
    for stream in (terminal, log):
        with report.ProgressLine(stream) as line:  # type: ignore[arg-type]
            for i in range(1, 1001):
                line.show(f"frame {i} of 1000", i / 1000)
    assert terminal.text.count("\n") == 1
    assert "\rframe 1000 of 1000" in terminal.text
    assert 9 <= log.text.count("\n") <= 12
    assert log.text.endswith("frame 1000 of 1000\n")
