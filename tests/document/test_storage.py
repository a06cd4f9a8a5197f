from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from studio.document import storage
from studio.document.performance import Performance
from studio.document.project import BACKUPS, Project, load_project, save_project
from studio.document.storage import backups_of, read_bounded, write_atomically
from studio.errors import StudioError


def project(value: float) -> Project:
    return Project(performance=Performance.held({"AU12": value}))


def value_in(path: Path) -> float | None:
    lane = load_project(path).performance.lane("AU12")
    assert lane is not None
    return lane.held


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_saving_keeps_the_last_versions_as_backups(tmp_path: Path) -> None:
    path = tmp_path / "talk.emozone"
    for i in range(8):
        save_project(project(i / 2), path)
    assert value_in(path) == 3.5
    assert [value_in(backup) for backup in backups_of(path)] == [3.0, 2.5, 2.0, 1.5, 1.0]
    assert len(names(tmp_path)) == 1 + BACKUPS


def test_saving_the_same_again_makes_no_backup(tmp_path: Path) -> None:
    path = tmp_path / "talk.emozone"
    for _ in range(3):
        save_project(project(1), path)
    assert backups_of(path) == ()


def test_a_link_to_a_project_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real.emozone", tmp_path / "link.emozone"
    save_project(project(1), real)
    link.symlink_to(real)
    save_project(project(2), link)
    assert link.is_symlink()
    assert value_in(real) == 2


def test_permissions_stay(tmp_path: Path) -> None:
    path = tmp_path / "talk.emozone"
    save_project(project(1), path)
    path.chmod(0o640)
    save_project(project(2), path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.parametrize("step", ["fsync", "replace", "write"])
def test_a_failing_disk_leaves_the_old_file_and_no_rubbish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "talk.emozone"
    save_project(project(1), path)
    before = path.read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if step == "write":
        monkeypatch.setattr(storage.shutil, "copy2", full)
    else:
        monkeypatch.setattr(storage.os, step, full)
    with pytest.raises(StudioError, match=r"not saved: no space left on device; the file before is untouched\.$"):
        save_project(project(2), path)
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert names(tmp_path) <= {"talk.emozone", "talk.emozone.bak1"}


def test_missing_and_unwritable_folders_are_told(tmp_path: Path) -> None:
    with pytest.raises(StudioError, match=r"the folder .*gone is not there"):
        save_project(project(1), tmp_path / "gone" / "talk.emozone")
    (tmp_path / "file").write_text("x")
    with pytest.raises(StudioError, match=r"the folder .*file is not there"):
        save_project(project(1), tmp_path / "file" / "talk.emozone")


def test_a_file_limit_met_while_writing_is_told(tmp_path: Path) -> None:
    """A real limit of the system, in a process of its own: the write itself fails half way."""
    script = (
        "import resource, sys\n"
        "from studio.document.curves import Curve\n"
        "from studio.document.performance import Performance\n"
        "from studio.document.project import Project, save_project\n"
        "from studio.errors import StudioError\n"
        "import numpy as np\n"
        "curve = Curve.from_samples(np.arange(5000) / 25, np.arange(5000) % 5)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "try:\n"
        "    save_project(Project(performance=Performance().with_curve('AU4', curve)), sys.argv[1])\n"
        "except StudioError as error:\n"
        "    sys.stdout.write(str(error))\n"
    )
    path = tmp_path / "talk.emozone"
    save_project(project(1), path)
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
    assert "was not saved: file too large" in done.stdout
    assert value_in(path) == 1
    assert names(tmp_path) <= {"talk.emozone", "talk.emozone.bak1"}


def test_atomic_writing_replaces_whole_files(tmp_path: Path) -> None:
    path = tmp_path / "x"
    write_atomically(path, b"one")
    write_atomically(path, b"two")
    assert path.read_bytes() == b"two"
    assert names(tmp_path) == {"x"}


def test_reading_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"12345")
    assert read_bounded(path, 5) == b"12345"
    with pytest.raises(StudioError, match="larger than"):
        read_bounded(path, 4)
    with pytest.raises(StudioError, match="cannot be read"):
        read_bounded(tmp_path / ("x" * 300), 4)
    with pytest.raises(StudioError, match=r"cannot be read|does not exist"):
        read_bounded(Path("a\0b"), 4)
