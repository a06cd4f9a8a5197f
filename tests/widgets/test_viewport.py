from __future__ import annotations

import sys

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from studio.widgets.presenters import GlPresenter, RasterPresenter, gl_renderer, make_presenter
from tests.playback.engines import PlainRenderer
from tests.widgets import pointer
from tests.widgets.conftest import PATIENCE_MS, Studio

CENTRE = QPoint(300, 200)


def test_orbit_with_the_left_button(studio: Studio) -> None:
    viewport = studio.window.viewport
    studio.drag(viewport, CENTRE, CENTRE + QPoint(100, 30))
    view = viewport.controller.view
    assert view.yaw_deg < -10
    assert view.pitch_deg > 3
    assert viewport.cursor().shape() == Qt.CursorShape.OpenHandCursor
    studio.settle()
    camera = studio.renderer.drawn[-1][1]
    assert camera.position[0] < 0


def test_the_cursor_tells_the_gesture(studio: Studio) -> None:
    viewport = studio.window.viewport
    for button, modifier, shape in (
        (Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, Qt.CursorShape.ClosedHandCursor),
        (Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier, Qt.CursorShape.SizeAllCursor),
        (Qt.MouseButton.MiddleButton, Qt.KeyboardModifier.NoModifier, Qt.CursorShape.SizeAllCursor),
        (Qt.MouseButton.RightButton, Qt.KeyboardModifier.NoModifier, Qt.CursorShape.SizeVerCursor),
    ):
        studio.press(viewport, CENTRE, button, modifier)
        assert viewport.cursor().shape() == shape
        QTest.mouseRelease(viewport, button, modifier, CENTRE)


@pytest.mark.parametrize(
    ("button", "modifier"),
    [
        (Qt.MouseButton.MiddleButton, Qt.KeyboardModifier.NoModifier),
        (Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier),
    ],
)
def test_pan_moves_the_head_with_the_pointer(
    studio: Studio, button: Qt.MouseButton, modifier: Qt.KeyboardModifier
) -> None:
    viewport = studio.window.viewport
    studio.drag(viewport, CENTRE, CENTRE + QPoint(80, 0), button, modifier)
    x, y, _ = viewport.controller.view.offset_m
    assert x < -0.005  # the target goes to the left, so the head goes to the right
    assert abs(y) < 1e-9


def test_dolly_with_wheel_and_right_button(studio: Studio) -> None:
    viewport = studio.window.viewport
    before = viewport.controller.distance
    pointer.wheel(viewport, 2, CENTRE)
    nearer = viewport.controller.distance
    assert nearer == pytest.approx(before * 0.81)
    studio.drag(viewport, CENTRE, CENTRE + QPoint(0, 60), Qt.MouseButton.RightButton)
    assert viewport.controller.distance > nearer


def test_plus_and_minus_come_nearer_where_the_viewport_has_the_focus(studio: Studio) -> None:
    viewport, timeline = studio.window.viewport, studio.window.timeline
    before, whole_s = viewport.controller.distance, timeline.state.view.span_s
    viewport.setFocus()
    QTest.keyClick(viewport, Qt.Key.Key_Plus)
    assert viewport.controller.distance == pytest.approx(before * 0.9)
    QTest.keyClick(viewport, Qt.Key.Key_Minus)
    assert viewport.controller.distance == pytest.approx(before)
    assert timeline.state.view.span_s == whole_s
    timeline.canvas.setFocus()
    QTest.keyClick(timeline.canvas, Qt.Key.Key_Plus)
    assert viewport.controller.distance == pytest.approx(before)
    assert timeline.state.view.span_s < whole_s


def test_double_click_frames_the_head_again(studio: Studio) -> None:
    viewport = studio.window.viewport
    viewport.controller.dolly(5)
    viewport.controller.pan(0.3, 0.3)
    QTest.mouseDClick(viewport, Qt.MouseButton.LeftButton, pos=CENTRE)
    assert viewport.controller.view.distance is None
    assert viewport.controller.view.offset_m == (0, 0, 0)


@pytest.mark.parametrize(
    ("key", "modifier", "yaw", "pitch"),
    [
        (Qt.Key.Key_3, Qt.KeyboardModifier.NoModifier, 90, 0),
        (Qt.Key.Key_3, Qt.KeyboardModifier.ControlModifier, -90, 0),
        (Qt.Key.Key_7, Qt.KeyboardModifier.KeypadModifier, 0, 89),
        (Qt.Key.Key_7, Qt.KeyboardModifier.ControlModifier, 0, -89),
        (Qt.Key.Key_1, Qt.KeyboardModifier.ControlModifier, 180, 0),
        (Qt.Key.Key_1, Qt.KeyboardModifier.KeypadModifier, 0, 0),
    ],
)
def test_keys_go_to_standard_views(
    studio: Studio, key: Qt.Key, modifier: Qt.KeyboardModifier, yaw: float, pitch: float
) -> None:
    studio.window.viewport.controller.orbit(0.2, 0.1)
    studio.key(key, modifier)
    view = studio.window.viewport.controller.view
    assert (view.yaw_deg, view.pitch_deg) == (yaw, pitch)


