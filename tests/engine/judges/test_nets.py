"""The judges' networks: shapes, gradients, and files that are what they say."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from studio.engine.judges.framing import FACE_PX, MOUTH_PX
from studio.engine.judges.nets import FRAMES, SyncNet, UnitNet, load_judge, read_info, save_judge
from studio.errors import StudioError


def test_windows_and_speech_of_one_shot_pair_up() -> None:
    net = SyncNet()
    features = net.mouths(torch.rand(9, 3, MOUTH_PX, MOUTH_PX)).view(1, 9, -1)
    windows, glances = net.windows(features), net.glances(features)
    window, still = net.speech(torch.rand(1, 4 * 4 + 21, 41))
    assert windows.shape == window.shape == still.shape == (1, 9 - FRAMES + 1, 64)
    assert glances.shape == (1, 9, 64)
    for vectors in (windows, glances, window, still):
        torch.testing.assert_close(vectors.norm(dim=-1), torch.ones(vectors.shape[:-1]))


def test_units_are_read_per_picture() -> None:
    net = UnitNet().eval()
    faces = torch.rand(3, 3, FACE_PX, FACE_PX)
    assert net(faces).shape == (3, 17)
    torch.testing.assert_close(net(faces)[1:2], net(faces[1:2]), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("net", [SyncNet(), UnitNet()], ids=["sync", "au"])
def test_judges_are_small_and_pass_gradients_to_the_picture(net: SyncNet | UnitNet) -> None:
    assert sum(p.numel() for p in net.parameters()) <= 500_000
    if isinstance(net, SyncNet):
        picture = torch.rand(1, 3, MOUTH_PX, MOUTH_PX, requires_grad=True)
        net.glances(net.mouths(picture))[0, 0].backward()
    else:
        picture = torch.rand(1, 3, FACE_PX, FACE_PX, requires_grad=True)
        net(picture).sum().backward()
    assert picture.grad is not None
    assert float(picture.grad.abs().sum()) > 0


def test_light_and_contrast_hardly_matter() -> None:
    net = UnitNet().eval()
    face = 0.2 + 0.6 * torch.rand(1, 3, FACE_PX, FACE_PX)
    torch.testing.assert_close(net(face), net(0.8 * face + 0.1), atol=0.02, rtol=0.05)


def test_files_keep_the_judge(tmp_path: Path) -> None:
    net = UnitNet().eval()
    path = tmp_path / "au.safetensors"
    save_judge(net, {"figures": {"mean r": 0.9}}, path)
    assert read_info(path)["figures"] == {"mean r": 0.9}
    face = torch.rand(1, 3, FACE_PX, FACE_PX)
    again = load_judge(UnitNet, path)
    torch.testing.assert_close(again(face), net(face), atol=0.02, rtol=0.02)
    assert not any(p.requires_grad for p in again.parameters())
    assert list(tmp_path.iterdir()) == [path]


def test_bad_files_give_one_sentence(tmp_path: Path) -> None:
    good = tmp_path / "au.safetensors"
    save_judge(UnitNet(), {}, good)
    with pytest.raises(StudioError, match="no judge"):
        load_judge(UnitNet, tmp_path / "missing.safetensors")
    with pytest.raises(StudioError, match="kind 'au', not 'sync'"):
        load_judge(SyncNet, good)
    junk = tmp_path / "junk.safetensors"
    junk.write_bytes(b"junk")
    with pytest.raises(StudioError, match="is not a judge"):
        load_judge(UnitNet, junk)
    bare = tmp_path / "bare.safetensors"
    save_file(load_file(good), bare)
    with pytest.raises(StudioError, match="is not a judge"):
        read_info(bare)
    tensors = load_file(good)
    tensors.popitem()
    other = tmp_path / "other.safetensors"
    save_file(tensors, other, metadata={"judge": '{"kind": "au", "version": 1}'})
    with pytest.raises(StudioError, match="damaged"):
        load_judge(UnitNet, other)
    save_file(tensors, other, metadata={"judge": '{"kind": "au", "version": 99}'})
    with pytest.raises(StudioError, match="another version"):
        load_judge(UnitNet, other)
