from __future__ import annotations

import pytest

from studio.engine.training.capture import Capture
from studio.engine.training.capture_files import load_capture
from tests.engine.training.toy import write_toy_capture


@pytest.fixture(scope="session")
def egg(tmp_path_factory: pytest.TempPathFactory) -> Capture:
    folder = tmp_path_factory.mktemp("capture") / "egg"
    return load_capture(write_toy_capture(folder, frames=50, images=12, size_px=48, points=500))
