import concurrent.futures
import importlib.util

import numpy as np
import pytest
import torch
from PIL import Image

from studio.engine.aids import Aids, Inspection
from studio.engine.avatar import load_avatar, save_avatar
from studio.engine.controls import Pose
from studio.engine.export import export_clip
from studio.engine.renderer import Renderer
from studio.engine.splat.base import Raster
from studio.engine.splat.compose import compose_rgba8
from studio.engine.splat.cpu import CpuRasterizer
from studio.engine.splat.instances import instances_of
from studio.errors import StudioError
from tests.support import controls, toy_avatar

SIZE = 96
GREY = (0.5, 0.5, 0.5)


@pytest.fixture(scope="module")
def renderer():
    return Renderer(toy_avatar(1200), backend="cpu")


def _frame(renderer, au=None, articulators=None, pose=None, background=GREY, yaw=0.0):
    camera = renderer.avatar.camera(yaw, width=SIZE, height=SIZE)
    return renderer.frame(controls(au, articulators, pose), camera, background=background).rgba


def _rows_changed(a, b):
    return np.abs(a.astype(int) - b.astype(int)).max((1, 2))


def test_draws_a_head(renderer):
    rgba = _frame(renderer)
    assert rgba.shape == (SIZE, SIZE, 4)
    assert rgba.dtype == np.uint8
    assert (rgba[..., 3] == 255).all()
    assert np.abs(rgba[0, 0, :3].astype(int) - 128).max() <= 1
    cheek, hair = rgba[54, 40, :3], rgba[16, 48, :3]
    assert np.abs(cheek - np.array([209, 158, 133])).max() < 4
    assert np.abs(hair - np.array([56, 36, 26])).max() < 4
    lips = rgba[62:70, 44:52, :3].reshape(-1, 3).astype(int)
    assert (lips[:, 0] - lips[:, 1]).max() > (int(cheek[0]) - int(cheek[1])) + 30


def test_transparent_background_has_straight_alpha(renderer):
    rgba = _frame(renderer, background=None)
    assert rgba[0, 0, 3] == 0
    assert rgba[54, 40, 3] == 255
    rim = (rgba[..., 3] > 20) & (rgba[..., 3] < 120) & (np.arange(SIZE)[:, None] < 60)
    assert rim.any()
    assert rgba[rim][:, 0].min() > 20  # the colour of skin or hair, not darkened towards the rim
    over = _frame(renderer).astype(float)
    share = rgba[..., 3:] / 255.0
    assert np.abs(rgba[..., :3] * share + 127.5 * (1 - share) - over[..., :3]).max() < 2.5


def test_same_question_same_answer(renderer):
    first = _frame(renderer, {"AU12": 3.0})
    _frame(renderer, {"AU4": 5.0}, pose=Pose(20.0))
    assert np.array_equal(_frame(renderer, {"AU12": 3.0}), first)


def test_frame_is_the_composed_raster(renderer):
    camera, smile = renderer.avatar.camera(20, width=SIZE, height=SIZE), controls({"AU12": 4.0})
    raster = renderer.raster(smile, camera)
    assert isinstance(raster, Raster)
    assert np.array_equal(compose_rgba8(raster, GREY), renderer.frame(smile, camera, background=GREY).rgba)


def test_brow_and_mouth_move_where_they_should(renderer):
    rest = _frame(renderer)
    brow = _rows_changed(_frame(renderer, {"AU1": 5.0, "AU2": 5.0}), rest)
    smile = _rows_changed(_frame(renderer, {"AU12": 5.0}), rest)
    speech = _rows_changed(_frame(renderer, None, {"lips_part": 1.0}), rest)
    assert brow[25:45].max() > 12
    assert brow[60:].max() < 4
    assert smile[55:75].max() > 12
    assert smile[:35].max() < 4
    assert speech[55:80].max() > 12
    assert speech[:35].max() < 4


def test_more_intensity_changes_more(renderer):
    rest = _frame(renderer).astype(int)
    change = [np.abs(_frame(renderer, {"AU12": value}) - rest).sum() for value in (1.0, 2.5, 5.0)]
    assert 0 < change[0] < change[1] < change[2]


