"""Reading captures: what a good one yields, and the one sentence each bad one gets."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from studio.document.action_units import AU_INDEX
from studio.engine.training.capture import MATTE
from studio.engine.training.capture_files import load_capture
from studio.errors import StudioError
from tests.engine.training.toy import write_toy_capture


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_toy_capture(tmp_path_factory.mktemp("capture") / "egg", frames=30, images=8, size_px=48, points=300)


def test_windows_repeat_the_ends_and_speech_falls_silent(good: Path) -> None:
    capture = load_capture(good)
    assert torch.equal(capture.au_windows([0])[0, :4], capture.au[:1].expand(4, -1))
    assert torch.equal(capture.au_windows([29])[0, 5:], capture.au[-1:].expand(3, -1))
    assert torch.equal(capture.au_windows([10, 11])[:, 4], capture.au[10:12])
    assert capture.articulators is not None
    assert float(capture.articulator_windows([0])[0, :4].abs().sum()) == 0
    assert torch.equal(capture.articulator_windows([15])[0], capture.articulators[11:19])
    controls = capture.controls(7)
    assert controls.pose.yaw_deg == pytest.approx(float(capture.pose[7, 0]))
    assert controls.au.shape == (8, 17)


def test_action_units_land_in_the_project_order(good: Path) -> None:
    capture = load_capture(good)
    moving = capture.au.std(0) > 0
    assert moving.nonzero()[:, 0].tolist() == sorted([AU_INDEX["AU4"], AU_INDEX["AU12"]])


def test_true_motion_mixes_the_modes(good: Path) -> None:
    surface = load_capture(good).surface
    assert surface is not None
    stored = load_file(str(good / "surface.safetensors"))
    want = torch.einsum("fu,upc->fpc", stored["mode_weights"][[3, 9]], stored["modes"].float())
    assert torch.allclose(surface.displacement(torch.tensor([3, 9])), want, atol=1e-7)
    some = surface.displacement(torch.tensor([3, 9]), surface.modes[:, [5, 50]])
    assert torch.allclose(some, want[:, [5, 50]], atol=1e-7)


def test_targets_are_premultiplied_and_area_averaged(good: Path) -> None:
    capture = load_capture(good)
    full, half = capture.target(0), capture.target(0, (24, 24))
    stored = capture.pixels(0).astype(np.float32) / 255
    assert np.allclose(full.over(torch.full((3,), MATTE)).numpy(), stored[..., :3], atol=2e-3)
    assert float(full.rgb[stored[..., 3] == 0].max()) == 0.0
    blocks = full.over(torch.tensor([0.2, 0.4, 0.6])).view(24, 2, 24, 2, 3).mean((1, 3))
    assert torch.allclose(half.over(torch.tensor([0.2, 0.4, 0.6])), blocks, atol=1e-6)


def test_the_picture_cache_is_bounded(good: Path) -> None:
    capture = load_capture(good, cache_bytes=3 * 48 * 48 * 4)
    first = capture.pixels(0).copy()
    for i in range(8):
        capture.pixels(i)
    assert len(capture._cache) == 3
    assert np.array_equal(capture.pixels(0), first)


def test_the_mouth_box_holds_the_mouth(good: Path) -> None:
    capture = load_capture(good)
    box = capture.mouth_box(0, (48, 48))
    assert box is not None
    assert capture.landmarks is not None
    lips = capture.landmarks[0, :4]
    assert box.left <= float(lips[:, 0].min()) < float(lips[:, 0].max()) <= box.right
    small = capture.mouth_box(0, (24, 24))
    assert small is not None
    assert abs(small.left - box.left / 2) <= 1


def _edit_json(file: str, change: Callable[[dict], object]) -> Callable[[Path], object]:
    def apply(root: Path) -> None:
        content = json.loads((root / file).read_text())
        change(content)
        (root / file).write_text(json.dumps(content))

    return apply


def _edit_surface(change: Callable[[dict[str, torch.Tensor]], object]) -> Callable[[Path], object]:
    def apply(root: Path) -> None:
        tensors = load_file(str(root / "surface.safetensors"))
        change(tensors)
        save_file(tensors, str(root / "surface.safetensors"))

    return apply


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "no header": (lambda r: (r / "capture.json").unlink(), r"capture\.json is missing"),
    "not json": (lambda r: (r / "capture.json").write_text("{"), r"capture\.json is malformed"),
    "other format": (_edit_json("capture.json", lambda c: c.update(format="nerf")), "is not an EmoZone capture"),
    "newer": (_edit_json("capture.json", lambda c: c.update(version=9)), "has format version 9, this program reads 1"),
    "no size": (_edit_json("capture.json", lambda c: c.pop("size_px")), r"capture\.json is malformed"),
    "frame outside": (_edit_json("capture.json", lambda c: c["images"][0].update(frame=99)), "frame 99 of 30"),
    "camera outside": (_edit_json("capture.json", lambda c: c["images"][0].update(camera=5)), "camera 5 of 3"),
    "odd split": (_edit_json("capture.json", lambda c: c["images"][0].update(split="dev")), "the split 'dev'"),
    "no training": (
        _edit_json("capture.json", lambda c: [i.update(split="test") for i in c["images"]]),
        "no training pictures",
    ),
    "camera NaN": (_edit_json("cameras.json", lambda c: c[0].update(fx=float("nan"))), "not finite in camera 0"),
    "no cameras": (lambda r: (r / "cameras.json").unlink(), r"cameras\.json is missing"),
    "no table": (lambda r: (r / "au.csv").unlink(), r"au\.csv is missing"),
    "short table": (
        lambda r: (r / "au.csv").write_text("\n".join((r / "au.csv").read_text().splitlines()[:-1])),
        r"au\.csv has 29 rows, but capture\.json says 30",
    ),
    "no column": (
        lambda r: (r / "au.csv").write_text((r / "au.csv").read_text().replace("AU12_r", "AU13_r")),
        "no column AU12_r",
    ),
    "no number": (
        lambda r: (r / "au.csv").write_text((r / "au.csv").read_text().replace(",0.0000", ",nan", 1)),
        "not finite",
    ),
    "surface NaN": (_edit_surface(lambda t: t["modes"].fill_(float("nan"))), "holds modes that are not finite"),
    "surface shape": (
        _edit_surface(lambda t: t.update(pose=t["pose"][:-1].clone())),
        r"holds pose of shape \(29, 5\), expected \(30, 5\)",
    ),
    "surface lacks": (_edit_surface(lambda t: t.pop("zones")), "lacks the tensor 'zones'"),
    "surface cut": (
        lambda r: (r / "surface.safetensors").write_bytes((r / "surface.safetensors").read_bytes()[:500]),
        r"surface\.safetensors is malformed",
    ),
    "picture gone": (lambda r: (r / "masks/000002.png").unlink(), r"masks/000002\.png is missing"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_capture_gets_one_sentence(case: str, good: Path, tmp_path: Path) -> None:
    spoil, sentence = BAD[case]
    root = tmp_path / "egg"
    shutil.copytree(good, root)
    spoil(root)
    with pytest.raises(StudioError, match=sentence) as caught:
        load_capture(root)
    assert "\n" not in str(caught.value)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StudioError, match="nowhere is not a capture folder"):
        load_capture(tmp_path / "nowhere")


def test_a_truncated_or_misfit_picture_is_named(good: Path, tmp_path: Path) -> None:
    root = tmp_path / "egg"
    shutil.copytree(good, root)
    whole = (root / "frames/000001.png").read_bytes()
    (root / "frames/000001.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(StudioError, match=r"frames/000001\.png cannot be read"):
        load_capture(root).pixels(1)
    _edit_json("capture.json", lambda c: c.update(size_px=[64, 48]))(root)
    with pytest.raises(StudioError, match=r"frames/000000\.png is 48x48, but capture\.json says 64x48"):
        load_capture(root).pixels(0)
