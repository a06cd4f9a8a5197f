import json
import wave
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.numpy import load_file

from studio.document.action_units import AU_KEYS
from studio.engine.camera import orbit_camera
from studio.engine.performer.mapping import MODES
from studio.engine.performer.render import DRAFT
from studio.engine.performer.script import Script
from studio.engine.performer.trials import Trial
from studio.engine.performer.writer import make_capture, project
from studio.engine.training.capture_files import load_capture
from studio.errors import StudioError


def _script(frames: int = 50) -> Script:
    rng = np.random.default_rng(5)
    wave_ = np.sin(np.linspace(0, 9, frames))[:, None]
    return Script(
        fps=25,
        au=np.clip(2.5 + 2.5 * wave_ * rng.uniform(-1, 1, (1, 17)), 0, 5).astype(np.float32),
        articulators=np.clip(0.4 + 0.4 * wave_ * rng.uniform(-1, 1, (1, 10)), 0, 1).astype(np.float32),
        pose=(wave_ * [8, 4, 3, 8, 4]).astype(np.float32),
        speech=(0.1 * np.sin(np.arange(frames * 640) / 20)).astype(np.float32),
        phonemes=(),
        sentences=(),
    )


def _write(folder, **changed):
    settings = {
        "size_px": 64,
        "views": 5,
        "seed": 4,
        "images": 4,
        "points": 1500,
        "quality": DRAFT,
        "script": _script(),
    }
    return make_capture(folder, **(settings | changed))


@pytest.fixture(scope="module")
def capture(tmp_path_factory):
    return _write(tmp_path_factory.mktemp("captures") / "tiny")


@pytest.mark.gl
def test_capture_holds_everything_that_training_reads(capture):
    info = json.loads((capture / "capture.json").read_text())
    assert (info["format"], info["version"], info["frames"], info["fps"]) == ("emozone-capture", 1, 50, 25)
    assert info["au_channels"] == list(AU_KEYS)
    assert len(info["landmarks"]) >= 68
    assert {image["split"] for image in info["images"]} == {"train", "test"}
    for image in info["images"]:
        with Image.open(capture / image["file"]) as picture, Image.open(capture / image["mask"]) as mask:
            assert (picture.mode, picture.size, mask.mode, mask.size) == ("RGB", (64, 64), "L", (64, 64))
            covered = np.asarray(mask)
            assert covered.max() == 255
            assert (np.asarray(picture)[covered == 0] == 128).all()
    with wave.open(str(capture / "speech.wav")) as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getnframes()) == (16_000, 1, 50 * 640)
    assert len((capture / "au.csv").read_text().splitlines()) == 51
    cameras = json.loads((capture / "cameras.json").read_text())
    assert len(cameras) == 5
    assert not capture.with_name("tiny.part").exists()


@pytest.mark.gl
def test_true_motion_is_the_linear_mix_of_modes(capture):
    surface = load_file(capture / "surface.safetensors")
    frames, modes = surface["mode_weights"].shape
    assert frames == 50
    assert surface["modes"].shape == (modes, 1500, 3)
    moved = np.tensordot(surface["mode_weights"].astype(float), surface["modes"].astype(float), axes=1)
    assert 0.002 < np.linalg.norm(moved, axis=2).max() < 0.05


@pytest.mark.gl
def test_landmarks_lie_on_the_head_in_the_picture(capture):
    info = json.loads((capture / "capture.json").read_text())
    landmarks = load_file(capture / "landmarks.safetensors")["landmarks"]
    assert landmarks.shape == (4, len(info["landmarks"]), 2)
    front = next(i for i, image in enumerate(info["images"]) if image["split"] == "train")
    with Image.open(capture / info["images"][front]["mask"]) as mask:
        covered = np.asarray(mask)
    at = landmarks[front].astype(int)
    inside = (at >= 0).all(axis=1) & (at < 64).all(axis=1)
    assert inside.mean() > 0.95
    assert (covered[at[inside, 1], at[inside, 0]] > 128).mean() > 0.95


@pytest.mark.gl
def test_jitter_is_written_beside_the_truth_that_is_filmed(capture, tmp_path):
    plain = _script()
    trial = Trial("pair", ("AU1", "AU2"), 3, 20)
    script = replace(plain, au=np.clip(plain.au + 0.4, 0, 5), au_clean=plain.au, trials=(trial,))
    noisy = load_capture(_write(tmp_path / "noisy", script=script, kind="noise"))
    clean = load_capture(capture)
    assert clean.au_clean is None
    assert torch.equal(noisy.acted, clean.au)
    assert float((noisy.au - clean.au).max()) == pytest.approx(0.4, abs=1e-3)
    assert torch.equal(noisy.surface.mode_weights, clean.surface.mode_weights)
    assert noisy.surface.mode_names == MODES
    for index in range(len(clean.images)):
        assert np.array_equal(noisy.pixels(index), clean.pixels(index))
    assert (noisy.info.kind, clean.info.kind) == ("noise", "performance")
    assert [asdict(t) for t in noisy.info.trials] == [asdict(trial)]
    assert clean.info.trials == ()


@pytest.mark.gl
def test_the_same_seed_gives_the_same_bytes(capture, tmp_path):
    again = _write(tmp_path / "tiny")
    for path in sorted(capture.rglob("*.*")):
        assert (again / path.relative_to(capture)).read_bytes() == path.read_bytes(), path.name


@pytest.mark.parametrize(
    ("changed", "said"),
    [({"size_px": 4}, "4"), ({"images": 1}, "1"), ({"identity": "nobody"}, "nobody"), ({"views": 0}, "view")],
)
def test_values_out_of_range_are_explained(tmp_path, changed, said):
    with pytest.raises(StudioError, match=said):
        _write(tmp_path / "bad", **changed)
    assert not (tmp_path / "bad").exists()


def test_an_existing_folder_is_never_overwritten(tmp_path):
    (tmp_path / "kept").mkdir()
    with pytest.raises(StudioError, match="exists already"):
        _write(tmp_path / "kept")


def test_projection_agrees_with_the_camera():
    camera = orbit_camera(0, 0, 1.0, width=100, height=100)
    centre, left = project(np.array([[0.0, 0, 0], [0.05, 0, 0]]), camera)
    assert centre == pytest.approx([50, 50])
    assert left[0] > 50  # the subject's left is on the right of the picture
