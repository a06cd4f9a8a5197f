from __future__ import annotations

from pathlib import Path

import pytest

from studio.engine.bench.frames import Setting


@pytest.fixture(scope="session")
def avatar(avatar_file: Path) -> Path:
    """The toy's file."""
    return avatar_file


@pytest.fixture
def setting(avatar: Path) -> Setting:
    """As little as can be measured."""
    return Setting(avatar, (48, 64), ("cpu",), runs=3, frames=6)