def test_head_pose_and_camera_turn_the_picture_opposite_ways(renderer):
    # A head that turns to its left shows what a camera further to its right sees.
    def red_centre(rgba):
        lips = rgba[..., 0].astype(int) - rgba[..., 1] > 85
        return np.nonzero(lips)[1].mean()

    centre = red_centre(_frame(renderer))
    assert red_centre(_frame(renderer, pose=Pose(yaw_deg=20.0))) > centre + 3
    assert red_centre(_frame(renderer, yaw=20.0)) < centre - 3


def test_deformed_leaves_the_avatar_alone(renderer):
    before = renderer.avatar.gaussians.means.clone()
    moved = renderer.deformed(controls({"AU26": 5.0}, pose=Pose(10.0)))
    assert not torch.equal(moved.means, before)
    assert torch.equal(renderer.avatar.gaussians.means, before)
    assert renderer.deformed(controls()).means.equal(before)


def test_deforms_again_only_when_controls_change(renderer):
    smile, ghost = controls({"AU12": 5.0}, pose=Pose(10.0)), controls({"AU4": 5.0})
    first, other = renderer.deformed(smile), renderer.deformed(ghost)
    assert renderer.deformed(controls({"AU12": 5.0}, pose=Pose(10.0))) is first
    assert renderer.deformed(ghost) is other
    for changed in (
        controls({"AU12": 4.9}, pose=Pose(10.0)),
        controls({"AU12": 5.0}, {"jaw_open": 0.1}, Pose(10.0)),
        controls({"AU12": 5.0}, pose=Pose(10.1)),
    ):
        assert not torch.equal(renderer.deformed(changed).means, first.means)


def test_saved_avatar_looks_the_same(renderer, tmp_path):
    save_avatar(renderer.avatar, tmp_path / "a.safetensors")
    again = Renderer(load_avatar(tmp_path / "a.safetensors"), backend="cpu")
    a, b = _frame(renderer, {"AU12": 4.0}).astype(int), _frame(again, {"AU12": 4.0}).astype(int)
    assert np.abs(a - b).max() <= 2


def test_one_renderer_per_thread():
    avatar = toy_avatar(600)
    tasks = [{"AU12": 5.0}, {"AU4": 5.0}, {"AU26": 5.0}, {}]
    expected = [_frame(Renderer(avatar, backend="cpu"), task) for task in tasks]

    def draw(task):
        own = Renderer(avatar, backend="cpu")
        return [_frame(own, task) for _ in range(5)]

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for frames, wanted in zip(pool.map(draw, tasks), expected, strict=True):
            assert all(np.array_equal(frame, wanted) for frame in frames)


def test_times_are_measured(renderer):
    frame = renderer.frame(controls(), renderer.avatar.camera(width=32, height=32), background=None)
    assert frame.deform_ms > 0
    assert frame.raster_ms > 0


def test_backends():
    assert Renderer(toy_avatar(200), backend="cpu").backend == "cpu"
    with pytest.raises(StudioError, match="crayon"):
        Renderer(toy_avatar(200), backend="crayon")


@pytest.mark.gpu
@pytest.mark.skipif(
    not torch.cuda.is_available() or importlib.util.find_spec("gsplat") is None,
    reason="needs an NVIDIA card and gsplat",
)
def test_cuda_draws_the_same():
    avatar = toy_avatar(600)
    a, b = (_frame(Renderer(avatar, backend=name), {"AU12": 4.0}).astype(int) for name in ("cpu", "cuda"))
    assert np.abs(a - b).max() <= 3


def test_a_viewer_with_a_card_gets_the_gaussians_of_the_same_picture(renderer):
    direct = Renderer(renderer.avatar, backend="opengl", direct=True)
    assert direct.direct
    assert direct.backend == "opengl"
    camera = renderer.avatar.camera(10.0, width=SIZE, height=SIZE)
    smile, frown = controls({"AU12": 4.0}), controls({"AU4": 4.0})
    made = direct.direct_frame(smile, camera, background=GREY, aids=Aids(Inspection("zones"), frown))
    assert made.drawing.size_px == (SIZE, SIZE)
    assert made.drawing.background == GREY
    assert made.drawing.ghost_share == pytest.approx(0.35)
    assert made.legend == renderer.frame(smile, camera, aids=Aids(Inspection("zones"))).legend
    for got, moment in ((made.drawing.instances, smile), (made.drawing.ghost, frown)):
        want = instances_of(renderer.deformed(moment), camera).rows
        assert np.array_equal(got.rows[:, :11], want[:, :11])
    assert made.drawing.instances.rows.shape == made.drawing.ghost.rows.shape


