from __future__ import annotations

from pathlib import Path

import pytest

from studio.engine.avatar import save_avatar
from studio.engine.bench.frames import Setting
from tests.support import toy_avatar


@pytest.fixture(scope="session")
def avatar(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("avatar") / "toy.safetensors"
    save_avatar(toy_avatar(300), path)
    return path


@pytest.fixture
def setting(avatar: Path) -> Setting:
    """As little as can be measured."""
    return Setting(avatar, (48, 64), ("cpu",), runs=3, frames=6)
