"""The picture of a training so far: the camera's beside the avatar's, at a moment kept for testing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from studio.engine.training import preview
from studio.engine.training.capture_files import load_capture
from studio.engine.training.preview import Preview
from studio.errors import StudioError
from tests.engine.training.toy import write_toy_capture
from tests.support import toy_avatar


def test_the_truth_stands_beside_the_avatar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_toy_capture(tmp_path / "toy")
    capture = load_capture(tmp_path / "toy")
    show = Preview(capture, tmp_path / "preview.png")
    assert capture.images[show._index].split == "test"
    show(toy_avatar(300))
    with Image.open(tmp_path / "preview.png") as image:
        both = np.asarray(image.convert("RGB"))
    width = both.shape[1] // 2
    assert both.shape[0] == round(width * capture.info.size_px[1] / capture.info.size_px[0])
    truth = capture.target(show._index).rgb.numpy()
    assert both[:, :width].std() > 5
    assert both[:, width:].std() > 5
    assert truth.shape[:2] == both[:, :width].shape[:2]

    def full(path: Path, data: bytes) -> int:
        raise StudioError("The disk is full.")

    monkeypatch.setattr(preview, "write_file", full)
    avatar = toy_avatar(300)
    show(replace(avatar, info=avatar.info))  # costs the picture, not the training
