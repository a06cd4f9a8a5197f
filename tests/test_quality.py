"""The repository keeps its own rules: lint, format, types, layers, sizes, and a README that is true."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

from studio import cli

ROOT = Path(__file__).resolve().parents[1]
MAX_FILE_MB = 15
MAX_TREE_MB = 60
PAINTS = 7_000
"""PySide6 6.12.0 on Python 3.11 loses a reference to None with every repaint and aborts after some 5,100."""


def tool(*words: str) -> None:
    done = subprocess.run([sys.executable, "-m", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout}{done.stderr}"


def tracked() -> list[Path]:
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if names.returncode != 0:
        pytest.skip("this is no git checkout")
    return [ROOT / name for name in names.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_lint() -> None:
    tool("ruff", "check", "--no-cache")


def test_format() -> None:
    tool("ruff", "format", "--check", "--no-cache")


@pytest.mark.timeout(600)
def test_types() -> None:
    tool("mypy")


def test_layers() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports")], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        path
        for path in (ROOT / "studio").rglob("*.py")
        if not path.read_text(encoding="utf-8").lstrip().startswith(('"""', 'r"""'))
    ]
    assert silent == []


def test_the_repository_stays_small() -> None:
    sizes = {path: path.stat().st_size / 1e6 for path in tracked()}
    assert {path: size for path, size in sizes.items() if size > MAX_FILE_MB} == {}
    assert sum(sizes.values()) <= MAX_TREE_MB


def test_a_wheel_carries_every_folder_of_assets() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["data-files"]
    have = {path.parent.relative_to(ROOT).as_posix() for path in tracked() if path.is_relative_to(ROOT / "assets")}
    assert have <= {pattern.rpartition("/")[0] for patterns in listed.values() for pattern in patterns}


def test_every_folder_of_assets_says_where_it_came_from() -> None:
    told = (ROOT / "assets" / "LICENSES.md").read_text()
    folders = {path.parent.name for path in tracked() if path.parent.parent == ROOT / "assets"}
    assert {folder for folder in folders if f"`{folder}/" not in told} == set()


def test_the_licence_is_whole() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert text.count("\n") == 202
    assert "END OF TERMS AND CONDITIONS" in text
    assert "APPENDIX: How to apply the Apache License to your work." in text


def test_the_readme_speaks_of_what_exists() -> None:
    readme = (ROOT / "README.md").read_text()
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^make (\w+)", readme, re.MULTILINE))
    assert targets == {"run", "test"}, "exactly two commands"
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)
    commands = [line.split("#")[0].split()[1:] for line in readme.splitlines() if line.startswith(".venv/bin/emozone")]
    assert {words[0] for words in commands} >= {"export", "performer", "train", "evaluate", "bench", "info"}
    for words in commands:
        cli.parser().parse_args(words)
    for name in re.findall(r"\]\(([^)#]+)\)", readme):
        assert (ROOT / name).is_file()


def test_pyside_is_older_than_the_version_that_aborts() -> None:
    major, minor = (int(part) for part in version("PySide6-Essentials").split(".")[:2])
    assert (major, minor) < (6, 12)


def test_a_widget_survives_thousands_of_repaints() -> None:
    code = f"""
import sys
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QApplication, QWidget

class Canvas(QWidget):
    paints = 0
    def paintEvent(self, event):
        painter = QPainter(self)
        painter.drawLine(0, 0, self.width(), self.height())
        painter.end()
        Canvas.paints += 1

app = QApplication(["canvas", "-platform", "offscreen"])
canvas = Canvas()
canvas.resize(16, 16)
canvas.show()
app.processEvents()
for _ in range({PAINTS}):
    canvas.repaint()
sys.stdout.write(str(Canvas.paints))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= PAINTS