def test_pictures_have_the_viewports_shape(studio: Studio) -> None:
    viewport = studio.window.viewport
    studio.until(lambda: not studio.driver.show.moving)
    studio.settle()
    camera = studio.renderer.drawn[-1][1]
    assert camera.width / camera.height == pytest.approx(viewport.width() / viewport.height(), abs=0.01)


def test_a_still_picture_gets_all_pixels_once_the_hand_rests(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    quality = studio.driver.show.quality
    for _ in range(5):
        quality.learn(500, 500, 5.0, 300.0)
    monkeypatch.setattr(quality, "learn", lambda *_: None)  # as if every picture took so long
    studio.drag(studio.window.viewport, CENTRE, CENTRE + QPoint(50, 0))
    studio.settle()
    small = studio.renderer.drawn[-1][1].height
    studio.until(lambda: studio.renderer.drawn[-1][1].height > small)
    _, height = studio.window.viewport.device_size()
    assert studio.renderer.drawn[-1][1].height == height


def test_an_avatar_is_awaited_with_a_word(empty_studio: Studio) -> None:
    assert empty_studio.window.viewport.overlay.headline == "Loading"
    empty_studio.open(None)
    assert empty_studio.window.viewport.overlay.headline == ""


def test_the_readout_can_be_hidden(studio: Studio) -> None:
    overlay = studio.window.viewport.overlay
    assert "plain" in overlay.readout
    studio.window.actions_["view.readout"].trigger()
    assert overlay.readout == ""


def test_the_raster_presenter_paints_what_it_is_given(qtbot: QtBot, studio: Studio) -> None:
    presenter = RasterPresenter()
    qtbot.addWidget(presenter)
    presenter.resize(40, 30)
    rgba = studio.driver.shown.rgba.copy()  # type: ignore[union-attr]
    rgba[...] = (200, 100, 50, 255)
    with qtbot.waitSignal(presenter.presented):
        presenter.show_pixels(rgba)
        presenter.show()
    pixel = presenter.grab().toImage().pixelColor(20, 15)
    assert (pixel.red(), pixel.green(), pixel.blue()) == (200, 100, 50)


@pytest.mark.gl
def test_the_opengl_presenter_paints_the_same(qtbot: QtBot, studio: Studio) -> None:
    if gl_renderer() is None:
        pytest.skip("this platform has no OpenGL")
    presenter = make_presenter("opengl")
    assert isinstance(presenter, GlPresenter)
    qtbot.addWidget(presenter)
    presenter.resize(40, 30)
    rgba = studio.driver.shown.rgba.copy()  # type: ignore[union-attr]
    rgba[...] = (200, 100, 50, 255)
    with qtbot.waitSignal(presenter.presented, timeout=PATIENCE_MS):
        presenter.show()
        presenter.show_pixels(rgba)
    pixel = presenter.grabFramebuffer().pixelColor(20, 15)
    assert (pixel.red(), pixel.green(), pixel.blue()) == (200, 100, 50)
    presenter.set_divider(0.25)
    with qtbot.waitSignal(presenter.presented, timeout=PATIENCE_MS):
        presenter.show_pixels(rgba, rgba // 2)
    image = presenter.grabFramebuffer()
    assert (image.pixelColor(4, 15).red(), image.pixelColor(30, 15).red()) == (100, 200)


def test_without_a_graphics_card_pictures_are_painted_in_memory(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.widgets.presenters.gl_renderer", lambda: "llvmpipe (LLVM 15, 256 bits)")
    assert isinstance(make_presenter(), RasterPresenter)
    monkeypatch.setattr("studio.widgets.presenters.gl_renderer", lambda: None)
    assert isinstance(make_presenter(), RasterPresenter)


def test_repainting_loses_no_reference_to_none(studio: Studio) -> None:
    slider = studio.window.panel.rows["AU1"].slider
    before = sys.getrefcount(None)
    for _ in range(400):
        slider.repaint()
    assert abs(sys.getrefcount(None) - before) < 200


def test_an_avatar_that_fails_to_load_leaves_the_one_before(studio: Studio) -> None:
    def broken(path: object) -> PlainRenderer:
        raise OSError("disk on fire")

    studio.load = broken
    studio.window.files.open(studio.window.files.folder / "other.safetensors")
    studio.until(lambda: bool(studio.answers.errors))
    assert "disk on fire" in studio.answers.errors[0]
    assert studio.session.project.avatar is None
    studio.session.hold("AU1", 1.0)
    studio.settle()
    assert studio.red() == 50
