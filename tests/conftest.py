"""For all tests: nothing of the user's is read or written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from studio.threads import share_cores

share_cores()  # tests are many short loops, often on a machine that does something else too

# A busy machine is no failure, so no example has a time limit. The same examples every time: a run that fails says
# something about the change at hand. HYPOTHESIS_PROFILE=search looks for new ones.
_patient = settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("search", _patient, max_examples=200)
settings.register_profile("same", _patient, derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


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
