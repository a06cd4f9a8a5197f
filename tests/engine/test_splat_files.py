"""A frame's Gaussians survive the way through a PLY file and look the same."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from studio.engine.camera import orbit_camera
from studio.engine.gaussians import Gaussians
from studio.engine.provenance import DIGITAL_SOURCE_TYPE, Provenance
from studio.engine.splat.cpu import CpuRasterizer
from studio.engine.splat_files import half_turn_signs, ply_bytes, splat_properties
from tests.support import controls, toy_avatar


def read_ply(data: bytes) -> tuple[list[str], NDArray[np.void]]:
    """Header lines, and vertices by name: a reader as viewers have it, which knows nothing of the writer."""
    head, _, body = data.partition(b"end_header\n")
    lines = head.decode("ascii").splitlines()
    assert lines[:2] == ["ply", "format binary_little_endian 1.0"]
    names = [line.split()[2] for line in lines if line.startswith("property float ")]
    count = next(int(line.split()[2]) for line in lines if line.startswith("element vertex "))
    vertices = np.frombuffer(body, np.dtype([(name, "<f4") for name in names]))
    assert len(vertices) == count
    return lines, vertices


def as_a_viewer(data: bytes) -> Gaussians:
    """What SuperSplat shows: the file's Gaussians, turned by 180° about z."""
    _, v = read_ply(data)

    def columns(*names: str) -> torch.Tensor:
        return torch.from_numpy(np.stack([v[name] for name in names], -1).astype(np.float32))

    assert {*v.dtype.names} >= {"nx", "ny", "nz"}
    rest = sum(name.startswith("f_rest_") for name in v.dtype.names or ()) // 3
    dc = columns("f_dc_0", "f_dc_1", "f_dc_2")[:, None]
    higher = columns(*(f"f_rest_{i}" for i in range(3 * rest))).reshape(-1, 3, rest).transpose(1, 2) if rest else None
    sh = dc if higher is None else torch.cat([dc, higher], 1)
    w, x, y, z = columns("rot_0", "rot_1", "rot_2", "rot_3").unbind(1)
    return Gaussians(
        columns("x", "y", "z") * torch.tensor([-1.0, -1.0, 1.0]),
        torch.stack([-z, -y, x, w], 1),
        columns("scale_0", "scale_1", "scale_2"),
        torch.from_numpy(v["opacity"].copy()),
        sh * torch.from_numpy(half_turn_signs(rest + 1))[:, None],
    )


def test_properties_are_the_common_ones() -> None:
    assert splat_properties(1) == (
        "x", "y", "z", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2", "opacity",
        "scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3",
    )  # fmt: skip
    assert splat_properties(16)[9:54] == tuple(f"f_rest_{i}" for i in range(45))


def test_values_are_those_that_gsplat_writes() -> None:
    """But for the turn of the axes and the normals, which it leaves out."""
    exporter = pytest.importorskip("gsplat.exporter")
    head = toy_avatar(100).gaussians
    random = torch.Generator().manual_seed(1)
    sh = torch.cat([head.sh, torch.randn(len(head), 8, 3, generator=random)], 1)
    head = head.replace(sh=sh)
    theirs = exporter.export_splats(
        head.means, head.log_scales, head.quats, head.opacity_logits, head.sh[:, :1], head.sh[:, 1:]
    )
    _, ours = read_ply(ply_bytes(head, Provenance("frame")))
    _, other = read_ply(theirs)
    assert [name for name in ours.dtype.names or () if name not in ("nx", "ny", "nz")] == list(other.dtype.names or ())
    signs = np.tile(half_turn_signs(9)[1:], 3)
    for i, sign in enumerate(signs):
        assert np.array_equal(ours[f"f_rest_{i}"], sign * other[f"f_rest_{i}"])
    for name in ("f_dc_0", "f_dc_2", "opacity", "scale_1", "z"):
        assert np.array_equal(ours[name], other[name])
    assert np.array_equal(ours["x"], -other["x"])


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_a_file_looks_like_the_frame(degree: int) -> None:
    from studio.engine.renderer import Renderer

    moved = Renderer(toy_avatar(300), backend="cpu").deformed(controls({"AU26": 4.0}, {"jaw_open": 0.7}))
    random = torch.Generator().manual_seed(degree)
    higher = 0.2 * torch.randn(len(moved), (degree + 1) ** 2 - 1, 3, generator=random)
    moved = moved.replace(sh=torch.cat([moved.sh, higher], 1), quats=moved.quats * 3)
    back = as_a_viewer(ply_bytes(moved, Provenance("frame")))
    camera = orbit_camera(35, 12, 0.9, width=48, height=48, target=(0.0, 0.0, -0.09))
    first, second = (CpuRasterizer().render(g, camera) for g in (moved, back))
    error = float(((first.rgb - second.rgb) ** 2).mean())
    assert float(first.alpha.max()) > 0.9
    assert 10 * np.log10(1 / max(error, 1e-20)) >= 50


def test_turning_the_camera_instead_of_the_file_shows_the_same() -> None:
    """The file's own axes with a camera that was turned with them: the harmonics' signs are those of the turn."""
    avatar = toy_avatar(200)
    random = torch.Generator().manual_seed(5)
    higher = 0.3 * torch.randn(len(avatar.gaussians), 15, 3, generator=random)
    head = avatar.gaussians.replace(sh=torch.cat([avatar.gaussians.sh, higher], 1))
    viewed = as_a_viewer(ply_bytes(head, Provenance("frame")))
    turn = torch.tensor([-1.0, -1.0, 1.0])
    w, x, y, z = viewed.quats.unbind(1)
    raw = viewed.replace(
        means=viewed.means * turn,
        quats=torch.stack([-z, -y, x, w], 1),
        sh=viewed.sh * torch.from_numpy(half_turn_signs(16))[:, None],
    )
    camera = orbit_camera(40, 20, 0.9, width=32, height=32)
    matrix = camera.world_to_camera @ np.diag([-1.0, -1.0, 1.0, 1.0])
    turned = type(camera)(matrix, camera.fx, camera.fy, camera.cx, camera.cy, camera.width, camera.height)
    first = CpuRasterizer().render(head, camera).rgb
    second = CpuRasterizer().render(raw, turned).rgb
    assert float((first - second).abs().max()) < 1e-3


def test_the_header_tells_the_origin_in_plain_letters() -> None:
    data = ply_bytes(toy_avatar(100).gaussians, Provenance("Zoë\nsays end_header"))
    lines, _ = read_ply(data)
    comments = [line for line in lines if line.startswith("comment ")]
    assert comments[0] == "comment Title: 'Zo? says end_header'"
    assert any(DIGITAL_SOURCE_TYPE in line for line in comments)
