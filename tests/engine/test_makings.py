"""Avatars being made are kept on the disk: whatever happens, they can be gone on with."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from studio.engine import makings
from studio.engine.assets import own_avatars_dir
from studio.engine.avatar import find_avatar, save_avatar
from studio.engine.makings import Claim, Making
from studio.errors import StudioError
from tests.support import toy_avatar


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("studio.engine.assets.platformdirs.user_data_path", lambda *_, **__: tmp_path / "data")
    return tmp_path / "data"


def begun(name: str = "Mia", tmp: Path = Path("/films")) -> Making:
    return makings.begin(name, tmp / "mia.mp4", 1.5, 20.0, "Mia Lang")


def test_what_was_begun_is_there_after_a_restart() -> None:
    making = begun()
    changed = makings.save(replace(making, step="training", share=0.25, problem="The disk is full."))
    (found,) = makings.unfinished()
    assert found == changed
    assert "25 %" in found.standing
    assert found.changed_s >= making.changed_s


def test_the_newest_comes_first_and_damage_hides_nobody_else() -> None:
    old, new = begun("Old"), begun("New")
    makings.save(replace(old, share=0.5))
    assert [making.name for making in makings.unfinished()] == ["Old", "New"]
    for damage in (b"", b"{", b"{}", json.dumps({"step": "x"}).encode(), b"[1]"):
        (new.folder / makings.STATE).write_bytes(damage)
        with pytest.raises(StudioError, match="damaged"):
            makings.load(new.folder)
        assert [making.name for making in makings.unfinished()] == ["Old"]


def test_a_full_disk_leaves_the_state_before(monkeypatch: pytest.MonkeyPatch) -> None:
    making = begun()

    def full(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(makings, "write_atomically", full)
    with pytest.raises(StudioError, match="disk is full"):
        makings.save(replace(making, share=0.9))
    assert makings.load(making.folder).share == 0.0


@pytest.mark.parametrize("name", ["", "  ", "a/b", "con", "x" * 61, "..", "a\nb", "what?"])
def test_names_that_no_file_can_have_are_refused(name: str) -> None:
    with pytest.raises(StudioError):
        makings.check_name(name)


def test_names_are_given_once() -> None:
    begun("Mia")
    for taken in ("mia", "Nora"):
        with pytest.raises(StudioError, match="already"):
            makings.check_name(taken)
    makings.check_name("Zoë Müller-Lüdenscheidt")


def test_a_finished_avatar_is_found_by_its_name() -> None:
    making = begun()
    save_avatar(toy_avatar(300), making.avatar)
    own_avatars_dir().mkdir()
    (own_avatars_dir() / "Mia.safetensors").touch()  # it came meanwhile; nothing is replaced
    path = makings.finish(making)
    assert path == own_avatars_dir() / "Mia 2.safetensors"
    assert find_avatar("Mia 2") == path
    assert not making.folder.exists()
    assert makings.unfinished() == ()


def test_only_one_studio_works_on_it() -> None:
    making = begun()
    claim = Claim(making)
    with pytest.raises(StudioError, match="another window"):
        Claim(making)
    claim.close()
    Claim(making).close()


def test_what_is_removed_is_gone_and_the_video_stays(tmp_path: Path) -> None:
    (tmp_path / "mia.mp4").write_bytes(b"film")
    making = begun(tmp=tmp_path)
    makings.remove(making)
    makings.remove(making)
    assert makings.unfinished() == ()
    assert (tmp_path / "mia.mp4").exists()


def test_what_must_be_installed_is_installed_for_the_studio_s_own_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(makings, "find_spec", lambda name: None)
    command = makings.missing_runtime()
    assert command is not None
    assert sys.executable in command
    assert command.endswith(f' -m pip install "{makings.RUNTIME}"')
    monkeypatch.setattr(makings.sys, "executable", "C:\\My Files\\python.exe")
    assert str(makings.missing_runtime()).startswith('"C:\\My Files\\python.exe" -m pip')
