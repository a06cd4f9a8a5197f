"""A target is whole or as it was, whatever the system does; and what it did is one sentence."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from studio.engine import targets
from studio.engine.camera import Camera
from studio.engine.export import ExportProgress, export_clip
from studio.engine.formats import BY_ID, FORMATS, check_format
from studio.engine.targets import FolderTarget, check_folder, write_file, writing_failed
from studio.errors import StudioError
from tests.engine.test_export import CLOCK, GreyRenderer
from tests.engine.test_video import file_size_limit

PNG = BY_ID["png-frames"].numbered


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 kB, where the system lets us make one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if (
        os.name == "nt"
        or shutil.which("mount") is None
        or subprocess.run(mount, capture_output=True, check=False).returncode
    ):
        pytest.skip("no disk can be mounted here")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.id)
def test_impossible_targets_are_refused_before_any_work(tmp_path: Path, form: object) -> None:
    assert form in FORMATS
    chosen = BY_ID[form.id]  # type: ignore[attr-defined]
    (tmp_path / "file").touch()
    for path, reason in [
        (tmp_path / "missing" / f"a{'' if chosen.folder else chosen.suffix}", "does not exist"),
        (tmp_path / "file" / f"a{'' if chosen.folder else chosen.suffix}", "does not exist"),
        (tmp_path / f"{'a' * 300}{'' if chosen.folder else chosen.suffix}", "cannot be a name"),
        (tmp_path / f"a\0{'' if chosen.folder else chosen.suffix}", "cannot be a name"),
    ]:
        with pytest.raises(StudioError, match=reason):
            check_format(chosen, path, (64, 64), alpha=False)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_file_or_a_link_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StudioError, match="is a file"):
        check_folder(tmp_path / "file", PNG)
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "there")
    with pytest.raises(StudioError, match="link"):
        check_folder(tmp_path / "link", PNG)
    with pytest.raises(StudioError, match="folder of its own"):
        check_folder(Path("/"), PNG)


@pytest.mark.parametrize(
    ("number", "says"),
    [
        (errno.ENOSPC, "disk is full"),
        (errno.EDQUOT, "disk is full"),
        (errno.EROFS, "cannot be written to"),
        (errno.EFBIG, "grow past"),
        (errno.ENAMETOOLONG, "too long"),
        (errno.EIO, "choose another"),
    ],
)
def test_every_error_is_one_sentence(tmp_path: Path, number: int, says: str) -> None:
    text = str(writing_failed(OSError(number, os.strerror(number)), tmp_path / "a.mp4"))
    assert says in text
    assert text.endswith(".")
    assert "\n" not in text


def test_a_folder_that_vanished_is_named(tmp_path: Path) -> None:
    text = str(writing_failed(FileNotFoundError(errno.ENOENT, "no"), tmp_path / "gone" / "a.mp4"))
    assert text == f"The folder {tmp_path / 'gone'} is gone, a.mp4 was not written; choose another one."


def test_a_full_disk_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"precious")
    with file_size_limit(1000), pytest.raises(StudioError, match="grow past"):
        write_file(path, bytes(5000))
    assert path.read_bytes() == b"precious"
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


def test_a_full_disk_keeps_the_old_folder(small_disk: Path) -> None:
    folder = small_disk / "frames"
    folder.mkdir()
    (folder / "frame_0000.png").write_bytes(b"precious")
    target = FolderTarget(folder)
    for i in range(10):
        target.add(f"frame_{i:04d}.png", bytes(3000))
    with pytest.raises(StudioError, match="disk is full"):
        target.add("frame_0010.png", bytes(100_000))
    target.abort()
    assert [p.name for p in small_disk.iterdir()] == ["frames"]
    assert (folder / "frame_0000.png").read_bytes() == b"precious"


def test_a_target_that_vanishes_on_the_way_is_told(tmp_path: Path) -> None:
    parent = tmp_path / "drive"
    parent.mkdir()
    target = FolderTarget(parent / "frames")
    target.add("frame_0000.png", b"1")
    shutil.rmtree(parent)
    with pytest.raises(StudioError, match="is gone"):
        target.add("frame_0001.png", b"2")
    with pytest.raises(StudioError, match="is gone"):
        target.finish(2)
    target.abort()
    assert not parent.exists()


def test_what_was_removed_on_the_way_is_told(tmp_path: Path) -> None:
    target = FolderTarget(tmp_path / "frames")
    shutil.rmtree(target.part)
    with pytest.raises(StudioError, match="removed on the way"):
        target.add("frame_0000.png", b"1")


def test_a_folder_that_lost_a_file_is_not_kept(tmp_path: Path) -> None:
    target = FolderTarget(tmp_path / "frames")
    target.add("frame_0000.png", b"1")
    with pytest.raises(StudioError, match="all its 2 files"):
        target.finish(2)
    assert list(tmp_path.iterdir()) == []


def test_a_rename_that_fails_brings_the_old_folder_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "frames"
    folder.mkdir()
    (folder / "frame_0000.png").write_bytes(b"precious")
    target = FolderTarget(folder)
    target.add("frame_0000.png", b"new")
    rename = Path.rename

    def refuse(self: Path, to: Path) -> Path:
        if self == target.part:
            raise PermissionError(errno.EACCES, "no")
        return rename(self, to)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(StudioError, match="cannot be written to"):
        target.finish(1)
    assert (folder / "frame_0000.png").read_bytes() == b"precious"
    assert [p.name for p in tmp_path.iterdir()] == ["frames"]


def test_what_a_killed_process_left_is_cleared(tmp_path: Path) -> None:
    left = targets.part_of(tmp_path / "frames")
    left.mkdir()
    (left / "frame_0009.png").touch()
    target = FolderTarget(tmp_path / "frames")
    target.add("frame_0000.png", b"1")
    target.finish(1)
    assert [p.name for p in (tmp_path / "frames").iterdir()] == ["frame_0000.png"]


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_killed_exports_leave_no_half_targets(tmp_path: Path) -> None:
    """Kill -9 while a video and, within it, a folder are being written: neither name is there."""
    film, folder = tmp_path / "a.mp4", tmp_path / "frames"
    code = (
        "import sys\n"
        "from tests.engine.test_export import GreyRenderer, CLOCK\n"
        "from studio.engine.export import export_clip\n"
        "def write(path, form, when_half):\n"
        "    export_clip(GreyRenderer(), CLOCK, None, path, form=form, end_s=2.0, fps=120, size=64,\n"
        "        progress=lambda p: p.frames == 120 and when_half())\n"
        "def wait():\n"
        "    print('now', flush=True)\n"
        "    sys.stdin.read()\n"
        f"write({str(film)!r}, 'mp4', lambda: write({str(folder)!r}, 'png-frames', wait))\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"now\n"
        process.send_signal(signal.SIGKILL)
        process.wait(60)
    assert {path.name for path in tmp_path.iterdir()} == {targets.part_of(path).name for path in (film, folder)}


@pytest.mark.parametrize("form", ["mp4", "mov", "webm", "png-frames"])
def test_an_export_onto_a_full_disk_is_one_sentence(small_disk: Path, form: str) -> None:
    path = small_disk / f"a{'' if form == 'png-frames' else BY_ID[form].suffix}"
    with pytest.raises(StudioError, match=r"disk is full|not enough space"):
        export_clip(NoisyRenderer(), CLOCK, None, path, form=form, end_s=4.0, size=128)  # type: ignore[arg-type]
    assert list(small_disk.iterdir()) == []


@pytest.mark.parametrize("form", ["mp4", "webm", "png", "png-frames"])
def test_a_folder_that_vanishes_during_an_export_is_told(tmp_path: Path, form: str) -> None:
    parent = tmp_path / "drive"
    parent.mkdir()
    path = parent / f"a{'' if form == 'png-frames' else BY_ID[form].suffix}"

    def vanish(progress: ExportProgress) -> None:
        if progress.frames == progress.total:
            parent.rename(tmp_path / "unplugged")

    with pytest.raises(StudioError, match="is gone"):
        export_clip(GreyRenderer(), CLOCK, None, path, form=form, end_s=0.4, size=64, progress=vanish)  # type: ignore[arg-type]
    assert not parent.exists()


class NoisyRenderer(GreyRenderer):
    """Draws what cannot be compressed."""

    def frame(self, controls: float, camera: Camera, *, background: object) -> SimpleNamespace:
        random = np.random.default_rng(round(controls * 1000))
        return SimpleNamespace(rgba=random.integers(0, 256, (camera.height, camera.width, 4)).astype(np.uint8))
