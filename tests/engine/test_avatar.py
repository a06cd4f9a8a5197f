import json
import struct
from dataclasses import replace

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from studio.engine import avatar as module
from studio.engine import targets
from studio.engine.avatar import (
    Avatar,
    default_avatar,
    find_avatar,
    list_avatars,
    load_avatar,
    save_avatar,
)
from studio.engine.deform.deformer import Deformer, DeformerConfig
from studio.engine.gaussians import Gaussians
from studio.engine.rig import Rig
from studio.errors import StudioError
from tests.support import TOY_HEIGHT_M, controls, toy_avatar


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("avatars") / "toy.safetensors"
    save_avatar(toy_avatar(300), path)
    return path


def _parts(path):
    with safe_open(path, framework="pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118


def _sentence(path):
    with pytest.raises(StudioError) as caught:
        load_avatar(path)
    text = str(caught.value)
    assert str(path) in text
    assert text.endswith(".")
    assert "\n" not in text
    assert len(text) < 300 + len(str(path))
    return text


def test_comes_back_as_it_was_saved(saved):
    avatar, loaded = toy_avatar(300), load_avatar(saved)
    assert loaded.info == avatar.info
    assert loaded.deformer.config == avatar.deformer.config
    assert torch.equal(loaded.zones, avatar.zones)
    assert torch.equal(loaded.rig.weights, avatar.rig.weights)
    assert torch.equal(loaded.gaussians.means, avatar.gaussians.means)
    for name in ("quats", "log_scales", "opacity_logits", "sh"):
        assert torch.allclose(getattr(loaded.gaussians, name), getattr(avatar.gaussians, name), atol=4e-3), name
    smile = controls({"AU12": 5.0})
    before = avatar.deformer.prepare(avatar.gaussians.means, avatar.zones).deltas(smile).means
    after = loaded.deformer.prepare(loaded.gaussians.means, loaded.zones).deltas(smile).means
    assert (before - after).abs().max() < 0.02 * before.abs().max()


def test_saving_again_changes_nothing(saved, tmp_path):
    again = tmp_path / "again.safetensors"
    save_avatar(load_avatar(saved), again)
    (before, description), (after, same_description) = _parts(saved), _parts(again)
    assert description == same_description
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_thirty_thousand_gaussians_fit_in_15_mb(tmp_path):
    n = 30_000
    torch.manual_seed(0)
    means = torch.randn(n, 3)
    gaussians = Gaussians(means, torch.randn(n, 4), torch.randn(n, 3), torch.randn(n), torch.randn(n, 16, 3))
    deformer = Deformer.for_means(DeformerConfig(), means)
    toy = toy_avatar(300)
    rig = Rig(torch.full((n, 4), 0.25), toy.rig.pivots)
    save_avatar(Avatar(gaussians, torch.zeros(n, dtype=torch.int64), rig, deformer, toy.info), tmp_path / "a")
    assert (tmp_path / "a").stat().st_size <= 15e6


def test_parts_must_agree():
    avatar = toy_avatar(300)
    with pytest.raises(ValueError, match="300"):
        replace(avatar, zones=avatar.zones[:-1])


def test_missing_and_folder(tmp_path):
    assert "does not exist" in _sentence(tmp_path / "none.safetensors")
    assert "folder" in _sentence(tmp_path)


def test_truncated_anywhere(saved, tmp_path):
    data = saved.read_bytes()
    header = 8 + struct.unpack("<Q", data[:8])[0]
    path = tmp_path / "cut.safetensors"
    for length in {0, 1, 7, 8, 9, 100, header - 1, header, header + 1, len(data) // 2, len(data) - 1}:
        path.write_bytes(data[:length])
        _sentence(path)


@pytest.mark.parametrize("junk", [b"RIFF....WAVE" * 50, b"\xff" * 64, b"{}" * 40, struct.pack("<Q", 2**62) + b"{}"])
def test_other_files_and_absurd_headers(junk, tmp_path):
    path = tmp_path / "junk.safetensors"
    path.write_bytes(junk)
    assert "not an avatar" in _sentence(path)


def test_flipped_bytes_never_give_a_traceback(saved, tmp_path):
    data = bytearray(saved.read_bytes())
    path = tmp_path / "flipped.safetensors"
    for where in range(8, 3000, 61):
        changed = bytearray(data)
        changed[where] ^= 0x15
        path.write_bytes(changed)
        try:
            load_avatar(path)
        except StudioError:
            continue


def test_safetensors_of_another_kind(tmp_path):
    path = tmp_path / "other.safetensors"
    save_file({"weights": torch.zeros(3)}, path)
    assert "not an EmoZone avatar" in _sentence(path)


def test_newer_format(saved, tmp_path):
    tensors, metadata = _parts(saved)
    path = tmp_path / "newer.safetensors"
    save_file(tensors, path, {**metadata, "format_version": "2"})
    assert "update" in _sentence(path)


@pytest.mark.parametrize(
    ("name", "change", "word"),
    [
        ("gaussians.means", lambda t: t * float("nan"), "NaN"),
        ("deformer.residual", lambda t: t / 0, "NaN"),
        ("gaussians.sh", lambda t: t[:, :, :2].contiguous(), "sh"),
        ("gaussians.quats", lambda t: t[:-1].contiguous(), "quats"),
        ("gaussians.means", lambda t: t.long(), "type"),
        ("zones", lambda t: t + 3, "zones"),
        ("zones", lambda t: t[1:].contiguous(), "zones"),
        ("rig.weights", lambda t: t[:, :3].contiguous(), "rig.weights"),
        ("rig.pivots", lambda t: t[:3].contiguous(), "rig.pivots"),
        ("deformer.residual", lambda t: t[:-1].contiguous(), "residual"),
        ("deformer.gate.weight", lambda t: t.T.contiguous(), "gate"),
        ("deformer.triplane.aabb", lambda t: t.flip(0), "aabb"),
        ("deformer.gate.bias", None, "gate.bias"),
        ("gaussians.log_scales", None, "log_scales"),
    ],
)
def test_tensors_that_do_not_fit(saved, tmp_path, name, change, word):
    tensors, metadata = _parts(saved)
    value = tensors.pop(name)
    if change is not None:
        tensors[name] = change(value)
    path = tmp_path / "wrong.safetensors"
    save_file(tensors, path, metadata)
    assert word in _sentence(path)


def _edited(change):
    def edit(document):
        change(document)
        return document

    return edit


@pytest.mark.parametrize(
    "edit",
    [
        lambda document: [],
        lambda document: {},
        lambda document: {**document, "info": None},
        _edited(lambda d: d["info"].pop("target")),
        _edited(lambda d: d["info"].update(target="abc")),
        _edited(lambda d: d["info"].update(head_height_m=-1)),
        _edited(lambda d: d["info"].update(head_height_m=float("nan"))),
        _edited(lambda d: d["info"].update(name=5)),
        _edited(lambda d: d["info"].update(au_channels=[1, 2])),
        _edited(lambda d: d["info"].update(training=3)),
        _edited(lambda d: d["deformer"].update(n_au=9)),
        _edited(lambda d: d["deformer"].update(hidden_heads=10**6)),
        _edited(lambda d: d["deformer"].update(hidden_heads="x")),
    ],
)
def test_descriptions_that_do_not_fit(saved, tmp_path, edit):
    tensors, metadata = _parts(saved)
    path = tmp_path / "wrong.safetensors"
    save_file(tensors, path, {**metadata, "avatar": json.dumps(edit(json.loads(metadata["avatar"])))})
    _sentence(path)


def test_description_that_is_not_json(saved, tmp_path):
    tensors, metadata = _parts(saved)
    path = tmp_path / "wrong.safetensors"
    save_file(tensors, path, {**metadata, "avatar": "{"})
    _sentence(path)


def test_avatar_with_nan_is_not_written(tmp_path):
    avatar = toy_avatar(300)
    broken = replace(avatar, gaussians=avatar.gaussians.replace(means=avatar.gaussians.means * float("nan")))
    with pytest.raises(StudioError, match=r"gaussians\.means"):
        save_avatar(broken, tmp_path / "a.safetensors")
    assert not list(tmp_path.iterdir())


def test_failed_writing_leaves_the_old_file(saved, tmp_path, monkeypatch):
    path = tmp_path / "a.safetensors"
    path.write_bytes(b"before")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(targets.os, "fsync", full)
    with pytest.raises(StudioError, match=r"disk is full, a\.safetensors was not written"):
        save_avatar(toy_avatar(300), path)
    assert path.read_bytes() == b"before"
    assert [file.name for file in tmp_path.iterdir()] == ["a.safetensors"]


def test_unwritable_place(tmp_path):
    with pytest.raises(StudioError, match="is gone"):
        save_avatar(toy_avatar(300), tmp_path / "none" / "a.safetensors")


def test_shipped_avatars_are_found_by_name(saved, tmp_path, monkeypatch):
    (tmp_path / "avatars").mkdir()
    monkeypatch.setattr(module, "assets_dir", lambda: tmp_path)
    with pytest.raises(StudioError, match="no avatar"):
        default_avatar()
    for name in ("zoe", "ada"):
        (tmp_path / "avatars" / f"{name}.safetensors").write_bytes(saved.read_bytes())
    assert [path.stem for path in list_avatars()] == ["ada", "zoe"]
    assert find_avatar("zoe").stem == "zoe"
    assert find_avatar(str(saved)) == saved
    assert default_avatar().stem == "ada"
    (tmp_path / "avatars" / "nora.safetensors").write_bytes(saved.read_bytes())
    assert default_avatar().stem == "nora"
    with pytest.raises(StudioError, match="ada, nora, zoe"):
        find_avatar("bob")
    with pytest.raises(StudioError, match="does not exist"):
        find_avatar("bob.safetensors")


def test_default_camera_frames_the_head():
    avatar = toy_avatar(300)
    camera = avatar.camera(width=400, height=300)
    top = camera.world_to_camera @ [
        *avatar.info.target[:1],
        avatar.info.target[1] + TOY_HEIGHT_M,
        avatar.info.target[2],
        1,
    ]
    assert abs(camera.fy * top[1] / top[2]) == pytest.approx(0.68 * 300, rel=1e-6)
    assert (camera.width, camera.height) == (400, 300)


def test_camera_distance_is_in_head_heights():
    avatar = toy_avatar(300)
    camera = avatar.camera(30, 10, 4.0)
    distance = sum((a - b) ** 2 for a, b in zip(camera.position, avatar.info.target, strict=True)) ** 0.5
    assert distance == pytest.approx(4 * TOY_HEIGHT_M)
