"""For all tests: nothing of the user's is read or written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from studio.threads import share_cores

share_cores()  # tests are many short loops, often on a machine that does something else too


@pytest.fixture(scope="session")
def avatar_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small avatar on the disk."""
    from studio.engine.avatar import save_avatar
    from tests.support import toy_avatar

    path = tmp_path_factory.mktemp("avatar") / "toy.safetensors"
    save_avatar(toy_avatar(300), path)
    return path


@pytest.fixture(autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Caches, state and settings of the user, moved to a folder of the test run."""
    home = tmp_path_factory.getbasetemp() / "user"
    for name in ("CACHE", "CONFIG", "DATA", "STATE"):
        folder = home / name.lower()
        folder.mkdir(parents=True, exist_ok=True)
        monkeypatch.setenv(f"XDG_{name}_HOME", os.fspath(folder))
    return home