def test_the_viewers_card_is_not_used_where_something_else_was_asked_for(renderer, monkeypatch):
    assert not Renderer(renderer.avatar, backend="cpu", direct=True).direct
    assert not Renderer(renderer.avatar, backend="reference", direct=True).direct
    monkeypatch.setenv("EMOZONE_BACKEND", "cpu")
    asked = Renderer(renderer.avatar, direct=True)
    assert (asked.direct, asked.backend) == (False, "cpu")
    monkeypatch.setenv("EMOZONE_BACKEND", "opengl")
    assert Renderer(renderer.avatar, direct=True).direct
    monkeypatch.delenv("EMOZONE_BACKEND")
    assert Renderer(renderer.avatar, direct=True).direct, "no CUDA here, so the viewer's card is the best"


def test_pixels_can_be_had_after_all_and_the_processor_is_the_last_resort(renderer, monkeypatch, caplog):
    def refuse(name):
        raise StudioError("No OpenGL 3.3 could be started.")

    monkeypatch.setattr("studio.engine.renderer.choose_rasterizer", refuse)
    direct = Renderer(renderer.avatar, backend="opengl", direct=True)
    camera = renderer.avatar.camera(width=SIZE, height=SIZE)
    got = direct.frame(controls(), camera, background=GREY).rgba
    assert direct.backend == "cpu"
    assert "No OpenGL" in caplog.text
    assert np.array_equal(got, renderer.frame(controls(), camera, background=GREY).rgba)


class TogetherRasterizer(CpuRasterizer):
    """Draws several moments in one call, as a card would."""

    def __init__(self):
        self.calls = []

    def render_many(self, moments, cameras):
        self.calls.append(len(moments))
        return [self.render(gaussians, camera) for gaussians, camera in zip(moments, cameras, strict=True)]


def test_frames_drawn_together_are_the_frames(renderer, monkeypatch):
    together = TogetherRasterizer()
    monkeypatch.setattr("studio.engine.renderer.choose_rasterizer", lambda name: together)
    many = Renderer(renderer.avatar)
    assert (many.batch, renderer.batch) == (8, 1)
    moments = [controls({"AU12": level}) for level in (0.0, 2.0, 5.0)]
    cameras = [renderer.avatar.camera(yaw, width=SIZE, height=SIZE) for yaw in (0.0, 10.0, 20.0)]
    alone = [renderer.frame(m, c, background=GREY).rgba for m, c in zip(moments, cameras, strict=True)]
    for pictures in (
        many.frames(moments, cameras, background=GREY),
        renderer.frames(moments, cameras, background=GREY),
    ):
        assert all(np.array_equal(a, b) for a, b in zip(pictures, alone, strict=True))
    assert together.calls == [3]


def test_an_export_draws_together_what_it_can(renderer, monkeypatch, tmp_path):
    together = TogetherRasterizer()
    monkeypatch.setattr("studio.engine.renderer.choose_rasterizer", lambda name: together)

    class Smiling:
        def controls(self, time_s):
            return controls({"AU12": 25 * time_s})

    export_clip(Renderer(renderer.avatar), Smiling(), None, tmp_path / "a", form="png-frames", size=64, end_s=0.4)
    export_clip(renderer, Smiling(), None, tmp_path / "b", form="png-frames", size=64, end_s=0.4)
    assert together.calls == [8, 2]
    names = sorted(path.name for path in (tmp_path / "b").glob("*.png"))
    assert len(names) == 10
    for name in names:
        pictures = [np.asarray(Image.open(tmp_path / folder / name)) for folder in "ab"]
        assert np.array_equal(*pictures)
