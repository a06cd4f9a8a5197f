from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.document.action_units import AU_INDEX
from studio.document.interchange.arkit import ARKIT
from studio.document.interchange.audio2face import import_audio2face
from studio.errors import StudioError


def export(path: Path, **changes: Any) -> Path:
    names = [name[0].lower() + name[1:] for name in ARKIT[:46]]
    weights = [[i / 10 if name == "jawOpen" else 0 for name in names] for i in range(6)]
    tree = {
        "exportFps": 30.0,
        "trackPath": "voice.wav",
        "numPoses": len(names),
        "numFrames": len(weights),
        "facsNames": names,
        "weightMat": weights,
        "joints": ["head"],
    }
    path.write_text(json.dumps({**tree, **changes}))
    return path


def test_weights_become_action_units(tmp_path: Path) -> None:
    imported = import_audio2face(export(tmp_path / "talk.json"))
    assert (imported.take.name, imported.take.fps, imported.take.frames) == ("talk", 30, 6)
    np.testing.assert_allclose(imported.take.au[:, AU_INDEX["AU26"]], 0.5 * np.arange(6), atol=1e-6)
    assert any("CheekSquintLeft and CheekSquintRight are not in the file" in w for w in imported.warnings)


def test_doubts_are_told(tmp_path: Path) -> None:
    imported = import_audio2face(export(tmp_path / "a.json", exportFps=None, numFrames=9))
    text = " ".join(imported.warnings)
    assert "60 frames per second were assumed" in text
    assert "promises 9 frames and has 6" in text


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weightMat": []}, "no frames"),
        ({"weightMat": [[0]]}, r"weightMat\[0\]: expected 46 numbers"),
        ({"weightMat": [["x"] * 46]}, "expected 46 numbers"),
        ({"weightMat": "x"}, "expected a list"),
        ({"facsNames": [1] * 46}, "a list of names"),
        ({"facsNames": [f"Brow_Raise_{i}" for i in range(46)]}, "not ARKit's"),
        ({"exportFps": -1}, "exportFps: expected a number from 1 to 1000"),
    ],
)
def test_damaged_files_are_one_sentence(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(StudioError, match=message):
        import_audio2face(export(tmp_path / "a.json", **changes))


def test_other_json_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[1]")
    with pytest.raises(StudioError, match="choose a blendshape JSON"):
        import_audio2face(tmp_path / "a.json")
